"""Which frames of a clip are so slow that their recipes lie between those of their neighbors. Ours."""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.types import BoolArray, FloatArray

_SLOW: Final = 4.0
"""Pixels of the window of 256 x 192 by which the fastest point may move from one frame to the next."""


def slow_in_window(points: FloatArray, windows: FloatArray) -> BoolArray:
    """Return which frames of a clip move slowly from the frame before and to the frame after.

    Parameters
    ----------
    points : float32 (T, 18, 3)
        In pixels of the output frame.
    windows : float32 (T, 3)
        Left, top and the logarithm of the scale of each frame's window.

    Returns
    -------
    bool (T,)
        False for the first and the last frame, and where a point comes or goes.
    """
    slow = np.zeros(len(points), dtype=np.bool_)
    seen = points[..., 2] > 0
    inside = (points[..., :2] - windows[:, None, :2]) / np.exp(windows[:, None, 2:])
    steps = np.linalg.norm(np.diff(inside, axis=0), axis=-1)  # (T - 1, 18)
    same = (seen[1:] == seen[:-1]).all(axis=1)
    calm = same & (np.where(seen[1:] & seen[:-1], steps, 0).max(axis=1, initial=0) <= _SLOW)
    slow[1:-1] = calm[:-1] & calm[1:]
    return slow
