"""Light: dark pictures are lifted before a network reads them, and what no network can read is told.

The analyzer has learned from well-lit photos. In a dark picture it is not unsure but wrong, with high scores; lifted,
the same picture reads nearly as well as a bright one. What is blown out is gone for good.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

import cv2
import numpy as np

from motionwarp.types import BoolArray, ByteArray, FloatArray, Person

# a picture whose brightest pixels are below this is scaled up to it, at most so many times: beyond, there is nothing
# but noise
_LEAST_WHITE: Final = 200
_LARGEST_GAIN: Final = 24.0
# and one whose middle is then below this is brightened to it by a gamma
_LEAST_MIDDLE: Final = 0.3
_LEAST_GAMMA: Final = 0.3
_WHITE_PART: Final = 0.99  # of the pixels are darker than the white
_GRAY: Final = 127  # what lies outside the frame, which says nothing about the light

_BLOWN: Final = 244  # compression leaves white a little darker
_BLACK: Final = 2
# of the pixels around a person's points that may be without content: in photos of white clothes it is below 0.1, and
# where it is over 0.4 every third person is misread
_LARGEST_PART: Final = 0.4
_AROUND: Final = 3  # pixels to each side of a point
# a frame that is white all over but for this much hides people, and what is left of it is taken for one
_LEAST_CONTENT: Final = 0.06
_EVERY: Final = 8  # pixels across and down that are looked at for it

LightFault = Literal["overexposed", "too dark"]


def lifted(picture: ByteArray) -> ByteArray:
    """Return a picture of a person with enough light to be read; bright ones as they are.

    The change grows from nothing at the limits, so that a clip that gets darker does not leap.

    Parameters
    ----------
    picture : uint8 (h, w, 3)
        Gray outside the frame.
    """
    levels = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    inside = (levels != _GRAY).astype(np.uint8)
    counts = np.asarray(cv2.calcHist([levels], [0], inside, [256], [0, 256])).ravel().cumsum()
    if counts[-1] == 0:
        return picture
    white = int(np.searchsorted(counts, _WHITE_PART * counts[-1]))
    gain = float(np.clip(_LEAST_WHITE / max(white, 1), 1.0, _LARGEST_GAIN))
    middle = min(gain * float(np.searchsorted(counts, 0.5 * counts[-1])) / 255, 1.0)
    gamma = 1.0
    if middle < _LEAST_MIDDLE:
        gamma = max(float(np.log(_LEAST_MIDDLE) / np.log(max(middle, 1e-3))), _LEAST_GAMMA)
    if gain == 1.0 and gamma == 1.0:
        return picture
    table = 255 * np.minimum(gain * np.arange(256) / 255, 1.0) ** gamma
    bright = np.asarray(cv2.LUT(picture, np.rint(table).astype(np.uint8)), dtype=np.uint8)
    bright[(picture == _GRAY).all(axis=2)] = _GRAY
    return bright


def light_fault(rgb: ByteArray, points: FloatArray) -> LightFault | None:
    """Tell whether a person's points lie in light in which they cannot be seen.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
        The whole frame.
    points : float32 (18, 3)
        In the frame; those of score 0 and those outside of it do not count.

    Returns
    -------
    'overexposed', 'too dark' or None
    """
    height, width = rgb.shape[:2]
    inside = (
        (points[:, 2] > 0)
        & (points[:, 0] >= 0)
        & (points[:, 0] < width)
        & (points[:, 1] >= 0)
        & (points[:, 1] < height)
    )
    if _part(rgb[::_EVERY, ::_EVERY] >= _BLOWN) > 1 - _LEAST_CONTENT:
        return "overexposed"
    blown, black = [], []
    for x, y in points[inside, :2].astype(int).tolist():
        patch = rgb[max(y - _AROUND, 0) : y + _AROUND + 1, max(x - _AROUND, 0) : x + _AROUND + 1]
        blown.append(_part(patch >= _BLOWN))
        black.append(_part(patch <= _BLACK))
    if blown and np.mean(blown) > _LARGEST_PART:
        return "overexposed"
    return "too dark" if black and np.mean(black) > _LARGEST_PART else None


def _part(channels: BoolArray) -> float:
    """Return the part of some pixels of which all three channels are so, for bool (h, w, 3)."""
    return float(np.count_nonzero(channels[..., 0] & channels[..., 1] & channels[..., 2])) / (channels.size / 3)


# people who are seen at all well score over 0.9; the wrong ones among those below this are many
SURE_SCORE: Final = 0.5
# fewer frames than this part of those with the person are not worth a word
WORTH_TELLING: Final = 0.1

_ADVICE: Final = "points may be wrong there (look at them with `motionwarp pose`)"


class ReadingQuality:
    """Counts the frames of a clip, or the one picture, in which a person was hardly to be seen."""

    def __init__(self) -> None:
        self._seen = 0
        self._faults: Counter[str] = Counter()

    def add(self, rgb: ByteArray, person: Person | None) -> None:
        """Take the next frame, uint8 (H, W, 3), and the person seen in it."""
        if person is None:
            return
        self._seen += 1
        if fault := light_fault(rgb, person.pose.points):
            self._faults[f"is {fault}"] += 1
        elif person.score < SURE_SCORE:
            self._faults["was not surely made out"] += 1

    def notes(self, who: str) -> list[str]:
        """Return what a user should know, a sentence each, about `who`, such as 'the driving person'."""
        worth = [(fault, count) for fault, count in sorted(self._faults.items()) if count > WORTH_TELLING * self._seen]
        if self._seen == 1:
            return [f"{who} {fault}: {_ADVICE}" for fault, _ in worth]
        return [f"{who} {fault} in {count} of {self._seen} frames: {_ADVICE}" for fault, count in worth]
