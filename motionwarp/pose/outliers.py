"""Glitches of a few frames: left and right swapped, and points that jump away and back.

A stretch of frames is judged against where its points would be if they moved evenly from the frame before it to the
frame after it, so both directions of time have a say. Only what no body can do is put right: a hand may be thrown out
and back, but not over half a torso within a twentieth of a second.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.pose.kinematics import TREE, VISIBLE_SCORE, typical_torso
from motionwarp.pose.skeleton import (
    LEFT_ANKLE,
    LEFT_EAR,
    LEFT_ELBOW,
    LEFT_EYE,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_WRIST,
    MIRROR,
)
from motionwarp.pose.smoothing import DoubleArray
from motionwarp.types import POINT_COUNT, BoolArray, FloatArray

IndexArray = npt.NDArray[np.intp]

# what estimators swap, the most first; each by its left points
SWAP_GROUPS: Final = (
    ("sides", (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST, LEFT_HIP, LEFT_KNEE, LEFT_ANKLE, LEFT_EYE, LEFT_EAR)),
    ("shoulders, elbows and wrists", (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST)),
    ("hips, knees and ankles", (LEFT_HIP, LEFT_KNEE, LEFT_ANKLE)),
    ("elbows and wrists", (LEFT_ELBOW, LEFT_WRIST)),
    ("knees and ankles", (LEFT_KNEE, LEFT_ANKLE)),
)
# swaps are looked for in stretches of up to this many frames whose neighbors are at most this far apart: legs seen
# from the side really do change places, but not twice in that time; shoulders and hips need longer to turn about and
# back
LONGEST_SWAP: Final = 3
SWAP_SECONDS: Final = 0.3
TRUNK_SWAP_SECONDS: Final = 0.6
# a pair looks swapped where swapping brings it this much nearer to where it should be ...
SWAP_GAIN: Final = 0.4
# ... and it was at least this far away, in torso lengths
SWAP_DISTANCE: Final = 0.15
# pairs nearer together than this cannot contradict
PAIR_DISTANCE: Final = 0.15
PAIRS_NEEDED: Final = 2

LONGEST_JUMP: Final = 2
# torso lengths a second squared; the hand of a boxer reaches about 400
MAX_ACCELERATION: Final = 500.0
# less than this is jitter, which is the smoothing's work, in torso lengths
MIN_JUMP: Final = 0.2
# a bone whose length jumps along bears witness, so that less acceleration is needed
WITNESS_FACTOR: Final = 0.4
WITNESS_CHANGE: Final = 0.25
# putting one point right can show that its neighbor in time was the wrong one, so it is done in rounds
JUMP_ROUNDS: Final = 3
# a place that was put back is less sure than one that was seen
REPAIRED_FACTOR: Final = 0.7


def undo_swaps(points: FloatArray, times_seconds: DoubleArray) -> list[tuple[int, str]]:
    """Swap back left and right where they were swapped for a moment.

    Parameters
    ----------
    points : float32 (T, 18, 3)
        One shot; changed in place.
    times_seconds : float64 (T,)

    Returns
    -------
    list of (int, str)
        Frames and what was swapped in them.
    """
    torso = typical_torso(points)
    done: list[tuple[int, str]] = []
    if torso <= 0:
        return done
    for length in range(1, LONGEST_SWAP + 1):
        for first in range(1, len(points) - length):
            after = first + length
            if times_seconds[after] - times_seconds[first - 1] > TRUNK_SWAP_SECONDS:
                continue
            group = _swapped_group(points, times_seconds, first, after, torso)
            if group is None:
                continue
            name, left = SWAP_GROUPS[group]
            right = [MIRROR[point] for point in left]
            stretch = points[first:after]
            stretch[:, [*left, *right]] = stretch[:, [*right, *left]]
            done.extend((frame, name) for frame in range(first, after))
    return done


def undo_jumps(points: FloatArray, times_seconds: DoubleArray) -> list[tuple[int, tuple[int, ...]]]:
    """Put back points that jump away for a moment.

    Parameters
    ----------
    points : float32 (T, 18, 3)
        One shot; changed in place.
    times_seconds : float64 (T,)

    Returns
    -------
    list of (int, tuple of int)
        Frames and the points that were put back in them.
    """
    torso = typical_torso(points)
    repaired = np.zeros(points.shape[:2], dtype=np.bool_)
    if torso <= 0:
        return []
    for length in range(1, LONGEST_JUMP + 1):
        for _ in range(JUMP_ROUNDS):
            jumps = _find_jumps(points, times_seconds, length, torso)
            if not jumps.any():
                break
            for first, point in np.argwhere(jumps):
                _put_between(points, times_seconds, int(first), int(first) + length, int(point))
                repaired[first : first + length, point] = True
    return [
        (int(frame), tuple(np.flatnonzero(repaired[frame]).tolist())) for frame in np.flatnonzero(repaired.any(axis=1))
    ]


def _swapped_group(points: FloatArray, times: DoubleArray, first: int, after: int, torso: float) -> int | None:
    """Return which of the groups is swapped in frames first..after-1, or None."""
    share = ((times[first:after] - times[first - 1]) / (times[after] - times[first - 1]))[:, None, None]
    expected = (1 - share) * points[first - 1, :, :2] + share * points[after, :, :2]  # (n, 18, 2)
    frames = points[first - 1 : after + 1]
    visible = np.asarray((frames[..., 2] >= VISIBLE_SCORE).all(axis=0))  # (18,)
    stretch = frames[1:-1, :, :2]
    mirror = list(MIRROR)
    pair_visible = visible & visible[mirror]
    # mean distances of both points of a pair from where they should be, as they are and swapped
    as_is = np.linalg.norm(stretch - expected, axis=-1).mean(axis=0)
    as_is = (as_is + as_is[mirror]) / 2
    swapped = np.linalg.norm(stretch[:, mirror] - expected, axis=-1).mean(axis=0)
    swapped = (swapped + swapped[mirror]) / 2
    apart = np.linalg.norm(expected - expected[:, mirror], axis=-1).mean(axis=0)
    looks = pair_visible & (swapped < SWAP_GAIN * as_is) & (as_is > SWAP_DISTANCE * torso)
    contradicts = pair_visible & (swapped >= as_is) & (apart > PAIR_DISTANCE * torso)
    quick = times[after] - times[first - 1] <= SWAP_SECONDS
    if not quick and not looks[[LEFT_SHOULDER, LEFT_HIP]].all():
        return None
    for index, (_, left) in enumerate(SWAP_GROUPS if quick else SWAP_GROUPS[:1]):
        chosen = list(left)
        if looks[chosen].sum() >= PAIRS_NEEDED and not contradicts[chosen].any():
            return index
    return None


def _find_jumps(points: FloatArray, times: DoubleArray, length: int, torso: float) -> BoolArray:
    """Find the points that jump for exactly `length` frames, bool (T, 18), true at the first of them."""
    count = len(points)
    jumps = np.zeros((count, POINT_COUNT), dtype=np.bool_)
    if count < length + 2:
        return jumps
    firsts = np.arange(1, count - length)
    afters = firsts + length
    before, behind = points[firsts - 1], points[afters]
    span = np.maximum(times[afters] - times[firsts - 1], 1e-6)
    away = np.full((len(firsts), POINT_COUNT), np.inf)
    visible = (before[..., 2] >= VISIBLE_SCORE) & (behind[..., 2] >= VISIBLE_SCORE)
    for offset in range(length):
        middle = points[firsts + offset]
        share = ((times[firsts + offset] - times[firsts - 1]) / span)[:, None, None]
        expected = (1 - share) * before[..., :2] + share * behind[..., :2]
        away = np.minimum(away, np.linalg.norm(middle[..., :2] - expected, axis=-1))
        visible &= middle[..., 2] >= VISIBLE_SCORE
    # out and back again over the time between the neighbors takes this acceleration: 8 d / span^2
    limit = np.broadcast_to(MAX_ACCELERATION * torso * span[:, None] ** 2 / 8, away.shape)
    limit = np.where(_bones_bear_witness(points, firsts, afters, torso), WITNESS_FACTOR * limit, limit)
    traveled = np.linalg.norm(behind[..., :2] - before[..., :2], axis=-1)
    wrong = visible & (away > np.maximum(limit, MIN_JUMP * torso)) & (away > traveled)
    # next to a jump of one frame the frames beside it look wrong too, by half as much: only the peak is the jump
    peaks = np.where(wrong, away, 0.0)
    padded = np.pad(peaks, ((1, 1), (0, 0)))
    jumps[firsts] = wrong & (peaks >= padded[:-2]) & (peaks > padded[2:])
    return jumps


def _bones_bear_witness(points: FloatArray, firsts: IndexArray, afters: IndexArray, torso: float) -> BoolArray:
    """Tell where a bone at a point changes its length for the stretch, beyond both neighbors, bool (n, 18)."""
    witness = np.zeros((len(firsts), POINT_COUNT), dtype=np.bool_)
    for bone in TREE:
        if max(bone.parent, bone.child) >= POINT_COUNT:
            continue
        lengths = np.linalg.norm(points[:, bone.child, :2] - points[:, bone.parent, :2], axis=-1)
        sides = np.stack([lengths[firsts - 1], lengths[afters]])
        inside = lengths[firsts]
        change = np.maximum(inside - sides.max(axis=0), sides.min(axis=0) - inside)
        witness[:, bone.child] |= change > WITNESS_CHANGE * torso
        witness[:, bone.parent] |= change > WITNESS_CHANGE * torso
    return witness


def _put_between(points: FloatArray, times: DoubleArray, first: int, after: int, point: int) -> None:
    before, behind = points[first - 1, point], points[after, point]
    share = ((times[first:after] - times[first - 1]) / max(times[after] - times[first - 1], 1e-6))[:, None]
    points[first:after, point, :2] = (1 - share) * before[:2] + share * behind[:2]
    points[first:after, point, 2] = max(REPAIRED_FACTOR * min(before[2], behind[2]), VISIBLE_SCORE)
