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
from motionwarp.perception.base import Estimator
from motionwarp.pipeline.analysis import TransferInputs
from motionwarp.pipeline.api import open_result, write_frames
from motionwarp.pipeline.cast import ScenePlan, render_scene
from motionwarp.pipeline.driving import FrameSampler, observe_driving
from motionwarp.pipeline.plan import TransferPlan
from motionwarp.pipeline.progress import Stage, StageClock, TransferRun
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
        What of these goes to seeing source and clip, every frame of it.
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


def make_trial(scene: ScenePlan, wanted: Sequence[int], run: TransferRun) -> Trial:
    """Draw and encode a few frames, into a file that is removed again.

    Parameters
    ----------
    scene : ScenePlan
    wanted : sequence of int
        Frames of the output whose pictures are kept; others are made beside them.
    run : TransferRun
    """
    plan = scene.main
    count = min(max(_FEWEST, min(2 * plan.runner.frames_at_once, _MOST)), len(plan))
    spread = np.linspace(0, len(plan) - 1, count).round().astype(int)
    numbers = np.union1d(spread, np.asarray(wanted, dtype=np.int64))
    # what happens once only, as loading kernels, is not to be multiplied by the number of frames
    for _ in render_scene(scene, run=run, only=numbers[:1].tolist()):
        pass
    pictures: dict[int, ByteArray] = {}
    done = 0

    def on_frame(frame: Frame) -> None:
        nonlocal done
        done += 1
        run.announce(Stage.RENDER, done, len(numbers))

    def drawn() -> Iterator[Frame]:
        for frame in render_scene(scene, run=run, only=numbers.tolist()):
            if frame.index in wanted:
                pictures[frame.index] = _on_white(frame)
            yield frame

    options = replace(plan.setup.options, codec="auto", crf=None, preset=None, audio=False)
    setup = replace(plan.setup, options=options)
    with tempfile.TemporaryDirectory(prefix="motionwarp-check-") as folder:
        begin = time.perf_counter()
        with open_result(setup, Path(folder) / ("trial.webm" if setup.alpha else "trial.mp4")) as writer:
            write_frames(drawn(), writer, plan.timeline.end_seconds, run.clock, on_frame)
        return Trial(pictures, len(numbers), time.perf_counter() - begin)


@dataclass(frozen=True, eq=False)
class LookingTime:
    """What looking at the inputs has taken, and all that tells what looking at every frame would take.

    Attributes
    ----------
    inputs : TransferInputs
    plan : TransferPlan
    estimator : Estimator
    sampler : FrameSampler
        Which frames were looked at.
    clock : StageClock
    seconds : float
        On the wall, for looking at the source and at the sampled frames, and for planning these.
    dancers : int
        For each of whom a transfer goes through the clip.
    """

    inputs: TransferInputs
    plan: TransferPlan
    estimator: Estimator
    sampler: FrameSampler
    clock: StageClock
    seconds: float
    dancers: int = 1

    def of_all_frames(self) -> float:
        """Return the seconds for all frames; if few were looked at, some that follow each other are read to tell."""
        if self.sampler.every == 1:
            return self.seconds
        stages = self.clock.seconds()
        spent = stages.get("analyse") or stages.get("wait for decoding", 0.0)
        # frames far apart are searched for the person again and again, so that their time says little of following
        track = self.plan.inputs.motion.track
        start = (self.plan.setup.options.start or 0.0) + float(track.times_seconds[track.present.argmax()])
        try:
            first, one = self._observing_seconds(start, 1)
            longer, several = self._observing_seconds(start, 1 + _FOLLOWED)
        except InputError:
            # whoever was chosen cannot be chosen anew there
            return self.seconds - spent + spent * self.sampler.every
        if several <= one:
            return self.seconds
        each = first + (longer - first) / (several - one) * self.sampler.passed
        return self.seconds - spent + self.dancers * each

    def _observing_seconds(self, start: float, frames: int) -> tuple[float, int]:
        """Go through frames that follow each other; returns seconds on the wall and how many frames they were."""
        setup = self.plan.setup
        options = replace(setup.options, start=start, end=start + (frames - 0.5) / float(setup.info.frame_rate))
        begin = time.perf_counter()
        motion = observe_driving(self.inputs.driving, options, self.estimator, with_plate=setup.needs_plate)
        return time.perf_counter() - begin, len(motion.track)


def running_cost(looking: LookingTime, trial: Trial, output_frames: int) -> RunningCost:
    """Estimate what a transfer will take.

    Parameters
    ----------
    looking : LookingTime
    trial : Trial
    output_frames : int
    """
    seconds = looking.of_all_frames()
    frame_seconds = trial.seconds / trial.frames
    device = looking.plan.device
    on_card = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return RunningCost(
        seconds=seconds + frame_seconds * output_frames,
        looking_seconds=seconds,
        frame_seconds=frame_seconds,
        frames_measured=trial.frames,
        memory_bytes=peak_memory_bytes(),
        device_memory_bytes=on_card,
    )


def _on_white(frame: Frame) -> ByteArray:
    """Return a frame's picture, uint8 (H, W, 3), on white where it is transparent."""
    if frame.alpha is None:
        return frame.rgb.copy()
    cover = frame.alpha[..., None].astype(np.float32) / 255
    return np.rint(frame.rgb * cover + 255 * (1 - cover)).astype(np.uint8)
