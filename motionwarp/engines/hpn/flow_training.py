"""The training of the garments' flow (`motionwarp train hpn_flow flow`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from motionwarp.engines.crop_gan.data import CropBatch
from motionwarp.engines.crop_gan.training import CropGanTask
from motionwarp.engines.crop_gan.validation import held_out_batches
from motionwarp.engines.hpn.config import GarmentFlowTrainingConfig
from motionwarp.engines.hpn.flow import FLOW_ARCHITECTURE, FLOW_FILE, GarmentFlow, identity_grid
from motionwarp.engines.hpn.training import ADAM_MOMENTA
from motionwarp.nn.losses.perceptual import feature_distance
from motionwarp.nn.losses.reconstruction import weighted_l1
from motionwarp.parsing.labels import GROUP_NAMES, GROUP_OF_CLASS
from motionwarp.training.network_task import weighted_sum
from motionwarp.training.pretrained import adam, perceptual_features
from motionwarp.training.preview import SHOWN_ROWS, write_rows

_GARMENTS: Final = ("upper_clothes", "lower_clothes")
_LEAST_PIXELS: Final = 12  # of a garment in both pictures, or there is nothing to learn from


class GarmentFlowTask(CropGanTask[GarmentFlowTrainingConfig]):
    """The flow between one garment in two pictures, by what it makes of the garment's pixels."""

    averaged = "flow"
    architecture = FLOW_ARCHITECTURE
    engine_file = (FLOW_ARCHITECTURE, "flow")

    def __init__(self, config: GarmentFlowTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(config, device, dtype)
        self.features = perceptual_features(config.vgg, "vgg16", device)

    def make_network(self) -> GarmentFlow:
        """Return the flow's network."""
        return GarmentFlow(self.config.network)

    def make_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return Adam with weight decay, as for the autoencoder."""
        return adam(network, self.config.loop, ADAM_MOMENTA, weight_decay=self.config.loop.weight_decay)

    def losses(self, batch: CropBatch) -> dict[str, Tensor]:
        """Return the loss, its parts, and the L1 of garments that are left where they are."""
        garment, mask, true, wanted = garments_of(batch, self.device)
        with self.autocast():
            grid = self.network(garment, mask, wanted)
        both = GarmentFlow.warp(torch.cat([garment * mask, mask], dim=1), grid)
        # outside of the target mask nothing is asked of the colors; a gray of one half is no edge there
        made, truth = (color * wanted + 0.5 * (1 - wanted) for color in (both[:, :3], true))
        with torch.no_grad(), self.autocast():
            of_true = self.features(truth)
        with self.autocast():
            of_made = self.features(made)
        parts = {
            "perceptual": feature_distance(of_made, of_true),
            "pixel": weighted_l1(both[:, :3], true, wanted),
            "mask": (both[:, 3:] - wanted).abs().mul(wanted).sum() / wanted.sum().clamp_min(1),
            "smoothness": _roughness(grid, wanted),
        }
        still = weighted_l1(garment * mask, true, wanted)
        self.shown = [picture[:SHOWN_ROWS].detach() for picture in (garment * mask, made, truth)]
        figures = {"loss": weighted_sum(parts, self.config.loss), **parts, "pixel_still": still.detach()}
        figures[f"perceptual_{self.features.name}"] = figures.pop("perceptual")
        return figures

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write the network and a picture."""
        assert isinstance(module, GarmentFlow)
        FLOW_FILE.save(folder / f"{FLOW_ARCHITECTURE}.safetensors", module, {"features": self.features.name})
        if self.shown:
            write_rows(self.shown, folder / "training.png")
        return {"exported_step": float(step), **self.validate(module)}

    @torch.no_grad()
    def validate(self, module: nn.Module) -> dict[str, float]:
        """Return the L1 of garments of held-out pairs, warped and left where they are."""
        if self.config.validation is None:
            return {}
        made, still, count = 0.0, 0.0, 0
        for batch in held_out_batches(self.config.validation, self.config.data):
            garment, mask, true, wanted = garments_of(batch, self.device)
            warped = GarmentFlow.warp(garment * mask, module.eval()(garment, mask, wanted))
            made += float(weighted_l1(warped, true, wanted)) * len(true)
            still += float(weighted_l1(garment * mask, true, wanted)) * len(true)
            count += len(true)
        return {"validation_l1": made / count, "validation_l1_copy": still / count}


def garments_of(batch: CropBatch, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return one garment of each pair in both pictures: upper clothes where both show them, else lower ones.

    Which of the two is taken where both are there follows the pair's place in the batch, so that both are learned.

    Returns
    -------
    garment : float32 (B, 3, H, W)
        The source's picture.
    mask : float32 (B, 1, H, W)
        Where the garment is in it.
    true : float32 (B, 3, H, W)
        The garment in the target's picture, empty outside of its mask.
    wanted : float32 (B, 1, H, W)
        That mask; empty where a pair shows no garment in both.
    """
    groups = torch.from_numpy(GROUP_OF_CLASS).to(device)
    source, target = (groups[batch[name].to(device).long()] for name in ("source_parsing", "target_parsing"))
    masks = []
    for name in _GARMENTS:
        number = GROUP_NAMES.index(name)
        own, other = ((parsing == number).float()[:, None] for parsing in (source, target))
        enough = (own.sum((1, 2, 3)) >= _LEAST_PIXELS) & (other.sum((1, 2, 3)) >= _LEAST_PIXELS)
        masks.append((own * enough[:, None, None, None], other * enough[:, None, None, None]))
    (upper, upper_target), (lower, lower_target) = masks
    turn = torch.arange(len(source), device=device)[:, None, None, None] % 2 == 0
    there, other_there = (each.sum((1, 2, 3), keepdim=True) > 0 for each in (upper, lower))
    takes_upper = there & (turn | ~other_there)
    mask = torch.where(takes_upper, upper, lower)
    wanted = torch.where(takes_upper, upper_target, lower_target)
    garment, true = (batch[name].to(device).float() / 255 for name in ("source_rgb", "target_rgb"))
    return garment, mask, true * wanted, wanted


def _roughness(grid: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of the flow's second differences inside the mask, in pixels."""
    height, width = grid.shape[1:3]
    scale = torch.tensor([width / 2, height / 2], device=grid.device)
    offset = (grid - identity_grid(height, width, grid.device)) * scale
    inner = mask[:, 0, 1:-1, 1:-1, None]
    across = offset[:, 1:-1, 2:] - 2 * offset[:, 1:-1, 1:-1] + offset[:, 1:-1, :-2]
    down = offset[:, 2:, 1:-1] - 2 * offset[:, 1:-1, 1:-1] + offset[:, :-2, 1:-1]
    rough: Tensor = ((across.abs() + down.abs()) * inner).sum() / (2 * inner.sum()).clamp_min(1)
    return rough
