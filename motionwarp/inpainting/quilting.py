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
    # pieces are compared by their brightness
    gray = result.mean(axis=2)
    spread = max(float(gray[known].var()), 1e-3)
    rows = np.flatnonzero(whole.any(axis=1))
    uses = np.zeros(whole.shape, dtype=np.float32)
    left_over, laid = hole.copy(), known.copy()
    lines, places = np.ogrid[: whole.shape[0], : whole.shape[1]]
    near = np.float32(_ONE / 2 * side)
    step = side - max(side // _OVERLAP, 1)
    for y in _starts(np.flatnonzero(hole.any(axis=1)), height, side, step):
        for x in _starts(np.flatnonzero(left_over[y : y + side].any(axis=0)), width, side, step):
            here = np.s_[y : y + side, x : x + side]
            if not left_over[here].any():
                continue
            reach = max(_NEAR * side, float(np.abs(rows - y).min()))
            top, bottom = max(round(y - reach), 0), min(round(y + reach), height - side)
            there = laid[here]
            cost = np.zeros((bottom - top + 1, width - side + 1), dtype=np.float32)
            if there.any():
                mask = there.astype(np.float32)
                apart = cv2.matchTemplate(gray[top : bottom + side], gray[here], cv2.TM_SQDIFF, mask=mask)
                cost = apart / mask.sum()
            cost += (_HIGHER * spread / side) * np.abs(np.arange(top, bottom + 1, dtype=np.float32) - y)[:, None]
            cost = (cost + _ALIKE * spread) * (1 + _AGAIN * uses[top : bottom + 1])
            cost[~whole[top : bottom + 1]] = np.inf
            row, column = np.unravel_index(int(cost.argmin()), cost.shape)
            row += top
            uses += np.exp(-0.5 * (((lines - row) / near) ** 2 + ((places - column) / near) ** 2))
            piece = result[row : row + side, column : column + side]
            # laid over what is there only at its border, softly
            share = np.clip(
                1 - cv2.distanceTransform(np.pad(there, 1).astype(np.uint8), cv2.DIST_L1, 3)[1:-1, 1:-1] / 3, 0, 1
            )
            share = np.where(known[here], 0, np.where(there, share, 1))[..., None]
            new = left_over[here] | (there & ~known[here])
            result[here] = np.where(new[..., None], result[here] + share * (piece - result[here]), result[here])
            gray[here] = result[here].mean(axis=2)
            laid[here] |= left_over[here]
            left_over[here] = False
    return result


def _starts(wanted: npt.NDArray[np.int64], size: int, side: int, step: int) -> list[int]:
    """Return where pieces begin that cover places along an axis of some size."""
    if not len(wanted):
        return []
    first, last = max(int(wanted[0]) - (side - step), 0), size - side
    return sorted({min(start, last) for start in range(first, int(wanted[-1]) + 1, step)})
