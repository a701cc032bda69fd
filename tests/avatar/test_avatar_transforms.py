"""How bones move an avatar's surroundings from the photo to another pose."""

from dataclasses import replace

import numpy as np
import pytest
from small_avatar import small_avatar

from motionwarp.avatar.avatar import Avatar
from motionwarp.avatar.extremities import camera_turn
from motionwarp.avatar.sheets import joined
from motionwarp.avatar.turntable import upright_turn
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.puppet import parts
from motionwarp.types import FloatArray

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


def placed(avatar: Avatar, degrees: float) -> FloatArray:
    """Where the vertices of an avatar that turns lie, 100 pixels for a meter."""
    turn = upright_turn(degrees)
    transforms = avatar.transforms(turn @ avatar.rotations, avatar.joints @ turn.T)
    size = (200, 200)
    camera = np.array([100, 100, 100], dtype=np.float32)
    return avatar.surfaces(transforms, camera, size).depth


def with_rim(*, above: bool = False) -> Avatar:
    """One side is soft, or the upper row, the rest opaque."""
    avatar = small_avatar()
    layers, faces = avatar.sheets.layers.copy(), avatar.sheets.faces
    layers[(faces % 15 < 3 if above else faces % 3 == 0).any(axis=1)] = 2
    return replace(avatar, sheets=replace(avatar.sheets, layers=layers))


def test_a_soft_rim_is_seen_from_the_front_and_from_behind_but_not_from_the_side() -> None:
    avatar = with_rim()
    firm = avatar.sheets.layers % 2 == 1
    bare = replace(
        avatar, sheets=replace(avatar.sheets, faces=avatar.sheets.faces[firm], layers=avatar.sheets.layers[firm])
    )
    shown = {degrees: (placed(avatar, degrees) < 1e6).sum() for degrees in (0, 5, 180)}
    without = {degrees: (placed(bare, degrees) < 1e6).sum() for degrees in (0, 5, 180)}
    assert all(shown[degrees] > without[degrees] for degrees in shown)
    for degrees in (60, 300):
        np.testing.assert_array_equal(
            (placed(avatar, degrees) < 1e6).any(axis=2), (placed(bare, degrees) < 1e6).any(axis=2)
        )


def test_a_rim_leaves_little_by_little() -> None:
    avatar = with_rim()
    areas = [(placed(avatar, degrees)[..., 0] < 1e6).sum() / np.cos(np.deg2rad(degrees)) for degrees in range(0, 41, 2)]
    assert np.abs(np.diff(areas)).max() < 0.12 * areas[0]


def test_a_body_lies_beneath_the_cloth_that_hangs_over_it() -> None:
    avatar = small_avatar()
    body, cloth = (
        avatar.sheets,
        replace(avatar.sheets, layers=np.full_like(avatar.sheets.layers, 2 * parts.GARMENT + 1)),
    )
    # the cloth lies within the body by less than what fits are wrong by
    cloth = replace(cloth, positions=cloth.positions * np.array([1, 1, 0.9], dtype=np.float32))
    dressed = replace(avatar, sheets=joined([body, cloth]))
    turn = upright_turn(180)
    for rotation in (np.eye(3, dtype=np.float32), turn):
        transforms = dressed.transforms(rotation @ avatar.rotations, avatar.joints @ rotation.T)
        stack = dressed.surfaces(transforms, np.array([100, 100, 100], dtype=np.float32), (200, 200))
        nearest = stack.layer[..., 0]
        assert set(np.unique(nearest[nearest >= 0])) == {2 * parts.GARMENT + 1}


def test_a_rim_above_is_seen_from_all_sides() -> None:
    avatar = with_rim(above=True)
    for degrees in (0, 60, 300):
        stack = placed(avatar, degrees)
        assert np.flatnonzero((stack < 1e6).any(axis=(1, 2))).min() < 60
