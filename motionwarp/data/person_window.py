"""The window of the output frame in which the warping networks see a person.

Upright, of the canonical crop's size, filled.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.perception.framing import visible_box
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, FloatArray, PersonCrop

FILL: Final = 0.94  # share of the window's height or width that the box takes, whichever is tighter
_LEAST: Final = 8.0  # pixels: a person of no size still needs a window


def window_around(
    box: tuple[float, float, float, float], frame_height: int, frame_width: int, fill: float = FILL
) -> PersonCrop:
    """Return the window around what is visible of a person's box.

    A person who is cut by the frame's edge fills the window with what is left of them.

    Parameters
    ----------
    box : left, top, right, bottom
        At pixel edges of the frame; may reach beyond it.
    frame_height, frame_width : int
    fill : float
        Share of the window that the visible box takes.
    """
    left, right = max(box[0], 0.0), min(box[2], float(frame_width))
    top, bottom = max(box[1], 0.0), min(box[3], float(frame_height))
    width, height = max(right - left, _LEAST), max(bottom - top, _LEAST)
    scale = max(width / CROP_WIDTH, height / CROP_HEIGHT) / fill
    middle_x, middle_y = left + width / 2, top + height / 2
    return PersonCrop(middle_x - scale * CROP_WIDTH / 2, middle_y - scale * CROP_HEIGHT / 2, scale)


def person_box(points: FloatArray, matte: FloatArray) -> tuple[float, float, float, float]:
    """Return the box around a person's points, with what they do not reach, and all that the matte covers by half.

    Parameters
    ----------
    points : float32 (18, 3)
    matte : float32 (H, W)
    """
    left, top, right, bottom = visible_box(points)
    rows, columns = np.flatnonzero((matte > 0.5).any(axis=1)), np.flatnonzero((matte > 0.5).any(axis=0))
    if len(rows):
        left, right = min(left, float(columns[0])), max(right, float(columns[-1] + 1))
        top, bottom = min(top, float(rows[0])), max(bottom, float(rows[-1] + 1))
    return left, top, right, bottom


def reshaped(window: PersonCrop, height: int, width: int) -> PersonCrop:
    """Return the smallest window of another size in pixels that shows all of a window, with the same middle."""
    scale = window.scale * max(window.height / height, window.width / width)
    middle_x = window.left + window.scale * window.width / 2
    middle_y = window.top + window.scale * window.height / 2
    return PersonCrop(middle_x - scale * width / 2, middle_y - scale * height / 2, scale, width, height)
