"""Where and how large the person appears, beyond what source and driving clip say: for data sets that need variety."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from motionwarp.errors import OptionError
from motionwarp.types import FloatArray, PoseTrack

_SEEN = 0.1


@dataclass(frozen=True)
class Staging:
    """A change of the person's size and place, the same for a whole clip.

    Attributes
    ----------
    scale : float
        Of the person, about the ground that they stand on; 0.1 to 10.
    shift_x, shift_y : float
        Right and down, in widths and heights of the frame; -1 to 1.

    Raises
    ------
    OptionError
        For a value out of range.
    """

    scale: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and 0.1 <= self.scale <= 10):
            raise OptionError("a person cannot be scaled so", subject=f"scale {self.scale}", remedy="Give a number from 0.1 to 10")
        if not (abs(self.shift_x) <= 1 and abs(self.shift_y) <= 1):
            raise OptionError(
                "a person cannot be moved so far",
                subject=f"shift {self.shift_x}, {self.shift_y}",
                remedy="Give shares of the frame from -1 to 1",
            )

    @property
    def is_identity(self) -> bool:
        """Whether nothing changes."""
        return self == UNCHANGED


UNCHANGED = Staging()


def staged(track: PoseTrack, staging: Staging) -> PoseTrack:
    """Scale and move a placed clip of poses.

    Parameters
    ----------
    track : PoseTrack
        In pixels of the output frame, which is as large as the track says.
    staging : Staging

    Returns
    -------
    PoseTrack
        Scaled about the middle of the ground: the median over the frames of each one's lowest point and mean column.
    """
    if staging.is_identity or not track.present.any():
        return track
    ground = _ground(track.points[track.present])
    shift = np.array([staging.shift_x * track.width, staging.shift_y * track.height])
    points = track.points.copy()
    moved = (points[..., :2].astype(np.float64) - ground) * staging.scale + ground + shift
    points[..., :2] = moved
    points[~track.present] = 0.0
    return PoseTrack(points, track.present, track.times_seconds, track.width, track.height, track.cuts)


def _ground(points: FloatArray) -> FloatArray:
    """Return x and y of the ground that poses (T, 18, 3) stand on, float32 (2,)."""
    seen = points[..., 2] >= _SEEN
    columns = [frame[here, 0].mean() for frame, here in zip(points, seen, strict=True) if here.any()]
    rows = [frame[here, 1].max() for frame, here in zip(points, seen, strict=True) if here.any()]
    return np.array([np.median(columns or [0.0]), np.median(rows or [0.0])], dtype=np.float32)
