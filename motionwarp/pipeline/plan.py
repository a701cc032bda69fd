"""The plan of a transfer: where the person stands in every frame, and how engines, all called here, warp them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from motionwarp.engines.base import Motion, Staging
from motionwarp.engines.runner import EngineRunner
from motionwarp.errors import NoPersonError
from motionwarp.geometry.temporal import smooth_over_time
from motionwarp.media.prefetch import prefetched
from motionwarp.notices import Gravity, Notice
from motionwarp.pipeline.analysis import AnalyzedInputs
from motionwarp.pipeline.captured_driving import camera_path, performed
from motionwarp.pipeline.driving_shadow import ground_rows
from motionwarp.pipeline.layout import UNCHANGED, PersonTransform, contain, person_map, transform_track
from motionwarp.pipeline.preparing import ReadyEngine, Stand, is_relit, prepare_engine
from motionwarp.pipeline.progress import Stage, TransferRun
from motionwarp.pipeline.setup import TransferSetup
from motionwarp.pipeline.source import PreparedSource
from motionwarp.pipeline.timeline import Timeline, make_timeline, resampled
from motionwarp.pose.distance import at_one_distance
from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.pose.placement import place_track, way_into_frame
from motionwarp.pose.proportions import BoneRatios
from motionwarp.pose.repair import RepairResult, repair_track
from motionwarp.pose.retargeting import RetargetReport, ShotReport, retarget_track
from motionwarp.pose.root_alignment import ANKLES
from motionwarp.pose.skeleton import LEFT_ANKLE, LEFT_HIP, RIGHT_ANKLE, RIGHT_HIP
from motionwarp.pose.smoothing import smooth_track
from motionwarp.types import ByteArray, FloatArray, PersonLayer, PoseTrack, SourcePerson

# of the strength given: the points have been smoothed already, the warps only get rid of what the fitting adds
_THETA_SHARE = 0.5
# turned by less than this against the clip nobody notices
_TURNED_DEGREES = 10.0
_ELSEWHERE = "the person would leave the picture, and so stands elsewhere in it than in the photo"


@dataclass(frozen=True, eq=False)
class TransferPlan:
    """All that is decided before a frame is drawn; `rendering` draws any of them.

    Attributes
    ----------
    setup : TransferSetup
    inputs : AnalyzedInputs
    timeline : Timeline
        When the output's frames are shown.
    repaired : RepairResult
        The driving poses after repair, and what was missing.
    aligned : RetargetReport
        How the motion was fitted to the source person.
    target : PoseTrack
        The poses that the person is given, in pixels of the output frame.
    motion : Motion
        The same as the engine takes them, with the body's rotations where it has a body.
    theta : float32 (T, D)
        The engine's parameters of every frame, smoothed.
    runner : EngineRunner
        The prepared engine; it moves to smaller batches, or to the CPU, where memory runs out.
    """

    setup: TransferSetup
    inputs: AnalyzedInputs
    timeline: Timeline
    repaired: RepairResult
    aligned: RetargetReport
    target: PoseTrack
    motion: Motion
    theta: FloatArray
    runner: EngineRunner

    def __len__(self) -> int:
        return len(self.timeline)

    @property
    def duration_seconds(self) -> float:
        """Length of the output."""
        return self.timeline.end_seconds - float(self.timeline.times_seconds[0])

    @property
    def stands_at(self) -> tuple[float, float] | None:
        """The place on the ground below the hips where the person stands at first, in pixels of the output frame.

        None where neither hips nor feet are seen.
        """
        points = self.target.points[self.target.present]
        hips, feet = (points[:, pair].reshape(-1, 3) for pair in ([RIGHT_HIP, LEFT_HIP], [RIGHT_ANKLE, LEFT_ANKLE]))
        hips, feet = hips[hips[:, 2] > 0][:2], feet[feet[:, 2] > 0][:2]
        if not len(hips) or not len(feet):
            return None
        return float(hips[:, 0].mean()), float(feet[:, 1].max())

    @cached_property
    def ground_rows(self) -> FloatArray:
        """The row of the output frame that the person stands on, or would land on, in every frame, float32 (T,)."""
        return ground_rows(self.target)

    @property
    def device(self) -> torch.device:
        """Where frames are computed by now."""
        return self.runner.settings.device

    @property
    def precision(self) -> str:
        """What frames are computed with by now, such as 'float32'."""
        return str(self.runner.settings.dtype).removeprefix("torch.")

    def layers(self, frames: npt.NDArray[np.int64], run: TransferRun) -> Generator[PersonLayer, None, None]:
        """Yield the person of frames given by number, rendered a batch ahead in a thread of its own."""
        rendered = self.runner.render(self.motion[frames], self.theta[frames])
        with closing(prefetched(run.clock.timed("engine", rendered), 1)) as batches:
            for layers in batches:
                yield from layers

    def regions(self, frames: slice) -> Iterator[ByteArray]:
        """Yield what the engine decides for each of the frames, drawn; uint8 (h, w, 3) of one size."""
        yield from self.setup.engine.explain(self.motion[frames], self.theta[frames])


def plan_transfer(
    setup: TransferSetup,
    inputs: AnalyzedInputs,
    *,
    run: TransferRun | None = None,
    transform: PersonTransform = UNCHANGED,
    keep_parsing: bool = False,
) -> TransferPlan:
    """Plan all frames: repair, smooth and fit the motion, place it, and plan and smooth the warps.

    Parameters
    ----------
    setup : TransferSetup
    inputs : AnalyzedInputs
        Just analyzed, or kept from an earlier analysis, or changed.
    run : TransferRun or None
    transform : PersonTransform
        Size and place of the person in the frame.
    keep_parsing : bool
        Whether layers carry classes, if the engine can tell them.

    Raises
    ------
    NoPersonError
        If the clip shows too little of a person for its motion to be fitted.
    """
    run = run or TransferRun()
    options = setup.options
    torch.manual_seed(options.seed)
    run.warnings += [*inputs.source.notes, *inputs.motion.notes]
    observed = inputs.motion.track
    timeline = make_timeline(observed.times_seconds, inputs.motion.end_seconds, options.frame_rate)
    stand = Stand(transform, keep_parsing, inputs.motion.light if is_relit(setup) else None)
    # first, since whether there is a body, which turns, is known when it was fitted
    ready = _ready_engine(setup, inputs, stand, run)
    if inputs.motion.capture is not None:
        with run.clock.measure("engine"):
            motion, target = _performed(setup, inputs, ready.person, timeline, transform, run)
        repaired = RepairResult(observed, (), observed.present)
        aligned = _as_it_is(target)
    else:
        with run.clock.measure("retarget"):
            repaired = repair_track(observed)
            run.warnings += [Notice(note.text, Gravity.MINOR) for note in repaired.notes]
            placed, aligned = _placed(setup, inputs.source, repaired.track, timeline, run)
        target = transform_track(placed, transform)
        with run.clock.measure("engine"):
            motion = setup.engine.follow(target)
            run.warnings += motion.notes
            if options.turns:
                degrees = camera_path(options, timeline.times_seconds, timeline.end_seconds).degrees
            else:
                degrees = _kept_aside(setup, inputs.source, motion, run)
            if degrees.any():
                motion = setup.engine.seen_from(motion, degrees)
                target = replace(target, points=motion.points)
    theta = _planned(ready.runner, motion, target, options.smooth, run)
    return TransferPlan(setup, inputs, timeline, repaired, aligned, target, motion, theta, ready.runner)


def _ready_engine(setup: TransferSetup, inputs: AnalyzedInputs, stand: Stand, run: TransferRun) -> ReadyEngine:
    """Return the engine that was prepared beside the analysis, or prepare it; tell what a user should know of it."""
    ready = None
    if inputs.engine is not None:
        with run.clock.measure("wait for engine"):
            ready = inputs.engine.taken(setup, inputs.source, stand)
    ready = ready or prepare_engine(setup, inputs.source, stand, run)
    ready.runner.tell_in(run.warnings)
    return ready


def _performed(
    setup: TransferSetup,
    inputs: AnalyzedInputs,
    person: SourcePerson,
    timeline: Timeline,
    transform: PersonTransform,
    run: TransferRun,
) -> tuple[Motion, PoseTrack]:
    """Return captured motion of the source's own body, and its points in pixels of the output frame."""
    options, (width, height) = setup.options, setup.frame
    assert inputs.motion.capture is not None
    path = camera_path(options, timeline.times_seconds, timeline.end_seconds)
    to_frame = contain(inputs.source.size, setup.frame).matrix(*person.rgb.shape[1::-1])
    is_cut = bool((person.pose.points[ANKLES, 2] < VISIBLE_SCORE).all())
    staging = Staging(path, to_frame, width, height, options.travel, is_cut)
    motion, on_the_spot = performed(setup.engine, person, inputs.motion.capture, staging)
    if on_the_spot and options.travel == "auto":
        run.warnings.append("the person would leave the picture, and so stays on the spot; `travel=keep` lets them go")
    if not options.turns:
        degrees = _kept_aside(setup, inputs.source, motion, run)
        motion = setup.engine.seen_from(motion, degrees) if degrees.any() else motion
    present = np.ones(len(motion), dtype=np.bool_)
    target = PoseTrack(motion.points, present, timeline.times_seconds, width, height)
    moved = way_into_frame(target, person.pose.transformed(to_frame))
    if moved is not None:
        run.warnings.append(_ELSEWHERE)
        motion = motion.moved(moved)
        target = replace(target, points=motion.points)
    if transform != UNCHANGED:
        moved = person_map(target, transform)
        motion = motion.moved(moved)
        target = replace(target, points=motion.points)
    return motion, target


def _as_it_is(target: PoseTrack) -> RetargetReport:
    """Return the report of motion capture, which is told in turns of bones, so that nothing has to be fitted."""
    ratios = BoneRatios(1.0, "body that was fitted to the source", {}, ())
    feet = target.points[0, ANKLES, :2].mean(axis=0)
    place = (float(feet[0]), float(feet[1]))
    return RetargetReport((ShotReport(0, len(target) - 1, ratios, "feet", place, place, ()),), (), ())


def _placed(
    setup: TransferSetup, source: PreparedSource, track: PoseTrack, timeline: Timeline, run: TransferRun
) -> tuple[PoseTrack, RetargetReport]:
    """Smooth, retarget and place the driving poses; the result is in pixels of the output frame."""
    options, frame = setup.options, setup.frame
    track = smooth_track(track, options.smooth)
    if options.placement_choice == "source":
        track = at_one_distance(track)
    track = resampled(track, timeline)
    try:
        # flat parts would only be drawn out across
        facing = source.facing if setup.engine.has_body else None
        result = retarget_track(track, source.person.pose, keep_proportions=not options.retarget, facing=facing)
    except NoPersonError as error:
        raise NoPersonError(error.problem, subject=setup.driving, remedy=error.remedy) from error
    source_to_frame = contain(source.size, frame).matrix(*source.size)
    placed = place_track(
        result,
        options.placement_choice,
        source_to_frame=source_to_frame,
        driving_to_frame=contain((track.width, track.height), frame).matrix(track.width, track.height),
        width=frame[0],
        height=frame[1],
    )
    if options.placement_choice == "source":
        moved = way_into_frame(placed, source.person.pose.transformed(source_to_frame))
        if moved is not None:
            run.warnings.append(_ELSEWHERE)
            placed = replace(placed, points=Motion(placed.points).moved(moved).points)
    return placed, result.report


def _kept_aside(
    setup: TransferSetup, source: PreparedSource, motion: Motion, run: TransferRun
) -> npt.NDArray[np.float64]:
    """Return from where each frame is seen so that the photo's own view stays near, float64 (T,) as in `CameraPath`."""
    # in the dancer's place people look where the dancer looks, and who is known from several photos is known all round
    alone = setup.options.placement_choice == "source" and source.photos == 1
    degrees = setup.engine.kept_aside(motion) if alone else 0.0
    if abs(degrees) >= _TURNED_DEGREES:
        run.warnings.append(
            "the photo shows the person from the side or from behind, so they stay turned away, by "
            f"{abs(degrees):.0f} degrees against the clip; `view=360` turns them as the clip does"
        )
    return np.full(len(motion), degrees)


def _planned(runner: EngineRunner, motion: Motion, track: PoseTrack, smooth: float, run: TransferRun) -> FloatArray:
    """Plan all frames and smooth the warps over time, never across cuts or frames without the person."""
    count = len(track)
    parts: list[FloatArray] = []
    run.announce(Stage.PLAN, 0, count)
    for theta in run.clock.timed("engine", runner.plan(motion)):
        parts.append(theta)
        run.announce(Stage.PLAN, sum(map(len, parts)), count)
    with run.clock.measure("smooth"):
        comes_or_goes = np.flatnonzero(np.diff(track.present)) + 1
        ends = (*track.cuts, *comes_or_goes.tolist())
        return smooth_over_time(np.concatenate(parts), track.times_seconds, ends, _THETA_SHARE * smooth)
