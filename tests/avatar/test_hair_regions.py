"""Hair that falls over a shoulder and the chest belongs to the head."""

from __future__ import annotations

import numpy as np
import torch

from motionwarp.avatar.hair_regions import with_whole_hair
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.segmentation import PartRegions, part_distances
from motionwarp.types import BoolArray, ByteArray

SIZE = 120, 100
LOCK = np.s_[34:60, 66:72]  # over the left shoulder, on the arm and beside it
CURL = np.s_[36:50, 44:50]  # on the chest


def standing() -> Joints:
    points = np.ones((18, 3), dtype=np.float32)
    for point, place in {
        sk.NECK: (50, 34), sk.NOSE: (50, 20), sk.RIGHT_EYE: (47, 18), sk.LEFT_EYE: (53, 18), sk.RIGHT_EAR: (43, 19),
        sk.LEFT_EAR: (57, 19), sk.RIGHT_SHOULDER: (34, 36), sk.LEFT_SHOULDER: (66, 36), sk.RIGHT_ELBOW: (32, 60),
        sk.LEFT_ELBOW: (68, 60), sk.RIGHT_WRIST: (32, 82), sk.LEFT_WRIST: (68, 82), sk.RIGHT_HIP: (42, 84),
        sk.LEFT_HIP: (58, 84), sk.RIGHT_KNEE: (42, 100), sk.LEFT_KNEE: (58, 100), sk.RIGHT_ANKLE: (42, 116),
        sk.LEFT_ANKLE: (58, 116),
    }.items():  # fmt: skip
        points[point, :2] = place
    return Joints(torch.from_numpy(points)[None])


def somebody(linked: bool = True) -> tuple[PartRegions, ByteArray, BoolArray]:
    """A head, a trunk and a left arm, and hair on all of them; the regions are those of the limbs alone."""
    own = np.full((parts.PART_COUNT, *SIZE), -4.0, dtype=np.float32)
    own[parts.HEAD, 4:34, 36:64] = 3
    own[parts.TORSO, 34:90, 36:62] = 3
    own[parts.LEFT_UPPER_ARM, 34:60, 62:74] = 3
    parsing = np.full(SIZE, labels.UPPER_CLOTHES, dtype=np.uint8)
    parsing[:34] = labels.FACE
    parsing[4:34, 58:64] = labels.HAIR
    parsing[LOCK] = parsing[CURL] = labels.HAIR
    if linked:
        own[parts.HEAD, 28:34, 36:74] = 3
        parsing[28:34, 44:74] = labels.HAIR
        parsing[34:36, 44:50] = labels.HAIR
    else:
        parsing[34:42] = labels.UPPER_CLOTHES
    solid = own.max(axis=0) > 0
    parsing[~solid] = labels.BACKGROUND
    return PartRegions(own.copy(), own.copy()), parsing, solid


def whole(linked: bool = True) -> tuple[PartRegions, PartRegions]:
    regions, parsing, solid = somebody(linked)
    joints = standing()
    return regions, with_whole_hair(regions, part_distances(joints, SIZE), joints, parsing, solid)


def test_locks_on_arm_and_chest_are_the_heads() -> None:
    before, made = whole()
    owner = made.own.argmax(axis=0)
    assert (before.own.argmax(axis=0)[LOCK] == parts.LEFT_UPPER_ARM).all()
    assert (owner[LOCK] == parts.HEAD).all()
    assert (owner[CURL] == parts.HEAD).all()
    assert (made.margins[parts.HEAD][LOCK] > 0).all()
    # what is no hair stays whose it was
    assert (owner[40:60, 52:60] == parts.TORSO).all()
    assert (owner[40:60, 62:65] == parts.LEFT_UPPER_ARM).all()


def test_arm_and_chest_go_on_beneath_hair_with_colors_of_their_own() -> None:
    _, made = whole()
    assert (made.margins[parts.TORSO][CURL] > 0).all()
    assert (made.own[parts.TORSO][CURL] < -0.3).all()
    beneath = np.s_[40:56, 66:70]
    assert (made.margins[parts.LEFT_UPPER_ARM][beneath] > 0).all()
    assert (made.own[parts.LEFT_UPPER_ARM][beneath] < -0.3).all()


def test_hair_beside_an_arm_leaves_no_bulge_of_it() -> None:
    regions, parsing, solid = somebody()
    regions.own[parts.LEFT_UPPER_ARM, 34:60, 74:90] = regions.margins[parts.LEFT_UPPER_ARM, 34:60, 74:90] = 3
    solid[34:60, 74:90] = True
    parsing[34:60, 66:90] = labels.HAIR
    joints = standing()
    made = with_whole_hair(regions, part_distances(joints, SIZE), joints, parsing, solid)
    assert (made.margins[parts.LEFT_UPPER_ARM, 36:60, 84:90] < 0).all()
    assert (made.margins[parts.HEAD, 36:60, 84:90] > 0).all()


def test_what_is_taken_for_hair_and_hangs_on_no_head_stays() -> None:
    before, made = whole(linked=False)
    assert made is before


def test_without_hair_on_others_nothing_changes() -> None:
    regions, parsing, solid = somebody()
    parsing[34:] = np.where(parsing[34:] == labels.HAIR, labels.UPPER_CLOTHES, parsing[34:])
    joints = standing()
    assert with_whole_hair(regions, part_distances(joints, SIZE), joints, parsing, solid) is regions
