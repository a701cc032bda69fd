"""The base of tasks that train one network: optimizer, type of activations, adversary, batches, export, previews."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from motionwarp.checkpoints.checkpoint import Checkpoint, half_precision, save_checkpoint
from motionwarp.data.loader import resumable_batches
from motionwarp.training.adversary import Adversary
from motionwarp.training.distributed import backward_and_step
from motionwarp.training.pretrained import adamw, load_pretrained
from motionwarp.training.preview import write_rows
from motionwarp.training.task import LoopConfig, TrainingTask


class NetworkTrainingConfig(Protocol):
    """What the configuration of one network's training has; dataclasses of each task add data, losses and more."""

    @property
    def network(self) -> Any:
        """The dataclass that the network is made with."""

    @property
    def start_from(self) -> Path | None:
        """Weights of the same network to begin with."""

    @property
    def loop(self) -> LoopConfig:
        """How long and how fast."""


Config = TypeVar("Config", bound=NetworkTrainingConfig)
Batch = TypeVar("Batch")


class NetworkTask(TrainingTask, Generic[Config, Batch]):
    """One network that learns from samples, against a discriminator where the task adds one.

    A task says how its network is made (`make_network`), what it learns from (`samples`) and its losses (`losses`).

    Attributes
    ----------
    averaged : str
        Name of the network in the run's state.
    architecture : str
        Name of the file's architecture, and of the file itself.
    engine_file : (str, str) or None
        Architecture of the engine's file in which the network may lie too, and its name there.
    newer : tuple of str
        Submodules that weights to begin with may lack, since they came later.
    network : nn.Module
    adversary : Adversary or None
    shown : sequence of float (B, 3, H, W)
        Columns of the picture that an export writes; empty for none.

    Parameters
    ----------
    config : NetworkTrainingConfig
    device : torch.device
    dtype : torch.dtype
        Type of the activations.
    """

    architecture: ClassVar[str]
    engine_file: ClassVar[tuple[str, str] | None] = None
    newer: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: Config, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = self.make_network()
        if config.start_from is not None:
            begun = load_pretrained(config.start_from, self.architecture, self.engine_file)
            self.fitted(begun, network).load_into(network, self.newer)
        self.network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.modules: dict[str, nn.Module] = {self.averaged: self.network}
        self.optimizers = {self.averaged: self.make_optimizer(self.network)}
        self.adversary: Adversary | None = None
        self.shown: Sequence[Tensor] = ()

    @abstractmethod
    def make_network(self) -> nn.Module:
        """Return the network, at its random start."""

    def fitted(self, checkpoint: Checkpoint, network: nn.Module) -> Checkpoint:
        """Return weights to begin with as this network can take them: as they are by default."""
        return checkpoint

    def make_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return what the network learns with: AdamW by default."""
        return adamw(network, self.config.loop)

    @abstractmethod
    def samples(self) -> Dataset[Batch]:
        """Return the endless samples that it learns from, by number."""

    @abstractmethod
    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return scalars of a batch to be logged; `loss` is what the network learns from."""

    def add_adversary(self, condition_channels: int, picture_channels: int) -> None:
        """Add a discriminator, unless neither its judgment nor its features have any weight in the loss.

        Parameters
        ----------
        condition_channels, picture_channels : int
            Channels of what it is conditioned on, and of what it judges.
        """
        settings: Any = self.config
        if settings.loss.adversarial <= 0 and settings.loss.pyramid <= 0:
            return
        self.adversary = Adversary(
            (condition_channels, picture_channels), settings.adversary, settings.loop, self.device, self.dtype
        )
        self.modules["discriminator"] = self.adversary.discriminator
        self.optimizers["discriminator"] = self.adversary.optimizer

    def add_adversarial_losses(self, figures: dict[str, Tensor], condition: Tensor, made: Tensor, true: Tensor) -> None:
        """Add `adversarial` and `pyramid` to a step's figures, weighed into its `loss`; needs an adversary."""
        assert self.adversary is not None
        weights: Any = self.config
        for name, loss in self.adversary.generator_losses(condition, made, true).items():
            figures[name] = loss
            figures["loss"] = figures["loss"] + getattr(weights.loss, name) * loss

    def autocast(self) -> torch.autocast:
        """Return the context in which activations are of the task's type."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def plane(self, values: Tensor) -> Tensor:
        """Return bytes on the device, float32 in [0, 1]."""
        return values.to(self.device, non_blocking=True).float().div_(255)

    def batches(self, first_step: int, steps: int) -> Iterator[Batch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        return resumable_batches(self.samples(), loop.seed, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: Batch) -> Mapping[str, Tensor]:
        """Make one step, and one of the discriminator; returns the parts of the losses."""
        self.network.train()
        figures = self.losses(batch)
        backward_and_step(figures["loss"], self.optimizers[self.averaged], self.network, self.config.loop.gradient_clip)
        if self.adversary is not None:
            figures |= self.adversary.discriminator_step()
        return {name: value.detach() for name, value in figures.items()}

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write the network in half precision, what else the task has to write, and `shown` as a picture; validate."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / f"{self.architecture}.safetensors", half_precision(module), self.architecture, config)
        self.export_engine(module, folder, step)
        if self.shown:
            write_rows(self.shown, folder / "training.png")
        return {"exported_step": float(step), **self.validate(module)}

    # a hook that most tasks leave empty
    def export_engine(self, module: nn.Module, folder: Path, step: int) -> None:
        """Write the file of all networks that an engine loads, if this network is its last."""

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Return what is measured of the network in evaluation mode; nothing by default."""
        return {}


def weighted_sum(figures: Mapping[str, Tensor], weights: object) -> Tensor:
    """Return the sum of losses, each times the weight of its name.

    Parameters
    ----------
    figures : mapping of str to scalar
        Not empty.
    weights : object
        Has an attribute of every name.
    """
    weighed = [getattr(weights, name) * value for name, value in figures.items()]
    total: Tensor = sum(weighed[1:], start=weighed[0])
    return total
