"""Limbs that a photo hides: lent by the other side or made of the body, and not seen at rest."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from standing_person import standing_person

from motionwarp.avatar.avatar import Avatar, RestPose
from motionwarp.avatar.rest_order import RestOrder
from motionwarp.avatar.sheets import Sheets
from motionwarp.avatar.turntable import upright_turn
from motionwarp.avatar.twins import mirrored, within_person
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.rig import DRIVEN_MIRROR
from motionwarp.engines.avatar.making import with_avatar
from motionwarp.engines.avatar.posing import SourceBody
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.types import FloatArray, SourcePerson

BEHIND_THE_BACK = (0.0, -40.0, 80.0, 110.0)
CROSSED = (-20.0, 0.0, 0.0, 0.0)
NEAR, SMALL = 6, 40


@pytest.fixture(scope="module")
def hiding() -> SourcePerson:
    """Somebody with the left arm behind the back."""
    return standing_person(left_arm=BEHIND_THE_BACK)


def at_ease(avatar: Avatar, size: int = 400) -> tuple[FloatArray, FloatArray]:
    """The picture of an avatar with all limbs apart, and its 18 points there, (18, 2)."""
    body = SourceBody.of_avatar(avatar.rest)
    turns = np.tile(upright_turn(0.0).astype(np.float32), (len(DRIVEN_BONES), 1, 1))
    scale, camera = size / 2.3, np.array([size / 2.3, size / 2, size / 2], dtype=np.float32)
    joints = body.joints(torch.from_numpy(turns)[None])[0]
    points = body.rig.points(torch.from_numpy(turns)[None])[0].numpy()
    picture, _ = avatar.render(avatar.transforms(turns, joints), camera, (size, size))
    return picture, points[:, :2] * scale + camera[1:]


def coverage_along(picture: FloatArray, start: FloatArray, end: FloatArray) -> float:
    """The least coverage, in 0..255, near the places between two points."""
    ways = start + np.linspace(0.1, 0.9, 9)[:, None] * (end - start)
    found = [
        picture[round(y) - NEAR : round(y) + NEAR + 1, round(x) - NEAR : round(x) + NEAR + 1, 3].max() for x, y in ways
    ]
    return float(min(found))


def at_rest(avatar: Avatar, size: tuple[int, int]) -> FloatArray:
    identity = avatar.transforms(avatar.rotations, avatar.joints)
    camera = np.array([avatar.scale, *avatar.shift], dtype=np.float32)
    return avatar.render(identity, camera, size)[0]


def test_an_arm_behind_the_back_is_lent_by_the_other(hiding: SourcePerson) -> None:
    picture, points = at_ease(with_avatar(hiding).avatar)
    arm = points[[sk.LEFT_SHOULDER, sk.LEFT_ELBOW, sk.LEFT_WRIST]]
    assert coverage_along(picture, arm[1], arm[2]) > 200
    beyond = arm[2] + 0.4 * (arm[2] - arm[1])
    assert coverage_along(picture, arm[2], beyond) > 200
    # bare as the other one, not the dress' green
    x, y = np.round(0.5 * (arm[1] + arm[2])).astype(int)
    red, green, _, _ = picture[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1))
    assert red > green + 20


def test_what_is_lent_is_not_seen_at_rest(hiding: SourcePerson) -> None:
    avatar = with_avatar(hiding).avatar
    picture = at_rest(avatar, hiding.matte.shape)
    beside = cv2.dilate((hiding.matte > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    assert np.count_nonzero(picture[beside, 3] > 30) < SMALL
    own = hiding.matte > 0.95
    apart = np.abs(picture[own, :3] - hiding.rgb[own]).max(axis=1)
    print(np.mean(apart > 40))
    assert np.mean(apart > 40) < 0.03


def test_hands_that_neither_side_shows_have_the_color_of_skin() -> None:
    whole = standing_person()
    matte, parsing, points = whole.matte.copy(), whole.parsing.copy(), whole.pose.points.copy()
    # sleeves that end in pockets
    for wrist in (sk.RIGHT_WRIST, sk.LEFT_WRIST):
        x, y = np.round(points[wrist, :2]).astype(int)
        parsing[y - 3 : y + 30, x - 14 : x + 15] = np.where(
            parsing[y - 3 : y + 30, x - 14 : x + 15] > 0, labels.UPPER_CLOTHES, 0
        )
        matte[y + 1 : y + 30, x - 14 : x + 15] *= parsing[y + 1 : y + 30, x - 14 : x + 15] == labels.SKIRT
    avatar = with_avatar(replace(whole, matte=matte, parsing=parsing)).avatar
    picture, found = at_ease(avatar)
    face = np.median(whole.rgb[(whole.parsing == labels.FACE) & (matte > 0.95)], axis=0)
    for elbow, wrist in ((sk.RIGHT_ELBOW, sk.RIGHT_WRIST), (sk.LEFT_ELBOW, sk.LEFT_WRIST)):
        x, y = np.round(found[wrist] + 0.3 * (found[wrist] - found[elbow])).astype(int)
        there = picture[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 4)
        assert there[:, 3].max() > 200
        shade = there[there[:, 3] > 200, :3].max(axis=0) / face
        assert shade == pytest.approx(1, abs=0.35)


def test_legs_that_cross_are_whole() -> None:
    crossed = standing_person(right_leg=CROSSED, left_leg=CROSSED)
    picture, points = at_ease(with_avatar(crossed).avatar)
    for hip, knee, ankle in ((sk.RIGHT_HIP, sk.RIGHT_KNEE, sk.RIGHT_ANKLE), (sk.LEFT_HIP, sk.LEFT_KNEE, sk.LEFT_ANKLE)):
        assert coverage_along(picture, points[hip], points[knee]) > 200
        assert coverage_along(picture, points[knee], points[ankle]) > 200


def upright_pose() -> RestPose:
    count = len(DRIVEN_BONES)
    joints = np.random.default_rng(0).uniform(-1, 1, (count, 3)).astype(np.float32)
    joints = 0.5 * (joints + joints[list(DRIVEN_MIRROR)] * np.float32([-1, 1, 1]))
    return RestPose(np.tile(np.eye(3, dtype=np.float32), (count, 1, 1)), joints, 100.0, (50.0, 60.0), np.zeros(3))


def arm_sheets() -> Sheets:
    rng = np.random.default_rng(1)
    bones = np.full((5, 4), DRIVEN_BONES.index("lowerarm01.R"), dtype=np.int32)
    weights = np.zeros((5, 4), dtype=np.float32)
    weights[:, 0] = 1
    positions = rng.uniform(0, 90, (5, 3)).astype(np.float32)
    uv = rng.uniform(0, 9, (5, 2)).astype(np.float32)
    faces = np.array([(0, 1, 2), (1, 3, 2), (2, 3, 4)], dtype=np.int32)
    layers = np.full(3, 2 * parts.RIGHT_FOREARM + 1, dtype=np.int32)
    return Sheets(positions, uv, uv.copy(), np.ones(5, np.float32), bones, weights, faces, layers)


def test_mirrored_sheets_lie_across_the_root_and_belong_to_the_other_side() -> None:
    sheets, pose = arm_sheets(), upright_pose()
    made = mirrored(sheets, parts.LEFT_FOREARM, pose)
    np.testing.assert_allclose(made.positions[:, 0] - 50, 50 - sheets.positions[:, 0], atol=1e-3)
    np.testing.assert_allclose(made.positions[:, 1:], sheets.positions[:, 1:], atol=1e-3)
    assert (made.bones == DRIVEN_BONES.index("lowerarm01.L")).all()
    assert (made.layers == 2 * parts.LEFT_FOREARM + 1).all()
    np.testing.assert_array_equal(made.uv, sheets.uv)
    # and winds the other way round, as mirror images do
    np.testing.assert_array_equal(made.faces, sheets.faces[:, ::-1])


def test_mirrored_twice_is_what_it_was_in_any_pose() -> None:
    sheets, pose = arm_sheets(), upright_pose()
    turns = np.stack([upright_turn(10.0 * bone) for bone in range(len(DRIVEN_BONES))]).astype(np.float32)
    pose = replace(pose, rotations=turns)
    again = mirrored(mirrored(sheets, parts.LEFT_FOREARM, pose), parts.RIGHT_FOREARM, pose)
    np.testing.assert_allclose(again.positions, sheets.positions, atol=1e-2)
    np.testing.assert_array_equal(again.bones, sheets.bones)


def test_what_sticks_out_a_little_is_drawn_in() -> None:
    matte = np.zeros((100, 100), dtype=np.float32)
    matte[20:80, 20:60] = 1
    sheets = arm_sheets()
    places = np.array([(30, 30, 1), (40, 50, 2), (64, 40, 3), (40, 83, 4), (95, 40, 5)], dtype=np.float32)
    made = within_person(replace(sheets, positions=places), matte, 100.0)
    np.testing.assert_array_equal(made.positions[:2], places[:2])
    assert made.positions[2].tolist() == pytest.approx([58, 40, 3])
    assert made.positions[3].tolist() == pytest.approx([40, 78, 4])
    # what is far outside is not where the body has it, and stays
    np.testing.assert_array_equal(made.positions[4], places[4])


def test_what_was_made_up_counts_as_behind_what_is_shown() -> None:
    square = np.array([(0, 0), (1, 0), (0, 1), (1, 1)], dtype=np.float32)
    positions = np.concatenate([np.column_stack([square, np.full(4, depth)]) for depth in (0.0, -0.1, 0.3)])
    faces = np.concatenate([np.array([(0, 1, 2), (1, 3, 2)]) + 4 * number for number in range(3)]).astype(np.int32)
    layers = np.repeat([2 * parts.TORSO + 1, 2 * parts.LEFT_FOREARM + 1, 2 * parts.RIGHT_FOREARM + 1], 2)
    zeros = np.zeros((12, 4))
    bones = np.full((12, 4), DRIVEN_BONES.index("lowerarm01.L"), dtype=np.int32)
    sheets = Sheets(
        positions.astype(np.float32), zeros[:, :2], zeros[:, :2], zeros[:, 0], bones, zeros, faces,
        layers.astype(np.int32),
    )  # fmt: skip
    shown = np.arange(12) < 4
    order = RestOrder.of(sheets, shown, np.zeros(12, dtype=np.float32))
    at_rest = np.tile(np.eye(3, 4, dtype=np.float32), (len(DRIVEN_BONES), 1, 1))
    made = order.behind(at_rest)
    assert (made[:4] == 0).all()
    assert (positions[4:8, 2] + made[4:8] > 0).all()
    # what is behind already stays
    assert (made[8:] == 0).all()
    # a whole body that turns takes the order along; a limb that has gone elsewhere is where it is
    around = at_rest.copy()
    around[:, :, :3] = upright_turn(90.0)
    np.testing.assert_allclose(order.behind(around), made, atol=1e-5)
    around[DRIVEN_BONES.index("lowerarm01.L"), :, :3] = upright_turn(150.0)
    assert (order.behind(around)[4:8] == 0).all()
