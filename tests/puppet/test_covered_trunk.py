"""The trunk beneath arms that lie before it has the cloth that is seen beside them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from standing_person import standing_person

from motionwarp.avatar.avatar import usable_joints
from motionwarp.avatar.regions import person_regions
from motionwarp.avatar.turntable import upright_turn
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.engines.avatar.making import with_avatar
from motionwarp.engines.avatar.posing import SourceBody
from motionwarp.parsing import labels
from motionwarp.puppet.covered_trunk import TRUNK, trunk_beneath_arms
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

ACROSS = (10.0, 0.0, 40.0, 90.0)
SIZE = 400


@pytest.fixture(scope="module")
def folded() -> SourcePerson:
    """Somebody in stripes with both forearms across them."""
    return standing_person(left_arm=ACROSS, right_arm=ACROSS)


@pytest.fixture(scope="module")
def hanging() -> SourcePerson:
    """The same person with arms that hang."""
    return standing_person()


def seen_through(person: SourcePerson) -> tuple[SourcePerson, PartRegions, PartRegions]:
    torso = float(usable_joints(person.pose.points).torso[0])
    regions = person_regions(person, torso)
    beneath, owned = trunk_beneath_arms(person, regions, torso)
    return beneath, regions, owned


def before_the_trunk(person: SourcePerson, other: SourcePerson) -> BoolArray:
    """Where the arms of one photo lie before the cloth of another."""
    arms = np.isin(person.parsing, (labels.LEFT_ARM, labels.RIGHT_ARM))
    cloth = (other.matte > 0.99) & ~np.isin(other.parsing, (labels.LEFT_ARM, labels.RIGHT_ARM, labels.BACKGROUND))
    return np.asarray(arms & (cv2.erode(cloth.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0))


def contrast(rgb: ByteArray | FloatArray, where: BoolArray) -> float:
    """How much colors differ within a few pixels, in levels, mean over some pixels."""
    plain = cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), 4.0)
    return float(np.abs(rgb - plain)[where].mean())


def test_arms_across_it_are_replaced_by_the_trunk_s_own_cloth(folded: SourcePerson, hanging: SourcePerson) -> None:
    beneath, regions, owned = seen_through(folded)
    hidden = before_the_trunk(folded, hanging)
    assert np.count_nonzero(hidden) > 200
    assert contrast(beneath.rgb, hidden) > 0.6 * contrast(hanging.rgb, hidden)
    # about the cloth's own colors, not skin's
    apart = np.abs(beneath.rgb[hidden].mean(axis=0) - hanging.rgb[hidden].mean(axis=0))
    assert apart.max() < 30 < np.abs(folded.rgb[hidden].mean(axis=0) - hanging.rgb[hidden].mean(axis=0)).max()
    assert not np.isin(beneath.parsing[hidden], (labels.LEFT_ARM, labels.RIGHT_ARM)).any()
    trunk = list(TRUNK)
    assert (owned.own[trunk] > regions.own[trunk]).any()
    np.testing.assert_array_equal(owned.margins, regions.margins)


def test_nothing_is_made_up_far_from_the_arms(folded: SourcePerson) -> None:
    beneath, _, _ = seen_through(folded)
    torso = float(usable_joints(folded.pose.points).torso[0])
    changed = (beneath.rgb != folded.rgb).any(axis=2)
    arms = np.isin(folded.parsing, (labels.LEFT_ARM, labels.RIGHT_ARM)).astype(np.uint8)
    near = cv2.dilate(arms, np.ones((2 * round(0.15 * torso) + 1,) * 2, np.uint8)) > 0
    assert changed.any()
    assert not (changed & ~near).any()


def test_arms_that_hang_leave_the_photo_as_it_is(hanging: SourcePerson) -> None:
    beneath, regions, owned = seen_through(hanging)
    assert beneath is hanging
    assert owned is regions


def at_ease(person: SourcePerson) -> FloatArray:
    """The picture of somebody's avatar with the limbs apart."""
    avatar = with_avatar(person).avatar
    body = SourceBody.of_avatar(avatar.rest)
    turns = np.tile(upright_turn(0.0).astype(np.float32), (len(DRIVEN_BONES), 1, 1))
    joints = body.joints(torch.from_numpy(turns)[None])[0]
    camera = np.array([SIZE / 2.3, SIZE / 2, SIZE / 2], dtype=np.float32)
    picture, _ = avatar.render(avatar.transforms(turns, joints), camera, (SIZE, SIZE))
    return np.asarray(picture)


def test_an_avatar_that_lifts_its_arms_wears_its_pattern(folded: SourcePerson, hanging: SourcePerson) -> None:
    pictures = [at_ease(person)[..., :3] for person in (folded, hanging)]
    belly = np.zeros((SIZE, SIZE), dtype=np.bool_)
    belly[148:168, 188:214] = True
    assert contrast(pictures[0], belly) > 0.5 * contrast(pictures[1], belly)
