"""Leaps: where a body is somewhere else from one frame to the next, as where time was cut out of a shot."""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.pose.kinematics import VISIBLE_SCORE, frame_torsos, typical_torso
from motionwarp.pose.smoothing import DoubleArray
from motionwarp.types import BoolArray, FloatArray, PoseTrack

# the middle of somebody who is on their way out is this near to a side of the frame, in torso lengths ...
EDGE_TORSOS: Final = 0.8
# ... and in parts of the frame's width or height, since somebody seen from near is close to all sides at once
EDGE_PART: Final = 0.25


def out_of_frame(
    points: FloatArray, times_seconds: DoubleArray, width: int, height: int, interpolate_seconds: float
) -> BoolArray:
    """Tell in which frames of a shot the person is outside of the picture.

    Somebody seen last at a side of the frame has walked out; somebody seen first there has walked in. Whoever was lost
    in the middle of the picture is taken to be there still. Ours.

    Parameters
    ----------
    points : float32 (T, 18, 3)
        Scores below `VISIBLE_SCORE` do not count.
    times_seconds : float64 (T,)
    width, height : int
        Size of the frames, in pixels.
    interpolate_seconds : float
        Nobody leaves and comes back between two sightings no further apart than this.

    Returns
    -------
    bool (T,)
    """
    visible = points[..., 2] >= VISIBLE_SCORE
    away: BoolArray = np.zeros(len(points), dtype=np.bool_)
    found = np.flatnonzero(visible.any(axis=1))
    torso = typical_torso(points)
    if not len(found) or torso <= 0:
        return away
    reach = np.minimum(EDGE_TORSOS * torso, EDGE_PART * np.array([width, height]))
    at_edge = [_is_at_edge(points[frame, visible[frame], :2], reach, width, height) for frame in found]
    # a tiny tolerance, since times are sums of rounded frame durations
    longest = interpolate_seconds + 1e-6
    if at_edge[0]:
        away[: found[0]] = True
    if at_edge[-1]:
        away[found[-1] + 1 :] = True
    for index in np.flatnonzero(np.diff(found) > 1):
        before, after = found[index], found[index + 1]
        if at_edge[index] and times_seconds[after] - times_seconds[before] > longest:
            away[before + 1 : after] = True
    return away


def _is_at_edge(xy: FloatArray, reach: DoubleArray, width: int, height: int) -> bool:
    """Tell whether the middle of points (n, 2) is within reach (2,) of a side of the frame, or beyond it."""
    middle = np.median(xy, axis=0)
    room = np.minimum(middle + 0.5, np.array([width, height]) - 0.5 - middle)
    return bool((room < reach).any())


# how far a body may move between two frames, in torso lengths: at once, and with time; nobody runs at half of that
REACH_TORSOS: Final = 0.8
REACH_TORSOS_PER_SECOND: Final = 6.0
# fewer points than these do not tell where a body is
FEWEST_POINTS: Final = 4


def discontinuities(track: PoseTrack) -> tuple[int, ...]:
    """Return the frames in which the person is out of reach of where they were in the frame before.

    Such a frame begins another shot even if the pictures look alike: the camera and the room may be the same. A pose
    that is off for one frame only is no leap. Ours.

    Parameters
    ----------
    track : PoseTrack
        As observed.

    Returns
    -------
    tuple of int
        In order; each within 1..T-1.
    """
    points, found = track.points, track.present
    torsos = frame_torsos(points)
    result = []
    for frame in range(1, len(track)):
        if not (found[frame - 1] and found[frame]):
            continue
        around = torsos[frame - 1 : frame + 1]
        told = around[~np.isnan(around)]
        torso = float(np.median(told)) if len(told) else 0.0
        elapsed = float(track.times_seconds[frame] - track.times_seconds[frame - 1])
        traveled = _distance(points[frame - 1], points[frame])
        if torso <= 0 or traveled is None or traveled <= (REACH_TORSOS + REACH_TORSOS_PER_SECOND * elapsed) * torso:
            continue
        before = frame < 2 or not found[frame - 2] or _is_nearer(points[frame - 2], points[frame - 1], points[frame])
        after = (
            frame + 1 >= len(track)
            or not found[frame + 1]
            or _is_nearer(points[frame + 1], points[frame], points[frame - 1])
        )
        if before and after:
            result.append(frame)
    return tuple(result)


def _is_nearer(points: FloatArray, one: FloatArray, other: FloatArray) -> bool:
    """Tell whether a body is nearer to `one` than to `other`; true if there is no telling."""
    to_one, to_other = _distance(points, one), _distance(points, other)
    return to_one is None or to_other is None or to_one < to_other


def _distance(before: FloatArray, now: FloatArray) -> float | None:
    """Return the median distance of the points (18, 3) seen in both, in pixels."""
    both = (before[:, 2] >= VISIBLE_SCORE) & (now[:, 2] >= VISIBLE_SCORE)
    if np.count_nonzero(both) < FEWEST_POINTS:
        return None
    return float(np.median(np.linalg.norm(now[both, :2] - before[both, :2], axis=1)))
