"""Steadying a track without delay: still points are calmed, fast motion stays sharp.

The idea of widening and narrowing the filter by speed is that of the One Euro filter (Casiez et al., CHI 2012), here in
a form that looks both ways in time.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import solveh_banded

from motionwarp.errors import OptionError
from motionwarp.pose.kinematics import VISIBLE_SCORE, typical_torso
from motionwarp.types import FloatArray, PoseTrack

DoubleArray = npt.NDArray[np.float64]

# frames closer together than this part of the usual distance are treated as if that far apart
MIN_STEP_RATIO = 0.05


def whittaker_smooth(
    values: DoubleArray,
    times_seconds: DoubleArray,
    width_seconds: float | DoubleArray,
    weights: DoubleArray | None = None,
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
    smooth: DoubleArray = solveh_banded(
        bands, mass[:, None] * (values - baseline), overwrite_ab=True, check_finite=False
    )
    return smooth + baseline


def _safe_steps(times_seconds: DoubleArray) -> DoubleArray:
    steps = np.diff(times_seconds)
    usual = float(np.median(steps))
    return np.maximum(steps, MIN_STEP_RATIO * usual if usual > 0 else 1e-3)


# filter width of a resting point at strength 1
FULL_WIDTH_SECONDS = 0.25
# at this speed the width is half of a resting point's; a hand in a quick gesture moves at about 4
HALF_WIDTH_SPEED = 0.6  # torso lengths a second
# speeds are read from a curve of this fixed width, since jitter must not count as speed ...
SPEED_WIDTH_SECONDS = 0.06
# ... and hold for a while around, since at the turning point of a fast motion the speed is 0
SPEED_REACH_SECONDS = 0.15


def smooth_track(track: PoseTrack, strength: float) -> PoseTrack:
    """Smooth a track over time, forwards and backwards alike, never across cuts.

    Points that were not seen (score below `VISIBLE_SCORE`) neither pull nor move. Points of low score pull less.

    Parameters
    ----------
    track : PoseTrack
    strength : float
        From 0 (the track as it is) to 1; filter widths are proportional to it, and at 1 a resting point's is
        `FULL_WIDTH_SECONDS`.

    Returns
    -------
    PoseTrack
        Track of the same frames, with the same scores.

    Raises
    ------
    OptionError
        If `strength` is not within [0, 1].
    """
    if not 0.0 <= strength <= 1.0:
        raise OptionError("is not a strength of smoothing", subject=str(strength), remedy="Give a number from 0 to 1")
    if strength == 0.0:
        return track
    points = track.points.copy()
    for shot in track.shots():
        _smooth_shot(points[shot], track.times_seconds[shot], strength * FULL_WIDTH_SECONDS)
    return PoseTrack(points, track.present, track.times_seconds, track.width, track.height, track.cuts)


def _smooth_shot(points: FloatArray, times_seconds: DoubleArray, width_seconds: float) -> None:
    """Smooth the points (T, 18, 3) of one shot in place."""
    torso = typical_torso(points)
    if len(points) < 3 or torso <= 0:
        return
    for point in range(points.shape[1]):
        scores = points[:, point, 2].astype(np.float64)
        weights = np.where(scores >= VISIBLE_SCORE, np.minimum(scores, 1.0), 0.0)
        visible = weights > 0
        if np.count_nonzero(visible) < 3:
            continue
        curve = points[:, point, :2].astype(np.float64)
        speed = _local_speed(curve, times_seconds, weights) / torso
        width = width_seconds / (1.0 + speed / HALF_WIDTH_SPEED)
        smooth = whittaker_smooth(curve, times_seconds, width, weights)
        points[visible, point, :2] = smooth[visible]


def _local_speed(curve: DoubleArray, times_seconds: DoubleArray, weights: DoubleArray) -> DoubleArray:
    """Return the root mean square of the speed around each sample, in pixels a second, float64 (T,)."""
    steady = whittaker_smooth(curve, times_seconds, SPEED_WIDTH_SECONDS, weights)
    steps = np.maximum(np.diff(times_seconds), 1e-6)
    squared = (np.diff(steady, axis=0) ** 2).sum(axis=1) / steps**2
    # each step counts for the samples at both of its ends, by time, so that the measure does not depend on the frame
    # rate
    centers = (times_seconds[1:] + times_seconds[:-1]) / 2
    result = np.empty(len(curve))
    # far enough out for the weights to have faded, so that it does not matter on which side of the edge a step falls
    starts = np.searchsorted(centers, times_seconds - 3 * SPEED_REACH_SECONDS, side="left")
    ends = np.searchsorted(centers, times_seconds + 3 * SPEED_REACH_SECONDS, side="right")
    for sample, (start, end) in enumerate(zip(starts, ends, strict=True)):
        # the steps at the sample itself count however long they take
        first, last = min(start, max(sample - 1, 0)), max(end, sample + 1)
        closeness = np.exp(-0.5 * ((centers[first:last] - times_seconds[sample]) / SPEED_REACH_SECONDS) ** 2)
        mass = closeness * steps[first:last]
        total = mass.sum()
        near = squared[first:last]
        result[sample] = np.sqrt((mass @ near) / total) if total > 0 else np.sqrt(near.max())
    return result
