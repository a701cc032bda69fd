"""Several people of one clip, each followed alone: who was taken for another one, and who stands before whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from motionwarp.pose.gaps import runs
from motionwarp.pose.kinematics import VISIBLE_SCORE, typical_torso
from motionwarp.pose.root_alignment import ANKLES
from motionwarp.types import BoolArray, FloatArray, PoseTrack

# two poses whose points lie within this part of a torso of each other are one person's, read twice
_SAME_TORSOS: Final = 0.3
# feet leave the ground in jumps, for less than this: whoever jumps stands where they jumped
_JUMP_SECONDS: Final = 0.6
_STEADY_SECONDS: Final = 0.3
# in torsos: who is nearer by less keeps the order of the frame before
_DOUBT_TORSOS: Final = 0.12
_FEET_BELOW_HIPS: Final = 2.3  # torsos, where feet are not seen


def told_apart(tracks: Sequence[PoseTrack]) -> list[PoseTrack]:
    """Take out of the tracks of several people what is another one's.

    Where two tracks show the same person for a while, as happens when one dancer hides another, the one that comes from
    farther away, and goes on farther away, was mistaken: its person is absent there. Ours.

    Parameters
    ----------
    tracks : sequence of PoseTrack
        Of the same frames.

    Returns
    -------
    list of PoseTrack
    """
    points = [track.points.copy() for track in tracks]
    present = [track.present.copy() for track in tracks]
    for one in range(len(tracks)):
        for other in range(one + 1, len(tracks)):
            same = _same(tracks[one], tracks[other])
            for first, last in runs(same):
                costs = [_strangeness(tracks[index], same, first, last) for index in (one, other)]
                wrong = one if costs[0] > costs[1] else other
                present[wrong][first : last + 1] = False
                points[wrong][first : last + 1] = 0.0
    return [
        replace(track, points=moved, present=here) for track, moved, here in zip(tracks, points, present, strict=True)
    ]


def _same(one: PoseTrack, other: PoseTrack) -> BoolArray:
    """Tell in which frames two tracks show the same person, bool (T,)."""
    both = (one.points[..., 2] >= VISIBLE_SCORE) & (other.points[..., 2] >= VISIBLE_SCORE)
    both &= (one.present & other.present)[:, None]
    apart = np.linalg.norm(one.points[..., :2] - other.points[..., :2], axis=-1)
    torso = max(typical_torso(one.points), 1e-6)
    typical = np.full(len(both), np.inf)
    seen = both.any(axis=1)
    if seen.any():
        typical[seen] = np.nanmedian(np.where(both, apart, np.nan)[seen], axis=1)
    return np.asarray(typical < _SAME_TORSOS * torso)


def _strangeness(track: PoseTrack, same: BoolArray, first: int, last: int) -> float:
    """Return how far a track jumps into and out of the frames from `first` to `last`, in pixels."""
    alone = np.flatnonzero(track.present & ~same)
    jumps = 0.0
    for edge, near in ((first, alone[alone < first][-1:]), (last, alone[alone > last][:1])):
        if len(near):
            frames = max(abs(int(near[0]) - edge), 1)
            jumps += float(np.linalg.norm(_middle(track.points[near[0]]) - _middle(track.points[edge]))) / frames
    return jumps


def _middle(pose: FloatArray) -> npt.NDArray[np.float64]:
    seen = pose[:, 2] >= VISIBLE_SCORE
    return np.asarray(np.median(pose[seen if seen.any() else slice(None), :2], axis=0), dtype=np.float64)


def depth_order(tracks: Sequence[PoseTrack]) -> npt.NDArray[np.int64]:
    """Tell who stands before whom: whose feet are lower in the picture is nearer.

    Parameters
    ----------
    tracks : sequence of N PoseTrack
        Of the same T frames, of one camera that looks ahead or down.

    Returns
    -------
    int64 (T, N)
        Numbers of the tracks, the farthest first. Who jumps stays where they stood, and who is nearer by next to
        nothing keeps their place, so that nobody flickers. Ours.
    """
    count = len(tracks[0])
    ground = np.stack([_ground(track) for track in tracks])  # (N, T), down is nearer
    torso = max(float(np.mean([typical_torso(track.points) for track in tracks])), 1e-6)
    order = np.argsort(ground[:, 0], kind="stable")
    result = np.empty((count, len(tracks)), dtype=np.int64)
    for frame in range(count):
        heights = ground[:, frame]
        # an insertion sort that moves only who is nearer by enough: the order of before holds in doubt
        for place in range(1, len(order)):
            at = place
            while at and heights[order[at]] < heights[order[at - 1]] - _DOUBT_TORSOS * torso:
                order[[at - 1, at]] = order[[at, at - 1]]
                at -= 1
        result[frame] = order
    return result


def _ground(track: PoseTrack) -> npt.NDArray[np.float64]:
    """Return where somebody stands, counted downwards in pixels, for each frame, float64 (T,)."""
    points = track.points.astype(np.float64)
    seen = (points[..., 2] >= VISIBLE_SCORE) & track.present[:, None]
    feet = np.where(seen[:, ANKLES], points[:, ANKLES, 1], -np.inf).max(axis=1)
    anything = np.where(seen, points[..., 1], np.nan)
    known = seen.any(axis=1)
    # of half bodies size tells: feet are as far below the body's middle as a torso's length says
    guessed = np.full(len(points), np.nan)
    if known.any():
        guessed[known] = np.nanmedian(anything[known], axis=1) + _FEET_BELOW_HIPS * typical_torso(track.points)
    low = np.where(np.isfinite(feet), feet, guessed)
    frames = np.arange(len(low))
    sure = np.isfinite(low)
    if not sure.any():
        return np.full(len(low), -np.inf)
    low = np.interp(frames, frames[sure], low[sure])
    step = float(np.median(np.diff(track.times_seconds))) if len(low) > 1 else 1.0
    reach = max(round(_JUMP_SECONDS / max(step, 1e-3)), 1)
    wide = max(round(_STEADY_SECONDS / max(step, 1e-3)), 1)
    return np.asarray(uniform_filter1d(maximum_filter1d(low, reach), wide))
