"""The training of HPN's autoencoder (`motionwarp train hpn generator`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.data.loader import resumable_batches
from motionwarp.engines.crop_gan.data import CropBatch, CropPairs
from motionwarp.engines.crop_gan.training import CropGanTask
from motionwarp.engines.crop_gan.validation import picture_figures
from motionwarp.engines.hpn.config import HpnTrainingConfig, TrainingPhase
from motionwarp.engines.hpn.losses import ProgressivePerceptualLoss
from motionwarp.engines.hpn.networks import ARCHITECTURE, HPN_FILE, HpnNetwork
from motionwarp.nn.losses.reconstruction import weighted_l1
from motionwarp.training.pretrained import adam, perceptual_features
from motionwarp.training.preview import SHOWN_ROWS, write_rows

ADAM_MOMENTA: Final = (0.9, 0.999)  # Adam's own momenta: there is no adversary, and the paper names no others


class HpnTask(CropGanTask[HpnTrainingConfig]):
    """The autoencoder, level by level: new blocks from random values, all others trained on, L2 first and L1 then."""

    averaged = "generator"
    architecture = ARCHITECTURE
    engine_file = (ARCHITECTURE, "generator")
    # a file of a lower level lacks the outer blocks, and has convolutions from and to RGB for its own level alone
    newer = ("encoder", "decoder", "from_rgb", "to_rgb", "to_coverage")

    def __init__(self, config: HpnTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(config, device, dtype)
        self.features = perceptual_features(config.vgg, "vgg16", device)
        self.criterion = ProgressivePerceptualLoss(self.features, config.loss.pixels)
        self.phase: TrainingPhase = config.phases[0]

    def make_network(self) -> HpnNetwork:
        """Return the autoencoder with what all levels need."""
        return HpnNetwork(self.config.network, all_levels=True)

    def make_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return Adam with the paper's weight decay."""
        return adam(network, self.config.loop, ADAM_MOMENTA, weight_decay=self.config.loop.weight_decay)

    def batches(self, first_step: int, steps: int) -> Iterator[CropBatch]:
        """Yield the batches of steps `first_step` to `steps`, each at its level's size."""
        loop = self.config.loop
        for phase in self.config.phases:
            first, end = max(first_step, phase.first), min(steps, phase.end)
            if first < end:
                self.phase = phase
                pairs = CropPairs(self.config.data_at(phase.size), loop.seed)
                yield from resumable_batches(pairs, loop.seed, loop.batch_size, first, end, loop.workers)

    def losses(self, batch: CropBatch) -> dict[str, Tensor]:
        """Return the loss and its parts."""
        source, true = self.plane(batch["source_rgb"]), self.plane(batch["target_rgb"])
        inside = batch["inside"].to(self.device).float()
        with self.autocast():
            made, coverage = self._drawn(self.network, batch)
        made, coverage = made.float(), coverage.float()
        self.shown = [picture[:SHOWN_ROWS] for picture in (source, made.detach(), true)]
        # beyond the target's picture nothing is known: there the made picture is right
        whole = true * inside + made.detach() * (1 - inside)
        with self.autocast():
            parts = self.criterion(
                made,
                whole,
                batch["target_points"],
                squared=self.phase.squared,
                count=self.config.loss.count_at(self.phase.size),
            )
        learned = sum(parts.values(), start=torch.zeros((), device=self.device))
        covered = functional.binary_cross_entropy_with_logits(coverage, self.plane(batch["target_matte"]), inside)
        return {
            "loss": learned + self.config.loss.coverage * covered,
            "level": torch.tensor(float(self.phase.size)),
            **{f"{part}_{self.features.name}": value for part, value in parts.items()},
            "coverage": covered,
            # the criterion changes within a level; this figure does not
            "l1": weighted_l1(made.detach(), true, inside),
        }

    def draw(self, network: nn.Module, batch: CropBatch) -> Tensor:
        """Return what a network makes of a batch at its level, float32 (B, 3, H, W)."""
        with self.autocast():
            made = self._drawn(network, batch)[0]
        return made.float()

    def _drawn(self, network: nn.Module, batch: CropBatch) -> tuple[Tensor, Tensor]:
        assert isinstance(self.network, HpnNetwork)
        source = self.plane(batch["source_rgb"]).contiguous(memory_format=torch.channels_last)
        pose = self.network.pose_maps(batch["target_points"].to(self.device), source.shape[-2])
        made: tuple[Tensor, Tensor] = network(source, pose)
        return made

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write the level at work as the engine takes it, and its pictures; validate."""
        assert isinstance(module, HpnNetwork)
        alone = module.at_level(self.phase.size)
        HPN_FILE.save(
            folder / f"{ARCHITECTURE}.safetensors", alone, {"step": str(step), "features": self.features.name}
        )
        if self.shown:
            write_rows(self.shown, folder / "training.png")
        return {"exported_step": float(step), "level": float(self.phase.size), **self.validate(alone)}

    @torch.no_grad()
    def validate(self, module: nn.Module) -> dict[str, float]:
        """Return figures of held-out pairs at the level at work, beside those of the source as it is."""
        if self.config.validation is None:
            return {}
        data = self.config.data_at(self.phase.size)
        module.eval()
        return picture_figures(lambda batch: self.draw(module, batch), self.config.validation, data, self.device)
