"""From RGB to 8-bit YCbCr 4:2:0, row by row: what nearly all encoders take, at a third of libswscale's price.

A sample of chroma is the mean of two columns and, reaching half a pixel farther, of four rows, as libswscale's is. The
error is that of rounding alone.
"""

from __future__ import annotations

import numpy as np

from motionwarp.compiled import compiled_loosely
from motionwarp.types import ByteArray, FloatArray

_HALF, _MOST = np.float32(0.5), np.float32(255.0)


def to_yuv_coefficients(red: float, blue: float) -> FloatArray:
    """Return what `yuv_rows` multiplies with, for limited range, float32 (3, 3): luma, Cb, Cr of red, green, blue.

    Parameters
    ----------
    red, blue : float
        Shares of red and blue in luma, such as 0.2126 and 0.0722.
    """
    luma = np.array([red, 1 - red - blue, blue])
    cb, cr = (np.array([0, 0, 1.0]) - luma) / (2 * (1 - blue)), (np.array([1.0, 0, 0]) - luma) / (2 * (1 - red))
    # of chroma's 16 shares
    return np.stack([luma * 219 / 255, cb * 224 / 255 / 16, cr * 224 / 255 / 16]).astype(np.float32)


@compiled_loosely
def _level(value: np.float32) -> np.uint8:
    return np.uint8(np.int32(min(max(value + _HALF, np.float32(0.0)), _MOST)))


@compiled_loosely
def _split(levels: ByteArray, planes: FloatArray) -> None:
    reds, greens, blues = planes[0], planes[1], planes[2]
    for x in range(len(levels)):
        reds[x], greens[x], blues[x] = np.float32(levels[x, 0]), np.float32(levels[x, 1]), np.float32(levels[x, 2])


@compiled_loosely
def yuv_rows(picture: ByteArray, coefficients: FloatArray, luma: ByteArray, cb: ByteArray, cr: ByteArray) -> None:
    """Turn RGB into a frame of limited range.

    Parameters
    ----------
    picture : uint8 (H, W, 3)
        Both sides even.
    coefficients : float32 (3, 3)
        Of `to_yuv_coefficients`.
    luma, cb, cr : uint8 (H, w), (H / 2, w'), (H / 2, w')
        Filled; rows may be longer than the picture.
    """
    height, width = picture.shape[0], picture.shape[1]
    c = coefficients
    zero, gray = np.float32(16.0), np.float32(128.0)
    # the last four rows, by turns; sums over four rows and then over two columns
    rows = np.empty((4, 3, width), np.float32)
    summed, pairs = np.empty(width, np.float32), np.empty((3, width // 2), np.float32)
    for y in range(height + 1):
        if y < height:
            planes, row = rows[y % 4], luma[y]
            _split(picture[y], planes)
            reds, greens, blues = planes[0], planes[1], planes[2]
            for x in range(width):
                row[x] = _level(c[0, 0] * reds[x] + c[0, 1] * greens[x] + c[0, 2] * blues[x] + zero)
        if y < 2 or y % 2:
            continue
        # rows y - 2 and y - 1 belong to a row of chroma, to which those before and after lend a share
        before, after = max(y - 3, 0), min(y, height - 1)
        for channel in range(3):
            first, second = rows[before % 4, channel], rows[(y - 2) % 4, channel]
            third, fourth = rows[(y - 1) % 4, channel], rows[after % 4, channel]
            for x in range(width):
                summed[x] = first[x] + np.float32(3.0) * (second[x] + third[x]) + fourth[x]
            pair = pairs[channel]
            for x in range(width // 2):
                pair[x] = summed[2 * x] + summed[2 * x + 1]
        reds, greens, blues = pairs[0], pairs[1], pairs[2]
        blue_row, red_row = cb[y // 2 - 1], cr[y // 2 - 1]
        for x in range(width // 2):
            blue_row[x] = _level(c[1, 0] * reds[x] + c[1, 1] * greens[x] + c[1, 2] * blues[x] + gray)
        for x in range(width // 2):
            red_row[x] = _level(c[2, 0] * reds[x] + c[2, 1] * greens[x] + c[2, 2] * blues[x] + gray)
