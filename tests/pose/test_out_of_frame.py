"""Somebody who walks out of the picture is gone; somebody lost in the middle of it is there still."""

from __future__ import annotations

import numpy as np
import pytest
from made_poses import FRAME_SECONDS, HEIGHT, WIDTH, dancing, track_of

from motionwarp.pose.continuity import out_of_frame
from motionwarp.pose.repair import repair_track
from motionwarp.types import FloatArray

COUNT = 80
AWAY = slice(25, 55)


def walking(shifts: FloatArray, axis: int = 0) -> FloatArray:
    """The dancer moved by `shifts` (T,) pixels.

    What lies outside of the frame is not seen, and few points are nobody.
    """
    points = dancing(len(shifts))
    points[..., axis] += shifts[:, None]
    outside = (points[..., :2] < 0).any(axis=2) | (points[..., 0] >= WIDTH) | (points[..., 1] >= HEIGHT)
    points[outside] = 0
    points[(points[..., 2] > 0).sum(axis=1) < 6] = 0
    return points


def out_and_back(far: float) -> FloatArray:
    out, back = np.linspace(0, far, AWAY.start), np.linspace(far, 0, COUNT - AWAY.stop)
    return np.concatenate([out, np.full(AWAY.stop - AWAY.start, far), back]).astype(np.float32)


@pytest.mark.parametrize(("far", "axis"), [(500, 0), (-320, 0), (600, 1), (-500, 1)])
def test_whoever_walks_out_is_away_until_they_are_back(far: float, axis: int) -> None:
    points = walking(out_and_back(far), axis)
    visible = (points[..., 2] > 0).any(axis=1)
    assert 10 < np.count_nonzero(~visible) <= 60
    result = repair_track(track_of(points))
    np.testing.assert_array_equal(result.track.present, visible)
    assert not result.track.points[~visible].any()
    assert any("at the edge" in note.text for note in result.notes)


def test_who_enters_is_not_there_before_and_who_leaves_not_after() -> None:
    points = walking(np.linspace(-500, 500, COUNT).astype(np.float32))
    visible = (points[..., 2] > 0).any(axis=1)
    assert not visible[0]
    assert not visible[-1]
    np.testing.assert_array_equal(repair_track(track_of(points)).track.present, visible)


def test_whoever_is_lost_in_the_middle_is_there_still() -> None:
    points = dancing(COUNT)
    points[AWAY] = 0
    points[:4] = 0
    assert repair_track(track_of(points)).track.present.all()


def test_a_person_seen_from_near_is_at_no_edge() -> None:
    # the torso is as long as the frame is wide, so that every place is within a torso of a side
    points = dancing(COUNT)
    points[..., :2] = (points[..., :2] - np.array([100, 150])) * 4 + np.array([WIDTH / 2, HEIGHT / 2])
    points[AWAY] = 0
    assert repair_track(track_of(points)).track.present.all()


def test_a_short_gap_at_the_edge_is_no_absence() -> None:
    points = walking(np.full(COUNT, 250, dtype=np.float32))
    times = np.arange(COUNT) * FRAME_SECONDS
    points[20:26] = 0
    assert not out_of_frame(points, times, WIDTH, HEIGHT, 0.5).any()
    assert np.flatnonzero(out_of_frame(points, times, WIDTH, HEIGHT, 0.1)).tolist() == list(range(20, 26))
