"""Limbs that lie beside or before other things: what is theirs, and what goes on beneath."""

from __future__ import annotations

import numpy as np
import torch
from standing_person import standing_person

from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.segmentation import PartRegions, part_regions
from motionwarp.types import ByteArray, SourcePerson

BESIDE = 3


def regions_of(person: SourcePerson, parsing: ByteArray) -> PartRegions:
    return part_regions(Joints(torch.from_numpy(person.pose.points)[None]), parsing, parsing > 0)


def test_cloth_beside_a_bare_arm_is_not_the_arm_s() -> None:
    person = standing_person()
    elbow, wrist = person.pose.points[[sk.RIGHT_ELBOW, sk.RIGHT_WRIST], :2]
    parsing = person.parsing.copy()
    row, column = (round(float(value)) for value in (0.5 * (elbow + wrist))[::-1])
    last = column + int(np.flatnonzero(parsing[row, column:] != labels.RIGHT_ARM)[0])
    parsing[row - 4 : row + 5, last : last + BESIDE] = labels.DRESS
    bare = regions_of(person, parsing).own[parts.RIGHT_FOREARM, row, last : last + BESIDE]
    assert (bare < 0).all()
    # the same cloth goes with an arm in a sleeve of it
    parsing[parsing == labels.RIGHT_ARM] = labels.DRESS
    sleeve = regions_of(person, parsing).own[parts.RIGHT_FOREARM, row, last : last + BESIDE]
    assert (sleeve > bare + 1).all()


def test_a_leg_goes_on_beneath_the_one_that_crosses_it() -> None:
    crossed = (-20.0, 0.0, 0.0, 0.0)
    person = standing_person(right_leg=crossed, left_leg=crossed)
    regions = regions_of(person, person.parsing)
    points = person.pose.points[:, :2]
    hips, knees = (
        points[[right, left]] for right, left in ((sk.RIGHT_HIP, sk.LEFT_HIP), (sk.RIGHT_KNEE, sk.LEFT_KNEE))
    )
    apart = hips[0, 0] - hips[1, 0], knees[0, 0] - knees[1, 0]
    share = apart[0] / (apart[0] - apart[1])
    x, y = np.round(hips[0] + share * (knees[0] - hips[0])).astype(int)
    thighs = [parts.RIGHT_THIGH, parts.LEFT_THIGH]
    assert (regions.margins[thighs, y, x] > 0).all()
    # the color there is one's alone
    assert (regions.own[thighs, y, x] > 0).sum() <= 1
