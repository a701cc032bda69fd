"""Training of stage II of the `paper` preset (`motionwarp train warping-gan --preset paper`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from motionwarp.data.paper_batches import PaperBatch, PaperInputs, paper_batches, paper_inputs
from motionwarp.engines.paper_networks import PaperNetworks, save_paper_networks
from motionwarp.errors import OptionError
from motionwarp.geometry.warps import PartWarps
from motionwarp.losses.perceptual import AnalyserFeatures, perceptual_loss
from motionwarp.losses.person import weighted_l1
from motionwarp.losses.vgg import VggFeatures
from motionwarp.networks.analyser import Analyser
from motionwarp.networks.geometric_matcher import GeometricMatcher
from motionwarp.networks.pose_guided_parser import PoseGuidedParser
from motionwarp.networks.warping_generator import WarpingGenerator
from motionwarp.parsing.labels import CLASS_COUNT
from motionwarp.training.adversary import Adversary
from motionwarp.training.frozen import frozen
from motionwarp.training.loop import TrainingTask
from motionwarp.training.optimisers import adam
from motionwarp.training.paper_config import PaperGeneratorTrainingConfig
from motionwarp.training.parallel import descend
from motionwarp.training.picture_rows import write_rows
from motionwarp.types import POINT_COUNT
from motionwarp.weights import half_precision, load_checkpoint, save_checkpoint

ARCHITECTURE: Final = "warping_generator"
_SHOWN = 6  # rows of the picture that an export writes
# condition picture, its parsing, target pose, target parsing
_CONDITION_CHANNELS: Final = 3 + CLASS_COUNT + POINT_COUNT + CLASS_COUNT


class PaperGeneratorTask(TrainingTask):
    """Stage II by eq. 3: adversarial, pixel, perceptual and pyramid hierarchy loss."""

    averaged = "generator"

    def __init__(self, config: PaperGeneratorTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = WarpingGenerator(config.network)
        if config.start_from is not None:
            load_checkpoint(config.start_from, ARCHITECTURE).load_into(network)
        self.generator = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.parser = None if config.parser is None else frozen(PoseGuidedParser, config.parser, "pose_guided_parser", device)
        self.matcher = None if config.matcher is None else frozen(GeometricMatcher, config.matcher, "geometric_matcher", device)
        self._check_size()
        self.features = self._perceptual_features()
        self.modules: dict[str, nn.Module] = {"generator": self.generator}
        self.optimisers: dict[str, torch.optim.Optimizer] = {"generator": adam(self.generator, config.loop)}
        self.adversary = None
        if config.loss.adversarial > 0 or config.loss.pyramid > 0:
            self.adversary = Adversary(_CONDITION_CHANNELS, 3, config.adversary, config.loop, device, dtype)
            self.modules["discriminator"] = self.adversary.discriminator
            self.optimisers["discriminator"] = self.adversary.optimiser
        self._last: tuple[Tensor, Tensor, Tensor] | None = None

    def batches(self, first_step: int, steps: int) -> Iterator[PaperBatch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        return paper_batches(self.config.data, loop.seed, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: PaperBatch) -> Mapping[str, Tensor]:
        """Make one step; returns the parts of the loss."""
        self.generator.train()
        seen = paper_inputs(batch, self.device)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            target_parsing, grid = self._planned(seen)
            made = self.generator(
                seen.source_rgb, seen.source_parsing, target_parsing, seen.source_heatmaps, seen.target_heatmaps, grid
            ).rgb
        figures = self._losses(made.float(), seen, target_parsing)
        descend(figures["loss"], self.optimisers["generator"], self.generator, self.config.loop.gradient_clip)
        if self.adversary is not None:
            figures |= self.adversary.learn()
        self._last = seen.source_rgb[:_SHOWN], made.detach()[:_SHOWN], seen.target_rgb[:_SHOWN]
        return {name: value.detach() for name, value in figures.items()}

    @torch.no_grad()
    def _planned(self, seen: PaperInputs) -> tuple[Tensor, Tensor]:
        """Return the target parsing (B, 20, H, W) and the transformation grid (B, H, W, 2) that stage II is given."""
        target_parsing = seen.target_parsing
        if self.parser is not None:
            logits = self.parser(seen.source_rgb, seen.source_parsing, seen.source_heatmaps, seen.target_heatmaps)
            target_parsing = logits.float().softmax(1)
        height, width = seen.source_rgb.shape[-2:]
        if self.matcher is None:
            warps = PartWarps.identity(len(target_parsing), 1, size=3, device=self.device)
        else:
            warps = self.matcher(seen.source_parsing, target_parsing)
        return target_parsing, warps.sampling_grid(height, width, height, width)[:, 0]

    def _losses(self, made: Tensor, seen: PaperInputs, target_parsing: Tensor) -> dict[str, Tensor]:
        weights = self.config.loss
        true = seen.target_rgb
        figures = {"pixel": weighted_l1(made, true, seen.inside)}
        total = weights.pixel * figures["pixel"]
        if self.features is not None:
            # beyond the target's picture nothing is known: there the made picture is right
            whole = true * seen.inside + made.detach() * (1 - seen.inside)
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                perceptual = perceptual_loss(self.features, made, whole)
            figures[f"perceptual_{self.features.name}"] = perceptual
            total = total + weights.perceptual * perceptual
        if self.adversary is not None:
            # the same parsing stands beside both pictures: a predicted one is soft and would give the made picture away
            condition = torch.cat([2 * seen.source_rgb - 1, seen.source_parsing, seen.target_heatmaps, target_parsing], dim=1)
            figures |= self.adversary.verdict(condition, (2 * made - 1) * seen.inside, (2 * true - 1) * seen.inside)
            total = total + weights.adversarial * figures["adversarial"] + weights.pyramid * figures["pyramid"]
        return {"loss": total, **figures}

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write the generator, all networks in one file if stage I and the matcher are there, and a picture: source, made, true."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / f"{ARCHITECTURE}.safetensors", half_precision(module), ARCHITECTURE, config)
        if self.parser is not None and self.matcher is not None:
            assert isinstance(module, WarpingGenerator)
            networks = PaperNetworks(self.parser, self.matcher, module)
            save_paper_networks(folder / "warping_gan_paper.safetensors", networks, {"step": str(step)})
        if self._last is not None:
            write_rows(self._last, folder / "training.png")
        return {"exported_step": float(step)}

    def _perceptual_features(self) -> AnalyserFeatures | VggFeatures | None:
        if self.config.loss.perceptual <= 0:
            return None
        if self.config.vgg is not None:
            return VggFeatures(self.config.vgg).to(self.device)
        return AnalyserFeatures(frozen(Analyser, "analyser", "analyser", self.device))

    def _check_size(self) -> None:
        data = self.config.data
        if self.matcher is None or (self.matcher.config.height, self.matcher.config.width) == (data.height, data.width):
            return
        own = self.matcher.config
        raise OptionError(
            f"the matcher was trained at {own.height} x {own.width}, the data is {data.height} x {data.width}",
            subject=self.config.matcher,
            remedy="Train both at one size.",
        )
