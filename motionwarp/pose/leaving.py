"""Telling somebody who has left the picture from somebody who was only not found: where they were seen last decides."""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.pose.body_tree import SEEN_SCORE, typical_torso
from motionwarp.pose.whittaker import DoubleArray
from motionwarp.types import BoolArray, FloatArray

# the middle of somebody who is on their way out is this near to a side of the frame, in torso lengths ...
EDGE_TORSOS: Final = 0.8
# ... and in parts of the frame's width or height, since somebody seen from near is close to all sides at once
EDGE_PART: Final = 0.25


def frames_out_of_sight(points: FloatArray, times_seconds: DoubleArray, width: int, height: int, interpolate_seconds: float) -> BoolArray:
    """Tell in which frames of a shot the person is outside of the picture.

    Somebody seen last at a side of the frame has walked out; somebody seen first there has walked in. Whoever was lost in the
    middle of the picture is taken to be there still. Ours.

    Parameters
    ----------
    points : float32 (T, 18, 3)
        Scores below `SEEN_SCORE` do not count.
    times_seconds : float64 (T,)
    width, height : int
        Of the frames, in pixels.
    interpolate_seconds : float
        Nobody leaves and comes back between two sightings no further apart than this.

    Returns
    -------
    bool (T,)
    """
    seen = points[..., 2] >= SEEN_SCORE
    away: BoolArray = np.zeros(len(points), dtype=np.bool_)
    found = np.flatnonzero(seen.any(axis=1))
    torso = typical_torso(points)
    if not len(found) or torso <= 0:
        return away
    reach = np.minimum(EDGE_TORSOS * torso, EDGE_PART * np.array([width, height]))
    at_edge = [_is_at_edge(points[frame, seen[frame], :2], reach, width, height) for frame in found]
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
