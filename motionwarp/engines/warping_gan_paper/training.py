"""Training of stage II of the `paper` preset (`motionwarp train warping-gan --preset paper`)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.checkpoints.checkpoint import half_precision, load_checkpoint, save_checkpoint
from motionwarp.engines.warping_gan_paper.config import (
    KnownWarpConfig,
    PaperGeneratorTrainingConfig,
    PaperMatcherTrainingConfig,
    PaperParserTrainingConfig,
)
from motionwarp.engines.warping_gan_paper.data import PaperBatch, PaperInputs, paper_batches, paper_inputs
from motionwarp.engines.warping_gan_paper.networks import (
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
from motionwarp.perception.network import Analyzer, AnalyzerConfig
from motionwarp.training.adversary import Adversary
from motionwarp.training.distributed import backward_and_step
from motionwarp.training.pretrained import adam, frozen
from motionwarp.training.preview import SHOWN_ROWS, colored, write_rows
from motionwarp.training.task import TrainingTask
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
    """Return how far two parsings differ, two scalars: `l1` and `cross_entropy`, means over the pixels that the target knows.

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
    """Return the mean bending energy of splines (..., 2, K*K), a scalar: their second derivatives, squared and integrated."""
    matrix = bending_matrix(control_size(theta_tps)).to(device=theta_tps.device, dtype=torch.float32)
    flat = theta_tps.float()
    energy: Tensor = ((flat @ matrix) * flat).sum(-1).mean()
    return energy


def random_warps(
    count: int, height: int, width: int, control_size: int, config: KnownWarpConfig, device: torch.device
) -> PartWarps:
    """Draw warps between pictures of `height` x `width` with torch's own random numbers.

    Returns
    -------
    PartWarps
        One part: theta_affine (count, 1, 2, 3) in pixels, theta_tps (count, 1, 2, K*K).
    """

    def drawn(*shape: int) -> Tensor:
        return 2 * torch.rand(*shape, device=device) - 1

    turn, slant = (math.radians(limit) * drawn(count) for limit in (config.degrees, config.shear))
    scale = torch.exp2(config.scale * drawn(count))
    cosine, sine, slope = turn.cos() * scale, turn.sin() * scale, slant.tan()
    linear = torch.stack([cosine, cosine * slope - sine, sine, sine * slope + cosine], dim=-1).view(count, 2, 2)
    # half of a picture's larger side is one unit in both directions, so that turning does not squeeze what is not square
    aspect = torch.tensor([width, height], device=device) / max(height, width)
    linear = linear * aspect / aspect[:, None]
    in_units = torch.cat([linear, config.shift * drawn(count, 2, 1)], dim=-1)
    to_units = normalizing_map(height, width, device=device)
    theta_affine = compose_affine(invert_affine(to_units), compose_affine(in_units, to_units))
    theta_tps = config.bend * drawn(count, 1, 2, control_size**2)
    return PartWarps(theta_affine[:, None], theta_tps)


MATCHER_ARCHITECTURE: Final = "geometric_matcher"


class PaperMatcherTask(TrainingTask):
    """The matcher by how well it lays the source's parsing onto the target's, and by warps that are known."""

    averaged = "matcher"

    def __init__(self, config: PaperMatcherTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = GeometricMatcher(config.network)
        if config.start_from is not None:
            load_checkpoint(config.start_from, MATCHER_ARCHITECTURE).load_into(network)
        self.matcher = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.modules = {"matcher": self.matcher}
        self.optimizers = {"matcher": adam(self.matcher, config.loop)}

    def batches(self, first_step: int, steps: int) -> Iterator[PaperBatch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        return paper_batches(self.config.data, loop.seed, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: PaperBatch) -> Mapping[str, Tensor]:
        """Make one step; returns the parts of the loss."""
        self.matcher.train()
        seen = paper_inputs(batch, self.device)
        figures = self._losses(seen.source_parsing, seen.target_parsing)
        backward_and_step(figures["loss"], self.optimizers["matcher"], self.matcher, self.config.loop.gradient_clip)
        with torch.no_grad():
            figures["l1_without"] = parsing_agreement(seen.source_parsing, seen.target_parsing)["l1"]
        return {name: value.detach() for name, value in figures.items()}

    def _losses(self, source: Tensor, target: Tensor) -> dict[str, Tensor]:
        weights = self.config.loss
        warps = self._matched(source, target)
        figures = parsing_agreement(warped_parsing(source, warps), target)
        figures["bending"] = bending_loss(warps.theta_tps)
        total = (
            weights.l1 * figures["l1"]
            + weights.cross_entropy * figures["cross_entropy"]
            + weights.bending * figures["bending"]
        )
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
        save_checkpoint(
            folder / f"{MATCHER_ARCHITECTURE}.safetensors", half_precision(module), MATCHER_ARCHITECTURE, config
        )
        return {"exported_step": float(step)}


PARSER_ARCHITECTURE: Final = "pose_guided_parser"
# condition picture, its parsing, target pose
_PARSER_CONDITION_CHANNELS: Final = 3 + CLASS_COUNT + POINT_COUNT


class PaperParserTask(TrainingTask):
    """Stage I by the cross-entropy of its classes and by a discriminator of parsings (section 3.2)."""

    averaged = "parser"

    def __init__(self, config: PaperParserTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = PoseGuidedParser(config.network)
        if config.start_from is not None:
            load_checkpoint(config.start_from, PARSER_ARCHITECTURE).load_into(network)
        self.parser = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.modules: dict[str, nn.Module] = {"parser": self.parser}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"parser": adam(self.parser, config.loop)}
        self._last: tuple[Tensor, Tensor] | None = None
        self.adversary = None
        if config.loss.adversarial > 0 or config.loss.pyramid > 0:
            self.adversary = Adversary(
                _PARSER_CONDITION_CHANNELS, CLASS_COUNT, config.adversary, config.loop, device, dtype
            )
            self.modules["discriminator"] = self.adversary.discriminator
            self.optimizers["discriminator"] = self.adversary.optimizer

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
        backward_and_step(figures["loss"], self.optimizers["parser"], self.parser, self.config.loop.gradient_clip)
        if self.adversary is not None:
            figures |= self.adversary.learn()
        self._last = (logits[:SHOWN_ROWS].detach().argmax(1), seen.target_labels[:SHOWN_ROWS])
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
        """Write `pose_guided_parser.safetensors` in half precision, and a picture: predicted, true."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(
            folder / f"{PARSER_ARCHITECTURE}.safetensors", half_precision(module), PARSER_ARCHITECTURE, config
        )
        if self._last is not None:
            write_rows([colored(parsing) for parsing in self._last], folder / "training.png")
        return {"exported_step": float(step)}


GENERATOR_ARCHITECTURE: Final = "warping_generator"
# condition picture, its parsing, target pose, target parsing
_GENERATOR_CONDITION_CHANNELS: Final = 3 + CLASS_COUNT + POINT_COUNT + CLASS_COUNT


class PaperGeneratorTask(TrainingTask):
    """Stage II by eq. 3: adversarial, pixel, perceptual and pyramid hierarchy loss."""

    averaged = "generator"

    def __init__(self, config: PaperGeneratorTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = WarpingGenerator(config.network)
        if config.start_from is not None:
            load_checkpoint(config.start_from, GENERATOR_ARCHITECTURE).load_into(network)
        self.generator = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.parser = (
            None
            if config.parser is None
            else frozen((PoseGuidedParser, PoseGuidedParserConfig), config.parser, "pose_guided_parser", device)
        )
        self.matcher = (
            None
            if config.matcher is None
            else frozen((GeometricMatcher, GeometricMatcherConfig), config.matcher, "geometric_matcher", device)
        )
        self._check_size()
        self.features = self._perceptual_features()
        self.modules: dict[str, nn.Module] = {"generator": self.generator}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"generator": adam(self.generator, config.loop)}
        self.adversary = None
        if config.loss.adversarial > 0 or config.loss.pyramid > 0:
            self.adversary = Adversary(_GENERATOR_CONDITION_CHANNELS, 3, config.adversary, config.loop, device, dtype)
            self.modules["discriminator"] = self.adversary.discriminator
            self.optimizers["discriminator"] = self.adversary.optimizer
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
        backward_and_step(figures["loss"], self.optimizers["generator"], self.generator, self.config.loop.gradient_clip)
        if self.adversary is not None:
            figures |= self.adversary.learn()
        self._last = seen.source_rgb[:SHOWN_ROWS], made.detach()[:SHOWN_ROWS], seen.target_rgb[:SHOWN_ROWS]
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
            condition = torch.cat(
                [2 * seen.source_rgb - 1, seen.source_parsing, seen.target_heatmaps, target_parsing], dim=1
            )
            figures |= self.adversary.verdict(condition, (2 * made - 1) * seen.inside, (2 * true - 1) * seen.inside)
            total = total + weights.adversarial * figures["adversarial"] + weights.pyramid * figures["pyramid"]
        return {"loss": total, **figures}

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write the generator, all networks in one file if stage I and the matcher are there, and a picture: source, made, true."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(
            folder / f"{GENERATOR_ARCHITECTURE}.safetensors", half_precision(module), GENERATOR_ARCHITECTURE, config
        )
        if self.parser is not None and self.matcher is not None:
            assert isinstance(module, WarpingGenerator)
            networks = PaperNetworks(self.parser, self.matcher, module)
            save_paper_networks(folder / "warping_gan_paper.safetensors", networks, {"step": str(step)})
        if self._last is not None:
            write_rows(self._last, folder / "training.png")
        return {"exported_step": float(step)}

    def _perceptual_features(self) -> AnalyzerFeatures | VggFeatures | None:
        if self.config.loss.perceptual <= 0:
            return None
        if self.config.vgg is not None:
            return VggFeatures(self.config.vgg).to(self.device)
        return AnalyzerFeatures(frozen((Analyzer, AnalyzerConfig), "analyser", "analyser", self.device))

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
