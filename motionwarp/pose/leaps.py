"""Leaps: where a body is somewhere else from one frame to the next, as where time was cut out of a shot."""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.pose.body_tree import SEEN_SCORE, typical_torso
from motionwarp.types import FloatArray, PoseTrack

# how far a body may move between two frames, in torso lengths: at once, and with time; nobody runs at half of that
REACH_TORSOS: Final = 0.8
REACH_TORSOS_PER_SECOND: Final = 6.0
# fewer points than these do not tell where a body is
FEWEST_POINTS: Final = 4


def leaps(track: PoseTrack) -> tuple[int, ...]:
    """Return the frames in which the person is out of reach of where they were in the frame before.

    Such a frame begins another shot even if the pictures look alike: the camera and the room may be the same. A pose that is
    off for one frame only is no leap. Ours.

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
    result = []
    for frame in range(1, len(track)):
        if not (found[frame - 1] and found[frame]):
            continue
        torso = typical_torso(points[frame - 1 : frame + 1])
        elapsed = float(track.times_seconds[frame] - track.times_seconds[frame - 1])
        travelled = _distance(points[frame - 1], points[frame])
        if torso <= 0 or travelled is None or travelled <= (REACH_TORSOS + REACH_TORSOS_PER_SECOND * elapsed) * torso:
            continue
        before = frame < 2 or not found[frame - 2] or _is_nearer(points[frame - 2], points[frame - 1], points[frame])
        after = frame + 1 >= len(track) or not found[frame + 1] or _is_nearer(points[frame + 1], points[frame], points[frame - 1])
        if before and after:
            result.append(frame)
    return tuple(result)


def _is_nearer(points: FloatArray, one: FloatArray, other: FloatArray) -> bool:
    """Tell whether a body is nearer to `one` than to `other`; true if there is no telling."""
    to_one, to_other = _distance(points, one), _distance(points, other)
    return to_one is None or to_other is None or to_one < to_other


def _distance(before: FloatArray, now: FloatArray) -> float | None:
    """Return the median distance of the points (18, 3) seen in both, in pixels."""
    both = (before[:, 2] >= SEEN_SCORE) & (now[:, 2] >= SEEN_SCORE)
    if np.count_nonzero(both) < FEWEST_POINTS:
        return None
    return float(np.median(np.linalg.norm(now[both, :2] - before[both, :2], axis=1)))
