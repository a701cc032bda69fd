"""Choosing one of several people in a frame, and following that one through a clip without seeing pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from motionwarp.errors import NoPersonError
from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.types import BoolArray, FloatArray

# the largest person, the person of an index counted by size from 0, or the one nearest to a point (x, y) in pixels
PersonSelector = int | tuple[float, float] | Literal["largest"]

# from one frame to the next a person's points move by less than this part of the person's size ...
MAX_STEP = 0.35
# ... and by more after frames in which the person was not seen, up to this
MAX_STEP_AFTER_GAP = 1.5
GROWTH_PER_FRAME = 0.15
# lost for this many frames, the person is looked for anew
GIVE_UP_FRAMES = 30


def person_size(points: FloatArray) -> float:
    """Measure a person, (18, 3): the diagonal in pixels of the box around the points seen; 0 for fewer than two."""
    visible = points[:, 2] >= VISIBLE_SCORE
    if np.count_nonzero(visible) < 2:
        return 0.0
    xy = points[visible, :2]
    return float(np.linalg.norm(xy.max(axis=0) - xy.min(axis=0)))


def choose_person(people: Sequence[FloatArray], person: PersonSelector) -> int:
    """Pick one of the people of a frame.

    Parameters
    ----------
    people : sequence of float32 (18, 3)
        At least one.
    person : "largest", int, or (x, y)

    Returns
    -------
    int
        Index into `people`.

    Raises
    ------
    NoPersonError
        If there is no person, or none of that index.
    """
    if not people:
        raise NoPersonError("nobody is in the picture", remedy="Use a picture or a frame with a person")
    by_size = sorted(range(len(people)), key=lambda index: -person_size(people[index]))
    if person == "largest":
        return by_size[0]
    if isinstance(person, int):
        if not 0 <= person < len(people):
            raise NoPersonError(
                f"there is no person of index {person} among {len(people)}",
                remedy=f"Give an index from 0 (the largest) to {len(people) - 1}",
            )
        return by_size[person]
    assert not isinstance(person, str)
    at = np.asarray(person, dtype=np.float32)
    return min(range(len(people)), key=lambda index: _distance_to(people[index], at))


def follow_person(
    frames: Sequence[Sequence[FloatArray]], person: PersonSelector, cuts: Sequence[int] = ()
) -> tuple[FloatArray, BoolArray]:
    """Follow one person through frames that list everybody in any order.

    The choice is made in the first frame (of each shot) that has enough people for it; from there the nearest pose is
    taken, unless it is too far away to be the same person.

    Parameters
    ----------
    frames : sequence of T sequences of float32 (18, 3)
    person : "largest", int, or (x, y)
    cuts : sequence of int
        Frames that start a new shot.

    Returns
    -------
    float32 (T, 18, 3)
        All zeros where the person is absent.
    bool (T,)
        Whether the person is present.

    Raises
    ------
    NoPersonError
        If an index is asked for that no frame has.
    """
    points = np.zeros((len(frames), 18, 3), dtype=np.float32)
    present = np.zeros(len(frames), dtype=np.bool_)
    most = max((len(people) for people in frames), default=0)
    if isinstance(person, int) and most and not 0 <= person < most:
        raise NoPersonError(
            f"there is no person of index {person}: no frame has more than {most}",
            remedy=f"Give an index from 0 (the largest) to {most - 1}",
        )
    needed = person + 1 if isinstance(person, int) else 1
    last: FloatArray | None = None
    missed = 0
    for index, people in enumerate(frames):
        if index in cuts or missed >= GIVE_UP_FRAMES:
            last = None
        chosen: int | None = None
        if last is not None:
            chosen = _nearest(people, last, missed)
        elif len(people) >= needed:
            chosen = choose_person(people, person)
        if chosen is None:
            missed += 1
            continue
        last, missed = people[chosen], 0
        points[index], present[index] = last, True
    return points, present


def _distance_to(points: FloatArray, at: FloatArray) -> float:
    """Distance from a point to a person: 0 inside the box around the points, so that any part can be pointed at."""
    visible = points[points[:, 2] >= VISIBLE_SCORE, :2]
    if not len(visible):
        return float("inf")
    low, high = visible.min(axis=0), visible.max(axis=0)
    outside = np.maximum(np.maximum(low - at, at - high), 0.0)
    # of several boxes around the point the tightest fits best
    return float(np.linalg.norm(outside)) + 1e-6 * float(np.linalg.norm(high - low))


def _nearest(people: Sequence[FloatArray], last: FloatArray, missed: int) -> int | None:
    limit = min(MAX_STEP + GROWTH_PER_FRAME * missed, MAX_STEP_AFTER_GAP)
    best: int | None = None
    best_cost = limit * max(person_size(last), 1.0)
    for index, points in enumerate(people):
        both = (points[:, 2] >= VISIBLE_SCORE) & (last[:, 2] >= VISIBLE_SCORE)
        if not both.any():
            continue
        cost = float(np.median(np.linalg.norm(points[both, :2] - last[both, :2], axis=1)))
        if cost < best_cost:
            best, best_cost = index, cost
    return best
