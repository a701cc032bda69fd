"""Bringing result and truth to one size, in the ways that published protocols do it."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from motionwarp.errors import InputError
from motionwarp.types import ByteArray, FloatArray

Fit = Literal["exact", "crop", "pad"]
_WHITE: Final = 255


def fitted(result: ByteArray, truth: ByteArray, fit: Fit) -> tuple[ByteArray, ByteArray, tuple[int, int]]:
    """Return result and truth of one size.

    Parameters
    ----------
    result, truth : uint8 (H, W, 3)
    fit : "exact", "crop" or "pad"
        What to do where one is narrower than the other, as with DeepFashion at 256x176 and 256x256: refuse; cut the wider one's
        sides off evenly; or widen the narrower one evenly with white, as PATN's script does.

    Returns
    -------
    result, truth : uint8 (h, w, 3)
    moved : (int, int)
        Columns and rows to be added to points of the given truth.

    Raises
    ------
    InputError
        If heights differ, or widths where that is not allowed.
    """
    if result.shape == truth.shape:
        return result, truth, (0, 0)
    sizes = f"the result is {_size(result)} and the truth {_size(truth)}"
    if result.shape[0] != truth.shape[0]:
        raise InputError(sizes, remedy="Scale the results as the protocol says; figures depend on how it is done.")
    if fit == "exact":
        raise InputError(sizes, remedy="Choose --fit crop or --fit pad if that is what the protocol does.")
    narrow, wide = sorted((result.shape[1], truth.shape[1]))
    offset = (wide - narrow) // 2
    if fit == "crop":
        moved = -offset if truth.shape[1] == wide else 0
        return _cut(result, offset, narrow), _cut(truth, offset, narrow), (moved, 0)
    moved = offset if truth.shape[1] == narrow else 0
    return _widened(result, offset, wide), _widened(truth, offset, wide), (moved, 0)


def moved_points(points: FloatArray, moved: tuple[int, int]) -> FloatArray:
    """Return points moved along with the truth, float32 (18, 3)."""
    if moved == (0, 0):
        return points
    return points + np.array([*moved, 0], dtype=np.float32)


def _cut(picture: ByteArray, offset: int, width: int) -> ByteArray:
    return picture if picture.shape[1] == width else np.ascontiguousarray(picture[:, offset : offset + width])


def _widened(picture: ByteArray, offset: int, width: int) -> ByteArray:
    if picture.shape[1] == width:
        return picture
    canvas = np.full((picture.shape[0], width, 3), _WHITE, dtype=np.uint8)
    canvas[:, offset : offset + picture.shape[1]] = picture
    return canvas


def _size(picture: ByteArray) -> str:
    return f"{picture.shape[1]}x{picture.shape[0]}"
