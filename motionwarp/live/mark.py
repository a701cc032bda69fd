"""A small mark in a picture that says that it is synthetic."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from motionwarp.types import ByteArray

_TEXT: Final = "synthetic"
_SHARE: Final = 0.032  # of the picture's shorter side: the height of the letters
_LEAST_PIXELS: Final = 8


def draw_mark(rgb: ByteArray) -> ByteArray:
    """Write "synthetic" into the lower right corner, in place: white letters on a darkened ground.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)

    Returns
    -------
    uint8 (H, W, 3)
        The same picture.
    """
    height, width = rgb.shape[:2]
    letters = max(_SHARE * min(height, width), _LEAST_PIXELS)
    scale = letters / 22  # of the font's capitals at scale 1
    thickness = max(round(scale * 1.6), 1)
    (text_width, text_height), below = cv2.getTextSize(_TEXT, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    pad = max(round(letters / 3), 2)
    left, top = max(width - text_width - 3 * pad, 0), max(height - text_height - below - 3 * pad, 0)
    ground = rgb[top : height - pad, left : width - pad]
    ground[...] = ground // 2
    place = (left + pad, min(top + pad + text_height, height - 1))
    cv2.putText(rgb, _TEXT, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), thickness, cv2.LINE_AA)
    return np.asarray(rgb, dtype=np.uint8)
