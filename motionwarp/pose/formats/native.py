"""The project's own form of a clip's poses, checked entry by entry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from motionwarp.errors import PoseFileError
from motionwarp.pose.formats.json_checks import numbers_from, points_from
from motionwarp.types import POINT_COUNT, PoseTrack

MAX_SIDE = 65_536
MAX_FPS = 1000.0
# frames of one clip at two sizes may be rounded to whole (or even) pixels
SHAPE_TOLERANCE = 0.02


def is_clip(content: object) -> bool:
    """Tell this project's form from other JSON."""
    return isinstance(content, dict) and "frames" in content


def clip_from_content(content: object, path: Path, fps: float | None) -> PoseTrack:
    """Check what a file holds and make a track of it.

    Parameters
    ----------
    content : object
        As parsed from JSON, with the key `frames`.
    path : Path
        For messages.
    fps : float or None
        Used where the file tells neither times nor a rate.

    Returns
    -------
    PoseTrack

    Raises
    ------
    PoseFileError
        For a wrong form, shape or value, naming the key or the frame and point.
    """
    assert isinstance(content, dict)

    def fail(problem: str, remedy: str) -> PoseFileError:
        return PoseFileError(problem, subject=path, remedy=remedy)

    frames = content["frames"]
    if not isinstance(frames, list) or not frames:
        raise fail("'frames' is not a list of frames", "Give at least one frame, null for a frame without the person")
    points = np.zeros((len(frames), POINT_COUNT, 3), dtype=np.float32)
    for index, frame in enumerate(frames):
        if frame is not None:
            points[index] = points_from(frame, lambda problem, remedy, at=index: fail(f"frame {at}: {problem}", remedy))  # type: ignore[misc]
    sides = [_side(content.get(key), key, path) for key in ("width", "height")]
    times = _times(content, len(frames), fps, path)
    cuts = content.get("cuts", [])
    if not isinstance(cuts, list) or any(type(cut) is not int or not 0 < cut < len(frames) for cut in cuts):
        raise fail("'cuts' is not a list of frame numbers within the clip", "Give the first frame of each later shot")
    present = np.asarray((points[..., 2] > 0).any(axis=1))
    return PoseTrack(points, present, times, sides[0], sides[1], tuple(sorted(set(cuts))))


def scaled_to(track: PoseTrack, width: int | None, height: int | None, path: Path) -> PoseTrack:
    """Return the track in pixels of frames of another size.

    Parameters
    ----------
    track : PoseTrack
    width, height : int or None
        The size wanted; None keeps the track's.
    path : Path
        For messages.

    Returns
    -------
    PoseTrack

    Raises
    ------
    PoseFileError
        If the two sizes have different shapes: the poses are then of another clip, or of one turned or cropped.
    """
    wanted = (width or track.width, height or track.height)
    if wanted == (track.width, track.height):
        return track
    across, down = wanted[0] / track.width, wanted[1] / track.height
    # a side of few pixels cannot show its shape any better than this
    tolerance = max(SHAPE_TOLERANCE, 1.5 / min(*wanted, track.width, track.height))
    if abs(across / down - 1) > tolerance:
        raise PoseFileError(
            f"is for frames of {track.width}x{track.height}, but the frames have {wanted[0]}x{wanted[1]}",
            subject=path,
            remedy="Give poses that were made from this clip",
        )
    points = track.points.copy()
    # pixel centers are at integers, so that the frame's corner is at -0.5
    points[..., 0] = (points[..., 0] + 0.5) * across - 0.5
    points[..., 1] = (points[..., 1] + 0.5) * down - 0.5
    points[points[..., 2] == 0] = 0.0
    return PoseTrack(points, track.present, track.times_seconds, wanted[0], wanted[1], track.cuts)


def _side(value: object, key: str, path: Path) -> int:
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 < value <= MAX_SIDE:
        raise PoseFileError(
            f"'{key}' is {value!r}, not a number of pixels",
            subject=path,
            remedy=f"Give a whole number from 1 to {MAX_SIDE}",
        )
    return value


def _times(content: dict[str, object], count: int, fps: float | None, path: Path) -> npt.NDArray[np.float64]:
    def fail(problem: str, remedy: str) -> PoseFileError:
        return PoseFileError(problem, subject=path, remedy=remedy)

    listed = content.get("times_seconds")
    if listed is not None:
        if not isinstance(listed, list) or len(listed) != count:
            raise fail(
                "'times_seconds' does not give one time a frame", f"Give a list of {count} times, or leave it out"
            )
        numbers_from(listed, lambda problem, remedy: fail(f"times_seconds: {problem}", remedy))
        times = np.array(listed, dtype=np.float64)
        if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise fail(
                "'times_seconds' does not increase from frame to frame", "Give increasing times, or leave it out"
            )
        return times
    rate = content.get("fps", fps)
    if rate is None:
        raise fail("does not tell the frame rate", "Give the frames a second along with it")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= MAX_FPS:
        raise fail(f"'fps' is {rate!r}, not a frame rate", f"Give a number over 0 and up to {MAX_FPS:g}")
    return np.arange(count, dtype=np.float64) / rate
