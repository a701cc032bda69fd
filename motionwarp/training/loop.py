"""One training loop for all networks, on CPU and GPU: time limits, exact resume, averaged weights, logs.

A run lives in one folder: `state.safetensors` (everything needed to go on: weights, averages, optimizers, random state,
step), `log.csv`, `exports.csv`, and what the task itself exports. The state is written whole or not at all, every few
minutes and when the run is stopped by its time limit, Ctrl-C or SIGTERM. Several processes can train together
(`distributed.py`).
"""

from __future__ import annotations

import copy
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import nn

from motionwarp.training.distributed import all_reduce_any, broadcast_from_main, present_team
from motionwarp.training.run_state import RunLog, load_state, save_state
from motionwarp.training.task import LoopConfig, TrainingTask


class _Stopper:
    """Turns Ctrl-C and SIGTERM into a stop after the step in hand, so that nothing is lost."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Stopper:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def run(
    task: TrainingTask,
    config: LoopConfig,
    folder: Path,
    *,
    max_minutes: float | None = None,
    report: Callable[[str], None] = print,
) -> int:
    """Train until the steps are done, the time is up or a signal asks to stop.

    A run goes on from the folder's state if there is one.

    Parameters
    ----------
    task : TrainingTask
    config : LoopConfig
    folder : Path
        Made if it is missing.
    max_minutes : float or None
        Of this call, saving included only roughly.
    report : callable
        Takes lines for people.

    Returns
    -------
    int
        The step that was reached.
    """
    folder.mkdir(parents=True, exist_ok=True)
    team = present_team()
    broadcast_from_main(task.modules)
    average = _average_of(task.modules[task.averaged])
    state_file = folder / "state.safetensors"
    step = load_state(state_file, task, average) if state_file.exists() else 0
    tell = report if team.is_main_process else _nothing
    if step:
        tell(f"going on from step {step}")
    log = RunLog(folder, step, written=team.is_main_process)
    started = saved = exported = time.monotonic()
    with _Stopper() as stopper:
        for batch in task.batches(step, config.steps):
            for optimizer in task.optimizers.values():
                for group in optimizer.param_groups:
                    group["lr"] = config.rate_at(step) * group.get("rate_factor", 1.0)
            figures = task.train_step(batch)
            # early on the average follows quickly, or it would carry the random start for long
            _follow(average, task.modules[task.averaged], min(config.ema_decay, (1 + step) / (10 + step)))
            step += 1
            log.add(figures)
            now = time.monotonic()
            if step % config.log_every == 0:
                tell(log.write(step, config.rate_at(step), now - started))
            # clocks differ: processes must stop and save at the same step
            stop, save, export = all_reduce_any(
                stopper.asked or (max_minutes is not None and now - started > 60 * max_minutes),
                now - saved > 60 * config.checkpoint_minutes,
                now - exported > 60 * config.export_minutes,
            )
            ends = stop or step == config.steps
            if ends or save:
                save_state(state_file, task, average, step)
                saved = time.monotonic()
            if ends or export:
                if team.is_main_process:
                    tell(log.exported(step, now - started, task.export(average, folder, step)))
                exported = time.monotonic()
            if stop:
                break
    return step


def _nothing(line: str) -> None:
    """Report nothing: another process does."""


def _average_of(module: nn.Module) -> nn.Module:
    average = copy.deepcopy(module).eval()
    for parameter in average.parameters():
        parameter.requires_grad_(False)
    return average


@torch.no_grad()
def _follow(average: nn.Module, module: nn.Module, decay: float) -> None:
    for kept, new in zip(average.parameters(), module.parameters(), strict=True):
        kept.lerp_(new, 1 - decay)
    for statistic, newest in zip(average.buffers(), module.buffers(), strict=True):
        if statistic.is_floating_point():
            statistic.lerp_(newest, 1 - decay)
        else:
            statistic.copy_(newest)
