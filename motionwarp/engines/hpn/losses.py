"""The loss of HPN: features of the whole picture and of squares round the person's points (eqs. 2 to 4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from motionwarp.nn.losses.perceptual import feature_distance
from motionwarp.pose.regions import REGION_SHARE, RegionCount, region_centers, region_corners


def descriptor_count(size: int) -> RegionCount:
    """Return how many local descriptors there are at a level, by its height: 18 up to 128, 31 up to 512, then 44."""
    return 18 if size <= 128 else 31 if size <= 512 else 44


def local_regions(points: Tensor, height: int, width: int, count: RegionCount) -> tuple[Tensor, Tensor, int]:
    """Return the squares that the local descriptors describe, one eighth of the picture's height a side.

    Parameters
    ----------
    points : float (B, 18, 3)
        Of the true pictures, in pixels; descriptors of points that are missing or outside of the picture are left out.
    height, width : int
    count : 18, 31 or 44

    Returns
    -------
    pictures : int64 (M,)
        Which picture of the batch each lies in.
    corners : int64 (M, 2)
        Their top left pixels, row and column.
    side : int
        In pixels.
    """
    side = max(round(height / REGION_SHARE), 1)
    places = [
        region_corners(region_centers(own, count), height, width, side) for own in points.detach().cpu().float().numpy()
    ]
    pictures = np.repeat(np.arange(len(places)), [len(own) for own in places])
    return torch.from_numpy(pictures), torch.from_numpy(np.concatenate(places)), side


def cut_regions(pictures: Tensor, owners: Tensor, corners: Tensor, side: int) -> Tensor:
    """Return squares of pictures (B, C, H, W) as (M, C, side, side); see `local_regions`."""
    steps = torch.arange(side, device=pictures.device)
    owners, corners = owners.to(pictures.device), corners.to(pictures.device)
    rows = (corners[:, :1] + steps)[:, :, None]  # (M, side, 1)
    columns = (corners[:, 1:] + steps)[:, None]  # (M, 1, side)
    return pictures[owners[:, None, None], :, rows, columns].permute(0, 3, 1, 2)


class ProgressivePerceptualLoss(nn.Module):
    """L_global + L_local over a frozen network's features, with C the L2 first and the L1 then.

    Parameters
    ----------
    features : Module
        A picture (B, 3, H, W) in [0, 1] to a list of features; not trained.
    pixels : float
        Weight of the picture itself as one more layer; the paper has VGG's features alone.
    """

    def __init__(self, features: nn.Module, pixels: float = 0.0) -> None:
        super().__init__()
        self.features = features
        self.pixels = pixels

    def forward(
        self, made: Tensor, true: Tensor, points: Tensor, *, squared: bool, count: RegionCount | None
    ) -> dict[str, Tensor]:
        """Return `global` and, with descriptors, `local`, scalars to be added (eq. 4).

        Parameters
        ----------
        made, true : float32 (B, 3, H, W)
        points : float (B, 18, 3)
            Of the true pictures.
        squared : bool
            Whether C is the L2.
        count : 18, 31, 44 or None
            None leaves the local descriptors out.
        """
        parts = {"global": self._distance(made, true, squared)}
        if count is not None:
            height, width = true.shape[-2:]
            owners, corners, side = local_regions(points, height, width, count)
            of_made, of_true = (cut_regions(picture, owners, corners, side) for picture in (made, true))
            # a sum over descriptors, a mean over the batch: the mean over all squares, times how many a picture has
            share = len(owners) / len(true)
            parts["local"] = share * self._distance(of_made, of_true, squared) if share else 0 * made.sum()
        return parts

    def _distance(self, made: Tensor, true: Tensor, squared: bool) -> Tensor:
        with torch.no_grad():
            wanted: Sequence[Tensor] = self.features(true)
        got: Sequence[Tensor] = self.features(made)
        total = feature_distance(got, wanted, squared=squared)
        if self.pixels:
            total = total + self.pixels * feature_distance([made], [true], squared=squared)
        return total
