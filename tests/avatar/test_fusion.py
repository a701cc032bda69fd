"""Several photos on one avatar: what a further photo shows better comes from there, all else stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motionwarp.avatar.avatar import Avatar, RestPose
from motionwarp.avatar.fusion import PhotoView, facing, fused
from motionwarp.data.synthetic import (
    BodyPose,
    Camera,
    body_points,
    frame_body,
    place,
    render,
    sample_person,
)
from motionwarp.engines.avatar.making import with_avatar
from motionwarp.parsing import labels
from motionwarp.types import Pose, SourcePerson

_LIMBS = (10.0, 0.0, 0.0, 0.0)
STANDING = BodyPose(right_arm=_LIMBS, left_arm=_LIMBS, right_leg=_LIMBS, left_leg=_LIMBS)


@pytest.fixture(scope="module")
def person() -> SourcePerson:
    drawn = sample_person(np.random.default_rng(5))
    points = body_points(place(drawn.proportions, STANDING))
    camera = frame_body(points, Camera(4.2, 0, 0, 1, 0, 0), 240, 180, share=0.86, middle_x=0.5, middle_y=0.52)
    view = render(drawn, STANDING, camera, np.full((240, 180, 3), 120, np.uint8), 240, 180)
    return SourcePerson(view.rgb, view.matte, view.pose, view.parsing)


@pytest.fixture(scope="module")
def avatar(person: SourcePerson) -> Avatar:
    return with_avatar(person).avatar


def painted(person: SourcePerson, color: tuple[int, int, int]) -> SourcePerson:
    """The person all in one color."""
    return replace(person, rgb=np.where(person.parsing[..., None] > labels.BACKGROUND, color, person.rgb).astype("u1"))


def turned(rest: RestPose, degrees: float, width: int) -> RestPose:
    """The pose as a camera sees it that went round the person."""
    about = Rotation.from_euler("y", degrees, degrees=True).as_matrix().astype(np.float32)
    x = width - 1 - rest.shift[0] if degrees == 180 else rest.shift[0]
    return replace(rest, rotations=about @ rest.rotations, joints=rest.joints @ about.T, shift=(x, rest.shift[1]))


def share_of(avatar: Avatar, color: tuple[int, int, int], rows: np.ndarray) -> float:
    """How much of some vertices' texels has a color."""
    at = np.rint(avatar.sheets.uv[rows]).astype(int)
    texels = avatar.atlas.texels[at[:, 1], at[:, 0]]
    solid = texels[:, 3] > 250
    return float((np.abs(texels[solid, :3].astype(int) - color).max(axis=1) < 12).mean())


def test_a_photo_from_behind_gives_the_back(avatar: Avatar, person: SourcePerson) -> None:
    width = person.matte.shape[1]
    behind = painted(person, (30, 200, 40))
    mirrored = SourcePerson(
        np.ascontiguousarray(behind.rgb[:, ::-1]),
        np.ascontiguousarray(behind.matte[:, ::-1]),
        Pose(person.pose.points * np.float32([-1, 1, 1]) + np.float32([width - 1, 0, 0])),
        np.ascontiguousarray(behind.parsing[:, ::-1]),
    )
    both = fused(avatar, [PhotoView(mirrored, turned(avatar.rest, 180, width))])
    front = np.flatnonzero(facing(avatar.sheets.positions, avatar.sheets.faces) > 0.6)
    back = np.flatnonzero(facing(avatar.sheets.positions, avatar.sheets.faces) < -0.6)
    assert share_of(both, (30, 200, 40), back) > 0.7
    assert share_of(both, (30, 200, 40), front) < 0.05
    np.testing.assert_array_equal(both.sheets.positions, avatar.sheets.positions)
    np.testing.assert_array_equal(both.atlas.texels[..., 3], avatar.atlas.texels[..., 3])


def test_the_same_photo_again_changes_nothing_that_it_shows(avatar: Avatar, person: SourcePerson) -> None:
    again = fused(avatar, [PhotoView(person, avatar.rest)])
    shown = (avatar.atlas.texels[..., 4] > 250) & (avatar.atlas.texels[..., 3] > 250)
    apart = np.abs(again.atlas.texels[shown].astype(int) - avatar.atlas.texels[shown])
    assert apart.max(axis=1).mean() < 1
    assert apart[:, :4].max(axis=1).mean() < 0.01


def test_without_further_photos_it_is_the_same(avatar: Avatar) -> None:
    assert fused(avatar, []) is avatar


def test_textures_made_smaller_lie_where_they_lay(avatar: Avatar) -> None:
    half = avatar.resized(0.5, 0.5)
    camera = np.array([avatar.scale, *avatar.shift], dtype=np.float32)
    pictures = [
        each.render(each.transforms(each.rotations, each.joints), camera, (240, 180))[0] for each in (avatar, half)
    ]
    solid = pictures[0][..., 3] > 250
    assert np.abs(pictures[0] - pictures[1])[solid].mean() < 10
    small = np.array([half.scale, *half.shift], dtype=np.float32)
    rest = half.render(half.transforms(half.rotations, half.joints), small, (120, 90), np.eye(2, 3, dtype=np.float32))
    inside = rest[0][..., 3] > 250
    assert rest[1][inside].mean() > 0.7
