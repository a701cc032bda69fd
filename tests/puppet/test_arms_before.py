"""Scraps of an arm beside its middle: they come along where their colors tell them from the trunk."""

from __future__ import annotations

import numpy as np

from motionwarp.puppet import parts
from motionwarp.puppet.arms_before import with_arms_before
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.types import BoolArray, ByteArray, FloatArray

HEIGHT, WIDTH = 120, 100
SKIN, DRESS = (220, 170, 140), (40, 60, 120)
ARM_ROWS = np.s_[40:60]  # what the photo shows of the forearm; the points' radius reaches from 45 to 55


def scene(arm: tuple[int, int, int]) -> tuple[PartRegions, FloatArray, ByteArray, BoolArray]:
    """Return a forearm across a trunk, of which only the middle was recognized."""
    noise = np.random.default_rng(0).integers(-6, 7, (HEIGHT, WIDTH, 3))
    rgb = np.full((HEIGHT, WIDTH, 3), DRESS)
    rgb[ARM_ROWS, 20:80] = arm
    own = np.full((parts.PART_COUNT, HEIGHT, WIDTH), -4.0, dtype=np.float32)
    own[parts.TORSO] = 1
    own[parts.LEFT_FOREARM, 45:55, 20:80] = 2
    own[parts.TORSO, 45:55, 20:80] = -2
    distances = np.full_like(own, 9.0)
    distances[parts.LEFT_FOREARM] = np.abs(np.arange(HEIGHT) - 50)[:, None] / np.float32(6)
    distances[parts.TORSO] = np.abs(np.arange(WIDTH) - 50)[None] / np.float32(40)
    solid = np.ones((HEIGHT, WIDTH), dtype=np.bool_)
    return PartRegions(own.copy(), own), distances, (rgb + noise).astype(np.uint8), solid


def test_scraps_with_the_colors_of_the_arm_are_the_arm_s_and_the_trunk_goes_on_beneath() -> None:
    regions, distances, rgb, solid = scene(SKIN)
    made = with_arms_before(regions, distances, rgb, solid)
    owner = made.own.argmax(axis=0)
    assert (owner[41:59, 21:79] == parts.LEFT_FOREARM).mean() > 0.97
    assert (owner[:38] == parts.TORSO).all()
    assert (owner[62:] == parts.TORSO).all()
    assert (made.margins[parts.TORSO, 41:44, 25:75] > 0).mean() > 0.97
    assert (made.own[parts.TORSO, 41:44, 25:75] < 0).mean() > 0.97


def test_an_arm_in_the_trunk_s_colors_takes_nothing() -> None:
    regions, distances, rgb, solid = scene(DRESS)
    made = with_arms_before(regions, distances, rgb, solid)
    np.testing.assert_array_equal(made.own, regions.own)
    np.testing.assert_array_equal(made.margins, regions.margins)


def test_skin_of_others_far_from_the_arm_stays_theirs() -> None:
    regions, distances, rgb, solid = scene(SKIN)
    rgb[80:100, 30:60] = SKIN
    made = with_arms_before(regions, distances, rgb, solid)
    assert (made.own.argmax(axis=0)[80:100, 30:60] == parts.TORSO).all()
