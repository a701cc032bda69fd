"""Building blocks that several networks share."""

from __future__ import annotations

from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

_NARROW: Final = 0.02  # deviation of weights at the start of GANs since DCGAN (Radford et al. 2016)


class ConvNormAct(nn.Sequential):
    """Convolution without bias, batch norm, ReLU; odd kernels keep the size (up to the stride)."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm around an identity (He et al. 2016), (B, C, H, W) to the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNormAct(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)  # every block starts as the identity, which trains faster from scratch

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        return functional.relu(features + cast(Tensor, self.norm(self.second(self.first(features)))))


class SpatialSelfAttention(nn.Module):
    """Multi-head self-attention over all positions of a small feature map, with a residual, (B, C, H, W).

    Positions are told apart by a learned embedding of the map's size, so the size is fixed by the configuration.
    """

    def __init__(self, channels: int, height: int, width: int, heads: int = 4) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{channels} channels do not divide into {heads} heads")
        self.heads = heads
        self.position = nn.Parameter(torch.zeros(1, height * width, channels))
        self.norm = nn.LayerNorm(channels)
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.project = nn.Linear(channels, channels)
        nn.init.normal_(self.position, std=0.02)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape, each position informed by all others."""
        batch, channels, height, width = features.shape
        tokens = features.flatten(2).transpose(1, 2) + self.position  # (B, HW, C)
        mixed = self.query_key_value(self.norm(tokens))  # (B, HW, 3C)
        query, key, value = mixed.view(batch, height * width, 3, self.heads, -1).permute(
            2, 0, 3, 1, 4
        )  # (B, heads, HW, d)
        attended = functional.scaled_dot_product_attention(query, key, value)
        attended = attended.transpose(1, 2).reshape(batch, height * width, channels)
        update = self.project(attended).transpose(1, 2).reshape(batch, channels, height, width)
        result: Tensor = features + update
        return result


def parameter_count(module: nn.Module) -> int:
    """Return the number of trainable values of a module."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def start_small(module: nn.Module) -> None:
    """Draw a layer's weights from a narrow normal distribution, as CycleGAN's start."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, _NARROW)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
