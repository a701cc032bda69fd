"""Training of the analyser (`motionwarp train analyzer`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from motionwarp.parsing.labels import CLASS_COUNT, IGNORE, LEFT_ARM, LEFT_LEG, RIGHT_ARM, RIGHT_LEG
from motionwarp.perception.network import HEATMAP_STRIDE, Analyzer, AnalyzerConfig, AnalyzerOutput
from motionwarp.training.analyzer.augment import AugmentSettings
from motionwarp.training.analyzer.samples import AnalyzerBatch, AnalyzerCrops
from motionwarp.training.network_task import NetworkTask
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig

_LIMBS: Final = (LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG)


@dataclass(frozen=True)
class AnalysisLossWeights:
    """Weights of the parts of the analyser's loss.

    Attributes
    ----------
    points, parsing, matte : float
    limbs : float
        Weight of the pixels of bare arms and legs in the parsing's loss, relative to others: they are few, and each
        counts for much in a mean IoU.
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

    The label has mass `p` around the true position, a Gaussian of standard deviation `spread` cells, and 1 - p in
    'absent', where p is the label's third column.
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

    After Rahman and Wang, "Optimizing intersection-over-union in deep neural networks for image segmentation" (2016):
    over the probabilities of a whole batch, since most classes are in few pictures.

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


class AnalyzerTask(NetworkTask[AnalyzerTrainingConfig, AnalyzerBatch]):
    """One analyzer, AdamW, and crops drawn from packs."""

    averaged = architecture = "analyser"
    newer = ("facing_head",)

    def make_network(self) -> Analyzer:
        """Return an analyzer of the configured size."""
        return Analyzer(self.config.network)

    def samples(self) -> AnalyzerCrops:
        """Return the training crops."""
        return AnalyzerCrops(self.config.packs, self.config.augment, self.config.loop.seed)

    def losses(self, batch: AnalyzerBatch) -> dict[str, Tensor]:
        """Return `analysis_loss` and its parts."""
        image = self.plane(batch["image"]).contiguous(memory_format=torch.channels_last)
        with self.autocast():
            output = self.network(image)
        loss = analysis_loss(
            output,
            batch["points"].to(self.device),
            batch["parsing"].to(self.device).long(),
            self.plane(batch["matte"]),
            self.config.loss,
            batch["facing"].to(self.device),
        )
        parts = {"points": loss.points, "parsing": loss.parsing, "matte": loss.matte, "facing": loss.facing}
        return {"loss": loss.total, **parts}
