"""A transfer's frames into a file: the file opened as the options say, and frames encoded while the next ones are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from motionwarp.media.audio import AudioSource
from motionwarp.media.background import BackgroundWriter
from motionwarp.media.encoders import EncodeOptions
from motionwarp.media.writer import VideoWriter, open_writer
from motionwarp.pipeline.job import TransferJob
from motionwarp.pipeline.options import StrPath, TransferOptions
from motionwarp.types import Frame
from motionwarp.version import __version__

# frames that may wait for the encoder: what is in flight bounds the memory
_QUEUE = 3


def open_result(job: TransferJob, output: StrPath, options: TransferOptions) -> VideoWriter:
    """Open the file that a transfer's frames go to.

    Parameters
    ----------
    job : TransferJob
    output : path
    options : TransferOptions
        Rate, codec and sound.

    Raises
    ------
    OutputError
        If it cannot or must not be written.
    """
    info = job.driving_info
    return open_writer(
        output,
        width=job.width,
        height=job.height,
        frame_rate=options.frame_rate or info.frame_rate,
        time_base=time_base(options.frame_rate, info.time_base),
        alpha=job.alpha,
        options=EncodeOptions(codec=options.codec, crf=options.crf, preset=options.preset),
        audio=AudioSource(job.driving_path, options.start, options.end) if options.audio and info.has_audio else None,
        metadata=provenance(job.engine.name),
        overwrite=options.overwrite,
        inputs=inputs_of(job),
    )


def write_frames(
    job: TransferJob, frames: Iterable[Frame], writer: VideoWriter, end_seconds: float, told: Callable[[Frame], None]
) -> None:
    """Write frames, each of which is encoded while the next one is drawn.

    Parameters
    ----------
    job : TransferJob
        Its clock counts the time that is spent waiting.
    frames : iterable of Frame
    writer : VideoWriter
        Opened.
    end_seconds : float
        When the last frame's turn is over.
    told : callable
        Called with each frame once it is on its way.
    """
    with BackgroundWriter(writer, _QUEUE) as encoder:
        for frame in frames:
            with job.clock.measure("wait for encoder"):
                encoder.write(frame.rgb if frame.alpha is None else np.dstack([frame.rgb, frame.alpha]), frame.pts_seconds)
            told(frame)
        encoder.end_at(end_seconds)
        with job.clock.measure("finish encoding"):
            encoder.close()


def time_base(asked: Fraction | None, clock: Fraction) -> Fraction:
    """Return the seconds of a tick: the driving clip's own, or fine enough for the frame rate that was asked for."""
    return clock if asked is None else 1 / (asked * 16)


def inputs_of(job: TransferJob) -> list[Path]:
    """Return all files that a transfer reads, which no output may replace."""
    options = job.options
    given = (options.source_poses, options.driving_poses, options.matte, options.background_choice.path)
    return [job.source_path, job.driving_path, *(Path(path) for path in given if path is not None)]


def provenance(engine_name: str) -> Mapping[str, str]:
    """Return the tags of a file that say that nobody filmed this."""
    maker = f"motionwarp {__version__}"
    return {
        "comment": f"Synthetic video made by {maker}, engine {engine_name}: the motion of one video given to another person",
        "synthetic": "true",
        "encoded_by": maker,
    }
