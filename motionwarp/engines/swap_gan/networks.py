"""SwapGAN's three generators (thesis of Y. Liu, Leiden 2018, section 8.2).

G_I puts the person of the condition picture, clothes and all, into the reference's pose; G_II brings the result back
into the condition's shape, given as a segmentation; G_III says of any picture where the person is. Widths are not
given; the first layer's is 64 here, as in the networks that these come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.checkpoints.checkpoint import load_checkpoint
from motionwarp.errors import OptionError, WeightsError
from motionwarp.nn.blocks import start_small
from motionwarp.nn.resnet import NORM_EPSILON

ARCHITECTURE: Final = "swap_gan"
POSE_CHANNELS: Final = 3  # bones as lines in colors
SEGMENT_CHANNELS: Final = 5  # head, arms, legs, upper and lower clothes
_WIDEST: Final = 8  # times the first layer


@dataclass(frozen=True)
class SwapGanConfig:
    """Size of the networks.

    Attributes
    ----------
    base : int
        Channels of the first layer of G_I, G_II and G_III.
    blocks : int
        Residual blocks of G_I and G_II, 6 in the paper.
    mask_downs : int
        Convolutions on G_III's way down, and as many on its way up; 8 in the paper. The first has stride 1: at
        128 x 128 eight of stride 2 cannot be.
    discriminator_base : int
        Channels of the discriminator's first layer.
    height, width : int
        Multiples of 2 to the power of `mask_downs` - 1; 128 x 128 in the paper.
    """

    base: int = 64
    blocks: int = 6
    mask_downs: int = 8
    discriminator_base: int = 64
    height: int = 128
    width: int = 128

    def __post_init__(self) -> None:
        if min(self.base, self.discriminator_base) < 1 or self.blocks < 0 or self.mask_downs < 2:
            raise OptionError(f"networks need channels and at least two convolutions on the way down, got {self}")
        multiple = max(2 ** (self.mask_downs - 1), 8)
        if min(self.height, self.width) <= 0 or self.height % multiple or self.width % multiple:
            raise OptionError(
                f"height and width must be multiples of {multiple}, got {self.height} x {self.width}",
                remedy="Choose another size or fewer `mask_downs`.",
            )


class _Conv(nn.Sequential):
    """Convolution, instance norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2),
            nn.InstanceNorm2d(out_channels, eps=NORM_EPSILON),
            nn.ReLU(inplace=True),
        )


class _Residual(nn.Module):
    """Two 3x3 convolutions around an identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _Conv(channels, channels, 3), nn.Conv2d(channels, channels, 3, 1, 1), nn.InstanceNorm2d(channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = features + self.body(features)
        return result


class PictureGenerator(nn.Module):
    """G_I and G_II: four convolutions, residual blocks, nearest enlargement with 1x1 convolutions, U-Net's skips.

    (B, 3 + C, H, W), a picture in [0, 1] and what it shall become, to (B, 3, H, W) in [0, 1].

    Parameters
    ----------
    condition_channels : int
    base, blocks : int
    """

    def __init__(self, condition_channels: int, base: int, blocks: int) -> None:
        super().__init__()
        widths = [base, 2 * base, 4 * base, 8 * base]
        self.down = nn.ModuleList(
            [_Conv(3 + condition_channels, base, 7)]
            + [_Conv(before, after, 3, 2) for before, after in pairwise(widths)]
        )
        self.blocks = nn.Sequential(*(_Residual(widths[-1]) for _ in range(blocks)))
        self.up = nn.ModuleList(
            _Conv(widths[level] + widths[level - 1], widths[level - 1], 1) for level in range(3, 0, -1)
        )
        self.paint = nn.Conv2d(base, 3, 1)

    def forward(self, picture: Tensor, condition: Tensor) -> Tensor:
        """Return the picture."""
        features = torch.cat([picture * 2 - 1, condition], dim=1)
        skips: list[Tensor] = []
        for layer in self.down:
            features = layer(features)
            skips.append(features)
        features = self.blocks(features)
        for layer, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            larger = functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = layer(torch.cat([larger, skip], dim=1))
        painted: Tensor = torch.tanh(self.paint(features))
        return (painted + 1) / 2


class MaskGenerator(nn.Module):
    """G_III: a U-Net without residual blocks, (B, 3, H, W) in [0, 1] to where the person is, (B, 1, H, W) in [0, 1].

    Parameters
    ----------
    base, downs : int
    """

    def __init__(self, base: int, downs: int) -> None:
        super().__init__()
        widths = [base * min(2**level, _WIDEST) for level in range(downs)]
        self.down = nn.ModuleList()
        before = 3
        for level, width in enumerate(widths):
            layers: list[nn.Module] = [nn.Conv2d(before, width, 3 if level == 0 else 4, 1 if level == 0 else 2, 1)]
            # at the bottom there may be a single value, which has no deviation
            if 0 < level < downs - 1:
                layers.append(nn.InstanceNorm2d(width))
            self.down.append(nn.Sequential(*layers, nn.LeakyReLU(0.2, inplace=True)))
            before = width
        self.up = nn.ModuleList()
        for level in range(downs - 1, 0, -1):
            joined = before if level == downs - 1 else 2 * before
            self.up.append(
                nn.Sequential(
                    nn.ConvTranspose2d(joined, widths[level - 1], 4, 2, 1),
                    nn.InstanceNorm2d(widths[level - 1]),
                    nn.ReLU(inplace=True),
                )
            )
            before = widths[level - 1]
        self.mask = nn.ConvTranspose2d(2 * before, 1, 3, 1, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Return the mask."""
        features = picture * 2 - 1
        skips: list[Tensor] = []
        for layer in self.down:
            features = layer(features)
            skips.append(features)
        for number, layer in enumerate(self.up):
            features = layer(features if number == 0 else torch.cat([features, skips[-1 - number]], dim=1))
        return torch.sigmoid(self.mask(torch.cat([features, skips[0]], dim=1)))


class SwapGanNetworks(nn.Module):
    """All three generators.

    Parameters
    ----------
    config : SwapGanConfig
    """

    def __init__(self, config: SwapGanConfig) -> None:
        super().__init__()
        self.config = config
        self.to_reference = PictureGenerator(POSE_CHANNELS, config.base, config.blocks)  # G_I
        self.to_condition = PictureGenerator(SEGMENT_CHANNELS, config.base, config.blocks)  # G_II
        self.mask = MaskGenerator(config.base, config.mask_downs)  # G_III
        self.apply(start_small)

    def forward(self, condition: Tensor, reference_pose: Tensor) -> Tensor:
        """Return the condition's person in the reference's pose, (B, 3, H, W) in [0, 1].

        Parameters
        ----------
        condition : float (B, 3, H, W)
            In [0, 1].
        reference_pose : float (B, 3, H, W)
            Lines in [0, 1].
        """
        made: Tensor = self.to_reference(condition, reference_pose)
        return made


class SwapGanFile(NamedTuple):
    """What a file of weights holds.

    Attributes
    ----------
    network : SwapGanNetworks
        On the CPU, in float32 and evaluation mode.
    sha256 : str
    """

    network: SwapGanNetworks
    sha256: str


def load_swap_networks(weights: str | Path) -> SwapGanFile:
    """Read the three generators.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or holds other networks.
    """
    checkpoint = load_checkpoint(weights, ARCHITECTURE)
    try:
        config = SwapGanConfig(**checkpoint.config["network"])
        made = checkpoint.made(lambda: SwapGanNetworks(config))
    except (KeyError, TypeError, ValueError, RuntimeError, OptionError) as error:
        raise WeightsError(f"names networks that cannot be made ({error!r})", subject=checkpoint.path) from error
    return SwapGanFile(made.float().eval(), checkpoint.sha256)
