"""Which pixels of a photo are which part's, where a person is taken apart for an avatar."""

import numpy as np
import torch

from motionwarp.avatar.regions import (
    _with_whole_skirts,
    _without_islands,
    _without_rims_of_others,
    _without_scraps,
    _without_stubs,
)
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.types import BoolArray, ByteArray, FloatArray


def lower_half(skirt: bool, apart: float = 12.0) -> tuple[ByteArray, FloatArray, BoolArray]:
    """Return classes that are trousers', points, and where somebody is: in a skirt, or with legs that touch."""
    points = np.ones((18, 3), dtype=np.float32)
    points[sk.NECK, :2] = 60, 20
    for right, left, y, aside in (
        (sk.RIGHT_HIP, sk.LEFT_HIP, 80, 12), (sk.RIGHT_KNEE, sk.LEFT_KNEE, 120, apart),
        (sk.RIGHT_ANKLE, sk.LEFT_ANKLE, 160, apart),
    ):  # fmt: skip
        points[right, :2], points[left, :2] = (60 - aside, y), (60 + aside, y)
    parsing = np.zeros((190, 120), dtype=np.uint8)
    half = 26 if skirt else 2 * apart
    parsing[75:150, round(60 - half) : round(60 + half)] = labels.PANTS
    return parsing, points, parsing > 0


def test_a_narrow_skirt_is_no_pair_of_trousers() -> None:
    parsing, points, solid = lower_half(skirt=True, apart=8)
    made = _with_whole_skirts(parsing, points, solid)
    assert (made[solid] == labels.SKIRT).all()
    assert not made[~solid].any()


def test_trousers_whose_legs_touch_stay_trousers() -> None:
    parsing, points, solid = lower_half(skirt=False, apart=12)
    np.testing.assert_array_equal(_with_whole_skirts(parsing, points, solid), parsing)
    # one leg before the other: narrow, not broad
    parsing, points, solid = lower_half(skirt=False, apart=6)
    np.testing.assert_array_equal(_with_whole_skirts(parsing, points, solid), parsing)
    # a gap between the legs
    parsing, points, solid = lower_half(skirt=True, apart=8)
    parsing[110:150, 57:63] = 0
    np.testing.assert_array_equal(_with_whole_skirts(parsing, points, parsing > 0), parsing)
    points[sk.LEFT_KNEE, 2] = 0
    np.testing.assert_array_equal(_with_whole_skirts(parsing, points, solid), parsing)


def test_a_piece_of_the_head_beside_a_hand_is_the_hand_s() -> None:
    own = np.full((parts.PART_COUNT, 40, 40), -4.0, dtype=np.float32)
    own[parts.HEAD, 2:20, 2:20] = 2
    own[parts.HEAD, 4:8, 28:32] = 2  # a piece apart
    own[parts.LEFT_HAND, 4:12, 30:36] = 1
    own[parts.TORSO, 20:40, 2:20] = 2
    own[parts.TORSO, 30:34, 30:34] = 2  # below an arm, say
    solid = own.max(axis=0) > 0
    made = _without_islands(PartRegions(own.copy(), own.copy()), solid)
    owner = made.own.argmax(axis=0)
    assert (owner[4:8, 28:32] == parts.LEFT_HAND).all()
    assert (owner[2:20, 2:20] == parts.HEAD).all()
    # trunks are divided by arms before them
    assert (owner[30:34, 30:34] == parts.TORSO).all()
    assert (made.own.max(axis=0) > 0)[solid].all()


def test_a_piece_that_touches_nothing_stays() -> None:
    own = np.full((parts.PART_COUNT, 40, 40), -4.0, dtype=np.float32)
    own[parts.HEAD, 2:20, 2:20] = 2
    own[parts.HEAD, 30:34, 30:34] = 2
    made = _without_islands(PartRegions(own.copy(), own.copy()), own.max(axis=0) > 0)
    np.testing.assert_array_equal(made.own, own)


def test_what_hangs_on_the_head_by_a_thread_is_an_island() -> None:
    own = np.full((parts.PART_COUNT, 40, 40), -4.0, dtype=np.float32)
    own[parts.HEAD, 2:20, 2:20] = 2
    own[parts.HEAD, 10, 20:30] = 2  # the thread
    own[parts.HEAD, 8:12, 30:34] = 2
    own[parts.LEFT_HAND, 12:20, 30:36] = 1
    made = _without_islands(PartRegions(own.copy(), own.copy()), own.max(axis=0) > 0)
    owner = made.own.argmax(axis=0)
    assert (owner[8:12, 30:34] == parts.LEFT_HAND).all()
    assert (owner[2:20, 2:20] == parts.HEAD).all()


def test_the_rim_of_a_hand_beside_the_head_is_the_hand_s() -> None:
    own = np.full((parts.PART_COUNT, 20, 40), -4.0, dtype=np.float32)
    own[parts.HEAD, :, :30] = 2
    own[parts.LEFT_HAND, 5:15, 25:35] = 3
    solid = np.zeros((20, 40), dtype=np.bool_)
    solid[:, :12] = True
    solid[6:14, 26:34] = True  # the hand; around it the matte is soft
    made = _without_rims_of_others(PartRegions(own.copy(), own.copy()), solid)
    owner = made.own.argmax(axis=0)
    assert (owner[4:16, 24] == parts.LEFT_HAND).all()
    assert (owner[:, 14] == parts.HEAD).all()
    np.testing.assert_array_equal(made.own[:, solid], own[:, solid])


def test_a_scrap_of_the_trunk_outside_of_a_hand_is_the_hand_s() -> None:
    own = np.full((parts.PART_COUNT, 60, 40), -4.0, dtype=np.float32)
    own[parts.GARMENT, 5:55, 4:24] = 2
    own[parts.LEFT_HAND, 20:32, 20:32] = 3
    own[parts.GARMENT, 24:28, 32:35] = 2  # beside the hand, and beside what is behind
    own[parts.LEFT_HAND, 40:50, 8:18] = 3
    own[parts.GARMENT, 44:46, 12:14] = 4  # enclosed by a hand before the cloth
    solid = own.max(axis=0) > 0
    made = _without_scraps(PartRegions(own.copy(), own.copy()), solid)
    owner = made.own.argmax(axis=0)
    assert (owner[24:28, 32:35] == parts.LEFT_HAND).all()
    assert (made.margins[parts.GARMENT, 24:28, 32:35] < 0).all()
    assert (owner[44:46, 12:14] == parts.GARMENT).all()
    assert (owner[5:20, 4:24] == parts.GARMENT).all()


def test_scraps_beside_an_upper_arm_stay() -> None:
    own = np.full((parts.PART_COUNT, 60, 40), -4.0, dtype=np.float32)
    own[parts.TORSO, 5:55, 4:24] = 2
    own[parts.LEFT_UPPER_ARM, 5:32, 20:32] = 3
    own[parts.TORSO, 24:28, 32:35] = 2
    made = _without_scraps(PartRegions(own.copy(), own.copy()), own.max(axis=0) > 0)
    np.testing.assert_array_equal(made.own, own)


def test_the_rim_of_a_hand_beside_the_hip_is_the_hand_s() -> None:
    own = np.full((parts.PART_COUNT, 20, 40), -4.0, dtype=np.float32)
    own[parts.GARMENT, :, :30] = 2
    own[parts.LEFT_HAND, 5:15, 25:35] = 3
    solid = np.zeros((20, 40), dtype=np.bool_)
    solid[:, :12] = solid[6:14, 26:34] = True
    made = _without_rims_of_others(PartRegions(own.copy(), own.copy()), solid)
    assert (made.own.argmax(axis=0)[4:16, 24] == parts.LEFT_HAND).all()
    assert (made.margins[parts.GARMENT, 4:16, 24] < 0).all()


def _with_arms_out() -> Joints:
    points: FloatArray = np.zeros((18, 3), dtype=np.float32)
    for point, place in {
        sk.NECK: (50, 20), sk.RIGHT_SHOULDER: (35, 20), sk.LEFT_SHOULDER: (65, 20), sk.RIGHT_ELBOW: (10, 20),
        sk.LEFT_ELBOW: (90, 20), sk.RIGHT_HIP: (40, 65), sk.LEFT_HIP: (60, 65),
    }.items():  # fmt: skip
        points[point] = (*place, 1)
    return Joints(torch.from_numpy(points)[None])


def test_an_arm_that_is_raised_leaves_no_stub_at_the_trunk() -> None:
    own = np.full((parts.PART_COUNT, 80, 100), -4.0, dtype=np.float32)
    own[parts.TORSO, 14:26, 28:72] = 1
    own[parts.TORSO, 20:66, 38:62] = 3
    own[parts.RIGHT_UPPER_ARM, 14:26, 8:38] = 2
    made = _without_stubs(PartRegions(own.copy(), own.copy()), _with_arms_out())
    assert (made.own[parts.TORSO, 20, 28:32] < 0).all()
    assert made.margins[parts.TORSO, 20, 28] < 0
    # within the trunk, and at the other shoulder, where no arm is seen, nothing changes
    np.testing.assert_array_equal(made.own[parts.TORSO, :, 38:], own[parts.TORSO, :, 38:])
