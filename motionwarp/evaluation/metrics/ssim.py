"""Structural similarity (SSIM), Wang et al., IEEE TIP 2004, with the settings that papers on pose transfer report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.evaluation.metrics.image import paired
from motionwarp.pose.regions import REGION_SHARE, RegionCount, region_centers, region_corners
from motionwarp.types import ByteArray, FloatArray

# section III.B of the paper, for a data range of 1
_K1: Final = 0.01
_K2: Final = 0.03


@dataclass(frozen=True)
class SsimSettings:
    """Which of the variants that go by the one name; the defaults are the paper's.

    Attributes
    ----------
    window : int
        Pixels, odd.
    sigma : float or None
        Width of the Gaussian window in pixels; None for a uniform window.
    data_range : float
        Difference of the largest and the smallest value that there may be, for values in [0, 1].
    sample_covariance : bool
        Divide by n - 1 for n pixels of a window instead of n.
    """

    window: int = 11
    sigma: float | None = 1.5
    data_range: float = 1.0
    sample_covariance: bool = False

    def __post_init__(self) -> None:
        if (
            self.window < 3
            or self.window % 2 == 0
            or self.data_range <= 0
            or (self.sigma is not None and self.sigma <= 0)
        ):
            raise ValueError(f"SSIM needs an odd window from 3 up, a positive sigma and data range, got {self}")


PAPER: Final = SsimSettings()


def ssim_map(
    first: ByteArray | FloatArray, second: ByteArray | FloatArray, settings: SsimSettings = PAPER
) -> FloatArray:
    """Return the similarity around every pixel whose whole window lies inside the pictures.

    By default population statistics in a Gaussian window of 11 pixels, sigma 1.5, as in the paper; so `skimage.metrics`
    with `gaussian_weights=True, sigma=1.5, use_sample_covariance=False` and torchmetrics give the same.

    Parameters
    ----------
    first, second : uint8 or float32 (H, W, C)
        At least as high and wide as the window.
    settings : SsimSettings

    Returns
    -------
    float32 (H - window + 1, W - window + 1, C)
        In [-1, 1].

    Raises
    ------
    ValueError
        If shapes differ or the pictures are smaller than the window.
    """
    one, other = paired(first, second)
    window = settings.window
    if one.ndim != 3 or min(one.shape[:2]) < window:
        raise ValueError(f"SSIM needs pictures (H, W, C) of at least {window}x{window} pixels, got {one.shape}")
    mean_one, mean_other = _smoothed(one, settings), _smoothed(other, settings)
    # skimage's convention: n is the pixels of the window, even where a Gaussian weighs them
    unbiased = window**2 / (window**2 - 1) if settings.sample_covariance else 1.0
    variance_one = unbiased * (_smoothed(one * one, settings) - mean_one**2)
    variance_other = unbiased * (_smoothed(other * other, settings) - mean_other**2)
    covariance = unbiased * (_smoothed(one * other, settings) - mean_one * mean_other)
    c1, c2 = (_K1 * settings.data_range) ** 2, (_K2 * settings.data_range) ** 2
    luminance = (2 * mean_one * mean_other + c1) / (mean_one**2 + mean_other**2 + c1)
    structure = (2 * covariance + c2) / (variance_one + variance_other + c2)
    return np.asarray(luminance * structure, dtype=np.float32)


def ssim(first: ByteArray | FloatArray, second: ByteArray | FloatArray, settings: SsimSettings = PAPER) -> float:
    """Return the mean similarity over pixels and channels; see `ssim_map`."""
    return float(ssim_map(first, second, settings).mean(dtype=np.float64))


def masked_ssim(
    first: ByteArray | FloatArray, second: ByteArray | FloatArray, mask: FloatArray, settings: SsimSettings = PAPER
) -> float:
    """Return the similarity of two pictures whose background is painted black.

    Mask-SSIM of PG2 (Ma et al., NeurIPS 2017).

    Parameters
    ----------
    first, second : uint8 or float32 (H, W, C)
    mask : float32 (H, W)
        In [0, 1]; both pictures are multiplied by it. The mean is over the whole picture, as in the paper's published
        code, so that a small person scores near 1.
    settings : SsimSettings
    """
    one, other = paired(first, second)
    if mask.shape != one.shape[:2]:
        raise ValueError(f"the mask of a {one.shape[:2]} picture has shape {mask.shape}")
    cover = mask.astype(np.float64)[..., None]
    return ssim(np.asarray(one * cover, dtype=np.float32), np.asarray(other * cover, dtype=np.float32), settings)


def _smoothed(values: npt.NDArray[np.float64], settings: SsimSettings) -> npt.NDArray[np.float64]:
    """Return means over the windows that lie inside, float64 (H - window + 1, W - window + 1, C)."""
    size = (settings.window, settings.window)
    if settings.sigma is None:
        means = cv2.blur(values, size, borderType=cv2.BORDER_REFLECT)
    else:
        means = cv2.GaussianBlur(values, size, settings.sigma, borderType=cv2.BORDER_REFLECT)
    margin = settings.window // 2
    # OpenCV drops the axis of a single channel
    return np.asarray(means.reshape(values.shape)[margin:-margin, margin:-margin], dtype=np.float64)


def local_ssim(
    first: ByteArray | FloatArray,
    second: ByteArray | FloatArray,
    points: FloatArray,
    *,
    count: RegionCount = 44,
    settings: SsimSettings = PAPER,
    similarity: FloatArray | None = None,
) -> float:
    """Return the mean SSIM of regions round a person's points; higher is better, at most 1.

    Every region is compared as a picture of its own, and regions weigh alike. That is the mean of the whole pictures'
    similarity over the pixels whose window lies inside the region, which is how it is computed.

    Parameters
    ----------
    first, second : uint8 or float32 (H, W, C)
    points : float32 (18, 3)
        Points of the ground truth, in pixels.
    count : 18, 31 or 44
    settings : SsimSettings
    similarity : float32 (H - window + 1, W - window + 1, C), optional
        `ssim_map(first, second, settings)`, where it is there already.

    Returns
    -------
    float
        NaN if no point lies inside the picture.

    Raises
    ------
    ValueError
        If the regions, one eighth of the picture's long side, are smaller than the window of the similarity.
    """
    height, width = first.shape[:2]
    side = round(max(height, width) / REGION_SHARE)
    if side < settings.window or side > min(height, width):
        raise ValueError(
            f"local SSIM of a {width}x{height} picture has regions of {side} pixels, the window is {settings.window}"
        )
    values = ssim_map(first, second, settings) if similarity is None else similarity
    inner = side - settings.window + 1
    corners = region_corners(region_centers(points, count), height, width, side)
    regions = [values[row : row + inner, column : column + inner].mean(dtype=np.float64) for row, column in corners]
    return float(np.mean(regions)) if regions else float("nan")


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

    Gaussian windows of 11 pixels, sigma 1.5, data range 1; contrast and structure are averaged over pixels and channels
    at every scale, luminance at the last; 2x2 means between scales. Negative terms count as 0. torchmetrics gives the
    same.

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
        raise ValueError(
            f"MS-SSIM needs pictures (H, W, C) of at least {SMALLEST_SIDE} pixels on both sides, got {one.shape}"
        )
    product = 1.0
    for scale, weight in enumerate(WEIGHTS):
        luminance, structure = _terms(one, other)
        coarsest = scale == len(WEIGHTS) - 1
        term = float((luminance * structure).mean() if coarsest else structure.mean())
        product *= max(term, 0.0) ** weight
        one, other = _halved(one), _halved(other)
    return product


def _terms(
    one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return luminance and contrast-structure of all pixels whose window lies inside."""
    mean_one, mean_other = _smoothed_by_gaussian(one), _smoothed_by_gaussian(other)
    variance_one = _smoothed_by_gaussian(one * one) - mean_one**2
    variance_other = _smoothed_by_gaussian(other * other) - mean_other**2
    covariance = _smoothed_by_gaussian(one * other) - mean_one * mean_other
    luminance = (2 * mean_one * mean_other + _C1) / (mean_one**2 + mean_other**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_one + variance_other + _C2)
    return luminance, structure


def _smoothed_by_gaussian(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    margin = _WINDOW // 2
    means = cv2.GaussianBlur(values, (_WINDOW, _WINDOW), _SIGMA, borderType=cv2.BORDER_REFLECT)
    return np.asarray(means.reshape(values.shape)[margin:-margin, margin:-margin], dtype=np.float64)


def _halved(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    height, width = (side // 2 * 2 for side in values.shape[:2])
    even = values[:height, :width]
    halved: npt.NDArray[np.float64] = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    return halved
