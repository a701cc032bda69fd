"""Smoothing by penalised least squares: no delay, uneven times, one width for each sample if wanted.

The smoothed curve z of samples y at times t minimises (Whittaker 1923, with weights and times that may be uneven)

    integral of w (y - z)^2  +  integral of width^4 (z'')^2

so that straight lines pass unchanged, the filter is the same in both directions of time, and oscillations whose angular
frequency is 1 / width lose half their height.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import solveh_banded

DoubleArray = npt.NDArray[np.float64]

# frames closer together than this part of the usual distance are treated as if that far apart
MIN_STEP_RATIO = 0.05


def whittaker_smooth(
    values: DoubleArray, times_seconds: DoubleArray, width_seconds: float | DoubleArray, weights: DoubleArray | None = None
) -> DoubleArray:
    """Smooth curves that share their times, widths and weights.

    Parameters
    ----------
    values : float64 (T, D)
    times_seconds : float64 (T,)
        Not decreasing.
    width_seconds : float or float64 (T,)
        Width of the filter, at least 0; 0 everywhere gives the values back.
    weights : float64 (T,), optional
        Trust in each sample, at least 0; 0 for samples whose values are to be ignored. All 1 by default.

    Returns
    -------
    float64 (T, D)
        A copy of the values where fewer than three samples have weight, for there is nothing to judge them by.
    """
    count = len(values)
    trust = np.ones(count) if weights is None else weights
    width = np.broadcast_to(np.asarray(width_seconds, dtype=np.float64), (count,))
    if np.count_nonzero(trust) < 3 or not width.any():
        return values.copy()
    steps = _safe_steps(times_seconds)
    cells = np.empty(count)
    cells[0], cells[-1] = steps[0] / 2, steps[-1] / 2
    cells[1:-1] = (steps[:-1] + steps[1:]) / 2
    # z'' at the inner samples: three coefficients each
    before, after = 1.0 / (steps[:-1] * cells[1:-1]), 1.0 / (steps[1:] * cells[1:-1])
    rows = np.stack([before, -(before + after), after])
    penalty = width[1:-1] ** 4 * cells[1:-1]
    mass = trust * cells
    bands = np.zeros((3, count))
    bands[2] = mass
    for first in range(3):
        for second in range(first, 3):
            gap = second - first
            bands[2 - gap, second : second + count - 2] += penalty * rows[first] * rows[second]
    # a trace of a direct tie keeps stretches without weight and without penalty solvable
    bands[2] += 1e-12 * bands[2].max()
    baseline = np.average(values, axis=0, weights=trust)
    smooth: DoubleArray = solveh_banded(bands, mass[:, None] * (values - baseline), overwrite_ab=True, check_finite=False)
    return smooth + baseline


def _safe_steps(times_seconds: DoubleArray) -> DoubleArray:
    steps = np.diff(times_seconds)
    usual = float(np.median(steps))
    return np.maximum(steps, MIN_STEP_RATIO * usual if usual > 0 else 1e-3)
