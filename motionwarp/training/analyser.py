"""Training of the analyser (`motionwarp train analyser`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from motionwarp.data.analyser_samples import AnalyserBatch, AnalyserCrops, PackShare, analyser_batches
from motionwarp.data.augment import AugmentSettings
from motionwarp.losses.analysis import AnalysisLossWeights, analysis_loss
from motionwarp.networks.analyser import Analyser, AnalyserConfig
from motionwarp.training.loop import LoopConfig, TrainingTask
from motionwarp.training.optimisers import adamw
from motionwarp.training.parallel import descend
from motionwarp.weights import half_precision, load_checkpoint, save_checkpoint


@dataclass(frozen=True)
class AnalyserTrainingConfig:
    """Everything that decides what a run of the analyser gives.

    Attributes
    ----------
    packs : tuple of PackShare
    start_from : Path or None
        Weights of an analyser of the same size to begin with, such as the shipped ones; None begins at random.
    network, loss, augment, loop
        See their own classes.
    """

    packs: tuple[PackShare, ...]
    start_from: Path | None = None
    network: AnalyserConfig = field(default_factory=AnalyserConfig)
    loss: AnalysisLossWeights = field(default_factory=AnalysisLossWeights)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    loop: LoopConfig = field(default_factory=LoopConfig)


class AnalyserTask(TrainingTask):
    """One analyser, AdamW, and crops drawn from packs."""

    averaged = "analyser"

    def __init__(self, config: AnalyserTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = Analyser(config.network)
        if config.start_from is not None:
            load_checkpoint(config.start_from, "analyser").load_into(network)
        self.analyser = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.modules = {"analyser": self.analyser}
        self.optimisers = {"analyser": adamw(self.analyser, config.loop)}

    def batches(self, first_step: int, steps: int) -> Iterator[AnalyserBatch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        crops = AnalyserCrops(self.config.packs, self.config.augment, loop.seed)
        return analyser_batches(crops, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: AnalyserBatch) -> Mapping[str, Tensor]:
        """Make one step; returns the parts of the loss."""
        self.analyser.train()
        image = batch["image"].to(self.device, non_blocking=True).float().div_(255)
        image = image.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            output = self.analyser(image)
        loss = analysis_loss(
            output,
            batch["points"].to(self.device),
            batch["parsing"].to(self.device).long(),
            batch["matte"].to(self.device).float().div_(255),
            self.config.loss,
        )
        descend(loss.total, self.optimisers["analyser"], self.analyser, self.config.loop.gradient_clip)
        return {"loss": loss.total.detach(), "points": loss.points, "parsing": loss.parsing, "matte": loss.matte}

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write `analyser.safetensors` in half precision."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / "analyser.safetensors", half_precision(module), "analyser", config)
        return {"exported_step": float(step)}
