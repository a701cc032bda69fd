"""Arms that the photo's edge cuts off: they go on to a hand, and what the photo shows stays as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from standing_person import standing_person

from motionwarp.avatar.arms_beyond import ARMS, BentBeyond, CutArm, color_ramp, skin_of, wrists_beyond
from motionwarp.avatar.avatar import Avatar, usable_joints
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.engines.avatar.making import with_avatar
from motionwarp.engines.avatar.posing import SourceBody
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.types import FloatArray, Pose, SourcePerson


@pytest.fixture(scope="module")
def whole() -> SourcePerson:
    return standing_person()


def shown_to(person: SourcePerson, last: int) -> SourcePerson:
    """The person in a photo that ends at a row; what it does not show has no points."""
    points = person.pose.points.copy()
    points[points[:, 1] >= last] = 0
    return replace(
        person, rgb=person.rgb[:last].copy(), matte=person.matte[:last].copy(), pose=Pose(points),
        parsing=person.parsing[:last].copy(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def cut(whole: SourcePerson) -> SourcePerson:
    """The same person down to the middle of the forearms."""
    points = whole.pose.points
    arms = points[[sk.RIGHT_ELBOW, sk.LEFT_ELBOW, sk.RIGHT_WRIST, sk.LEFT_WRIST], 1]
    return shown_to(whole, round(float(arms.mean())))


def torso_of(person: SourcePerson) -> float:
    return float(usable_joints(person.pose.points).torso[0])


def raised(avatar: Avatar, size: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """The picture of a person with both forearms up, and where wrists are in it (2, 2)."""
    turns = avatar.rotations.copy()
    for side, sign in (("R", 1), ("L", -1)):
        for bone, degrees in (("upperarm01", 60), ("lowerarm01", 150), ("wrist", 150)):
            angle = np.deg2rad(sign * degrees)
            about_z = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
            bone_number = DRIVEN_BONES.index(f"{bone}.{side}")
            turns[bone_number] = about_z.astype(np.float32) @ turns[bone_number]
    joints = SourceBody.of_avatar(avatar.rest).joints(torch.from_numpy(turns)[None])[0]
    camera = np.array([avatar.scale, *avatar.shift], dtype=np.float32)
    picture, _ = avatar.render(avatar.transforms(turns, joints), camera, size)
    wrists = joints[[DRIVEN_BONES.index(f"wrist.{side}") for side in "RL"], :2] * avatar.scale + np.array(avatar.shift)
    return picture, wrists


def test_wrists_that_the_edge_cuts_off_lie_beyond_it(whole: SourcePerson, cut: SourcePerson) -> None:
    made = wrists_beyond(cut, torso_of(cut)).pose.points
    for wrist in (sk.RIGHT_WRIST, sk.LEFT_WRIST):
        assert made[wrist, 2] > 0
        assert made[wrist, 1] > len(cut.matte)
        assert np.linalg.norm(made[wrist, :2] - whole.pose.points[wrist, :2]) < 0.2 * torso_of(whole)
    others = [point for point in range(18) if point not in (sk.RIGHT_WRIST, sk.LEFT_WRIST)]
    np.testing.assert_array_equal(made[others], cut.pose.points[others])


def test_arms_without_wrists_are_bent_as_in_the_photo(cut: SourcePerson, whole: SourcePerson) -> None:
    made, bent = wrists_beyond(cut, torso_of(cut)).pose.points, BentBeyond.of(cut, torso_of(cut))
    assert len(bent.limbs) == 2
    np.testing.assert_allclose(bent.told(cut.pose.points[None])[0], made, atol=1e-3)
    # the same person turned by a quarter, and larger
    turned = cut.pose.points.copy()
    turned[:, 0], turned[:, 1] = -2 * cut.pose.points[:, 1] + 900, 2 * cut.pose.points[:, 0]
    expected = np.stack([-2 * made[:, 1] + 900, 2 * made[:, 0]], axis=1)
    wrists = [sk.RIGHT_WRIST, sk.LEFT_WRIST]
    np.testing.assert_allclose(bent.told(turned[None])[0, wrists, :2], expected[wrists], atol=1e-2)
    # what is seen stays
    seen = whole.pose.points[None]
    np.testing.assert_array_equal(bent.told(seen), seen)
    assert not BentBeyond.of(whole, torso_of(whole)).limbs


def test_wrists_that_are_hidden_within_the_picture_stay_untold(whole: SourcePerson) -> None:
    points = whole.pose.points.copy()
    points[[sk.RIGHT_WRIST, sk.LEFT_WRIST]] = 0
    hidden = replace(whole, pose=Pose(points))
    np.testing.assert_array_equal(wrists_beyond(hidden, torso_of(hidden)).pose.points, points)


def test_a_whole_person_is_as_before(whole: SourcePerson) -> None:
    np.testing.assert_array_equal(wrists_beyond(whole, torso_of(whole)).pose.points, whole.pose.points)


def test_raised_arms_have_hands(cut: SourcePerson) -> None:
    avatar = with_avatar(cut).avatar
    assert set(parts.FOREARMS_AND_HANDS) <= set((avatar.sheets.layers // 2).tolist())
    picture, wrists = raised(avatar, cut.matte.shape)
    height, width = cut.matte.shape
    for x, y in wrists:
        row, column = np.clip([round(y), round(x)], 3, [height - 4, width - 4])
        assert picture[row - 3 : row + 4, column - 3 : column + 4, 3].max() > 200
        # and what is there goes on beyond the wrist
        assert picture[: max(row - 4, 1), max(column - 15, 0) : column + 15, 3].max() > 200


def test_at_rest_nothing_of_it_is_in_the_picture(cut: SourcePerson) -> None:
    avatar = with_avatar(cut).avatar
    made = np.isin(avatar.sheets.layers // 2, (parts.RIGHT_HAND, parts.LEFT_HAND))
    rows = avatar.sheets.positions[avatar.sheets.faces[made], 1] * avatar.scale + avatar.shift[1]
    assert rows.min() > len(cut.matte) - 0.1 * torso_of(cut)


def test_nothing_is_made_of_arms_that_no_edge_cuts(whole: SourcePerson) -> None:
    alpha = np.zeros((100, 80), dtype=np.float32)
    alpha[20:90, 30:50] = 1
    assert CutArm.of(ARMS[0], (None, alpha, None), np.zeros((100, 80), np.uint8), 60.0) is None


@pytest.mark.parametrize("side", ["below", "left", "right"])
def test_pixels_are_mirrored_over_the_edge(side: str) -> None:
    alpha, parsing = np.zeros((100, 100), dtype=np.float32), np.full((100, 100), labels.UPPER_CLOTHES, dtype=np.uint8)
    alpha[60:, 40:60] = 1
    turns = {"below": 0, "left": 3, "right": 1}[side]
    alpha = np.rot90(alpha, turns).copy()
    arm = CutArm.of(ARMS[1], (None, alpha, None), parsing, 60.0)
    assert arm is not None
    assert not arm.is_bare
    assert arm.missing == (parts.LEFT_UPPER_ARM, parts.LEFT_HAND)
    places = arm.texels(np.float32([-1, 0, 1, 0]), np.float32([5, 5, 5, 30]))
    x, y = np.rint(places).astype(int).T
    assert (alpha[y, x] == 1).all()
    middle = {"below": (49.5, 94), "left": (5, 49.5), "right": (94, 49.5)}[side]
    np.testing.assert_allclose(places[1], middle, atol=1.5)
    far = {"below": (49.5, 69), "left": (30, 49.5), "right": (69, 49.5)}[side]
    np.testing.assert_allclose(places[3], far, atol=1.5)


def test_skin_has_the_face_s_color_in_shades(whole: SourcePerson) -> None:
    ramp = color_ramp(whole, skin_of(whole))
    assert ramp is not None
    colors = ramp.rgba[0, :3, 2].numpy()
    face = np.median(whole.rgb[(whole.parsing == labels.FACE) & (whole.matte > 0.95)], axis=0) / 255
    np.testing.assert_allclose(colors[:, 2], face, atol=0.12)
    assert (np.diff(colors.sum(axis=0)) <= 1e-6).all()
    clothed = replace(whole, parsing=np.full_like(whole.parsing, labels.UPPER_CLOTHES))
    assert color_ramp(clothed, skin_of(clothed)) is None
