"""Training of the geometric matcher of the `parts` preset (`motionwarp train matcher`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from motionwarp.data.part_batches import PartBatch, PartSamples, batch_quarter_inputs, part_batches
from motionwarp.engines.layer_stack import matched_layers
from motionwarp.engines.part_inputs import in_front_of, stage_one_probabilities
from motionwarp.losses.person import structure_loss, weighted_l1
from motionwarp.networks.part_matcher import PartMatcher
from motionwarp.networks.part_parser import PartParser
from motionwarp.training.frozen import frozen, trained
from motionwarp.training.loop import TrainingTask
from motionwarp.training.optimisers import adamw
from motionwarp.training.parallel import descend
from motionwarp.training.parts_config import MatcherLossWeights, PartMatcherTrainingConfig
from motionwarp.weights import half_precision, save_checkpoint

ARCHITECTURE = "part_matcher"
_GREY = 0.5


class PartMatcherTask(TrainingTask):
    """The matcher by what its splines do to the picture: the composite of the matched parts should be the target."""

    averaged = "matcher"

    def __init__(self, config: PartMatcherTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = PartMatcher(config.network)
        if config.start_from is not None:
            trained(config.start_from, ARCHITECTURE).load_into(network)
        self.matcher = network.to(device)
        self.parser = frozen(PartParser, config.parser, "part_parser", device)
        self.modules = {"matcher": self.matcher}
        self.optimisers = {"matcher": adamw(self.matcher, config.loop)}

    def batches(self, first_step: int, steps: int) -> Iterator[PartBatch]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        samples = PartSamples(self.config.packs, loop.seed)
        return part_batches(samples, loop.batch_size, first_step, steps, loop.workers)

    def train_step(self, batch: PartBatch) -> Mapping[str, Tensor]:
        """Make one step; returns the parts of the loss."""
        self.matcher.train()
        seen = batch_quarter_inputs(batch, self.device)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            with torch.no_grad():
                in_front = in_front_of(stage_one_probabilities(self.parser(*seen)))
            theta_tps = self.matcher(seen.layers, in_front, seen.limbs)
        layers = batch["layers"].to(self.device).float().div_(255)
        points = batch["points"].to(self.device)
        target = Target(
            batch["rgb"].to(self.device).float() / 255,
            batch["matte"].to(self.device).float() / 255,
            batch["inside"].to(self.device).float() / 255,
        )
        figures = matcher_loss(layers, theta_tps, points, target, self.config.loss)
        descend(figures["loss"], self.optimisers["matcher"], self.matcher, self.config.loop.gradient_clip)
        with torch.no_grad():
            still = picture_loss(layers[:, -1], target, self.config.loss)
        figures["loss_without"] = still["loss"]
        return {name: value.detach() for name, value in figures.items()}

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write `part_matcher.safetensors` in half precision."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / "part_matcher.safetensors", half_precision(module), ARCHITECTURE, config)
        return {"exported_step": float(step)}


class Target(NamedTuple):
    """What the composite should look like, at half of the window's resolution.

    Attributes
    ----------
    rgb : float (B, 3, H/2, W/2)
    matte, inside : float (B, 1, H/2, W/2)
        `inside` is where the target's picture has pixels.
    """

    rgb: Tensor
    matte: Tensor
    inside: Tensor


def matcher_loss(
    layers: Tensor, theta_tps: Tensor, points: Tensor, target: Target, weights: MatcherLossWeights
) -> dict[str, Tensor]:
    """Return the matcher's loss and its parts: the composite of the matched parts against the target.

    What is compared is what will be shown. Covering the target's parts instead (an earlier form) stretched textures over outlines and
    made pictures of unseen people worse than no matching at all.

    Parameters
    ----------
    layers : float (B, 16, 4, H/2, W/2)
    theta_tps : float32 (B, 15, 2, 9)
    points : float32 (B, 18, 3)
        In pixels of the window.
    target : Target
    weights : MatcherLossWeights
    """
    figures = picture_loss(matched_layers(layers, theta_tps, points, 2)[:, -1], target, weights)
    figures["size"] = theta_tps.square().mean()
    figures["loss"] = figures["loss"] + weights.size * figures["size"]
    return figures


def picture_loss(composite: Tensor, target: Target, weights: MatcherLossWeights) -> dict[str, Tensor]:
    """Return the loss of a composite (B, 4, H/2, W/2), premultiplied RGB and alpha, and its parts."""
    made = composite[:, :3] + _GREY * (1 - composite[:, 3:])
    true = target.rgb * target.matte + _GREY * (1 - target.matte)
    person = torch.maximum(target.matte, composite[:, 3:].detach())
    pixel = weighted_l1(made, true, target.inside * (1 + weights.person * person))
    structure = structure_loss(made, true, target.inside * (0.1 + person))
    return {"loss": weights.pixel * pixel + weights.structure * structure, "pixel": pixel, "structure": structure}
