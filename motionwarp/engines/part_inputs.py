"""What stage I and the matcher of the `parts` preset see, at a quarter of the window's resolution."""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from motionwarp.engines.part_maps import part_maps
from motionwarp.networks.part_parser import PartParserOutput
from motionwarp.parsing.labels import CLASS_COUNT
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH

PART_STRIDE: Final = 4  # pixels of the window for each cell
QUARTER_HEIGHT, QUARTER_WIDTH = CROP_HEIGHT // PART_STRIDE, CROP_WIDTH // PART_STRIDE


class QuarterInputs(NamedTuple):
    """What stage I and the matcher see.

    Attributes
    ----------
    layers : float (B, 64, h, w)
    classes : float (B, 20, h, w)
    limbs : float (B, 15, h, w)
    """

    layers: Tensor
    classes: Tensor
    limbs: Tensor


def quarter_inputs(layers: Tensor, classes: Tensor, points: Tensor) -> QuarterInputs:
    """Return stage I's inputs.

    Parameters
    ----------
    layers : float (B, 16, 4, H/2, W/2)
        In [0, 1].
    classes : integer (B, h, w)
    points : float32 (B, 18, 3)
        In pixels of the window.
    """
    one_hot = functional.one_hot(classes.long().clamp(max=CLASS_COUNT - 1), CLASS_COUNT).permute(0, 3, 1, 2).float()
    small = functional.avg_pool2d(layers.flatten(1, 2), 2)
    return QuarterInputs(small, one_hot, part_maps(points, QUARTER_HEIGHT, QUARTER_WIDTH, PART_STRIDE))


def stage_one_probabilities(output: PartParserOutput) -> Tensor:
    """Return what stage II sees of stage I, float (B, 36, h, w)."""
    return torch.cat([output.parsing_logits.float().softmax(1), output.in_front_logits.float().softmax(1)], dim=1)


def in_front_of(stage_one: Tensor) -> Tensor:
    """Return from stage I's probabilities (B, 36, h, w) those of which part is in front, (B, 16, h, w)."""
    return stage_one[:, CLASS_COUNT:]
