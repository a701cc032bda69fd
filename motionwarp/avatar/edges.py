"""Smooth edges of what is drawn: where surfaces end within the picture, pixels are mixed with their neighbors.

A triangle covers a pixel's center or not, so that outlines would be stairs. The tent of three pixels that is applied
there is what sampling each pixel several times comes to, at the price of the edges alone. Ours.
"""

from __future__ import annotations

import numpy as np

from motionwarp.body.compiled import compiled
from motionwarp.types import FloatArray

_STEP = np.float32(6.0)  # pixels of depth between neighbors over which one surface ends before another


def with_smooth_edges(picture: FloatArray, still: FloatArray, nearest: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a picture and its stillness with smooth edges.

    Parameters
    ----------
    picture : float32 (H, W, 4)
        Colors multiplied by alpha, and alpha, in 0..255.
    still : float32 (H, W)
    nearest : float32 (H, W)
        Depth of the nearest surface in pixels, a large number where there is none.
    """
    smooth, calm = picture.copy(), still.copy()
    _smooth(picture, still, nearest, smooth, calm)
    return smooth, calm


@compiled
def _smooth(picture: FloatArray, still: FloatArray, nearest: FloatArray, smooth: FloatArray, calm: FloatArray) -> None:
    height, width = nearest.shape
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            own = nearest[y, x]
            is_edge = (
                abs(nearest[y, x - 1] - own) > _STEP or abs(nearest[y, x + 1] - own) > _STEP
                or abs(nearest[y - 1, x] - own) > _STEP or abs(nearest[y + 1, x] - own) > _STEP
            )  # fmt: skip
            if not is_edge:
                continue
            for channel in range(4):
                smooth[y, x, channel] = (
                    4 * picture[y, x, channel]
                    + 2 * (picture[y, x - 1, channel] + picture[y, x + 1, channel])
                    + 2 * (picture[y - 1, x, channel] + picture[y + 1, x, channel])
                    + picture[y - 1, x - 1, channel] + picture[y - 1, x + 1, channel]
                    + picture[y + 1, x - 1, channel] + picture[y + 1, x + 1, channel]
                ) / np.float32(16)  # fmt: skip
            calm[y, x] = (
                4 * still[y, x] + 2 * (still[y, x - 1] + still[y, x + 1] + still[y - 1, x] + still[y + 1, x])
                + still[y - 1, x - 1] + still[y - 1, x + 1] + still[y + 1, x - 1] + still[y + 1, x + 1]
            ) / np.float32(16)  # fmt: skip
