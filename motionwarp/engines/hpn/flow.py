"""The appearance flow of HPN's try-on (section 4.4): a garment's pixels, moved to where another mask wants them.

A garment is a picture of cloth over the plain background and its mask. The network says for every pixel of the target
where in the garment's picture its color lies (Zhou et al. 2016), and the colors are sampled there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.checkpoints.network_file import NetworkFormat
from motionwarp.engines.hpn.networks import ConvBlock
from motionwarp.errors import OptionError
from motionwarp.geometry.grids import sample

_STILL: Final = 1e-3  # standard deviation of the last convolution's first values


@dataclass(frozen=True)
class GarmentFlowConfig:
    """Size of the network; the paper gives none.

    Attributes
    ----------
    height, width : int
        Of the pictures that it is trained with, in pixels, multiples of 2 to the number of `channels`.
    channels : tuple of int
        Channels by size, from the pictures' own inwards, each at half the size of the one before.
    """

    height: int = 256
    width: int = 256
    channels: tuple[int, ...] = (32, 64, 128, 256, 512)

    def __post_init__(self) -> None:
        step = 2 ** len(self.channels)
        if min(self.height, self.width) < step or self.height % step or self.width % step:
            raise OptionError(
                f"the flow's network halves pictures {len(self.channels)} times, got {self.height} x {self.width}"
            )
        if len(self.channels) < 2 or min(self.channels) < 1:
            raise OptionError(f"the flow's network needs channels of two sizes or more, got {self.channels}")


class GarmentFlow(nn.Module):
    """A garment's picture, its mask and the target mask, to the flow that warps it.

    An autoencoder of the blocks of HPN: average pooling on the way down, nearest enlargement and skips on the way up.
    The last convolution starts near zero, so that an untrained network nearly leaves the garment where it is.
    """

    def __init__(self, config: GarmentFlowConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or GarmentFlowConfig()
        channels = config.channels
        self.encoder = nn.ModuleList(
            ConvBlock(before, after, after) for before, after in zip((3 + 1 + 1, *channels), channels, strict=False)
        )
        self.middle = ConvBlock(channels[-1], channels[-1], channels[-1])
        insides = (*channels[1:], channels[-1])
        self.decoder = nn.ModuleList(
            ConvBlock(inside + own, own, own) for inside, own in reversed(list(zip(insides, channels, strict=True)))
        )
        self.to_flow = nn.Conv2d(channels[0], 2, 3, 1, 1)
        nn.init.normal_(self.to_flow.weight, std=_STILL)
        assert self.to_flow.bias is not None
        nn.init.zeros_(self.to_flow.bias)

    def forward(self, garment_rgb: Tensor, garment_mask: Tensor, target_mask: Tensor) -> Tensor:
        """Estimate the flow.

        Parameters
        ----------
        garment_rgb : float (B, 3, H, W)
            In [0, 1], anything outside of the mask; H and W are multiples of 2 to the number of channels.
        garment_mask, target_mask : float (B, 1, H, W)
            In [0, 1].

        Returns
        -------
        float32 (B, H, W, 2)
            Where each target pixel's color lies in the garment's picture, in grid_sample's coordinates
            (align_corners=False).
        """
        features = torch.cat([(garment_rgb * 2 - 1) * garment_mask, garment_mask, target_mask], dim=1)
        skips = []
        for block in self.encoder:
            features = block(features)
            skips.append(features)
            features = functional.avg_pool2d(features, 2)
        features = self.middle(features)
        for block in self.decoder:
            enlarged = functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = block(torch.cat([enlarged, skips.pop()], dim=1))
        offset = self.to_flow(features).float().permute(0, 2, 3, 1)  # (B, H, W, 2)
        height, width = offset.shape[1:3]
        grid: Tensor = identity_grid(height, width, offset.device) + offset
        return grid

    @staticmethod
    def warp(picture: Tensor, grid: Tensor) -> Tensor:
        """Return a picture (B, C, H, W) sampled where the flow (B, H, W, 2) says; empty beyond its border."""
        return sample(picture, grid)


def identity_grid(height: int, width: int, device: torch.device) -> Tensor:
    """Return the flow (1, H, W, 2) that leaves everything where it is."""
    rows, columns = (
        (torch.arange(side, device=device, dtype=torch.float32) + 0.5) * (2 / side) - 1 for side in (height, width)
    )
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], dim=-1)[None]


FLOW_ARCHITECTURE: Final = "hpn_flow"
FLOW_FILE: Final = NetworkFormat(
    FLOW_ARCHITECTURE, "flow", GarmentFlow, GarmentFlowConfig, "motionwarp train hpn_flow flow"
)
