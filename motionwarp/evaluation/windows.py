"""Where results are compared: a person's crop, or the whole frame, cut out of frames of any size."""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.perception.crops import OUTSIDE_GRAY, extract_views
from motionwarp.perception.framing import Box, CropView, crop_around, united, visible_box
from motionwarp.types import ByteArray, FloatArray, PersonCrop

# points below it are guesses of their teacher, which must not widen a window
SURE_SCORE: Final = 0.5


def person_box(points: FloatArray, matte_box: Box | None, height: int, width: int) -> Box:
    """Return the box of what a frame shows of a person.

    Parameters
    ----------
    points : float32 (18, 3)
        In pixels of the frame; those with a score of at least 0.5 count.
    matte_box : Box or None
        Box of the matte's coverage over one half. Where it is not known, margins around the points take its place.
    height, width : int
        Size of the frame, beyond which nothing counts: so people who are cut off at the waist fill their window.

    Returns
    -------
    left, top, right, bottom
        In pixels of the frame, at their edges.
    """
    sure = points[points[:, 2] >= SURE_SCORE, :2]
    if matte_box is None:
        box = visible_box(points, SURE_SCORE)
    elif len(sure):
        low, high = sure.min(axis=0), sure.max(axis=0)
        box = united(matte_box, (float(low[0]) - 0.5, float(low[1]) - 0.5, float(high[0]) + 0.5, float(high[1]) + 0.5))
    else:
        box = matte_box
    left, top = min(max(box[0], 0.0), width - 1.0), min(max(box[1], 0.0), height - 1.0)
    return left, top, max(min(box[2], float(width)), left + 1), max(min(box[3], float(height)), top + 1)


def person_window(box: Box) -> PersonCrop:
    """Return the canonical crop, 256x192, in whose middle a box lies, filling 85 % of its height or width."""
    return crop_around(box)


def frame_window(height: int, width: int, short_side: int) -> PersonCrop:
    """Return the whole frame as a window whose shorter side has `short_side` pixels.

    It loses less than a pixel of the frame.
    """
    scale = min(height, width) / short_side
    return PersonCrop(0.0, 0.0, scale, width=int(width / scale + 1e-6), height=int(height / scale + 1e-6))


def picture_in(rgb: ByteArray, window: PersonCrop) -> ByteArray:
    """Return what a window shows of a frame, without aliasing, gray outside of the frame; uint8 (h, w, 3)."""
    return np.asarray(extract_views(rgb, [CropView(window)])[0], dtype=np.uint8)


def matte_in(matte: FloatArray, window: PersonCrop) -> FloatArray:
    """Return what a window shows of a matte, 0 outside of the frame.

    Parameters
    ----------
    matte : float32 (H, W)
        In [0, 1].
    window : PersonCrop

    Returns
    -------
    float32 (h, w)
        In steps of 1/255.
    """
    cover = np.rint(matte * np.float32(255)).astype(np.uint8)
    # sampled along with the frame's own extent, which tells how much of the gray outside was mixed in
    sampled = extract_views(np.dstack([cover, np.full_like(cover, 255), cover]), [CropView(window)])[0].astype(
        np.float32
    )
    outside = (255 - sampled[..., 1]) / np.float32(255 - OUTSIDE_GRAY)
    return np.asarray(np.clip((sampled[..., 0] - OUTSIDE_GRAY * outside) / 255, 0, 1), dtype=np.float32)


def frame_extent(window: PersonCrop, height: int, width: int) -> FloatArray:
    """Return how much of every pixel of a window lies in a frame of this size, float32 (h, w) in [0, 1]."""
    rows = _covered(window.height, window.top, window.scale, height)
    columns = _covered(window.width, window.left, window.scale, width)
    return np.asarray(rows[:, None] * columns[None], dtype=np.float32)


def _covered(count: int, start: float, scale: float, length: int) -> FloatArray:
    """Return how much of each of `count` cells of a line, `scale` wide from `start` on, lies in [0, length]."""
    edges = start + scale * np.arange(count + 1)
    inside = np.minimum(edges[1:], length) - np.maximum(edges[:-1], 0)
    return np.asarray(np.clip(inside / scale, 0, 1), dtype=np.float32)


def on_plain(rgb: ByteArray, matte: FloatArray, level: int) -> ByteArray:
    """Lay a person over plain gray of a level in 0..255.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    matte : float32 (H, W)
    level : int

    Returns
    -------
    uint8 (H, W, 3)
    """
    cover = matte[..., None]
    return np.rint(rgb * cover + np.float32(level) * (1 - cover)).astype(np.uint8)
