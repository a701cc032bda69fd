"""The clean plate: a picture with its person taken out and the hole filled from what surrounds it."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from motionwarp.inpainting.patch_match import filled_by_patches
from motionwarp.types import BoolArray, ByteArray, FloatArray

Fill = Literal["patches", "smooth"]

# the smooth fill loses nothing by being made small; inpainting time grows with the hole's area
WORK_LONG_SIDE = 320
# of the picture's long side: hair, shadows on the ground and blur reach beyond the matte
MARGIN = 0.012
COVERED = 0.04
# the lowest part of the person, of their height, has shadows on the ground around it: so many margins wide
FEET, FEET_MARGIN = 0.08, 2.5
# of the picture's area: pieces of it within the hole that are smaller are filled as well
ISLAND = 0.001


def clean_plate(rgb: ByteArray, coverage: FloatArray, *, fill: Fill = "patches", seed: int = 0) -> ByteArray:
    """Take the person out of a picture.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    coverage : float32 (H, W)
        Where the person is, in [0, 1].
    fill : {"patches", "smooth"}
        `patches` continues texture and structure with pieces of the picture (`patch_match.py`), in about a second;
        `smooth` is OpenCV's fast marching method (Telea 2004) at reduced size, smoothed inwards, so that no streaks run
        across the hole, with the grain of its surroundings: blurred, but ten times as fast. A picture with too little
        to take pieces from is filled smoothly.
    seed : int
        Seed of the search for pieces and of the grain.

    Returns
    -------
    uint8 (H, W, 3)
        Equal to the picture away from the person.
    """
    hole = hole_of(coverage)
    if not hole.any():
        return rgb.copy()
    if hole.all():
        # nothing is left to fill from; the mean is the least wrong plain color
        return np.full_like(rgb, rgb.reshape(-1, 3).mean(axis=0).round().astype(np.uint8))
    smooth = _smoothly_filled(rgb, hole, seed)
    if fill == "smooth":
        return smooth
    inside = hole > 0
    return filled_by_patches(np.where(inside[..., None], smooth, rgb), inside, seed=seed)


def _smoothly_filled(rgb: ByteArray, hole: ByteArray, seed: int) -> ByteArray:
    """Return the picture, uint8 (H, W, 3), with a smooth fill that goes over into it softly around the hole."""
    height, width = hole.shape
    scale = min(1.0, WORK_LONG_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small_hole = cv2.resize(hole, size, interpolation=cv2.INTER_AREA) > 0
    small = _without_hole_colors(rgb, hole, size)
    filled = _fill(small, small_hole.astype(np.uint8))
    large = cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC)
    noise = _grain(rgb, hole, seed)
    soft = cv2.GaussianBlur(hole, (0, 0), max(0.8, 0.004 * max(height, width)))
    weight = (np.maximum(soft, hole) / np.float32(255))[..., None]
    mixed = rgb * (1 - weight) + (large + noise) * weight
    return np.asarray(np.clip(np.rint(mixed), 0, 255), dtype=np.uint8)


def hole_of(coverage: FloatArray) -> ByteArray:
    """Return what has to be filled.

    The person, their shadow at the feet and a margin around, uint8 (H, W) of 0 and 255.
    """
    margin = max(1.0, MARGIN * max(coverage.shape))
    person = (coverage > COVERED).astype(np.uint8)
    hole = _grown(person, margin)
    rows = np.flatnonzero(person.any(axis=1))
    if len(rows):
        person[: rows[-1] + 1 - round(FEET * len(rows))] = 0
        hole |= _grown(person, FEET_MARGIN * margin)
    return _without_islands(hole.astype(np.uint8) * 255)


def _grown(mask: ByteArray, by: float) -> BoolArray:
    """Return where a mask of 0 and 1 is at most `by` pixels away; by distances, whose cost does not grow with them."""
    return np.asarray(cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_5) <= by) & bool(mask.any())


def _without_islands(hole: ByteArray) -> ByteArray:
    """Return the hole with the small pieces of picture that it encloses.

    Little of them is more than the person's fringe.
    """
    _, labels, facts, _ = cv2.connectedComponentsWithStats(cv2.bitwise_not(hole), connectivity=4)
    small = facts[:, cv2.CC_STAT_AREA] < ISLAND * hole.size
    small[0] = True  # the hole itself
    return np.asarray(np.where(small[labels], 255, 0), dtype=np.uint8)


def _without_hole_colors(rgb: ByteArray, hole: ByteArray, size: tuple[int, int]) -> ByteArray:
    """Reduce a picture with the pixels of the hole left out of every average."""
    known = (hole == 0).astype(np.float32)
    weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    colors = cv2.resize(rgb * known[..., None], size, interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(colors / np.maximum(weight, 1e-4)[..., None], 0, 255), dtype=np.uint8)


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
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = np.abs(gray - cv2.GaussianBlur(gray, (0, 0), 1.0))[hole == 0]
    # the median is the grain of plain areas; edges and texture are above it
    strength = float(np.median(detail)) * 1.48
    noise = np.random.default_rng(seed).standard_normal(hole.shape, dtype=np.float32)
    return np.asarray(noise * min(strength, 6.0), dtype=np.float32)[..., None]
