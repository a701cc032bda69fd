"""Distances of joints in space from the truth: the root aligned, brought to size, and turned as well.

Points are the 18 of the project, (..., 18, 3); errors are means over the 14 of nose, trunk and limbs, or over those of
them that count.
"""

from __future__ import annotations

import torch
from torch import Tensor

from motionwarp.body.lifter_figures import about_hips

_BODY = 14


def aligned_by_scale(points: Tensor, truth: Tensor) -> Tensor:
    """Return points (T, 18, 3) brought to the truth's size by one factor for all frames, about the hips.

    The factor is that of least squares over the 14 points of the body.
    """
    own, other = about_hips(points), about_hips(truth)
    body = slice(0, _BODY)
    factor = (own[..., body, :] * other[..., body, :]).sum() / own[..., body, :].square().sum().clamp(min=1e-9)
    scaled: Tensor = own * factor
    return scaled


def mean_joint_error(points: Tensor, truth: Tensor, counted: Tensor) -> float:
    """Return the mean distance in meters of the body's points from the truth, the middles of the hips aligned.

    Parameters
    ----------
    points, truth : float tensor (18, 3)
    counted : bool tensor (18,)
        Points that count; at least one of the first 14.
    """
    apart = (about_hips(points) - about_hips(truth)).norm(dim=-1)[:_BODY]
    return float(apart[counted[:_BODY]].mean())


def procrustes_error(points: Tensor, truth: Tensor, counted: Tensor) -> float:
    """Return the same after the best shift, turn and size, over the points that count (Umeyama 1991)."""
    chosen = torch.nonzero(counted[:_BODY]).squeeze(1)
    own, other = points[chosen].double(), truth[chosen].double()
    own, other = own - own.mean(dim=0), other - other.mean(dim=0)
    left, sizes, right = torch.linalg.svd(other.T @ own)
    flip = torch.ones(3, dtype=torch.float64)
    flip[2] = torch.sign(torch.det(left @ right))
    turn = left @ torch.diag(flip) @ right
    factor = (sizes * flip).sum() / own.square().sum().clamp(min=1e-12)
    return float((factor * own @ turn.T - other).norm(dim=1).mean())
