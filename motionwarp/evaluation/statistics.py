"""How sure means over pairs are: bootstrap intervals, and tests of paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

RESAMPLES: Final = 2000
SIGN_FLIPS: Final = 9999
# up to this many pairs all sign patterns are tried, so that the p-value is exact
_EXACT_PAIRS: Final = 13
_CHUNK: Final = 4_000_000


@dataclass(frozen=True)
class Interval:
    """A mean with its interval.

    Attributes
    ----------
    mean, low, high : float
        `low` and `high` hold the mean in 95 of 100 repetitions with other pairs of the same kind.
    count : int
        Pairs.
    """

    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Difference:
    """Two systems on the same pairs.

    Attributes
    ----------
    interval : Interval
        Interval of first minus second.
    p_value : float
        Probability of a difference at least as far from 0, in either direction, if the systems were exchangeable on
        every pair.
    """

    interval: Interval
    p_value: float


def bootstrap_interval(values: Doubles, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Return the mean of pairs' metrics with its 95 % percentile bootstrap interval (Efron 1979), resampled by pair.

    Parameters
    ----------
    values : float64 (N,)
        Finite, at least one.
    seed : int
        The same seed resamples the same pairs, so that systems are compared on equal terms.
    resamples : int

    Raises
    ------
    ValueError
        If there is no value or one is not finite.
    """
    _check(values)
    rng = np.random.default_rng(seed)
    count = len(values)
    rows = max(1, _CHUNK // count)
    means = []
    for start in range(0, resamples, rows):
        chosen = rng.integers(0, count, (min(rows, resamples - start), count))
        means.append(values[chosen].mean(axis=1))
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975))
    return Interval(float(values.mean()), float(low), float(high), count)


def paired_difference(first: Doubles, second: Doubles, *, seed: int = 0, flips: int = SIGN_FLIPS) -> Difference:
    """Compare two systems on the same pairs.

    Bootstrap interval of the mean difference and a sign-flip permutation test.

    Parameters
    ----------
    first, second : float64 (N,)
        MetricValues of the same pairs in the same order.
    seed : int
    flips : int
        Random sign patterns; with 13 pairs or fewer all of them are tried instead.

    Raises
    ------
    ValueError
        If lengths differ, there is no pair, or a value is not finite.
    """
    if first.shape != second.shape:
        raise ValueError(f"paired metrics need equal shapes, got {first.shape} and {second.shape}")
    differences = first - second
    return Difference(bootstrap_interval(differences, seed=seed), _sign_flip_p(differences, seed, flips))


def _sign_flip_p(differences: Doubles, seed: int, flips: int) -> float:
    count = len(differences)
    observed = abs(differences.sum())
    # sums of equal terms in another order may differ in the last digits
    limit = observed - 1e-9 * np.abs(differences).sum()
    if count <= _EXACT_PAIRS:
        patterns = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
        return float((np.abs((1.0 - 2.0 * patterns) @ differences) >= limit).mean())
    rng = np.random.default_rng(seed)
    rows = max(1, _CHUNK // count)
    extreme = 0
    for start in range(0, flips, rows):
        signs = rng.integers(0, 2, (min(rows, flips - start), count), dtype=np.int8)
        extreme += int((np.abs((1.0 - 2.0 * signs) @ differences) >= limit).sum())
    # the observed pattern is one of those that are possible (Phipson and Smyth 2010)
    return (extreme + 1) / (flips + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979), in the given order."""
    order = np.argsort(p_values)
    adjusted = np.empty(len(p_values))
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return [float(value) for value in adjusted]


def binomial_interval(successes: int, trials: int) -> Interval:
    """Return a rate with its exact 95 % interval (Clopper and Pearson 1934).

    Raises
    ------
    ValueError
        If there are no trials, or more successes than trials.
    """
    from scipy.stats import beta

    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} of {trials} is no rate")
    low = 0.0 if successes == 0 else float(beta.ppf(0.025, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(beta.ppf(0.975, successes + 1, trials - successes))
    return Interval(successes / trials, low, high, trials)


def binomial_p(successes: int, trials: int) -> float:
    """Return the two-sided exact p-value of a rate against chance, one half."""
    from scipy.stats import binomtest

    return float(binomtest(successes, trials, 0.5).pvalue)


def _check(values: Doubles) -> None:
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise ValueError(f"means need finite metrics of at least one pair, got {values.shape}")
