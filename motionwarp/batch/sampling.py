"""A short sample of a data set, really made, and what it took."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from motionwarp.batch.analysis_cache import FOLDER as ANALYSES
from motionwarp.batch.configuring import DatasetConfig
from motionwarp.batch.executor import Executor
from motionwarp.batch.executor_local import LocalExecutor
from motionwarp.batch.items import Item
from motionwarp.batch.planning import Plan, make_plan
from motionwarp.batch.records import CLIPS
from motionwarp.batch.scratch import scratch_folder
from motionwarp.batch.storage_local import LocalStorage
from motionwarp.batch.work import ClipTask, SeeTask, Task, TaskResult, WorkOrder
from motionwarp.errors import InputError

_SAMPLE_SECONDS: Final = 2.0
_HEADROOM: Final = 1.25  # what a worker holds after many clips, in terms of its peak in the sample
_SAMPLE_ITEMS: Final = 3


@dataclass(frozen=True)
class Sample:
    """What a few clips took.

    Attributes
    ----------
    source_seconds, driving_frame_seconds, clip_frame_seconds : float
        Of one worker that has loaded what it needs.
    clip_frame_bytes, source_bytes, driving_bytes : float
        On the disk: of a frame of a clip, of what is kept of a person and of a motion.
    worker_bytes : int
        The most memory of the worker, and a quarter more.
    frames : int
        Of the clips that were made.
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
    sources = _seen(executor, [SeeTask(item) for item in _spread(plan.sources)])
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
        driving_frame_seconds=sum(result.seconds for _, result in drivings) / sum(result.value.frames for _, result in drivings),
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
        tuple(task.item for task, _ in sources), tuple(task.item for task, _ in drivings), replace(config, pairs="all", variants=1)
    )
    notes = {(task.item.kind, task.item.id): result.value for task, result in (*sources, *drivings)}
    chosen = {(index % len(sources)) * len(drivings) + index % len(drivings) for index in range(max(len(sources), len(drivings)))}
    clips = [little.clips[index] for index in sorted(chosen)]
    return [ClipTask(clip, notes["source", clip.source.id], notes["driving", clip.driving.id]) for clip in clips]


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
