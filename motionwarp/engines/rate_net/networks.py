"""The networks of RATE-Net: the pose transfer module (section 3.2), the texture module (3.3), discriminators (3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.checkpoints.network_file import NetworkFormat
from motionwarp.errors import OptionError
from motionwarp.nn.resnet import NORM_EPSILON
from motionwarp.pose.heatmaps import gaussian_heatmaps
from motionwarp.types import POINT_COUNT

LEAK: Final = 0.2  # of the leaky ReLU, section 4.2
_SIGMA_HEIGHT: Final = 256.0


@dataclass(frozen=True)
class RateNetConfig:
    """Size and parts of the generator; the defaults are the paper's, or PATN's published code's where it is silent.

    Attributes
    ----------
    height, width : int
        Of the pictures in pixels, multiples of 2 to the number of `downs`.
    base : int
        Channels after the first convolution; doubled by each halving of the size.
    downs : int
        Layers of both modules that halve the size; 3 in the paper.
    blocks : int
        Pose-attentional transfer blocks; 9 in the paper.
    code : int
        Numbers of the texture's code; 128 in the paper, 64 in its ablation.
    texture_blocks, adaptive_blocks : int
        Residual blocks of the texture's encoder, and blocks with adaptive norms before the way up; the paper gives
        neither.
    texture : bool
        Whether there is a texture module; False is the paper's row "PB only".
    sigma : float
        Width of the heat maps' Gaussians in pixels of a picture of 256 rows, and as much less in a smaller one.
    """

    height: int = 256
    width: int = 256
    base: int = 64
    downs: int = 3
    blocks: int = 9
    code: int = 128
    texture_blocks: int = 3
    adaptive_blocks: int = 2
    texture: bool = True
    sigma: float = 6.0

    def __post_init__(self) -> None:
        step = 2**self.downs
        if min(self.height, self.width) <= 0 or self.height % step or self.width % step:
            raise OptionError(f"RATE-Net halves pictures {self.downs} times, got {self.height} x {self.width}")
        if min(self.base, self.blocks, self.code) < 1 or self.sigma <= 0:
            raise OptionError(f"RATE-Net needs channels, blocks, a code and a positive sigma, got {self}")

    @property
    def channels(self) -> int:
        """Channels of the deepest features."""
        return int(self.base * 2**self.downs)

    def pose_maps(self, points: Tensor) -> Tensor:
        """Return poses, float (B, 18, 3) in pixels of the pictures, as heat maps (B, 18, H, W)."""
        return gaussian_heatmaps(points, self.height, self.width, self.sigma * self.height / _SIGMA_HEIGHT)


class ConvUnit(nn.Sequential):
    """Reflection padding, convolution, instance norm, leaky ReLU; (B, C, H, W) to (B, C', H/stride, W/stride)."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1, *, norm: bool = True
    ) -> None:
        layers: list[nn.Module] = [
            nn.ReflectionPad2d(kernel // 2),
            nn.Conv2d(in_channels, out_channels, kernel, stride),
        ]
        if norm:
            layers.append(nn.InstanceNorm2d(out_channels, eps=NORM_EPSILON))
        super().__init__(*layers, nn.LeakyReLU(LEAK))


def down_path(in_channels: int, base: int, downs: int, *, norm: bool = True) -> nn.Sequential:
    """Return a 7x7 convolution and strided ones, (B, C, H, W) to (B, base * 2^downs, H / 2^downs, W / 2^downs)."""
    steps = [ConvUnit(base * 2**level, base * 2 ** (level + 1), stride=2, norm=norm) for level in range(downs)]
    return nn.Sequential(ConvUnit(in_channels, base, 7, norm=norm), *steps)


class PoseAttentionBlock(nn.Module):
    """PATN's pose-attentional transfer block (Zhu et al. 2019): poses say which of the image's features change.

    Parameters
    ----------
    channels : int
        Of the image's features.
    first : bool
        Whether the pose's features have as many channels, as before the first block, or twice as many.
    """

    def __init__(self, channels: int, *, first: bool) -> None:
        super().__init__()
        self.image = nn.Sequential(
            ConvUnit(channels, channels),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels, eps=NORM_EPSILON),
        )
        posed = channels if first else 2 * channels
        self.pose = nn.Sequential(ConvUnit(posed, posed), nn.ReflectionPad2d(1), nn.Conv2d(posed, channels, 3))

    def forward(self, image: Tensor, pose: Tensor) -> tuple[Tensor, Tensor]:
        """Return the image's features, (B, C, h, w) again, and the pose's, (B, 2C, h, w)."""
        asked = self.pose(pose)
        image = image + self.image(image) * torch.sigmoid(asked)
        return image, torch.cat([asked, image], dim=1)


class CoarseOutput(NamedTuple):
    """What the pose transfer module makes.

    Attributes
    ----------
    coarse : float (B, 3, H, W)
        The picture, in [-1, 1].
    coverage : float (B, 1, H, W)
        Logits of how much of a pixel is the person's.
    features : float (B, C, h, w)
        F_t, aligned with the target pose.
    """

    coarse: Tensor
    coverage: Tensor
    features: Tensor


class PoseTransferModule(nn.Module):
    """G_P: the source picture and both poses to a coarse picture and the features that it is made of.

    PATN's generator with one more halving. Its last convolution has a fourth channel, how much of a pixel is the
    person's, which is ours: the engine has to cut the person out.
    """

    def __init__(self, config: RateNetConfig) -> None:
        super().__init__()
        self.image = down_path(3, config.base, config.downs)
        self.pose = down_path(2 * POINT_COUNT, config.base, config.downs)
        channels = config.channels
        self.blocks = nn.ModuleList(PoseAttentionBlock(channels, first=index == 0) for index in range(config.blocks))
        ups: list[nn.Module] = []
        for level in reversed(range(config.downs)):
            inside, outside = config.base * 2 ** (level + 1), config.base * 2**level
            ups += [
                nn.ConvTranspose2d(inside, outside, 3, 2, 1, 1),
                nn.InstanceNorm2d(outside, eps=NORM_EPSILON),
                nn.LeakyReLU(LEAK),
            ]
        self.up = nn.Sequential(*ups, nn.ReflectionPad2d(3), nn.Conv2d(config.base, 4, 7))

    def forward(self, image: Tensor, source_maps: Tensor, target_maps: Tensor) -> CoarseOutput:
        """Draw the coarse picture.

        Parameters
        ----------
        image : float (B, 3, H, W)
            Source in [0, 1].
        source_maps, target_maps : float (B, 18, H, W)
        """
        features = self.image(image * 2 - 1)  # (B, C, h, w)
        pose = self.pose(torch.cat([source_maps, target_maps], dim=1))
        for block in self.blocks:
            features, pose = block(features, pose)
        drawn = self.up(features)  # (B, 4, H, W)
        return CoarseOutput(torch.tanh(drawn[:, :3]), drawn[:, 3:], features)


class AdaptiveNorm(nn.Module):
    """Adaptive instance normalization (Huang and Belongie 2017): a code gives each channel its scale and shift."""

    def __init__(self, channels: int, code: int) -> None:
        super().__init__()
        self.affine = nn.Linear(code, 2 * channels)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        """Return features of the same shape; `code` is (B, code)."""
        scale, shift = self.affine(code)[:, :, None, None].chunk(2, dim=1)
        normalized: Tensor = functional.instance_norm(features, eps=NORM_EPSILON) * (1 + scale) + shift
        return normalized


class AdaptiveBlock(nn.Module):
    """A residual block of two convolutions with adaptive norms, (B, C, h, w) to the same shape."""

    def __init__(self, channels: int, code: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, 1, 1) for _ in range(2))
        self.first_norm, self.second_norm = AdaptiveNorm(channels, code), AdaptiveNorm(channels, code)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        """Return features of the same shape."""
        inner = functional.leaky_relu(self.first_norm(self.first(features), code), LEAK)
        result: Tensor = features + self.second_norm(self.second(inner), code)
        return result


class AdaptiveUp(nn.Module):
    """A transposed convolution that doubles the size, with an adaptive norm, (B, C, h, w) to (B, C', 2h, 2w)."""

    def __init__(self, in_channels: int, out_channels: int, code: int) -> None:
        super().__init__()
        self.convolution = nn.ConvTranspose2d(in_channels, out_channels, 3, 2, 1, 1)
        self.norm = AdaptiveNorm(out_channels, code)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        """Return features of twice the size."""
        return functional.leaky_relu(self.norm(self.convolution(features), code), LEAK)


class PlainResidualBlock(nn.Module):
    """Two convolutions without norm around an identity, (B, C, h, w) to the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvUnit(channels, channels, norm=False), nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        result: Tensor = features + self.body(features)
        return result


class TextureModule(nn.Module):
    """G_t: the source picture as a code of some numbers, and F_t with it to the residual picture R_t.

    The encoder has no norms, which would take away the means that the code is made of.
    """

    def __init__(self, config: RateNetConfig) -> None:
        super().__init__()
        channels = config.channels
        self.encoder = nn.Sequential(
            down_path(3, config.base, config.downs, norm=False),
            *(PlainResidualBlock(channels) for _ in range(config.texture_blocks)),
        )
        self.to_code = nn.Linear(channels, config.code)
        self.blocks = nn.ModuleList(AdaptiveBlock(channels, config.code) for _ in range(config.adaptive_blocks))
        self.ups = nn.ModuleList(
            AdaptiveUp(config.base * 2 ** (level + 1), config.base * 2**level, config.code)
            for level in reversed(range(config.downs))
        )
        self.to_rgb = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(config.base, 3, 7))

    def code(self, image: Tensor) -> Tensor:
        """Return z_t, float (B, code), of a source picture (B, 3, H, W) in [0, 1]."""
        code: Tensor = self.to_code(self.encoder(image * 2 - 1).mean(dim=(2, 3)))
        return code

    def forward(self, image: Tensor, features: Tensor) -> Tensor:
        """Return R_t, float (B, 3, H, W), to be added to a picture in [-1, 1].

        Parameters
        ----------
        image : float (B, 3, H, W)
            Source in [0, 1].
        features : float (B, C, h, w)
            F_t.
        """
        code = self.code(image)
        for block in self.blocks:
            features = block(features, code)
        for up in self.ups:
            features = up(features, code)
        residual: Tensor = self.to_rgb(features)
        return residual


class RateNetOutput(NamedTuple):
    """What the generator makes.

    Attributes
    ----------
    rgb : float (B, 3, H, W)
        The coarse picture and the residual together, in [0, 1] where it was trained well; not bounded.
    coarse : float (B, 3, H, W)
        In [0, 1].
    coverage : float (B, 1, H, W)
        Logits of how much of a pixel is the person's.
    """

    rgb: Tensor
    coarse: Tensor
    coverage: Tensor


class RateNetGenerator(nn.Module):
    """The source picture and both poses to the picture in the target pose: G_P + G_t (section 3.3)."""

    def __init__(self, config: RateNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or RateNetConfig()
        self.pose = PoseTransferModule(config)
        self.texture = TextureModule(config) if config.texture else None

    def forward(self, image: Tensor, source_maps: Tensor, target_maps: Tensor) -> RateNetOutput:
        """Draw the picture.

        Parameters
        ----------
        image : float (B, 3, H, W)
            Source in [0, 1].
        source_maps, target_maps : float (B, 18, H, W)
            As `RateNetConfig.pose_maps` draws them.
        """
        made = self.pose(image, source_maps, target_maps)
        whole = made.coarse if self.texture is None else made.coarse + self.texture(image, made.features)
        return RateNetOutput((whole + 1) / 2, (made.coarse + 1) / 2, made.coverage)


@dataclass(frozen=True)
class RateDiscriminatorConfig:
    """Size of a discriminator; the defaults are PATN's.

    Attributes
    ----------
    base : int
        Channels after the first convolution.
    downs : int
        Layers that halve the size.
    blocks : int
        Residual blocks.
    """

    base: int = 64
    downs: int = 2
    blocks: int = 3


class ResidualDiscriminator(nn.Module):
    """PATN's discriminator: a picture and what it shall agree with, joined as channels, to a logit for every place.

    PATN leaves the last features as they are; here a 1x1 convolution makes one logit of them.
    """

    def __init__(self, in_channels: int, config: RateDiscriminatorConfig | None = None) -> None:
        super().__init__()
        config = config or RateDiscriminatorConfig()
        channels = config.base * 2**config.downs
        blocks: list[nn.Module] = [_NormedBlock(channels) for _ in range(config.blocks)]
        self.layers = nn.Sequential(down_path(in_channels, config.base, config.downs), *blocks)
        self.judge = nn.Conv2d(channels, 1, 1)

    def forward(self, joined: Tensor) -> Tensor:
        """Return logits (B, 1, h, w): higher is more real."""
        logits: Tensor = self.judge(self.layers(joined))
        return logits


class _NormedBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvUnit(channels, channels),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels, eps=NORM_EPSILON),
        )

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = features + self.body(features)
        return result


ARCHITECTURE: Final = "rate_net"
RATE_NET_FILE: Final = NetworkFormat(
    ARCHITECTURE, "generator", RateNetGenerator, RateNetConfig, "motionwarp train rate_net generator"
)
