"""The analysis of a transfer's two inputs, which can be kept for many transfers, and changed to make others of it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, cast

import torch

from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.errors import OptionError
from motionwarp.media.image import is_picture
from motionwarp.media.probe import VideoInfo
from motionwarp.motions.catalog import find_driving
from motionwarp.notices import Gravity, Notice
from motionwarp.perception.base import Estimator
from motionwarp.perception.registry import make_estimator
from motionwarp.perception.selection import PersonChoice
from motionwarp.pipeline.captured_driving import is_captured
from motionwarp.pipeline.dressing import prepare_dressed
from motionwarp.pipeline.driving import DrivingClip, DrivingMotion, FrameSampler, observe_driving, probe_driving
from motionwarp.pipeline.followed_person import seen_rotation
from motionwarp.pipeline.options import BackgroundKind, TransferOptions
from motionwarp.pipeline.preparing import EngineBeside, is_relit
from motionwarp.pipeline.progress import Stage, TransferRun
from motionwarp.pipeline.setup import TransferSetup, set_up
from motionwarp.pipeline.source import PreparedSource, SourcePicture, prepare_source, read_source
from motionwarp.pose.skeleton import MIRROR
from motionwarp.types import ByteArray, PoseTrack


@dataclass(frozen=True, eq=False)
class TransferInputs:
    """Both inputs, opened: the source is read, of the clip only the headers.

    Attributes
    ----------
    source : SourcePicture
    driving : DrivingClip
    setup : TransferSetup
        Frame, engine and device that follow from them and the options.
    """

    source: SourcePicture
    driving: DrivingClip
    setup: TransferSetup


def open_inputs(source: Path, driving: Path, options: TransferOptions) -> TransferInputs:
    """Open both inputs; this takes hardly any time and finds most mistakes.

    Parameters
    ----------
    source : Path
    driving : Path
        A video, a picture, a folder of frames, motion capture, or the name of a motion in the library.
    options : TransferOptions

    Raises
    ------
    InputError
        One of its kinds, if an input or an option is at fault.
    """
    driving = find_driving(driving)
    if options.cast:
        if is_captured(driving):
            raise OptionError(
                "needs a clip of several dancers; motion capture is of one",
                values={"cast": ", ".join(options.cast)},
                remedy="Give a clip as DRIVING, or leave `cast` out",
            )
        # people of several photos share no place but that of the dancers
        options = replace(options, placement="driving")
    if options.rotate == "auto":
        degrees = 0 if is_captured(driving) else seen_rotation(driving, load_estimator(options), options)
        options = replace(options, rotate=cast(Literal["0", "90", "180", "270"], str(degrees)))
    clip = probe_driving(driving, options)
    picture = read_source(source, options)
    setup = set_up(source, driving, options, picture.size, clip.info)
    return TransferInputs(picture, clip, setup)


def _input_warnings(inputs: TransferInputs) -> list[str]:
    """Return what a user should know of the inputs before they are analyzed."""
    if inputs.driving.capture is not None or not is_picture(inputs.driving.path):
        return []
    exchanged = "" if is_picture(inputs.source.path) else "; perhaps SOURCE and DRIVING were exchanged"
    text = f"{inputs.driving.path} is a still picture, so the result has a single frame{exchanged}"
    return [Notice(text, Gravity.GRAVE)]


@dataclass(frozen=True, eq=False)
class AnalyzedInputs:
    """Both inputs of a transfer, analyzed.

    Attributes
    ----------
    source : PreparedSource
    motion : DrivingMotion
    info : VideoInfo
        The driving clip's headers.
    estimator : str
        The name of what saw them.
    engine : EngineBeside or None
        The setup's engine, in preparation since the source is known, where nothing of the clip is needed for it.
    """

    source: PreparedSource
    motion: DrivingMotion
    info: VideoInfo
    estimator: str
    engine: EngineBeside | None = None


def load_estimator(options: TransferOptions) -> Estimator:
    """Load what sees people, as the options ask for it."""
    device = resolve_device(options.device)
    return make_estimator(options.pose_estimator, device, resolve_precision(options.precision, device))


def analyze(
    inputs: TransferInputs,
    *,
    estimator: Estimator | None = None,
    run: TransferRun | None = None,
    sampler: FrameSampler | None = None,
    choice: PersonChoice | None = None,
) -> AnalyzedInputs:
    """Find the person in both inputs, and their motion.

    Parameters
    ----------
    inputs : TransferInputs
    estimator : Estimator or None
        What sees people; None loads it.
    run : TransferRun or None
        The engine is prepared and, where it is shown, the source's plate made in threads of the run, which may outlast
        the analysis.
    sampler : FrameSampler or None
        As for `observe_driving`: which frames of the clip are looked at.
    choice : PersonChoice or None
        Whom to follow in the clip; None chooses by the options.

    Raises
    ------
    NoPersonError
        If source or clip show nobody.
    """
    options = inputs.setup.options
    torch.manual_seed(options.seed)
    with ExitStack() as own:
        run = run or own.enter_context(TransferRun())
        run.warnings += _input_warnings(inputs)
        engine_first = run.begin(inputs.setup.engine.get_ready)
        estimator = estimator or load_estimator(options)
        run.announce(Stage.SOURCE, 0, 1)
        with run.clock.measure("source"):
            prepared = prepare_source(inputs.source, options, estimator)
            if options.clothes is not None:
                prepared = prepare_dressed(prepared, inputs.source.path, options, estimator)
        run.announce(Stage.SOURCE, 1, 1)
        engine = None if is_relit(inputs.setup) else EngineBeside(inputs.setup, prepared, run, engine_first)
        if options.background_choice.kind is BackgroundKind.SOURCE:
            run.in_thread(partial(_make_plate, prepared, run))
        motion = observe_driving(
            inputs.driving,
            options,
            estimator,
            # a plate of several dancers is made of where all of them are
            with_plate=inputs.setup.needs_plate and not options.cast,
            run=run,
            sampler=sampler,
            person=choice,
        )
        return AnalyzedInputs(prepared, motion, inputs.driving.info, estimator.name, engine)


def _make_plate(source: PreparedSource, run: TransferRun) -> ByteArray:
    with run.clock.measure("plate"):
        return source.plate


def mirrored_motion(motion: DrivingMotion) -> DrivingMotion:
    """Return the motion as a mirror shows it: left hands move as right hands did. It has no plate."""
    track = motion.track
    points = track.points[:, list(MIRROR)].copy()
    # centers of pixels lie at integers
    points[..., 0] = (track.width - 1) - points[..., 0]
    points[~track.present] = 0.0
    points[points[..., 2] == 0] = 0.0
    flipped = PoseTrack(points, track.present, track.times_seconds, track.width, track.height, track.cuts)
    capture = None if motion.capture is None else motion.capture.mirrored()
    facings = tuple(None if each is None else replace(each, sine=-each.sine) for each in motion.facings)
    return replace(motion, track=flipped, plate=None, facings=facings, capture=capture)


def retimed_motion(motion: DrivingMotion, speed: float) -> DrivingMotion:
    """Return the motion at another speed: `speed` 2 makes the clip half as long.

    Raises
    ------
    ValueError
        If the speed is not over 0.
    """
    if not speed > 0:
        raise ValueError(f"retimed_motion needs a speed over 0, got {speed}")
    track = motion.track
    first = float(track.times_seconds[0])
    times = first + (track.times_seconds - first) / speed
    slower = PoseTrack(track.points, track.present, times, track.width, track.height, track.cuts)
    capture = None if motion.capture is None else motion.capture.retimed(speed)
    return replace(motion, track=slower, end_seconds=first + (motion.end_seconds - first) / speed, capture=capture)
