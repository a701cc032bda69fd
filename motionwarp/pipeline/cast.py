"""Several dancers of one clip, each of whom gives the motion to a person of their own, all in one picture."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.errors import InputError, NoPersonError
from motionwarp.media.image import is_picture
from motionwarp.media.spread import spread_frames
from motionwarp.perception.base import Estimator
from motionwarp.perception.selection import PersonChoice
from motionwarp.pipeline.analysis import AnalyzedInputs, TransferInputs, analyze, load_estimator, open_inputs
from motionwarp.pipeline.background import DrivingBackground, FrameBackground, StillBackground, make_background
from motionwarp.pipeline.compositing import stacked
from motionwarp.pipeline.driver_mask import Driver
from motionwarp.pipeline.driving import DrivingClip, DrivingMotion, FrameSampler, observe_driving, read_frames
from motionwarp.pipeline.empty_place import EmptyPlace, empty_place
from motionwarp.pipeline.kept_frames import KeptFrame
from motionwarp.pipeline.layout import contain, cover, paste
from motionwarp.pipeline.options import BackgroundKind, CastMember, TransferOptions
from motionwarp.pipeline.plan import TransferPlan, plan_transfer
from motionwarp.pipeline.progress import TransferRun
from motionwarp.pipeline.rendering import composed, driving_frames, no_frames, render_layers
from motionwarp.pipeline.setup import TransferSetup
from motionwarp.pose.people_apart import depth_order, told_apart
from motionwarp.types import Frame, PersonLayer, PoseTrack

_LOOKED_THROUGH: Final = 12
_PLATE_FRAMES: Final = 15


@dataclass(frozen=True, eq=False)
class ScenePlan:
    """Everybody of a transfer, planned.

    Attributes
    ----------
    plans : tuple of TransferPlan
        SOURCE first, then the cast in the order in which it was given; all of one frame and one timeline.
    inputs : tuple of TransferInputs
        Of each plan; none where they were looked at before.
    order : int64 (T, N) or None
        Numbers of the plans, the farthest first; None for one person alone.
    """

    plans: tuple[TransferPlan, ...]
    inputs: tuple[TransferInputs, ...] = ()
    order: npt.NDArray[np.int64] | None = None

    @property
    def main(self) -> TransferPlan:
        """The plan of SOURCE, whose setup is that of the output."""
        return self.plans[0]


def plan_scene(
    inputs: TransferInputs,
    run: TransferRun,
    sampler: FrameSampler | None = None,
    estimator: Estimator | None = None,
) -> ScenePlan:
    """Analyze and plan a transfer, with everybody who is cast.

    Parameters
    ----------
    inputs : TransferInputs
        Of SOURCE.
    run : TransferRun
    sampler : FrameSampler or None
        As for `analyze`.
    estimator : Estimator or None
        What sees people; None loads it.

    Raises
    ------
    NoPersonError
        If a photo shows nobody, or the clip not as many dancers as are cast.
    """
    options = inputs.setup.options
    if not options.cast:
        alone = analyze(inputs, estimator=estimator, run=run, sampler=sampler)
        return ScenePlan((plan_transfer(inputs.setup, alone, run=run),), (inputs,))
    estimator = estimator or load_estimator(options)
    members = options.cast_members
    choices = cast_choices(inputs.setup.driving, options, estimator, [member.dancer for member in members])
    opened = [inputs, *(_opened(inputs, member) for member in members)]
    analyzed: list[AnalyzedInputs] = []
    for number, (each, choice) in enumerate(zip(opened, choices, strict=True)):
        told = replace(choice, others=tuple(seen.motion.track for seen in analyzed))
        with _blamed(members[number - 1].photo if number else None):
            counted = FrameSampler(1 if sampler is None else sampler.every, 1) if number else sampler
            analyzed.append(analyze(each, estimator=estimator, run=run, sampler=counted, choice=told))
    apart = told_apart([each.motion.track for each in analyzed])
    motions = [
        _of_dancer(seen.motion, track, inputs.setup.driving, n)
        for n, (seen, track) in enumerate(zip(analyzed, apart, strict=True))
    ]
    told_anew = [replace(seen, motion=motion) for seen, motion in zip(analyzed, motions, strict=True)]
    return replace(plan_people([each.setup for each in opened], told_anew, run), inputs=tuple(opened))


def plan_people(
    setups: Sequence[TransferSetup], analyzed: Sequence[AnalyzedInputs], run: TransferRun, *, keep_parsing: bool = False
) -> ScenePlan:
    """Plan people who were looked at, each with their own dancer.

    Parameters
    ----------
    setups : sequence of TransferSetup
        That of SOURCE first; all of one frame.
    analyzed : sequence of AnalyzedInputs
        Whose motions were told apart.
    run : TransferRun
    keep_parsing : bool
        As for `plan_transfer`.
    """
    plans = tuple(
        plan_transfer(setup, seen, run=run, keep_parsing=keep_parsing)
        for setup, seen in zip(setups, analyzed, strict=True)
    )
    return ScenePlan(plans, order=depth_order([plan.target for plan in plans]))


def observe_dancers(
    clip: DrivingClip, options: TransferOptions, estimator: Estimator, dancers: Sequence[str]
) -> list[DrivingMotion]:
    """Follow several dancers through a clip: SOURCE's, then each of `dancers`, as `CastMember` names them.

    Raises
    ------
    NoPersonError
        If the clip shows fewer, or they cannot be told apart.
    """
    motions: list[DrivingMotion] = []
    for choice in cast_choices(clip.path, options, estimator, dancers):
        told = replace(choice, others=tuple(motion.track for motion in motions))
        motions.append(observe_driving(clip, options, estimator, with_plate=False, person=told))
    apart = told_apart([motion.track for motion in motions])
    return [
        _of_dancer(motion, track, clip.path, number)
        for number, (motion, track) in enumerate(zip(motions, apart, strict=True))
    ]


def cast_choices(
    driving: Path, options: TransferOptions, estimator: Estimator, dancers: Sequence[str]
) -> list[PersonChoice]:
    """Return which dancers are meant: SOURCE's, then each of `dancers`, as `CastMember` names them.

    Numbers count the people of the whole clip, the main one being 0; places mean the first frame.

    Raises
    ------
    NoPersonError
        If the clip does not show so many people.
    """
    main = PersonChoice.parse(options.person_in_driving)
    wanted = [PersonChoice(index=0) if main.by_size else main]
    wanted += [PersonChoice.parse(dancer) for dancer in dancers]
    look = getattr(estimator, "survey_people", None)
    if look is None or is_picture(driving):
        return wanted  # people are counted by size where there is a single frame to count them in
    frames = spread_frames(
        driving,
        most=_LOOKED_THROUGH,
        start_seconds=options.start,
        end_seconds=options.end,
        rotate_degrees=int(options.rotate),
    )
    people: list[PersonChoice] = look(frames)
    most = max((choice.index for choice in wanted if choice.index is not None), default=0)
    if most >= len(people):
        raise NoPersonError(
            f"shows {len(people)} dancers, but dancer {most} is cast (they are counted from 0)",
            subject=driving,
            remedy="Cast fewer, or give a place in the first frame: 320,240=bob.jpg",
        )
    return [choice if choice.index is None else people[choice.index] for choice in wanted]


def member_options(options: TransferOptions, frame: tuple[int, int]) -> TransferOptions:
    """Return the options of a person who is cast: those of SOURCE, but for what is about SOURCE's own photo."""
    return replace(
        options,
        cast=(),
        placement="driving",
        # nobody's own background but SOURCE's is shown
        background="transparent",
        size=f"{frame[0]}x{frame[1]}",
        side_by_side=False,
        person="largest",
        source_person=None,
        driving_person=None,
        source_poses=None,
        source_time=0.0,
        matte=None,
        also=(),
        clothes=None,
        save_poses=None,
        region_debug=None,
    )


def _opened(main: TransferInputs, member: CastMember) -> TransferInputs:
    return open_inputs(member.photo, main.setup.driving, member_options(main.setup.options, main.setup.frame))


class _blamed:
    """Says of errors within which photo of the cast they are about."""

    def __init__(self, photo: Path | None) -> None:
        self._photo = photo

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._photo is not None and isinstance(error, InputError) and error.subject is None:
            raise type(error)(error.problem, subject=self._photo, remedy=error.remedy) from error


def _of_dancer(motion: DrivingMotion, track: PoseTrack, driving: Path, number: int) -> DrivingMotion:
    if not track.present.any():
        raise NoPersonError(
            f"dancer {number} could not be told from the others",
            subject=driving,
            remedy="Give the dancer's place in the first frame: 320,240=bob.jpg",
        )
    return replace(motion, track=track)


def render_scene(
    scene: ScenePlan, *, run: TransferRun | None = None, only: Sequence[int] | None = None
) -> Generator[Frame, None, None]:
    """Draw the output's frames in order, everybody in each; parameters and frames as for `render`."""
    with closing(render_people(scene, run=run, only=only)) as rendered:
        for frame, _ in rendered:
            yield frame


def render_people(
    scene: ScenePlan, *, run: TransferRun | None = None, only: Sequence[int] | None = None
) -> Generator[tuple[Frame, tuple[PersonLayer, ...]], None, None]:
    """Draw the output's frames as `render_scene` does, each with the layers of its people in the plans' order."""
    if scene.order is None:
        with closing(render_layers(scene.main, run=run, only=only)) as rendered:
            for frame, layer in rendered:
                yield frame, (layer,)
        return
    run, main = run or TransferRun(), scene.main
    chosen = np.arange(len(main)) if only is None else np.asarray(only, dtype=np.int64)
    numbers = main.timeline.driving_frames[chosen].tolist()
    shows_driving = main.setup.options.side_by_side or main.setup.needs_plate
    with ExitStack() as opened:
        layers = [opened.enter_context(closing(plan.layers(chosen, run))) for plan in scene.plans]
        driving = opened.enter_context(
            closing(driving_frames(main, numbers, run) if shows_driving else no_frames(len(chosen)))
        )
        with run.clock.measure("wait for plate"):
            run.wait()
        background = _background(scene, run)
        if background is not None:
            opened.enter_context(closing(background))
        for index, people, pictured in zip(chosen.tolist(), zip(*layers, strict=True), driving, strict=True):
            with run.clock.measure("composite"):
                together = stacked([people[number] for number in scene.order[index]])
                shading = [(scene.plans[number], people[number]) for number in scene.order[index]]
                frame = composed(main, index, together, pictured, background, shading)
            yield frame, people


def _background(scene: ScenePlan, run: TransferRun) -> FrameBackground | None:
    main = scene.main
    options, frame = main.setup.options, main.setup.frame
    kind = options.background_choice.kind
    if kind is BackgroundKind.SOURCE:
        # the frame has the clip's shape, which the photo's surroundings fill
        source = main.inputs.source
        return StillBackground(paste(source.plate, cover(source.size, frame), frame))
    if kind is BackgroundKind.DRIVING:
        return _driving_background(scene, run)
    return make_background(options.background_choice, main.inputs.source, None, frame, options.seed)


def _driving_background(scene: ScenePlan, run: TransferRun) -> FrameBackground:
    """Return the driving clip without any of its dancers."""
    main = scene.main
    tracks = [plan.inputs.motion.track for plan in scene.plans]
    fit = contain((tracks[0].width, tracks[0].height), main.setup.frame)
    return DrivingBackground(tracks, _place(tracks, main, run), fit, main.setup.frame, main.setup.options.seed)


def _place(tracks: Sequence[PoseTrack], main: TransferPlan, run: TransferRun) -> EmptyPlace:
    """Return what is behind the dancers, from a few frames of the clip."""
    count = len(tracks[0])
    numbers = sorted(set(np.linspace(0, count - 1, min(_PLATE_FRAMES, count)).round().astype(int).tolist()))
    kept: list[KeptFrame] = []
    for frame in read_frames(main.setup.driving, main.setup.options, numbers, main.inputs.motion.every, run.clock):
        here = [Driver(track.points[frame.index]) for track in tracks if track.present[frame.index]]
        kept.append(KeptFrame(frame.rgb, frame.index, tuple(here)))
    return empty_place(kept, main.setup.options.seed)
