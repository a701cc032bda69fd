"""The discriminators of the `parts` preset: what they are told of a picture, or of a parsing, and what they judge."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from motionwarp.engines.part_inputs import QuarterInputs
from motionwarp.networks.part_generator import COMPOSITE, STAGE_ONE_CHANNELS
from motionwarp.networks.part_parser import PART_COUNT, PartParserOutput
from motionwarp.parsing.labels import CLASS_COUNT, IGNORE
from motionwarp.training.adversary import Adversary
from motionwarp.training.parts_config import PartGeneratorTrainingConfig, PartParserTrainingConfig

# limbs, stage I's prediction, RGB and alpha of the closed-form composite
CONDITION_CHANNELS: Final = PART_COUNT + STAGE_ONE_CHANNELS + 4
# limbs, the source's classes where the affine maps put them, RGB and alpha of the closed-form composite
PARSER_CONDITION_CHANNELS: Final = PART_COUNT + CLASS_COUNT + 4


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
