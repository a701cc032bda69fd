"""What has not moved is the photo: the layer of a person at rest takes over the photo's own pixels, edges included.

Ours. Where a person stands still before their own photo, alpha and an invented background could only make it worse. The
nearer a surface is to its place in the photo the more the pixel is the photo's, until at rest nothing else is left.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from motionwarp.types import ByteArray, FloatArray

_HALO: Final = 14  # pixels around a person who rests that are the photo's too: what a matte misses of hair and shadow
_VACATED: Final = 0.3  # coverage in the photo over which an empty pixel is one that somebody has left


def rested(picture: FloatArray, still: FloatArray, photo: ByteArray, matte: FloatArray) -> FloatArray:
    """Return the layer with the photo's pixels where nothing has moved.

    Parameters
    ----------
    picture : float32 (H, W, 4)
        Colors multiplied by alpha, and alpha, in 0..255.
    still : float32 (H, W)
        Which share of each pixel is where the photo has it, in [0, 1].
    photo : uint8 (H, W, 3)
        The source as it lies behind the person.
    matte : float32 (H, W)
        The source person's coverage there.

    Returns
    -------
    float32 (H, W, 4)
    """
    coverage = picture[..., 3] / np.float32(255)
    covered = (coverage > 0.02).astype(np.float32)
    share = np.clip(still / np.maximum(coverage, np.float32(0.02)), 0, 1) * covered
    size = (2 * _HALO + 1, 2 * _HALO + 1)
    around, weight = cv2.blur(share, size), cv2.blur(covered, size)
    halo = np.where(matte < _VACATED, around / np.maximum(weight, np.float32(1e-6)), 0) * (weight > 1e-4)
    share = np.where(covered > 0, share, halo)[..., None].astype(np.float32)
    opaque = np.concatenate([photo.astype(np.float32), np.full_like(picture[..., 3:], 255)], axis=-1)
    return np.asarray(picture + share * (opaque - picture), dtype=np.float32)
