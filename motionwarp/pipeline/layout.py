"""Where things lie in the output frame: its size, and how the source and the driving clip map onto it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.errors import OptionError
from motionwarp.pipeline.options import BackgroundKind, OutputSize
from motionwarp.types import ByteArray, FloatArray, PoseTrack

_SEEN = 0.1


@dataclass(frozen=True)
class PersonTransform:
    """A change of the person's size and place, the same for a whole clip.

    Attributes
    ----------
    scale : float
        Size of the person, about the ground that they stand on; 0.1 to 10.
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
            raise OptionError(
                "a person cannot be scaled so", subject=f"scale {self.scale}", remedy="Give a number from 0.1 to 10"
            )
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


UNCHANGED = PersonTransform()


def transform_track(track: PoseTrack, transform: PersonTransform) -> PoseTrack:
    """Scale and move a placed clip of poses.

    Parameters
    ----------
    track : PoseTrack
        In pixels of the output frame, which is as large as the track says.
    transform : PersonTransform

    Returns
    -------
    PoseTrack
        Scaled about the middle of the ground: the median over the frames of each one's lowest point and mean column.
    """
    if transform.is_identity or not track.present.any():
        return track
    moved = person_map(track, transform)
    points = track.points.copy()
    points[..., :2] = points[..., :2].astype(np.float64) @ moved[:, :2].T + moved[:, 2]
    points[~track.present] = 0.0
    return PoseTrack(points, track.present, track.times_seconds, track.width, track.height, track.cuts)


def person_map(track: PoseTrack, transform: PersonTransform) -> npt.NDArray[np.float64]:
    """Return the even map (2, 3) of the frame's pixels by which `transform_track` moves a clip of poses."""
    ground = _ground(track.points[track.present]).astype(np.float64)
    shift = np.array([transform.shift_x * track.width, transform.shift_y * track.height])
    return np.column_stack([transform.scale * np.eye(2), ground - transform.scale * ground + shift])


def _ground(points: FloatArray) -> FloatArray:
    """Return x and y of the ground that poses (T, 18, 3) stand on, float32 (2,)."""
    seen = points[..., 2] >= _SEEN
    columns = [frame[here, 0].mean() for frame, here in zip(points, seen, strict=True) if here.any()]
    rows = [frame[here, 1].max() for frame, here in zip(points, seen, strict=True) if here.any()]
    return np.array([np.median(columns or [0.0]), np.median(rows or [0.0])], dtype=np.float32)


DEFAULT_LONG_SIDE = 1920


@dataclass(frozen=True)
class Fit:
    """A picture placed in a frame: scaled evenly, then moved.

    Attributes
    ----------
    left, top : int
        Where the scaled picture's first pixel lies in the frame; negative where the frame cuts it off.
    width, height : int
        Size of the scaled picture in pixels of the frame.
    """

    left: int
    top: int
    width: int
    height: int

    def matrix(self, width: int, height: int) -> FloatArray:
        """Return the affine map (2, 3) from the unscaled picture, `width` x `height`, to the frame."""
        across, down = self.width / width, self.height / height
        # pixel centers are at integers in both, so half a pixel is moved along
        return np.array(
            [
                [across, 0, self.left + 0.5 * across - 0.5],
                [0, down, self.top + 0.5 * down - 0.5],
            ],
            dtype=np.float32,
        )

    @property
    def long_side(self) -> int:
        """The longer side of the scaled picture."""
        return max(self.width, self.height)


def output_size(
    source: tuple[int, int], driving: tuple[int, int], background: BackgroundKind, asked: OutputSize | None
) -> tuple[int, int]:
    """Choose the output's size.

    Parameters
    ----------
    source, driving : (int, int)
        Width and height of the source picture and of the driving frames.
    background : BackgroundKind
        The frame has the shape of the driving clip where that is the background, else of the source picture.
    asked : OutputSize or None
        What the user wants; None for the picture's own size, its long side at most 1920.

    Returns
    -------
    (int, int)
        Width and height, at least 1 each; odd sizes stay odd (the writer pads where a codec needs even ones).
    """
    if asked is not None and asked.width is not None and asked.height is not None:
        return asked.width, asked.height
    width, height = driving if background is BackgroundKind.DRIVING else source
    long_side = min(max(width, height), DEFAULT_LONG_SIDE)
    if asked is not None and asked.long_side is not None:
        long_side = asked.long_side
    return _scaled(width, height, long_side / max(width, height))


def contain(size: tuple[int, int], frame: tuple[int, int]) -> Fit:
    """Place a picture whole in the middle of a frame, as large as it goes; sizes are width and height."""
    return _centered(size, frame, min(frame[0] / size[0], frame[1] / size[1]))


def cover(size: tuple[int, int], frame: tuple[int, int]) -> Fit:
    """Place a picture so that it fills a frame, cut off evenly at two sides; sizes are width and height."""
    return _centered(size, frame, max(frame[0] / size[0], frame[1] / size[1]))


def paste(picture: ByteArray, fit: Fit, frame: tuple[int, int]) -> ByteArray:
    """Scale a picture and put it in its place.

    Parameters
    ----------
    picture : uint8 (h, w, 3)
    fit : Fit
        Where it lies.
    frame : (int, int)
        Width and height of the frame.

    Returns
    -------
    uint8 (H, W, 3)
        Where the picture does not reach, a blurred enlargement of it fills the frame.
    """
    width, height = frame
    scaled = resized(picture, fit.width, fit.height)
    left, top = max(fit.left, 0), max(fit.top, 0)
    right, bottom = min(fit.left + fit.width, width), min(fit.top + fit.height, height)
    window = scaled[top - fit.top : bottom - fit.top, left - fit.left : right - fit.left]
    if window.shape[:2] == (height, width):
        return np.ascontiguousarray(window)
    result = _blurred_fill(picture, frame)
    result[top:bottom, left:right] = window
    return result


def resized(picture: ByteArray, width: int, height: int) -> ByteArray:
    """Scale a picture, averaging where it shrinks and cubic where it grows; uint8 (h, w, C) to (height, width, C)."""
    old_height, old_width = picture.shape[:2]
    if (old_width, old_height) == (width, height):
        return picture
    method = cv2.INTER_AREA if width * height < old_width * old_height else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), dtype=np.uint8)


def _centered(size: tuple[int, int], frame: tuple[int, int], scale: float) -> Fit:
    width, height = _scaled(*size, scale)
    return Fit((frame[0] - width) // 2, (frame[1] - height) // 2, width, height)


def _scaled(width: int, height: int, scale: float) -> tuple[int, int]:
    return max(1, round(width * scale)), max(1, round(height * scale))


def _blurred_fill(picture: ByteArray, frame: tuple[int, int]) -> ByteArray:
    """Fill a frame with a picture so out of focus that its edges do not catch the eye."""
    small_frame = tuple(max(2, side // 16) for side in frame)
    fit = cover((picture.shape[1], picture.shape[0]), (small_frame[0], small_frame[1]))
    small = paste_window(resized(picture, fit.width, fit.height), fit, (small_frame[0], small_frame[1]))
    blurred = cv2.GaussianBlur(small, (0, 0), 2.0)
    return np.asarray(cv2.resize(blurred, frame, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def paste_window(scaled: ByteArray, fit: Fit, frame: tuple[int, int]) -> ByteArray:
    """Return the part of a scaled picture that covers the whole frame, uint8 (H, W, 3)."""
    return scaled[-fit.top : frame[1] - fit.top, -fit.left : frame[0] - fit.left]
