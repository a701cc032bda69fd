"""Filling gaps of a shot: of single points, and of the whole person as the gap of all points at once.

Points are filled in the order of the walk from the neck, each relative to the point before it, so that an arm that was
lost for a while moves along with its shoulder. Over long gaps a point follows its bone: a shin turns with its thigh,
and grows with the body as it comes nearer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from motionwarp.pose.bone_motion import BoneMotion, Carrier
from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.pose.skeleton import BONES, NECK
from motionwarp.pose.smoothing import DoubleArray
from motionwarp.types import BoolArray, FloatArray

# a filled place is less sure than the places it comes from
INTERPOLATED_FACTOR: Final = 0.7
HELD_FACTOR: Final = 0.5
# points seen in a smaller part of the frames with the person than this only flicker
RARELY_VISIBLE: Final = 0.05
# someone who comes back somewhere else is led there over this time at the end of the gap
RETURN_SECONDS: Final = 0.25

PARENT: Final = {child: parent for parent, child in BONES}
WALK: Final = (NECK, *(child for _, child in BONES))

Action = Literal["interpolated", "held", "held back", "dropped"]


@dataclass(frozen=True)
class GapFill:
    """A gap that was filled.

    Attributes
    ----------
    first, last : int
        Frames of the shot, both included.
    points : tuple of int
        Which points; empty for the whole person.
    action : str
        'interpolated', 'held' (as in the last frame before), 'held back' (as in the first frame that follows), or
        'dropped'. Single points that are held turn and grow with the bone before them.
    """

    first: int
    last: int
    points: tuple[int, ...]
    action: Action


def fill_shot(points: FloatArray, times_seconds: DoubleArray, interpolate_seconds: float) -> list[GapFill]:
    """Fill all gaps of a shot in which the person was seen at least once.

    Parameters
    ----------
    points : float32 (T, 18, 3)
        Changed in place. Points that the shot never shows stay, with score 0.
    times_seconds : float64 (T,)
    interpolate_seconds : float
        Gaps between two sightings no further apart than this are interpolated.

    Returns
    -------
    list of GapFill
        Equal gaps of several points as one.
    """
    visible = points[..., 2] >= VISIBLE_SCORE
    person = np.asarray(visible.any(axis=1))
    points[~visible] = 0.0
    fills: dict[tuple[int, int, Action], list[int]] = {}
    person_gaps = {(first, last) for first, last in runs(~person)}
    _drop_rarely_visible(points, visible, person, fills)
    known = visible.copy()
    bones = BoneMotion(points, visible)
    for point in WALK:
        if not visible[:, point].any():
            continue
        parent = _known_parent(point, known)
        base = np.zeros((len(points), 2)) if parent is None else points[:, parent, :2].astype(np.float64)
        for first, last in runs(~visible[:, point]):
            carrier = None
            if (first, last) not in person_gaps:
                before = None if parent is None else _known_parent(parent, known)
                carrier = bones.carrier(points, parent, before, (first, last))
            action = _fill(points[:, point], base, times_seconds, first, last, interpolate_seconds, carrier)
            if (first, last) not in person_gaps:
                fills.setdefault((first, last, action), []).append(point)
        known[:, point] = True
    whole = [
        GapFill(first, last, (), _action(first, last, times_seconds, interpolate_seconds))
        for first, last in person_gaps
    ]
    return whole + [GapFill(first, last, tuple(sorted(some)), action) for (first, last, action), some in fills.items()]


def _drop_rarely_visible(
    points: FloatArray, visible: BoolArray, person: BoolArray, fills: dict[tuple[int, int, Action], list[int]]
) -> None:
    """Forget points that are seen in too few frames, in place; at least one point always stays."""
    part = visible[person].mean(axis=0)
    rare = (part > 0) & (part < RARELY_VISIBLE)
    if not (part >= RARELY_VISIBLE).any():
        return
    for point in np.flatnonzero(rare).tolist():
        frames = np.flatnonzero(visible[:, point])
        fills.setdefault((int(frames[0]), int(frames[-1]), "dropped"), []).append(point)
        points[:, point] = 0.0
        visible[:, point] = False


def _known_parent(point: int, known: BoolArray) -> int | None:
    """Return the nearest point towards the neck that has a place in every frame by now."""
    parent = PARENT.get(point)
    while parent is not None and not known[:, parent].all():
        parent = PARENT.get(parent)
    return parent


def _fill(
    curve: FloatArray,
    base: DoubleArray,
    times: DoubleArray,
    first: int,
    last: int,
    interpolate_seconds: float,
    carrier: Carrier | None,
) -> Action:
    """Fill the frames first..last of one point's (T, 3) in place, relative to `base` (T, 2), or by a carrier."""
    inside = slice(first, last + 1)
    action = _action(first, last, times, interpolate_seconds)
    sides = [index for index in (first - 1, last + 1) if 0 <= index < len(curve)]
    offsets: list[DoubleArray] = []  # (2,), or (n, 2) where they are carried along
    for index in sides:
        offset = np.asarray(curve[index, :2] - base[index])
        offsets.append(offset if carrier is None or action == "interpolated" else carrier.carry(offset, index))
    if len(offsets) == 2:
        share = _shares(times, first, last, action)[:, None]
        curve[inside, :2] = base[inside] + (1 - share) * offsets[0] + share * offsets[1]
    else:
        curve[inside, :2] = base[inside] + offsets[0]
    factor = INTERPOLATED_FACTOR if action == "interpolated" else HELD_FACTOR
    curve[inside, 2] = max(factor * min(float(curve[index, 2]) for index in sides), VISIBLE_SCORE)
    return action


def _shares(times: DoubleArray, first: int, last: int, action: Action) -> DoubleArray:
    """Return how much of the place after the gap each frame takes, float64 (n,) in [0, 1]."""
    start, end, inside = times[first - 1], times[last + 1], times[first : last + 1]
    if action == "interpolated":
        return np.asarray((inside - start) / max(end - start, 1e-6))
    late = np.clip(1.0 - (end - inside) / RETURN_SECONDS, 0.0, 1.0)
    return np.asarray(late * late * (3.0 - 2.0 * late))


def _action(first: int, last: int, times: DoubleArray, interpolate_seconds: float) -> Action:
    if first == 0:
        return "held back"
    if last + 1 == len(times):
        return "held"
    # a tiny tolerance, since times are sums of rounded frame durations
    return "interpolated" if times[last + 1] - times[first - 1] <= interpolate_seconds + 1e-6 else "held"


def runs(flags: BoolArray) -> Iterator[tuple[int, int]]:
    """Yield the first and last index of each run of true values in bool (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    for start, end in edges.reshape(-1, 2):
        yield int(start), int(end) - 1
