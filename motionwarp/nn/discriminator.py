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


class PatchDiscriminator(nn.Module):
    """Says of every patch how real it is, (B, C, H, W) in [0, 1] to (B, 1, H', W'): 70 x 70 pixels, Isola et al. 2017.

    Four convolutions of 4 x 4, the first three of stride 2 and the first without norm, and one of a single channel.
    """

    def __init__(self, base: int, in_channels: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = in_channels
        for level, stride in enumerate((2, 2, 2, 1)):
            layers.append(nn.Conv2d(before, base * 2**level, 4, stride, 1))
            before = base * 2**level
            if level:
                layers.append(nn.InstanceNorm2d(before, eps=1e-5))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.layers = nn.Sequential(*layers, nn.Conv2d(before, 1, 4, 1, 1))

    def forward(self, picture: Tensor) -> Tensor:
        """Return the verdict on each patch."""
        verdict: Tensor = self.layers(picture * 2 - 1)
        return verdict
