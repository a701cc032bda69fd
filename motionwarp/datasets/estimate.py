"""What a data set will cost, from a short sample of it that is really made."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from motionwarp.datasets.analysis_cache import FOLDER as ANALYSES
from motionwarp.datasets.augmentation import draw
from motionwarp.datasets.config import DatasetConfig
from motionwarp.datasets.dependencies import rooted
from motionwarp.datasets.executors.base import Executor
from motionwarp.datasets.executors.local import LocalExecutor, worker_environments
from motionwarp.datasets.items import Item
from motionwarp.datasets.plan import Plan, make_plan
from motionwarp.datasets.records import CLIPS
from motionwarp.datasets.scratch import scratch_folder
from motionwarp.datasets.storage.factory import open_storage, split_address
from motionwarp.datasets.storage.local import LocalStorage
from motionwarp.datasets.worker import ClipTask, SeeTask, Task, TaskResult, WorkOrder
from motionwarp.errors import InputError, MotionwarpError
from motionwarp.media.probe import VideoInfo
from motionwarp.pipeline.driving import expected_frames, probe_driving
from motionwarp.pipeline.options import TransferOptions
from motionwarp.runtime import peak_memory_bytes

_SAMPLE_SECONDS: Final = 2.0
_HEADROOM: Final = 1.25  # what a worker holds after many clips, in terms of its peak in the sample
_SAMPLE_ITEMS: Final = 3


@dataclass(frozen=True)
class Sample:
    """What a few clips took.

    Attributes
    ----------
    source_seconds, driving_frame_seconds, clip_frame_seconds : float
        Times that one worker takes once it has loaded what it needs.
    clip_frame_bytes, source_bytes, driving_bytes : float
        On the disk: of a frame of a clip, of what is kept of a person and of a motion.
    worker_bytes : int
        The most memory of the worker, and a quarter more.
    frames : int
        Number of frames of the clips that were made.
    """

    source_seconds: float
    driving_frame_seconds: float
    clip_frame_seconds: float
    clip_frame_bytes: float
    source_bytes: float
    driving_bytes: float
    worker_bytes: int
    frames: int


def measured_sample(plan: Plan, config: DatasetConfig) -> Sample:
    """Make a few short clips in a worker of its own, in a folder that is removed again.

    Raises
    ------
    InputError
        If none of a few inputs tried is of use.
    """
    folder = scratch_folder("sample")
    try:
        with LocalExecutor(WorkOrder(str(folder), config), 1) as executor:
            return _measured_with(executor, LocalStorage(str(folder)), plan, config)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured_with(executor: Executor, storage: LocalStorage, plan: Plan, config: DatasetConfig) -> Sample:
    sources = _seen(executor, [SeeTask(item) for item in _sampled_people(plan)])
    source_bytes = _bytes_in(storage, ANALYSES)
    drivings = _seen(executor, [SeeTask(_shortened(item)) for item in _spread(plan.drivings)])
    tasks = _sample_tasks(sources, drivings, config)
    results = [_done(executor, task) for task in tasks]
    problem = next((result.problem for result in results if result.problem is not None), None)
    if problem is not None:
        raise problem.error or InputError(problem.message, subject="sample")
    frames = sum(result.value.frames for result in results)
    # the first one also loads the engine, which is done once a worker
    warm = results[1:] or results
    return Sample(
        source_seconds=_mean([result.seconds for _, result in sources]),
        driving_frame_seconds=sum(result.seconds for _, result in drivings)
        / sum(result.value.frames for _, result in drivings),
        clip_frame_seconds=sum(result.seconds for result in warm) / sum(result.value.frames for result in warm),
        clip_frame_bytes=_bytes_in(storage, CLIPS) / frames,
        source_bytes=source_bytes / len(sources),
        driving_bytes=(_bytes_in(storage, ANALYSES) - source_bytes) / len(drivings),
        worker_bytes=round(_HEADROOM * max(result.peak_bytes for result in results)),
        frames=frames,
    )


def _sample_tasks(
    sources: Sequence[tuple[SeeTask, TaskResult]], drivings: Sequence[tuple[SeeTask, TaskResult]], config: DatasetConfig
) -> list[ClipTask]:
    """Return clips in which each of the inputs comes at least once."""
    little = make_plan(
        tuple(task.item for task, _ in sources),
        tuple(task.item for task, _ in drivings),
        replace(config, pairs="all", variants=1),
    )
    notes = {(task.item.kind, task.item.id): result.value for task, result in (*sources, *drivings)}
    chosen = {
        (index % len(sources)) * len(drivings) + index % len(drivings)
        for index in range(max(len(sources), len(drivings)))
    }
    clips = [little.clips[index] for index in sorted(chosen)]
    tasks = []
    for clip in clips:
        source, *cast = (notes["source", item.id] for item in clip.people)
        tasks.append(ClipTask(clip, source, notes["driving", clip.driving.id], tuple(cast)))
    return tasks


def _seen(executor: Executor, tasks: Sequence[SeeTask]) -> list[tuple[SeeTask, TaskResult]]:
    """Analyze inputs and return those that are of use; the first of several also loads networks and does not count."""
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


def _sampled_people(plan: Plan) -> list[Item]:
    """Return a few people, with whom all dancers of the sampled motions can be cast."""
    people = {item.id: item for item in _spread(plan.sources)}
    for driving in _spread(plan.drivings):
        clip = next(clip for clip in plan.clips if clip.driving.id == driving.id)
        people.update({item.id: item for item in clip.people if clip.cast})
    return list(people.values())


def _shortened(item: Item) -> Item:
    start = item.start or 0.0
    end = start + _SAMPLE_SECONDS
    return replace(item, end=end if item.end is None else min(item.end, end))


def _bytes_in(storage: LocalStorage, folder: str) -> int:
    return sum(storage.size(name) for name in storage.walk(folder))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


# beyond this many files, headers of a part that is spread evenly stand for all
_MOST_PROBED: Final = 2000
_RECORD_BYTES: Final = 3000  # of one clip in the program's memory

Probed = TypeVar("Probed")


@dataclass(frozen=True)
class Estimate:
    """What a data set will hold and cost.

    Attributes
    ----------
    people, motions, clips : int
    unreadable_people, unreadable_motions : int
        Files whose headers cannot be read.
    frames : int
        Number of frames of all clips, as their headers, sections and draws tell.
    hours_of_video : float
    workers : int
        On this machine.
    seconds_a_source, seconds_a_driving_frame, seconds_a_clip_frame : float
        Times that one worker takes, as measured.
    hours_one_worker, hours_all_workers : float
        On the wall.
    clip_bytes, shard_bytes, analysis_bytes, disk_bytes : int
        On the disk: of all clips, of shards if they were asked for, of what is kept of the inputs, and of all that.
    free_bytes : int or None
        On the output's disk; None where that is not known.
    worker_bytes, program_bytes, memory_bytes : int
        Memory of one worker, a quarter more than its peak in the sample; of the program that hands out the work; and of
        all.
    sample_frames : int
        Frames of the sample that all of this rests on.
    """

    people: int
    motions: int
    clips: int
    unreadable_people: int
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
    shard_bytes: int
    analysis_bytes: int
    disk_bytes: int
    free_bytes: int | None
    worker_bytes: int
    program_bytes: int
    memory_bytes: int
    sample_frames: int

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return asdict(self)


@dataclass(frozen=True)
class _Length:
    frames: int
    seconds: float


def estimate(
    sources: tuple[Item, ...],
    drivings: tuple[Item, ...],
    config: DatasetConfig,
    output: str,
    workers: int | None = None,
    *,
    shards: bool = False,
) -> Estimate:
    """Measure a sample and tell what the whole will cost.

    Parameters
    ----------
    sources, drivings : tuples of Item
    config : DatasetConfig
    output : str
        Where the data set would lie; nothing is written there.
    workers : int or None
        As for the local executor.
    shards : bool
        Whether all clips are written into tar files too.

    Raises
    ------
    InputError
        If none of a few inputs tried is of use.
    """
    config = rooted(config)
    plan = make_plan(sources, drivings, config)
    lengths, unreadable = _probed(plan.drivings, _length)
    if not lengths:
        raise InputError(
            "not one of the clips tried can be read", subject=drivings[0].path, remedy="Give other drivings"
        )
    _, unreadable_people = _probed(plan.sources, _probe)
    count = min(len(worker_environments(WorkOrder("", config), workers)), len(plan.clips))
    sample = measured_sample(plan, config)
    seconds, frames = _totals(plan, config, lengths)
    looked_at = sum(lengths[item.id].frames for item in plan.drivings if item.id in lengths)
    looking = len(plan.sources) * sample.source_seconds + looked_at * sample.driving_frame_seconds
    hours = (looking + frames * sample.clip_frame_seconds) / 3600
    clip_bytes = round(frames * sample.clip_frame_bytes)
    analysis_bytes = round(len(plan.sources) * sample.source_bytes + len(plan.drivings) * sample.driving_bytes)
    program_bytes = peak_memory_bytes() + _RECORD_BYTES * len(plan.clips)
    return Estimate(
        people=len(plan.sources),
        motions=len(plan.drivings),
        clips=len(plan.clips),
        unreadable_people=unreadable_people,
        unreadable_motions=unreadable,
        frames=frames,
        hours_of_video=seconds / 3600,
        workers=count,
        seconds_a_source=sample.source_seconds,
        seconds_a_driving_frame=sample.driving_frame_seconds,
        seconds_a_clip_frame=sample.clip_frame_seconds,
        hours_one_worker=hours,
        hours_all_workers=hours / count,
        clip_bytes=clip_bytes,
        shard_bytes=clip_bytes if shards else 0,
        analysis_bytes=analysis_bytes,
        disk_bytes=clip_bytes * (2 if shards else 1) + analysis_bytes,
        free_bytes=open_storage(output).free_bytes(),
        worker_bytes=sample.worker_bytes,
        program_bytes=program_bytes,
        memory_bytes=sample.worker_bytes * count + program_bytes,
        sample_frames=sample.frames,
    )


def _probed(items: Sequence[Item], probe: Callable[[Item], Probed]) -> tuple[dict[str, Probed], int]:
    """Return what the headers of files tell by item, and how many cannot be read.

    A part of very many stands for all of them.
    """
    step = max(1, -(-len(items) // _MOST_PROBED))
    known: dict[str, Probed] = {}
    unreadable = 0
    for start in range(0, len(items), step):
        try:
            sample = probe(items[start])
        except (MotionwarpError, OSError):
            unreadable += 1
        else:
            known.update({item.id: sample for item in items[start : start + step]})
    return known, min(unreadable * step, len(items))


def _probe(item: Item) -> VideoInfo:
    with tempfile.TemporaryDirectory() as scratch:
        storage, name = split_address(item.path)
        return probe_driving(storage.local_path(name, Path(scratch)), TransferOptions()).info


def _length(item: Item) -> _Length:
    info = _probe(item)
    frames = expected_frames(info, TransferOptions(start=item.start, end=item.end))
    if frames is None:
        duration = min(item.end or info.duration_seconds or 0.0, info.duration_seconds or 0.0) - (item.start or 0.0)
        frames = max(round(duration * float(info.frame_rate)), 1)
    return _Length(frames, frames / float(info.frame_rate))


def _totals(plan: Plan, config: DatasetConfig, lengths: dict[str, _Length]) -> tuple[float, int]:
    """Return seconds and frames of all clips, with the speed that each draws.

    Clips that cannot be read count nothing.
    """
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
