"""The main job from end to end: inputs in, a finished video out, or frames one at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from motionwarp.media.atomic import check_target
from motionwarp.media.encoders import EncodeOptions
from motionwarp.media.writer import open_writer
from motionwarp.pipeline.job import TransferJob
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.progress import ProgressCallback, Stage, announce
from motionwarp.pipeline.result import TransferResult
from motionwarp.pipeline.timeline import Timeline
from motionwarp.pipeline.writing import inputs_of, open_result, provenance, time_base, write_frames
from motionwarp.pose.files import write_track
from motionwarp.types import Frame

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from motionwarp.pipeline.option_names import TransferChanges

# a clock that stands still, as on suspended machines, must not cost a finished video
_SHORTEST_SECONDS = 1e-6


def transfer(
    source: str | PathLike[str],
    driving: str | PathLike[str],
    output: str | PathLike[str],
    options: TransferOptions | None = None,
    *,
    progress: ProgressCallback | None = None,
    **changes: Unpack[TransferChanges],
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
    options = replace(options or TransferOptions(), **changes)
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
    **changes: Unpack[TransferChanges],
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
    job = TransferJob(Path(source), Path(driving), replace(options or TransferOptions(), **changes))
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
