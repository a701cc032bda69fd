"""Which pixels of clothes are none: bags and the like, which parsers take for the cloth that they hang before. Ours.

They lie beside the body rather than on it, and have colors that the cloth on the body has not.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from motionwarp.types import BoolArray, ByteArray, FloatArray

_COLORS: Final = 6  # that a garment is divided into
_ROUNDS: Final = 12
_LEAST_PIXELS: Final = 400  # of a garment, below which nothing is looked for
_OTHER_COLOR: Final = 22.0  # in Lab's 0..255, lightness counted less, from which on two colors are no shades of one
_LIGHTNESS: Final = 0.4
_ON_BODY: Final = 0.75  # share of a color's pixels on the body, from which on it is the garment's own
_BESIDE_BODY: Final = 0.7  # the same, up to which it may be something else's
_LEAST_SHARE: Final = 0.012  # of the garment's pixels, under which a piece is a fold's shadow
_EDGE: Final = 5  # pixels about a thing that are mixed with it


def color_space(rgb: ByteArray) -> FloatArray:
    """Return colors in which shades of one cloth lie together, float32 (H, W, 3): Lab, lightness counted less."""
    lab = cv2.cvtColor(cv2.blur(rgb, (5, 5)), cv2.COLOR_RGB2LAB).astype(np.float32)
    lab[..., 0] *= _LIGHTNESS
    return np.asarray(lab, dtype=np.float32)


def carried_things(worn: BoolArray, rgb: ByteArray, body: BoolArray) -> BoolArray:
    """Return the pixels of a garment that are a bag's or something else's that hangs beside the body.

    Parameters
    ----------
    worn : bool (H, W)
        The garment, as a parser sees it.
    rgb : uint8 (H, W, 3)
    body : bool (H, W)
        The body beneath it and a little around.

    Returns
    -------
    bool (H, W)
        With the edge that is mixed with its colors, inside the garment.
    """
    nothing = np.zeros_like(worn)
    count = int(np.count_nonzero(worn))
    if count < _LEAST_PIXELS or not (worn & body).any():
        return nothing
    colors = color_space(rgb)[worn]
    cv2.setRNGSeed(0)  # starting colors are drawn: the same photo has the same answer
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, _ROUNDS, 0.5)
    start = np.zeros((count, 1), dtype=np.int32)
    _, assigned, centers = cv2.kmeans(colors, _COLORS, start, criteria, 1, cv2.KMEANS_PP_CENTERS)
    sizes = np.bincount(assigned[:, 0], minlength=_COLORS)
    on_body = np.bincount(assigned[:, 0], body[worn], minlength=_COLORS) / np.maximum(sizes, 1)
    own = centers[on_body >= _ON_BODY]
    if not len(own):
        return nothing
    away = np.linalg.norm(centers[:, None] - own[None], axis=2).min(axis=1)
    foreign = (on_body <= _BESIDE_BODY) & (away > _OTHER_COLOR)
    found = nothing.copy()
    found[worn] = foreign[assigned[:, 0]]
    kernel = np.ones((_EDGE, _EDGE), np.uint8)
    # what a thing is made of comes in several colors: its pieces are closed before they are weighed
    closed = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    closed = cv2.morphologyEx(closed, cv2.MORPH_CLOSE, np.ones((2 * _EDGE + 1, 2 * _EDGE + 1), np.uint8))
    number, pieces = cv2.connectedComponents(closed)
    kept = np.zeros_like(closed)
    for piece in range(1, number):
        place = (pieces == piece) & worn
        if np.count_nonzero(place) >= _LEAST_SHARE * count and body[place].mean() <= _BESIDE_BODY:
            kept[place] = 1
    return np.asarray((cv2.dilate(kept, kernel) > 0) & worn)
