"""The One Euro filter against its paper's equations, and by what it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

from motionwarp.pose.one_euro import OneEuroFilter

KNOWN = np.ones(1, dtype=np.bool_)


def written_out(values: list[float], times: list[float], least: float, gain: float) -> list[float]:
    """The algorithm of the paper's appendix, for one value."""

    def alpha(cutoff: float, step: float) -> float:
        tau = 1 / (2 * math.pi * cutoff)
        return 1 / (1 + tau / step)

    filtered, speed = values[0], 0.0
    result = [filtered]
    for before, now, value in zip(times, times[1:], values[1:], strict=False):
        step = now - before
        raw = (value - filtered) / step
        share = alpha(1.0, step)
        speed = share * raw + (1 - share) * speed
        share = alpha(least + gain * abs(speed), step)
        filtered = share * value + (1 - share) * filtered
        result.append(filtered)
    return result


def filtered(
    values: np.ndarray, times: np.ndarray, least: float = 3.0, gain: float = 1.6, unit: float = 1.0
) -> np.ndarray:
    euro = OneEuroFilter(least, gain)
    return np.array([euro(np.array([value]), KNOWN, time, unit)[0] for value, time in zip(values, times, strict=True)])


def test_it_is_the_papers_filter() -> None:
    generator = np.random.default_rng(1)
    times = np.cumsum(generator.uniform(0.02, 0.08, 60))
    along = np.cumsum(generator.normal(0, 0.3, 60))
    ours = filtered(np.stack([along, np.zeros(60)], axis=1), times)
    assert ours[:, 0] == pytest.approx(written_out(along.tolist(), times.tolist(), 3.0, 1.6), abs=1e-12)
    assert (ours[:, 1] == 0).all()


def test_speed_counts_whatever_its_direction() -> None:
    times = np.arange(40) / 30
    path = np.stack([2 * times, np.zeros(40)], axis=1)
    turned = path @ np.array([[0.6, 0.8], [-0.8, 0.6]])
    assert filtered(path, times) @ np.array([[0.6, 0.8], [-0.8, 0.6]]) == pytest.approx(filtered(turned, times))


def test_rest_is_steadied_and_gestures_come_soon() -> None:
    times = np.arange(120) / 30
    noise = np.random.default_rng(2).normal(0, 0.02, (120, 2))
    assert filtered(noise, times)[30:].std() < 0.6 * noise[30:].std()
    # a hand that moves four torso lengths a second is behind by less than a frame
    moving = np.stack([4 * times, np.zeros(120)], axis=1)
    lag = (moving - filtered(moving, times))[60:, 0] / 4
    assert lag.max() < 0.034


def test_people_near_and_far_are_filtered_alike() -> None:
    times = np.arange(50) / 30
    path = np.cumsum(np.random.default_rng(3).normal(0, 0.1, (50, 2)), axis=0)
    assert filtered(90 * path, times, unit=90.0) == pytest.approx(90 * filtered(path, times))


def test_points_that_are_missing_keep_their_place_and_come_back_at_once() -> None:
    euro = OneEuroFilter(3.0, 1.6)
    both, first = np.array([True, True]), np.array([True, False])
    euro(np.array([[0.0, 0.0], [5.0, 5.0]]), first, 0.0)
    late = euro(np.array([[0.0, 0.0], [9.0, 9.0]]), both, 0.1)
    assert late[1].tolist() == [9.0, 9.0]  # never seen before: taken as it is
    kept = euro(np.array([[1.0, 0.0], [-7.0, 3.0]]), first, 0.2)
    assert kept[1].tolist() == [9.0, 9.0]
    euro.reset()
    assert euro(np.array([[4.0, 4.0], [1.0, 1.0]]), both, 0.3).tolist() == [[4.0, 4.0], [1.0, 1.0]]


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="cut-off over 0"):
        OneEuroFilter(0.0, 1.0)
