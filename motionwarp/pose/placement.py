"""Where the retargeted person stands in the output frame."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from motionwarp.pose.retargeting import RetargetResult
from motionwarp.pose.smoothing import DoubleArray
from motionwarp.types import PoseTrack

Placement = Literal["source", "driving"]


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
