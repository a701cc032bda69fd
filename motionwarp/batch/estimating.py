"""What a data set will cost, from a short sample of it that is really made."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from motionwarp.batch.augmentation import draw
from motionwarp.batch.configuring import DatasetConfig
from motionwarp.batch.deciding_files import rooted
from motionwarp.batch.executor_local import worker_places
from motionwarp.batch.items import Item
from motionwarp.batch.planning import Plan, make_plan
from motionwarp.batch.sampling import measured_sample
from motionwarp.batch.storage import open_storage, split_address
from motionwarp.batch.work import WorkOrder
from motionwarp.errors import InputError, MotionwarpError
from motionwarp.media.probing import VideoInfo, probe_video
from motionwarp.memory import peak_memory_bytes
from motionwarp.pipeline.driving import expected_frames
from motionwarp.pipeline.options import TransferOptions

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
        Of all clips, as their headers, sections and draws tell.
    hours_of_video : float
    workers : int
        On this machine.
    seconds_a_source, seconds_a_driving_frame, seconds_a_clip_frame : float
        Of one worker, as measured.
    hours_one_worker, hours_all_workers : float
        On the wall.
    clip_bytes, shard_bytes, analysis_bytes, disk_bytes : int
        On the disk: of all clips, of shards if they were asked for, of what is kept of the inputs, and of all that.
    free_bytes : int or None
        On the output's disk; None where that is not known.
    worker_bytes, program_bytes, memory_bytes : int
        Of one worker, a quarter more than its peak in the sample; of the program that hands out the work; and of all.
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
        raise InputError("not one of the clips tried can be read", subject=drivings[0].path, remedy="Give other drivings")
    _, unreadable_people = _probed(plan.sources, _probe)
    count = min(len(worker_places(WorkOrder("", config), workers)), len(plan.clips))
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
    """Return what the headers of files tell by item, and how many cannot be read; a part of very many stands for all of them."""
    step = max(1, -(-len(items) // _MOST_PROBED))
    known: dict[str, Probed] = {}
    unreadable = 0
    for start in range(0, len(items), step):
        try:
            told = probe(items[start])
        except (MotionwarpError, OSError):
            unreadable += 1
        else:
            known.update({item.id: told for item in items[start : start + step]})
    return known, min(unreadable * step, len(items))


def _probe(item: Item) -> VideoInfo:
    with tempfile.TemporaryDirectory() as scratch:
        storage, name = split_address(item.path)
        return probe_video(storage.local_path(name, Path(scratch)))


def _length(item: Item) -> _Length:
    info = _probe(item)
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
