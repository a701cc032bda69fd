"""How a moving camera's pictures map onto each other, by what is seen in both outside of the people.

Corners are matched by their binary descriptors (ORB), which finds any motion of the camera, then followed by Lucas and
Kanade's method, which is exact to a part of a pixel; both fits are RANSAC's. A homography is what a camera that turns
or zooms does to the whole picture, and one that moves to its farthest plane. Ours, of OpenCV's pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.types import BoolArray, ByteArray, FloatArray

# pictures are compared at this long side: corners are exact to a part of a pixel anyway
_LONG_SIDE: Final = 640
_CORNERS: Final = 800
# pixels of the reduced picture within which a match agrees with the map; coarse for ORB's, fine for followed corners
_COARSE, _FINE = 3.0, 1.0
# fewer agreeing corners than this, or a smaller part of all, may be chance
_LEAST_AGREEING, _LEAST_SHARE = 12, 0.25
# corners of the picture go no farther than this part of its diagonal, and no side shrinks or grows by more than this
_FARTHEST, _SCALED = 0.6, 1.6

# levels around a pixel from which on it has texture, and by which it then differs from another picture's
_TEXTURED, _NOT_ALIKE = 12.0, 6.0
# of what has texture: what agrees where the camera stands still, in any case and if no motion explains more, and by how
# much more a motion must explain
_STANDS, _MOSTLY_STANDS, _WORTH = 0.98, 0.8, 0.02
# what a motion may leave of the differences
_LEFT: Final = 0.97
# of the surroundings: so much must be seen in both
_LEAST_SHARED: Final = 0.1

Homography = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Landmarks:
    """A picture, reduced, and where in it the surroundings may be looked at.

    Attributes
    ----------
    gray : uint8 (h, w)
    free : uint8 (h, w)
        255 where nobody is, else 0.
    scale : float
        Pixels of `gray` for a pixel of the picture.
    """

    gray: ByteArray
    free: ByteArray
    scale: float

    @classmethod
    def of(cls, rgb: ByteArray, hidden: ByteArray | None = None) -> Landmarks:
        """Reduce a picture, uint8 (H, W, 3); `hidden`, uint8 (H, W), is over 0 where people are."""
        height, width = rgb.shape[:2]
        scale = min(1.0, _LONG_SIDE / max(height, width))
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        gray = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        free = np.full(gray.shape, 255, dtype=np.uint8)
        if hidden is not None:
            free[cv2.resize(hidden, size, interpolation=cv2.INTER_AREA) > 0] = 0
        return cls(np.asarray(gray, dtype=np.uint8), free, scale)

    @cached_property
    def corners(self) -> FloatArray:
        """Well-defined places of the surroundings, float32 (N, 2) in pixels of `gray`."""
        found: Any = cv2.goodFeaturesToTrack(self.gray, _CORNERS // 2, 0.01, 6, mask=self.free)
        return np.zeros((0, 2), np.float32) if found is None else np.asarray(found, np.float32).reshape(-1, 2)

    @cached_property
    def relief(self) -> FloatArray:
        """How much the picture changes around each pixel, float32 (h, w), in levels."""
        across, down = cv2.Sobel(self.soft, -1, 1, 0), cv2.Sobel(self.soft, -1, 0, 1)
        return np.asarray(np.abs(across) + np.abs(down), dtype=np.float32)

    @cached_property
    def soft(self) -> FloatArray:
        """The picture without its noise, float32 (h, w)."""
        return np.asarray(cv2.GaussianBlur(self.gray, (0, 0), 1.0), dtype=np.float32)

    @cached_property
    def described(self) -> tuple[FloatArray, ByteArray]:
        """Corners that can be recognized in other pictures, float32 (N, 2), and their descriptors, uint8 (N, 32)."""
        descriptors: Any
        found, descriptors = cv2.ORB.create(_CORNERS, fastThreshold=10).detectAndCompute(self.gray, self.free)
        if descriptors is None:
            return np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8)
        return np.array([each.pt for each in found], np.float32), np.asarray(descriptors, np.uint8)


def camera_motion(first: Landmarks, second: Landmarks) -> Homography | None:
    """Return the map of one picture's pixels to those of another one of the same place.

    Parameters
    ----------
    first, second : Landmarks
        Of pictures of one size.

    Returns
    -------
    float64 (3, 3) or None
        Maps x, y, 1 of the first picture, at its own resolution, to the second; None where too little is seen in both,
        or what is seen agrees on nothing a camera does.
    """
    textured = (np.maximum(first.relief, second.relief) > _TEXTURED) & (first.free > 0) & (second.free > 0)
    still = _agreement(first, second, np.eye(3))
    if still > _STANDS:
        return np.eye(3)
    # what stays where it is while all else moves is drawn over the picture: borders, marks, captions
    changed = textured & (np.abs(_difference(first, second, np.eye(3))) > _NOT_ALIKE)
    active = np.asarray(cv2.dilate(changed.astype(np.uint8), np.ones((15, 15), np.uint8)), dtype=np.uint8)
    stands = still > _MOSTLY_STANDS
    best, most = (
        (np.eye(3), still + _WORTH) if stands else (None, -_LEFT * _unlikeness(first, second, changed, np.eye(3)))
    )
    for start in (np.eye(3), _by_descriptors(first, second, active)):
        found = None if start is None else _followed(first, second, start, active)
        if found is None:
            continue
        # people's shadows move, too; where all does, it is the changes that have to be explained
        worth = _agreement(first, second, found) if stands else -_unlikeness(first, second, changed, found)
        if worth > most:
            best, most = found, worth
    return None if best is None else _at_full_size(best, first.scale)


def largest_shift(motion: Homography, width: int, height: int) -> float:
    """Return by how many pixels a map moves the corners of a picture at most."""
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], dtype=np.float64)
    return float(np.linalg.norm(mapped(motion, corners) - corners, axis=1).max())


def mapped(motion: Homography, places: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return where a homography puts places (N, 2), float64 (N, 2)."""
    there = np.column_stack([places, np.ones(len(places))]) @ motion.T
    return np.asarray(there[:, :2] / there[:, 2:], dtype=np.float64)


def _difference(first: Landmarks, second: Landmarks, motion: Homography) -> FloatArray:
    """Return the second picture less the first one under a map, float32 (h, w) in levels; of one exposure."""
    height, width = second.gray.shape
    moved = cv2.warpPerspective(first.soft, motion, (width, height), flags=cv2.INTER_LINEAR)
    off = second.soft - moved
    return np.asarray(off - np.median(off[second.free > 0]) if (second.free > 0).any() else off, dtype=np.float32)


def _agreement(first: Landmarks, second: Landmarks, motion: Homography) -> float:
    """Return which part of the second picture's texture is the first one's under a map; 0 where they share little."""
    height, width = second.gray.shape
    shared = (cv2.warpPerspective(first.free, motion, (width, height), flags=cv2.INTER_NEAREST) > 0) & (second.free > 0)
    textured = second.relief > _TEXTURED
    known = textured & shared
    if shared.sum() < _LEAST_SHARED * max(int((second.free > 0).sum()), 1):
        return 0.0
    if not known.any():
        return 1.0
    return float((np.abs(_difference(first, second, motion)[known]) < _NOT_ALIKE).mean())


def _unlikeness(first: Landmarks, second: Landmarks, places: BoolArray, motion: Homography) -> float:
    """Return by how many levels places of the second picture differ from the first one's under a map."""
    height, width = second.gray.shape
    shared = (cv2.warpPerspective(first.free, motion, (width, height), flags=cv2.INTER_NEAREST) > 0) & places
    if shared.sum() < _LEAST_SHARED * places.sum():
        return float(np.inf)
    return float(np.abs(_difference(first, second, motion)[shared]).mean())


def _by_descriptors(first: Landmarks, second: Landmarks, active: ByteArray) -> Homography | None:
    (here, words), (there, other_words) = (_within(*each.described, active) for each in (first, second))
    if len(here) < _LEAST_AGREEING or len(there) < _LEAST_AGREEING:
        return None
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(words, other_words)
    if len(matches) < _LEAST_AGREEING:
        return None
    start = here[[match.queryIdx for match in matches]]
    end = there[[match.trainIdx for match in matches]]
    return _fitted(start, end, _COARSE, share=0.1)


def _within(places: FloatArray, words: ByteArray, active: ByteArray) -> tuple[FloatArray, ByteArray]:
    kept = _at(active, places) > 0
    return places[kept], words[kept]


def _at(mask: ByteArray, places: FloatArray) -> ByteArray:
    """Return a mask's values at the pixels nearest to places (N, 2)."""
    nearest = np.clip(places.round().astype(int), 0, [mask.shape[1] - 1, mask.shape[0] - 1])
    return np.asarray(mask[nearest[:, 1], nearest[:, 0]], dtype=np.uint8)


def _followed(first: Landmarks, second: Landmarks, start: Homography, active: ByteArray) -> Homography | None:
    """Follow corners from where a first map puts them, and fit the map anew."""
    corners = first.corners[_at(active, first.corners) > 0]
    if len(corners) < _LEAST_AGREEING:
        return None
    guess = mapped(start, corners).astype(np.float32)
    # OpenCV's method writes into the places it is given
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        first.gray, second.gray, corners[:, None], guess[:, None].copy(), winSize=(15, 15), maxLevel=2,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )  # fmt: skip
    found = np.asarray(found, np.float32).reshape(-1, 2)
    height, width = second.gray.shape
    inside = (found >= 0).all(axis=1) & (found[:, 0] <= width - 1) & (found[:, 1] <= height - 1)
    kept = inside & (np.asarray(status).ravel() > 0)
    kept &= _at(second.free, found) > 0
    fitted = _fitted(corners[kept], found[kept], _FINE, share=_LEAST_SHARE)
    return fitted if fitted is not None and _plausible(fitted, width, height) else None


def _fitted(start: FloatArray, end: FloatArray, within: float, share: float) -> Homography | None:
    if len(start) < _LEAST_AGREEING:
        return None
    motion, agreeing = cv2.findHomography(start, end, cv2.RANSAC, within, maxIters=1000, confidence=0.999)
    if motion is None or agreeing.sum() < max(_LEAST_AGREEING, share * len(start)):
        return None
    return np.asarray(motion, dtype=np.float64)


def _plausible(motion: Homography, width: int, height: int) -> bool:
    """Return whether a camera could have done it: no mirroring, no leap, no great change of scale."""
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    if ((np.column_stack([corners, np.ones(4)]) @ motion.T)[:, 2] <= 0).any():
        return False
    there = mapped(motion, corners)
    if np.linalg.norm(there - corners, axis=1).max() > _FARTHEST * np.hypot(width, height):
        return False
    sides = np.linalg.norm(np.roll(there, -1, axis=0) - there, axis=1)
    ratios = sides / np.array([width, height, width, height])
    turned = np.cross(np.append(there[1] - there[0], 0), np.append(there[3] - there[0], 0))[2] > 0
    return bool(turned and ratios.min() > 1 / _SCALED and ratios.max() < _SCALED)


def _at_full_size(motion: Homography, scale: float) -> Homography:
    """Return a map of reduced pictures as one of the pictures; pixel centers are at integers in both."""
    reduce = np.array([[scale, 0, scale / 2 - 0.5], [0, scale, scale / 2 - 0.5], [0, 0, 1]])
    full = np.linalg.inv(reduce) @ motion @ reduce
    return np.asarray(full / full[2, 2], dtype=np.float64)
