"""Smooth edges of what is drawn: where surfaces end within the picture, pixels are mixed with their neighbors.

A triangle covers a pixel's center or not, so that outlines would be stairs. The tent of three pixels that is applied
there is what sampling each pixel several times comes to, at the price of the edges alone. Ours.
"""

from __future__ import annotations

import numpy as np

from motionwarp.compiled import compiled_loosely
from motionwarp.types import FloatArray

_STEP = np.float32(6.0)  # pixels of depth between neighbors over which one surface ends before another


@compiled_loosely
def smooth_edges(picture: FloatArray, still: FloatArray, nearest: FloatArray) -> None:
    """Give a picture and its stillness smooth edges, in place.

    Parameters
    ----------
    picture : float32 (H, W, 4)
        Colors multiplied by alpha, and alpha, in 0..255.
    still : float32 (H, W)
    nearest : float32 (H, W)
        Depth of the nearest surface in pixels, a large number where there is none.
    """
    height, width = nearest.shape
    two, four, share = np.float32(2.0), np.float32(4.0), np.float32(1 / 16)
    # the row above and the row itself as they were
    above, own = np.empty((width, 4), np.float32), np.empty((width, 4), np.float32)
    still_above, still_own = np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(height - 1):
        for x in range(width):
            for channel in range(4):
                above[x, channel], own[x, channel] = own[x, channel], picture[y, x, channel]
            still_above[x], still_own[x] = still_own[x], still[y, x]
        if y == 0:
            continue
        below, still_below = picture[y + 1], still[y + 1]
        for x in range(1, width - 1):
            depth = nearest[y, x]
            is_edge = (
                abs(nearest[y, x - 1] - depth) > _STEP or abs(nearest[y, x + 1] - depth) > _STEP
                or abs(nearest[y - 1, x] - depth) > _STEP or abs(nearest[y + 1, x] - depth) > _STEP
            )  # fmt: skip
            if not is_edge:
                continue
            for channel in range(4):
                picture[y, x, channel] = share * (
                    four * own[x, channel]
                    + two * (own[x - 1, channel] + own[x + 1, channel] + above[x, channel] + below[x, channel])
                    + above[x - 1, channel] + above[x + 1, channel] + below[x - 1, channel] + below[x + 1, channel]
                )  # fmt: skip
            still[y, x] = share * (
                four * still_own[x]
                + two * (still_own[x - 1] + still_own[x + 1] + still_above[x] + still_below[x])
                + still_above[x - 1] + still_above[x + 1] + still_below[x - 1] + still_below[x + 1]
            )  # fmt: skip
