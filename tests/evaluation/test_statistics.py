"""Intervals and tests of means over pairs: closed forms, SciPy, and by enumeration."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from motionwarp.evaluation.statistics import binomial_interval, binomial_p, bootstrap_interval, holm, paired_difference


def test_the_interval_of_many_values_is_the_normal_one() -> None:
    values = np.random.default_rng(0).normal(3, 2, 4000)
    interval = bootstrap_interval(values)
    half = 1.96 * values.std() / np.sqrt(4000)
    assert interval.mean == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=half * 0.12)
    assert interval.high == pytest.approx(values.mean() + half, abs=half * 0.12)
    assert bootstrap_interval(values) == interval


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held = 0
    for seed in range(100):
        interval = bootstrap_interval(np.random.default_rng(seed).exponential(1, 80), resamples=400)
        held += interval.low <= 1 <= interval.high
    assert 0.86 <= held / 100 <= 1.0


def test_one_value_and_equal_values_have_no_spread() -> None:
    interval = bootstrap_interval(np.array([0.5]))
    assert (interval.mean, interval.low, interval.high, interval.count) == (0.5, 0.5, 0.5, 1)
    for wrong in (np.array([]), np.array([1.0, np.nan])):
        with pytest.raises(ValueError, match="finite"):
            bootstrap_interval(wrong)


def test_the_test_of_few_pairs_is_exact() -> None:
    differences = np.array([0.3, -0.1, 0.4, 0.25, 0.05, -0.02, 0.5])
    sums = [abs(np.dot(signs, differences)) for signs in product((1, -1), repeat=7)]
    expected = np.mean(np.array(sums) >= abs(differences.sum()) - 1e-12)
    first = np.arange(7.0)
    assert paired_difference(first + differences, first).p_value == pytest.approx(expected)


def test_the_test_of_many_pairs_is_near_the_t_test() -> None:
    rng = np.random.default_rng(1)
    first = rng.normal(0, 1, 300)
    second = first + rng.normal(0.13, 1, 300)
    difference = paired_difference(first, second)
    assert difference.p_value == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=0.01)
    assert difference.interval.mean == pytest.approx((first - second).mean())
    back = paired_difference(second, first)
    assert back.p_value == difference.p_value
    assert back.interval.mean == -difference.interval.mean


def test_equal_systems_do_not_differ_and_clear_ones_do() -> None:
    values = np.random.default_rng(2).normal(0, 1, 50)
    assert paired_difference(values, values).p_value == 1
    assert paired_difference(values, values + 1).p_value == pytest.approx(1e-4)
    with pytest.raises(ValueError, match="equal shapes"):
        paired_difference(values, values[1:])


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == pytest.approx([1, 1])
    assert holm([]) == []


def test_rates_are_scipy_s() -> None:
    for successes, trials in ((0, 12), (9, 12), (12, 12), (96, 100)):
        interval = binomial_interval(successes, trials)
        expected = stats.binomtest(successes, trials).proportion_ci(method="exact")
        assert (interval.low, interval.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
        assert binomial_p(successes, trials) == pytest.approx(stats.binomtest(successes, trials).pvalue)
    with pytest.raises(ValueError, match="no rate"):
        binomial_interval(1, 0)
