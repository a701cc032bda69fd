"""One training loop for all networks, on CPU and GPU: time limits, exact resume, averaged weights, logs.

A run lives in one folder: `state.safetensors` (everything needed to go on: weights, averages, optimisers, random state,
step), `log.csv`, and what the task itself exports. The state is written whole or not at all, every few minutes and when the
run is stopped by its time limit, Ctrl-C or SIGTERM. No pickles.
"""

from __future__ import annotations

import copy
import csv
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from motionwarp.errors import OptionError, WeightsError


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast to train.

    Attributes
    ----------
    steps : int
        At which the run is complete.
    batch_size : int
    learning_rate : float
        At its highest: after `warmup_steps`, until `decay_steps` before the end, from where it falls linearly to nearly zero.
        A run can so be prolonged from any step of the flat part.
    warmup_steps, decay_steps : int
    weight_decay : float
    gradient_clip : float
        Largest norm of the gradient.
    ema_decay : float
        Of the averaged weights, which are what is exported.
    seed : int
    workers : int
        Processes that prepare data; 0 prepares it in the loop.
    log_every : int
        Steps between lines of the log.
    checkpoint_minutes, export_minutes : float
        Minutes between written states, and between exports with validation.
    """

    steps: int = 20_000
    batch_size: int = 24
    learning_rate: float = 1.5e-3
    warmup_steps: int = 200
    decay_steps: int = 2_000
    weight_decay: float = 0.02
    gradient_clip: float = 2.0
    ema_decay: float = 0.998
    seed: int = 0
    workers: int = 1
    log_every: int = 20
    checkpoint_minutes: float = 4.0
    export_minutes: float = 15.0

    def __post_init__(self) -> None:
        if self.steps <= 0 or self.batch_size <= 0 or self.learning_rate <= 0:
            raise OptionError(f"steps, batch size and learning rate must be positive, got {self}")

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        warm = min((step + 1) / max(self.warmup_steps, 1), 1.0)
        left = min((self.steps - step) / max(self.decay_steps, 1), 1.0)
        return self.learning_rate * warm * max(left, 0.01)


class TrainingTask(ABC):
    """What the loop trains: networks, their optimisers, their data and one step."""

    modules: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]
    averaged: str  # name of the module whose weights are averaged and exported

    @abstractmethod
    def batches(self, first_step: int, steps: int) -> Iterator[Any]:
        """Yield the batch of every step from `first_step` to `steps`."""

    @abstractmethod
    def train_step(self, batch: Any) -> Mapping[str, float | Tensor]:
        """Make one step on a batch with the optimisers' present learning rates and return what is to be logged."""

    @abstractmethod
    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write the averaged weights for use, validate them and return the figures."""


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
    """Train until the steps are done, the time is up or a signal asks to stop; go on from the folder's state if there is one.

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
    average = _average_of(task.modules[task.averaged])
    state_file = folder / "state.safetensors"
    step = _load(state_file, task, average) if state_file.exists() else 0
    if step:
        report(f"going on from step {step}")
    started = saved = exported = time.monotonic()
    with _Stopper() as stopper, (folder / "log.csv").open("a", newline="", encoding="utf-8") as stream:
        log = _Log(stream)
        for batch in task.batches(step, config.steps):
            for optimiser in task.optimisers.values():
                for group in optimiser.param_groups:
                    group["lr"] = config.rate_at(step) * group.get("rate_factor", 1.0)
            figures = task.train_step(batch)
            # early on the average follows quickly, or it would carry the random start for long
            _follow(average, task.modules[task.averaged], min(config.ema_decay, (1 + step) / (10 + step)))
            step += 1
            log.add(figures)
            now = time.monotonic()
            if step % config.log_every == 0:
                report(log.write(step, config.rate_at(step), now - started))
            stop = stopper.asked or (max_minutes is not None and now - started > 60 * max_minutes)
            if stop or step == config.steps or now - saved > 60 * config.checkpoint_minutes:
                _save(state_file, task, average, step)
                saved = time.monotonic()
            if stop or step == config.steps or now - exported > 60 * config.export_minutes:
                report(f"step {step}: " + _line(task.export(average, folder, step)))
                exported = time.monotonic()
            if stop:
                break
    return step


class _Log:
    """Means of the figures between two lines, as CSV and as a line for people."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._writer = stream, csv.writer(stream)
        self._sums: dict[str, Tensor | float] = {}
        self._count = 0

    def add(self, figures: Mapping[str, float | Tensor]) -> None:
        for name, value in figures.items():
            # tensors are summed where they are: reading them at every step would stall a GPU
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1

    def write(self, step: int, rate: float, seconds: float) -> str:
        means = {name: float(value) / self._count for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        if self._stream.tell() == 0:
            self._writer.writerow(["step", "rate", "seconds", *means])
        self._writer.writerow([step, f"{rate:.3e}", f"{seconds:.1f}", *(f"{value:.5f}" for value in means.values())])
        self._stream.flush()
        return f"step {step} {seconds:.0f}s " + _line(means)


def _line(figures: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:.4f}" for name, value in figures.items())


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


def _save(path: Path, task: TrainingTask, average: nn.Module, step: int) -> None:
    tensors: dict[str, Tensor] = {"random/torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["random/cuda"] = torch.cuda.get_rng_state()
    tensors.update(_prefixed("average", average.state_dict()))
    for name, module in task.modules.items():
        tensors.update(_prefixed(f"module/{name}", module.state_dict()))
    for name, optimiser in task.optimisers.items():
        for index, values in optimiser.state_dict()["state"].items():
            for key, value in values.items():
                tensors[f"optimiser/{name}/{index}/{key}"] = torch.as_tensor(value)
    part = path.with_name(path.name + ".part")
    # the same tensor under two names would be refused: copies are independent
    save_file({key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}, part, {"step": str(step)})
    part.replace(path)


def _load(path: Path, task: TrainingTask, average: nn.Module) -> int:
    tensors = load_file(path)
    with safe_open(path, framework="pt") as opened:
        step = int((opened.metadata() or {})["step"])
    try:
        average.load_state_dict(_under("average", tensors))
        for name, module in task.modules.items():
            module.load_state_dict(_under(f"module/{name}", tensors))
        for name, optimiser in task.optimisers.items():
            state = optimiser.state_dict()
            state["state"] = _optimiser_state(_under(f"optimiser/{name}", tensors))
            optimiser.load_state_dict(state)
    except (RuntimeError, ValueError, KeyError) as error:
        raise WeightsError(
            f"this run was made with another configuration: {error}",
            subject=path,
            remedy="Give the same configuration, or another folder for the run.",
        ) from error
    torch.set_rng_state(tensors["random/torch"])
    if torch.cuda.is_available() and "random/cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random/cuda"])
    return step


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{key}": value for key, value in tensors.items()}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key[len(prefix) + 1 :]: value for key, value in tensors.items() if key.startswith(prefix + "/")}


def _optimiser_state(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split("/", 1)
        state.setdefault(int(index), {})[name] = value
    return state
