"""Loops over patches: what they hold, and what they say of the pixels under them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motionwarp.compiled import compiled
from motionwarp.types import FloatArray

IndexArray = npt.NDArray[np.int64]


@compiled
def patches_at(rgb: FloatArray, centers: IndexArray, radius: int) -> FloatArray:
    """Return the pixels of patches, channel by channel and row by row.

    Parameters
    ----------
    rgb : float32 (H, W, 3)
    centers : int64 (n,)
        Pixels numbered row by row, none nearer to the picture's edge than `radius`.
    radius : int

    Returns
    -------
    float32 (n, 3 * side * side)
        A patch's side is 2 * radius + 1.
    """
    width, side = rgb.shape[1], 2 * radius + 1
    patches = np.empty((len(centers), 3 * side * side), dtype=np.float32)
    for index in range(len(centers)):
        top, left = centers[index] // width - radius, centers[index] % width - radius
        for y in range(side):
            for x in range(side):
                for channel in range(3):
                    patches[index, (channel * side + y) * side + x] = rgb[top + y, left + x, channel]
    return patches


@compiled
def voted_colors(
    rgb: FloatArray, pixels: IndexArray, number_of: IndexArray, chosen: IndexArray, weights: FloatArray, radius: int
) -> None:
    """Repaint pixels by the weighted mean of what the patches over them have there, in place.

    Parameters
    ----------
    rgb : float32 (H, W, 3)
    pixels : int64 (P,)
        Numbered row by row. One that lies under no patch stays as it is.
    number_of : int64 (H * W,)
        Of the patch around each pixel; -1 where there is none.
    chosen : int64 (N,)
        Pixel around which each patch has its colors.
    weights : float32 (N,)
    radius : int
        Of a patch.
    """
    width, size = rgb.shape[1], rgb.shape[0] * rgb.shape[1]
    painted = np.empty((len(pixels), 4), dtype=np.float32)
    for index in range(len(pixels)):
        red, green, blue, total = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for y in range(-radius, radius + 1):
            for x in range(-radius, radius + 1):
                shift = y * width + x
                center = pixels[index] - shift
                if center < 0 or center >= size or number_of[center] < 0:
                    continue
                patch = number_of[center]
                weight, there = weights[patch], chosen[patch] + shift
                row, column = there // width, there % width
                red += rgb[row, column, 0] * weight
                green += rgb[row, column, 1] * weight
                blue += rgb[row, column, 2] * weight
                total += weight
        painted[index, 0], painted[index, 1], painted[index, 2], painted[index, 3] = red, green, blue, total
    # all are summed before any is painted: patches have colors of pixels that are painted too
    for index in range(len(pixels)):
        total = painted[index, 3]
        if total > 0:
            row, column = pixels[index] // width, pixels[index] % width
            for channel in range(3):
                rgb[row, column, channel] = painted[index, channel] / total
