"""What somebody looks like, so that another person is not taken for them: colors of torso, thighs and shins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.perception.framing import VISIBLE_SCORE, torso_length
from motionwarp.pose import skeleton
from motionwarp.types import ByteArray, FloatArray

_REGIONS: Final = 3  # torso, thighs, shins
_BINS: Final = (8, 8, 8)  # of L, a and b over the ranges below
_RANGES: Final = (0, 256, 88, 168, 88, 168)  # a and b of real clothes keep to the middle of OpenCV's 0..255
_TORSO: Final = (skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER, skeleton.LEFT_HIP, skeleton.RIGHT_HIP)
_THIGHS: Final = ((skeleton.RIGHT_HIP, skeleton.RIGHT_KNEE), (skeleton.LEFT_HIP, skeleton.LEFT_KNEE))
_SHINS: Final = ((skeleton.RIGHT_KNEE, skeleton.RIGHT_ANKLE), (skeleton.LEFT_KNEE, skeleton.LEFT_ANKLE))
_FEWEST_PIXELS: Final = 24


@dataclass(frozen=True, eq=False)
class ReidDescriptor:
    """Color histograms of a person's regions.

    Attributes
    ----------
    histograms : float32 (3, K)
        Histograms of torso, thighs and shins, each summing to 1, or all 0 where the region was not seen.
    """

    histograms: FloatArray

    @property
    def visible(self) -> npt.NDArray[np.bool_]:
        """Which regions were seen, bool (3,)."""
        return np.asarray(self.histograms.sum(axis=1) > 0)

    def distance(self, other: ReidDescriptor) -> float | None:
        """Return the mean Hellinger distance of the regions seen in both, in [0, 1]; None if there is none."""
        both = self.visible & other.visible
        if not both.any():
            return None
        shared = np.sqrt(self.histograms[both] * other.histograms[both]).sum(axis=1)
        return float(np.sqrt(np.clip(1 - shared, 0, 1)).mean())

    def updated(self, other: ReidDescriptor, rate: float) -> ReidDescriptor:
        """Return this appearance moved towards another one; regions that only the other has are taken over."""
        mixed = np.where(
            (self.visible & other.visible)[:, None],
            (1 - rate) * self.histograms + rate * other.histograms,
            self.histograms + np.where(self.visible[:, None], 0, other.histograms),
        )
        return ReidDescriptor(mixed.astype(np.float32))


def reid_descriptor(picture: ByteArray, points: FloatArray) -> ReidDescriptor:
    """Measure what a person looks like.

    Parameters
    ----------
    picture : uint8 (h, w, 3)
        A crop of the person.
    points : float32 (18, 3)
        In pixels of the picture.

    Returns
    -------
    ReidDescriptor
        Histograms of the regions whose points are seen and inside the picture.
    """
    lab = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB), dtype=np.uint8)
    histograms = np.zeros((_REGIONS, int(np.prod(_BINS))), dtype=np.float32)
    for region, mask in enumerate(_region_masks(points, picture.shape[0], picture.shape[1])):
        if mask is None or np.count_nonzero(mask) < _FEWEST_PIXELS:
            continue
        counts = np.asarray(cv2.calcHist([lab], [0, 1, 2], mask, list(_BINS), list(_RANGES)), dtype=np.float32)
        # spread over neighboring bins: a slow change of light must not empty one bin into the next
        flat = _spread(counts.reshape(_BINS)).ravel()
        histograms[region] = flat / max(float(flat.sum()), 1e-6)
    return ReidDescriptor(histograms)


def _spread(counts: FloatArray) -> FloatArray:
    for axis, size in enumerate(counts.shape):
        bins = np.arange(size)
        before = counts.take(np.maximum(bins - 1, 0), axis=axis)
        after = counts.take(np.minimum(bins + 1, size - 1), axis=axis)
        counts = 0.25 * before + 0.5 * counts + 0.25 * after
    return counts


def _region_masks(points: FloatArray, height: int, width: int) -> tuple[ByteArray | None, ...]:
    visible = points[:, 2] >= VISIBLE_SCORE
    xy = np.clip(points[:, :2], -1e4, 1e4)
    torso = None
    if visible[list(_TORSO)].all():
        corners = xy[list(_TORSO)]
        middle = corners.mean(axis=0)
        torso = np.zeros((height, width), dtype=np.uint8)
        # a little inside, where neither arms nor background show
        cv2.fillConvexPoly(torso, np.round(middle + 0.8 * (corners - middle)).astype(np.int32), 255)
    thickness = max(round(0.16 * torso_length(points)), 2)
    return (
        torso,
        _limb_mask(xy, visible, _THIGHS, thickness, height, width),
        _limb_mask(xy, visible, _SHINS, thickness, height, width),
    )


def _limb_mask(
    xy: FloatArray,
    visible: npt.NDArray[np.bool_],
    limbs: tuple[tuple[int, int], ...],
    thickness: int,
    height: int,
    width: int,
) -> ByteArray | None:
    limbs = tuple(limb for limb in limbs if visible[list(limb)].all())
    if not limbs:
        return None
    mask = np.zeros((height, width), dtype=np.uint8)
    for first, second in limbs:
        start, end = (np.round(xy[index]).astype(int).tolist() for index in (first, second))
        cv2.line(mask, start, end, 255, thickness)
    return mask
