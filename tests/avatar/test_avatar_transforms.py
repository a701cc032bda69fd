"""How bones move an avatar's surroundings from the photo to another pose."""

import numpy as np
import pytest
from small_avatar import small_avatar

from motionwarp.avatar.extremities import camera_turn
from motionwarp.avatar.turntable import upright_turn
from motionwarp.body.layout import DRIVEN_BONES

FEET = [DRIVEN_BONES.index(name) for name in ("foot.R", "foot.L")]
OTHERS = [bone for bone in range(len(DRIVEN_BONES)) if bone not in FEET]


def test_at_rest_nothing_moves() -> None:
    avatar = small_avatar()
    still = np.tile(np.eye(3, 4, dtype=np.float32), (len(DRIVEN_BONES), 1, 1))
    np.testing.assert_allclose(avatar.transforms(avatar.rotations, avatar.joints), still, atol=1e-5)


@pytest.mark.parametrize("degrees", [90, 180])
def test_soles_are_seen_from_above_from_whatever_side(degrees: float) -> None:
    avatar, turn = small_avatar(), upright_turn(degrees)
    made = avatar.transforms(turn @ avatar.rotations, avatar.joints @ turn.T)
    up = camera_turn(0.0, np.deg2rad(18.0)) @ np.array([0, -1, 0], dtype=np.float32)  # of a flat sole, in the photo
    np.testing.assert_allclose(made[FEET, :, :3] @ up, [up, up], atol=1e-5)
    np.testing.assert_allclose(made[OTHERS, :, :3], np.broadcast_to(turn, (len(OTHERS), 3, 3)), atol=1e-5)
    # joints are where the body has them all the same
    placed = np.einsum("bij,bj->bi", made[..., :3], avatar.joints) + made[..., 3]
    np.testing.assert_allclose(placed, avatar.joints @ turn.T, atol=1e-4)
