"""Pieces copied from elsewhere, with their brightness matched to each other and to the picture around them.

The gradients of the copies are kept and the picture is fitted to them (Perez, Gangnet and Blake 2003, equation 3),
screened, so that a wrong color at an edge does not spread far, and with great steps left as they are: those are edges
of things, not of light.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.types import BoolArray, ByteArray, FloatArray

IndexArray = npt.NDArray[np.int64]

# levels of 255: greater steps between copies are edges of things rather than of light, and are corrected ever less
_LARGEST_STEP: Final = 44.0
_LAPLACIAN: Final = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], dtype=np.float32)
# root mean square of what is left to correct, in levels, at which the fit ends
_TOLERANCE: Final = 0.05


def seam_correction(
    rgb: ByteArray, hole: BoolArray, source: IndexArray, start: FloatArray, *, length: float, rounds: int
) -> FloatArray:
    """Return what has to be added to copied pixels so that no seams are seen.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    hole : bool (H, W)
    source : int64 (H, W)
        The number, row by row, of the pixel that each is copied from: its own outside of the hole; inside not one of
        the outermost rows and columns.
    start : float32 (H, W, 3)
        Where the fit begins, in levels of 255.
    length : float
        How far corrections reach, in pixels.
    rounds : int
        At most so many steps of conjugate gradients.

    Returns
    -------
    float32 (H, W, 3)
        In levels of 255; 0 outside of the hole.
    """
    box = _box(hole)
    inside = hole[box][..., None].astype(np.float32)
    goal = _steps(rgb, hole[box], source[box])
    correction = np.zeros(rgb.shape, dtype=np.float32)
    correction[box] = _fitted(goal * inside, inside, start[box] * inside, 1 / length**2, rounds)
    return correction


def _box(hole: BoolArray) -> tuple[slice, slice]:
    """Return the rows and columns of the hole and one around."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    return np.s_[max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2]


def _steps(rgb: ByteArray, hole: BoolArray, source: IndexArray) -> FloatArray:
    """Return how much more pixels should go up against their neighbors than their copies do, float32 (h, w, 3).

    `hole` and `source` (h, w) are cut-outs, `source` counts in the whole picture `rgb` (H, W, 3).
    """
    colors, width = rgb.reshape(-1, 3), hole.shape[1]
    steps = np.zeros((hole.size, 3), dtype=np.float32)
    origin, unknown = source.ravel(), hole.ravel()
    for near, far in (
        (1, 1),
        (width, rgb.shape[1]),
    ):  # the neighbor to the right, then below: in the cut-out, in the picture
        first = np.flatnonzero((unknown[:-near] | unknown[near:]) & (origin[near:] - origin[:-near] != far))
        if near == 1:
            first = first[(first + 1) % width != 0]
        second = first + near
        left, right = (colors[origin[at]].astype(np.float32) for at in (first, second))
        # each copy says what its neighbor would be if it went on; the two say it in equal parts
        from_left = (colors[origin[first] + far * unknown[first]] - right) * unknown[first, None]
        from_right = (left - colors[origin[second] - far * unknown[second]]) * unknown[second, None]
        step = (from_left + from_right) / (unknown[first, None].astype(np.float32) + unknown[second, None])
        step *= (_LARGEST_STEP / np.maximum(np.abs(step).max(axis=1, keepdims=True), _LARGEST_STEP)) ** 2
        steps[first] -= step
        steps[second] += step
    return steps.reshape(*hole.shape, 3)


def _fitted(goal: FloatArray, inside: FloatArray, start: FloatArray, screen: float, rounds: int) -> FloatArray:
    """Solve (screen - Laplacian) x = goal inside, with 0 outside, by conjugate gradients.

    All float32 (h, w, 3 or 1).
    """

    def applied(x: FloatArray) -> FloatArray:
        return np.asarray(
            (cv2.filter2D(x, -1, _LAPLACIAN, borderType=cv2.BORDER_REPLICATE) + np.float32(screen) * x) * inside
        )

    x = start
    left = goal - applied(x)
    direction = left.copy()
    power = float(np.vdot(left, left))
    enough = _TOLERANCE**2 * 3 * float(inside.sum())
    for _ in range(rounds):
        if power <= enough:
            break
        image = applied(direction)
        along = np.float32(power / float(np.vdot(direction, image)))
        x += along * direction
        left -= along * image
        before, power = power, float(np.vdot(left, left))
        direction *= np.float32(power / before)
        direction += left
    return x
