"""Value types that all parts share: small, frozen, and checked when made.

Points are in pixels, x to the right and y down; the center of the top left pixel is at (0, 0). A score of 0 means that
the point was not seen and that its x and y mean nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
ByteArray = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]

POINT_COUNT = 18
CROP_HEIGHT = 256
CROP_WIDTH = 192


def _checked_points(points: npt.ArrayLike, dimensions: int, owner: str) -> FloatArray:
    array = np.ascontiguousarray(points, dtype=np.float32)
    if array.ndim != dimensions or array.shape[-2:] != (POINT_COUNT, 3):
        expected = "(18, 3)" if dimensions == 2 else "(T, 18, 3)"
        raise ValueError(f"{owner} needs points of shape {expected}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{owner} has points that are not finite")
    return array


@dataclass(frozen=True, eq=False)
class Pose:
    """The 18 points of one person in one picture.

    Attributes
    ----------
    points : float32 (18, 3)
        x, y in pixels and the score in [0, 1], in OpenPose's COCO-18 order.
    """

    points: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", _checked_points(self.points, 2, "Pose"))

    @property
    def xy(self) -> FloatArray:
        """Positions, float32 (18, 2)."""
        return self.points[:, :2]

    @property
    def scores(self) -> FloatArray:
        """Scores, float32 (18,)."""
        return self.points[:, 2]

    def visible(self, threshold: float = 0.3) -> BoolArray:
        """Return which points have a score of at least `threshold`, bool (18,)."""
        return self.points[:, 2] >= threshold

    def transformed(self, matrix: npt.ArrayLike) -> Pose:
        """Return the pose with its positions mapped by an affine `matrix` (2, 3); scores stay."""
        affine = np.asarray(matrix, dtype=np.float64)
        points = self.points.copy()
        points[:, :2] = self.points[:, :2].astype(np.float64) @ affine[:, :2].T + affine[:, 2]
        return Pose(points)


@dataclass(frozen=True, eq=False)
class PoseTrack:
    """The poses of one person through a clip.

    Attributes
    ----------
    points : float32 (T, 18, 3)
        As in `Pose`, one row a frame; all zeros where the person is absent.
    present : bool (T,)
        Whether the person was found in the frame.
    times_seconds : float64 (T,)
        Presentation times, increasing.
    width, height : int
        Size of the frames in pixels.
    cuts : tuple of int
        Frames that start a new shot; nothing may be smoothed across them.
    """

    points: FloatArray
    present: BoolArray
    times_seconds: npt.NDArray[np.float64]
    width: int
    height: int
    cuts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", _checked_points(self.points, 3, "PoseTrack"))
        object.__setattr__(self, "present", np.asarray(self.present, dtype=np.bool_))
        object.__setattr__(self, "times_seconds", np.asarray(self.times_seconds, dtype=np.float64))
        count = len(self.points)
        if self.present.shape != (count,) or self.times_seconds.shape != (count,):
            raise ValueError(
                f"PoseTrack of {count} frames has present {self.present.shape} and times {self.times_seconds.shape}"
            )
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"PoseTrack needs a frame size, got {self.width}x{self.height}")
        if any(not 0 < cut < count for cut in self.cuts):
            raise ValueError(f"PoseTrack of {count} frames has cuts {self.cuts}")

    def __len__(self) -> int:
        return len(self.points)

    def shots(self) -> list[slice]:
        """Return the runs of frames between cuts, in order."""
        edges = [0, *sorted(self.cuts), len(self)]
        return [slice(a, b) for a, b in pairwise(edges) if b > a]


@dataclass(frozen=True)
class PersonCrop:
    """The canonical crop of one person: an upright window of the frame, seen at a fixed size.

    Attributes
    ----------
    left, top : float
        Outer corner of the window in the frame, in pixels, measured at pixel edges (not centers); may lie outside the
        frame.
    scale : float
        Pixels of the frame for each pixel of the crop; the same in both directions.
    width, height : int
        Size of the crop in its own pixels.
    """

    left: float
    top: float
    scale: float
    width: int = CROP_WIDTH
    height: int = CROP_HEIGHT

    def __post_init__(self) -> None:
        if not np.isfinite([self.left, self.top, self.scale]).all() or self.scale <= 0:
            raise ValueError(f"PersonCrop needs finite corners and a positive scale, got {self}")
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"PersonCrop needs a size, got {self.width}x{self.height}")

    def crop_to_frame(self) -> FloatArray:
        """Return the affine map (2, 3) from crop points to frame points."""
        # both spaces have pixel centers at integers, so the half pixel has to be moved along
        shift = 0.5 * self.scale - 0.5
        return np.array([[self.scale, 0, self.left + shift], [0, self.scale, self.top + shift]], dtype=np.float32)

    def frame_to_crop(self) -> FloatArray:
        """Return the affine map (2, 3) from frame points to crop points."""
        inverse = 1.0 / self.scale
        return np.array(
            [
                [inverse, 0, (0.5 - self.left) * inverse - 0.5],
                [0, inverse, (0.5 - self.top) * inverse - 0.5],
            ],
            dtype=np.float32,
        )


@dataclass(frozen=True)
class Facing:
    """The direction a person faces, about the picture's vertical axis.

    Attributes
    ----------
    cosine, sine : float
        Towards the camera: (1, 0); towards the picture's right: (0, 1); away from the camera: (-1, 0).
    certainty : float
        In [0, 1]; 0 if nothing is known.
    """

    cosine: float
    sine: float
    certainty: float

    @property
    def degrees(self) -> float:
        """The angle in (-180, 180]: 0 towards the camera, 90 towards the picture's right."""
        return math.degrees(math.atan2(self.sine, self.cosine))


@dataclass(frozen=True, eq=False)
class Person:
    """What the analyzer sees of one person in one picture.

    Attributes
    ----------
    pose : Pose
        In pixels of the whole frame.
    crop : PersonCrop
        Where `parsing` and `matte` lie in the frame.
    parsing : uint8 (h, w) or None
        The 20 LIP classes over the crop's window, at any resolution of the crop's aspect.
    matte : float32 (h, w) or None
        Coverage in [0, 1] over the crop's window, at any resolution of the crop's aspect.
    score : float
        Probability that this is a person, in [0, 1].
    facing : Facing or None
        None if whoever saw the person cannot tell it.
    """

    pose: Pose
    crop: PersonCrop
    parsing: ByteArray | None = None
    matte: FloatArray | None = None
    score: float = 1.0
    facing: Facing | None = None


@dataclass(frozen=True, eq=False)
class SourcePerson:
    """The person to be moved, with everything at the picture's own resolution.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    matte : float32 (H, W)
        Coverage in [0, 1].
    pose : Pose
        In pixels of `rgb`.
    parsing : uint8 (H, W)
        The 20 LIP classes; 0 outside the person.
    """

    rgb: ByteArray
    matte: FloatArray
    pose: Pose
    parsing: ByteArray

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f"SourcePerson needs uint8 (H, W, 3), got {self.rgb.dtype} {self.rgb.shape}")
        size = self.rgb.shape[:2]
        if self.matte.shape != size or self.matte.dtype != np.float32:
            raise ValueError(f"matte of a {size} picture must be float32 of that size, got {self.matte.shape}")
        if self.parsing.shape != size or self.parsing.dtype != np.uint8:
            raise ValueError(f"parsing of a {size} picture must be uint8 of that size, got {self.parsing.shape}")


@dataclass(frozen=True, eq=False)
class PersonLayer:
    """The rendered person of one frame, without background, in a box of the output frame.

    Attributes
    ----------
    rgba : uint8 (h, w, 4)
        Colors multiplied by alpha, and alpha.
    left, top : int
        Where the box's first pixel lies in the output frame; the box lies inside the frame.
    parsing : uint8 (h, w) or None
        LIP classes of the box's pixels, 0 outside the person; None where they were not asked for or cannot be told.
    """

    rgba: ByteArray
    left: int
    top: int
    parsing: ByteArray | None = None


@dataclass(frozen=True)
class Frame:
    """One decoded picture of a video.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    pts_seconds : float
        Presentation time from the start of the clip that is read.
    index : int
        Number of the frame from 0 within what is read.
    alpha : uint8 (H, W) or None
    """

    rgb: ByteArray = field(repr=False)
    pts_seconds: float
    index: int
    alpha: ByteArray | None = field(default=None, repr=False)
