"""The eight ways a picture can lie in memory, and how to put it upright.

Cameras store pixels as the sensor sees them and note how to turn them: EXIF in pictures, a display matrix in videos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from motionwarp.types import ByteArray


@dataclass(frozen=True)
class Orientation:
    """What has to be done to stored pixels to see them upright: a flip first, then quarter turns.

    Attributes
    ----------
    quarter_turns : int
        Clockwise turns by 90 degrees, 0 to 3, done after the flip.
    mirrored : bool
        Whether left and right are exchanged first.
    """

    quarter_turns: int = 0
    mirrored: bool = False

    def __post_init__(self) -> None:
        if self.quarter_turns not in (0, 1, 2, 3):
            raise ValueError(f"Orientation needs 0 to 3 quarter turns, got {self.quarter_turns}")

    @property
    def swaps_sides(self) -> bool:
        """Whether width and height exchange."""
        return self.quarter_turns % 2 == 1

    @property
    def degrees(self) -> int:
        """The clockwise turn in degrees: 0, 90, 180 or 270."""
        return 90 * self.quarter_turns

    def upright(self, pixels: ByteArray) -> ByteArray:
        """Return the picture as it is to be seen.

        Parameters
        ----------
        pixels : uint8 (H, W) or (H, W, C)
            As stored.

        Returns
        -------
        uint8 (H, W) or (W, H), and C as given
            Contiguous; `pixels` itself where nothing is to be done.
        """
        if self.mirrored:
            pixels = _as_bytes(cv2.flip(pixels, 1), pixels)
        if self.quarter_turns:
            code = (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)[self.quarter_turns - 1]
            pixels = _as_bytes(cv2.rotate(pixels, code), pixels)
        return pixels


def _as_bytes(turned: np.ndarray, original: ByteArray) -> ByteArray:
    # OpenCV drops a last axis of length 1
    return np.ascontiguousarray(turned).reshape(*turned.shape[:2], *original.shape[2:])


UPRIGHT = Orientation()

# EXIF 2.32, table 6: what the first row and first column of the stored pixels are when seen
_EXIF = {
    1: Orientation(0),
    2: Orientation(0, mirrored=True),
    3: Orientation(2),
    4: Orientation(2, mirrored=True),
    5: Orientation(3, mirrored=True),
    6: Orientation(1),
    7: Orientation(1, mirrored=True),
    8: Orientation(3),
}


def orientation_from_exif(value: int) -> Orientation:
    """Return the orientation of an EXIF tag 0x0112.

    Numbers outside 1 to 8, which the standard reserves, mean upright.
    """
    return _EXIF.get(value, UPRIGHT)


def orientation_from_display_matrix(matrix: Sequence[int]) -> Orientation:
    """Return the orientation of a video's display matrix.

    Parameters
    ----------
    matrix : 9 ints
        Row by row as in an MP4 track header: (a b u; c d v; x y w), mapping a stored point (p, q) to
        (a p + c q + x, b p + d q + y), y down.

    Returns
    -------
    Orientation
        The nearest of the eight; upright if the matrix is degenerate.
    """
    a, b, c, d = (float(matrix[i]) for i in (0, 1, 3, 4))
    determinant = a * d - b * c
    if determinant == 0:
        return UPRIGHT
    mirrored = determinant < 0
    if mirrored:
        a, b = -a, -b  # undo the mirror, which happens first and so negates what x contributes
    # what is left is a turn: the x axis goes to (a, b), and y is down, so the angle is clockwise
    turns = round(float(np.degrees(np.arctan2(b, a))) / 90) % 4
    return Orientation(turns, mirrored)
