"""Cutting views out of frames, without aliasing however much they shrink."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.perception.framing import CropView
from motionwarp.types import ByteArray

# what lies outside the frame is mid-gray, the network's zero: repeating the frame's edge would draw out a cut-off
# person into a false continuation
OUTSIDE_GRAY: Final = 127

# from so many views at one reduction on, reducing the whole frame once is cheaper than each view's window
_SHARED_FROM: Final = 3


def extract_views(rgb: ByteArray, views: Sequence[CropView]) -> ByteArray:
    """Cut views out of one frame.

    A view that shrinks the frame is made in two steps: the mean over whole blocks of pixels, then bilinear sampling at
    a scale near one.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    views : sequence of N views
        All of one picture size; they may reach over the frame's edges, where gray is filled in.

    Returns
    -------
    uint8 (N, h, w, 3)
    """
    height, width = views[0].size if views else (0, 0)
    pictures = np.empty((len(views), height, width, 3), dtype=np.uint8)
    reductions = [max(round(view.crop.scale), 1) for view in views]
    shared = {
        factor: _reduced(rgb, factor)
        for factor, count in Counter(reductions).items()
        if factor > 1 and count >= _SHARED_FROM and _fits(rgb, factor)
    }
    for picture, view, factor in zip(pictures, views, reductions, strict=True):
        if view.size != (height, width):
            raise ValueError(f"views of one call need one size, got {view.size} beside {(height, width)}")
        if factor in shared:
            _sample(shared[factor], view, factor, 0, 0, picture)
        else:
            _sample_window(rgb, view, factor, picture)
    return pictures


def _fits(rgb: ByteArray, factor: int) -> bool:
    return bool(min(rgb.shape[0], rgb.shape[1]) >= factor)


def _reduced(rgb: ByteArray, factor: int) -> ByteArray:
    """Return means over blocks of factor x factor pixels.

    What does not fill a block at the right and bottom is left out.
    """
    rows, columns = rgb.shape[0] // factor, rgb.shape[1] // factor
    whole = rgb[: rows * factor, : columns * factor]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _sample_window(rgb: ByteArray, view: CropView, factor: int, out: ByteArray) -> None:
    """Fill `out` with a view by reducing only its own window of the frame."""
    if factor == 1:
        _sample(rgb, view, 1, 0, 0, out)
        return
    crop = view.crop
    frame_height, frame_width = rgb.shape[:2]
    # one block more on each side, so that the sampling sees its neighbors
    left = max((int(np.floor(crop.left)) // factor - 1) * factor, 0)
    top = max((int(np.floor(crop.top)) // factor - 1) * factor, 0)
    right = min(int(np.ceil(crop.left + crop.scale * crop.width)) + 2 * factor, frame_width)
    bottom = min(int(np.ceil(crop.top + crop.scale * crop.height)) + 2 * factor, frame_height)
    if right - left < factor or bottom - top < factor:
        if right <= left or bottom <= top:
            out[...] = OUTSIDE_GRAY
        else:  # a sliver of a frame narrower than a block
            _sample(rgb, view, 1, 0, 0, out)
        return
    _sample(_reduced(rgb[top:bottom, left:right], factor), view, factor, left, top, out)


def _sample(reduced: ByteArray, view: CropView, factor: int, left: int, top: int, out: ByteArray) -> None:
    """Sample a view bilinearly from a window of the frame at (left, top) that was reduced by `factor`."""
    matrix = view.picture_to_frame()
    # points of the frame to points of the reduced window; in both, pixel centers are at integers
    matrix = matrix / factor
    matrix[:, 2] += (0.5 - np.array([left, top], dtype=np.float64)) / factor - 0.5
    cv2.warpAffine(
        reduced,
        matrix,
        (out.shape[1], out.shape[0]),
        dst=out,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(OUTSIDE_GRAY, OUTSIDE_GRAY, OUTSIDE_GRAY),
    )


def points_to_frame(points: npt.NDArray[np.float32], view: CropView) -> npt.NDArray[np.float32]:
    """Map points (18, 3) of a view's picture to points of the frame; scores stay."""
    matrix = view.picture_to_frame()
    moved = points.copy()
    moved[:, :2] = points[:, :2].astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return moved


def points_to_view(points: npt.NDArray[np.float32], view: CropView) -> npt.NDArray[np.float32]:
    """Map points (18, 3) of the frame to points of a view's picture; scores stay."""
    matrix = cv2.invertAffineTransform(view.picture_to_frame())
    moved = points.copy()
    moved[:, :2] = points[:, :2].astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return moved
