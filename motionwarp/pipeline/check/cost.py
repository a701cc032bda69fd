"""What a transfer will take on this machine: measured on frames of it that are really drawn and encoded."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from motionwarp.errors import InputError
from motionwarp.pipeline.api import open_result, write_frames
from motionwarp.pipeline.driving import FrameSampler, given_track, observe_driving
from motionwarp.pipeline.job import TransferJob
from motionwarp.pipeline.progress import ProgressCallback, Stage, StageClock, announce
from motionwarp.pipeline.timeline import Timeline
from motionwarp.runtime import peak_memory_bytes
from motionwarp.types import ByteArray, Frame

# frames that are drawn to be measured, beyond those that are shown: enough to keep all of a crew busy
_FEWEST: Final = 12
_MOST: Final = 64
# frames that are followed to be measured: batches have grown to eight by then
_FOLLOWED: Final = 32


@dataclass(frozen=True)
class RunningCost:
    """What a transfer will take.

    Attributes
    ----------
    seconds : float
        On the wall for the whole transfer, but for starting the program.
    looking_seconds : float
        Of these, for seeing source and clip, every frame of it.
    frame_seconds : float
        For drawing and encoding a frame of the output, on the wall.
    frames_measured : int
        Frames that were drawn and encoded for that.
    memory_bytes : int
        The most that this process has had so far; 0 where the system does not tell.
    device_memory_bytes : int
        The same of the graphics card; 0 without one.
    """

    seconds: float
    looking_seconds: float
    frame_seconds: float
    frames_measured: int
    memory_bytes: int
    device_memory_bytes: int


@dataclass(frozen=True, eq=False)
class Trial:
    """A few frames of a transfer that were really made.

    Attributes
    ----------
    pictures : dict of int to uint8 (H, W, 3)
        The frames that were wanted, by number.
    frames : int
        All that were made.
    seconds : float
        On the wall, for drawing and encoding.
    """

    pictures: dict[int, ByteArray]
    frames: int
    seconds: float


def make_trial(job: TransferJob, timeline: Timeline, wanted: Sequence[int], callback: ProgressCallback | None) -> Trial:
    """Draw and encode a few frames, into a file that is removed again.

    Parameters
    ----------
    job : TransferJob
        Prepared.
    timeline : Timeline
        As `job.prepare` returned it.
    wanted : sequence of int
        Frames of the output whose pictures are kept; others are made beside them.
    callback : callable or None
    """
    count = min(max(_FEWEST, min(2 * job.frames_at_once, _MOST)), len(timeline))
    spread = np.linspace(0, len(timeline) - 1, count).round().astype(int)
    numbers = np.union1d(spread, np.asarray(wanted, dtype=np.int64))
    # what happens once only, as loading kernels, is not to be multiplied by the number of frames
    for _ in job.frames(numbers[:1].tolist()):
        pass
    pictures: dict[int, ByteArray] = {}
    done = 0

    def told(frame: Frame) -> None:
        nonlocal done
        done += 1
        announce(callback, Stage.RENDER, done, len(numbers))

    def drawn() -> Iterator[Frame]:
        for frame in job.frames(numbers.tolist()):
            if frame.index in wanted:
                pictures[frame.index] = _on_white(frame)
            yield frame

    options = replace(job.options, codec="auto", crf=None, preset=None, audio=False)
    with tempfile.TemporaryDirectory(prefix="motionwarp-check-") as folder:
        begin = time.perf_counter()
        with open_result(job, Path(folder) / ("trial.webm" if job.alpha else "trial.mp4"), options) as writer:
            write_frames(job, drawn(), writer, timeline.end_seconds, told)
        return Trial(pictures, len(numbers), time.perf_counter() - begin)


def running_cost(
    job: TransferJob, trial: Trial, preparing_seconds: float, glimpses: FrameSampler, output_frames: int
) -> RunningCost:
    """Tell what a transfer will take.

    Parameters
    ----------
    job : TransferJob
        After the trial.
    trial : Trial
    preparing_seconds : float
        On the wall, for looking at the source and at the glimpsed frames, and for planning these.
    glimpses : FrameSampler
        Which frames were looked at; if not all, some that follow each other are read to tell what all would take.
    output_frames : int
    """
    looking = preparing_seconds if glimpses.every == 1 else _looking_seconds(job, preparing_seconds, glimpses)
    frame_seconds = trial.seconds / trial.frames
    on_card = torch.cuda.max_memory_allocated(job.device) if job.device.type == "cuda" else 0
    return RunningCost(
        seconds=looking + frame_seconds * output_frames,
        looking_seconds=looking,
        frame_seconds=frame_seconds,
        frames_measured=trial.frames,
        memory_bytes=peak_memory_bytes(),
        device_memory_bytes=on_card,
    )


def _looking_seconds(job: TransferJob, preparing_seconds: float, glimpses: FrameSampler) -> float:
    """Return what looking at all of a section's frames takes, where only a few have been looked at."""
    stages = job.clock.seconds()
    spent = stages.get("analyse") or stages.get("wait for decoding", 0.0)
    # frames far apart are searched for the person again and again, so that their time says little of following
    start = (job.options.start or 0.0) + float(job.observed.times_seconds[job.observed.present.argmax()])
    try:
        first, one = _observing_seconds(job, start, 1)
        longer, several = _observing_seconds(job, start, 1 + _FOLLOWED)
    except InputError:
        # whoever was chosen cannot be chosen anew there
        return preparing_seconds - spent + spent * glimpses.every
    if several <= one:
        return preparing_seconds
    return preparing_seconds - spent + first + (longer - first) / (several - one) * glimpses.passed


def _observing_seconds(job: TransferJob, start: float, frames: int) -> tuple[float, int]:
    """Go through frames that follow each other as a transfer does; returns seconds on the wall and how many frames they were."""
    rate = float(job.driving_info.frame_rate)
    options = replace(job.options, start=start, end=start + (frames - 0.5) / rate)
    given = given_track(options, job.driving_info)
    begin = time.perf_counter()
    motion = observe_driving(
        job.driving_path, options, given, job.estimator, StageClock(), with_plate=job.needs_plate, callback=None
    )
    return time.perf_counter() - begin, len(motion.track)


def _on_white(frame: Frame) -> ByteArray:
    """Return a frame's picture, uint8 (H, W, 3), on white where it is transparent."""
    if frame.alpha is None:
        return frame.rgb.copy()
    cover = frame.alpha[..., None].astype(np.float32) / 255
    return np.rint(frame.rgb * cover + 255 * (1 - cover)).astype(np.uint8)
