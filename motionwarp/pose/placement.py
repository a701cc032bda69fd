"""Where the retargeted person stands in the output frame."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.pose.retargeting import RetargetResult
from motionwarp.pose.smoothing import DoubleArray
from motionwarp.types import FloatArray, Pose, PoseTrack

Placement = Literal["source", "driving"]

# of the points that are seen: with as many in the frame a photo shows somebody whole, and with as few in half of the
# frames a person has left it
_WHOLE: Final = 0.95
_LEFT: Final = 0.7
# of the points over a clip, those that must fit into the frame: a hand in a leap may leave it
_EXTENT: Final = (2.0, 98.0)
# of the frame's sides, that stays free beside points: heads and hands go on beyond them
_MARGIN: Final = 0.08


def place_track(
    result: RetargetResult,
    placement: Placement,
    *,
    source_to_frame: npt.ArrayLike,
    driving_to_frame: npt.ArrayLike,
    width: int,
    height: int,
) -> PoseTrack:
    """Map a retargeted clip to the output frame.

    Parameters
    ----------
    result : RetargetResult
        As `retarget_track` made it.
    placement : 'source' or 'driving'
        'source': where the source person stands in its picture, moved by the driving person's displacement, scaled.
        'driving': where the driving person is in its frame, and as large.
    source_to_frame, driving_to_frame : (2, 3)
        Affine maps from points of the source picture and of the driving frame to points of the output frame; they scale
        evenly and do not turn.
    width, height : int
        Size of the output frame in pixels.

    Returns
    -------
    PoseTrack
        In the output frame's pixels.

    Raises
    ------
    ValueError
        If a map turns or scales unevenly.
    """
    source_map, driving_map = _checked_map(source_to_frame), _checked_map(driving_to_frame)
    track = result.track
    points = track.points.copy()
    for shot in result.report.shots:
        frames = slice(shot.first, shot.last + 1)
        scale, shift = _scale(source_map), source_map[:, 2]
        if placement == "driving":
            # the anchors follow the driving person's up to a scale, so that one map puts all of them where they came
            # from
            scale = _scale(driving_map) / shot.ratios.scale
            place = driving_map[:, :2] @ np.array(shot.driving_anchor) + driving_map[:, 2]
            shift = place - scale * np.array(shot.source_anchor)
        points[frames, :, :2] = points[frames, :, :2].astype(np.float64) * scale + shift
    points[~track.present] = 0.0
    return PoseTrack(points, track.present, track.times_seconds, width, height, track.cuts)


def way_into_frame(track: PoseTrack, source: Pose) -> DoubleArray | None:
    """Return where a whole clip is moved, if a photo's place and size put its person out of the frame.

    Who lies, sits or crouches in the photo and stands up in the clip would rise through the frame's upper edge.

    Parameters
    ----------
    track : PoseTrack
        As placed where the source stands, in the output frame's pixels.
    source : Pose
        The source in the same pixels.

    Returns
    -------
    float64 (2, 3) or None
        Map of points, which moves and makes smaller by what is needed; None if the person is in sight in most frames,
        or if the photo itself cuts them off.
    """
    size = np.array([track.width, track.height])
    points = track.points[track.present]
    if not len(points) or _share_inside(source.points[None], size)[0] < _WHOLE:
        return None
    if np.median(_share_inside(points, size)) >= _LEFT:
        return None
    seen = points[points[..., 2] >= VISIBLE_SCORE][:, :2].astype(np.float64)
    low, high = np.percentile(seen, _EXTENT, axis=0)
    free = (1 - 2 * _MARGIN) * size
    scale = min(1.0, float((free / np.maximum(high - low, 1.0)).min()))
    # about the ground's middle, then no farther than is needed
    ground = np.array([(low[0] + high[0]) / 2, high[1]])
    low, high = (ground + scale * (corner - ground) for corner in (low, high))
    shift = np.maximum(_MARGIN * size - low, 0) - np.maximum(high - (1 - _MARGIN) * size, 0)
    return np.column_stack([scale * np.eye(2), (1 - scale) * ground + shift])


def _share_inside(points: FloatArray, size: npt.ArrayLike) -> DoubleArray:
    """Return which share of the points that are seen lies in a frame, float64 (T,); 1 where none is seen."""
    seen = points[..., 2] >= VISIBLE_SCORE
    inside = ((points[..., :2] >= -0.5) & (points[..., :2] <= np.asarray(size) - 0.5)).all(axis=-1)
    return np.asarray(1.0 - (seen & ~inside).sum(axis=1) / np.maximum(seen.sum(axis=1), 1))


def _scale(matrix: DoubleArray) -> float:
    return float(np.sqrt(matrix[0, 0] * matrix[1, 1]))


def _checked_map(matrix: npt.ArrayLike) -> DoubleArray:
    affine = np.asarray(matrix, dtype=np.float64)
    if affine.shape != (2, 3) or not np.isfinite(affine).all():
        raise ValueError(f"place_track needs finite affine maps (2, 3), got shape {affine.shape}")
    across, down = affine[0, 0], affine[1, 1]
    # sizes rounded to whole pixels make the two scales differ a little
    if across <= 0 or abs(across - down) > 0.05 * across or abs(affine[0, 1]) > 1e-6 or abs(affine[1, 0]) > 1e-6:
        raise ValueError(f"place_track needs maps that scale evenly and do not turn, got {affine.tolist()}")
    return affine
