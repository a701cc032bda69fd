"""Shot cuts: where one picture of a clip does not continue the one before."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np

from motionwarp.types import ByteArray, FloatArray

THUMB_WIDTH = 64
THUMB_HEIGHT = 48
# mean difference of the thumbs, in grey levels of 255: a person who moves in front of a still camera stays below 15
MIN_DIFFERENCE = 22.0
# a cut stands out from the motion around it; a whip pan does not
MIN_RATIO = 3.5
HISTORY = 12


class ShotCutDetector:
    """Finds cuts in a stream of frames, one frame behind; keeps three thumbnails.

    A frame starts a new shot where its thumbnail differs from the one before by much more than the frames before it did
    among themselves. A single odd frame (a flash, a broken picture) between two that agree is no cut. Ours.
    """

    def __init__(self) -> None:
        self._thumbs: deque[FloatArray] = deque(maxlen=3)
        self._differences: deque[float] = deque(maxlen=HISTORY)
        self._pending: int | None = None
        self._count = 0
        self._cuts: list[int] = []

    def add(self, rgb: ByteArray) -> None:
        """Take the next frame, uint8 (H, W, 3)."""
        small = cv2.resize(rgb, (THUMB_WIDTH, THUMB_HEIGHT), interpolation=cv2.INTER_AREA)
        # a light blur makes the measure blind to small displacements of sharp edges
        thumb: FloatArray = cv2.GaussianBlur(small, (0, 0), 1.5).astype(np.float32)
        self._thumbs.append(thumb)
        if self._pending is not None:
            self._settle(thumb)
        elif len(self._thumbs) > 1:
            difference = _difference(self._thumbs[-2], thumb)
            if self._is_jump(difference):
                self._pending = self._count
            else:
                self._differences.append(difference)
        self._count += 1

    def cuts(self) -> tuple[int, ...]:
        """Return the first frame of every shot but the first, once all frames have been given."""
        # a jump at the last frame has no successor that could prove it a flash
        last = () if self._pending is None else (self._pending,)
        return (*self._cuts, *last)

    def _is_jump(self, difference: float) -> bool:
        usual = float(np.median(self._differences)) if self._differences else 0.0
        return difference > MIN_DIFFERENCE and difference > MIN_RATIO * usual

    def _settle(self, thumb: FloatArray) -> None:
        """Decide on the jump one frame ago, now that its successor is known."""
        before, odd = self._thumbs[0], self._thumbs[1]
        flash = _difference(before, thumb) < 0.5 * min(_difference(before, odd), _difference(odd, thumb))
        if not flash and self._pending is not None:
            self._cuts.append(self._pending)
            self._differences.clear()
        self._pending = None
        self._differences.append(_difference(before if flash else odd, thumb))


def _difference(first: FloatArray, second: FloatArray) -> float:
    return float(np.abs(first - second).mean())
