from __future__ import annotations

import cv2
import numpy as np
import torch

from motionwarp.parsing import labels
from motionwarp.puppet import parts
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.puppet.textures import cut_textures

SIZE = 120
HAND = np.s_[50:70, 40:80]
CLOTH, SKIN = (40, 60, 160), (220, 170, 150)


def test_cloth_beneath_a_hand_takes_nothing_of_the_hands_color() -> None:
    rgb = np.full((SIZE, SIZE, 3), CLOTH, dtype=np.uint8)
    rgb[HAND] = SKIN
    rgb = cv2.GaussianBlur(rgb, (0, 0), 1.0)  # as lenses mix them
    parsing = np.full((SIZE, SIZE), labels.UPPER_CLOTHES, dtype=np.uint8)
    parsing[HAND] = labels.LEFT_ARM
    margins = np.full((parts.PART_COUNT, SIZE, SIZE), -20, dtype=np.float32)
    margins[parts.TORSO] = 3
    own = margins.copy()
    margins[parts.LEFT_HAND][HAND] = own[parts.LEFT_HAND][HAND] = 3
    own[parts.TORSO][HAND] = -3
    matte = np.ones((SIZE, SIZE), dtype=np.float32)
    textures = cut_textures(
        rgb, matte, parsing, PartRegions(margins, own), keep_parsing=False, device=torch.device("cpu")
    )
    torso, hand = textures[parts.TORSO], textures[parts.LEFT_HAND]
    assert torso is not None
    assert hand is not None
    beneath = 255 * torso.rgba[0, :3, 50 - torso.top : 70 - torso.top, 40 - torso.left : 80 - torso.left]
    np.testing.assert_allclose(beneath.mean(dim=(1, 2)), CLOTH, atol=1.5)
    shown = 255 * hand.rgba[0, :3, 55 - hand.top : 65 - hand.top, 50 - hand.left : 70 - hand.left]
    np.testing.assert_allclose(shown.mean(dim=(1, 2)), SKIN, atol=1.5)
