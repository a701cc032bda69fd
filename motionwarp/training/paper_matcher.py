"""Training of the geometric matcher of the `paper` preset (`motionwarp train matcher --preset paper`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from motionwarp.data.paper_batches import PaperBatch, paper_batches, paper_inputs
from motionwarp.geometry.warps import PartWarps
from motionwarp.losses.matching import bending_loss, grid_loss, parsing_agreement, warped_parsing
from motionwarp.networks.geometric_matcher import GeometricMatcher
from motionwarp.training.known_warps import random_warps
from motionwarp.training.loop import TrainingTask
from motionwarp.training.optimisers import adam
from motionwarp.training.paper_config import PaperMatcherTrainingConfig
from motionwarp.training.parallel import descend
from motionwarp.weights import half_precision, load_checkpoint, save_checkpoint

ARCHITECTURE: Final = "geometric_matcher"


class PaperMatcherTask(TrainingTask):
    """The matcher by how well it lays the source's parsing onto the target's, and by warps that are known."""

    averaged = "matcher"

    def __init__(self, config: PaperMatcherTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = GeometricMatcher(config.network)
        if config.start_from is not None:
            load_checkpoint(config.start_from, ARCHITECTURE).load_into(network)
        self.matcher = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.modules = {"matcher": self.matcher}
        self.optimisers = {"matcher": adam(self.matcher, config.loop)}

    def batches(self, first_step: int, steps: int) -> Iterator[PaperBatch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        return paper_batches(self.config.data, loop.seed, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: PaperBatch) -> Mapping[str, Tensor]:
        """Make one step; returns the parts of the loss."""
        self.matcher.train()
        seen = paper_inputs(batch, self.device)
        figures = self._losses(seen.source_parsing, seen.target_parsing)
        descend(figures["loss"], self.optimisers["matcher"], self.matcher, self.config.loop.gradient_clip)
        with torch.no_grad():
            figures["l1_without"] = parsing_agreement(seen.source_parsing, seen.target_parsing)["l1"]
        return {name: value.detach() for name, value in figures.items()}

    def _losses(self, source: Tensor, target: Tensor) -> dict[str, Tensor]:
        weights = self.config.loss
        warps = self._matched(source, target)
        figures = parsing_agreement(warped_parsing(source, warps), target)
        figures["bending"] = bending_loss(warps.theta_tps)
        total = weights.l1 * figures["l1"] + weights.cross_entropy * figures["cross_entropy"] + weights.bending * figures["bending"]
        if weights.grid > 0:
            height, width = source.shape[-2:]
            size = self.config.network.control_size
            truth = random_warps(len(source), height, width, size, self.config.known, self.device)
            found = self._matched(source, warped_parsing(source, truth))
            figures["grid"] = grid_loss(found, truth, height, width)
            total = total + weights.grid * figures["grid"]
        return {"loss": total, **figures}

    def _matched(self, source: Tensor, target: Tensor) -> PartWarps:
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            warps: PartWarps = self.matcher(source, target)
        return warps

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write `geometric_matcher.safetensors` in half precision."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / f"{ARCHITECTURE}.safetensors", half_precision(module), ARCHITECTURE, config)
        return {"exported_step": float(step)}
