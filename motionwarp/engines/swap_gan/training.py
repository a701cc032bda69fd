"""SwapGAN's training: three generators against one discriminator of pairs, with two kinds of fakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from motionwarp.checkpoints.checkpoint import half_precision, load_checkpoint, save_checkpoint
from motionwarp.data.loader import resumable_batches
from motionwarp.engines.crop_gan.data import CropBatch, CropPairs
from motionwarp.engines.crop_gan.validation import picture_figures
from motionwarp.engines.swap_gan.config import SwapGanTrainingConfig
from motionwarp.engines.swap_gan.data import SwapPicture, both_roles, role_of
from motionwarp.engines.swap_gan.networks import ARCHITECTURE, SwapGanNetworks
from motionwarp.nn.blocks import start_small
from motionwarp.nn.discriminator import PatchDiscriminator
from motionwarp.training.distributed import backward_and_step
from motionwarp.training.pretrained import adam
from motionwarp.training.preview import SHOWN_ROWS, write_rows
from motionwarp.training.task import TrainingTask

_PAIR_CHANNELS: Final = 6


class SwapGanTask(TrainingTask):
    """All three generators and the discriminator.

    Parameters
    ----------
    config : SwapGanTrainingConfig
    device : torch.device
    dtype : torch.dtype
        Type of the activations.
    """

    averaged = "generators"

    def __init__(self, config: SwapGanTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        self.networks = SwapGanNetworks(config.network)
        self.discriminator = PatchDiscriminator(config.network.discriminator_base, _PAIR_CHANNELS)
        self.discriminator.apply(start_small)
        if config.start_from is not None:
            load_checkpoint(config.start_from, ARCHITECTURE).load_into(self.networks)
        self.modules: dict[str, nn.Module] = {self.averaged: self.networks, "discriminator": self.discriminator}
        for module in self.modules.values():
            module.to(device)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: adam(module, config.loop) for name, module in self.modules.items()
        }
        self._shown: list[Tensor] = []

    def batches(self, first_step: int, steps: int) -> Iterator[CropBatch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        samples = CropPairs(self.config.data, loop.seed)
        return resumable_batches(samples, loop.seed, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: CropBatch) -> Mapping[str, Tensor]:
        """Make a step of the generators and one of the discriminator; returns the parts of the losses."""
        reference, condition = both_roles(batch, self.device)
        clip = self.config.loop.gradient_clip
        self.discriminator.requires_grad_(False)
        with self._autocast():
            figures, made, back = self._generator_losses(reference, condition)
        backward_and_step(figures["loss"], self.optimizers[self.averaged], self.networks, clip)
        self.discriminator.requires_grad_(True)
        with self._autocast():
            figures["discriminator"] = self._discriminator_loss(reference, condition, made.detach(), back)
        backward_and_step(figures["discriminator"], self.optimizers["discriminator"], self.discriminator, clip)
        self._shown = [condition.rgb, reference.rgb, made.detach()]
        if back is not None:
            self._shown.append(back.detach())
        return {name: value.detach() for name, value in figures.items()}

    def _generator_losses(
        self, reference: SwapPicture, condition: SwapPicture
    ) -> tuple[dict[str, Tensor], Tensor, Tensor | None]:
        weights, networks = self.config.loss, self.networks
        made: Tensor = networks.to_reference(condition.rgb, reference.pose)
        figures = {"reference": self._fooled(made, condition.rgb)}
        total = weights.reference * figures["reference"]
        back: Tensor | None = None
        if self.config.brings_back:
            back = networks.to_condition(made, condition.segments)
            figures["condition"] = self._fooled(reference.rgb, back)
            total = total + weights.condition * figures["condition"]
        if self.config.has_masks:
            figures["mask"] = (networks.mask(made) - reference.mask).abs().mean()
            if back is not None:
                figures["mask"] = figures["mask"] + (networks.mask(back) - condition.mask).abs().mean()
            total = total + weights.mask * figures["mask"]
        return {"loss": total.float(), **figures}, made, back

    def _fooled(self, first: Tensor, second: Tensor) -> Tensor:
        judged: Tensor = self.discriminator(torch.cat([first, second], dim=1))
        return (judged - 1).square().mean()

    def _discriminator_loss(
        self, reference: SwapPicture, condition: SwapPicture, made: Tensor, back: Tensor | None
    ) -> Tensor:
        """Return what the discriminator minimizes: one real pair, and a fake in either place."""
        real = self._fooled(reference.rgb, condition.rgb)
        fakes = [torch.cat([made, condition.rgb], dim=1)]
        if back is not None:
            fakes.append(torch.cat([reference.rgb, back.detach()], dim=1))
        loss: Tensor = real + torch.stack([self.discriminator(fake).square().mean() for fake in fakes]).sum()
        return loss.float()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write the generators in half precision, and the last step's pictures: condition, reference, results."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / f"{ARCHITECTURE}.safetensors", half_precision(module), ARCHITECTURE, config)
        if self._shown:
            write_rows([column[:SHOWN_ROWS] for column in self._shown], folder / "training.png")
        return {"exported_step": float(step), **self.validate(module)}

    def draw(self, network: nn.Module, batch: CropBatch) -> Tensor:
        """Return a batch's sources in the targets' poses, by G_I, float (B, 3, H, W) in [0, 1]."""
        condition, reference = (role_of(batch, role, self.device) for role in ("source", "target"))
        made: Tensor = network(condition.rgb, reference.pose)
        return made

    @torch.no_grad()
    def validate(self, module: nn.Module) -> dict[str, float]:
        """Return how well G_I draws held-out pairs, beside the condition pictures left as they are."""
        if self.config.validation is None:
            return {}
        network = module.eval()
        draw = partial(self.draw, network)
        return picture_figures(draw, self.config.validation, self.config.data, self.device)
