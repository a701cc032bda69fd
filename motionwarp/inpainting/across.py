"""What lies to the left and right of a hole, carried across it along the lines that meet.

People are taller than broad, so that most of what they hide goes in on one side and comes out at the other: horizons,
curbs, window sills, frames. The colors beside the two edges are laid against each other so that like lies beside like
(dynamic time warping, Sakoe and Chiba 1978), and each goes straight to its partner. Ours.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.compiled import compiled
from motionwarp.types import BoolArray, FloatArray

IndexArray = npt.NDArray[np.int64]

# columns beside the hole that an edge's colors are the mean of, how many such strips tell whether these change there,
# and rows to either side that are compared as well
_STRIP, _STRIPS, _ROWS = 3, 3, 2
# mean squared levels at which two rows are as unlike as they can be, and at which they hardly belong together
_UNLIKE, _ALIKE = 2500.0, 400.0
# and by which a row's colors change beside the hole that hardly tells how it goes on
_VARIED: Final = 2500.0
# squared levels that a row without a partner costs, and a line as steep as it may be
_ALONE, _SLOPE = 160.0, 800.0
# rows that a line may climb for each pixel across
_STEEPEST: Final = 0.4
# of the way across, over which one side's colors give way to the other's where they are unlike; all of it where alike
_SOFT: Final = 0.1
# how sure a place is that is known from one side only
_ONE_SIDE: Final = 0.5


def carried_across(rgb: FloatArray, hole: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return a picture whose hole is filled from its left and right.

    Parameters
    ----------
    rgb : float32 (H, W, 3)
        In levels of 255.
    hole : bool (H, W)

    Returns
    -------
    filled : float32 (H, W, 3)
        `rgb` outside of the hole, and where no side reaches.
    alike : float32 (H, W)
        How well what comes from the two sides goes together, in [0, 1]: 1 outside of the hole, 0 where no side reaches.
    """
    filled, alike = rgb.astype(np.float32), (~hole).astype(np.float32)
    count, pieces, facts, _ = cv2.connectedComponentsWithStats(hole.astype(np.uint8), connectivity=8)
    for piece in range(1, count):
        top, height = int(facts[piece, cv2.CC_STAT_TOP]), int(facts[piece, cv2.CC_STAT_HEIGHT])
        rows = slice(top, top + height)
        mask = pieces[rows] == piece
        sums, weight = _brought(rgb, hole, rows, mask)
        reached = mask & (weight > 0)
        means = sums[reached] / weight[reached][:, None]
        filled[rows][reached], alike[rows][reached] = means[:, :3], means[:, 3]
    return filled, alike


def _brought(rgb: FloatArray, hole: BoolArray, rows: slice, piece: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return weighted sums of color and likeness in a piece's rows, float32 (h, W, 4), and weights, float32 (h, W)."""
    height, width = piece.shape
    start = piece.argmax(axis=1).astype(np.int64)
    stop = (width - piece[:, ::-1].argmax(axis=1)).astype(np.int64)
    left, left_known, left_varied = _beside(rgb, hole, rows, start - 1, -1)
    right, right_known, right_varied = _beside(rgb, hole, rows, stop, 1)
    # where one side is the picture's edge the other goes on alone
    left = np.where(left_known[:, None], left, right)
    right = np.where(right_known[:, None], right, left)
    around = np.clip(np.arange(height)[:, None] + np.arange(-_ROWS, _ROWS + 1), 0, height - 1)
    both = left_known & right_known
    reach = np.maximum(_STEEPEST * (stop - start), 1).astype(np.int64)
    pairs = _partners(left[around].reshape(height, -1), right[around].reshape(height, -1), reach, both)
    pairs = pairs[(left_known | right_known)[pairs].all(axis=1)]
    sums = np.zeros((height, width, 5), np.float32)
    first, second = pairs.T
    apart = ((left[first] - right[second]) ** 2).mean(axis=1)
    varied = left_varied[first] + right_varied[second]
    likeness = np.exp(-apart / np.float32(_ALIKE) - varied / np.float32(_VARIED))
    sure = np.where(both[first] & both[second], likeness, np.float32(_ONE_SIDE)).astype(np.float32)
    _lines(left, right, start, stop, pairs, sure, sums)
    return sums[..., :4], sums[..., 4]


def _beside(
    rgb: FloatArray, hole: BoolArray, rows: slice, first: IndexArray, step: int
) -> tuple[FloatArray, BoolArray, FloatArray]:
    """Return what a piece's rows show beside the hole.

    Returns
    -------
    colors : float32 (h, 3)
    known : bool (h,)
        Whether there is anything.
    varied : float32 (h,)
        How much the colors change on the way to the hole, in mean squared levels: such rows do not tell how they go on.
    """
    row = np.arange(rows.start, rows.stop)[:, None]
    strips, shares = [], []
    for strip in range(_STRIPS):
        at = first[:, None] + step * np.arange(strip * _STRIP, (strip + 1) * _STRIP)  # (h, strip)
        column = np.clip(at, 0, hole.shape[1] - 1)
        share = ((column == at) & ~hole[row, column]).astype(np.float32)
        total = share.sum(axis=1)
        strips.append((rgb[row, column] * share[..., None]).sum(axis=1) / np.maximum(total, 1)[:, None])
        shares.append(total > 0)
    apart = [
        np.where(shares[0] & known, ((strip - strips[0]) ** 2).mean(axis=1), 0)
        for strip, known in zip(strips[1:], shares[1:], strict=True)
    ]
    return strips[0].astype(np.float32), shares[0], np.mean(apart, axis=0).astype(np.float32)


@compiled
def _partners(left: FloatArray, right: FloatArray, reach: IndexArray, both: BoolArray) -> IndexArray:
    """Return rows of left and right (h, F) that belong together, in order, int64 (n, 2)."""
    height = len(left)
    cost = np.full((height, height), np.float32(1e30), np.float32)
    came = np.zeros((height, height), np.uint8)
    for y in range(height):
        for other in range(max(y - reach[y], 0), min(y + reach[y] + 1, height)):
            unlike = np.float32(0)
            if both[y] and both[other]:
                for k in range(left.shape[1]):
                    unlike += (left[y, k] - right[other, k]) ** 2
                unlike = min(unlike / left.shape[1], np.float32(_UNLIKE))
            best, way = np.float32(0 if y == 0 and other == 0 else 1e30), 0
            if y and other and cost[y - 1, other - 1] < best:
                best, way = cost[y - 1, other - 1], 1
            if y and cost[y - 1, other] + np.float32(_ALONE) < best:
                best, way = cost[y - 1, other] + np.float32(_ALONE), 2
            if other and cost[y, other - 1] + np.float32(_ALONE) < best:
                best, way = cost[y, other - 1] + np.float32(_ALONE), 3
            cost[y, other] = best + unlike + np.float32(_SLOPE) * np.float32((y - other) / reach[y]) ** 2
            came[y, other] = way
    pairs = np.zeros((2 * height, 2), np.int64)
    y, other, count = height - 1, height - 1, 0
    while True:
        pairs[count, 0], pairs[count, 1] = y, other
        count += 1
        way = came[y, other]
        if way == 0:
            return pairs[:count]
        if way != 3:
            y -= 1
        if way != 2:
            other -= 1


@compiled
def _lines(
    left: FloatArray,
    right: FloatArray,
    start: IndexArray,
    stop: IndexArray,
    pairs: IndexArray,
    sure: FloatArray,
    sums: FloatArray,
) -> None:
    """Add every pair's colors, how sure they are and 1 along the line between the two, a row wide, to `sums`."""
    height = len(sums)
    for pair in range(len(pairs)):
        y, other = pairs[pair]
        first, last, soft = start[y], stop[other], max(_SOFT, sure[pair])
        for x in range(first, last):
            share = (x + 0.5 - first) / (last - first)
            place = y + (other - y) * share
            late = np.float32(min(max((share - 0.5) / soft + 0.5, 0.0), 1.0))
            for row in range(max(int(place) - 1, 0), min(int(place) + 3, height)):
                tent = np.float32(max(1.01 - abs(row - place), 0.0))
                sums[row, x, 4] += tent
                sums[row, x, 3] += tent * sure[pair]
                for k in range(3):
                    sums[row, x, k] += tent * (left[y, k] + (right[other, k] - left[y, k]) * late)
