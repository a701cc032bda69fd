"""Multi-scale structural similarity (MS-SSIM), Wang, Simoncelli and Bovik, Asilomar 2003."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.evaluation.metrics.pixel import paired
from motionwarp.types import ByteArray, FloatArray

# the paper's weights of its five scales, from fine to coarse
WEIGHTS: Final = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW: Final = 11
_SIGMA: Final = 1.5
_C1: Final = 0.01**2
_C2: Final = 0.03**2
# the coarsest scale must still hold one window
SMALLEST_SIDE: Final = _WINDOW * 2 ** (len(WEIGHTS) - 1)


def ms_ssim(first: ByteArray | FloatArray, second: ByteArray | FloatArray) -> float:
    """Return the similarity of two pictures over five scales; higher is better, at most 1.

    Gaussian windows of 11 pixels, sigma 1.5, data range 1; contrast and structure are averaged over pixels and channels at every
    scale, luminance at the last; 2x2 means between scales. Negative terms count as 0. torchmetrics gives the same.

    Parameters
    ----------
    first, second : uint8 or float32 (H, W, C)

    Raises
    ------
    ValueError
        If shapes differ or a side is shorter than 176 pixels.
    """
    one, other = paired(first, second)
    if one.ndim != 3 or min(one.shape[:2]) < SMALLEST_SIDE:
        raise ValueError(f"MS-SSIM needs pictures (H, W, C) of at least {SMALLEST_SIDE} pixels on both sides, got {one.shape}")
    product = 1.0
    for scale, weight in enumerate(WEIGHTS):
        luminance, structure = _terms(one, other)
        coarsest = scale == len(WEIGHTS) - 1
        term = float((luminance * structure).mean() if coarsest else structure.mean())
        product *= max(term, 0.0) ** weight
        one, other = _halved(one), _halved(other)
    return product


def _terms(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return luminance and contrast-structure of all pixels whose window lies inside."""
    mean_one, mean_other = _smoothed(one), _smoothed(other)
    variance_one = _smoothed(one * one) - mean_one**2
    variance_other = _smoothed(other * other) - mean_other**2
    covariance = _smoothed(one * other) - mean_one * mean_other
    luminance = (2 * mean_one * mean_other + _C1) / (mean_one**2 + mean_other**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_one + variance_other + _C2)
    return luminance, structure


def _smoothed(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    margin = _WINDOW // 2
    means = cv2.GaussianBlur(values, (_WINDOW, _WINDOW), _SIGMA, borderType=cv2.BORDER_REFLECT)
    return np.asarray(means.reshape(values.shape)[margin:-margin, margin:-margin], dtype=np.float64)


def _halved(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    height, width = (side // 2 * 2 for side in values.shape[:2])
    even = values[:height, :width]
    halved: npt.NDArray[np.float64] = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    return halved
