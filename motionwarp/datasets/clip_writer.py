"""One unit of work: a clip with all its labels, in a folder that appears whole or not at all."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from motionwarp.body.body_track import BodyReader
from motionwarp.datasets.augmentation import Draw, draw
from motionwarp.datasets.clip_reader import (
    MATTE,
    PARSING,
    PictureArchive,
    in_frame,
    write_body,
    write_poses,
    write_warps,
)
from motionwarp.datasets.input_analysis import InputAnalyzer
from motionwarp.datasets.input_notes import AnalyzedItem
from motionwarp.datasets.plan import Clip
from motionwarp.datasets.records import RECORD, ClipRecord, clip_folder, file_records, read_record
from motionwarp.datasets.storage.base import printable
from motionwarp.errors import OutputError
from motionwarp.media.atomic import write_failure
from motionwarp.media.encoders import EncodeOptions
from motionwarp.media.threaded_writer import ThreadedWriter
from motionwarp.media.writer import open_writer
from motionwarp.media.writer_base import VideoWriter
from motionwarp.perception.matting import parsing_in_frame
from motionwarp.pipeline.analysis import AnalyzedInputs, mirrored_motion, retimed_motion
from motionwarp.pipeline.driving import DrivingMotion
from motionwarp.pipeline.options import BackgroundKind, TransferOptions
from motionwarp.pipeline.plan import TransferPlan, plan_transfer
from motionwarp.pipeline.progress import TransferRun
from motionwarp.pipeline.provenance import transfer_provenance
from motionwarp.pipeline.rendering import render_layers
from motionwarp.pipeline.setup import TransferSetup, set_up
from motionwarp.pipeline.source import PreparedSource
from motionwarp.types import ByteArray, Frame, Pose
from motionwarp.version import __version__

FRAMES: Final = "frames"
# frames that may wait for the encoder, as in a single transfer
_QUEUE: Final = 3
_CLOCK: Final = Fraction(1, 90_000)


def write_pictures(
    plan: TransferPlan, run: TransferRun, folder: Path, video: str, rate: Fraction, analyzer: InputAnalyzer
) -> str:
    """Write frames, classes and coverage; memory does not grow with the clip.

    Parameters
    ----------
    plan : TransferPlan
    run : TransferRun
        Takes the encoder's warnings.
    folder : Path
        Folder of the clip.
    video : str
        The video's name, or `FRAMES` for a folder of PNG files.
    rate : Fraction
        Nominal frames a second.
    analyzer : InputAnalyzer
        Its estimator tells classes if the engine cannot.

    Returns
    -------
    str
        Where the classes come from: 'engine' or 'estimator'.
    """
    origin, setup = "engine", plan.setup
    with (
        _opened(setup, folder / video, rate, analyzer.config.threads) as writer,
        ThreadedWriter(writer, _QUEUE) as encoder,
        PictureArchive(folder / PARSING) as parsings,
        PictureArchive(folder / MATTE) as mattes,
    ):
        for frame, layer in render_layers(plan, run=run):
            encoder.write(frame.rgb if frame.alpha is None else np.dstack([frame.rgb, frame.alpha]), frame.pts_seconds)
            matte = in_frame(layer, layer.rgba[..., 3], setup.width, setup.height)
            mattes.add(matte)
            if layer.parsing is None:
                origin = "estimator"
                pose = Pose(plan.target.points[frame.index])
                parsings.add(_seen_classes(frame, matte, pose, analyzer))
            else:
                parsings.add(in_frame(layer, layer.parsing, setup.width, setup.height))
        encoder.end_at(plan.timeline.end_seconds)
        encoder.close()
        run.warnings += writer.warnings
    return origin


def _opened(setup: TransferSetup, target: Path, rate: Fraction, threads: int) -> VideoWriter:
    options, encode = setup.options, EncodeOptions()
    path = target
    if target.name == FRAMES:
        target.mkdir()
        path = target / "%05d.png"
    else:
        encode = EncodeOptions(options.codec, options.crf, options.preset, threads=threads)
    return open_writer(
        path,
        width=setup.width,
        height=setup.height,
        frame_rate=rate,
        time_base=_CLOCK if options.frame_rate is None else 1 / (rate * 16),
        alpha=setup.alpha,
        options=encode,
        metadata=transfer_provenance(setup),
    )


def _seen_classes(frame: Frame, matte: ByteArray, pose: Pose, analyzer: InputAnalyzer) -> ByteArray:
    """Return the classes that the estimator sees in a finished frame, uint8 (H, W), 0 outside the person."""
    if not matte.any():
        return np.zeros_like(matte)
    person = analyzer.estimator.analyze_picture(frame.rgb, given_pose=pose)
    return parsing_in_frame(frame.rgb, person, matte.astype(np.float32) / np.float32(255))


# prepared sources held in memory: clips come by source, so that the last one is the likeliest to be asked for again
_HELD_SOURCES: Final = 2


class ClipMaker:
    """Makes clips for one configuration.

    Parameters
    ----------
    analyzer : InputAnalyzer
        Whose cache holds the analyzes of all inputs.
    """

    def __init__(self, analyzer: InputAnalyzer) -> None:
        self._analyzer = analyzer
        self._sources: OrderedDict[str, PreparedSource] = OrderedDict()

    @cached_property
    def _fitted(self) -> BodyReader:
        """What fits bodies to poses, for engines that have none of their own."""
        return BodyReader.load()

    def make(self, clip: Clip, source: AnalyzedItem, driving: AnalyzedItem) -> ClipRecord:
        """Make a clip and let it appear in the data set.

        Parameters
        ----------
        clip : Clip
        source, driving : AnalyzedItem
            The notes of its inputs.

        Raises
        ------
        OutputError
            If it cannot be written.
        MotionwarpError
            Whatever a transfer raises.
        """
        made = read_record(self._analyzer.storage, clip.id)
        if made is not None and made.status == "done":
            return made  # by a worker whose answer was lost
        drawn = draw(self._analyzer.config.augmentation, clip.seed)
        run = TransferRun()
        plan = self._plan(clip, drawn, source, driving, run)
        with self._analyzer.storage.pending_folder(clip_folder(clip.id), RECORD) as pending:
            try:
                record = self._written(plan, run, clip, drawn, pending.path)
                record = replace(
                    record, source_sha256=source.sha256, driving_sha256=driving.sha256, files=file_records(pending.path)
                )
                (pending.path / RECORD).write_bytes(record.as_bytes())
            except OSError as error:
                raise write_failure(error, self._place(clip)) from error
            except OutputError as error:
                # not of a file that is gone by the time when this is read
                raise OutputError(error.problem, subject=self._place(clip), remedy=error.remedy) from error
            pending.commit()
        return record

    def _place(self, clip: Clip) -> str:
        return self._analyzer.storage.address(clip_folder(clip.id))

    def _plan(
        self, clip: Clip, drawn: Draw, source: AnalyzedItem, driving: AnalyzedItem, run: TransferRun
    ) -> TransferPlan:
        analyzer = self._analyzer
        # the clip itself is needed only where its pictures are shown
        path = analyzer.local(clip.driving.path) if analyzer.config.needs_plate else Path(clip.driving.path)
        motion, info = analyzer.cache.load_motion(driving.key, path)
        inputs = AnalyzedInputs(
            self._prepared(source.key), _changed(motion, drawn), info, analyzer.config.options.pose_estimator
        )
        setup = set_up(Path(clip.source.path), path, self._options(clip, drawn), inputs.source.size, info)
        return plan_transfer(setup, inputs, run=run, transform=drawn.transform, keep_parsing=True)

    def _options(self, clip: Clip, drawn: Draw) -> TransferOptions:
        options = self._analyzer.config.options
        background = drawn.background or options.background
        if drawn.background is not None or options.background_choice.kind is BackgroundKind.FILE:
            background = str(self._analyzer.local(background))
        driving = clip.driving
        return replace(
            options,
            placement=drawn.placement,
            background=background,
            seed=clip.seed,
            start=driving.start,
            end=driving.end,
        )

    def _prepared(self, key: str) -> PreparedSource:
        if key not in self._sources:
            self._sources[key] = self._analyzer.cache.load_source(key)
            if len(self._sources) > _HELD_SOURCES:
                self._sources.popitem(last=False)
        self._sources.move_to_end(key)
        return self._sources[key]

    def _written(self, plan: TransferPlan, run: TransferRun, clip: Clip, drawn: Draw, folder: Path) -> ClipRecord:
        """Write all files but the record, and return the record without what only the caller knows."""
        config, setup = self._analyzer.config, plan.setup
        rate = setup.options.frame_rate or setup.info.frame_rate * Fraction(drawn.speed).limit_denominator(1_000_000)
        video = "frames" if config.container == "frames" else f"video.{config.container}"
        parsing_by = write_pictures(plan, run, folder, video, rate, self._analyzer)
        write_poses(folder, plan.target, video, float(rate))
        write_warps(folder, plan.theta, plan.timeline.times_seconds, setup.engine.name)
        body = setup.engine.bodies(plan.motion, plan.theta)
        body_by = "fitted" if body is None else "engine"
        write_body(folder, self._fitted.read(plan.target) if body is None else body, plan.timeline.times_seconds)
        return ClipRecord(
            clip.id, clip.source.id, clip.driving.id, clip.variant, clip.seed, "done",
            video=video, frames=len(plan), width=setup.width, height=setup.height,
            seconds=round(plan.duration_seconds, 6), frame_rate=str(rate),
            motionwarp=__version__, engine=setup.engine.name, weights_sha256=setup.engine.weights_sha256,
            estimator=printable(Path(setup.options.pose_estimator).name),
            estimator_sha256=self._analyzer.estimator_sha256,
            device=plan.device.type, precision=plan.precision, parsing_by=parsing_by, body_by=body_by,
            source_licence=clip.source.licence, driving_licence=clip.driving.licence,
            augmentation=drawn.as_dict(), warnings=[printable(warning) for warning in run.warnings],
        )  # fmt: skip


def _changed(motion: DrivingMotion, drawn: Draw) -> DrivingMotion:
    if drawn.mirrored:
        motion = mirrored_motion(motion)
    return motion if drawn.speed == 1 else retimed_motion(motion, drawn.speed)
