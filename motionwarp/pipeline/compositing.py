"""Putting the person on a background, in integers and only inside the person's box."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from motionwarp.types import ByteArray, PersonLayer


def composite(layer: PersonLayer, canvas: ByteArray) -> ByteArray:
    """Draw the person over an opaque frame, in place.

    Parameters
    ----------
    layer : PersonLayer
        Premultiplied; its box lies inside the frame.
    canvas : uint8 (H, W, 3)
        The background; changed and returned.

    Returns
    -------
    uint8 (H, W, 3)
        color + background x (255 - alpha) / 255, rounded to the nearest level.
    """
    box = _box(layer, canvas)
    if box.size == 0:
        return canvas
    behind = cv2.cvtColor(cv2.bitwise_not(np.ascontiguousarray(layer.rgba[..., 3])), cv2.COLOR_GRAY2RGB)
    color = cv2.cvtColor(layer.rgba, cv2.COLOR_RGBA2RGB)
    # OpenCV's 8 bit product rounds and saturates, and holds no float copy of the box
    cv2.add(color, cv2.multiply(box, behind, scale=1.0 / 255.0), dst=color)
    box[:] = color
    return canvas


def stacked(layers: Sequence[PersonLayer]) -> PersonLayer:
    """Lay people over each other.

    Parameters
    ----------
    layers : sequence of PersonLayer
        Premultiplied, the farthest first; at least one.

    Returns
    -------
    PersonLayer
        In the box that holds all of them.
    """
    seen = [layer for layer in layers if layer.rgba[..., 3].any()] or [layers[0]]
    left, top = min(layer.left for layer in seen), min(layer.top for layer in seen)
    right = max(layer.left + layer.rgba.shape[1] for layer in seen)
    bottom = max(layer.top + layer.rgba.shape[0] for layer in seen)
    together = np.zeros((bottom - top, right - left, 4), dtype=np.uint8)
    for layer in seen:
        height, width = layer.rgba.shape[:2]
        box = together[layer.top - top : layer.top - top + height, layer.left - left : layer.left - left + width]
        behind = cv2.cvtColor(cv2.bitwise_not(np.ascontiguousarray(layer.rgba[..., 3])), cv2.COLOR_GRAY2RGBA)
        behind[..., 3] = behind[..., 0]
        box[:] = cv2.add(np.ascontiguousarray(layer.rgba), cv2.multiply(box, behind, scale=1.0 / 255.0))
    return PersonLayer(together, left, top)


def cut_out(layer: PersonLayer, width: int, height: int) -> ByteArray:
    """Return the person alone on a transparent frame.

    Parameters
    ----------
    layer : PersonLayer
        Premultiplied; its box lies inside the frame.
    width, height : int
        Size of the frame.

    Returns
    -------
    uint8 (height, width, 4)
        Straight alpha: colors are not multiplied by it; all zeros where the person is not.
    """
    frame = np.zeros((height, width, 4), dtype=np.uint8)
    box = _box(layer, frame)
    if box.size:
        alpha = layer.rgba[..., 3]
        # alpha divided by itself would be 255 everywhere, so only the colors are divided
        color = cv2.divide(
            cv2.cvtColor(layer.rgba, cv2.COLOR_RGBA2RGB),
            cv2.cvtColor(np.ascontiguousarray(alpha), cv2.COLOR_GRAY2RGB),
            scale=255.0,
        )
        box[..., :3] = color
        box[..., 3] = alpha
    return frame


def side_by_side(pictures: list[ByteArray], height: int) -> ByteArray:
    """Stand pictures beside each other at one height.

    Parameters
    ----------
    pictures : list of uint8 (h, w, 3)
        From left to right, at any sizes.
    height : int
        Height of the result in pixels.

    Returns
    -------
    uint8 (height, W, 3)
        Each picture keeps its shape; W is the sum of `scaled_width` over the pictures.
    """
    return np.hstack([_at_height(picture, height) for picture in pictures])


def scaled_width(width: int, height: int, new_height: int) -> int:
    """Return the width of a picture once it has been scaled to a height, at least 1."""
    return max(1, round(width * new_height / height))


def _at_height(picture: ByteArray, height: int) -> ByteArray:
    old_height, old_width = picture.shape[:2]
    if old_height == height:
        return picture
    size = (scaled_width(old_width, old_height, height), height)
    # averaging keeps a reduced picture free of moiré; it has nothing to average when a picture grows
    method = cv2.INTER_AREA if height < old_height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=method), dtype=np.uint8)


def _box(layer: PersonLayer, frame: ByteArray) -> ByteArray:
    height, width = layer.rgba.shape[:2]
    box = frame[layer.top : layer.top + height, layer.left : layer.left + width]
    if layer.left < 0 or layer.top < 0 or box.shape[:2] != (height, width):
        raise ValueError(
            f"a layer of {width}x{height} at ({layer.left}, {layer.top}) leaves its frame of "
            f"{frame.shape[1]}x{frame.shape[0]}"
        )
    return box
