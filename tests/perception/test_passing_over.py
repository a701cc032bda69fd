"""Frames between two readings of an even motion are not read."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_people import DotReader, Figure, draw

from motionwarp.perception.framing import torso_length
from motionwarp.perception.passing_over import Reading, departure, person_between
from motionwarp.perception.tracking import PersonTracker
from motionwarp.perception.tracking_settings import TrackingSettings
from motionwarp.types import Facing, FloatArray, Frame, Person, PersonCrop, Pose

FPS = 25


def points_at(x: float, score: float = 1.0) -> FloatArray:
    points = Figure(0, 100, 120).points().astype(np.float32)
    points[:, 0] += x
    points[4, 2] = score
    return points


def test_an_even_motion_departs_nowhere() -> None:
    earlier, before = Reading(points_at(0), 0.0), Reading(points_at(6), 0.1)
    assert departure(earlier, before, points_at(12), 0.2) == pytest.approx(0, abs=1e-4)
    assert departure(earlier, before, points_at(18), 0.3) == pytest.approx(0, abs=1e-4), "times count"
    torso = torso_length(before.points)
    assert departure(earlier, before, points_at(12 + torso / 4), 0.2) == pytest.approx(0.25, rel=1e-3)


def test_a_point_that_comes_or_goes_must_be_looked_at() -> None:
    earlier, before = Reading(points_at(0), 0.0), Reading(points_at(0), 0.1)
    assert departure(earlier, before, points_at(0, 0.0), 0.2) == np.inf
    assert departure(earlier, Reading(points_at(0, 0.0), 0.1), points_at(0), 0.2) == np.inf
    assert departure(Reading(points_at(0, 0.0), 0.0), before, points_at(0), 0.2) == pytest.approx(0, abs=1e-4)
    nothing = np.zeros((18, 3), dtype=np.float32)
    assert departure(Reading(nothing, 0.0), Reading(nothing, 0.1), nothing, 0.2) == np.inf


def test_somebody_between_is_on_the_line() -> None:
    crop = PersonCrop(0.0, 0.0, 1.0)
    one = Person(Pose(points_at(0)), crop, score=0.8, facing=Facing(1.0, 0.0, 0.5))
    other = Person(Pose(points_at(8, 0.0)), crop, score=0.6, facing=Facing(0.0, 1.0, 0.7))
    between = person_between(one, other, 0.25)
    seen = np.arange(18) != 4
    np.testing.assert_allclose(between.pose.points[seen], points_at(2)[seen], atol=1e-4)
    np.testing.assert_array_equal(between.pose.points[4], one.pose.points[4])
    assert between.score == pytest.approx(0.75)
    assert between.facing is not None
    assert between.facing.degrees == pytest.approx(np.degrees(np.arctan2(0.25, 0.75)))


@pytest.mark.parametrize(("speed", "turns", "share"), [(0.0, 0.0, 0.75), (3.0, 0.0, 0.75), (0.0, 2.2, 1.1)])
def test_even_motions_cost_half_of_the_readings_and_others_all(speed: float, turns: float, share: float) -> None:
    scenes = [[Figure(0, 150 + speed * t, 120, arms_degrees=70 * np.sin(turns * t))] for t in range(60)]
    frames = [Frame(draw(scene, 640, 360), index / FPS, index) for index, scene in enumerate(scenes)]
    every, some = DotReader(), DotReader()
    exact = list(PersonTracker(every, TrackingSettings(even_motion=0)).follow(frames))
    passed = list(PersonTracker(some).follow(frames))
    assert [seen.frame.index for seen in passed] == list(range(60))
    searched = every.read - 59
    assert some.read - searched <= share * 59
    for seen, told in zip(passed, exact, strict=True):
        assert seen.person is not None
        assert told.person is not None
        torso = scenes[seen.frame.index][0].torso
        away = seen.person.pose.points[:, :2] - told.person.pose.points[:, :2]
        assert np.hypot(*away.T).max() < 0.05 * torso


def test_somebody_who_stands_still_moves_no_more_between() -> None:
    frames = [Frame(draw([Figure(0, 150, 120)], 640, 360), index / FPS, index) for index in range(30)]
    moved = []
    for tracker in (PersonTracker(DotReader()), PersonTracker(DotReader(), TrackingSettings(even_motion=0))):
        points = np.stack([seen.person.pose.points for seen in tracker.follow(frames) if seen.person])
        assert len(points) == 30
        moved.append(float(np.abs(np.diff(points[8:], axis=0)).max()))
    assert moved[0] <= moved[1] + 1e-3


def test_mattes_are_read_in_every_frame() -> None:
    frames = [Frame(draw([Figure(0, 150, 120)], 640, 360), index / FPS, index) for index in range(12)]
    seen = list(PersonTracker(DotReader()).follow(frames, dense=True))
    assert all(each.person is not None and each.person.matte is not None for each in seen)
