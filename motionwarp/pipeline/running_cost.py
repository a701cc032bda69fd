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

from motionwarp.memory import peak_memory_bytes
from motionwarp.pipeline.job import TransferJob
from motionwarp.pipeline.progress import ProgressCallback, Stage, announce
from motionwarp.pipeline.timeline import Timeline
from motionwarp.pipeline.writing import open_result, write_frames
from motionwarp.types import ByteArray, Frame

# frames that are drawn to be measured, beyond those that are shown: enough to keep all of a crew busy
_FEWEST: Final = 12
_MOST: Final = 64


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


def running_cost(job: TransferJob, trial: Trial, preparing_seconds: float, every: int, output_frames: int) -> RunningCost:
    """Tell what a transfer will take.

    Parameters
    ----------
    job : TransferJob
        After the trial.
    trial : Trial
    preparing_seconds : float
        On the wall, for looking at the source and at one of `every` frames, and for planning these.
    every : int
    output_frames : int
    """
    looking = _looking_seconds(job.clock.seconds(), preparing_seconds, every)
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


def _looking_seconds(stages: dict[str, float], preparing_seconds: float, every: int) -> float:
    """Return what looking at all frames takes: all were decoded already, but only one of `every` was read by the network."""
    waited = stages.get("wait for decoding", 0.0)
    reading = max(stages.get("analyse", 0.0) - waited, 0.0)
    # a network that has more to do waits less for the next frame
    return max(preparing_seconds, preparing_seconds - waited + (every - 1) * reading)


def _on_white(frame: Frame) -> ByteArray:
    """Return a frame's picture, uint8 (H, W, 3), on white where it is transparent."""
    if frame.alpha is None:
        return frame.rgb.copy()
    cover = frame.alpha[..., None].astype(np.float32) / 255
    return np.rint(frame.rgb * cover + 255 * (1 - cover)).astype(np.uint8)
