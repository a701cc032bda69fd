"""Training of the analyser (`motionwarp train analyzer`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.checkpoints.checkpoint import half_precision, load_checkpoint, save_checkpoint
from motionwarp.parsing.labels import CLASS_COUNT, IGNORE, LEFT_ARM, LEFT_LEG, RIGHT_ARM, RIGHT_LEG
from motionwarp.perception.network import HEATMAP_STRIDE, Analyzer, AnalyzerConfig, AnalyzerOutput
from motionwarp.training.analyzer.augment import AugmentSettings
from motionwarp.training.analyzer.samples import AnalyzerBatch, AnalyzerCrops, PackShare, analyzer_batches
from motionwarp.training.distributed import backward_and_step
from motionwarp.training.pretrained import adamw
from motionwarp.training.task import LoopConfig, TrainingTask

_LIMBS: Final = (LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG)


@dataclass(frozen=True)
class AnalysisLossWeights:
    """Weights of the parts of the analyser's loss.

    Attributes
    ----------
    points, parsing, matte : float
    limbs : float
        Weight of the pixels of bare arms and legs in the parsing's loss, relative to others: they are few, and each counts for
        much in a mean IoU.
    overlap : float
        Of one minus the mean soft IoU of the classes: cross-entropy alone never bets on the rare ones, such as skirts.
    matte_edges : float
        Of the L1 between the gradients of the mattes, so that outlines are sharp.
    facing : float
        Of the direction the person faces, where the network tells it.
    spread : float
        Standard deviation of a point's label in heatmap cells.
    """

    points: float = 1.0
    parsing: float = 2.0
    limbs: float = 1.0
    overlap: float = 0.5
    matte: float = 2.0
    matte_edges: float = 1.0
    facing: float = 0.1
    spread: float = 1.1


class AnalysisLoss(NamedTuple):
    """The total and its parts, all scalars."""

    total: Tensor
    points: Tensor
    parsing: Tensor
    matte: Tensor
    facing: Tensor


def analysis_loss(
    output: AnalyzerOutput,
    points: Tensor,
    parsing: Tensor,
    matte: Tensor,
    weights: AnalysisLossWeights,
    facing: Tensor | None = None,
) -> AnalysisLoss:
    """Return the analyser's loss on a batch.

    Parameters
    ----------
    output : AnalyzerOutput
    points : float32 (B, 18, 3)
        Crop pixels and the probability with which the point should be reported.
    parsing : int64 (B, H/2, W/2)
        LIP classes, 255 where not known.
    matte : float32 (B, 1, H/2, W/2)
        Coverage in [0, 1].
    weights : AnalysisLossWeights
    facing : float32 (B, 2) or None
        Cosine and sine of the direction, zeros where it is not known.
    """
    of_points = point_loss(output, points, weights.spread)
    class_weights = parsing.new_ones(CLASS_COUNT, dtype=torch.float32)
    class_weights[list(_LIMBS)] = weights.limbs
    of_parsing = functional.cross_entropy(
        output.parsing_logits.float(), parsing, weight=class_weights, ignore_index=IGNORE
    )
    of_overlap = overlap_loss(output.parsing_logits, parsing)
    logits = output.matte_logits.float()
    of_matte = functional.binary_cross_entropy_with_logits(logits, matte)
    of_edges = _gradient_difference(logits.sigmoid(), matte)
    matte_total = weights.matte * of_matte + weights.matte_edges * of_edges
    total = weights.points * of_points + weights.parsing * of_parsing + weights.overlap * of_overlap + matte_total
    of_facing = total.new_zeros(())
    if facing is not None and output.facing is not None:
        of_facing = facing_loss(output.facing, facing)
        total = total + weights.facing * of_facing
    return AnalysisLoss(total, of_points.detach(), of_parsing.detach(), of_matte.detach(), of_facing.detach())


def facing_loss(predicted: Tensor, facing: Tensor) -> Tensor:
    """Negative log-likelihood of the true directions under the predicted von Mises distributions, a scalar, mean over those known.

    Parameters
    ----------
    predicted : float (B, 3)
        As `AnalyzerOutput.facing`.
    facing : float32 (B, 2)
        Cosine and sine; zeros where it is not known.
    """
    predicted = predicted.float()
    direction = functional.normalize(predicted[:, :2], dim=1, eps=1e-6)
    concentration = predicted[:, 2].clamp(-4, 5).exp()
    agreement = (direction * facing).sum(dim=1)
    # log of the modified Bessel function I0, scaled against overflow
    likelihood = concentration * (agreement - 1) - torch.special.i0e(concentration).log()
    known = (facing.norm(dim=1) > 0).to(likelihood)
    # without a direction of some length its gradient would be unbounded
    length = (predicted[:, :2].norm(dim=1) - 1) ** 2
    loss: Tensor = ((0.01 * length - likelihood) * known).sum() / known.sum().clamp_min(1)
    return loss


def point_loss(output: AnalyzerOutput, points: Tensor, spread: float) -> Tensor:
    """Cross-entropy of every point over all cells and the bin 'absent', a scalar.

    The label has mass `p` around the true position, a Gaussian of standard deviation `spread` cells, and 1 - p in 'absent',
    where p is the label's third column.
    """
    height, width = output.heatmap_logits.shape[-2:]
    logits = torch.cat([output.heatmap_logits.flatten(2), output.absent_logits[..., None]], dim=-1).float()
    log_probabilities = logits.log_softmax(dim=-1)  # (B, 18, h*w + 1)
    center = (HEATMAP_STRIDE - 1) / 2
    cells = (points[..., :2] - center) / HEATMAP_STRIDE
    column = _bump(cells[..., 0], width, spread)  # (B, 18, w)
    row = _bump(cells[..., 1], height, spread)
    label = (row[..., :, None] * column[..., None, :]).flatten(2) * points[..., 2:]  # (B, 18, h*w)
    located = -(label * log_probabilities[..., :-1]).sum(dim=-1)
    absent = -(1 - points[..., 2]) * log_probabilities[..., -1]
    return (located + absent).mean()


def overlap_loss(logits: Tensor, parsing: Tensor) -> Tensor:
    """One minus the soft intersection over union, averaged over the classes that the batch shows, a scalar.

    After Rahman and Wang, "Optimizing intersection-over-union in deep neural networks for image segmentation" (2016): over the
    probabilities of a whole batch, since most classes are in few pictures.

    Parameters
    ----------
    logits : float (B, C, h, w)
    parsing : int64 (B, h, w)
        Classes, 255 where not known. Without any known pixel the loss is 0.
    """
    known = parsing != IGNORE
    probabilities = logits.float().softmax(dim=1) * known[:, None]
    truth = functional.one_hot(parsing.where(known, 0), logits.shape[1]).movedim(-1, 1) * known[:, None]
    over = (0, 2, 3)
    shared, pixels = (probabilities * truth).sum(over), truth.sum(over)
    union = probabilities.sum(over) + pixels - shared
    present = pixels > 0
    return ((1 - shared / union.clamp_min(1.0)) * present).sum() / present.sum().clamp_min(1)


def _bump(position: Tensor, length: int, spread: float) -> Tensor:
    cells = torch.arange(length, device=position.device, dtype=torch.float32)
    exponent = -((cells - position[..., None]) ** 2) / (2 * spread**2)
    return exponent.softmax(dim=-1)  # the Gaussian, normalised within the map


def _gradient_difference(predicted: Tensor, wanted: Tensor) -> Tensor:
    across = functional.l1_loss(predicted.diff(dim=-1), wanted.diff(dim=-1))
    down = functional.l1_loss(predicted.diff(dim=-2), wanted.diff(dim=-2))
    return across + down


@dataclass(frozen=True)
class AnalyzerTrainingConfig:
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
    network: AnalyzerConfig = field(default_factory=AnalyzerConfig)
    loss: AnalysisLossWeights = field(default_factory=AnalysisLossWeights)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    loop: LoopConfig = field(default_factory=LoopConfig)


class AnalyzerTask(TrainingTask):
    """One analyser, AdamW, and crops drawn from packs."""

    averaged = "analyser"

    def __init__(self, config: AnalyzerTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = Analyzer(config.network)
        if config.start_from is not None:
            load_checkpoint(config.start_from, "analyser").load_into(network, new=("facing_head",))
        self.analyzer = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.modules = {"analyser": self.analyzer}
        self.optimizers = {"analyser": adamw(self.analyzer, config.loop)}

    def batches(self, first_step: int, steps: int) -> Iterator[AnalyzerBatch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        crops = AnalyzerCrops(self.config.packs, self.config.augment, loop.seed)
        return analyzer_batches(crops, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: AnalyzerBatch) -> Mapping[str, Tensor]:
        """Make one step; returns the parts of the loss."""
        self.analyzer.train()
        image = batch["image"].to(self.device, non_blocking=True).float().div_(255)
        image = image.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            output = self.analyzer(image)
        loss = analysis_loss(
            output,
            batch["points"].to(self.device),
            batch["parsing"].to(self.device).long(),
            batch["matte"].to(self.device).float().div_(255),
            self.config.loss,
            batch["facing"].to(self.device),
        )
        backward_and_step(loss.total, self.optimizers["analyser"], self.analyzer, self.config.loop.gradient_clip)
        return {
            "loss": loss.total.detach(),
            "points": loss.points,
            "parsing": loss.parsing,
            "matte": loss.matte,
            "facing": loss.facing,
        }

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write `analyzer.safetensors` in half precision."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / "analyser.safetensors", half_precision(module), "analyser", config)
        return {"exported_step": float(step)}
