"""What has not moved is the photo: the layer of a person at rest takes over the photo's own pixels, edges included.

Ours. Where a person stands still before their own photo, alpha and an invented background could only make it worse. The
nearer a surface is to its place in the photo the more the pixel is the photo's, until at rest nothing else is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.types import BoolArray, ByteArray, FloatArray

_HALO: Final = 14  # pixels around a person who rests that are the photo's too: what a matte misses of hair and shadow
_SEEN_ALPHA: Final = 5.0  # of 255: a lower one shows nobody
_LEAST_COVERAGE: Final = np.float32(0.02)
_LEAST_STILLNESS: Final = np.float32(0.25)
_NEAR: Final = 6  # pixels around what was made up that tell whether it has moved
_VACATED: Final = 0.3  # coverage in the photo over which an empty pixel is one that somebody has left


@dataclass(frozen=True, eq=False)
class PhotoBehind:
    """The source's photo where it lies behind the person, and how the avatar at rest covers it.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    matte : float32 (H, W)
        The person's coverage there; 0 where the avatar has nothing even at rest, so that nobody can have left.
    stillness : float32 (H, W)
        The share of each pixel that counts as unmoved while nothing has: less than 1 where textures were made up.
    """

    rgb: ByteArray
    matte: FloatArray
    stillness: FloatArray

    @classmethod
    def of(cls, rgb: ByteArray, matte: FloatArray, picture: FloatArray, still: FloatArray) -> PhotoBehind:
        """Return the photo behind an avatar that was drawn at rest as `picture` and `still`."""
        uncovered = picture[..., 3] < _SEEN_ALPHA
        return cls(rgb, np.where(uncovered, 0, matte).astype(np.float32), _share(picture, still))


def _share(picture: FloatArray, still: FloatArray) -> FloatArray:
    coverage = picture[..., 3] / np.float32(255)
    return np.asarray(np.clip(still / np.maximum(coverage, _LEAST_COVERAGE), 0, 1), dtype=np.float32)


def _around(share: npt.NDArray[np.floating[Any]], known: BoolArray, radius: int) -> FloatArray:
    """Return the mean of what is known within a radius of each pixel, 0 where nothing is."""
    size = (2 * radius + 1, 2 * radius + 1)
    weight = known.astype(np.float32)
    total, count = cv2.blur(share.astype(np.float32) * weight, size), cv2.blur(weight, size)
    return np.asarray(total / np.maximum(count, np.float32(1e-6)) * (count > 1e-4), dtype=np.float32)


def rested(picture: FloatArray, still: FloatArray, photo: PhotoBehind) -> FloatArray:
    """Return the layer with the photo's pixels where nothing has moved.

    Parameters
    ----------
    picture : float32 (H, W, 4)
        Colors multiplied by alpha, and alpha, in 0..255.
    still : float32 (H, W)
        Which share of each pixel is where the photo has it, in [0, 1].
    photo : PhotoBehind

    Returns
    -------
    float32 (H, W, 4)
    """
    left, top, width, height = cv2.boundingRect((still > 0).astype(np.uint8))
    if width == 0:
        return picture
    # beyond twice the halo around what rests nothing changes
    rows = slice(max(top - 2 * _HALO, 0), top + height + 2 * _HALO)
    columns = slice(max(left - 2 * _HALO, 0), left + width + 2 * _HALO)
    result = picture.copy()
    near = PhotoBehind(photo.rgb[rows, columns], photo.matte[rows, columns], photo.stillness[rows, columns])
    result[rows, columns] = _rested(picture[rows, columns], still[rows, columns], near)
    return result


def _rested(picture: FloatArray, still: FloatArray, photo: PhotoBehind) -> FloatArray:
    coverage = picture[..., 3] / np.float32(255)
    covered = coverage > _LEAST_COVERAGE
    # against what rest itself reaches, so that rest is the photo wherever the avatar has anything
    told = covered & (photo.stillness > _LEAST_STILLNESS)
    share: FloatArray = np.asarray(
        np.clip(_share(picture, still) / np.maximum(photo.stillness, _LEAST_STILLNESS), 0, 1) * told, dtype=np.float32
    )
    # where rest reaches nothing, because it shows what was made up, what is around tells whether anything has moved
    near = _around(share, told, _NEAR)
    share = np.asarray(np.where(told, share, np.where(covered, near, 0)), dtype=np.float32)
    halo = np.where(photo.matte < _VACATED, _around(share, covered, _HALO), 0)
    share = np.where(covered, share, halo)[..., None].astype(np.float32)
    opaque = np.concatenate([photo.rgb.astype(np.float32), np.full_like(picture[..., 3:], 255)], axis=-1)
    return np.asarray(picture + share * (opaque - picture), dtype=np.float32)
