"""Shot cuts: where one picture of a clip does not continue the one before."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from motionwarp.types import ByteArray, FloatArray

THUMB_WIDTH = 64
THUMB_HEIGHT = 48
_BLOCKS = 2  # across and down a thumb's pixel, at least, that its mean is made of
# mean difference of the thumbs, in grey levels of 255: a person who moves in front of a still camera stays below 15
MIN_DIFFERENCE = 22.0
# a cut stands out from the motion around it; a whip pan does not
MIN_RATIO = 3.5
# the usual difference is that of about this time before
HISTORY_SECONDS = 0.5
MOST_HISTORY = 120
# after a flash or a broken picture the clip goes on as before; light that is brighter for longer is another picture
FLASH_SECONDS = 0.1
# differences count as if the pictures had this contrast, in grey levels (standard deviation), so that cuts are seen in
# dark clips
USUAL_CONTRAST = 45.0
LEAST_CONTRAST = 2.0
# black bars do not count, which are at most this part of the picture; what is darker than this part of the brightest is
# black
MOST_BARS = 0.7
BLACK = 0.08


@dataclass(frozen=True, eq=False)
class _Jump:
    """A frame unlike the one before."""

    frame: int
    seconds: float
    before: FloatArray  # thumb of the frame before
    difference: float


class ShotCutDetector:
    """Finds cuts in a stream of frames, a moment behind; keeps a few thumbnails.

    A frame starts a new shot where its thumbnail differs from the one before by much more than the frames before it did
    among themselves. Odd pictures of a moment (a flash, a broken picture) between two that agree are no cut.
    Differences are measured against the pictures' contrast and without black bars. Ours.
    """

    def __init__(self) -> None:
        self._last: FloatArray | None = None
        self._lit = np.zeros((THUMB_HEIGHT, THUMB_WIDTH), dtype=np.bool_)
        self._differences: deque[tuple[float, float]] = deque(maxlen=MOST_HISTORY)  # time and difference
        self._jump: _Jump | None = None
        self._count = 0
        self._cuts: list[int] = []

    def add(self, rgb: ByteArray, seconds: float) -> None:
        """Take the next frame, uint8 (H, W, 3), with its time."""
        small = _thumb(rgb)
        # a light blur makes the measure blind to small displacements of sharp edges
        thumb: FloatArray = cv2.GaussianBlur(small, (0, 0), 1.5).astype(np.float32)
        brightness = small.max(axis=2)
        self._lit |= brightness > BLACK * float(brightness.max())
        if self._last is not None:
            self._compare(self._last, thumb, seconds)
        self._last = thumb
        self._count += 1

    def cuts(self) -> tuple[int, ...]:
        """Return the first frame of every shot but the first, once all frames have been given."""
        # a jump at the end has no successor that could prove it a flash
        last = () if self._jump is None else (self._jump.frame,)
        return (*self._cuts, *last)

    def _compare(self, last: FloatArray, thumb: FloatArray, seconds: float) -> None:
        """Decide on the jump that is pending, if there is one, and on the step from `last` to `thumb`."""
        jump, difference = self._jump, self._difference(last, thumb)
        if jump is not None:
            back = self._difference(jump.before, thumb)
            if back < 0.5 * min(jump.difference, self._largest_since(jump, difference)):
                self._jump = None
                self._differences.append((seconds, back))
                return
            if seconds - jump.seconds >= FLASH_SECONDS or self._is_jump(difference, seconds):
                self._settle(jump)
        if self._jump is None and self._is_jump(difference, seconds):
            self._jump = _Jump(self._count, seconds, last, difference)
        else:
            self._differences.append((seconds, difference))

    def _largest_since(self, jump: _Jump, difference: float) -> float:
        """Return the largest step since a jump: a flash comes and goes."""
        return max([difference, *(each for seconds, each in self._differences if seconds > jump.seconds)])

    def _settle(self, jump: _Jump) -> None:
        """Take a jump for a cut: what was usual before says nothing of the new shot."""
        self._cuts.append(jump.frame)
        self._jump = None
        since = [entry for entry in self._differences if entry[0] > jump.seconds]
        self._differences.clear()
        self._differences.extend(since)

    def _is_jump(self, difference: float, seconds: float) -> bool:
        recent = [each for time, each in self._differences if time > seconds - HISTORY_SECONDS]
        usual = float(np.median(recent)) if recent else 0.0
        return difference > MIN_DIFFERENCE and difference > MIN_RATIO * usual

    def _difference(self, first: FloatArray, second: FloatArray) -> float:
        """Return the mean difference of two thumbs inside the bars, in gray levels of pictures of usual contrast."""
        box = self._inside_bars()
        one, other = first[box], second[box]
        contrast = max(float(one.std()), float(other.std()), LEAST_CONTRAST)
        return float(np.abs(one - other).mean()) * max(USUAL_CONTRAST / contrast, 1.0)

    def _inside_bars(self) -> tuple[slice, slice]:
        """Return rows and columns of what has ever been lit; all of them where that is too little to be a picture."""
        rows, columns = np.flatnonzero(self._lit.any(axis=1)), np.flatnonzero(self._lit.any(axis=0))
        if not len(rows):
            return slice(None), slice(None)
        box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        part = (box[0].stop - box[0].start) * (box[1].stop - box[1].start) / self._lit.size
        return box if part >= 1 - MOST_BARS else (slice(None), slice(None))


def _thumb(rgb: ByteArray) -> ByteArray:
    """Return the means over a picture's cells, uint8 (48, 64, 3).

    OpenCV takes means of whole blocks of pixels several times as fast as of parts of pixels: so of blocks first, of
    which each cell has a few. What no block holds at the right and at the bottom is less than a block and left out.
    """
    height, width = rgb.shape[:2]
    down, across = (
        max(length // (_BLOCKS * cells), 1) for length, cells in ((height, THUMB_HEIGHT), (width, THUMB_WIDTH))
    )
    rows, columns = height // down, width // across
    blocks = rgb
    if down > 1 or across > 1:
        blocks = np.asarray(
            cv2.resize(rgb[: rows * down, : columns * across], (columns, rows), interpolation=cv2.INTER_AREA),
            dtype=np.uint8,
        )
    return np.asarray(cv2.resize(blocks, (THUMB_WIDTH, THUMB_HEIGHT), interpolation=cv2.INTER_AREA), dtype=np.uint8)
