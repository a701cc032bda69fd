"""Stage II of the Soft-Gated Warping-GAN, section 3.1.3 and figure 2: encoder, warping block, residual blocks, decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from motionwarp.networks.resnet_generator import Decoder, Encoder, ReflectConv, residual_stack
from motionwarp.networks.warping_block import WarpingBlock
from motionwarp.parsing.labels import CLASS_COUNT
from motionwarp.types import POINT_COUNT


@dataclass(frozen=True)
class WarpingGeneratorConfig:
    """Size and parts of the generator.

    Attributes
    ----------
    base : int
        Channels after the first convolution; 64 in the paper.
    blocks : int
        Residual blocks; 9 in the paper.
    parsing, warping : bool
        Whether the parsings are used and whether features are warped; False are rows of the paper's ablation.
    """

    base: int = 64
    blocks: int = 9
    parsing: bool = True
    warping: bool = True


class WarpingGeneratorOutput(NamedTuple):
    """What the generator makes.

    Attributes
    ----------
    rgb : float (B, 3, H, W)
        In [0, 1].
    gate : float (B, C, H/8, W/8) or None
        The soft gate, to look at.
    """

    rgb: Tensor
    gate: Tensor | None


class WarpingGenerator(nn.Module):
    """The `paper` preset: condition picture, both parsings, target pose and the matcher's grid, to the picture itself."""

    def __init__(self, config: WarpingGeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or WarpingGeneratorConfig()
        parsing = CLASS_COUNT if config.parsing else 0
        self.source_encoder = Encoder(3 + parsing, config.base)
        self.target_encoder = Encoder(POINT_COUNT + parsing, config.base)
        channels = self.source_encoder.out_channels
        self.warping_block = WarpingBlock(channels, 2 * POINT_COUNT) if config.warping else None
        self.join = ReflectConv(2 * channels, channels)
        self.residual = residual_stack(channels, config.blocks)
        self.decoder = Decoder(channels, 3, config.base)

    def forward(
        self,
        image: Tensor,
        source_parsing: Tensor,
        target_parsing: Tensor,
        source_heatmaps: Tensor,
        target_heatmaps: Tensor,
        grid: Tensor,
    ) -> WarpingGeneratorOutput:
        """Render the person in the target pose.

        Parameters
        ----------
        image : float (B, 3, H, W)
            Condition picture in [0, 1]; H and W are multiples of 8.
        source_parsing, target_parsing : float (B, 20, H, W)
        source_heatmaps, target_heatmaps : float (B, 18, H, W)
        grid : float32 (B, H, W, 2)
            From the geometric matcher, in grid_sample's coordinates.
        """
        source, target = [image * 2 - 1], [target_heatmaps]
        if self.config.parsing:
            source.append(source_parsing)
            target.append(target_parsing)
        features = self.source_encoder(torch.cat(source, dim=1))  # (B, C, H/8, W/8)
        gate = None
        if self.warping_block is not None:
            poses = torch.cat([source_heatmaps, target_heatmaps], dim=1)
            features, gate = self.warping_block(features, grid, poses)
        wanted = self.target_encoder(torch.cat(target, dim=1))
        joined = self.residual(self.join(torch.cat([features, wanted], dim=1)))
        return WarpingGeneratorOutput((torch.tanh(self.decoder(joined)) + 1) / 2, gate)
