"""Training of stage I of the `paper` preset (`motionwarp train parser --preset paper`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.data.paper_batches import PaperBatch, PaperInputs, paper_batches, paper_inputs
from motionwarp.networks.pose_guided_parser import PoseGuidedParser
from motionwarp.parsing.labels import BACKGROUND, CLASS_COUNT, IGNORE
from motionwarp.training.adversary import Adversary
from motionwarp.training.loop import TrainingTask
from motionwarp.training.optimisers import adam
from motionwarp.training.paper_config import PaperParserTrainingConfig
from motionwarp.training.parallel import descend
from motionwarp.types import POINT_COUNT
from motionwarp.weights import half_precision, load_checkpoint, save_checkpoint

ARCHITECTURE: Final = "pose_guided_parser"
# condition picture, its parsing, target pose
_CONDITION_CHANNELS: Final = 3 + CLASS_COUNT + POINT_COUNT


class PaperParserTask(TrainingTask):
    """Stage I by the cross-entropy of its classes and by a discriminator of parsings (section 3.2)."""

    averaged = "parser"

    def __init__(self, config: PaperParserTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = PoseGuidedParser(config.network)
        if config.start_from is not None:
            load_checkpoint(config.start_from, ARCHITECTURE).load_into(network)
        self.parser = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.modules: dict[str, nn.Module] = {"parser": self.parser}
        self.optimisers: dict[str, torch.optim.Optimizer] = {"parser": adam(self.parser, config.loop)}
        self.adversary = None
        if config.loss.adversarial > 0 or config.loss.pyramid > 0:
            self.adversary = Adversary(_CONDITION_CHANNELS, CLASS_COUNT, config.adversary, config.loop, device, dtype)
            self.modules["discriminator"] = self.adversary.discriminator
            self.optimisers["discriminator"] = self.adversary.optimiser

    def batches(self, first_step: int, steps: int) -> Iterator[PaperBatch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        return paper_batches(self.config.data, loop.seed, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: PaperBatch) -> Mapping[str, Tensor]:
        """Make one step; returns the parts of the loss."""
        self.parser.train()
        seen = paper_inputs(batch, self.device)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            logits = self.parser(seen.source_rgb, seen.source_parsing, seen.source_heatmaps, seen.target_heatmaps)
        figures = self._losses(logits.float(), seen)
        descend(figures["loss"], self.optimisers["parser"], self.parser, self.config.loop.gradient_clip)
        if self.adversary is not None:
            figures |= self.adversary.learn()
        person = (seen.target_labels != IGNORE) & (seen.target_labels != BACKGROUND)
        right = (logits.argmax(1) == seen.target_labels)[person].float().sum() / person.sum().clamp_min(1)
        return {**{name: value.detach() for name, value in figures.items()}, "right": right}

    def _losses(self, logits: Tensor, seen: PaperInputs) -> dict[str, Tensor]:
        weights = self.config.loss
        figures = {"cross_entropy": functional.cross_entropy(logits, seen.target_labels, ignore_index=IGNORE)}
        total = weights.cross_entropy * figures["cross_entropy"]
        if self.adversary is not None:
            condition = torch.cat([2 * seen.source_rgb - 1, seen.source_parsing, seen.target_heatmaps], dim=1)
            # pixels whose class is not known are empty in both, so that nothing is told from them
            known = seen.target_parsing.sum(1, keepdim=True)
            figures |= self.adversary.verdict(condition, logits.softmax(1) * known, seen.target_parsing)
            total = total + weights.adversarial * figures["adversarial"] + weights.pyramid * figures["pyramid"]
        return {"loss": total, **figures}

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write `pose_guided_parser.safetensors` in half precision."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / f"{ARCHITECTURE}.safetensors", half_precision(module), ARCHITECTURE, config)
        return {"exported_step": float(step)}
