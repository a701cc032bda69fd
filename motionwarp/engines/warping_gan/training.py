"""Training of stage II of the `parts` preset (`motionwarp train warping-gan`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.checkpoints.checkpoint import half_precision, save_checkpoint
from motionwarp.engines.warping_gan.config import (
    PartGeneratorTrainingConfig,
    PartParserTrainingConfig,
)
from motionwarp.engines.warping_gan.data import PartBatch, PartSamples, batch_quarter_inputs, part_batches
from motionwarp.engines.warping_gan.inputs import (
    QuarterInputs,
    part_maps,
    pose_change,
    quarter_inputs,
    stage_one_probabilities,
)
from motionwarp.engines.warping_gan.networks import (
    ARCHITECTURE,
    COMPOSITE,
    PART_COUNT,
    STAGE_ONE_CHANNELS,
    PartGenerator,
    PartGeneratorOutput,
    PartParser,
    PartParserConfig,
    PartParserOutput,
    WarpingNetworks,
    apply_blend,
    blend_variance,
    painted_share,
    save_warping_networks,
)
from motionwarp.nn.losses.perceptual import perceptual_loss
from motionwarp.nn.losses.reconstruction import (
    alpha_sharpness_loss,
    blend_variance_loss,
    copy_prior_loss,
    gradient_l1,
    over_background,
    structure_loss,
    weighted_l1,
)
from motionwarp.parsing.labels import CLASS_COUNT, IGNORE
from motionwarp.perception.features import AnalyzerFeatures
from motionwarp.perception.network import Analyzer, AnalyzerConfig
from motionwarp.puppet import parts
from motionwarp.training.adversary import Adversary
from motionwarp.training.analyzer.samples import PackShare
from motionwarp.training.distributed import backward_and_step
from motionwarp.training.pretrained import adamw, frozen, trained
from motionwarp.training.preview import SHOWN_ROWS, colored, write_rows
from motionwarp.training.task import TrainingTask
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH

# limbs, stage I's prediction, RGB and alpha of the closed-form composite
CONDITION_CHANNELS: Final = PART_COUNT + STAGE_ONE_CHANNELS + 4
# limbs, the source's classes where the affine maps put them, RGB and alpha of the closed-form composite
PARSER_CONDITION_CHANNELS: Final = PART_COUNT + CLASS_COUNT + 4


def _within(network: str) -> tuple[str, str]:
    """Return where one of the engine's networks lies in the file that holds all of them."""
    return ARCHITECTURE, network


def part_adversary(config: PartGeneratorTrainingConfig, device: torch.device, dtype: torch.dtype) -> Adversary | None:
    """Return the discriminator, or None if neither its verdict nor its features have any weight."""
    if config.loss.adversarial <= 0 and config.loss.pyramid <= 0:
        return None
    return Adversary(CONDITION_CHANNELS, 3, config.adversary, config.loop, device, dtype)


def parser_adversary(config: PartParserTrainingConfig, device: torch.device, dtype: torch.dtype) -> Adversary | None:
    """Return stage I's discriminator, or None if neither its verdict nor its features have any weight."""
    if config.loss.adversarial <= 0 and config.loss.pyramid <= 0:
        return None
    return Adversary(PARSER_CONDITION_CHANNELS, STAGE_ONE_CHANNELS, config.adversary, config.loop, device, dtype)


def parser_condition(seen: QuarterInputs) -> Tensor:
    """Return what stage I's discriminator is told, float (B, 39, H/4, W/4): as in section 3.1.1, with the composite as the picture."""
    return torch.cat([seen.limbs, seen.classes, seen.layers[:, 4 * COMPOSITE :]], dim=1).float()


def judged_parsings(output: PartParserOutput, parsing: Tensor, in_front: Tensor) -> tuple[Tensor, Tensor]:
    """Return what stage I's discriminator judges.

    Parameters
    ----------
    output : PartParserOutput
    parsing, in_front : int64 (B, H/4, W/4)
        The true ones, 255 where not known.

    Returns
    -------
    made, true : float (B, 36, H/4, W/4)
        Probabilities of classes and of the part in front; nothing in both where the truth is not known, so that nothing is told from that.
    """
    planes = []
    for logits, truth in ((output.parsing_logits, parsing), (output.in_front_logits, in_front)):
        known = truth != IGNORE
        true = functional.one_hot(torch.where(known, truth, 0), logits.shape[1]).permute(0, 3, 1, 2)
        planes.append((logits.float().softmax(1) * known[:, None], true.float() * known[:, None]))
    made, true = (torch.cat(each, dim=1) for each in zip(*planes, strict=True))
    return made, true


def adversary_condition(limbs: Tensor, stage_one: Tensor, layers: Tensor) -> Tensor:
    """Return what the discriminator is told.

    The paper tells it the condition picture and the target pose (section 3.1.3); here the condition picture is the composite of
    its warped parts, so that the same place of both is compared.

    Parameters
    ----------
    limbs : float (B, 15, H/2, W/2)
    stage_one : float (B, 36, H/4, W/4)
    layers : float (B, 16, 4, H/2, W/2)

    Returns
    -------
    float (B, 55, H/2, W/2)
    """
    fine = functional.interpolate(stage_one.float(), scale_factor=2.0, mode="nearest")
    return torch.cat([limbs.float(), fine, layers[:, COMPOSITE].float()], dim=1)


PARSER_ARCHITECTURE = "part_parser"


class PartParserTask(TrainingTask):
    """Stage I by two cross-entropies, the classes and which part is in front, and by a discriminator of both where it is asked for."""

    averaged = "parser"

    def __init__(self, config: PartParserTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = PartParser(config.network)
        if config.start_from is not None:
            trained(config.start_from, PARSER_ARCHITECTURE, _within("parser")).load_into(network)
        self.parser = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.modules: dict[str, nn.Module] = {"parser": self.parser}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"parser": adamw(self.parser, config.loop)}
        self.adversary = parser_adversary(config, device, dtype)
        if self.adversary is not None:
            self.modules["discriminator"] = self.adversary.discriminator
            self.optimizers["discriminator"] = self.adversary.optimizer
        weights = torch.ones(PART_COUNT + 1)
        weights[[part for limb in (parts.RIGHT_ARM, parts.LEFT_ARM) for part in limb.parts]] = config.limb_weight
        self._part_weights = weights.to(device)
        self._last: tuple[Tensor, Tensor] | None = None

    def batches(self, first_step: int, steps: int) -> Iterator[PartBatch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        samples = PartSamples(self.config.packs, loop.seed)
        return part_batches(samples, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: PartBatch) -> Mapping[str, Tensor]:
        """Make one step; returns the parts of the loss."""
        self.parser.train()
        seen = batch_quarter_inputs(batch, self.device)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            output = PartParserOutput(
                *self.parser(*(plane.contiguous(memory_format=torch.channels_last) for plane in seen))
            )
        parsing, in_front = batch["parsing"].to(self.device).long(), batch["in_front"].to(self.device).long()
        weights = self.config.loss
        figures = {
            "parsing": functional.cross_entropy(output.parsing_logits.float(), parsing, ignore_index=IGNORE),
            "in_front": functional.cross_entropy(
                output.in_front_logits.float(), in_front, self._part_weights, ignore_index=IGNORE
            ),
        }
        loss = weights.parsing * figures["parsing"] + weights.in_front * figures["in_front"]
        if self.adversary is not None:
            figures |= self.adversary.verdict(parser_condition(seen), *judged_parsings(output, parsing, in_front))
            loss = loss + weights.adversarial * figures["adversarial"] + weights.pyramid * figures["pyramid"]
        backward_and_step(loss, self.optimizers["parser"], self.parser, self.config.loop.gradient_clip)
        if self.adversary is not None:
            figures |= self.adversary.learn()
        self._last = (output.parsing_logits[:SHOWN_ROWS].detach().argmax(1), parsing[:SHOWN_ROWS])
        right = (output.in_front_logits.argmax(1) == in_front)[in_front < PART_COUNT].float().mean()
        return {"loss": loss.detach(), **{name: value.detach() for name, value in figures.items()}, "right": right}

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write `part_parser.safetensors` in half precision, and a picture: predicted, true."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / "part_parser.safetensors", half_precision(module), PARSER_ARCHITECTURE, config)
        if self._last is not None:
            write_rows([colored(parsing) for parsing in self._last], folder / "training.png")
        return {"exported_step": float(step)}


GENERATOR_ARCHITECTURE = "part_generator"
_VALIDATION_BATCHES = 8
_BRIGHTNESS = 0.15  # largest change of a channel's gain


class _Seen(NamedTuple):
    layers: Tensor  # (B, 16, 4, H/2, W/2)
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
            trained(config.start_from, GENERATOR_ARCHITECTURE, _within("generator")).load_into(network)
        self.generator = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.parser = frozen((PartParser, PartParserConfig), config.parser, "part_parser", device, _within("parser"))
        self.features = None
        if config.loss.perceptual > 0:
            self.features = AnalyzerFeatures(frozen((Analyzer, AnalyzerConfig), "analyser", "analyser", device))
        self.modules: dict[str, nn.Module] = {"generator": self.generator}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"generator": adamw(self.generator, config.loop)}
        self.adversary = part_adversary(config, device, dtype)
        if self.adversary is not None:
            self.modules["discriminator"] = self.adversary.discriminator
            self.optimizers["discriminator"] = self.adversary.optimizer
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
        rgb, alpha = apply_blend(layers, recipe)
        told = None if self.adversary is None else adversary_condition(seen.limbs, seen.stage_one, layers)
        figures = self._losses(rgb, alpha, target, matte, inside, told)
        self._add_regularizers(figures, layers, recipe, rgb, alpha, matte, inside)
        backward_and_step(figures["loss"], self.optimizers["generator"], self.generator, self.config.loop.gradient_clip)
        if self.adversary is not None:
            figures |= self.adversary.learn()
        gray = torch.full((len(points), 3), 0.5, device=self.device)
        self._last = (
            layers[:SHOWN_ROWS, -1, :3] + 0.5 * (1 - layers[:SHOWN_ROWS, -1, 3:]),
            over_background(rgb.detach(), alpha.detach(), gray)[:SHOWN_ROWS],
            over_background(target, matte, gray)[:SHOWN_ROWS],
        )
        with torch.no_grad():
            shown = layers[:, -1]
            closed = weighted_l1(shown[:, :3] + 0.5 * (1 - shown[:, 3:]), over_background(target, matte, gray), inside)
            figures["grey_l1"] = weighted_l1(
                over_background(rgb, alpha, gray), over_background(target, matte, gray), inside
            )
            figures["layered_l1"] = closed
        return {name: value.detach() for name, value in figures.items()}

    @torch.no_grad()
    def _seen(self, batch: PartBatch, layers: Tensor) -> _Seen:
        """Return what stage II sees of a batch whose layers are (B, 16, 4, H/2, W/2), after stage I."""
        points = batch["points"].to(self.device)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            quarter = quarter_inputs(layers, batch["classes"].to(self.device), points)
            stage_one = stage_one_probabilities(self.parser(*quarter))
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
                figures["perceptual"] = perceptual_loss(
                    self.features, made, true * inside + made.detach() * (1 - inside)
                )
            total = total + weights.perceptual * figures["perceptual"]
        if self.adversary is not None and told is not None:
            figures |= self.adversary.verdict(told, made * inside, true * inside)
            total = total + weights.adversarial * figures["adversarial"] + weights.pyramid * figures["pyramid"]
        return {"loss": total, **figures}

    def _add_regularizers(
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
            "painting": lambda: copy_prior_loss(painted_share(layers, recipe), layers[:, -1, 3:], inside * matte),
            "hedging": lambda: alpha_sharpness_loss(alpha, matte, inside),
            "ghosting": lambda: blend_variance_loss(blend_variance(layers, recipe, rgb), inside * matte),
        }
        for name, loss in manners.items():
            weight = getattr(weights, name)
            if weight > 0:
                figures[name] = loss()
                figures["loss"] = figures["loss"] + weight * figures[name]

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write the generator alone, all networks in one file for use, and a picture: closed form, made, true."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / "part_generator.safetensors", half_precision(module), GENERATOR_ARCHITECTURE, config)
        assert isinstance(module, PartGenerator)
        save_warping_networks(
            folder / "warping_gan.safetensors", WarpingNetworks(self.parser, module), {"step": str(step)}
        )
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
            gray = torch.full((len(layers), 3), 0.5, device=self.device)
            target = over_background(
                batch["rgb"].to(self.device).float() / 255, batch["matte"].to(self.device).float() / 255, gray
            )
            seen = self._seen(batch, layers)
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                recipe = module(*seen.planes)
            made = over_background(*apply_blend(seen.layers, recipe), gray)
            closed = layers[:, -1, :3] + 0.5 * (1 - layers[:, -1, 3:])
            for name, picture in (("made", made), ("closed", closed)):
                figures = weighted_l1(picture, target, inside), 1 - structure_loss(picture, target, inside, stride=1)
                for figure, value in zip(("l1", "ssim"), figures, strict=True):
                    key = f"validation_{figure}_{name}"
                    sums[key] = sums.get(key, 0.0) + float(value) / _VALIDATION_BATCHES
        return sums
