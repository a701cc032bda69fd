"""The training of both networks (`motionwarp train warping_gan parser|generator`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.checkpoints.checkpoint import Checkpoint
from motionwarp.data.loader import resumable_batches
from motionwarp.engines.warping_gan.config import (
    PartGeneratorTrainingConfig,
    PartParserTrainingConfig,
)
from motionwarp.engines.warping_gan.data import PartBatch, PartSamples, batch_body_inputs, batch_quarter_inputs
from motionwarp.engines.warping_gan.inputs import (
    BodyInputs,
    QuarterInputs,
    part_maps,
    pose_change,
    quarter_inputs,
    stage_one_probabilities,
    stage_two_inputs,
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
    covered_alpha,
    painted_share,
    save_warping_networks,
    with_room_for_body,
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
from motionwarp.puppet import parts
from motionwarp.training.network_task import NetworkTask, weighted_sum
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.pretrained import analyzer_features, load_frozen
from motionwarp.training.preview import SHOWN_ROWS, colored
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH

# limbs, stage I's prediction, RGB and alpha of the closed-form composite
CONDITION_CHANNELS: Final = PART_COUNT + STAGE_ONE_CHANNELS + 4
# limbs, the source's classes where the affine maps put them, RGB and alpha of the closed-form composite
PARSER_CONDITION_CHANNELS: Final = PART_COUNT + CLASS_COUNT + 4


def parser_condition(inputs: QuarterInputs) -> Tensor:
    """Return the condition of stage I's discriminator, float (B, 39, H/4, W/4).

    As in section 3.1.1, with the composite as the picture.
    """
    return torch.cat([inputs.limbs[:, :PART_COUNT], inputs.classes, inputs.layers[:, 4 * COMPOSITE :]], dim=1).float()


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
        Probabilities of classes and of the part in front; nothing in both where the truth is not known, so that nothing
        is told from that.
    """
    planes = []
    for logits, truth in ((output.parsing_logits, parsing), (output.in_front_logits, in_front)):
        known = truth != IGNORE
        true = functional.one_hot(torch.where(known, truth, 0), logits.shape[1]).permute(0, 3, 1, 2)
        planes.append((logits.float().softmax(1) * known[:, None], true.float() * known[:, None]))
    made, true = (torch.cat(each, dim=1) for each in zip(*planes, strict=True))
    return made, true


def adversary_condition(limbs: Tensor, stage_one: Tensor, layers: Tensor) -> Tensor:
    """Return the condition of the discriminator.

    The paper gives it the condition picture and the target pose (section 3.1.3); here the condition picture is the
    composite of its warped parts, so that the same place of both is compared.

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


_Config = TypeVar("_Config", PartParserTrainingConfig, PartGeneratorTrainingConfig)


class _PartTask(NetworkTask[_Config, PartBatch]):
    """One network, trained from part samples."""

    newer = ("turned", "body_head")

    def fitted(self, checkpoint: Checkpoint, network: nn.Module) -> Checkpoint:
        """Return weights that were made without a body with room for it."""
        assert isinstance(network, PartParser | PartGenerator)
        return with_room_for_body(checkpoint, network)

    def samples(self) -> PartSamples:
        """Return the part samples of the packs."""
        return PartSamples(self.config.packs, self.config.loop.seed, self.config.bodiless)


class PartParserTask(_PartTask[PartParserTrainingConfig]):
    """Stage I by the cross-entropies of classes and of the part in front, and by a discriminator if asked for."""

    averaged = "parser"
    architecture = "part_parser"
    engine_file = (ARCHITECTURE, "parser")

    def __init__(self, config: PartParserTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(config, device, dtype)
        self.add_adversary(PARSER_CONDITION_CHANNELS, STAGE_ONE_CHANNELS)
        weights = torch.ones(PART_COUNT + 1)
        weights[[part for limb in (parts.RIGHT_ARM, parts.LEFT_ARM) for part in limb.parts]] = config.limb_weight
        self._part_weights = weights.to(device)

    def make_network(self) -> PartParser:
        """Return stage I."""
        return PartParser(self.config.network)

    def losses(self, batch: PartBatch) -> dict[str, Tensor]:
        """Return the loss, its parts, and the share of the person's pixels whose part is right."""
        inputs = batch_quarter_inputs(batch, self.device, body=self.config.network.body)
        with self.autocast():
            planes = (plane.contiguous(memory_format=torch.channels_last) for plane in inputs)
            output = PartParserOutput(*self.network(*planes))
        parsing, in_front = batch["parsing"].to(self.device).long(), batch["in_front"].to(self.device).long()
        entropies = {
            "parsing": functional.cross_entropy(output.parsing_logits.float(), parsing, ignore_index=IGNORE),
            "in_front": functional.cross_entropy(
                output.in_front_logits.float(), in_front, self._part_weights, ignore_index=IGNORE
            ),
        }
        figures = {"loss": weighted_sum(entropies, self.config.loss), **entropies}
        if self.adversary is not None:
            judged = judged_parsings(output, parsing, in_front)
            self.add_adversarial_losses(figures, parser_condition(inputs), *judged)
        shown = output.parsing_logits[:SHOWN_ROWS].detach().argmax(1), parsing[:SHOWN_ROWS]
        self.shown = [colored(classes) for classes in shown]
        with torch.no_grad():
            figures["right"] = (output.in_front_logits.argmax(1) == in_front)[in_front < PART_COUNT].float().mean()
        return figures


_VALIDATION_BATCHES: Final = 8
_BRIGHTNESS: Final = 0.15  # largest change of a channel's gain
_GRAY: Final = 0.5


class _Inputs(NamedTuple):
    layers: Tensor  # (B, 16, 4, H/2, W/2)
    limbs: Tensor  # (B, 15, H/2, W/2)
    stage_one: Tensor  # (B, 36, H/4, W/4)
    change: Tensor  # (B, 60)
    body: BodyInputs | None

    @property
    def planes(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The generator's arguments."""
        inputs = stage_two_inputs(self.layers, self.limbs, self.stage_one, self.change, self.body)
        return inputs.layers.contiguous(memory_format=torch.channels_last), *inputs[1:]

    @property
    def blended(self) -> Tensor:
        """All layers that are blended, (B, 16 or 17, 4, H/2, W/2)."""
        return self.layers if self.body is None else torch.cat([self.layers, self.body.layer], dim=1)


class _Truth(NamedTuple):
    rgb: Tensor  # (B, 3, H/2, W/2)
    matte: Tensor  # (B, 1, H/2, W/2)
    inside: Tensor  # (B, 1, H/2, W/2), where the target's picture has pixels

    def on_gray(self) -> Tensor:
        """Return the target over gray."""
        return over_background(self.rgb, self.matte, _gray(self.rgb))


class _Made(NamedTuple):
    layers: Tensor  # (B, 16 or 17, 4, H/2, W/2)
    blend: PartGeneratorOutput
    rgb: Tensor  # (B, 3, H/2, W/2)
    alpha: Tensor  # (B, 1, H/2, W/2)

    def on_gray(self) -> Tensor:
        """Return the picture over gray."""
        return over_background(self.rgb, self.alpha, _gray(self.rgb))

    def closed_form(self) -> Tensor:
        """Return the composite of the warped parts, over gray."""
        return self.layers[:, COMPOSITE, :3] + _GRAY * (1 - self.layers[:, COMPOSITE, 3:])


def _gray(pictures: Tensor) -> Tensor:
    return torch.full((len(pictures), 3), _GRAY, device=pictures.device)


class PartGeneratorTask(_PartTask[PartGeneratorTrainingConfig]):
    """Stage II by what its blend maps make of the parts, over backgrounds of random colors."""

    averaged = "generator"
    architecture = "part_generator"
    engine_file = (ARCHITECTURE, "generator")

    def __init__(self, config: PartGeneratorTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(config, device, dtype)
        within = (ARCHITECTURE, "parser")
        self.parser = load_frozen((PartParser, PartParserConfig), config.parser, "part_parser", device, within)
        self.features = analyzer_features(device) if config.loss.perceptual > 0 else None
        self.add_adversary(CONDITION_CHANNELS, 3)

    def make_network(self) -> PartGenerator:
        """Return stage II."""
        return PartGenerator(self.config.network)

    def losses(self, batch: PartBatch) -> dict[str, Tensor]:
        """Return the loss, its parts, and the L1 over gray of the picture and of the closed form's."""
        count = len(batch["points"])
        gain = 1 + _BRIGHTNESS * (2 * torch.rand(count, 3, device=self.device) - 1)
        inputs = self._inputs(batch, gain)
        truth = self._truth(batch, gain)
        with self.autocast():
            blend = self.network(*inputs.planes)
        made = _Made(inputs.blended, blend, *apply_blend(inputs.blended, blend))
        figures = self._picture_losses(made, truth, inputs)
        self._add_regularizers(figures, made, truth)
        with torch.no_grad():
            shown = made.closed_form(), made.on_gray(), truth.on_gray()
            self.shown = [picture[:SHOWN_ROWS] for picture in shown]
            figures["grey_l1"] = weighted_l1(shown[1], shown[2], truth.inside)
            figures["layered_l1"] = weighted_l1(shown[0], shown[2], truth.inside)
        return figures

    @torch.no_grad()
    def _inputs(self, batch: PartBatch, gain: Tensor | None = None) -> _Inputs:
        """Return the inputs of stage II, with stage I's prediction; `gain` (B, 3) of the colors."""
        points = batch["points"].to(self.device)
        layers = self.plane(batch["layers"])  # (B, 16, 4, H/2, W/2)
        body = batch_body_inputs(batch, self.device)
        if gain is not None:
            layers[:, :, :3] *= gain[:, None, :, None, None]
            body.planes[:, :3] *= gain[..., None, None]
        with self.autocast():
            seen = body if self.parser.config.body else None
            stage_one = stage_one_probabilities(
                self.parser(*quarter_inputs(layers, batch["classes"].to(self.device), points, seen))
            )
        limbs = part_maps(points, CROP_HEIGHT // 2, CROP_WIDTH // 2, 2)
        change = pose_change(batch["theta_affine"].to(self.device))
        return _Inputs(layers, limbs, stage_one, change, body if self.config.network.body else None)

    def _truth(self, batch: PartBatch, gain: Tensor | None = None) -> _Truth:
        rgb, matte, inside = (self.plane(batch[key]) for key in ("rgb", "matte", "inside"))
        return _Truth(rgb if gain is None else rgb * gain[..., None, None], matte, inside)

    def _picture_losses(self, made: _Made, truth: _Truth, inputs: _Inputs) -> dict[str, Tensor]:
        weights = self.config.loss
        background = torch.rand(len(made.rgb), 3, device=self.device)
        picture = over_background(made.rgb, made.alpha, background)
        true = over_background(truth.rgb, truth.matte, background)
        person = torch.maximum(truth.matte, made.alpha.detach())
        weight = truth.inside * (1 + weights.person * person)
        parts_of_loss = {
            "pixel": weighted_l1(picture, true, weight),
            "structure": structure_loss(picture, true, truth.inside * (0.1 + person)),
            "gradient": gradient_l1(picture, true, weight),
            "alpha": weighted_l1(made.alpha, truth.matte, truth.inside),
        }
        if self.features is not None:
            # beyond the target's picture nothing is known: there the made picture is right
            whole = true * truth.inside + picture.detach() * (1 - truth.inside)
            with self.autocast():
                parts_of_loss["perceptual"] = perceptual_loss(self.features, picture, whole)
        figures = {"loss": weighted_sum(parts_of_loss, weights), **parts_of_loss}
        if self.adversary is not None:
            condition = adversary_condition(inputs.limbs, inputs.stage_one, made.layers)
            self.add_adversarial_losses(figures, condition, picture * truth.inside, true * truth.inside)
        return figures

    def _add_regularizers(self, figures: dict[str, Tensor], made: _Made, truth: _Truth) -> None:
        """Add to the loss: the source's own pixels where there are any, clear outlines, nothing seen through."""
        weights, known = self.config.loss, truth.inside * truth.matte
        regularizers: dict[str, Callable[[], Tensor]] = {
            "painting": lambda: copy_prior_loss(
                painted_share(made.layers, made.blend), covered_alpha(made.layers), known
            ),
            "hedging": lambda: alpha_sharpness_loss(made.alpha, truth.matte, truth.inside),
            "ghosting": lambda: blend_variance_loss(blend_variance(made.layers, made.blend, made.rgb), known),
        }
        for name, loss in regularizers.items():
            weight = getattr(weights, name)
            if weight > 0:
                figures[name] = loss()
                figures["loss"] = figures["loss"] + weight * figures[name]

    def export_engine(self, module: nn.Module, folder: Path, step: int) -> None:
        """Write both networks in one file for use."""
        assert isinstance(module, PartGenerator)
        save_warping_networks(
            folder / f"{ARCHITECTURE}.safetensors", WarpingNetworks(self.parser, module), {"step": str(step)}
        )

    @torch.no_grad()
    def validate(self, module: nn.Module) -> dict[str, float]:
        """Return L1 and SSIM over gray on the validation pack, of what is made and of the closed-form composite.

        Parameters
        ----------
        module : Module
            A generator in evaluation mode.
        """
        if self.config.validation is None:
            return {}
        samples = PartSamples((PackShare(self.config.validation, 1.0),), seed=0)
        sums: dict[str, float] = {}
        for batch in resumable_batches(samples, 0, self.config.loop.batch_size, 0, _VALIDATION_BATCHES, 0):
            inputs, truth = self._inputs(batch), self._truth(batch)
            with self.autocast():
                blend = module(*inputs.planes)
            made, target = _Made(inputs.blended, blend, *apply_blend(inputs.blended, blend)), truth.on_gray()
            for name, picture in (("made", made.on_gray()), ("closed", made.closed_form())):
                similarity = 1 - structure_loss(picture, target, truth.inside, stride=1)
                figures = weighted_l1(picture, target, truth.inside), similarity
                for figure, value in zip(("l1", "ssim"), figures, strict=True):
                    key = f"validation_{figure}_{name}"
                    sums[key] = sums.get(key, 0.0) + float(value) / _VALIDATION_BATCHES
        return sums
