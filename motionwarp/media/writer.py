"""Videos out: one function for all that can be written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from motionwarp.errors import OptionError
from motionwarp.media.animated_picture_writer import ANIMATED_FORMATS, AnimatedPictureWriter
from motionwarp.media.atomic import PendingFile
from motionwarp.media.audio import AudioSource, has_sound
from motionwarp.media.container_writer import ContainerWriter
from motionwarp.media.encoders import EncodeOptions, codec_for, container_for
from motionwarp.media.frame_folder import is_frame_pattern
from motionwarp.media.frame_writer import FrameWriter
from motionwarp.media.gif_writer import GifWriter
from motionwarp.media.size_limited_writer import Attempt, SizeLimitedWriter, quality_levels
from motionwarp.media.sprite_sheet_writer import SpriteSheetWriter
from motionwarp.media.writer_base import VideoWriter

__all__ = ["EncodeOptions", "VideoWriter", "open_writer"]

_DEFAULT_CLOCK = Fraction(1, 90_000)


def open_writer(
    path: str | os.PathLike[str],
    *,
    width: int,
    height: int,
    frame_rate: Fraction,
    time_base: Fraction = _DEFAULT_CLOCK,
    alpha: bool = False,
    options: EncodeOptions | None = None,
    audio: AudioSource | None = None,
    metadata: Mapping[str, str] | None = None,
    overwrite: bool = False,
    inputs: Sequence[str | os.PathLike[str]] = (),
) -> VideoWriter:
    """Open a video to write frames to.

    It appears whole when the writer is closed, or not at all.

    Parameters
    ----------
    path : str or path
        The ending decides the container: .mp4, .m4v, .mov, .webm, .mkv, .gif, .webp, .apng, or .png for a sprite sheet
        with a .json file beside it. A folder (an existing one, or a name that ends in a slash) or a pattern such as
        `frame_%05d.png` takes a PNG for each frame, numbered from 0.
    width, height : int
        Size of the frames, in pixels. Codecs that need even sides get the last row or column repeated, nothing is cut
        off.
    frame_rate : Fraction
        Frames a second on average, for players' information and the last frame's duration.
    time_base : Fraction
        Seconds a tick: times are kept to the nearest, or to the container's own (1 ms in .webm, .mkv, .webp and
        .apng, 10 ms in .gif). That of the video whose times are used is best.
    alpha : bool
        Whether frames have a fourth channel. WebM and Matroska then hold VP9, MOV ProRes 4444; MP4 is refused.
    options : EncodeOptions, optional
        With `max_bytes`, frames are kept and encoded when the writer is closed.
    audio : AudioSource, optional
        Its sound is copied where the container allows, else encoded as AAC or Opus.
    metadata : mapping of str, optional
        Tags of the file, such as `comment`; in .gif a comment, in PNG files texts.
    overwrite : bool
        Whether what exists may be replaced.
    inputs : sequence of paths
        Files that are being read, which the output must not be.

    Returns
    -------
    VideoWriter

    Raises
    ------
    OutputError
        If the ending is unknown, the container holds no such codec or no alpha, the output exists or is an input, its
        folder is missing or not writable, or the encoder refuses the size.
    OptionError
        If an encoder option is out of range.
    MediaError
        If the source of the sound cannot be opened.
    """
    target = Path(path)
    options = options or EncodeOptions()
    tags = dict(metadata or {})
    if _is_frames(path):
        _refuse_limit(target, options)
        frames = FrameWriter(path, width, height, frame_rate, alpha, options, tags, overwrite=overwrite, inputs=inputs)
        return _silent(frames, audio)
    ending = target.suffix.lower()
    if ending == ".png":
        _refuse_limit(target, options)
        sheet = PendingFile(target, overwrite=overwrite, inputs=inputs)
        described = PendingFile(target.with_suffix(".json"), overwrite=overwrite, inputs=inputs)
        return _silent(SpriteSheetWriter(sheet, described, width, height, frame_rate, alpha, options, tags), audio)
    codec = (
        None
        if ending == ".gif" or ending in ANIMATED_FORMATS
        else codec_for(container_for(target), target, options, alpha=alpha)
    )

    def opened(pending: PendingFile, attempt: Attempt) -> VideoWriter:
        size, chosen = (attempt.width, attempt.height), attempt.options
        if ending == ".gif":
            return GifWriter(pending, *size, frame_rate, alpha, chosen, tags, attempt.palette)
        if codec is None:
            return AnimatedPictureWriter(pending, *size, frame_rate, alpha, chosen, tags)
        return ContainerWriter(
            pending,
            container_for(target),
            codec,
            width=attempt.width,
            height=attempt.height,
            frame_rate=Fraction(frame_rate),
            time_base=Fraction(time_base),
            alpha=alpha,
            options=chosen,
            audio=audio,
            metadata=tags,
        )

    pending = PendingFile(target, overwrite=overwrite, inputs=inputs)
    writer: VideoWriter
    if options.max_bytes is None:
        writer = opened(pending, Attempt(target, width, height, options, None))
    else:
        writer = SizeLimitedWriter(
            pending,
            lambda attempt: opened(PendingFile(attempt.path, overwrite=False), attempt),
            quality_levels(ending, codec, options),
            options,
            width=width,
            height=height,
            frame_rate=Fraction(frame_rate),
            time_base=Fraction(time_base),
            alpha=alpha,
        )
    return writer if codec is not None else _silent(writer, audio)


def _refuse_limit(target: Path, options: EncodeOptions) -> None:
    if options.max_bytes is not None:
        raise OptionError(
            "PNG files are without loss and cannot be made to fit a number of bytes",
            subject=target,
            remedy="Leave `max_bytes` out, or write .webp, .gif, .apng or .webm",
        )


def _is_frames(path: str | os.PathLike[str]) -> bool:
    return os.fspath(path).endswith(("/", os.sep)) or Path(path).is_dir() or is_frame_pattern(path)


def _silent(writer: VideoWriter, audio: AudioSource | None) -> VideoWriter:
    if audio is not None and has_sound(audio):
        writer.warnings.append(f"{writer.path.name} cannot carry sound; it was left out")
    return writer
