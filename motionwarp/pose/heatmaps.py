"""Poses as stacks of maps, the form in which networks take them."""

from __future__ import annotations

import torch
from torch import Tensor

from motionwarp.pose.body_tree import SEEN_SCORE

# PG2 and Warping-GAN fill a disc of this radius with 1
DISC_RADIUS = 4.0
# HPN draws a Gaussian of this width
GAUSSIAN_SIGMA = 3.2


def disc_heatmaps(points: Tensor, height: int, width: int, radius: float = DISC_RADIUS, min_score: float = SEEN_SCORE) -> Tensor:
    """Draw each point as a disc filled with 1.

    Parameters
    ----------
    points : float tensor (..., 18, 3)
        x, y in pixels of the map (pixel centres at integers) and the score.
    height, width : int
        Size of the maps.
    radius : float
        In pixels of the map; a pixel belongs to the disc if its centre is at most this far away.
    min_score : float
        Points of a lower score, and points of score 0, give empty maps.

    Returns
    -------
    float tensor (..., 18, height, width)
        0 or 1, on the points' device and of their dtype.
    """
    drawn = (_squared_distances(points, height, width) <= radius**2).to(points.dtype)
    return drawn * _seen(points, min_score)


def gaussian_heatmaps(
    points: Tensor, height: int, width: int, sigma: float = GAUSSIAN_SIGMA, min_score: float = SEEN_SCORE
) -> Tensor:
    """Draw each point as a Gaussian of height 1.

    Parameters
    ----------
    points : float tensor (..., 18, 3)
        x, y in pixels of the map (pixel centres at integers) and the score.
    height, width : int
        Size of the maps.
    sigma : float
        Standard deviation in pixels of the map.
    min_score : float
        Points of a lower score, and points of score 0, give empty maps.

    Returns
    -------
    float tensor (..., 18, height, width)
        In [0, 1], on the points' device and of their dtype.
    """
    # of two factors across and down, so that the exponential is taken of rows and columns only
    across, down = _offsets(points, height, width)
    rows = torch.exp(down.square() / (-2 * sigma**2))          # (..., 18, H)
    columns = torch.exp(across.square() / (-2 * sigma**2))     # (..., 18, W)
    return rows[..., :, None] * columns[..., None, :] * _seen(points, min_score)


def _offsets(points: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    if points.ndim < 2 or points.shape[-1] != 3 or not points.is_floating_point():
        raise ValueError(f"heat maps need float points (..., 18, 3), got {points.dtype} {tuple(points.shape)}")
    if height <= 0 or width <= 0:
        raise ValueError(f"heat maps need a size, got {width}x{height}")
    columns = torch.arange(width, device=points.device, dtype=points.dtype)
    rows = torch.arange(height, device=points.device, dtype=points.dtype)
    return columns - points[..., 0, None], rows - points[..., 1, None]


def _squared_distances(points: Tensor, height: int, width: int) -> Tensor:
    across, down = _offsets(points, height, width)
    return down.square()[..., :, None] + across.square()[..., None, :]


def _seen(points: Tensor, min_score: float) -> Tensor:
    scores = points[..., 2]
    return ((scores >= min_score) & (scores > 0)).to(points.dtype)[..., None, None]
