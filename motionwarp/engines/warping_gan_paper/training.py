"""The training of the three networks (`motionwarp train warping_gan_paper parser|matcher|generator`)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.engines.crop_gan.data import CropBatch, CropInputs, crop_inputs
from motionwarp.engines.crop_gan.training import CropGanTask
from motionwarp.engines.warping_gan_paper.config import (
    KnownWarpConfig,
    PaperGeneratorTrainingConfig,
    PaperMatcherTrainingConfig,
    PaperParserTrainingConfig,
)
from motionwarp.engines.warping_gan_paper.networks import (
    ARCHITECTURE,
    GeometricMatcher,
    GeometricMatcherConfig,
    PaperNetworks,
    PoseGuidedParser,
    PoseGuidedParserConfig,
    WarpingGenerator,
    save_paper_networks,
)
from motionwarp.errors import OptionError
from motionwarp.geometry.affine import compose_affine, invert_affine
from motionwarp.geometry.grids import normalizing_map, sample
from motionwarp.geometry.thin_plate import bending_matrix, control_size
from motionwarp.geometry.warps import PartWarps
from motionwarp.nn.losses.perceptual import VggFeatures, perceptual_loss
from motionwarp.nn.losses.reconstruction import weighted_l1
from motionwarp.parsing.labels import BACKGROUND, CLASS_COUNT, IGNORE
from motionwarp.perception.features import AnalyzerFeatures
from motionwarp.training.network_task import weighted_sum
from motionwarp.training.pretrained import load_frozen, perceptual_features
from motionwarp.training.preview import SHOWN_ROWS, colored
from motionwarp.types import POINT_COUNT

_LEAST = 1e-4  # probability, so that a class that is nowhere near does not count without limit


def warped_parsing(parsing: Tensor, warps: PartWarps) -> Tensor:
    """Warp a parsing; what comes from beyond the picture is background.

    Parameters
    ----------
    parsing : float (B, 20, H, W)
    warps : PartWarps
        One part a picture, (B, 1, ...), between pictures of this size.

    Returns
    -------
    float (B, 20, H, W)
        Sums to 1 over the classes.
    """
    height, width = parsing.shape[-2:]
    moved = sample(parsing, warps.sampling_grid(height, width, height, width)[:, 0])
    person = torch.cat([moved[:, :BACKGROUND], moved[:, BACKGROUND + 1 :]], dim=1)
    rest = (1 - person.sum(1, keepdim=True)).clamp_min(0)
    return torch.cat([moved[:, :BACKGROUND], rest, moved[:, BACKGROUND + 1 :]], dim=1)


def parsing_agreement(warped: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Return how far two parsings differ, `l1` and `cross_entropy`: means over the pixels that the target knows.

    Parameters
    ----------
    warped : float (B, 20, H, W)
        Probabilities.
    target : float (B, 20, H, W)
        One-hot, zeros where not known.
    """
    known = target.sum(1, keepdim=True)
    count = known.sum().clamp_min(1)
    return {
        "l1": (known * (warped - target).abs()).sum() / count,
        "cross_entropy": -(target * warped.clamp_min(_LEAST).log()).sum() / count,
    }


def grid_loss(predicted: PartWarps, true: PartWarps, height: int, width: int, points: int = 20) -> Tensor:
    """Return the mean squared distance of a grid's points under two warps (Rocco et al. 2017, eq. 4), a scalar.

    Parameters
    ----------
    predicted, true : PartWarps
        Between pictures of `height` x `width`.
    height, width : int
    points : int
        In each direction; 20 in the paper.

    Returns
    -------
    float tensor
        In units of half the picture's size.
    """
    device = predicted.theta_affine.device
    frame = normalizing_map(height, width, device=device)
    size = torch.tensor([width, height], device=device, dtype=torch.float32)
    line = torch.linspace(0, 1, points, device=device)
    y, x = torch.meshgrid(line, line, indexing="ij")
    grid = torch.stack([x, y], dim=-1).view(-1, 2) * (size - 1)  # in pixels
    difference = predicted.map_points(grid, frame) - true.map_points(grid, frame)
    loss: Tensor = (2 * difference / size).square().sum(-1).mean()
    return loss


def bending_loss(theta_tps: Tensor) -> Tensor:
    """Return the mean bending energy of splines (..., 2, K*K): their second derivatives, squared and integrated."""
    matrix = bending_matrix(control_size(theta_tps)).to(device=theta_tps.device, dtype=torch.float32)
    flat = theta_tps.float()
    energy: Tensor = ((flat @ matrix) * flat).sum(-1).mean()
    return energy


def random_warps(shape: tuple[int, ...], control_size: int, config: KnownWarpConfig, device: torch.device) -> PartWarps:
    """Draw warps between pictures with torch's own random numbers.

    Parameters
    ----------
    shape : tuple of int
        Shape of the pictures, (count, ..., H, W).
    control_size : int
    config : KnownWarpConfig
    device : torch.device

    Returns
    -------
    PartWarps
        One part: theta_affine (count, 1, 2, 3) in pixels, theta_tps (count, 1, 2, K*K).
    """
    count, height, width = shape[0], *shape[-2:]

    def drawn(*sizes: int) -> Tensor:
        return 2 * torch.rand(*sizes, device=device) - 1

    turn, slant = (math.radians(limit) * drawn(count) for limit in (config.degrees, config.shear))
    scale = torch.exp2(config.scale * drawn(count))
    cosine, sine, slope = turn.cos() * scale, turn.sin() * scale, slant.tan()
    linear = torch.stack([cosine, cosine * slope - sine, sine, sine * slope + cosine], dim=-1).view(count, 2, 2)
    # half of a picture's larger side is one unit in both directions, so that turning does not squeeze what is not
    # square
    aspect = torch.tensor([width, height], device=device) / max(height, width)
    linear = linear * aspect / aspect[:, None]
    in_units = torch.cat([linear, config.shift * drawn(count, 2, 1)], dim=-1)
    to_units = normalizing_map(height, width, device=device)
    theta_affine = compose_affine(invert_affine(to_units), compose_affine(in_units, to_units))
    theta_tps = config.bend * drawn(count, 1, 2, control_size**2)
    return PartWarps(theta_affine[:, None], theta_tps)


class PaperMatcherTask(CropGanTask[PaperMatcherTrainingConfig]):
    """The matcher by how well it lays the source's parsing onto the target's, and by warps that are known."""

    averaged = "matcher"
    architecture = "geometric_matcher"

    def make_network(self) -> GeometricMatcher:
        """Return the matcher."""
        return GeometricMatcher(self.config.network)

    def losses(self, batch: CropBatch) -> dict[str, Tensor]:
        """Return the loss, its parts, and the L1 of parsings that are not warped."""
        inputs = crop_inputs(batch, self.device)
        source, target = inputs.source_parsing, inputs.target_parsing
        warps = self._matched(source, target)
        parts = parsing_agreement(warped_parsing(source, warps), target)
        parts["bending"] = bending_loss(warps.theta_tps)
        if self.config.loss.grid > 0:
            truth = random_warps(source.shape, self.config.network.control_size, self.config.known, self.device)
            found = self._matched(source, warped_parsing(source, truth))
            parts["grid"] = grid_loss(found, truth, *source.shape[-2:])
        with torch.no_grad():
            without = parsing_agreement(source, target)["l1"]
        return {"loss": weighted_sum(parts, self.config.loss), **parts, "l1_without": without}

    def _matched(self, source: Tensor, target: Tensor) -> PartWarps:
        with self.autocast():
            warps: PartWarps = self.network(source, target)
        return warps


# condition picture, its parsing, target pose
_PARSER_CONDITION_CHANNELS: Final = 3 + CLASS_COUNT + POINT_COUNT


class PaperParserTask(CropGanTask[PaperParserTrainingConfig]):
    """Stage I by the cross-entropy of its classes and by a discriminator of parsings (section 3.2)."""

    averaged = "parser"
    architecture = "pose_guided_parser"

    def __init__(self, config: PaperParserTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(config, device, dtype)
        self.add_adversary(_PARSER_CONDITION_CHANNELS, CLASS_COUNT)

    def make_network(self) -> PoseGuidedParser:
        """Return stage I."""
        return PoseGuidedParser(self.config.network)

    def losses(self, batch: CropBatch) -> dict[str, Tensor]:
        """Return the loss, its parts, and the share of the person's pixels whose class is right."""
        inputs = crop_inputs(batch, self.device)
        with self.autocast():
            logits = self.network(
                inputs.source_rgb, inputs.source_parsing, inputs.source_heatmaps, inputs.target_heatmaps
            ).float()
        parts = {"cross_entropy": functional.cross_entropy(logits, inputs.target_labels, ignore_index=IGNORE)}
        figures = {"loss": weighted_sum(parts, self.config.loss), **parts}
        if self.adversary is not None:
            condition = torch.cat([2 * inputs.source_rgb - 1, inputs.source_parsing, inputs.target_heatmaps], dim=1)
            # pixels whose class is not known are empty in both, so that nothing is learned from them
            known = inputs.target_parsing.sum(1, keepdim=True)
            self.add_adversarial_losses(figures, condition, logits.softmax(1) * known, inputs.target_parsing)
        classes = logits.detach().argmax(1)
        self.shown = [colored(labels[:SHOWN_ROWS]) for labels in (classes, inputs.target_labels)]
        person = (inputs.target_labels != IGNORE) & (inputs.target_labels != BACKGROUND)
        figures["right"] = (classes == inputs.target_labels)[person].float().sum() / person.sum().clamp_min(1)
        return figures


# condition picture, its parsing, target pose, target parsing
_GENERATOR_CONDITION_CHANNELS: Final = 3 + CLASS_COUNT + POINT_COUNT + CLASS_COUNT


class PaperGeneratorTask(CropGanTask[PaperGeneratorTrainingConfig]):
    """Stage II by eq. 3: adversarial, pixel, perceptual and pyramid hierarchy loss."""

    averaged = "generator"
    architecture = "warping_generator"

    def __init__(self, config: PaperGeneratorTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(config, device, dtype)
        self.parser: PoseGuidedParser | None = None
        self.matcher: GeometricMatcher | None = None
        if config.parser is not None:
            kind = (PoseGuidedParser, PoseGuidedParserConfig)
            self.parser = load_frozen(kind, config.parser, PaperParserTask.architecture, device)
        if config.matcher is not None:
            matcher_kind = (GeometricMatcher, GeometricMatcherConfig)
            self.matcher = load_frozen(matcher_kind, config.matcher, PaperMatcherTask.architecture, device)
        self._check_size()
        self.features = self._perceptual_features()
        self.add_adversary(_GENERATOR_CONDITION_CHANNELS, 3)

    def make_network(self) -> WarpingGenerator:
        """Return stage II."""
        return WarpingGenerator(self.config.network)

    def losses(self, batch: CropBatch) -> dict[str, Tensor]:
        """Return the loss and its parts."""
        inputs = crop_inputs(batch, self.device)
        with self.autocast():
            target_parsing, grid = self._planned(inputs)
            made = self.network(
                inputs.source_rgb,
                inputs.source_parsing,
                target_parsing,
                inputs.source_heatmaps,
                inputs.target_heatmaps,
                grid,
            ).rgb.float()
        shown = inputs.source_rgb, made.detach(), inputs.target_rgb
        self.shown = [picture[:SHOWN_ROWS] for picture in shown]
        return self.picture_losses(made, inputs, target_parsing)

    @torch.no_grad()
    def _planned(self, inputs: CropInputs) -> tuple[Tensor, Tensor]:
        """Return the target parsing (B, 20, H, W) and the transformation grid (B, H, W, 2) that stage II is given."""
        target_parsing = inputs.target_parsing
        if self.parser is not None:
            logits = self.parser(
                inputs.source_rgb, inputs.source_parsing, inputs.source_heatmaps, inputs.target_heatmaps
            )
            target_parsing = logits.float().softmax(1)
        height, width = inputs.source_rgb.shape[-2:]
        if self.matcher is None:
            warps = PartWarps.identity(len(target_parsing), 1, size=3, device=self.device)
        else:
            warps = self.matcher(inputs.source_parsing, target_parsing)
        return target_parsing, warps.sampling_grid(height, width, height, width)[:, 0]

    def picture_losses(self, made: Tensor, inputs: CropInputs, target_parsing: Tensor) -> dict[str, Tensor]:
        """Return the loss of pictures (B, 3, H, W) and its parts.

        Parameters
        ----------
        made : float32 (B, 3, H, W)
        inputs : CropInputs
        target_parsing : float (B, 20, H, W)
            What stage II was given.
        """
        weights, true = self.config.loss, inputs.target_rgb
        figures = {"pixel": weighted_l1(made, true, inputs.inside)}
        total = weights.pixel * figures["pixel"]
        if self.features is not None:
            # beyond the target's picture nothing is known: there the made picture is right
            whole = true * inputs.inside + made.detach() * (1 - inputs.inside)
            with self.autocast():
                perceptual = perceptual_loss(self.features, made, whole)
            figures[f"perceptual_{self.features.name}"] = perceptual
            total = total + weights.perceptual * perceptual
        figures = {"loss": total, **figures}
        if self.adversary is not None:
            # the same parsing stands beside both pictures: a predicted one is soft and would give the made picture away
            condition = torch.cat(
                [2 * inputs.source_rgb - 1, inputs.source_parsing, inputs.target_heatmaps, target_parsing], dim=1
            )
            judged = ((2 * picture - 1) * inputs.inside for picture in (made, true))
            self.add_adversarial_losses(figures, condition, *judged)
        return figures

    def export_engine(self, module: nn.Module, folder: Path, step: int) -> None:
        """Write all networks in one file if stage I and the matcher are there."""
        if self.parser is not None and self.matcher is not None:
            assert isinstance(module, WarpingGenerator)
            networks = PaperNetworks(self.parser, self.matcher, module)
            save_paper_networks(folder / f"{ARCHITECTURE}.safetensors", networks, {"step": str(step)})

    def _perceptual_features(self) -> AnalyzerFeatures | VggFeatures | None:
        if self.config.loss.perceptual <= 0:
            return None
        return perceptual_features(self.config.vgg, "vgg19", self.device)

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
