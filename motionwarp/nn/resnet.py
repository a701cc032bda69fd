"""The residual encoder-decoder that both stages of the Warping-GAN are made of.

pix2pixHD's global generator (Wang et al. 2018, appendix): a 7x7 convolution, strided 3x3 convolutions that halve the
size and double the channels, residual blocks, and the way back. Two departures: the way up is nearest-neighbor
enlargement and a 3x3 convolution, since transposed convolutions leave a checkerboard; and borders are reflected in
every convolution of the way down.
"""

from __future__ import annotations

from torch import Tensor, nn

NORM_EPSILON = 1e-5


class ReflectConv(nn.Sequential):
    """Reflection padding, convolution, instance norm without learned scale, ReLU.

    (B, C, H, W) to (B, C', H/stride, W/stride).
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.ReflectionPad2d(kernel_size // 2),
            nn.Conv2d(in_channels, out_channels, kernel_size, stride),
            nn.InstanceNorm2d(out_channels, eps=NORM_EPSILON),
            nn.ReLU(inplace=True),
        )


class ReflectResidualBlock(nn.Module):
    """Two reflected 3x3 convolutions with instance norm around an identity, (B, C, H, W) to the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ReflectConv(channels, channels),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels, eps=NORM_EPSILON),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        result: Tensor = features + self.body(features)
        return result


class Encoder(nn.Sequential):
    """A 7x7 convolution and `downs` strided ones, (B, C, H, W) to (B, base * 2^downs, H / 2^downs, W / 2^downs)."""

    def __init__(self, in_channels: int, base: int, downs: int = 3) -> None:
        steps = [ReflectConv(base * 2**level, base * 2 ** (level + 1), stride=2) for level in range(downs)]
        super().__init__(ReflectConv(in_channels, base, kernel_size=7), *steps)
        self.out_channels = base * 2**downs


class Decoder(nn.Sequential):
    """`ups` enlargements and a 7x7 convolution without norm, (B, C, H, W) to (B, C', H * 2^ups, W * 2^ups)."""

    def __init__(self, in_channels: int, out_channels: int, base: int, ups: int = 3) -> None:
        layers: list[nn.Module] = []
        for level in reversed(range(ups)):
            layers += [nn.Upsample(scale_factor=2.0, mode="nearest"), ReflectConv(in_channels, base * 2**level)]
            in_channels = base * 2**level
        super().__init__(*layers, nn.ReflectionPad2d(3), nn.Conv2d(in_channels, out_channels, 7))


def residual_stack(channels: int, blocks: int = 9) -> nn.Sequential:
    """Return residual blocks in a row, (B, C, H, W) to the same shape."""
    return nn.Sequential(*(ReflectResidualBlock(channels) for _ in range(blocks)))
