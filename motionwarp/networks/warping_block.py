"""The soft-gated warping block of the Soft-Gated Warping-GAN, eq. 1: T(F) = F + W(F) * R(F)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.geometry.grids import sample
from motionwarp.networks.resnet_generator import ReflectConv


class WarpingBlock(nn.Module):
    """Deep features of the condition picture, moved to where the target pose wants them.

    R(F) are residual features from two convolutions, sampled through the transformation grid. The paper says that the elements
    of W lie in [0, 1] and gate the residual by how far the pose changes, not how they come about: here an attention map of
    sigmoids over the features and what is known of the pose change (target heatmaps and how far the grid moves each position).
    """

    def __init__(self, channels: int, condition_channels: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(ReflectConv(channels, channels), ReflectConv(channels, channels))
        hidden = max(channels // 4, 8)
        self.gate = nn.Sequential(
            nn.Conv2d(2 * channels + condition_channels + 2, hidden, 3, 1, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels, 1),
        )

    def forward(self, features: Tensor, grid: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Warp features.

        Parameters
        ----------
        features : float (B, C, h, w)
            Of the condition picture.
        grid : float32 (B, H, W, 2)
            The transformation grid in grid_sample's coordinates, at any resolution; affine and spline composed, so that the
            features are sampled once only.
        condition : float (B, D, H', W')
            What tells the pose change, at any resolution: heatmaps of both poses, say.

        Returns
        -------
        warped : float (B, C, h, w)
        gate : float (B, C, h, w)
            W, in [0, 1].
        """
        size = features.shape[-2:]
        small_grid = functional.interpolate(grid.permute(0, 3, 1, 2), size=size, mode="area")  # (B, 2, h, w)
        moved = sample(self.residual(features), small_grid.permute(0, 2, 3, 1))
        shift = (small_grid - _resting(size, small_grid)).to(features.dtype)
        seen = torch.cat([features, moved, functional.adaptive_max_pool2d(condition, size), shift], dim=1)
        gate = torch.sigmoid(self.gate(seen))
        return features + gate * moved, gate


def _resting(size: tuple[int, int] | torch.Size, like: Tensor) -> Tensor:
    """Return the coordinates at which nothing moves, (1, 2, h, w)."""
    height, width = size
    y = (torch.arange(height, device=like.device, dtype=like.dtype) * 2 + 1) / height - 1
    x = (torch.arange(width, device=like.device, dtype=like.dtype) * 2 + 1) / width - 1
    return torch.stack(torch.broadcast_tensors(x[None, :], y[:, None]))[None]
