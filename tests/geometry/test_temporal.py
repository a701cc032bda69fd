"""Smoothing of warp parameters: no delay, straight lines pass, cuts hold."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionwarp.errors import OptionError
from motionwarp.geometry.temporal import FULL_WIDTH_SECONDS, smooth_over_time
from motionwarp.types import FloatArray

FRAME = 1 / 30


def noise(seed: int, count: int, columns: int = 3) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(count, columns)).astype(np.float32)


def uneven_times(seed: int, count: int) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).uniform(0.01, 0.1, count))


def roughness(values: FloatArray) -> float:
    return float(np.abs(np.diff(values, n=2, axis=0)).mean())


def test_strength_zero_gives_a_copy() -> None:
    values = noise(0, 20)
    result = smooth_over_time(values, np.arange(20) * FRAME, (), 0.0)
    np.testing.assert_array_equal(result, values)
    assert not np.shares_memory(result, values)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999), count=st.integers(1, 60), strength=st.floats(0, 1))
def test_straight_lines_pass_at_uneven_times(seed: int, count: int, strength: float) -> None:
    times = uneven_times(seed, count)
    level, slope = noise(seed, 2)
    line = (level + times[:, None] * slope).astype(np.float32)
    np.testing.assert_allclose(smooth_over_time(line, times, (), strength), line, atol=1e-4)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999), count=st.integers(3, 60))
def test_time_has_no_direction(seed: int, count: int) -> None:
    values, times = noise(seed, count), uneven_times(seed, count)
    forwards = smooth_over_time(values, times, (), 1.0)
    backwards = smooth_over_time(values[::-1].copy(), times[-1] - times[::-1], (), 1.0)[::-1]
    np.testing.assert_allclose(forwards, backwards, atol=1e-4)


def test_an_impulse_stays_where_it_is() -> None:
    values = np.zeros((41, 1), dtype=np.float32)
    values[20] = 1
    result = smooth_over_time(values, np.arange(41) * FRAME, (), 1.0)[:, 0]
    assert result.argmax() == 20
    assert result[20] < 0.7
    np.testing.assert_allclose(result, result[::-1], atol=1e-5)


def test_a_wave_of_the_named_frequency_loses_half_its_height() -> None:
    times = np.arange(0, 6, 1 / 120)
    wave = np.cos(times / FULL_WIDTH_SECONDS)
    result = smooth_over_time(wave[:, None].astype(np.float32), times, (), 1.0)[:, 0]
    middle = slice(200, -200)
    gain = float(result[middle] @ wave[middle] / (wave[middle] @ wave[middle]))
    assert gain == pytest.approx(0.5, abs=0.01)


def test_more_strength_is_smoother() -> None:
    values, times = noise(1, 100), np.arange(100) * FRAME
    rough = [roughness(smooth_over_time(values, times, (), strength)) for strength in (0.0, 0.3, 0.6, 1.0)]
    assert all(later < earlier for earlier, later in pairwise(rough))
    assert rough[-1] < 0.3 * rough[0]


def test_it_is_linear() -> None:
    one, other, times = noise(2, 30), noise(3, 30), uneven_times(4, 30)
    together = smooth_over_time(2 * one - other, times, (), 0.8)
    apart = 2 * smooth_over_time(one, times, (), 0.8) - smooth_over_time(other, times, (), 0.8)
    np.testing.assert_allclose(together, apart, atol=1e-4)


def test_nothing_crosses_a_cut() -> None:
    values, times = noise(5, 40), np.arange(40) * FRAME
    whole = smooth_over_time(values, times, (15, 28), 1.0)
    for shot in (slice(0, 15), slice(15, 28), slice(28, 40)):
        np.testing.assert_array_equal(whole[shot], smooth_over_time(values[shot], times[shot], (), 1.0))
    assert np.abs(whole - smooth_over_time(values, times, (), 1.0)).max() > 0.05


def test_cuts_may_come_unsorted_and_twice() -> None:
    values, times = noise(6, 30), np.arange(30) * FRAME
    np.testing.assert_array_equal(
        smooth_over_time(values, times, (20, 10, 20), 1.0), smooth_over_time(values, times, (10, 20), 1.0)
    )


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("columns", [0, 3])
def test_short_clips_stay_as_they_are(count: int, columns: int) -> None:
    values = noise(7, count, columns)
    np.testing.assert_array_equal(smooth_over_time(values, np.arange(count) * FRAME, (), 1.0), values)


def test_the_input_is_left_alone() -> None:
    values = noise(8, 20)
    before = values.copy()
    smooth_over_time(values, np.arange(20) * FRAME, (), 1.0)
    np.testing.assert_array_equal(values, before)


def test_frames_of_the_same_time_are_survived() -> None:
    times = np.array([0, 1, 1, 1, 2, 3, 4]) * FRAME
    assert np.isfinite(smooth_over_time(noise(9, 7), times, (), 1.0)).all()


@pytest.mark.parametrize("strength", [-0.1, 1.01, float("nan")])
def test_strengths_out_of_range_are_refused(strength: float) -> None:
    with pytest.raises(OptionError, match="Give a number from 0 to 1"):
        smooth_over_time(noise(0, 5), np.arange(5.0), (), strength)


@pytest.mark.parametrize(
    ("values", "times", "cuts", "message"),
    [
        (noise(0, 5), np.arange(4.0), (), "values \\(T, D\\)"),
        (noise(0, 5)[:, 0], np.arange(5.0), (), "values \\(T, D\\)"),
        (np.full((3, 1), np.nan, dtype=np.float32), np.arange(3.0), (), "finite"),
        (noise(0, 3), np.array([0.0, 2.0, 1.0]), (), "do not decrease"),
        (noise(0, 5), np.arange(5.0), (5,), "cuts"),
        (noise(0, 5), np.arange(5.0), (0,), "cuts"),
    ],
)
def test_disagreeing_inputs_are_refused(
    values: FloatArray, times: np.ndarray, cuts: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        smooth_over_time(values, times, cuts, 0.5)
