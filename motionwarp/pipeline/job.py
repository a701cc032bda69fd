"""One transfer, prepared: both passes up to the pictures. What is done with the pictures is the pipeline's business."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.engines.registry import make_engine
from motionwarp.engines.runner import EngineRunner
from motionwarp.errors import NoPersonError, OptionError
from motionwarp.geometry.temporal import smooth_over_time
from motionwarp.media.image import Picture, is_picture
from motionwarp.media.prefetch import prefetched
from motionwarp.media.probe import VideoInfo, probe_video
from motionwarp.perception.base import Estimator
from motionwarp.perception.registry import make_estimator
from motionwarp.pipeline.analysis import AnalyzedInputs
from motionwarp.pipeline.background import FrameBackground, make_background
from motionwarp.pipeline.compositing import composite, cut_out, scaled_width, side_by_side
from motionwarp.pipeline.driving import FrameSampler, given_track, observe_driving, read_frames
from motionwarp.pipeline.layout import UNCHANGED, PersonTransform, contain, output_size, transform_track
from motionwarp.pipeline.options import BackgroundKind, TransferOptions
from motionwarp.pipeline.progress import ProgressCallback, Stage, StageClock, announce
from motionwarp.pipeline.source import PreparedSource, fitted_to, given_pose, prepare_source, read_source
from motionwarp.pipeline.timeline import Timeline, make_timeline, resampled
from motionwarp.pose.placement import place_track
from motionwarp.pose.repair import RepairResult, repair_track
from motionwarp.pose.retargeting import RetargetReport, retarget_track
from motionwarp.pose.smoothing import smooth_track
from motionwarp.types import ByteArray, FloatArray, Frame, PersonLayer, PoseTrack


@contextmanager
def run_in_thread(work: Callable[[], object]) -> Iterator[None]:
    """Do something in a thread while the block runs; both are over at its end.

    Parameters
    ----------
    work : callable
        What it raises is raised at the end of the block, unless the block itself has failed. It is waited for in any case.
    """
    with ThreadPoolExecutor(1, "motionwarp-beside") as thread:
        done = thread.submit(work)
        yield
        done.result()


_REGION_BATCH = 16
# of the strength given: the points have been smoothed already, the warps only get rid of what the fitting adds
_THETA_SHARE = 0.5


class TransferJob:
    """Everything between the inputs and the output's pictures.

    Made cheaply: reads the source picture and the driving clip's headers, so that the output's size and rate are known and most
    mistakes are found before any work is done. `prepare` runs the first pass, `frames` the second.

    Attributes
    ----------
    width, height : int
        Of the output's frames in pixels, pictures beside the result included.
    alpha : bool
        Whether frames are RGBA.
    driving_info : VideoInfo
    picture : Picture
        The source, its long side at most `source.LONGEST_SIDE`.
    picture_scale : float
        By how much it was reduced: 1 if not.
    device : torch.device
    dtype : torch.dtype
        What is computed with; both change if the device's memory does not suffice.
    warnings : list of str
        Grows as the work proceeds.
    clock : StageClock
    repaired : RepairResult
        The driving poses after repair, and what was missing; once `prepare` is done.
    aligned : RetargetReport
        How the motion was fitted to the source person; once `prepare` is done.

    Parameters
    ----------
    source, driving : Path
    options : TransferOptions
    seen : AnalyzedInputs or None
        What an earlier analysis saw; then neither file is analysed, and the clip is read only if its pictures are shown.
    staging : PersonTransform
        Size and place of the person in the frame.
    keep_parsing : bool
        Whether layers carry classes, if the engine can tell them.
    """

    def __init__(
        self,
        source: Path,
        driving: Path,
        options: TransferOptions,
        *,
        seen: AnalyzedInputs | None = None,
        staging: PersonTransform = UNCHANGED,
        keep_parsing: bool = False,
    ) -> None:
        self.source_path, self.driving_path, self.options = source, driving, options
        self._seen, self._staging, self._keep_parsing = seen, staging, keep_parsing
        self.clock = StageClock()
        self.warnings: list[str] = []
        self._beside = ExitStack()  # what is still being made in threads when `prepare` has returned
        self.device = resolve_device(options.device)
        self.dtype = resolve_precision(options.precision, self.device)
        self.engine: Engine = make_engine(options.engine)
        self.driving_info: VideoInfo = probe_video(driving) if seen is None else seen.info
        self.picture: Picture
        self.repaired: RepairResult
        self.aligned: RetargetReport
        if seen is None:
            self.picture, self.picture_scale = read_source(source, options)
            if is_picture(driving):
                exchanged = "" if is_picture(source) else "; perhaps SOURCE and DRIVING were exchanged"
                self.warnings.append(f"{driving} is a still picture, so the result has a single frame{exchanged}")
        else:
            self.picture, self.picture_scale = Picture(seen.source.person.rgb), 1.0
        self._frame = output_size(
            (self.picture.width, self.picture.height),
            (self.driving_info.width, self.driving_info.height),
            options.background_choice.kind,
            options.output_size,
        )
        self.alpha = options.background_choice.kind is BackgroundKind.TRANSPARENT
        if self.alpha and options.side_by_side:
            raise OptionError(
                "pictures beside each other cannot be transparent",
                subject="--side-by-side --background transparent",
                remedy="Choose another background or leave out --side-by-side",
            )
        if options.region_debug is not None and not self.engine.explains:
            raise OptionError(
                f"the engine {self.engine.name} has no regions to show",
                subject="--region-debug",
                remedy="Use --engine warping_gan, or leave the option out",
            )
        self.height = self._frame[1]
        self.width = self._frame[0]
        if options.side_by_side:
            self.width += scaled_width(self.picture.width, self.picture.height, self.height)
            self.width += scaled_width(self.driving_info.width, self.driving_info.height, self.height)
        # read now, so that a file that is no use is told of before anything is analysed
        self._given_track = given_track(options, self.driving_info) if seen is None else None
        self._given_pose = given_pose(source, options) if seen is None else None
        self.estimator_name = ""
        self.retargeting: dict[str, Any] = {}

    @cached_property
    def estimator(self) -> Estimator:
        """What sees people; loaded when it is first needed."""
        return make_estimator(self.options.pose_estimator, self.device, self.dtype)

    @property
    def needs_plate(self) -> bool:
        """Whether the clip's background without its person is needed."""
        return self.options.background_choice.kind is BackgroundKind.DRIVING

    def look(self, callback: ProgressCallback | None = None, glimpses: FrameSampler | None = None) -> AnalyzedInputs:
        """Analyse both inputs.

        Parameters
        ----------
        callback : callable or None
        glimpses : FrameSampler or None
            As for `observe_driving`: which frames of the clip are looked at.

        Raises
        ------
        NoPersonError
            If source or clip show nobody.
        """
        with ExitStack() as beside:
            return self._looked(callback, glimpses, beside)

    def _looked(
        self, callback: ProgressCallback | None, glimpses: FrameSampler | None, beside: ExitStack
    ) -> AnalyzedInputs:
        """Analyse both inputs; where the source's plate is shown, it is made in a thread until `beside` is closed."""
        announce(callback, Stage.SOURCE, 0, 1)
        with self.clock.measure("source"):
            prepared = prepare_source(
                self.source_path, self.picture, self.picture_scale, self._given_pose, self.options, self.estimator
            )
        announce(callback, Stage.SOURCE, 1, 1)
        if self.options.background_choice.kind is BackgroundKind.SOURCE:
            beside.enter_context(run_in_thread(lambda: self._make_plate(prepared)))
        motion = observe_driving(
            self.driving_path,
            self.options,
            self._given_track,
            self.estimator,
            self.clock,
            with_plate=self.needs_plate,
            callback=callback,
            glimpses=glimpses,
        )
        return AnalyzedInputs(prepared, motion, self.driving_info, self.estimator.name)

    def _make_plate(self, source: PreparedSource) -> ByteArray:
        with self.clock.measure("plate"):
            return source.plate

    def prepare(self, callback: ProgressCallback | None = None, seen: AnalyzedInputs | None = None) -> Timeline:
        """Run the first pass: source, driving poses, retargeting, warps and their smoothing.

        Parameters
        ----------
        callback : callable or None
        seen : AnalyzedInputs or None
            What `look` saw, where it has been called already.

        Returns
        -------
        Timeline
            When the output's frames are shown.

        Raises
        ------
        NoPersonError
            If source or clip show nobody.
        """
        torch.manual_seed(self.options.seed)
        with ExitStack() as beside:
            seen = seen or self._seen or self._looked(callback, None, beside)
            self.estimator_name = seen.estimator
            self.warnings += [*seen.source.notes, *seen.motion.notes]
            self._source, self._motion = seen.source, seen.motion
            self._timeline = make_timeline(
                seen.motion.track.times_seconds, seen.motion.end_seconds, self.options.frame_rate
            )
            self._target = transform_track(self._moved(seen.motion.track, seen.source), self._staging)
            self._prepare_engine(seen.source)
            self._theta = self._planned(self._target, callback)
            self._beside = beside.pop_all()
        return self._timeline

    def frames(self, only: Sequence[int] | None = None) -> Iterator[Frame]:
        """Run the second pass; yields the output's frames in order.

        Parameters
        ----------
        only : sequence of int or None
            Numbers of the frames that are wanted, increasing; None for all.

        Yields
        ------
        Frame
            `rgb` of the output's size with its time; `alpha` where the background is transparent.
        """
        with closing(self.shown(only)) as shown:
            for frame, _ in shown:
                yield frame

    def shown(self, only: Sequence[int] | None = None) -> Generator[tuple[Frame, PersonLayer], None, None]:
        """Run the second pass; yields every frame as `frames` does, with the layer of the person in it."""
        chosen = np.arange(len(self._timeline)) if only is None else np.asarray(only, dtype=np.int64)
        needs_driving = self.options.side_by_side or self.needs_plate
        with (
            self._beside as beside,
            closing(self._layers(chosen)) as layers,
            closing(self._driving_frames(chosen) if needs_driving else _nothing(len(chosen))) as driving,
            ExitStack() as opened,
        ):
            backdrop: FrameBackground | None = None
            for number, (index, layer, pictured) in enumerate(zip(chosen.tolist(), layers, driving, strict=True)):
                if not number:
                    # only now, so that the first frames are rendered while the source's plate is still being made
                    with self.clock.measure("wait for plate"):
                        beside.close()
                    backdrop = self._opened_backdrop(opened)
                with self.clock.measure("composite"):
                    frame = self._composed(index, layer, pictured, backdrop)
                yield frame, layer

    def _opened_backdrop(self, opened: ExitStack) -> FrameBackground | None:
        """Return the background, which is closed with `opened`."""
        choice = self.options.background_choice
        backdrop = make_background(choice, self._source, self._motion, self._frame, self.options.seed)
        return backdrop if backdrop is None else opened.enter_context(closing(backdrop))

    @property
    def observed(self) -> PoseTrack:
        """The driving poses as they were seen, once `prepare` is done."""
        return self._motion.track

    @property
    def target(self) -> PoseTrack:
        """The poses that the person is given, in pixels of the output frame, once `prepare` is done."""
        return self._target

    @property
    def frames_at_once(self) -> int:
        """How many frames are being rendered at once, once `prepare` is done."""
        return self._runner.frames_at_once

    @property
    def theta(self) -> FloatArray:
        """The engine's parameters of every frame, smoothed, float32 (T, D), once `prepare` is done."""
        return self._theta

    def _moved(self, observed: PoseTrack, source: PreparedSource) -> PoseTrack:
        """Repair, smooth, retarget and place the driving poses; the result is in pixels of the output frame."""
        with self.clock.measure("retarget"):
            self.repaired = repair_track(observed)
            self.warnings += [note.text for note in self.repaired.notes]
            smooth = smooth_track(self.repaired.track, self.options.smooth)
            track = resampled(smooth, self._timeline)
            try:
                result = retarget_track(track, source.person.pose, keep_proportions=not self.options.retarget)
            except NoPersonError as error:
                raise NoPersonError(error.problem, subject=self.driving_path, remedy=error.remedy) from error
            self.aligned = result.report
            self.retargeting = _told(result.report)
            placed = place_track(
                result,
                self.options.placement,
                source_to_frame=contain(source.size, self._frame).matrix(*source.size),
                driving_to_frame=contain((track.width, track.height), self._frame).matrix(track.width, track.height),
                width=self._frame[0],
                height=self._frame[1],
            )
        return placed

    def _prepare_engine(self, source: PreparedSource) -> None:
        width, height = self._frame
        with self.clock.measure("engine"):
            # pixels finer than the output's cost time and alias; a person placed elsewhere may be seen larger
            finest = round(contain(source.size, self._frame).long_side * max(1.0, self._staging.scale))
            reduced = fitted_to(source.person, finest if self.options.placement == "source" else 2 * finest)
            settings = RenderSettings(self.device, self.dtype, width, height, self._keep_parsing)
            self._runner = EngineRunner(self.engine, reduced, settings, self.options.frames_per_batch, self.warnings)

    def _planned(self, track: PoseTrack, callback: ProgressCallback | None) -> FloatArray:
        """Plan all frames and smooth the warps over time, never across cuts, nor with those of frames without the person."""
        count = len(track)
        parts: list[FloatArray] = []
        announce(callback, Stage.PLAN, 0, count)
        for theta in self.clock.timed("engine", self._runner.plan(Motion(track.points))):
            parts.append(theta)
            announce(callback, Stage.PLAN, sum(map(len, parts)), count)
        with self.clock.measure("smooth"):
            comes_or_goes = np.flatnonzero(np.diff(track.present)) + 1
            ends = (*track.cuts, *comes_or_goes.tolist())
            return smooth_over_time(
                np.concatenate(parts), track.times_seconds, ends, _THETA_SHARE * self.options.smooth
            )

    def _layers(self, chosen: npt.NDArray[np.int64]) -> Generator[PersonLayer, None, None]:
        """Yield the person of every chosen frame, rendered a batch ahead in a thread of its own."""
        rendered = self._runner.render(Motion(self._target.points[chosen]), self._theta[chosen])
        with closing(prefetched(self.clock.timed("engine", rendered), 1)) as batches:
            for layers in batches:
                yield from layers
        # the work may have moved to another device
        self.device, self.dtype = self._runner.settings.device, self._runner.settings.dtype

    def region_frames(self) -> Iterator[Frame]:
        """Yield what the engine decides for every frame, drawn; once `prepare` is done."""
        for start in range(0, len(self._timeline), _REGION_BATCH):
            frames = slice(start, start + _REGION_BATCH)
            for offset, picture in enumerate(
                self.engine.explain(Motion(self._target.points[frames]), self._theta[frames])
            ):
                yield Frame(picture, float(self._timeline.times_seconds[start + offset]), start + offset)

    def _driving_frames(self, chosen: npt.NDArray[np.int64]) -> Generator[Frame, None, None]:
        numbers = self._timeline.driving_frames[chosen].tolist()
        return read_frames(self.driving_path, self.options, numbers, self._motion.every, self.clock)

    def _composed(
        self, index: int, layer: PersonLayer, driving: Frame | None, backdrop: FrameBackground | None
    ) -> Frame:
        seconds = float(self._timeline.times_seconds[index])
        if backdrop is None:
            rgba = cut_out(layer, *self._frame)
            return Frame(np.ascontiguousarray(rgba[..., :3]), seconds, index, np.ascontiguousarray(rgba[..., 3]))
        rgb: ByteArray = composite(layer, backdrop.canvas(seconds, driving))
        if self.options.side_by_side and driving is not None:
            rgb = side_by_side([self.picture.rgb, driving.rgb, rgb], self.height)
        return Frame(rgb, seconds, index)


def _nothing(count: int) -> Generator[None, None, None]:
    for _ in range(count):
        yield None


def _told(report: RetargetReport) -> dict[str, Any]:
    return {
        "mirrored": list(report.mirrored),
        "estimated": list(report.estimated),
        "shots": [asdict(shot) for shot in report.shots],
    }
