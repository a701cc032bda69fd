"""The training of the CycleGAN family, of all variants by one code: adversaries at both ends, and ways back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from motionwarp.checkpoints.checkpoint import half_precision, load_checkpoint, save_checkpoint
from motionwarp.data.loader import resumable_batches
from motionwarp.engines.cyclegan.config import TranslationTrainingConfig
from motionwarp.engines.cyclegan.data import UnpairedBatch, UnpairedPictures
from motionwarp.engines.cyclegan.networks import (
    ARCHITECTURE,
    Direction,
    PicturePool,
    Translators,
    applied,
)
from motionwarp.nn.blocks import start_small
from motionwarp.nn.discriminator import PatchDiscriminator
from motionwarp.training.distributed import backward_and_step
from motionwarp.training.preview import write_rows
from motionwarp.training.task import LoopConfig, TrainingTask

_MOMENTA: Final = (0.5, 0.999)
_BACK: Final[dict[Direction, Direction]] = {"a2b": "b2a", "b2a": "a2b"}


class Discriminators(nn.Module):
    """The discriminators of both ends, and the histories of what they were shown.

    Parameters
    ----------
    config : TranslationTrainingConfig
    """

    def __init__(self, config: TranslationTrainingConfig) -> None:
        super().__init__()
        base, shape = config.network.discriminator_base, (3, config.data.height, config.data.width)
        # by the direction whose pictures they judge
        self.judges = nn.ModuleDict({name: PatchDiscriminator(base) for name in _BACK})
        self.histories = nn.ModuleDict({name: PicturePool(config.history, shape) for name in _BACK})
        self.judges.apply(start_small)

    def loss(self, direction: Direction, real: Tensor, made: Tensor) -> Tensor:
        """Return what a discriminator minimizes (eq. 8.1)."""
        judge, history = self.judges[direction], self.histories[direction]
        assert isinstance(history, PicturePool)
        shown = history.exchanged(made.detach())
        loss: Tensor = (judge(real) - 1).square().mean() + judge(shown).square().mean()
        return loss

    def fooled_loss(self, direction: Direction, made: Tensor) -> Tensor:
        """Return what a generator minimizes so that its pictures pass for real."""
        loss: Tensor = (self.judges[direction](made) - 1).square().mean()
        return loss


class TranslationTask(TrainingTask):
    """Both directions against two discriminators.

    Parameters
    ----------
    config : TranslationTrainingConfig
    device : torch.device
    dtype : torch.dtype
        Type of the activations.
    """

    averaged = "translators"

    def __init__(self, config: TranslationTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        self.samples = UnpairedPictures(config.data, config.loop.seed)
        self.translators = Translators(config.network)
        if config.start_from is not None:
            load_checkpoint(config.start_from, ARCHITECTURE).load_into(self.translators)
        self.discriminators = Discriminators(config)
        self.modules = {self.averaged: self.translators, "discriminators": self.discriminators}
        for module in self.modules.values():
            module.to(device)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: _adam(module, config.loop) for name, module in self.modules.items()
        }
        self._shown: list[Tensor] = []

    def batches(self, first_step: int, steps: int) -> Iterator[UnpairedBatch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        return resumable_batches(self.samples, loop.seed, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: UnpairedBatch) -> Mapping[str, Tensor]:
        """Make a step of the generators and one of the discriminators; returns the parts of the losses."""
        ends: dict[Direction, Tensor] = {
            "a2b": batch["a"].to(self.device).float() / 255,
            "b2a": batch["b"].to(self.device).float() / 255,
        }
        clip = self.config.loop.gradient_clip
        self.discriminators.requires_grad_(False)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            steps = {direction: self.translators.steps(start, direction) for direction, start in ends.items()}
            figures = self._generator_losses(ends, steps)
        backward_and_step(figures["loss"], self.optimizers[self.averaged], self.translators, clip)
        self.discriminators.requires_grad_(True)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            judged = [
                self.discriminators.loss(direction, ends[_BACK[direction]], steps[direction][-1]) for direction in ends
            ]
            figures["discriminators"] = torch.stack(judged).sum()
        backward_and_step(figures["discriminators"], self.optimizers["discriminators"], self.discriminators, clip)
        self._shown = [ends["a2b"], steps["a2b"][-1], ends["b2a"], steps["b2a"][-1]]
        return {name: value.detach() for name, value in figures.items()}

    def _generator_losses(
        self, ends: dict[Direction, Tensor], steps: dict[Direction, list[Tensor]]
    ) -> dict[str, Tensor]:
        weights = self.config.loss
        fooled = [self.discriminators.fooled_loss(direction, made[-1]) for direction, made in steps.items()]
        figures = {"adversarial": torch.stack(fooled).sum()}
        total = figures["adversarial"]
        if weights.cycle > 0:
            found = [self._way_back(ends[direction], steps[direction], direction) for direction in ends]
            figures["cycle"] = torch.stack(found).sum()
            total = total + weights.cycle * figures["cycle"]
        if weights.similarity > 0:
            figures["similarity"] = (steps["a2b"][0] - steps["b2a"][0]).abs().mean()
            total = total + weights.similarity * figures["similarity"]
        return {"loss": total.float(), **figures}

    def _way_back(self, start: Tensor, made: list[Tensor], direction: Direction) -> Tensor:
        """Return how far pictures are from those that they were made from, once they are made back (eqs. 8.2, 8.7).

        The way back from the m-th picture is through the last m generators of the other direction: what m generators
        did is undone by m of them. Without inner cycles only the whole way counts.
        """
        row = self.translators.row(_BACK[direction])
        counts = range(1, len(made) + 1) if self.config.loss.inner else (len(made),)
        losses = []
        for count in counts:
            # the whole way back goes through all, even if there are more of them than of those before
            back = row if count == len(made) else row[-min(count, len(row)) :]
            losses.append((applied(back, made[count - 1])[-1] - start).abs().mean())
        return torch.stack(losses).sum()

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write both directions in half precision, and the last step's pictures: A, its translation, B, its own."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / f"{ARCHITECTURE}.safetensors", half_precision(module), ARCHITECTURE, config)
        if self._shown:
            write_rows(self._shown, folder / "training.png")
        return {"exported_step": float(step)}


def _adam(module: nn.Module, loop: LoopConfig) -> torch.optim.Optimizer:
    return torch.optim.Adam(module.parameters(), lr=loop.learning_rate, betas=_MOMENTA, weight_decay=loop.weight_decay)
