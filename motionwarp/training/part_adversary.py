"""The discriminator of the `parts` preset: what it is told of a picture that it judges at half of the window's resolution."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from motionwarp.networks.part_generator import COMPOSITE, STAGE_ONE_CHANNELS
from motionwarp.networks.part_parser import PART_COUNT
from motionwarp.training.adversary import Adversary
from motionwarp.training.parts_config import PartGeneratorTrainingConfig

# limbs, stage I's prediction, RGB and alpha of the closed-form composite
CONDITION_CHANNELS: Final = PART_COUNT + STAGE_ONE_CHANNELS + 4


def part_adversary(config: PartGeneratorTrainingConfig, device: torch.device, dtype: torch.dtype) -> Adversary | None:
    """Return the discriminator, or None if neither its verdict nor its features have any weight."""
    if config.loss.adversarial <= 0 and config.loss.pyramid <= 0:
        return None
    return Adversary(CONDITION_CHANNELS, 3, config.adversary, config.loop, device, dtype)


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
