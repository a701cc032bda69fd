"""One unit of work: a clip with all its labels, in a folder that appears whole or not at all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.body.body_track import BodyReader
from motionwarp.datasets.analysis_cache import dancer_key
from motionwarp.datasets.augmentation import Draw, draw
from motionwarp.datasets.clip_reader import (
    BODY,
    MATTE,
    PARSING,
    POSES,
    WARPS,
    PictureArchive,
    in_frame,
    of_person,
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
from motionwarp.pipeline.cast import ScenePlan, member_options, plan_people, render_people
from motionwarp.pipeline.driving import DrivingMotion
from motionwarp.pipeline.layout import PersonTransform
from motionwarp.pipeline.options import BackgroundKind, TransferOptions
from motionwarp.pipeline.plan import plan_transfer
from motionwarp.pipeline.progress import TransferRun
from motionwarp.pipeline.provenance import transfer_provenance
from motionwarp.pipeline.setup import TransferSetup, set_up
from motionwarp.pipeline.source import PreparedSource
from motionwarp.types import ByteArray, FloatArray, Frame, PersonLayer, Pose
from motionwarp.version import __version__

FRAMES: Final = "frames"
# frames that may wait for the encoder, as in a single transfer
_QUEUE: Final = 3
_CLOCK: Final = Fraction(1, 90_000)
_MOSTLY: Final = 0.5  # hidden so far, a pixel is of who is before


def write_pictures(
    scene: ScenePlan, run: TransferRun, folder: Path, video: str, rate: Fraction, analyzer: InputAnalyzer
) -> str:
    """Write frames, and classes and coverage of everybody; memory does not grow with the clip.

    Parameters
    ----------
    scene : ScenePlan
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
    origin, setup = "engine", scene.main.setup
    with ExitStack() as opened:
        writer = opened.enter_context(_opened(setup, folder / video, rate, analyzer.config.threads))
        encoder = opened.enter_context(ThreadedWriter(writer, _QUEUE))
        parsings, mattes = (
            [opened.enter_context(PictureArchive(folder / of_person(name, n))) for n in range(len(scene.plans))]
            for name in (PARSING, MATTE)
        )
        for frame, layers in render_people(scene, run=run):
            encoder.write(frame.rgb if frame.alpha is None else np.dstack([frame.rgb, frame.alpha]), frame.pts_seconds)
            hidden = _hidden(layers, None if scene.order is None else scene.order[frame.index], setup)
            for number, (plan, layer, behind) in enumerate(zip(scene.plans, layers, hidden, strict=True)):
                matte = in_frame(layer, layer.rgba[..., 3], setup.width, setup.height)
                if behind is not None:
                    matte = np.rint(matte * (1 - behind)).astype(np.uint8)
                mattes[number].add(matte)
                if layer.parsing is None:
                    origin = "estimator"
                    classes = _seen_classes(frame, matte, Pose(plan.target.points[frame.index]), analyzer)
                else:
                    classes = in_frame(layer, layer.parsing, setup.width, setup.height)
                    if behind is not None:
                        classes[behind > _MOSTLY] = 0
                parsings[number].add(classes)
        encoder.end_at(scene.main.timeline.end_seconds)
        encoder.close()
        run.warnings += writer.warnings
    return origin


def _hidden(
    layers: Sequence[PersonLayer], order: npt.NDArray[np.int64] | None, setup: TransferSetup
) -> list[FloatArray | None]:
    """Return how far others hide each person, float32 (H, W) from 0 to 1; None for whom nobody can hide."""
    hidden: list[FloatArray | None] = [None] * len(layers)
    if order is None:
        return hidden
    shown: FloatArray = np.ones((setup.height, setup.width), dtype=np.float32)
    for number in reversed(order.tolist()):
        hidden[number] = np.float32(1) - shown
        cover = in_frame(layers[number], layers[number].rgba[..., 3], setup.width, setup.height)
        shown = shown * (1 - cover.astype(np.float32) / np.float32(255))
    return hidden


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

    def make(self, clip: Clip, people: Sequence[AnalyzedItem], driving: AnalyzedItem) -> ClipRecord:
        """Make a clip and let it appear in the data set.

        Parameters
        ----------
        clip : Clip
        people : sequence of AnalyzedItem
            The notes of `clip.people`.
        driving : AnalyzedItem
            That of its motion.

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
        if clip.cast:  # who dance together stand where the dancers do
            drawn = replace(drawn, placement="driving", transform=PersonTransform())
        run = TransferRun()
        scene = self._scene(clip, drawn, people, driving, run)
        with self._analyzer.storage.pending_folder(clip_folder(clip.id), RECORD) as pending:
            try:
                record = self._written(scene, run, clip, drawn, pending.path)
                record = replace(
                    record,
                    source_sha256=people[0].sha256,
                    driving_sha256=driving.sha256,
                    cast=_told_cast(clip, people[1:]),
                    files=file_records(pending.path),
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

    def _scene(
        self, clip: Clip, drawn: Draw, people: Sequence[AnalyzedItem], driving: AnalyzedItem, run: TransferRun
    ) -> ScenePlan:
        analyzer = self._analyzer
        # the clip itself is needed only where its pictures are shown
        path = analyzer.local(clip.driving.path) if analyzer.config.needs_plate else Path(clip.driving.path)
        options, estimator = self._options(clip, drawn), analyzer.config.options.pose_estimator
        setups: list[TransferSetup] = []
        analyzed: list[AnalyzedInputs] = []
        for number, (item, note) in enumerate(zip(clip.people, people, strict=True)):
            key = dancer_key(driving.key, number) if number else driving.key
            motion, info = analyzer.cache.load_motion(key, path)
            seen = AnalyzedInputs(self._prepared(note.key), _changed(motion, drawn), info, estimator)
            chosen = member_options(options, setups[0].frame) if number else options
            setups.append(set_up(Path(item.path), path, chosen, seen.source.size, info))
            analyzed.append(seen)
        if clip.cast:
            return plan_people(setups, analyzed, run, keep_parsing=True)
        alone = plan_transfer(setups[0], analyzed[0], run=run, transform=drawn.transform, keep_parsing=True)
        return ScenePlan((alone,))

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
            cast=tuple(f"{person.dancer}={person.item.path}" for person in clip.cast),
        )

    def _prepared(self, key: str) -> PreparedSource:
        if key not in self._sources:
            self._sources[key] = self._analyzer.cache.load_source(key)
            if len(self._sources) > _HELD_SOURCES:
                self._sources.popitem(last=False)
        self._sources.move_to_end(key)
        return self._sources[key]

    def _written(self, scene: ScenePlan, run: TransferRun, clip: Clip, drawn: Draw, folder: Path) -> ClipRecord:
        """Write all files but the record, and return the record without what only the caller knows."""
        config, plan = self._analyzer.config, scene.main
        setup = plan.setup
        rate = setup.options.frame_rate or setup.info.frame_rate * Fraction(drawn.speed).limit_denominator(1_000_000)
        video = "frames" if config.container == "frames" else f"video.{config.container}"
        parsing_by = write_pictures(scene, run, folder, video, rate, self._analyzer)
        body_by = ""
        for number, person in enumerate(scene.plans):
            poses, warps, bodies = (folder / of_person(name, number) for name in (POSES, WARPS, BODY))
            times = person.timeline.times_seconds
            write_poses(poses, person.target, video, float(rate))
            write_warps(warps, person.theta, times, setup.engine.name)
            body = person.setup.engine.bodies(person.motion, person.theta)
            body_by = "fitted" if body is None else "engine"
            write_body(bodies, self._fitted.read(person.target) if body is None else body, times)
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


def _told_cast(clip: Clip, notes: Sequence[AnalyzedItem]) -> list[dict[str, str]]:
    """Return what the record says of those who are cast."""
    return [
        {"dancer": person.dancer, "source": person.item.id, "sha256": note.sha256, "licence": person.item.licence}
        for person, note in zip(clip.cast, notes, strict=True)
    ]


def _changed(motion: DrivingMotion, drawn: Draw) -> DrivingMotion:
    if drawn.mirrored:
        motion = mirrored_motion(motion)
    return motion if drawn.speed == 1 else retimed_motion(motion, drawn.speed)
