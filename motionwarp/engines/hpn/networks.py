"""The network of HPN: an autoencoder with skips that is told the pose in its bottleneck only, and that grows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.checkpoints.network_file import NetworkFormat
from motionwarp.errors import OptionError
from motionwarp.pose.heatmaps import gaussian_heatmaps, points_at_scale
from motionwarp.types import POINT_COUNT

LEAK: Final = 0.2  # of the leaky ReLU
_COVERAGE_CHANNELS: Final = 1


@dataclass(frozen=True)
class HpnConfig:
    """Size of the autoencoder; the defaults are the paper's.

    Attributes
    ----------
    resolution : int
        Height of the pictures in pixels: the level that is reached.
    first_resolution : int
        Height at the first level.
    bottleneck_size : int
        Height of the deepest features, the same at every level.
    bottleneck_channels : int
        Their channels; halved as the size doubles.
    aspect : float
        Width of everything over its height; the paper's pictures are squares.
    sigma : float
        Width of the pose's Gaussians (eq. 1), in pixels of the bottleneck. The paper does not say of which map; where
        they are read is where they are drawn.

    Raises
    ------
    OptionError
        If sizes do not halve down to the bottleneck, or channels run out.
    """

    resolution: int = 1024
    first_resolution: int = 64
    bottleneck_size: int = 32
    bottleneck_channels: int = 1024
    aspect: float = 1.0
    sigma: float = 3.2

    def __post_init__(self) -> None:
        sizes = self.resolution, self.first_resolution, self.bottleneck_size
        if min(sizes) <= 0 or self.first_resolution < 2 * self.bottleneck_size:
            raise OptionError(f"HPN needs a bottleneck of at most half of the first level, got {sizes}")
        for size in (self.resolution, self.first_resolution):
            factor, rest = divmod(size, self.bottleneck_size)
            if rest or factor & (factor - 1):
                raise OptionError(f"HPN needs sizes that are the bottleneck's, doubled again and again, got {sizes}")
        if self.resolution < self.first_resolution:
            raise OptionError(f"HPN begins at its first level, got {sizes}")
        if self.channels(self.resolution) < 1:
            raise OptionError(f"HPN has no channels left at {self.resolution} pixels; give a wider bottleneck")
        width = self.bottleneck_size * self.aspect
        if width != int(width) or width < 1 or self.sigma <= 0:
            raise OptionError(f"HPN needs a bottleneck of whole pixels and a positive sigma, got {self}")

    def channels(self, size: int) -> int:
        """Return the channels of features of a height in pixels."""
        return self.bottleneck_channels * self.bottleneck_size // size

    def width(self, size: int) -> int:
        """Return the width in pixels at a height."""
        return int(size * self.aspect)

    @property
    def levels(self) -> tuple[int, ...]:
        """Heights of all levels, from the first to the resolution."""
        sizes = [self.first_resolution]
        while sizes[-1] < self.resolution:
            sizes.append(2 * sizes[-1])
        return tuple(sizes)

    @property
    def block_sizes(self) -> tuple[int, ...]:
        """Heights at which there is a block on both sides, from the innermost outwards."""
        sizes = [2 * self.bottleneck_size]
        while sizes[-1] < self.resolution:
            sizes.append(2 * sizes[-1])
        return tuple(sizes)


class ConvBlock(nn.Sequential):
    """[3x3 convolution, batch norm, leaky ReLU] twice, (B, C, H, W) to (B, C', H, W)."""

    def __init__(self, in_channels: int, middle_channels: int, out_channels: int) -> None:
        layers: list[nn.Module] = []
        for before, after in ((in_channels, middle_channels), (middle_channels, out_channels)):
            # no bias: the norm takes it off
            layers += [nn.Conv2d(before, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(LEAK)]
        super().__init__(*layers)


class HpnOutput(NamedTuple):
    """What the network makes.

    Attributes
    ----------
    rgb : float (B, 3, H, W)
        In [0, 1] where it was trained well; not bounded.
    coverage : float (B, 1, H, W)
        Logits of how much of a pixel is the person's.
    """

    rgb: Tensor
    coverage: Tensor


class HpnNetwork(nn.Module):
    """The reference picture and the target pose to the picture in that pose (section 3.1 and figure 4).

    A level's picture passes a 1x1 convolution from RGB, then blocks with average pooling down to the bottleneck, where
    the pose's maps are joined; then nearest enlargement, the skip of that size, and a block, up to a 1x1 convolution to
    RGB. Which level works is told by the picture's height. As in progressive GANs a block's second convolution changes
    the number of channels, so that a level added outside leaves those inside as they are; skips are taken before
    pooling, both of which the paper does not say. A fourth channel, how much of a pixel is the person's, is ours: the
    engine has to cut the person out.

    Parameters
    ----------
    config : HpnConfig
    all_levels : bool
        Whether there are convolutions from and to RGB for every level, as training needs them, or for the last alone.
    """

    def __init__(self, config: HpnConfig | None = None, *, all_levels: bool = False) -> None:
        super().__init__()
        self.config = config = config or HpnConfig()
        # named by size, so that a level's parameters keep their names when the network grows
        self.encoder, self.decoder = nn.ModuleDict(), nn.ModuleDict()
        for size in config.block_sizes:
            outer, inner = config.channels(size), config.channels(size // 2)
            self.encoder[str(size)] = ConvBlock(outer, outer, inner)
            pose = POINT_COUNT if size == config.block_sizes[0] else 0
            self.decoder[str(size)] = ConvBlock(2 * inner + pose, outer, outer)
        self.from_rgb, self.to_rgb, self.to_coverage = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for size in config.levels if all_levels else (config.resolution,):
            channels = config.channels(size)
            self.from_rgb[str(size)] = nn.Conv2d(3, channels, 1)
            self.to_rgb[str(size)] = nn.Conv2d(channels, 3, 1)
            self.to_coverage[str(size)] = nn.Conv2d(channels, _COVERAGE_CHANNELS, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, LEAK)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, image: Tensor, pose: Tensor) -> HpnOutput:
        """Draw the person in the target pose.

        Parameters
        ----------
        image : float (B, 3, H, W)
            Reference in [0, 1]; H is one of the levels.
        pose : float (B, 18, h, w)
            Gaussian maps of the target pose at the bottleneck's size.

        Raises
        ------
        ValueError
            If there is no such level.
        """
        size = image.shape[-2]
        level = str(size)
        if level not in self.from_rgb:
            raise ValueError(f"HPN works at heights of {', '.join(self.from_rgb)}, got {size}")
        features = self.from_rgb[level](image * 2 - 1)  # (B, C, H, W)
        skips = []
        sizes = [each for each in self.config.block_sizes if each <= size]
        for each in reversed(sizes):
            features = self.encoder[str(each)](features)  # (B, 2C, each, ...)
            skips.append(features)
            features = functional.avg_pool2d(features, 2)
        features = torch.cat([features, pose], dim=1)
        for each in sizes:
            enlarged = functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = self.decoder[str(each)](torch.cat([enlarged, skips.pop()], dim=1))
        rgb = (self.to_rgb[level](features) + 1) / 2
        return HpnOutput(rgb, self.to_coverage[level](features))

    def pose_maps(self, points: Tensor, size: int) -> Tensor:
        """Return the target pose as the bottleneck takes it.

        Parameters
        ----------
        points : float (B, 18, 3)
            In pixels of a picture of the height `size`, and the score.
        size : int

        Returns
        -------
        float (B, 18, h, w)
        """
        config = self.config
        inner = points_at_scale(points, config.bottleneck_size / size)
        return gaussian_heatmaps(inner, config.bottleneck_size, config.width(config.bottleneck_size), config.sigma)

    def at_level(self, size: int) -> HpnNetwork:
        """Return the network of a level by itself, with copies of this one's values."""
        alone = HpnNetwork(replace(self.config, resolution=size))
        own = self.state_dict()
        alone.load_state_dict({name: own[name] for name in alone.state_dict()})
        return alone.train(self.training)


ARCHITECTURE: Final = "hpn"
HPN_FILE: Final = NetworkFormat(ARCHITECTURE, "generator", HpnNetwork, HpnConfig, "motionwarp train hpn generator")
