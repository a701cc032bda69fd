"""Poses as stacks of maps, the form in which networks take them."""

from __future__ import annotations

import torch
from torch import Tensor

from motionwarp.pose.kinematics import VISIBLE_SCORE

# PG2 and Warping-GAN fill a disc of this radius with 1
DISC_RADIUS = 4.0


def disc_heatmaps(
    points: Tensor, height: int, width: int, radius: float = DISC_RADIUS, min_score: float = VISIBLE_SCORE
) -> Tensor:
    """Draw each point as a disc filled with 1.

    Parameters
    ----------
    points : float tensor (..., 18, 3)
        x, y in pixels of the map (pixel centers at integers) and the score.
    height, width : int
        Size of the maps.
    radius : float
        In pixels of the map; a pixel belongs to the disc if its center is at most this far away.
    min_score : float
        Points of a lower score, and points of score 0, give empty maps.

    Returns
    -------
    float tensor (..., 18, height, width)
        0 or 1, on the points' device and of their dtype.

    Raises
    ------
    ValueError
        If the points have another form, or a side is not positive.
    """
    across, down = _offsets(points, height, width)
    drawn = down.square()[..., :, None] + across.square()[..., None, :] <= radius**2
    return (drawn & _visible(points, min_score)).to(points.dtype)


def gaussian_heatmaps(
    points: Tensor, height: int, width: int, sigma: float, min_score: float = VISIBLE_SCORE
) -> Tensor:
    """Draw each point as exp(-d^2 / (2 sigma^2)) of the distance d from it (HPN, eq. 1; PATN's heat maps).

    Parameters
    ----------
    points : float tensor (..., 18, 3)
        x, y in pixels of the map (pixel centers at integers) and the score.
    height, width : int
        Size of the maps.
    sigma : float
        In pixels of the map.
    min_score : float
        Points of a lower score, and points of score 0, give empty maps.

    Returns
    -------
    float tensor (..., 18, height, width)
        In [0, 1], on the points' device and of their dtype.

    Raises
    ------
    ValueError
        If the points have another form, or a side or sigma is not positive.
    """
    if sigma <= 0:
        raise ValueError(f"heat maps need a positive sigma, got {sigma}")
    across, down = _offsets(points, height, width)
    # a Gaussian of two directions is the product of two of one
    of_rows, of_columns = (torch.exp(-offset.square() / (2 * sigma**2)) for offset in (down, across))
    return of_rows[..., :, None] * of_columns[..., None, :] * _visible(points, min_score).to(points.dtype)


def _offsets(points: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return how far columns (..., 18, W) and rows (..., 18, H) are from each point."""
    if points.ndim < 2 or points.shape[-1] != 3 or not points.is_floating_point():
        raise ValueError(f"heat maps need float points (..., 18, 3), got {points.dtype} {tuple(points.shape)}")
    if height <= 0 or width <= 0:
        raise ValueError(f"heat maps need a size, got {width}x{height}")
    across = torch.arange(width, device=points.device, dtype=points.dtype) - points[..., 0, None]
    down = torch.arange(height, device=points.device, dtype=points.dtype) - points[..., 1, None]
    return across, down


def _visible(points: Tensor, min_score: float) -> Tensor:
    """Return which points are drawn, bool (..., 18, 1, 1)."""
    scores = points[..., 2]
    return ((scores >= min_score) & (scores > 0))[..., None, None]


def points_at_scale(points: Tensor, factor: float) -> Tensor:
    """Return points (..., 3) in pixels of a picture `factor` times as large; pixel centers are at integers."""
    places = (points[..., :2] + 0.5) * factor - 0.5
    return torch.cat([places, points[..., 2:]], dim=-1)
