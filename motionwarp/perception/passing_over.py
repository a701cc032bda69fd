"""Frames that need not be read, since the person moves evenly from the frame before to the frame after. Ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from motionwarp.perception.framing import VISIBLE_SCORE, torso_length
from motionwarp.types import Facing, FloatArray, Person, Pose

_COMES_OR_GOES: Final = 0.2  # of a score that crosses the one from which points are seen; less is a point in doubt


@dataclass(frozen=True, eq=False)
class Reading:
    """The points (18, 3) of somebody read in a frame, and its time."""

    points: FloatArray
    time_seconds: float


def departure(earlier: Reading, before: Reading, after: FloatArray, after_seconds: float) -> float:
    """Return how far a reading is from where the two before it lead, in torsos: of the point that is farthest off.

    Of an even acceleration, a point halfway between `before` and `after` is off its line by an eighth of that.

    Parameters
    ----------
    earlier, before : Reading
    after : float32 (18, 3)
    after_seconds : float

    Returns
    -------
    float
        Infinite where a point comes or goes, or nothing is seen.
    """
    scores = np.stack([before.points[:, 2], after[:, 2]])
    seen = (scores >= VISIBLE_SCORE).all(axis=0)
    changes = (scores >= VISIBLE_SCORE).any(axis=0) & ~seen
    if not seen.any() or (np.ptp(scores[:, changes], axis=0) > _COMES_OR_GOES).any():
        return np.inf
    share = (after_seconds - before.time_seconds) / max(before.time_seconds - earlier.time_seconds, 1e-3)
    moved = share * (before.points[:, :2] - earlier.points[:, :2])
    # of a point that was not seen then nothing is known
    moved[earlier.points[:, 2] < VISIBLE_SCORE] = 0
    beside = after[seen, :2] - before.points[seen, :2] - moved[seen]
    return float(np.hypot(*beside.T).max()) / max(torso_length(before.points), 1e-3)


def person_between(before: Person, after: Person, share: float) -> Person:
    """Return a person on the way between two readings, without parsing and matte.

    Parameters
    ----------
    before, after : Person
    share : float
        Of the way from `before`, in [0, 1].
    """
    one, other = before.pose.points, after.pose.points
    points = (one + np.float32(share) * (other - one)).astype(np.float32)
    known = (one[:, 2] > 0) & (other[:, 2] > 0)
    # a point that only one of both has is taken from there
    points[~known] = np.where(one[~known, 2:] > 0, one[~known], other[~known])
    facing = None
    if before.facing is not None and after.facing is not None:
        pair = before.facing, after.facing
        cosine, sine, certainty = (
            (1 - share) * getattr(pair[0], name) + share * getattr(pair[1], name)
            for name in ("cosine", "sine", "certainty")
        )
        length = max(float(np.hypot(cosine, sine)), 1e-6)
        facing = Facing(cosine / length, sine / length, certainty)
    return Person(Pose(points), after.crop, score=(1 - share) * before.score + share * after.score, facing=facing)
