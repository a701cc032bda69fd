"""What a data set will cost, from a short sample of it that is really made."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from motionwarp.batch.augmentation import draw
from motionwarp.batch.configuring import DatasetConfig
from motionwarp.batch.executor import Executor
from motionwarp.batch.executor_local import LocalExecutor, worker_places
from motionwarp.batch.items import Item
from motionwarp.batch.planning import Plan, make_plan
from motionwarp.batch.storage import LocalStorage, split_address
from motionwarp.batch.work import ClipTask, SeeTask, Task, TaskResult, WorkOrder
from motionwarp.errors import InputError, MotionwarpError
from motionwarp.media.probing import probe_video
from motionwarp.pipeline.driving import expected_frames
from motionwarp.pipeline.options import TransferOptions

_SAMPLE_SECONDS: Final = 2.0
_HEADROOM: Final = 1.25  # what a worker holds after many clips, in terms of its peak in the sample
_SAMPLE_ITEMS: Final = 3
# beyond this many clips, headers of a part that is spread evenly stand for all
_MOST_PROBED: Final = 2000


@dataclass(frozen=True)
class Estimate:
    """What a data set will hold and cost.

    Attributes
    ----------
    people, motions, clips : int
    unreadable_motions : int
        Clips whose headers cannot be read.
    frames : int
        Of all clips, as their headers, sections and draws tell.
    hours_of_video : float
    workers : int
        On this machine.
    seconds_a_source, seconds_a_driving_frame, seconds_a_clip_frame : float
        Of one worker, as measured.
    hours_one_worker, hours_all_workers : float
        On the wall.
    clip_bytes, analysis_bytes : int
        On the disk, in all.
    worker_bytes, memory_bytes : int
        Of one worker, a quarter more than its peak in the sample, and of all of them.
    sample_frames : int
        Frames of the sample that all of this rests on.
    """

    people: int
    motions: int
    clips: int
    unreadable_motions: int
    frames: int
    hours_of_video: float
    workers: int
    seconds_a_source: float
    seconds_a_driving_frame: float
    seconds_a_clip_frame: float
    hours_one_worker: float
    hours_all_workers: float
    clip_bytes: int
    analysis_bytes: int
    worker_bytes: int
    memory_bytes: int
    sample_frames: int

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return asdict(self)


@dataclass(frozen=True)
class _Length:
    frames: int
    seconds: float


@dataclass(frozen=True)
class _Sample:
    source_seconds: float
    driving_frame_seconds: float
    clip_frame_seconds: float
    clip_frame_bytes: float
    source_bytes: float
    worker_bytes: int
    frames: int


def estimate(sources: tuple[Item, ...], drivings: tuple[Item, ...], config: DatasetConfig, workers: int | None) -> Estimate:
    """Measure a sample and tell what the whole will cost.

    Parameters
    ----------
    sources, drivings : tuples of Item
    config : DatasetConfig
    workers : int or None
        As for the local executor.

    Raises
    ------
    InputError
        If none of a few inputs tried is of use.
    """
    plan = make_plan(sources, drivings, config)
    lengths, unreadable = _lengths(plan.drivings)
    order = WorkOrder("", config)
    count = len(worker_places(order, workers))
    sample = _measured(plan, config)
    seconds, frames = _totals(plan, config, lengths)
    looking = len(plan.sources) * sample.source_seconds + sum(length.frames for length in lengths.values()) * sample.driving_frame_seconds
    hours = (looking + frames * sample.clip_frame_seconds) / 3600
    return Estimate(
        people=len(plan.sources),
        motions=len(plan.drivings),
        clips=len(plan.clips),
        unreadable_motions=unreadable,
        frames=frames,
        hours_of_video=seconds / 3600,
        workers=count,
        seconds_a_source=sample.source_seconds,
        seconds_a_driving_frame=sample.driving_frame_seconds,
        seconds_a_clip_frame=sample.clip_frame_seconds,
        hours_one_worker=hours,
        hours_all_workers=hours / min(count, len(plan.clips)),
        clip_bytes=round(frames * sample.clip_frame_bytes),
        analysis_bytes=round(len(plan.sources) * sample.source_bytes),
        worker_bytes=sample.worker_bytes,
        memory_bytes=sample.worker_bytes * count,
        sample_frames=sample.frames,
    )


def _lengths(drivings: Sequence[Item]) -> tuple[dict[str, _Length], int]:
    """Return the length of each motion's section by its headers, the mean where they were not read, and how many cannot be read."""
    step = max(1, -(-len(drivings) // _MOST_PROBED))
    known: dict[str, _Length] = {}
    unreadable = 0
    for item in drivings[::step]:
        try:
            known[item.id] = _length(item)
        except (MotionwarpError, OSError):
            unreadable += 1
    if not known:
        raise InputError("not one of the clips tried can be read", subject=drivings[0].path, remedy="Give other drivings")
    mean = _Length(
        round(sum(length.frames for length in known.values()) / len(known)), sum(length.seconds for length in known.values()) / len(known)
    )
    probed = {item.id for item in drivings[::step]}
    for item in drivings:
        if item.id not in probed:
            known[item.id] = mean
    return known, unreadable * step


def _length(item: Item) -> _Length:
    with tempfile.TemporaryDirectory() as scratch:
        storage, name = split_address(item.path)
        info = probe_video(storage.local_path(name, Path(scratch)))
    frames = expected_frames(info, TransferOptions(start=item.start, end=item.end))
    if frames is None:
        duration = min(item.end or info.duration_seconds or 0.0, info.duration_seconds or 0.0) - (item.start or 0.0)
        frames = max(round(duration * float(info.frame_rate)), 1)
    return _Length(frames, frames / float(info.frame_rate))


def _totals(plan: Plan, config: DatasetConfig, lengths: dict[str, _Length]) -> tuple[float, int]:
    """Return seconds and frames of all clips, with the speed that each draws; clips that cannot be read count nothing."""
    seconds, frames = 0.0, 0
    rate = config.options.frame_rate
    for clip in plan.clips:
        length = lengths.get(clip.driving.id)
        if length is None:
            continue
        lasts = length.seconds / draw(config.augmentation, clip.seed).speed
        seconds += lasts
        frames += length.frames if rate is None else max(round(lasts * float(rate)), 1)
    return seconds, frames


def _measured(plan: Plan, config: DatasetConfig) -> _Sample:
    """Make a few short clips in a worker of its own, in a folder that is removed again."""
    folder = tempfile.mkdtemp(prefix="motionwarp-sample-")
    try:
        with LocalExecutor(WorkOrder(folder, config), 1) as executor:
            return _measured_with(executor, LocalStorage(folder), plan, config)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured_with(executor: Executor, storage: LocalStorage, plan: Plan, config: DatasetConfig) -> _Sample:
    sources = _seen(executor, [SeeTask(item) for item in _spread(plan.sources)])
    source_bytes = _bytes_in(storage, ".motionwarp/analysis") / len(sources)
    drivings = _seen(executor, [SeeTask(_shortened(item)) for item in _spread(plan.drivings)])
    little = make_plan(
        tuple(task.item for task, _ in sources), tuple(task.item for task, _ in drivings), replace(config, pairs="all", variants=1)
    )
    notes = {(task.item.kind, task.item.id): result.value for task, result in (*sources, *drivings)}
    tasks = [ClipTask(clip, notes["source", clip.source.id], notes["driving", clip.driving.id]) for clip in little.clips[:_SAMPLE_ITEMS]]
    results = [_done(executor, task) for task in tasks]
    problem = next((result.problem for result in results if result.problem is not None), None)
    if problem is not None:
        raise problem.error or InputError(problem.message, subject="sample")
    frames = sum(result.value.frames for result in results)
    return _Sample(
        source_seconds=_mean([result.seconds for _, result in sources]),
        driving_frame_seconds=sum(result.seconds for _, result in drivings) / sum(result.value.frames for _, result in drivings),
        clip_frame_seconds=sum(result.seconds for result in results) / frames,
        clip_frame_bytes=_bytes_in(storage, "clips") / frames,
        source_bytes=source_bytes,
        worker_bytes=round(_HEADROOM * max(result.peak_bytes for result in results)),
        frames=frames,
    )


def _seen(executor: Executor, tasks: Sequence[SeeTask]) -> list[tuple[SeeTask, TaskResult]]:
    """Analyse inputs and return those that are of use; the first of several also loads networks and does not count."""
    every = [(task, _done(executor, task)) for task in tasks]
    useful = [(task, result) for task, result in every if result.problem is None]
    if not useful:
        problem = every[0][1].problem
        assert problem is not None
        raise problem.error or InputError(problem.message, subject=tasks[0].item.path)
    if len(useful) == 1:
        return useful
    first, warm = useful[0], useful[1:]
    return [(first[0], replace(first[1], seconds=_mean([result.seconds for _, result in warm]))), *warm]


def _done(executor: Executor, task: Task) -> TaskResult:
    executor.submit(0, task)
    return executor.next_outcome().result


def _spread(items: Sequence[Item]) -> list[Item]:
    step = max(1, len(items) // _SAMPLE_ITEMS)
    return list(items[::step][:_SAMPLE_ITEMS])


def _shortened(item: Item) -> Item:
    start = item.start or 0.0
    end = start + _SAMPLE_SECONDS
    return replace(item, end=end if item.end is None else min(item.end, end))


def _bytes_in(storage: LocalStorage, folder: str) -> int:
    return sum(storage.size(name) for name in storage.walk(folder))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
