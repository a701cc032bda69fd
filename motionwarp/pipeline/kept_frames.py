"""The frames that a driving clip's empty place is made of, and what most of them show where they hide nothing. Ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from motionwarp.compiled import compiled
from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.pipeline.driver_mask import Driver, body_size, close_around, drawn, ground_around
from motionwarp.types import BoolArray, ByteArray, FloatArray

# people are told from the place in pictures of this long side
MASK_LONG_SIDE: Final = 512
# which of a pixel's values, sorted, is the place: the middle one, and on the ground, where shadows fall, a brighter one
_MIDDLE, _LIT = 0.5, 0.7
# of the picture: what is never seen of a view is filled with pieces of it where it is more, else smoothly
_WORTH_PATCHES: Final = 0.004


@dataclass(eq=False)
class KeptFrame:
    """A frame that views are made of.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    number : int
        In the clip's track.
    drivers : tuple of Driver
    small : uint8 (h, w, 3)
        The frame at `MASK_LONG_SIDE`, as all masks are.
    wide, close, hidden : uint8 (h, w)
        Where people are: drawn generously, as they were seen, and with all that hangs together with them.
    """

    rgb: ByteArray
    number: int
    drivers: tuple[Driver, ...]
    small: ByteArray = field(init=False)
    wide: ByteArray = field(init=False)
    close: ByteArray = field(init=False)
    hidden: ByteArray = field(init=False)
    size: float = field(init=False)

    def __post_init__(self) -> None:
        self.small = reduced(self.rgb)
        height, width = self.rgb.shape[:2]
        self.wide = reduced_mask(drawn(self.drivers, height, width), self.small)
        self.close = reduced_mask(close_around(self.drivers, height, width), self.small)
        scale = self.small.shape[0] / height
        self.size = scale * max([body_size(driver.points) for driver in self.drivers], default=0.0)
        self.hidden = self.close

    def ground(self) -> BoolArray:
        """Return the ground around the people's feet at the reduced size, bool (h, w)."""
        height, width = self.rgb.shape[:2]
        mask = np.zeros((height, width), np.uint8)
        for driver in self.drivers:
            mask = np.maximum(mask, ground_around(driver.points, height, width))
        return reduced_mask(mask, self.small) > 0


def reduced(rgb: ByteArray) -> ByteArray:
    """Return a picture, uint8 (H, W, 3), at the size at which people are told from the place."""
    height, width = rgb.shape[:2]
    scale = min(1.0, MASK_LONG_SIDE / max(height, width))
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def reduced_mask(mask: ByteArray, small: ByteArray) -> ByteArray:
    """Return a mask, uint8 (H, W), at a small picture's size: 255 wherever a pixel of it is over 0."""
    size = (small.shape[1], small.shape[0])
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 0, dtype=np.uint8) * 255


def full_mask(small: ByteArray, rgb: ByteArray) -> ByteArray:
    """Return a reduced mask at a picture's own size, uint8 (H, W) of 0 and 255."""
    size = (rgb.shape[1], rgb.shape[0])
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR) > 0, dtype=np.uint8) * 255


def middle_of(stack: ByteArray, hidden: BoolArray, lit: BoolArray) -> tuple[ByteArray, BoolArray]:
    """Return what most of those frames show that are not hidden.

    Parameters
    ----------
    stack : uint8 (N, H, W, 3)
    hidden : bool (N, H, W)
    lit : bool (H, W)
        Where a brighter value than the middle one is taken.

    Returns
    -------
    picture : uint8 (H, W, 3)
    never : bool (H, W)
        Where all are hidden and `picture` means nothing.
    """
    level = np.where(lit, np.float32(_LIT), np.float32(_MIDDLE))
    picture, never = np.empty(stack.shape[1:], np.uint8), np.empty(stack.shape[1:3], np.bool_)
    _middles(np.ascontiguousarray(stack), np.ascontiguousarray(hidden), level, picture, never)
    return picture, never


@compiled
def _middles(stack: ByteArray, hidden: BoolArray, level: FloatArray, picture: ByteArray, never: BoolArray) -> None:
    """Sort the values of each pixel that are not hidden, and take the one at its level."""
    count, height, width, channels = stack.shape
    values = np.empty(count, np.uint8)
    for y in range(height):
        for x in range(width):
            never[y, x] = True
            for channel in range(channels):
                seen = 0
                for frame in range(count):
                    if hidden[frame, y, x]:
                        continue
                    value, place = stack[frame, y, x, channel], seen
                    while place > 0 and values[place - 1] > value:
                        values[place] = values[place - 1]
                        place -= 1
                    values[place] = value
                    seen += 1
                picture[y, x, channel] = 0
                if seen:
                    never[y, x] = False
                    picture[y, x, channel] = values[int(level[y, x] * (seen - 1) + 0.5)]


def filled(view: ByteArray, never: BoolArray, seed: int, *, quickly: bool = False) -> ByteArray:
    """Return a view whose unseen places are filled from around them, with pieces of the view where they are large."""
    if not never.any():
        return view
    smooth = quickly or never.mean() < _WORTH_PATCHES
    return clean_plate(view, never.astype(np.float32), fill="smooth" if smooth else "patches", seed=seed)
