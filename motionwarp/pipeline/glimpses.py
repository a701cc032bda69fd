"""Looking at some frames of a clip only, and keeping a few of their pictures: enough to judge a clip by, however long it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motionwarp.pipeline.placing import resized
from motionwarp.types import ByteArray, FloatArray, Frame, Pose

# people of any size worth the work are found in pictures of this size, and a sheet shows them smaller still
LONGEST_SIDE = 1280


class Glimpses:
    """Which frames of a clip are looked at, and pictures of a few of them, evenly spaced whatever the clip's length.

    Parameters
    ----------
    every : int
        One of so many frames is looked at, the first one included.
    most : int
        Pictures kept, at least 1; up to twice as many while the clip goes on.

    Attributes
    ----------
    passed : int
        Frames of the section so far, looked at or not.
    """

    def __init__(self, every: int = 1, most: int = 6) -> None:
        if every < 1 or most < 1:
            raise ValueError(f"Glimpses needs numbers from 1 up, got every {every} and most {most}")
        self.every, self.passed = every, 0
        self._most, self._step = most, 1
        self._kept: dict[int, Frame] = {}

    def take(self, frame: Frame) -> bool:
        """Count the next frame, keep its picture if its turn has come, and tell whether it is to be looked at."""
        self.passed = frame.index + 1
        number, rest = divmod(frame.index, self.every)
        if rest:
            return False
        if number % self._step == 0:
            self._kept[number] = replace(frame, rgb=reduced(frame.rgb))
            if len(self._kept) > 2 * self._most:
                self._step *= 2
                self._kept = {kept: picture for kept, picture in self._kept.items() if kept % self._step == 0}
        return True

    def chosen(self) -> dict[int, Frame]:
        """Return the pictures by their number among the frames looked at, in order: as many as wanted, or all of a short clip.

        Their long side is at most `LONGEST_SIDE`.
        """
        numbers = sorted(self._kept)
        picked = np.unique(np.linspace(0, len(numbers) - 1, min(self._most, len(numbers))).round().astype(int))
        return {numbers[index]: self._kept[numbers[index]] for index in picked}


def reduced(rgb: ByteArray) -> ByteArray:
    """Return a picture, uint8 (H, W, 3), with its long side at most `LONGEST_SIDE`."""
    height, width = rgb.shape[:2]
    scale = LONGEST_SIDE / max(width, height)
    return rgb if scale >= 1 else resized(rgb, max(round(width * scale), 1), max(round(height * scale), 1))


def points_in(points: FloatArray, size: tuple[int, int], picture: ByteArray) -> FloatArray:
    """Return points (18, 3) of a frame, `size` being its width and height, in pixels of a reduced picture of it."""
    across, down = picture.shape[1] / size[0], picture.shape[0] / size[1]
    return Pose(points).transformed([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5]]).points
