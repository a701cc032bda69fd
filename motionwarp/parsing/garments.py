"""Which pixels of a person are an upper and which a lower garment.

A dress and a jumpsuit are both: they count as an upper garment above the waist and as a lower one below it.
"""

from __future__ import annotations

from typing import Final, Literal

import cv2
import numpy as np

from motionwarp.parsing import labels
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
_SAME_COLOR: Final = 34.0  # of Lab's 0..255


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
    lab = cv2.cvtColor(cv2.blur(rgb, (5, 5)), cv2.COLOR_RGB2LAB).astype(np.float32)
    face = parsing == labels.FACE
    if not face.any():
        return parsing
    skin = np.median(lab[face], axis=0)
    changed = parsing.copy()
    for limbs, cloths in ((_LEGS, (labels.PANTS,)), (_ARMS, (labels.UPPER_CLOTHES, labels.COAT))):
        limb = np.isin(parsing, limbs)
        for cloth in cloths:
            worn = parsing == cloth
            if np.count_nonzero(worn) < _LEAST_CLOTH or not limb.any():
                continue
            color = np.median(lab[worn], axis=0)
            away, near = (np.abs(lab - middle).max(axis=2) for middle in (skin, color))
            like = limb & (near < _SAME_COLOR) & (near < 0.5 * away)
            # what most of the limb around a pixel is like
            around, size = (cv2.blur(mask.astype(np.float32), (_AROUND, _AROUND)) for mask in (like, limb))
            changed[limb & (around > 0.5 * size)] = cloth
    return changed
