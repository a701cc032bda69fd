"""Smooth edges of what is drawn: where surfaces end within the picture, pixels are mixed with their neighbors.

A triangle covers a pixel's center or not, so that outlines would be stairs. The tent of three pixels that is applied
there is what sampling each pixel several times comes to, at the price of the edges alone. Ours.
"""

from __future__ import annotations

import numpy as np

from motionwarp.compiled import compiled_loosely
from motionwarp.types import ByteArray, FloatArray

_STEP = np.float32(6.0)  # pixels of depth between neighbors over which one surface ends before another


@compiled_loosely
def _tell_edges(depths: FloatArray, above: FloatArray, below: FloatArray, result: ByteArray) -> None:
    for x in range(1, len(depths) - 1):
        depth = depths[x]
        beside = max(abs(depths[x - 1] - depth), abs(depths[x + 1] - depth))
        result[x] = np.uint8(max(beside, abs(above[x] - depth), abs(below[x] - depth)) > _STEP)


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
    # what is made of a row is put into it when the next row has been made of what was there
    made, places, counts = np.empty((2, width, 5), np.float32), np.empty((2, width), np.int64), np.zeros(2, np.int64)
    is_edge = np.zeros(width, np.uint8)
    for y in range(1, height):
        turn = y % 2
        counts[turn] = 0
        if y < height - 1:
            above, own, below = picture[y - 1], picture[y], picture[y + 1]
            still_above, still_own, still_below = still[y - 1], still[y], still[y + 1]
            depth_above, depths, depth_below = nearest[y - 1], nearest[y], nearest[y + 1]
            # told for a whole row at once, which a processor does for many pixels in one step; few are edges
            _tell_edges(depths, depth_above, depth_below, is_edge)
            for x in range(1, width - 1):
                if not is_edge[x]:
                    continue
                number = counts[turn]
                for channel in range(4):
                    made[turn, number, channel] = share * (
                        four * own[x, channel]
                        + two * (own[x - 1, channel] + own[x + 1, channel] + above[x, channel] + below[x, channel])
                        + above[x - 1, channel] + above[x + 1, channel] + below[x - 1, channel] + below[x + 1, channel]
                    )  # fmt: skip
                made[turn, number, 4] = share * (
                    four * still_own[x]
                    + two * (still_own[x - 1] + still_own[x + 1] + still_above[x] + still_below[x])
                    + still_above[x - 1] + still_above[x + 1] + still_below[x - 1] + still_below[x + 1]
                )  # fmt: skip
                places[turn, number] = x
                counts[turn] = number + 1
        for number in range(counts[1 - turn]):
            x = places[1 - turn, number]
            for channel in range(4):
                picture[y - 1, x, channel] = made[1 - turn, number, channel]
            still[y - 1, x] = made[1 - turn, number, 4]
