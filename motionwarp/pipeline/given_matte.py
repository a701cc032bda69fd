"""Mattes that users give: read, brought to the range of a matte, and held against the person that is seen."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motionwarp.errors import MediaError
from motionwarp.media.image import Picture, read_image
from motionwarp.perception.framing import VISIBLE_SCORE
from motionwarp.pipeline.layout import resized
from motionwarp.types import ByteArray, FloatArray

# a given matte may differ from the picture's shape by rounding only
_SHAPE_TOLERANCE = 0.02
# a person's points lie within the matte of the person, but for a hand or a foot at its edge: fewer are told, and few
# refused
_USUAL_SHARE_INSIDE, _LEAST_SHARE_INSIDE = 0.7, 0.3
_WHOLE_SHARE = 0.99  # of the picture: a matte that covers this much cuts nobody out
_LARGEST_LABEL = 63  # values up to this are labels and not shades
_REMEDY = "Give a gray picture of the source's own shape: white (255) where the person is, black elsewhere"


@dataclass(frozen=True, eq=False)
class GivenMatte:
    """A matte from a file, or from the picture's own alpha.

    Attributes
    ----------
    alpha : float32 (H, W)
        In [0, 1], of the picture's size.
    subject : Path or None
        The matte's file; None for the picture's own alpha.
    notes : tuple of str
        What a user should know of it.
    """

    alpha: FloatArray
    subject: Path | None
    notes: tuple[str, ...] = ()


def given_matte(picture: Picture, path: str | os.PathLike[str] | None) -> GivenMatte | None:
    """Read the matte of a file, or of an alpha channel that says anything.

    Parameters
    ----------
    picture : Picture
        The source.
    path : str, path or None
        The matte's file, which goes before the picture's alpha.

    Raises
    ------
    MediaError
        If the file cannot be read, has another shape, is black all over, or holds numbers that are no shades.
    """
    if path is None:
        if picture.alpha is None or picture.alpha.min() == 255:
            return None
        return GivenMatte(_unit(picture.alpha), None)
    file = Path(path)
    given = read_image(file)
    shape = given.width / given.height
    if abs(shape * picture.height / picture.width - 1) > _SHAPE_TOLERANCE:
        raise MediaError(
            f"the matte is {given.width}x{given.height}, "
            f"another shape than the source's {picture.width}x{picture.height}",
            subject=file,
            remedy=_REMEDY,
        )
    gray, notes = _shades(given.rgb.max(axis=2) if given.alpha is None else given.alpha, file)
    return GivenMatte(_unit(resized(gray, picture.width, picture.height)), file, notes)


def _shades(gray: ByteArray, file: Path) -> tuple[ByteArray, tuple[str, ...]]:
    """Return a matte whose white is 255, and a note where it was not."""
    levels = np.unique(gray)
    largest = int(levels[-1])
    if largest == 0:
        raise MediaError("the matte is black all over: nobody would be left", subject=file, remedy=_REMEDY)
    if largest == 255:
        return gray, ()
    if len(levels[levels > 0]) == 1:  # a mask of two values
        white = np.where(gray > 0, np.uint8(255), np.uint8(0)).astype(np.uint8)
        return white, (f"the matte's largest value is {largest} and not 255: it was taken for white",)
    if largest <= _LARGEST_LABEL:
        raise MediaError(
            f"the matte holds the values 0 to {largest}, which look like labels and not like shades",
            subject=file,
            remedy=_REMEDY,
        )
    return gray, ()


def held_against(given: GivenMatte, points: FloatArray) -> tuple[FloatArray | None, tuple[str, ...]]:
    """Hold a matte against the person who was found.

    Parameters
    ----------
    given : GivenMatte
    points : float32 (18, 3)
        The person's points in the picture, with scores.

    Returns
    -------
    alpha : float32 (H, W) or None
        None for transparency of the picture that leaves the person out: programs write it without meaning it.
    notes : tuple of str
        What a user should know.

    Raises
    ------
    MediaError
        If a file's matte leaves the person out.
    """
    inside = share_inside(given.alpha, points)
    if inside >= _LEAST_SHARE_INSIDE:
        whole = float(given.alpha.mean()) > _WHOLE_SHARE and given.subject is not None
        note: tuple[str, ...] = (
            ("the matte covers the whole picture, so nothing of it is taken for background",) if whole else ()
        )
        if inside < _USUAL_SHARE_INSIDE:
            note = (f"only {round(100 * inside)} % of the person's points lie inside of the matte",)
        return given.alpha, (*given.notes, *note)
    fault = f"leaves the person out: {round(100 * inside)} % of the points that were seen lie inside of it"
    if given.subject is None:
        return None, (f"the picture's transparency {fault}; it was not used",)
    seems = "; it seems to be inverted" if share_inside(1 - given.alpha, points) >= 1 - _LEAST_SHARE_INSIDE else ""
    raise MediaError(f"the matte {fault}{seems}", subject=given.subject, remedy=_REMEDY)


def share_inside(alpha: FloatArray, points: FloatArray) -> float:
    """Return the share of a person's seen points in the picture that lie in a matte; 1 where there are none."""
    height, width = alpha.shape
    columns, rows = (np.rint(points[:, axis]).astype(int) for axis in (0, 1))
    usable = (points[:, 2] >= VISIBLE_SCORE) & (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    if not usable.any():
        return 1.0
    return float((alpha[rows[usable], columns[usable]] >= 0.5).mean())


def _unit(gray: ByteArray) -> FloatArray:
    return gray.astype(np.float32) / np.float32(255)
