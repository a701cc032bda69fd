"""What a video is, told from its headers and its first frame."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from motionwarp.errors import MediaError
from motionwarp.media.color import has_alpha
from motionwarp.media.container import (
    clock,
    codec_name,
    demuxed,
    has_alpha_layer,
    joined_seconds,
    opened_video,
    origin_seconds,
)
from motionwarp.media.frame_folder import find_numbered_frames, is_frame_pattern, numbering_step
from motionwarp.media.hdr import ORDINARY, Gamut
from motionwarp.media.image import is_picture, read_image
from motionwarp.media.limits import MediaLimits
from motionwarp.media.orientation import UPRIGHT, Orientation, orientation_from_display_matrix
from motionwarp.media.webp_animation import WebpAnimation, is_webp, open_webp_animation

DEFAULT_FOLDER_RATE = Fraction(25)

# a decoder that fails on so many packets before its first frame will not find one
_HOPELESS_PACKETS = 500


@dataclass(frozen=True)
class VideoInfo:
    """The facts of a video.

    Attributes
    ----------
    path : Path
    width, height : int
        Size of the frames as they are seen, in pixels: turned upright, and scaled where pixels are not square.
    frame_rate : Fraction
        Frames a second on average, as the container says; real times travel with the frames.
    time_base : Fraction
        Seconds a tick of the stream's clock.
    duration_seconds : float or None
        Duration of the video stream, as the container says.
    frame_count : int or None
        As the container says; None where it does not. The reader's count is what counts.
    has_audio : bool
    has_alpha : bool
        Whether the pixel format can carry alpha; frames may be opaque nevertheless.
    codec : str
        FFmpeg's name, such as "h264"; "pictures" for folders and still pictures.
    pixel_format : str
        FFmpeg's name, such as "yuv420p".
    rotation_degrees : int
        The clockwise turn that was undone: 0, 90, 180 or 270.
    mirrored : bool
        Whether a mirroring was undone as well.
    is_still : bool
        Whether this is a single still picture.
    container : str
        FFmpeg's name of the container; "folder" or "picture" where there is none.
    gamut : Gamut
        What its colors mean; frames that are read are brought to ordinary ones.
    """

    path: Path
    width: int
    height: int
    frame_rate: Fraction
    time_base: Fraction
    duration_seconds: float | None
    frame_count: int | None
    has_audio: bool
    has_alpha: bool
    codec: str
    pixel_format: str
    rotation_degrees: int = 0
    mirrored: bool = False
    is_still: bool = False
    container: str = ""
    gamut: Gamut = ORDINARY


def probe_video(
    path: str | os.PathLike[str], limits: MediaLimits | None = None, *, folder_rate: Fraction = DEFAULT_FOLDER_RATE
) -> VideoInfo:
    """Tell what a video is.

    Parameters
    ----------
    path : str or path
        A video file, an animated picture, a folder of numbered pictures, a pattern such as `frame_%05d.png`, or a still
        picture, which is a clip of one frame.
    limits : MediaLimits, optional
        Checked before anything is decoded; those of the environment where none are given.
    folder_rate : Fraction
        Frames a second of folders, which do not say.

    Raises
    ------
    MediaError
        If it is missing, empty, damaged, no video, or not one frame of it can be decoded.
    LimitError
        If its frames are beyond `limits`.
    """
    limits = limits or MediaLimits.of_environment()
    source = Path(path)
    if not is_picture_series(source):
        if is_webp(source):
            return webp_info(open_webp_animation(source, limits))
        return probe_container(source, limits)[0]
    if source.is_file():
        return _probe_picture(source, limits, folder_rate)
    return _probe_folder(source, limits, folder_rate)


def turned_info(info: VideoInfo, degrees: int) -> VideoInfo:
    """Return what is known of a clip whose frames are turned clockwise by 0, 90, 180 or 270 degrees."""
    if degrees not in (0, 90, 180, 270):
        raise ValueError(f"a clip is turned by quarters, not by {degrees} degrees")
    if degrees == 0:
        return info
    width, height = (info.height, info.width) if degrees % 180 else (info.width, info.height)
    return replace(info, width=width, height=height, rotation_degrees=(info.rotation_degrees + degrees) % 360)


def is_picture_series(source: Path) -> bool:
    """Tell whether a clip is made of picture files: a folder, a pattern of names, or one still picture."""
    return source.is_dir() or (is_frame_pattern(source) and not source.exists()) or is_picture(source)


def webp_info(animation: WebpAnimation) -> VideoInfo:
    """Return the facts of an animated WebP file."""
    milliseconds = sum(frame.duration_ms for frame in animation.frames)
    return VideoInfo(
        path=animation.path,
        width=animation.width,
        height=animation.height,
        frame_rate=Fraction(1000 * len(animation.frames), milliseconds).limit_denominator(1001),
        time_base=Fraction(1, 1000),
        duration_seconds=milliseconds / 1000,
        frame_count=len(animation.frames),
        has_audio=False,
        has_alpha=animation.has_alpha,
        codec="webp",
        pixel_format="rgba" if animation.has_alpha else "rgb24",
        container="webp",
    )


def _probe_folder(folder: Path, limits: MediaLimits, rate: Fraction) -> VideoInfo:
    frames = find_numbered_frames(folder)
    first = read_image(frames[0].path, limits)
    numbers = [frame.number for frame in frames]
    slots = (numbers[-1] - numbers[0]) // numbering_step(numbers) + 1
    return VideoInfo(
        path=folder,
        width=first.width,
        height=first.height,
        frame_rate=rate,
        time_base=1 / rate,
        duration_seconds=float(slots / rate),
        frame_count=len(frames),
        has_audio=False,
        has_alpha=first.alpha is not None,
        codec="pictures",
        pixel_format="rgb24" if first.alpha is None else "rgba",
        container="folder",
    )


def _probe_picture(file: Path, limits: MediaLimits, rate: Fraction) -> VideoInfo:
    picture = read_image(file, limits)
    limits.check_video(picture.width, picture.height, file)
    return VideoInfo(
        path=file,
        width=picture.width,
        height=picture.height,
        frame_rate=rate,
        time_base=1 / rate,
        duration_seconds=float(1 / rate),
        frame_count=1,
        has_audio=False,
        has_alpha=picture.alpha is not None,
        codec="pictures",
        pixel_format="rgb24" if picture.alpha is None else "rgba",
        is_still=True,
        container="picture",
    )


def probe_container(file: Path, limits: MediaLimits) -> tuple[VideoInfo, Orientation]:
    """Tell what a video file is, and how its frames lie; errors as for `probe_video`."""
    with opened_video(file, limits) as (container, stream):
        stream.thread_type = "SLICE"  # frame threads would decode a dozen frames to give one
        first = _first_frame(container, stream, file)
        limits.check_video(first.width, first.height, file)
        orientation = _orientation(first)
        width, height = _square_size(first, stream)
        if orientation.swaps_sides:
            width, height = height, width
        limits.check_video(width, height, file)
        pixel_format = first.format.name
        return (
            VideoInfo(
                path=file,
                width=width,
                height=height,
                frame_rate=_frame_rate(stream),
                time_base=clock(stream),
                duration_seconds=joined_seconds(file) or _duration(container, stream),
                frame_count=stream.frames or None,
                has_audio=bool(container.streams.audio),
                has_alpha=has_alpha(pixel_format) or has_alpha_layer(stream),
                codec=codec_name(stream.codec_context),
                pixel_format=pixel_format,
                rotation_degrees=orientation.degrees,
                mirrored=orientation.mirrored,
                container=container.format.name,
                gamut=Gamut(int(stream.codec_context.color_trc), int(stream.codec_context.color_primaries)),
            ),
            orientation,
        )


def _first_frame(container: InputContainer, stream: VideoStream, file: Path) -> av.VideoFrame:
    failures = 0
    try:
        for packet in demuxed(container, stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                failures += 1
                if failures > _HOPELESS_PACKETS:
                    break
                continue
            if frames:
                return frames[0]
    except av.FFmpegError:
        pass  # the container breaks off; what was found until then counts
    raise MediaError(
        "not one frame of it can be decoded", subject=file, remedy="The file is damaged; copy or export it again"
    )


def _orientation(frame: av.VideoFrame) -> Orientation:
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return UPRIGHT
    return orientation_from_display_matrix(np.frombuffer(cast(bytes, matrix), dtype=np.int32)[:9].tolist())


def _square_size(frame: av.VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """Return the size at which pixels are square: the side that is too short grows, so that nothing is lost."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    # damaged headers hold all kinds of numbers; real ones lie well within this
    if aspect == 1 or not Fraction(1, 4) <= aspect <= 4:
        return frame.width, frame.height
    if aspect > 1:
        return round(frame.width * aspect), frame.height
    return frame.width, round(frame.height / aspect)


def _frame_rate(stream: VideoStream) -> Fraction:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate is not None and 0 < rate <= 1000:
            return Fraction(rate)
    return DEFAULT_FOLDER_RATE


def _duration(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration:
        end = ((stream.start_time or 0) + stream.duration) * clock(stream) - origin_seconds(container)
        return float(end)
    if container.duration:
        return container.duration / av.time_base
    return None
