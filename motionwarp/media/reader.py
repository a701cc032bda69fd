"""Videos in: one function for files, animated pictures, folders of frames and still pictures."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from motionwarp.errors import LimitError, MediaError, OptionError
from motionwarp.media.container import check_hardware
from motionwarp.media.container_reader import ContainerReader
from motionwarp.media.frame_folder import NumberedFrame, find_numbered_frames
from motionwarp.media.frame_reader import PictureReader
from motionwarp.media.limits import MediaLimits
from motionwarp.media.probe import DEFAULT_FOLDER_RATE, is_picture_series, probe_container, probe_video
from motionwarp.media.reader_base import VideoReader
from motionwarp.media.webp_animation import is_webp
from motionwarp.media.webp_reader import WebpReader
from motionwarp.types import Frame

# how far back to look for the frame shown at a time: its own time lies before it, and slide shows have long frames
_WINDOWS_SECONDS = (0.5, 10.0, math.inf)

__all__ = ["VideoReader", "open_video", "read_frame_at"]


def open_video(
    path: str | os.PathLike[str],
    *,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
    limits: MediaLimits | None = None,
    hardware: str | None = None,
    folder_rate: Fraction = DEFAULT_FOLDER_RATE,
    whole_every: int = 1,
) -> VideoReader:
    """Open a video to read its frames.

    Rotation, mirroring, pixel shape, color matrix and range are undone, so that frames are as a player shows them.

    Parameters
    ----------
    path : str or path
        A video file, an animated picture, a folder of numbered pictures, a pattern such as `frame_%05d.png`, or a still
        picture, which is a clip of one frame.
    start_seconds, end_seconds : float, optional
        The section to read, by seeking: frames with start <= time < end. Frames' times count from `start_seconds`.
    limits : MediaLimits, optional
        Checked before anything is decoded; those of the environment where none are given.
    hardware : str, optional
        Decode on a graphics card: "auto" or a name of `hardware_decoders`.
    folder_rate : Fraction
        Frames a second of folders, which do not say.
    whole_every : int
        One of so many frames, from the first on, is given whole. Where that saves time, those between are reduced to a
        long side of 256 pixels, in which cuts can be seen and little else.

    Returns
    -------
    VideoReader
        Iterating it may raise MediaError too: if no frame of the section can be decoded, or LimitError if frames grow
        beyond the limits in mid-stream.

    Raises
    ------
    MediaError
        If it is missing, empty, damaged, no video, or not one frame of it can be decoded.
    LimitError
        If its frames are beyond `limits`.
    OptionError
        If the section is empty or not made of finite times from 0 up.
    DeviceError
        If `hardware` names a decoder that there is not.
    """
    _check_section(start_seconds, end_seconds)
    limits = limits or MediaLimits.of_environment()
    source = Path(path)
    if is_picture_series(source):
        info = probe_video(source, limits, folder_rate=folder_rate)
        pictures = [NumberedFrame(source, 0)] if info.is_still else find_numbered_frames(source)
        return PictureReader(info, pictures, start_seconds, end_seconds, limits)
    if hardware is not None:
        check_hardware(hardware)
    if is_webp(source):
        return WebpReader(source, start_seconds, end_seconds, limits)
    info, orientation = probe_container(source, limits)
    return ContainerReader(info, orientation, start_seconds, end_seconds, limits, hardware, whole_every)


def read_frame_at(path: str | os.PathLike[str], seconds: float, *, limits: MediaLimits | None = None) -> Frame:
    """Read the frame that a video shows at a time.

    Parameters
    ----------
    path : str or path
        As for `open_video`.
    seconds : float
        From the clip's beginning.
    limits : MediaLimits, optional

    Returns
    -------
    Frame
        With its time from the clip's beginning, and index 0.

    Raises
    ------
    MediaError, LimitError
        As for `open_video`, and if `seconds` lies beyond the clip's end.
    OptionError
        If `seconds` is no time.
    """
    _check_section(seconds, None)
    for window in _WINDOWS_SECONDS:
        start = max(0.0, seconds - window)
        with open_video(path, start_seconds=start, end_seconds=seconds + 2e-6, limits=limits) as reader:
            length = reader.info.duration_seconds
            if length is not None and seconds >= length and not reader.info.is_still:
                raise MediaError(
                    f"there is no frame at {seconds} s",
                    subject=path,
                    remedy=f"The video is {length:.2f} s long; choose a time within",
                )
            frame = _last_frame(reader)
        if frame is not None:
            return replace(frame, pts_seconds=frame.pts_seconds + start, index=0)
    raise MediaError(f"there is no readable frame at or before {seconds} s", subject=path, remedy="Choose a later time")


def _last_frame(reader: VideoReader) -> Frame | None:
    last = None
    try:
        for frame in reader:
            last = frame
    except LimitError:
        raise
    except MediaError:
        return None  # nothing in this window
    return last


def _check_section(start_seconds: float | None, end_seconds: float | None) -> None:
    for name, value in (("start", start_seconds), ("end", end_seconds)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise OptionError(
                f"the section's {name} must be a time from 0 up, got {value}", remedy="Give seconds, such as 2.5"
            )
    if end_seconds is not None and end_seconds <= (start_seconds or 0.0):
        raise OptionError(
            f"the section ends at {end_seconds} s, but starts at {start_seconds or 0.0} s",
            remedy="Give an end after the start",
        )
