"""Steadying tracks: jitter goes, fast motion stays, nothing is late, and cuts hold."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_poses import FRAME_SECONDS, dancing, scaled, standing, track_of

from motionwarp.errors import OptionError
from motionwarp.pose import skeleton as sk
from motionwarp.pose.smoothing import smooth_track, whittaker_smooth
from motionwarp.types import FloatArray


def jittery(points: FloatArray, pixels: float, seed: int = 0) -> FloatArray:
    noisy = points.copy()
    noisy[..., :2] += np.random.default_rng(seed).normal(0, pixels, (*points.shape[:-1], 2))
    return noisy


def still(count: int) -> FloatArray:
    return np.repeat(standing()[None], count, axis=0)


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values.astype(np.float64) ** 2)))


def test_strength_zero_is_the_track_itself() -> None:
    track = track_of(dancing(10))
    assert smooth_track(track, 0.0) is track


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_even_motion_passes(strength: float) -> None:
    points = still(40)
    points[..., 0] += 3 * np.arange(40, dtype=np.float32)[:, None]
    np.testing.assert_allclose(smooth_track(track_of(points), strength).points, points, atol=1e-2)


def test_jitter_of_a_resting_body_is_calmed() -> None:
    noisy = jittery(still(100), 2.0)
    left = [
        rms((smooth_track(track_of(noisy), strength).points - still(100))[..., :2]) for strength in (0.25, 0.5, 1.0)
    ]
    assert all(later < earlier for earlier, later in pairwise(left))
    assert left[-1] < 0.8


def test_fast_motion_stays_sharp() -> None:
    points = still(60)
    angle = 2 * np.pi * np.arange(60) * FRAME_SECONDS / 0.7
    points[:, sk.LEFT_WRIST, 0] += 60 * np.sin(angle)  # 5 torsos a second
    smooth = smooth_track(track_of(points), 0.5).points
    gain = np.ptp(smooth[10:50, sk.LEFT_WRIST, 0]) / np.ptp(points[10:50, sk.LEFT_WRIST, 0])
    assert gain > 0.97


def test_time_has_no_direction() -> None:
    points = jittery(dancing(50), 1.5)
    forwards = smooth_track(track_of(points), 0.7).points
    backwards = smooth_track(track_of(points[::-1].copy()), 0.7).points[::-1]
    np.testing.assert_allclose(forwards, backwards, atol=0.02)


def test_scores_presence_and_times_stay() -> None:
    points = jittery(dancing(20), 1.0)
    points[5] = 0
    track = track_of(points, cuts=(9,))
    smooth = smooth_track(track, 1.0)
    np.testing.assert_array_equal(smooth.points[..., 2], points[..., 2])
    np.testing.assert_array_equal(smooth.present, track.present)
    np.testing.assert_array_equal(smooth.times_seconds, track.times_seconds)
    assert smooth.cuts == (9,)


def test_unseen_points_neither_pull_nor_move() -> None:
    points = jittery(dancing(30), 1.0)
    points[10:13, sk.LEFT_WRIST] = (0, 0, 0)
    moved_away = points.copy()
    moved_away[10:13, sk.LEFT_WRIST, :2] = 5000
    one, other = smooth_track(track_of(points), 0.8).points, smooth_track(track_of(moved_away), 0.8).points
    visible = points[..., 2] > 0
    np.testing.assert_allclose(one[visible], other[visible], atol=1e-2)
    np.testing.assert_array_equal(other[~visible], moved_away[~visible])


def test_unsure_points_pull_less() -> None:
    points = still(21)
    points[10, sk.NOSE, 0] += 20
    sure = smooth_track(track_of(points), 1.0).points
    points[10, sk.NOSE, 2] = 0.2
    unsure = smooth_track(track_of(points), 1.0).points
    shift = [result[9, sk.NOSE, 0] - standing()[sk.NOSE, 0] for result in (sure, unsure)]
    assert shift[1] < 0.6 * shift[0]


def test_nothing_crosses_a_cut() -> None:
    points = jittery(dancing(40), 1.5)
    points[18:, :, 0] += 150
    whole = smooth_track(track_of(points, cuts=(18,)), 1.0).points
    np.testing.assert_array_equal(whole[:18], smooth_track(track_of(points[:18]), 1.0).points)
    times = np.arange(18, 40) * FRAME_SECONDS
    np.testing.assert_array_equal(whole[18:], smooth_track(track_of(points[18:], times=times), 1.0).points)


@settings(deadline=None, max_examples=15)
@given(scale=st.floats(0.2, 5), x=st.floats(-300, 300), y=st.floats(-300, 300), seed=st.integers(0, 99))
def test_size_and_place_do_not_matter(scale: float, x: float, y: float, seed: int) -> None:
    points = jittery(dancing(25, seed), 1.0, seed)
    expected = scaled(smooth_track(track_of(points), 0.6).points, scale, (x, y))
    moved = smooth_track(track_of(scaled(points, scale, (x, y))), 0.6).points
    np.testing.assert_allclose(moved, expected, atol=0.02 * max(scale, 1))


def test_the_frame_rate_hardly_matters() -> None:
    fine_times = np.arange(0, 3, 1 / 100)
    fine = np.repeat(standing()[None], len(fine_times), axis=0)
    fine[:, sk.LEFT_WRIST, 0] += 15 * np.sin(2 * np.pi * fine_times / 0.5)
    smooth = [smooth_track(track_of(fine[::step].copy(), times=fine_times[::step]), 1.0).points for step in (1, 4)]
    heights = [np.ptp(points[len(points) // 4 : -len(points) // 4, sk.LEFT_WRIST, 0]) for points in smooth]
    assert heights[0] < 28
    assert heights[1] == pytest.approx(heights[0], rel=0.1)


@pytest.mark.parametrize("seconds", [1.0, 60.0])
def test_frames_far_apart_are_smoothed_too(seconds: float) -> None:
    points = jittery(still(9), 2.0)
    times = np.arange(9) * seconds
    times[5:] += 4 * seconds
    smooth = smooth_track(track_of(points, times=times), 1.0).points
    # the filter is far narrower than a step, so next to nothing is left of it
    np.testing.assert_allclose(smooth, points, atol=0.5)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_clips_stay_as_they_are(count: int) -> None:
    np.testing.assert_array_equal(smooth_track(track_of(dancing(count)), 1.0).points, dancing(count))


@pytest.mark.parametrize("strength", [-0.01, 1.5, float("nan")])
def test_strengths_out_of_range_are_refused(strength: float) -> None:
    with pytest.raises(OptionError, match="strength of smoothing"):
        smooth_track(track_of(dancing(3)), strength)


def test_the_filter_solves_its_penalized_least_squares() -> None:
    """Against a dense solution of the normal equations at even times."""
    count, step, width = 30, 0.1, 0.25
    generator = np.random.default_rng(3)
    values, weights = generator.normal(size=(count, 2)), generator.uniform(0.2, 1, count)
    second = np.diff(np.eye(count), n=2, axis=0) / step**2
    cells = np.full(count, step)
    cells[[0, -1]] = step / 2
    system = np.diag(weights * cells) + width**4 * step * second.T @ second
    expected = np.linalg.solve(system, (weights * cells)[:, None] * values)
    np.testing.assert_allclose(whittaker_smooth(values, np.arange(count) * step, width, weights), expected, atol=1e-7)
