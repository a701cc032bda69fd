"""The pyramid discriminator of both stages (Soft-Gated Warping-GAN, section 3.1.3 and figure 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Size of the discriminator.

    Attributes
    ----------
    base : int
        Channels of the first layer; 64 in pix2pixHD.
    layers : int
        Strided layers of each scale.
    scales : int
        Scales of the pyramid, each half the size of the one before; 3 in the paper.
    """

    base: int = 64
    layers: int = 3
    scales: int = 3


class DiscriminatorOutput(NamedTuple):
    """What the discriminator says at every scale, finest first.

    Attributes
    ----------
    logits : list of float (B, 1, h, w)
        Per patch: higher is more real.
    features : list of lists of float (B, C, h, w)
        F_0, F_1, F_2 ... of eq. 2, by scale.
    """

    logits: list[Tensor]
    features: list[list[Tensor]]


class PyramidDiscriminator(nn.Module):
    """Patch discriminators over a pyramid of one input, (B, C, H, W) of conditions and picture."""

    def __init__(self, in_channels: int, config: DiscriminatorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DiscriminatorConfig()
        self.scales = nn.ModuleList(_Patches(in_channels, config.base, config.layers) for _ in range(config.scales))

    def forward(self, conditioned: Tensor) -> DiscriminatorOutput:
        """Judge a batch of joined channels.

        Condition picture, target heatmaps, condition parsing, parsing and picture, joined as channels.
        """
        logits, features = [], []
        for index, scale in enumerate(self.scales):
            if index:
                # the border's zeros must not darken the mean
                conditioned = functional.avg_pool2d(conditioned, 3, 2, 1, count_include_pad=False)
            judged, layers = scale(conditioned)
            logits.append(judged)
            features.append(layers)
        return DiscriminatorOutput(logits, features)


class _Patches(nn.Module):
    """pix2pixHD's patch discriminator: strided 4x4 convolutions, instance norm but for the first, leaky ReLU."""

    def __init__(self, in_channels: int, base: int, layers: int) -> None:
        super().__init__()
        widths = [in_channels, *(base * min(2**level, 8) for level in range(layers + 1))]
        blocks: list[nn.Module] = []
        for level in range(layers + 1):
            stride = 2 if level < layers else 1
            block: list[nn.Module] = [nn.Conv2d(widths[level], widths[level + 1], 4, stride, 2)]
            if level:
                block.append(nn.InstanceNorm2d(widths[level + 1]))
            blocks.append(nn.Sequential(*block, nn.LeakyReLU(0.2, inplace=True)))
        self.blocks = nn.ModuleList(blocks)
        self.judge = nn.Conv2d(widths[-1], 1, 4, 1, 2)

    def forward(self, features: Tensor) -> tuple[Tensor, list[Tensor]]:
        layers = []
        for block in self.blocks:
            features = block(features)
            layers.append(features)
        return self.judge(features), layers
