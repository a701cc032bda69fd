"""Which pixels of a person are an upper and which a lower garment.

A dress and a jumpsuit are both: they count as an upper garment above the waist and as a lower one below it.
"""

from __future__ import annotations

from typing import Final, Literal

import cv2
import numpy as np

from motionwarp.parsing import labels
from motionwarp.parsing.carried import color_space
from motionwarp.pose import skeleton
from motionwarp.types import BoolArray, ByteArray, FloatArray

GarmentChoice = Literal["upper", "lower", "all"]

UPPER: Final = (labels.UPPER_CLOTHES, labels.COAT, labels.SCARF)
LOWER: Final = (labels.PANTS, labels.SKIRT)
GARMENT_CLASSES: Final[dict[GarmentChoice, tuple[int, ...]]] = {"upper": UPPER, "lower": LOWER, "all": (*UPPER, *LOWER)}
"""Classes of each choice, in a parsing that was divided at the waist."""

WAIST: Final = 0.2  # torsos above the hips
_LEGS: Final = (labels.LEFT_LEG, labels.RIGHT_LEG)
_ARMS: Final = (labels.LEFT_ARM, labels.RIGHT_ARM)
_LEAST_CLOTH: Final = 200  # pixels from which on a cloth has a color
_AROUND: Final = 25  # pixels
_SAME_COLOR: Final = 24.0  # in Lab's 0..255, lightness counted less
_NEARER: Final = 0.7  # of the distance to skin, up to which a color is rather the cloth's
_JOINED: Final = 0.97  # of the rows from the knees down that a skirt fills from side to side
_LEAST_SHIN: Final = 0.12  # of the way from the hips to the knees that a long skirt goes on below them


def divided_at_waist(parsing: ByteArray, points: FloatArray) -> ByteArray:
    """Return a parsing in which dresses and jumpsuits are an upper and a lower garment.

    Parameters
    ----------
    parsing : uint8 (H, W)
        LIP classes.
    points : float32 (18, 3)
        In pixels of it; where neither neck nor hips are among them, dresses are upper garments as a whole.

    Returns
    -------
    uint8 (H, W)
        Without the classes `DRESS` and `JUMPSUITS`.
    """
    lower = below_waist(parsing.shape, points)
    divided = parsing.copy()
    for whole, below in ((labels.DRESS, labels.SKIRT), (labels.JUMPSUITS, labels.PANTS)):
        own = parsing == whole
        divided[own & lower] = below
        divided[own & ~lower] = labels.UPPER_CLOTHES
    return divided


def below_waist(shape: tuple[int, ...], points: FloatArray) -> BoolArray:
    """Return where a picture (H, W) lies below the waist of a person, along the axis from neck to hips, bool (H, W)."""
    hips = points[[skeleton.RIGHT_HIP, skeleton.LEFT_HIP]]
    neck = points[skeleton.NECK]
    if min(float(hips[:, 2].min()), float(neck[2])) <= 0:
        return np.zeros(shape[:2], dtype=np.bool_)
    middle = hips[:, :2].mean(axis=0)
    down = middle - neck[:2]
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    fall = ((x - middle[0]) * down[0] + (y - middle[1]) * down[1]) / max(float(down @ down), 1e-6)
    return np.asarray(fall > -WAIST, dtype=np.bool_)


def limbs_by_color(parsing: ByteArray, rgb: ByteArray) -> ByteArray:
    """Return a parsing in which bare limbs that have the colors of the cloth beside them, not of the face, are cloth.

    Parsers take tight trousers for bare legs, and long sleeves for arms, now and then. Ours.

    Parameters
    ----------
    parsing : uint8 (H, W)
        LIP classes, dresses divided at the waist.
    rgb : uint8 (H, W, 3)
    """
    colors = color_space(rgb)
    face = parsing == labels.FACE
    if not face.any():
        return parsing
    skin = np.median(colors[face], axis=0)
    changed = parsing.copy()
    for limbs, cloths in ((_LEGS, (labels.PANTS,)), (_ARMS, (labels.UPPER_CLOTHES, labels.COAT))):
        limb = np.isin(parsing, limbs)
        for cloth in cloths:
            worn = parsing == cloth
            if np.count_nonzero(worn) < _LEAST_CLOTH or not limb.any():
                continue
            color = np.median(colors[worn], axis=0)
            away, near = (np.linalg.norm(colors - middle, axis=2) for middle in (skin, color))
            like = limb & (near < _SAME_COLOR) & (near < _NEARER * away)
            # what most of the limb around a pixel is like
            around, size = (cv2.blur(mask.astype(np.float32), (_AROUND, _AROUND)) for mask in (like, limb))
            changed[limb & (around > 0.5 * size)] = cloth
    return changed


def long_skirts(parsing: ByteArray, points: FloatArray) -> ByteArray:
    """Return a parsing in which trousers that fill all between the legs, down to the shins, are a skirt. Ours.

    Parsers take long, narrow skirts for trousers.

    Parameters
    ----------
    parsing : uint8 (H, W)
        LIP classes, dresses divided at the waist.
    points : float32 (18, 3)
        In pixels of it; without hips or knees nothing changes.
    """
    sides = points[[skeleton.RIGHT_HIP, skeleton.LEFT_HIP, skeleton.RIGHT_KNEE, skeleton.LEFT_KNEE]]
    if sides[:, 2].min() <= 0:
        return parsing
    hips, knees = float(sides[:2, 1].mean()), float(sides[2:, 1].max())
    trousers = cv2.morphologyEx((parsing == labels.PANTS).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    rows = np.flatnonzero(trousers.any(axis=1))
    first = max(round(knees), 0)
    if not len(rows) or rows[-1] - knees < _LEAST_SHIN * (knees - hips):
        return parsing
    below = trousers[first : rows[-1] + 1]
    runs = (np.diff(below.astype(np.int8), axis=1, prepend=0) == 1).sum(axis=1)
    if (runs == 1).mean() < _JOINED:
        return parsing
    changed = parsing.copy()
    changed[parsing == labels.PANTS] = labels.SKIRT
    return changed
