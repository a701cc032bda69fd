"""What the training loop trains: its configuration and the interface of a task."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from motionwarp.errors import OptionError

Schedule = Literal["linear", "cosine"]


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast to train.

    Attributes
    ----------
    steps : int
        At which the run is complete.
    batch_size : int
        Number of samples of each process.
    learning_rate : float
        At its highest: after `warmup_steps`, until `decay_steps` before the end, from where it falls linearly to nearly
        zero. A run can so be prolonged from any step of the flat part.
    warmup_steps, decay_steps : int
    schedule : str
        "linear" as above, or "cosine": the rate falls along half a wave to a fiftieth, from the first step to the last.
    weight_decay : float
    gradient_clip : float
        Largest norm of the gradient.
    ema_decay : float
        Decay of the averaged weights, which are what is exported.
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
    schedule: Schedule = "linear"
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
        if self.schedule not in get_args(Schedule):
            raise OptionError(
                f"there is no schedule '{self.schedule}'", remedy=f"There are: {', '.join(get_args(Schedule))}."
            )

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        warm = min((step + 1) / max(self.warmup_steps, 1), 1.0)
        if self.schedule == "cosine":
            wave = 0.5 * (1 + math.cos(math.pi * step / self.steps))
            return self.learning_rate * warm * (0.02 + 0.98 * wave)
        left = min((self.steps - step) / max(self.decay_steps, 1), 1.0)
        return self.learning_rate * warm * max(left, 0.01)


def published_loop(
    steps: int,
    batch_size: int,
    learning_rate: float,
    *,
    decay_steps: int = 0,
    weight_decay: float = 0.0,
    averaged: bool = True,
) -> LoopConfig:
    """Return a loop as papers describe theirs: these figures, no warm-up, the seed and the rest as by default.

    Parameters
    ----------
    steps, batch_size : int
    learning_rate : float
    decay_steps : int
        Of the end, in which the rate falls linearly to nearly zero.
    weight_decay : float
    averaged : bool
        Whether averaged weights are exported and gradients clipped, neither of which any of the papers says; otherwise
        there is nothing of either.
    """
    return LoopConfig(
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        warmup_steps=0,
        decay_steps=decay_steps,
        weight_decay=weight_decay,
        gradient_clip=10.0 if averaged else 1e9,
        ema_decay=0.999 if averaged else 0.0,
    )


class TrainingTask(ABC):
    """What the loop trains: networks, their optimizers, their data and one step."""

    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]
    averaged: str  # name of the module whose weights are averaged and exported

    @abstractmethod
    def batches(self, first_step: int, steps: int) -> Iterator[Any]:
        """Yield the batch of every step from `first_step` to `steps`."""

    @abstractmethod
    def train_step(self, batch: Any) -> Mapping[str, float | Tensor]:
        """Make one step on a batch with the optimizers' present learning rates and return what is to be logged."""

    @abstractmethod
    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write the averaged weights for use, validate them and return the figures."""
