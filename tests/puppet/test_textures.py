from __future__ import annotations

import cv2
import numpy as np
import torch

from motionwarp.parsing import labels
from motionwarp.puppet import parts
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.puppet.textures import cut_textures
from motionwarp.types import FloatArray

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


def test_a_parts_border_is_a_line_where_the_regions_pixels_are_stairs() -> None:
    ys, xs = np.mgrid[:40, :40]
    stairs = np.where(xs > 10 + ys / 2, 8.0, -8.0).astype(np.float32)[None]
    regions = PartRegions(stairs, stairs)

    def roughness(own: FloatArray) -> float:
        """How far, in pixels of the regions, the border at eight times their size is off a straight line."""
        large = cv2.resize(own[0], None, fx=8, fy=8, interpolation=cv2.INTER_LINEAR)[40:280]
        begins = (large > 0).argmax(axis=1) / 8
        rows = np.arange(len(begins))
        return float(np.abs(begins - np.polyval(np.polyfit(rows, begins, 1), rows)).max())

    assert roughness(regions.own) > 0.2
    assert roughness(regions.with_smooth_borders().own) < 0.1


def test_smooth_borders_stay_where_they_are_and_no_pixel_is_lost() -> None:
    one = np.full((30, 30), -9.0, dtype=np.float32)
    one[:, :15] = 9
    one[4, 4] = -np.inf
    made = PartRegions(np.stack([one, -one]), np.stack([one, -one])).with_smooth_borders()
    np.testing.assert_array_equal(made.own.argmax(axis=0)[10:], np.broadcast_to(np.arange(30) >= 15, (20, 30)))
    assert np.isfinite(made.margins).all()
    assert made.own.max(axis=0).min() > -0.3


def test_a_leg_goes_on_beneath_the_other_one_without_the_shade_at_its_edge() -> None:
    rgb = np.full((SIZE, SIZE, 3), SKIN, dtype=np.uint8)
    rgb[:, 58:60] = CLOTH  # shade at the edge of what lies before it
    margins = np.full((parts.PART_COUNT, SIZE, SIZE), -20, dtype=np.float32)
    own = margins.copy()
    margins[parts.RIGHT_SHIN, :, 20:90] = own[parts.RIGHT_SHIN, :, 20:60] = 3
    margins[parts.LEFT_SHIN, :, 60:] = own[parts.LEFT_SHIN, :, 60:] = 3
    parsing = np.full((SIZE, SIZE), labels.RIGHT_LEG, dtype=np.uint8)
    textures = cut_textures(
        rgb,
        np.ones((SIZE, SIZE), dtype=np.float32),
        parsing,
        PartRegions(margins, own),
        keep_parsing=False,
        device=torch.device("cpu"),
    )
    shin = textures[parts.RIGHT_SHIN]
    assert shin is not None
    row = (255 * shin.rgba[0, :3, SIZE // 2].T).numpy()
    # what is seen of it stays as it is, with the shade
    np.testing.assert_allclose(row[[40 - shin.left, 58 - shin.left]], [SKIN, CLOTH], atol=1.5)
    np.testing.assert_allclose(row[62 - shin.left : 88 - shin.left], np.full((26, 3), SKIN), atol=12)
