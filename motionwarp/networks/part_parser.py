"""Stage I of the `parts` preset: the target's parsing and which part lies in front, predicted before anything is rendered.

The same job as the pose-guided parser of the Soft-Gated Warping-GAN (section 3.1.1), for CPUs: it sees the source's classes and
parts where closed-form warps put them, at a quarter of the window's resolution, and corrects what those cannot know: what covers
what, how cloth falls, and what the source hides. The order of depth is a classification of every pixel: which part is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.networks.blocks import ConvNormAct, ResidualBlock
from motionwarp.parsing.labels import CLASS_COUNT

PART_COUNT = 15  # parts; one more class is 'no part'
LAYER_CHANNELS = 4 * (PART_COUNT + 1)


@dataclass(frozen=True)
class PartParserConfig:
    """Size of stage I.

    Attributes
    ----------
    channels : tuple of 3 int
        At a quarter, an eighth and a sixteenth of the window's resolution.
    blocks : tuple of 3 int
        Residual blocks at each.
    """

    channels: tuple[int, ...] = (48, 96, 144)
    blocks: tuple[int, ...] = (1, 2, 2)


class PartParserOutput(NamedTuple):
    """What stage I says of a batch.

    Attributes
    ----------
    parsing_logits : float (B, 20, H/4, W/4)
    in_front_logits : float (B, 16, H/4, W/4)
        Which part each pixel shows; the last is 'no part'.
    """

    parsing_logits: Tensor
    in_front_logits: Tensor


class PartParser(nn.Module):
    """Warped parts, carried classes and target limbs to the target's parsing and order of depth."""

    def __init__(self, config: PartParserConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PartParserConfig()
        fine, middle, coarse = config.channels
        self.enter = _stage(LAYER_CHANNELS + CLASS_COUNT + PART_COUNT, fine, config.blocks[0], stride=1)
        self.down8 = _stage(fine, middle, config.blocks[1], stride=2)
        self.down16 = _stage(middle, coarse, config.blocks[2], stride=2)
        self.up8 = ConvNormAct(coarse + middle, middle)
        self.up4 = ConvNormAct(middle + fine, fine)
        self.parsing_head = nn.Conv2d(fine, CLASS_COUNT, 1)
        self.in_front_head = nn.Conv2d(fine, PART_COUNT + 1, 1)

    def forward(self, layers: Tensor, classes: Tensor, limbs: Tensor) -> PartParserOutput:
        """Predict.

        Parameters
        ----------
        layers : float (B, 64, H/4, W/4)
            The 15 warped parts and their composite, premultiplied RGB and alpha each.
        classes : float (B, 20, H/4, W/4)
            Share of each of the source's classes in the composite.
        limbs : float (B, 15, H/4, W/4)
            The target's limbs.
        """
        fine = self.enter(torch.cat([layers, classes, limbs], dim=1))
        middle = self.down8(fine)
        coarse = self.down16(middle)
        middle = self.up8(torch.cat([_twice(coarse), middle], dim=1))
        fine = self.up4(torch.cat([_twice(middle), fine], dim=1))
        return PartParserOutput(self.parsing_head(fine), self.in_front_head(fine))


def _stage(in_channels: int, out_channels: int, blocks: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        ConvNormAct(in_channels, out_channels, stride=stride), *(ResidualBlock(out_channels) for _ in range(blocks))
    )


def _twice(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")
