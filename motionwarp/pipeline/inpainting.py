"""The clean plate: a picture with its person taken out and the hole filled from what surrounds it."""

from __future__ import annotations

import cv2
import numpy as np

from motionwarp.types import ByteArray, FloatArray

# the fill is smooth, so it loses nothing by being made small; inpainting time grows with the hole's area
WORK_LONG_SIDE = 320
# of the picture's long side: hair, shadows on the ground and blur reach beyond the matte
MARGIN = 0.012
COVERED = 0.04


def clean_plate(rgb: ByteArray, coverage: FloatArray, *, seed: int = 0) -> ByteArray:
    """Take the person out of a picture.

    The hole is filled at reduced size with OpenCV's fast marching method (Telea 2004), smoothed inwards, so that no
    streaks run across it, and gets the grain of its surroundings.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    coverage : float32 (H, W)
        Where the person is, in [0, 1].
    seed : int
        Of the grain.

    Returns
    -------
    uint8 (H, W, 3)
        Equal to the picture away from the person.
    """
    height, width = coverage.shape
    hole = hole_of(coverage)
    if not hole.any():
        return rgb.copy()
    if hole.all():
        # nothing is left to fill from; the mean is the least wrong plain colour
        return np.full_like(rgb, rgb.reshape(-1, 3).mean(axis=0).round().astype(np.uint8))
    scale = min(1.0, WORK_LONG_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small_hole = cv2.resize(hole, size, interpolation=cv2.INTER_AREA) > 0
    small = _without_hole_colours(rgb, hole, size)
    filled = _fill(small, small_hole.astype(np.uint8))
    large = cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC)
    noise = _grain(rgb, hole, seed)
    soft = cv2.GaussianBlur(hole, (0, 0), max(0.8, 0.004 * max(height, width)))
    weight = (np.maximum(soft, hole) / np.float32(255))[..., None]
    mixed = rgb * (1 - weight) + (large + noise) * weight
    return np.asarray(np.clip(np.rint(mixed), 0, 255), dtype=np.uint8)


def hole_of(coverage: FloatArray) -> ByteArray:
    """Return what has to be filled: the person and a margin around, uint8 (H, W) of 0 and 255."""
    radius = max(1, round(MARGIN * max(coverage.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate((coverage > COVERED).astype(np.uint8) * 255, kernel), dtype=np.uint8)


def _without_hole_colours(rgb: ByteArray, hole: ByteArray, size: tuple[int, int]) -> ByteArray:
    """Reduce a picture with the pixels of the hole left out of every average."""
    known = (hole == 0).astype(np.float32)
    weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    colours = cv2.resize(rgb * known[..., None], size, interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(colours / np.maximum(weight, 1e-4)[..., None], 0, 255), dtype=np.uint8)


def _fill(small: ByteArray, hole: ByteArray) -> ByteArray:
    filled = cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA)
    # the deeper inside, the less is known: fine streaks give way to their average
    depth = cv2.distanceTransform(hole, cv2.DIST_L2, 3)
    result = filled.astype(np.float32)
    for sigma, reach in ((1.5, 2.0), (3.0, 6.0), (6.0, 14.0)):
        blurred = cv2.GaussianBlur(result, (0, 0), sigma)
        weight = np.clip((depth - 0.5 * reach) / reach, 0, 1)[..., None]
        result += (blurred - result) * weight
    return np.asarray(np.clip(np.rint(result), 0, 255), dtype=np.uint8)


def _grain(rgb: ByteArray, hole: ByteArray, seed: int) -> FloatArray:
    """Return noise of the strength that the picture itself has around the hole, float32 (H, W, 1)."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.0))[hole == 0]
    # the median is the grain of plain areas; edges and texture are above it
    strength = float(np.median(detail)) * 1.48
    noise = np.random.default_rng(seed).standard_normal(hole.shape, dtype=np.float32)
    return np.asarray(noise * min(strength, 6.0), dtype=np.float32)[..., None]
