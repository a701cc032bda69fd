"""Texture that goes on: a hole is covered with square pieces of what is known, each agreeing with what is there. Ours.

After image quilting (Efros and Freeman 2001), with pieces taken from about the height at which they are laid, so that
stripes and whatever else runs across stays where it is.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.types import BoolArray, FloatArray

_OVERLAP: Final = 3  # of a piece's side, one part
_NEAR: Final = 1.5  # sides of a piece up and down within which others are looked for
_ALIKE: Final = 0.2  # of the texture's variance: pieces that fit as well as that are alike
_AGAIN: Final = 4.0  # times what fits best: as much worse a piece counts that was used once
_ONE: Final = 0.6  # of a side, within which pieces are about the same
_FLAT: Final = 9.0  # squared levels of 255: as little texture goes with any
_HIGHER: Final = 0.15  # of the texture's variance, by which a piece from a side's length above or below counts worse


def quilted(texture: FloatArray, known: BoolArray, hole: BoolArray, side: int) -> FloatArray:
    """Cover a hole with pieces of what is known.

    Parameters
    ----------
    texture : float32 (H, W, 3)
        Without what changes slowly, such as light: pieces are laid as they are.
    known : bool (H, W)
        What pieces are taken from.
    hole : bool (H, W)
        Disjoint from it.
    side : int
        Of a piece, in pixels, at least 4.

    Returns
    -------
    float32 (H, W, 3)
        Equal to the texture where it is known; zeros where there is neither hole nor texture, and everywhere else too
        where not one whole piece is known.
    """
    result = np.where(known[..., None], texture, np.float32(0)).astype(np.float32)
    height, width = known.shape
    if min(height, width) < side:
        return result
    # where a whole piece may begin
    counts = cv2.boxFilter(
        known.astype(np.float32), -1, (side, side), anchor=(0, 0), normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    whole: BoolArray = np.asarray(counts[: height - side + 1, : width - side + 1] > side * side - 0.5)
    if not whole.any():
        return result
    sheet = _Sheet(result, known, hole, whole, side)
    step = side - max(side // _OVERLAP, 1)
    for y in _starts(np.flatnonzero(hole.any(axis=1)), height, side, step):
        for x in _starts(np.flatnonzero(sheet.left_over[y : y + side].any(axis=0)), width, side, step):
            if sheet.left_over[y : y + side, x : x + side].any():
                sheet.lay(y, x)
    return result


class _Sheet:
    """A texture that is being covered, in place.

    Parameters
    ----------
    result : float32 (H, W, 3)
    known, hole : bool (H, W)
    whole : bool (H - side + 1, W - side + 1)
        Where pieces may begin.
    side : int
    """

    def __init__(self, result: FloatArray, known: BoolArray, hole: BoolArray, whole: BoolArray, side: int) -> None:
        self._result, self._known, self._whole, self._side = result, known, whole, side
        self.left_over, self._laid = hole.copy(), known.copy()
        self._gray = result.mean(axis=2)  # pieces are compared by their brightness
        self._spread = max(float(self._gray[known].var()), 1e-3)
        self._rows = np.flatnonzero(whole.any(axis=1))
        self._uses = np.zeros(whole.shape, dtype=np.float32)
        near = np.arange(-side, side + 1) / (_ONE / 2 * side)
        self._use = np.exp(-0.5 * (near[:, None] ** 2 + near[None, :] ** 2)).astype(np.float32)

    def lay(self, y: int, x: int) -> None:
        """Lay the best piece at a place."""
        side, result = self._side, self._result
        here = np.s_[y : y + side, x : x + side]
        row, column = self._best(y, x)
        piece = result[row : row + side, column : column + side]
        there, known = self._laid[here], self._known[here]
        # laid over what is there only at its border, softly
        depth = cv2.distanceTransform(np.pad(there, 1).astype(np.uint8), cv2.DIST_L1, 3)[1:-1, 1:-1]
        share = np.where(there, np.clip(1 - depth / 3, 0, 1), 1) * (self.left_over[here] | (there & ~known))
        result[here] += share[..., None].astype(np.float32) * (piece - result[here])
        self._gray[here] = result[here].mean(axis=2)
        self._laid[here] |= self.left_over[here]
        self.left_over[here] = False

    def _best(self, y: int, x: int) -> tuple[int, int]:
        """Return where the piece begins that goes best with what lies at a place, and remember that it was used."""
        side, height = self._side, len(self._known)
        reach = max(_NEAR * side, float(np.abs(self._rows - y).min()))
        top, bottom = max(round(y - reach), 0), min(round(y + reach), height - side)
        cost = np.zeros((bottom - top + 1, self._whole.shape[1]), dtype=np.float32)
        mask = self._laid[y : y + side, x : x + side].astype(np.float32)
        if mask.any() and self._spread > _FLAT:
            wanted = self._gray[y : y + side, x : x + side]
            cost += cv2.matchTemplate(self._gray[top : bottom + side], wanted, cv2.TM_SQDIFF, mask=mask) / mask.sum()
        cost += (_HIGHER * self._spread / side) * np.abs(np.arange(top, bottom + 1, dtype=np.float32) - y)[:, None]
        cost = (cost + _ALIKE * self._spread) * (1 + _AGAIN * self._uses[top : bottom + 1])
        cost[~self._whole[top : bottom + 1]] = np.inf
        row, column = (int(place) for place in np.unravel_index(int(cost.argmin()), cost.shape))
        row += top
        up, left = max(row - side, 0), max(column - side, 0)
        used = self._uses[up : row + side + 1, left : column + side + 1]
        used += self._use[up - row + side :, left - column + side :][: used.shape[0], : used.shape[1]]
        return row, column


def _starts(wanted: npt.NDArray[np.int64], size: int, side: int, step: int) -> list[int]:
    """Return where pieces begin that cover places along an axis of some size."""
    if not len(wanted):
        return []
    first, last = max(int(wanted[0]) - (side - step), 0), size - side
    return sorted({min(start, last) for start in range(first, int(wanted[-1]) + 1, step)})
