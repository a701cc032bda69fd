"""Training of stage II of the `parts` preset (`motionwarp train warping-gan`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from motionwarp.data.analyser_samples import PackShare
from motionwarp.data.part_batches import PartBatch, PartSamples, part_batches
from motionwarp.engines.layer_stack import matched_layers
from motionwarp.engines.part_inputs import in_front_of, quarter_inputs, stage_one_probabilities
from motionwarp.engines.part_maps import part_maps, pose_change
from motionwarp.engines.warping_networks import WarpingNetworks, save_warping_networks
from motionwarp.losses.perceptual import AnalyserFeatures, perceptual_loss
from motionwarp.losses.person import (
    ghosting_loss,
    gradient_l1,
    hedging_loss,
    over_background,
    painting_loss,
    structure_loss,
    weighted_l1,
)
from motionwarp.networks.analyser import Analyser
from motionwarp.networks.part_generator import PartGenerator, PartGeneratorOutput, blend_variance, follow_recipe, painted_share
from motionwarp.networks.part_matcher import PartMatcher
from motionwarp.networks.part_parser import PartParser
from motionwarp.training.frozen import frozen, trained
from motionwarp.training.loop import TrainingTask
from motionwarp.training.optimisers import adamw
from motionwarp.training.parallel import descend
from motionwarp.training.part_adversary import adversary_condition, part_adversary
from motionwarp.training.parts_config import PartGeneratorTrainingConfig
from motionwarp.training.picture_rows import write_rows
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH
from motionwarp.weights import half_precision, save_checkpoint

ARCHITECTURE = "part_generator"
_SHOWN = 6  # rows of the picture that an export writes
_VALIDATION_BATCHES = 8
_BRIGHTNESS = 0.15  # largest change of a channel's gain


class _Seen(NamedTuple):
    layers: Tensor  # (B, 16, 4, H/2, W/2), matched
    limbs: Tensor  # (B, 15, H/2, W/2)
    stage_one: Tensor  # (B, 36, H/4, W/4)
    change: Tensor  # (B, 60)

    @property
    def planes(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The generator's arguments."""
        layers = self.layers.flatten(1, 2).contiguous(memory_format=torch.channels_last)
        return layers, self.limbs, self.stage_one, self.change


class PartGeneratorTask(TrainingTask):
    """Stage II by what its recipe makes of the parts, over backgrounds of random colours."""

    averaged = "generator"

    def __init__(self, config: PartGeneratorTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = PartGenerator(config.network)
        if config.start_from is not None:
            trained(config.start_from, ARCHITECTURE).load_into(network)
        self.generator = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.parser = frozen(PartParser, config.parser, "part_parser", device)
        self.matcher = None if config.matcher is None else frozen(PartMatcher, config.matcher, "part_matcher", device)
        self.features = None
        if config.loss.perceptual > 0:
            self.features = AnalyserFeatures(frozen(Analyser, "analyser", "analyser", device))
        self.modules: dict[str, nn.Module] = {"generator": self.generator}
        self.optimisers: dict[str, torch.optim.Optimizer] = {"generator": adamw(self.generator, config.loop)}
        self.adversary = part_adversary(config, device, dtype)
        if self.adversary is not None:
            self.modules["discriminator"] = self.adversary.discriminator
            self.optimisers["discriminator"] = self.adversary.optimiser
        self._last: tuple[Tensor, Tensor, Tensor] | None = None

    def batches(self, first_step: int, steps: int) -> Iterator[PartBatch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        samples = PartSamples(self.config.packs, loop.seed)
        return part_batches(samples, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: PartBatch) -> Mapping[str, Tensor]:
        """Make one step; returns the parts of the loss."""
        self.generator.train()
        points = batch["points"].to(self.device)
        gain = 1 + _BRIGHTNESS * (2 * torch.rand(len(points), 3, device=self.device) - 1)
        layers = batch["layers"].to(self.device).float().div_(255)  # (B, 16, 4, H, W)
        layers[:, :, :3] *= gain[:, None, :, None, None]
        target = batch["rgb"].to(self.device).float() / 255 * gain[..., None, None]
        matte = batch["matte"].to(self.device).float() / 255
        inside = batch["inside"].to(self.device).float() / 255
        seen = self._seen(batch, layers)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            recipe = self.generator(*seen.planes)
        layers = seen.layers
        rgb, alpha = follow_recipe(layers, recipe)
        told = None if self.adversary is None else adversary_condition(seen.limbs, seen.stage_one, layers)
        figures = self._losses(rgb, alpha, target, matte, inside, told)
        self._add_manners(figures, layers, recipe, rgb, alpha, matte, inside)
        descend(figures["loss"], self.optimisers["generator"], self.generator, self.config.loop.gradient_clip)
        if self.adversary is not None:
            figures |= self.adversary.learn()
        grey = torch.full((len(points), 3), 0.5, device=self.device)
        self._last = (
            layers[:_SHOWN, -1, :3] + 0.5 * (1 - layers[:_SHOWN, -1, 3:]),
            over_background(rgb.detach(), alpha.detach(), grey)[:_SHOWN],
            over_background(target, matte, grey)[:_SHOWN],
        )
        with torch.no_grad():
            shown = layers[:, -1]
            closed = weighted_l1(shown[:, :3] + 0.5 * (1 - shown[:, 3:]), over_background(target, matte, grey), inside)
            figures["grey_l1"] = weighted_l1(
                over_background(rgb, alpha, grey), over_background(target, matte, grey), inside
            )
            figures["layered_l1"] = closed
        return {name: value.detach() for name, value in figures.items()}

    @torch.no_grad()
    def _seen(self, batch: PartBatch, layers: Tensor) -> _Seen:
        """Return what stage II sees of a batch whose layers are (B, 16, 4, H/2, W/2), after stage I and the matcher."""
        points = batch["points"].to(self.device)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            quarter = quarter_inputs(layers, batch["classes"].to(self.device), points)
            stage_one = stage_one_probabilities(self.parser(*quarter))
            if self.matcher is not None:
                theta_tps = self.matcher(quarter.layers, in_front_of(stage_one), quarter.limbs)
                layers = matched_layers(layers, theta_tps, points, 2)
        limbs = part_maps(points, CROP_HEIGHT // 2, CROP_WIDTH // 2, 2)
        return _Seen(layers, limbs, stage_one, pose_change(batch["theta_affine"].to(self.device)))

    def _losses(
        self, rgb: Tensor, alpha: Tensor, target: Tensor, matte: Tensor, inside: Tensor, told: Tensor | None
    ) -> dict[str, Tensor]:
        weights = self.config.loss
        background = torch.rand(len(rgb), 3, device=self.device)
        made, true = over_background(rgb, alpha, background), over_background(target, matte, background)
        person = torch.maximum(matte, alpha.detach())
        weight = inside * (1 + weights.person * person)
        figures = {
            "pixel": weighted_l1(made, true, weight),
            "structure": structure_loss(made, true, inside * (0.1 + person)),
            "gradient": gradient_l1(made, true, weight),
            "alpha": weighted_l1(alpha, matte, inside),
        }
        total = (
            weights.pixel * figures["pixel"]
            + weights.structure * figures["structure"]
            + weights.gradient * figures["gradient"]
            + weights.alpha * figures["alpha"]
        )
        if self.features is not None:
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                figures["perceptual"] = perceptual_loss(self.features, made, true * inside + made.detach() * (1 - inside))
            total = total + weights.perceptual * figures["perceptual"]
        if self.adversary is not None and told is not None:
            figures |= self.adversary.verdict(told, made * inside, true * inside)
            total = total + weights.adversarial * figures["adversarial"] + weights.pyramid * figures["pyramid"]
        return {"loss": total, **figures}

    def _add_manners(
        self,
        figures: dict[str, Tensor],
        layers: Tensor,
        recipe: PartGeneratorOutput,
        rgb: Tensor,
        alpha: Tensor,
        matte: Tensor,
        inside: Tensor,
    ) -> None:
        """Add what keeps pictures honest to the loss: the source's own pixels where there are any, clear outlines, nothing seen through."""
        weights = self.config.loss
        manners: dict[str, Callable[[], Tensor]] = {
            "painting": lambda: painting_loss(painted_share(layers, recipe), layers[:, -1, 3:], inside * matte),
            "hedging": lambda: hedging_loss(alpha, matte, inside),
            "ghosting": lambda: ghosting_loss(blend_variance(layers, recipe, rgb), inside * matte),
        }
        for name, loss in manners.items():
            weight = getattr(weights, name)
            if weight > 0:
                figures[name] = loss()
                figures["loss"] = figures["loss"] + weight * figures[name]

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write the generator alone, all networks in one file for use, and a picture: closed form, made, true."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / "part_generator.safetensors", half_precision(module), ARCHITECTURE, config)
        assert isinstance(module, PartGenerator)
        save_warping_networks(folder / "warping_gan.safetensors", WarpingNetworks(self.parser, module, self.matcher), {"step": str(step)})
        if self._last is not None:
            write_rows(self._last, folder / "training.png")
        return {"exported_step": float(step), **(self.validate(module) if self.config.validation is not None else {})}

    @torch.no_grad()
    def validate(self, module: nn.Module) -> dict[str, float]:
        """Return L1 and SSIM over grey on the validation pack, of what is made and of the closed-form composite.

        Parameters
        ----------
        module : Module
            A generator in evaluation mode.
        """
        assert self.config.validation is not None
        samples = PartSamples((PackShare(self.config.validation, 1.0),), seed=0)
        sums: dict[str, float] = {}
        for batch in part_batches(samples, self.config.loop.batch_size, 0, _VALIDATION_BATCHES, 0):
            layers = batch["layers"].to(self.device).float().div_(255)
            inside = batch["inside"].to(self.device).float() / 255
            grey = torch.full((len(layers), 3), 0.5, device=self.device)
            target = over_background(batch["rgb"].to(self.device).float() / 255, batch["matte"].to(self.device).float() / 255, grey)
            seen = self._seen(batch, layers)
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                recipe = module(*seen.planes)
            made = over_background(*follow_recipe(seen.layers, recipe), grey)
            closed = layers[:, -1, :3] + 0.5 * (1 - layers[:, -1, 3:])
            for name, picture in (("made", made), ("closed", closed)):
                figures = weighted_l1(picture, target, inside), 1 - structure_loss(picture, target, inside, stride=1)
                for figure, value in zip(("l1", "ssim"), figures, strict=True):
                    key = f"validation_{figure}_{name}"
                    sums[key] = sums.get(key, 0.0) + float(value) / _VALIDATION_BATCHES
        return sums
