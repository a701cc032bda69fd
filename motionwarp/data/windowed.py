"""Labeled pictures seen through windows: scaled without aliasing, labels and points along with the colors."""

from __future__ import annotations

import cv2
import numpy as np

from motionwarp.data.pack import LabeledPicture
from motionwarp.parsing.labels import IGNORE
from motionwarp.types import FloatArray, PersonCrop, Pose

# below this scale bilinear sampling would pass over pixels
_SHRINKING = 0.9


def windowed(picture: LabeledPicture, window: PersonCrop) -> LabeledPicture:
    """Return what a window shows of a picture.

    Parameters
    ----------
    picture : LabeledPicture
    window : PersonCrop
        In the picture's pixels.

    Returns
    -------
    LabeledPicture
        The picture at the window's size. Beyond the picture its edge's colors go on, the matte is 0 and the parsing 255
        (not known).
    """
    to_window = window.frame_to_crop()
    size = (window.width, window.height)
    shrunk, matrix = before_shrinking(picture, to_window)
    rgb = cv2.warpAffine(shrunk.rgb, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    matte = cv2.warpAffine(shrunk.matte, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    parsing = cv2.warpAffine(
        picture.parsing, to_window, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=IGNORE
    )
    return LabeledPicture(
        np.asarray(rgb, dtype=np.uint8),
        np.asarray(matte, dtype=np.uint8),
        np.asarray(parsing, dtype=np.uint8),
        Pose(picture.points).transformed(to_window).points,
        picture.name,
    )


def before_shrinking(picture: LabeledPicture, to_window: FloatArray) -> tuple[LabeledPicture, FloatArray]:
    """Return the picture, reduced until bilinear sampling does not alias, and the map from it.

    Parameters
    ----------
    picture : LabeledPicture
    to_window : float32 (2, 3)
        From the picture's pixels: a scale, the same in both directions, and a shift.
    """
    scale = float(to_window[0, 0])
    if scale >= _SHRINKING:
        return picture, to_window
    height, width = picture.matte.shape
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    across, down = size[0] / width, size[1] / height
    reduced = LabeledPicture(
        np.asarray(cv2.resize(picture.rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8),
        np.asarray(cv2.resize(picture.matte, size, interpolation=cv2.INTER_AREA), dtype=np.uint8),
        np.asarray(cv2.resize(picture.parsing, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8),
        picture.points,
        picture.name,
    )
    # pixel centers at integers: x_full = (x_reduced + 0.5) / across - 0.5
    back = np.array([[1 / across, 0, 0.5 / across - 0.5], [0, 1 / down, 0.5 / down - 0.5], [0, 0, 1]])
    forward = np.vstack([to_window, [0, 0, 1]]) @ back
    return reduced, forward[:2].astype(np.float32)
