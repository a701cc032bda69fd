"""The guided filter with a colour guide: smooths values but keeps the guide's edges (He, Sun and Tang, 2010)."""

from __future__ import annotations

import cv2
import numpy as np

from motionwarp.types import FloatArray


def guided_filter(guide: FloatArray, values: FloatArray, radius: int, epsilon: float) -> FloatArray:
    """Make `values` follow the edges of `guide`.

    In every window the result is a linear function of the guide's colours, fitted to the values by ridge regression (He et
    al., section 3, equations 19 to 21); each pixel averages the functions of the windows that hold it.

    Parameters
    ----------
    guide : float32 (H, W, 3)
        In [0, 1].
    values : float32 (H, W)
    radius : int
        Of the square windows, in pixels, at least 1.
    epsilon : float
        Variance of the guide below which a window counts as flat.

    Returns
    -------
    float32 (H, W)
        Not confined to the range of `values`.
    """
    if guide.shape[:2] != values.shape or guide.shape[2:] != (3,):
        raise ValueError(f"a guide of {guide.shape} does not fit values of {values.shape}")
    if radius < 1 or epsilon <= 0:
        raise ValueError(f"the guided filter needs a radius of at least 1 and a positive epsilon, got {radius}, {epsilon}")
    # centred colours lose no digits in the differences of means below
    guide = guide - guide.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
    colour = _window_mean(guide, radius)  # (H, W, 3)
    average = _window_mean(values, radius)
    covariance = _window_mean(guide * values[..., None], radius) - colour * average[..., None]  # (H, W, 3)
    slope = _solved(_colour_covariance(guide, colour, radius, epsilon), covariance)  # (H, W, 3)
    offset = average - (slope * colour).sum(axis=2)
    return np.asarray((_window_mean(slope, radius) * guide).sum(axis=2) + _window_mean(offset, radius), dtype=np.float32)


def _window_mean(array: FloatArray, radius: int) -> FloatArray:
    size = (2 * radius + 1, 2 * radius + 1)
    return np.asarray(cv2.boxFilter(array, -1, size, borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def _colour_covariance(guide: FloatArray, colour: FloatArray, radius: int, epsilon: float) -> FloatArray:
    """Return the windows' covariances of red, green and blue plus `epsilon`: rr, rg, rb, gg, gb, bb, (6, H, W)."""
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    planes, means = cv2.split(guide), cv2.split(colour)  # whole planes are read and written several times as fast as strided ones
    covariance = np.empty((len(pairs), *guide.shape[:2]), dtype=np.float32)
    for (one, other), plane in zip(pairs, covariance, strict=True):
        np.subtract(_window_mean(planes[one] * planes[other], radius), means[one] * means[other], out=plane)
        if one == other:
            plane += epsilon
    return covariance


def _solved(symmetric: FloatArray, right: FloatArray) -> FloatArray:
    """Solve a 3x3 system at every pixel by cofactors, (H, W, 3); `symmetric` (6, H, W), `right` (H, W, 3)."""
    rr, rg, rb, gg, gb, bb = symmetric
    inverse_rr, inverse_rg, inverse_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    inverse_gg, inverse_gb, inverse_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    determinant = rr * inverse_rr + rg * inverse_rg + rb * inverse_rb
    red, green, blue = cv2.split(right)
    solution = [
        (inverse_rr * red + inverse_rg * green + inverse_rb * blue) / determinant,
        (inverse_rg * red + inverse_gg * green + inverse_gb * blue) / determinant,
        (inverse_rb * red + inverse_gb * green + inverse_bb * blue) / determinant,
    ]
    return np.asarray(cv2.merge(solution), dtype=np.float32)
