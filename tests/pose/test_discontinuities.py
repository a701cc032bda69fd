"""A body that is somewhere else from one frame to the next begins a shot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_poses import dancing, track_of

from motionwarp.pose.continuity import discontinuities


def test_dancers_do_not_leap() -> None:
    assert discontinuities(track_of(dancing(60))) == ()
    assert discontinuities(track_of(dancing(60)[::5], times=np.arange(12) / 5)) == ()


@pytest.mark.parametrize("frame", [1, 20, 39])
def test_another_place_is_another_shot(frame: int) -> None:
    points = dancing(40)
    points[frame:, :, 0] += 160
    assert discontinuities(track_of(points)) == (frame,)


def test_one_odd_pose_is_no_leap() -> None:
    points = dancing(40)
    points[20, :, 0] += 160
    assert discontinuities(track_of(points)) == ()


def test_whoever_was_not_seen_between_may_be_anywhere() -> None:
    points = dancing(40)
    points[20:, :, 0] += 160
    points[19] = 0
    assert discontinuities(track_of(points)) == ()


def test_what_is_far_at_once_is_near_in_a_second() -> None:
    points = dancing(4)
    points[2:, :, 0] += 160
    track = track_of(points)
    assert discontinuities(track) == (2,)
    assert discontinuities(replace(track, times_seconds=np.arange(4.0))) == ()
