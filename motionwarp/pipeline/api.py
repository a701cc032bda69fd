"""The main job from end to end: inputs in, a finished video out, or frames one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
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
from motionwarp.pipeline.analysis import open_inputs
from motionwarp.pipeline.cast import plan_scene, render_scene
from motionwarp.pipeline.check.issues import Issue
from motionwarp.pipeline.check.poor import poor_issues
from motionwarp.pipeline.driving import FrameSampler
from motionwarp.pipeline.options import StrPath, TransferOptions
from motionwarp.pipeline.plan import TransferPlan
from motionwarp.pipeline.progress import ProgressCallback, Stage, StageClock, TransferRun
from motionwarp.pipeline.provenance import preview_provenance, transfer_provenance
from motionwarp.pipeline.rendering import render_regions
from motionwarp.pipeline.setup import TransferSetup
from motionwarp.pose.formats.pose_file import write_track
from motionwarp.types import Frame


@dataclass(frozen=True)
class TransferResult:
    """The summary of a transfer that was finished.

    Attributes
    ----------
    output : Path
        The video that was written.
    frames : int
    width, height : int
        Size of the output's frames in pixels.
    duration_seconds : float
        Length of the output.
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
    poor : tuple of Issue
        For what `motionwarp.check` would call the transfer poor.
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
    poor: tuple[Issue, ...] = ()
    retargeting: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        values = asdict(self)
        values["output"] = str(self.output)
        values["warnings"] = list(self.warnings)
        values["poor"] = [{**issue, "level": issue["level"].value} for issue in values["poor"]]
        return values


# frames that may wait for the encoder: what is in flight bounds the memory
_QUEUE = 3


def open_result(setup: TransferSetup, output: StrPath) -> VideoWriter:
    """Open the file that a transfer's frames go to.

    Parameters
    ----------
    setup : TransferSetup
        Its options say rate, codec and sound.
    output : path

    Raises
    ------
    OutputError
        If it cannot or must not be written.
    """
    info, options = setup.info, setup.options
    sound = AudioSource(setup.driving, options.start, options.end) if options.audio and info.has_audio else None
    return open_writer(
        output,
        width=setup.width,
        height=setup.height,
        frame_rate=options.frame_rate or info.frame_rate,
        time_base=time_base(options.frame_rate, info.time_base),
        alpha=setup.alpha,
        options=EncodeOptions(
            options.codec, options.crf, options.preset, max_bytes=options.max_bytes, may_shrink=options.size is None
        ),
        audio=sound,
        metadata=transfer_provenance(setup),
        overwrite=options.overwrite,
        inputs=setup.files(),
    )


def write_frames(
    frames: Iterable[Frame],
    writer: VideoWriter,
    end_seconds: float,
    clock: StageClock,
    on_frame: Callable[[Frame], None],
) -> None:
    """Write frames, each of which is encoded while the next one is drawn.

    Parameters
    ----------
    frames : iterable of Frame
    writer : VideoWriter
        Opened.
    end_seconds : float
        When the last frame's turn is over.
    clock : StageClock
        Counts the time that is spent waiting.
    on_frame : callable
        Called with each frame once it is on its way.
    """
    with ThreadedWriter(writer, _QUEUE) as encoder:
        for frame in frames:
            with clock.measure("wait for encoder"):
                encoder.write(
                    frame.rgb if frame.alpha is None else np.dstack([frame.rgb, frame.alpha]), frame.pts_seconds
                )
            on_frame(frame)
        encoder.end_at(end_seconds)
        with clock.measure("finish encoding"):
            encoder.close()


def time_base(asked: Fraction | None, clock: Fraction) -> Fraction:
    """Return the seconds of a tick: the driving clip's own, or fine enough for the frame rate that was asked for."""
    return clock if asked is None else 1 / (asked * 16)


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
        Called with every step of every stage.
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
    with TransferRun(progress) as run:
        inputs = open_inputs(Path(source), Path(driving), options)
        setup = inputs.setup
        for further in (options.save_poses, options.region_debug):
            if further is not None:
                check_target(Path(further), overwrite=options.overwrite, inputs=[*setup.files(), output])
        # opened before any work is done: an output that cannot be written is found at once
        with open_result(setup, output) as writer:
            sampler = FrameSampler(most=1)
            scene = plan_scene(inputs, run, sampler)
            plan = scene.main
            poor = poor_issues(scene, sampler)
            _save_poses(plan)
            writer.stands_at = plan.stands_at
            write_frames(
                render_scene(scene, run=run),
                writer,
                plan.timeline.end_seconds,
                run.clock,
                lambda frame: run.announce(Stage.RENDER, frame.index + 1, len(plan)),
            )
            run.warnings += writer.warnings
        _save_regions(plan)
    result = _result(plan, run, Path(output), time.perf_counter() - begin)
    return replace(result, poor=poor)


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
        `rgb` uint8 (H, W, 3) with its time in seconds; `alpha` uint8 (H, W), straight, if the background is
        transparent.

    Raises
    ------
    InputError
        As for `transfer`, when the first frame is asked for.
    """
    options = changed(options or TransferOptions(), changes)
    with TransferRun(progress) as run:
        inputs = open_inputs(Path(source), Path(driving), options)
        scene = plan_scene(inputs, run)
        with closing(render_scene(scene, run=run)) as frames:
            for frame in frames:
                yield frame
                run.announce(Stage.RENDER, frame.index + 1, len(scene.main))


def _save_poses(plan: TransferPlan) -> None:
    setup = plan.setup
    if setup.options.save_poses is not None:
        write_track(
            setup.options.save_poses,
            plan.inputs.motion.track,
            file_name=setup.driving.name,
            fps=float(setup.info.frame_rate),
            overwrite=setup.options.overwrite,
        )


def _save_regions(plan: TransferPlan) -> None:
    setup, options = plan.setup, plan.setup.options
    if options.region_debug is None:
        return
    frames = render_regions(plan)
    first = next(frames)
    with open_writer(
        options.region_debug,
        width=first.rgb.shape[1],
        height=first.rgb.shape[0],
        frame_rate=options.frame_rate or setup.info.frame_rate,
        time_base=time_base(options.frame_rate, setup.info.time_base),
        options=EncodeOptions(),
        metadata=preview_provenance(setup),
        overwrite=options.overwrite,
        inputs=setup.files(),
    ) as writer:
        for frame in chain([first], frames):
            writer.write(frame.rgb, frame.pts_seconds)
        writer.end_at(plan.timeline.end_seconds)


def _result(plan: TransferPlan, run: TransferRun, output: Path, seconds: float) -> TransferResult:
    setup, report = plan.setup, plan.aligned
    return TransferResult(
        output=output,
        frames=len(plan),
        width=setup.width,
        height=setup.height,
        duration_seconds=plan.duration_seconds,
        engine=setup.engine.name,
        device=plan.device.type,
        precision=plan.precision,
        estimator=plan.inputs.estimator,
        seconds=seconds,
        fps=len(plan) / max(seconds, _SHORTEST_SECONDS),
        stage_seconds=run.clock.seconds(),
        warnings=tuple(run.warnings),
        retargeting={
            "mirrored": list(report.mirrored),
            "estimated": list(report.estimated),
            "shots": [asdict(shot) for shot in report.shots],
        },
    )
