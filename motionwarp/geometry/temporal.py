"""Steadying warp parameters over time, without delay."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from motionwarp.errors import OptionError
from motionwarp.pose.smoothing import whittaker_smooth
from motionwarp.types import FloatArray

# poses arrive smoothed already, so that warps need little: at strength 1, waves of 2 Hz lose half their height
FULL_WIDTH_SECONDS = 0.08


def smooth_over_time(
    values: FloatArray, times_seconds: npt.ArrayLike, cuts: Sequence[int], strength: float
) -> FloatArray:
    """Smooth every column over time, forwards and backwards alike, never across cuts.

    Linear in `values`; constants and linear trends within a shot pass unchanged.

    Parameters
    ----------
    values : float32 (T, D)
        One row a frame; T may be 0 or 1, D may be 0.
    times_seconds : (T,)
        Presentation times in seconds, not decreasing; they need not be even.
    cuts : sequence of int
        Frames that start a new shot, each within 1..T-1.
    strength : float
        From 0 (the values as they are) to 1. The filter's width is `strength * FULL_WIDTH_SECONDS`: waves of that
        angular period (frequency 1 / (2 pi width)) lose half their height.

    Returns
    -------
    float32 (T, D)

    Raises
    ------
    OptionError
        If `strength` is not within [0, 1].
    ValueError
        If shapes disagree, values are not finite, times decrease, or a cut lies outside the clip.
    """
    if not 0.0 <= strength <= 1.0:
        raise OptionError("is not a strength of smoothing", subject=str(strength), remedy="Give a number from 0 to 1")
    times = np.asarray(times_seconds, dtype=np.float64)
    _check(values, times, cuts)
    result = values.astype(np.float32, copy=True)
    if strength == 0.0:
        return result
    edges = [0, *sorted(set(cuts)), len(values)]
    for start, end in pairwise(edges):
        if end - start >= 3 and values.shape[1] > 0:
            result[start:end] = whittaker_smooth(
                values[start:end].astype(np.float64), times[start:end], strength * FULL_WIDTH_SECONDS
            )
    return result


def _check(values: FloatArray, times: npt.NDArray[np.float64], cuts: Sequence[int]) -> None:
    if values.ndim != 2 or times.shape != (len(values),):
        raise ValueError(f"smooth_over_time needs values (T, D) and times (T,), got {values.shape} and {times.shape}")
    if not np.isfinite(values).all() or not np.isfinite(times).all():
        raise ValueError("smooth_over_time needs finite values and times")
    if (np.diff(times) < 0).any():
        raise ValueError("smooth_over_time needs times that do not decrease")
    if any(not 0 < cut < len(values) for cut in cuts):
        raise ValueError(f"smooth_over_time of {len(values)} frames has cuts {tuple(cuts)}")
