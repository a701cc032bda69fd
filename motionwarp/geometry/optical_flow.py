"""Where the pixels of a frame come from: dense optical flow between two frames, and frames moved by it."""

from __future__ import annotations

import cv2
import numpy as np

from motionwarp.types import BoolArray, ByteArray, FloatArray


def backward_flow(before: ByteArray, now: ByteArray) -> FloatArray:
    """Return where every pixel of a frame was in the frame before.

    Dense inverse search (Kroeger et al., ECCV 2016), OpenCV's.

    Parameters
    ----------
    before, now : uint8 (H, W, 3)

    Returns
    -------
    float32 (H, W, 2)
        Displacements x, y in pixels from `now` to `before`.

    Raises
    ------
    ValueError
        If shapes differ.
    """
    if before.shape != now.shape:
        raise ValueError(f"frames need one shape, got {before.shape} and {now.shape}")
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    # the preset stops at half the resolution; forearms are only some ten pixels wide here
    search.setFinestScale(0)
    gray_now, gray_before = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (now, before))
    start = np.zeros((*now.shape[:2], 2), dtype=np.float32)
    return np.asarray(search.calc(gray_now, gray_before, start), dtype=np.float32)


def warped_by(before: ByteArray, flow: FloatArray) -> tuple[ByteArray, BoolArray]:
    """Move a frame onto the next one.

    Parameters
    ----------
    before : uint8 (H, W, 3)
    flow : float32 (H, W, 2)
        As from `backward_flow`.

    Returns
    -------
    warped : uint8 (H, W, 3)
        Bilinear; 0 where the flow leaves the frame.
    inside : bool (H, W)
        Where it does not.
    """
    height, width = before.shape[:2]
    if flow.shape != (height, width, 2):
        raise ValueError(f"the flow of a {height}x{width} frame has shape {flow.shape}")
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    warped = cv2.remap(before, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0))
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return np.asarray(warped, dtype=np.uint8), np.asarray(inside)
