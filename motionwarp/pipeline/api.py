"""The main job from end to end: inputs in, a finished video out, or frames one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from motionwarp.media.atomic import check_target
from motionwarp.media.audio import AudioSource
from motionwarp.media.encoders import EncodeOptions
from motionwarp.media.threaded_writer import ThreadedWriter
from motionwarp.media.writer import VideoWriter, open_writer
from motionwarp.options import changed
from motionwarp.pipeline.job import TransferJob
from motionwarp.pipeline.options import StrPath, TransferOptions
from motionwarp.pipeline.progress import ProgressCallback, Stage, announce
from motionwarp.pipeline.timeline import Timeline
from motionwarp.pose.formats.pose_file import write_track
from motionwarp.types import Frame
from motionwarp.version import __version__


@dataclass(frozen=True)
class TransferResult:
    """The summary of a transfer that was finished.

    Attributes
    ----------
    output : Path
        The video that was written.
    frames : int
    width, height : int
        Of the output's frames in pixels.
    duration_seconds : float
        Of the output.
    engine, device, precision, estimator : str
        What was used.
    seconds : float
        On the wall, from reading the source to the finished file.
    fps : float
        Frames a second of the wall's time.
    stage_seconds : dict of str to float
        Busy seconds by kind of work. Work that overlaps counts for each, so the sum may exceed `seconds`.
    warnings : tuple of str
        What a user should know, with frame numbers from 0.
    retargeting : dict
        Ratios of bones and what was mirrored or estimated, for people who want to look.
    """

    output: Path
    frames: int
    width: int
    height: int
    duration_seconds: float
    engine: str
    device: str
    precision: str
    estimator: str
    seconds: float
    fps: float
    stage_seconds: dict[str, float]
    warnings: tuple[str, ...] = ()
    retargeting: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        values = asdict(self)
        values["output"] = str(self.output)
        values["warnings"] = list(self.warnings)
        return values


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
    with ThreadedWriter(writer, _QUEUE) as encoder:
        for frame in frames:
            with job.clock.measure("wait for encoder"):
                encoder.write(
                    frame.rgb if frame.alpha is None else np.dstack([frame.rgb, frame.alpha]), frame.pts_seconds
                )
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


# a clock that stands still, as on suspended machines, must not cost a finished video
_SHORTEST_SECONDS = 1e-6


def transfer(
    source: str | PathLike[str],
    driving: str | PathLike[str],
    output: str | PathLike[str],
    options: TransferOptions | None = None,
    *,
    progress: ProgressCallback | None = None,
    **changes: Any,
) -> TransferResult:
    """Give the motion of a clip to the person of a picture and write it as a video.

    Parameters
    ----------
    source : path
        A picture, or a video of which one frame is taken.
    driving : path
        A video, a GIF or a folder of numbered frames.
    output : path
        Its ending decides the container; see `motionwarp.media.writer.open_writer`. It appears whole or not at all.
    options : TransferOptions, optional
    progress : callable, optional
        Told of every step of every stage.
    **changes
        Single options by name, such as `background="#202020"`, in place of those in `options`.

    Returns
    -------
    TransferResult

    Raises
    ------
    InputError
        One of its kinds, if an input, an option or the output is at fault; nothing is written then.
    """
    options = changed(options or TransferOptions(), changes)
    begin = time.perf_counter()
    source, driving = Path(source), Path(driving)
    job = TransferJob(source, driving, options)
    for further in (options.save_poses, options.region_debug):
        if further is not None:
            check_target(Path(further), overwrite=options.overwrite, inputs=[*inputs_of(job), output])
    # opened before any work is done: an output that cannot be written is told of at once
    with open_result(job, output, options) as writer:
        timeline = job.prepare(progress)
        _save_poses(job, options)
        write_frames(
            job,
            job.frames(),
            writer,
            timeline.end_seconds,
            lambda frame: announce(progress, Stage.RENDER, frame.index + 1, len(timeline)),
        )
        job.warnings += writer.warnings
    _save_regions(job, options, timeline)
    return _result(job, Path(output), timeline, time.perf_counter() - begin)


def stream(
    source: str | PathLike[str],
    driving: str | PathLike[str],
    options: TransferOptions | None = None,
    *,
    progress: ProgressCallback | None = None,
    **changes: Any,
) -> Iterator[Frame]:
    """Give the motion of a clip to the person of a picture, frame by frame; options of the file written do not count.

    Parameters
    ----------
    source, driving, options, progress, **changes
        As for `transfer`.

    Yields
    ------
    Frame
        `rgb` uint8 (H, W, 3) with its time in seconds; `alpha` uint8 (H, W), straight, if the background is transparent.

    Raises
    ------
    InputError
        As for `transfer`, when the first frame is asked for.
    """
    job = TransferJob(Path(source), Path(driving), changed(options or TransferOptions(), changes))
    timeline = job.prepare(progress)
    for frame in job.frames():
        yield frame
        announce(progress, Stage.RENDER, frame.index + 1, len(timeline))


def _save_poses(job: TransferJob, options: TransferOptions) -> None:
    if options.save_poses is not None:
        write_track(
            options.save_poses,
            job.observed,
            file_name=job.driving_path.name,
            fps=float(job.driving_info.frame_rate),
            overwrite=options.overwrite,
        )


def _save_regions(job: TransferJob, options: TransferOptions, timeline: Timeline) -> None:
    if options.region_debug is None:
        return
    frames = job.region_frames()
    first = next(frames)
    info = job.driving_info
    with open_writer(
        options.region_debug,
        width=first.rgb.shape[1],
        height=first.rgb.shape[0],
        frame_rate=options.frame_rate or info.frame_rate,
        time_base=time_base(options.frame_rate, info.time_base),
        options=EncodeOptions(),
        metadata=provenance(job.engine.name),
        overwrite=options.overwrite,
        inputs=inputs_of(job),
    ) as writer:
        for frame in chain([first], frames):
            writer.write(frame.rgb, frame.pts_seconds)
        writer.end_at(timeline.end_seconds)


def _result(job: TransferJob, output: Path, timeline: Timeline, seconds: float) -> TransferResult:
    return TransferResult(
        output=output,
        frames=len(timeline),
        width=job.width,
        height=job.height,
        duration_seconds=timeline.end_seconds - float(timeline.times_seconds[0]),
        engine=job.engine.name,
        device=job.device.type,
        precision=str(job.dtype).removeprefix("torch."),
        estimator=job.estimator_name,
        seconds=seconds,
        fps=len(timeline) / max(seconds, _SHORTEST_SECONDS),
        stage_seconds=job.clock.seconds(),
        warnings=tuple(job.warnings),
        retargeting=job.retargeting,
    )
