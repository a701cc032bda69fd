"""Training of the geometric matcher of the `parts` preset (`motionwarp train matcher`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.data.part_batches import PartBatch, PartSamples, batch_quarter_inputs, part_batches
from motionwarp.data.part_samples import NO_PART
from motionwarp.engines.layer_stack import matched_parts
from motionwarp.engines.part_inputs import PART_STRIDE, in_front_of, stage_one_probabilities
from motionwarp.networks.part_matcher import PartMatcher
from motionwarp.networks.part_parser import PART_COUNT, PartParser
from motionwarp.training.frozen import frozen
from motionwarp.training.loop import TrainingTask
from motionwarp.training.optimisers import adamw
from motionwarp.training.parts_config import MatcherLossWeights, PartMatcherTrainingConfig
from motionwarp.weights import half_precision, load_checkpoint, save_checkpoint

ARCHITECTURE = "part_matcher"


class PartMatcherTask(TrainingTask):
    """The matcher by what its splines do to the parts: cover where a part is seen, and nothing beyond the person."""

    averaged = "matcher"

    def __init__(self, config: PartMatcherTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        torch.manual_seed(config.loop.seed)
        self.config, self.device, self.dtype = config, device, dtype
        network = PartMatcher(config.network)
        if config.start_from is not None:
            load_checkpoint(config.start_from, ARCHITECTURE).load_into(network)
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
        target = functional.avg_pool2d(batch["rgb"].to(self.device).float() / 255, 2)
        figures = matcher_loss(
            seen.layers, theta_tps, batch["points"].to(self.device), target, batch["in_front"].to(self.device), self.config.loss
        )
        optimiser = self.optimisers["matcher"]
        optimiser.zero_grad(set_to_none=True)
        figures["loss"].backward()
        nn.utils.clip_grad_norm_(self.matcher.parameters(), self.config.loop.gradient_clip)
        optimiser.step()
        with torch.no_grad():
            still = matcher_loss(
                seen.layers, torch.zeros_like(theta_tps), batch["points"].to(self.device), target,
                batch["in_front"].to(self.device), self.config.loss,
            )  # fmt: skip
        figures["loss_without"] = still["loss"]
        return {name: value.detach() for name, value in figures.items()}

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write `part_matcher.safetensors` in half precision."""
        config = {"network": asdict(self.config.network)}
        save_checkpoint(folder / "part_matcher.safetensors", half_precision(module), ARCHITECTURE, config)
        return {"exported_step": float(step)}


def matcher_loss(
    layers: Tensor, theta_tps: Tensor, points: Tensor, target: Tensor, in_front: Tensor, weights: MatcherLossWeights
) -> dict[str, Tensor]:
    """Return the matcher's loss and its parts.

    Parameters
    ----------
    layers : float (B, 64, h, w)
    theta_tps : float32 (B, 15, 2, 9)
    points : float32 (B, 18, 3)
    target : float (B, 3, h, w)
    in_front : uint8 (B, h, w)
        Which part the target shows; 15 outside of the person, 255 where not known.
    weights : MatcherLossWeights
    """
    moved = matched_parts(layers.unflatten(1, (PART_COUNT + 1, 4))[:, :PART_COUNT].float(), theta_tps, points, PART_STRIDE)
    wanted = functional.one_hot(in_front.long().clamp(max=NO_PART), NO_PART + 1).permute(0, 3, 1, 2)[:, :PART_COUNT].float()
    # a part that the source does not have cannot cover anything
    has = (layers.unflatten(1, (PART_COUNT + 1, 4))[:, :PART_COUNT, 3].amax(dim=(2, 3)) > 0.3).float()
    wanted = wanted * has[..., None, None]
    empty = (in_front == NO_PART)[:, None].float()
    alpha, colours = moved[:, :, 3], moved[:, :, :3]
    area = wanted.sum().clamp_min(1.0)
    cover = (wanted * (1 - alpha)).sum() / area
    spill = (empty * alpha).sum() / area
    difference = (colours - target[:, None] * alpha[:, :, None]).abs().mean(dim=2)
    colour = (wanted * difference).sum() / area
    size = theta_tps.square().mean()
    loss = weights.cover * cover + weights.spill * spill + weights.colour * colour + weights.size * size
    return {"loss": loss, "cover": cover, "spill": spill, "colour": colour, "size": size}
