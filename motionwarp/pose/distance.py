"""Clips in which somebody comes nearer, goes away, or is zoomed at, brought to one size. Ours.

A photo is taken from one place. Who grew in it as the clip's dancer grows would leave its frame, and would stand in the
air wherever the clip's feet are not seen. Views of bones only ever get shorter by turning, so that the longest ones,
compared with how long they are at most, tell the size in each frame.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.pose import skeleton as sk
from motionwarp.pose.kinematics import MID_HIP, TREE, VISIBLE_SCORE, with_mid_hip
from motionwarp.pose.proportions import FULL_LENGTH_PERCENTILE, MEASURING_SCORE
from motionwarp.pose.smoothing import DoubleArray, whittaker_smooth
from motionwarp.types import FloatArray, PoseTrack

# of the bones seen in a frame: as long as this percentile's they are seen without foreshortening
_LONGEST: Final = 75.0
_LEAST_BONES: Final = 3
_ROUNDS: Final = 8
_SECONDS: Final = 0.7  # sizes change no faster: cameras and legs are slow, and limbs that bend are quick
# how much larger at one time than at another: up to the first it is motion, from the second on all is undone
_USUAL, _OTHER_DISTANCE = 1.2, 1.4
_BESIDE: Final = 0.5  # of the frame's sides: no place farther from it is one that people come from
_EXTREMES: Final = (5.0, 95.0)  # percentiles of the frames


def at_one_distance(track: PoseTrack) -> PoseTrack:
    """Return a clip as if its person had stayed at one distance from the camera.

    Parameters
    ----------
    track : PoseTrack
        Of the driving person, best repaired and smoothed.

    Returns
    -------
    PoseTrack
        Each shot scaled frame by frame to its median size, about where the person would vanish; a shot in which the
        size hardly changes is as it was. Scores stay.
    """
    points = track.points.copy()
    for shot in track.shots():
        here = np.flatnonzero(track.present[shot]) + shot.start
        if len(here) < 3:
            continue
        sizes = sizes_seen(points[here], track.times_seconds[here])
        share = _share_undone(sizes)
        if share == 0:
            continue
        xy = points[here, :, :2].astype(np.float64)
        # who crosses the picture and comes a little nearer goes on crossing it
        frame = np.array([track.width, track.height])
        vanishing = _vanishing_point(points[here], sizes).clip(-_BESIDE * frame, (1 + _BESIDE) * frame)
        points[here, :, :2] = vanishing + (xy - vanishing) / (sizes**share)[:, None, None]
        unknown = points[here, :, 2] == 0
        points[here] = np.where(unknown[..., None], np.float32(0), points[here])
    return PoseTrack(points, track.present, track.times_seconds, track.width, track.height, track.cuts)


def sizes_seen(points: FloatArray, times_seconds: DoubleArray) -> DoubleArray:
    """Return how large a person is seen in each frame of a shot, relative to the median, float64 (T,).

    Parameters
    ----------
    points : float32 (T, 18, 3)
    times_seconds : float64 (T,)

    Returns
    -------
    float64 (T,)
        Over 0, smooth in time; all ones where too little is seen.
    """
    joints = with_mid_hip(points)
    ends = np.array([(bone.parent, bone.child) for bone in TREE])
    steps = joints[:, ends[:, 1], :2].astype(np.float64) - joints[:, ends[:, 0], :2]
    lengths = np.linalg.norm(steps, axis=-1)  # (T, bones)
    seen = joints[:, ends, 2].min(axis=-1) >= MEASURING_SCORE
    # the face's bones are short, and turning heads change them most
    seen &= (lengths > 1) & np.array(["eye" not in bone.kind for bone in TREE])
    told = seen.sum(axis=1) >= _LEAST_BONES
    if np.count_nonzero(told) < 3:
        return np.ones(len(points))
    logs = np.where(seen & told[:, None], np.log(np.maximum(lengths, 1e-6)), np.nan)
    logs = logs[:, np.isfinite(logs).any(axis=0)]
    size = np.where(told, np.nanmedian(np.where(told[:, None], logs, 0.0), axis=1), 0.0)
    for _ in range(_ROUNDS):
        full = np.nanpercentile(logs - size[:, None], FULL_LENGTH_PERCENTILE, axis=0)
        size[told] = np.nanpercentile(logs[told] - full, _LONGEST, axis=1)
    weights = told.astype(np.float64)
    smooth = whittaker_smooth(size[:, None], times_seconds, _SECONDS, weights)[:, 0]
    return np.asarray(np.exp(smooth - np.median(smooth[told])))


def _share_undone(sizes: DoubleArray) -> float:
    """Return how much of a change of size is undone, from 0 to 1, as a power of it."""
    low, high = np.percentile(sizes, _EXTREMES)
    return float(np.clip(np.log(high / low / _USUAL) / np.log(_OTHER_DISTANCE / _USUAL), 0, 1))


def _vanishing_point(points: FloatArray, sizes: DoubleArray) -> DoubleArray:
    """Return the place that stays where it is while the person grows, float64 (2,).

    Places lie on lines through it, as far from it as the size: it is read from the neck's over the sizes, or the hips'.
    """
    joints = with_mid_hip(points)
    seen = joints[:, [sk.NECK, MID_HIP], 2] >= VISIBLE_SCORE
    at = sk.NECK if np.count_nonzero(seen[:, 0]) >= np.count_nonzero(seen[:, 1]) else MID_HIP
    known = joints[:, at, 2] >= VISIBLE_SCORE
    if np.count_nonzero(known) < 3 or np.ptp(sizes[known]) < 1e-3:
        return np.asarray(points[..., :2][points[..., 2] > 0].mean(axis=0), dtype=np.float64)
    line = np.polynomial.polynomial.polyfit(sizes[known], joints[known, at, :2].astype(np.float64), 1)
    return np.asarray(line[0])
