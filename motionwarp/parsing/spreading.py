"""Classes carried on from where they are known."""

from __future__ import annotations

import cv2
import numpy as np

from motionwarp.types import BoolArray, ByteArray


def spread_classes(parsing: ByteArray, known: BoolArray) -> ByteArray:
    """Give every pixel whose class is not known that of the nearest one whose class is.

    Parameters
    ----------
    parsing : uint8 (H, W)
    known : bool (H, W)

    Returns
    -------
    uint8 (H, W)
        A new array; equal to the parsing if all is known, or nothing.
    """
    if known.all() or not known.any():
        return parsing.copy()
    _, nearest = cv2.distanceTransformWithLabels((~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    # the known pixels are numbered from 1; the table takes a number to its pixel's class
    numbers = np.asarray(nearest)
    table = np.zeros(int(numbers.max()) + 1, dtype=np.uint8)
    table[numbers[known]] = parsing[known]
    return np.asarray(table[numbers], dtype=np.uint8)
