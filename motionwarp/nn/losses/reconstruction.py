"""Losses on rendered people.

Colors, outlines and structure, over backgrounds that are drawn anew for every picture.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# SSIM's constants for pictures in [0, 1] (Wang et al. 2004)
_C1, _C2 = 0.01**2, 0.03**2


def over_background(rgb: Tensor, alpha: Tensor, background: Tensor) -> Tensor:
    """Lay a person over plain backgrounds.

    Parameters
    ----------
    rgb : float (B, 3, H, W)
    alpha : float (B, 1, H, W)
    background : float (B, 3)
    """
    return rgb * alpha + background[..., None, None] * (1 - alpha)


def weighted_l1(made: Tensor, true: Tensor, weight: Tensor) -> Tensor:
    """Return the mean absolute difference, a scalar; `weight` (B, 1, H, W) says how much each pixel counts."""
    difference: Tensor = (weight * (made - true).abs()).sum() / (weight.sum() * made.shape[1]).clamp_min(1.0)
    return difference


def gradient_l1(made: Tensor, true: Tensor, weight: Tensor) -> Tensor:
    """Return the mean absolute difference of the horizontal and vertical gradients, a scalar."""
    across = weighted_l1(made.diff(dim=-1), true.diff(dim=-1), weight[..., 1:])
    down = weighted_l1(made.diff(dim=-2), true.diff(dim=-2), weight[..., 1:, :])
    return across + down


def copy_prior_loss(share: Tensor, covered: Tensor, weight: Tensor) -> Tensor:
    """Return how much is painted where the source has pixels to show, a scalar: identity is in the source's own pixels.

    Parameters
    ----------
    share : float (B, 1, H, W)
        Share of the painted picture in each pixel's color.
    covered : float (B, 1, H, W)
        Alpha of the composite of the warped parts.
    weight : float (B, 1, H, W)
    """
    return (weight * covered * share).sum() / (weight * covered).sum().clamp_min(1.0)


def alpha_sharpness_loss(alpha: Tensor, matte: Tensor, weight: Tensor) -> Tensor:
    """Return how much more transparent outlines are than true ones, a scalar.

    Where it is not sure whether somebody is there, a network shows half of them, which L1 hardly minds and eyes do.

    Parameters
    ----------
    alpha, matte : float (B, 1, H, W)
    weight : float (B, 1, H, W)
    """
    soft = functional.max_pool2d(matte * (1 - matte), 5, 1, 2)  # true edges may lie a little beside
    excess: Tensor = (functional.relu(alpha * (1 - alpha) - soft) * weight).sum() / weight.sum().clamp_min(1.0)
    return excess


def blend_variance_loss(variance: Tensor, weight: Tensor) -> Tensor:
    """Return how far apart the colors lie that are mixed with each other, a scalar.

    Where it is not sure what is in front, a network mixes an arm with what is behind it: right on average, and a ghost
    to the eye.

    Parameters
    ----------
    variance : float (B, 1, H, W)
        Variance of the colors mixed at a pixel, as `blend_variance` gives it.
    weight : float (B, 1, H, W)
    """
    return (variance * weight).sum() / weight.sum().clamp_min(1.0)


def structure_loss(made: Tensor, true: Tensor, weight: Tensor, window: int = 7, stride: int = 2) -> Tensor:
    """Return 1 - SSIM over uniform windows, a scalar.

    Parameters
    ----------
    made, true : float (B, 3, H, W)
        In [0, 1].
    weight : float (B, 1, H, W)
    window, stride : int
        Size and step of the means in pixels; a stride of 2 costs a quarter and sees nearly the same.
    """

    def mean(values: Tensor) -> Tensor:
        return functional.avg_pool2d(values, window, stride)

    count = made.shape[1]
    moments = mean(torch.cat([made, true, made * made, true * true, made * true], dim=1))
    made_mean, true_mean, made_square, true_square, product = moments.split(count, dim=1)
    covariance = product - made_mean * true_mean
    variances = made_square - made_mean**2 + true_square - true_mean**2
    luminance = (2 * made_mean * true_mean + _C1) / (made_mean**2 + true_mean**2 + _C1)
    similarity = luminance * (2 * covariance + _C2) / (variances + _C2)
    counted = mean(weight)
    loss: Tensor = (counted * (1 - similarity)).sum() / (counted.sum() * count).clamp_min(1.0)
    return loss
