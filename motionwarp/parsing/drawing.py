"""Showing a parsing to people: colors for the 20 LIP classes, laid over the picture, with a legend."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from motionwarp.errors import OptionError
from motionwarp.parsing.labels import CLASS_COUNT, IGNORE, LIP_NAMES
from motionwarp.types import BoolArray, ByteArray

# Neighbors on a body differ clearly; the person's right is warmer and the left colder; what hides skin is more
# saturated.
PALETTE: Final = np.array(
    [
        (0, 0, 0),        # background
        (153, 102, 255),  # hat
        (94, 60, 36),     # hair
        (255, 0, 170),    # glove
        (40, 40, 90),     # sunglasses
        (38, 166, 91),    # upper clothes
        (214, 69, 160),   # dress
        (16, 96, 84),     # coat
        (200, 200, 120),  # socks
        (58, 92, 200),    # pants
        (120, 90, 180),   # jumpsuits
        (240, 220, 60),   # scarf
        (150, 40, 70),    # skirt
        (255, 205, 170),  # face
        (110, 205, 240),  # left arm
        (255, 150, 90),   # right arm
        (60, 150, 220),   # left leg
        (230, 100, 50),   # right leg
        (30, 60, 130),    # left shoe
        (150, 30, 20),    # right shoe
    ],
    dtype=np.uint8,
)  # fmt: skip
# pixels that do not count
IGNORE_COLOR: Final = (128, 128, 128)

LEGEND_ROW: Final = 22  # pixels


def _table() -> ByteArray:
    table = np.zeros((256, 3), dtype=np.uint8)
    table[:CLASS_COUNT] = PALETTE
    table[IGNORE] = IGNORE_COLOR
    return table


COLOR_OF_CLASS: Final = _table()


def colorize(parsing: ByteArray) -> ByteArray:
    """Paint each class in its color.

    Parameters
    ----------
    parsing : uint8 (H, W)
        LIP classes 0..19; 255 (ignored) becomes gray.

    Returns
    -------
    uint8 (H, W, 3)

    Raises
    ------
    ValueError
        If the array has another form, or holds numbers that are no classes.
    """
    _check(parsing)
    return COLOR_OF_CLASS[parsing]


def overlay(rgb: ByteArray, parsing: ByteArray, opacity: float = 0.55) -> ByteArray:
    """Lay the classes' colors over a picture, with the classes' edges drawn sharp; the background stays as it is.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    parsing : uint8 (H, W)
        LIP classes 0..19, or 255.
    opacity : float
        Opacity of the colors, in [0, 1].

    Returns
    -------
    uint8 (H, W, 3)

    Raises
    ------
    OptionError
        If `opacity` is not within [0, 1].
    ValueError
        If the arrays have other forms or sizes.
    """
    if not 0.0 <= opacity <= 1.0:
        raise OptionError("is not an opacity", subject=str(opacity), remedy="Give a number from 0 to 1")
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.shape[:2] != parsing.shape:
        raise ValueError(
            f"overlay needs uint8 (H, W, 3) of the parsing's size, got {rgb.dtype} {rgb.shape}, {parsing.shape}"
        )
    colors = colorize(parsing)
    share = np.where(parsing > 0, opacity, 0.0).astype(np.float32)
    # edges show in full color where there is any
    share[_edges(parsing) & (share > 0)] = min(1.0, 1.5 * opacity)
    mixed = rgb + share[..., None] * (colors.astype(np.float32) - rgb)
    return np.rint(mixed).astype(np.uint8)


def legend(parsing: ByteArray | None = None) -> ByteArray:
    """Draw the names of the classes beside their colors.

    Parameters
    ----------
    parsing : uint8 (H, W), optional
        Only the classes that occur in it; all 20 by default.

    Returns
    -------
    uint8 (h, w, 3)
        One row of `LEGEND_ROW` pixels a class, on white; at least one row high.
    """
    classes = list(range(CLASS_COUNT))
    if parsing is not None:
        _check(parsing)
        present = np.bincount(parsing.ravel(), minlength=256)
        classes = [index for index in classes if present[index]]
    longest = max(cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)[0][0] for name in LIP_NAMES)
    canvas = np.full((max(1, len(classes)) * LEGEND_ROW, LEGEND_ROW + 10 + longest, 3), 255, dtype=np.uint8)
    for row, index in enumerate(classes):
        top = row * LEGEND_ROW
        canvas[top + 3 : top + LEGEND_ROW - 3, 3 : LEGEND_ROW - 3] = PALETTE[index]
        text = LIP_NAMES[index].replace("_", " ")
        origin = (LEGEND_ROW + 4, top + LEGEND_ROW - 7)
        cv2.putText(canvas, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (20, 20, 20), 1, cv2.LINE_AA)
    return canvas


def _edges(parsing: ByteArray) -> BoolArray:
    """Return the pixels that differ from a neighbor to the right, left, above or below, bool (H, W)."""
    edges = np.zeros(parsing.shape, dtype=np.bool_)
    across, down = parsing[:, 1:] != parsing[:, :-1], parsing[1:] != parsing[:-1]
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[1:] |= down
    edges[:-1] |= down
    return edges


def _check(parsing: ByteArray) -> None:
    if parsing.ndim != 2 or parsing.dtype != np.uint8:
        raise ValueError(f"a parsing is uint8 (H, W), got {parsing.dtype} {parsing.shape}")
    wrong = parsing[(parsing >= CLASS_COUNT) & (parsing != IGNORE)]
    if wrong.size:
        raise ValueError(f"a parsing has classes 0..{CLASS_COUNT - 1} and {IGNORE}, got {int(wrong[0])}")
