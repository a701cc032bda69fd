"""Inception v3 as FID uses it: TensorFlow's network of 2015 in the form that pytorch-fid publishes its weights in.

It differs from torchvision's in its poolings: averages leave the padding out, and the last block takes a maximum. Names
of parameters are those of the published file, which has 1008 classes.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, interpolate, max_pool2d

FEATURES: Final = 2048
CLASSES: Final = 1008
_SIDE: Final = 299


class _Conv(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(
        self,
        channels: int,
        width: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=0.001)

    def forward(self, values: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv(values)))


def _around(values: Tensor) -> Tensor:
    """3x3 means that leave the padding out."""
    return avg_pool2d(values, 3, stride=1, padding=1, count_include_pad=False)


class _BlockA(nn.Module):
    """35x35."""

    def __init__(self, channels: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = _Conv(channels, 64, 1)
        self.branch5x5_1, self.branch5x5_2 = _Conv(channels, 48, 1), _Conv(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = _Conv(channels, 64, 1)
        self.branch3x3dbl_2, self.branch3x3dbl_3 = _Conv(64, 96, 3, padding=1), _Conv(96, 96, 3, padding=1)
        self.branch_pool = _Conv(channels, pooled, 1)

    def forward(self, values: Tensor) -> Tensor:
        five = self.branch5x5_2(self.branch5x5_1(values))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(values)))
        return torch.cat([self.branch1x1(values), five, double, self.branch_pool(_around(values))], dim=1)


class _BlockB(nn.Module):
    """From 35x35 to 17x17."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch3x3 = _Conv(channels, 384, 3, stride=2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = _Conv(channels, 64, 1), _Conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = _Conv(96, 96, 3, stride=2)

    def forward(self, values: Tensor) -> Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(values)))
        return torch.cat([self.branch3x3(values), double, max_pool2d(values, 3, stride=2)], dim=1)


class _BlockC(nn.Module):
    """17x17 with 7x1 and 1x7 convolutions."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        wide, high = ((1, 7), (0, 3)), ((7, 1), (3, 0))

        def conv(incoming: int, width: int, shape: tuple[tuple[int, int], tuple[int, int]]) -> _Conv:
            return _Conv(incoming, width, shape[0], padding=shape[1])

        self.branch1x1 = _Conv(channels, 192, 1)
        self.branch7x7_1 = _Conv(channels, inner, 1)
        self.branch7x7_2, self.branch7x7_3 = conv(inner, inner, wide), conv(inner, 192, high)
        self.branch7x7dbl_1 = _Conv(channels, inner, 1)
        self.branch7x7dbl_2, self.branch7x7dbl_3 = conv(inner, inner, high), conv(inner, inner, wide)
        self.branch7x7dbl_4, self.branch7x7dbl_5 = conv(inner, inner, high), conv(inner, 192, wide)
        self.branch_pool = _Conv(channels, 192, 1)

    def forward(self, values: Tensor) -> Tensor:
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(values)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(values)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(values), seven, double, self.branch_pool(_around(values))], dim=1)


class _BlockD(nn.Module):
    """From 17x17 to 8x8."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch3x3_1, self.branch3x3_2 = _Conv(channels, 192, 1), _Conv(192, 320, 3, stride=2)
        self.branch7x7x3_1 = _Conv(channels, 192, 1)
        self.branch7x7x3_2 = _Conv(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = _Conv(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = _Conv(192, 192, 3, stride=2)

    def forward(self, values: Tensor) -> Tensor:
        three = self.branch3x3_2(self.branch3x3_1(values))
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(values))))
        return torch.cat([three, seven, max_pool2d(values, 3, stride=2)], dim=1)


class _BlockE(nn.Module):
    """8x8; its pooled branch takes a mean in the first of the two and a maximum in the second."""

    def __init__(self, channels: int, *, pool_maximum: bool) -> None:
        super().__init__()
        self.pool_maximum = pool_maximum
        self.branch1x1 = _Conv(channels, 320, 1)
        self.branch3x3_1 = _Conv(channels, 384, 1)
        self.branch3x3_2a = _Conv(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = _Conv(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1, self.branch3x3dbl_2 = _Conv(channels, 448, 1), _Conv(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = _Conv(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = _Conv(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = _Conv(channels, 192, 1)

    def forward(self, values: Tensor) -> Tensor:
        three = self.branch3x3_1(values)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(values))
        pooled = max_pool2d(values, 3, stride=1, padding=1) if self.pool_maximum else _around(values)
        branches = [self.branch1x1(values), self.branch3x3_2a(three), self.branch3x3_2b(three)]
        branches += [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double), self.branch_pool(pooled)]
        return torch.cat(branches, dim=1)


class FidInception(nn.Module):
    """The network of FID and IS; in evaluation mode, without gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = _Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = _Conv(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = _Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = _Conv(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _BlockA(192, 32), _BlockA(256, 64), _BlockA(288, 64)
        self.Mixed_6a = _BlockB(288)
        self.Mixed_6b, self.Mixed_6c = _BlockC(768, 128), _BlockC(768, 160)
        self.Mixed_6d, self.Mixed_6e = _BlockC(768, 160), _BlockC(768, 192)
        self.Mixed_7a = _BlockD(768)
        self.Mixed_7b, self.Mixed_7c = _BlockE(1280, pool_maximum=False), _BlockE(2048, pool_maximum=True)
        self.fc = nn.Linear(FEATURES, CLASSES)
        self.requires_grad_(False).eval()

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return features and class probabilities.

        Parameters
        ----------
        pictures : float tensor (B, 3, H, W)
            RGB in [0, 1], any size: scaled to 299x299, bilinear without antialiasing as in pytorch-fid.

        Returns
        -------
        features : float tensor (B, 2048)
            After the last pooling, for FID.
        probabilities : float tensor (B, 1008)
            For IS; the published score leaves the bias of the last layer out.
        """
        values = 2 * interpolate(pictures, size=(_SIDE, _SIDE), mode="bilinear", align_corners=False) - 1
        values = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(values)))  # (B, 64, 147, 147)
        values = max_pool2d(values, 3, stride=2)
        values = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(values))  # (B, 192, 71, 71)
        values = max_pool2d(values, 3, stride=2)
        values = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(values)))  # (B, 288, 35, 35)
        values = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(values)))))  # (B, 768, 17, 17)
        values = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(values)))  # (B, 2048, 8, 8)
        features = adaptive_avg_pool2d(values, 1).flatten(1)
        return features, torch.softmax(features @ self.fc.weight.T, dim=1)
