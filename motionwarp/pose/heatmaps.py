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
    if points.ndim < 2 or points.shape[-1] != 3 or not points.is_floating_point():
        raise ValueError(f"heat maps need float points (..., 18, 3), got {points.dtype} {tuple(points.shape)}")
    if height <= 0 or width <= 0:
        raise ValueError(f"heat maps need a size, got {width}x{height}")
    across = torch.arange(width, device=points.device, dtype=points.dtype) - points[..., 0, None]  # (..., 18, W)
    down = torch.arange(height, device=points.device, dtype=points.dtype) - points[..., 1, None]  # (..., 18, H)
    drawn = down.square()[..., :, None] + across.square()[..., None, :] <= radius**2
    scores = points[..., 2]
    visible = (scores >= min_score) & (scores > 0)
    return (drawn & visible[..., None, None]).to(points.dtype)
