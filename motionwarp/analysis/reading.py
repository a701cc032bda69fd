"""What is read from pictures of one person each, whatever reads it, and how it becomes a person of the frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from motionwarp.analysis.cropping import extract_views, points_to_frame
from motionwarp.analysis.framing import View
from motionwarp.types import ByteArray, FloatArray, Person, Pose

# as many points as a head and shoulders show: whoever shows that much counts as seen in full
_SCORED_POINTS: Final = 8


@dataclass(frozen=True, eq=False)
class Readings:
    """What was read from N pictures.

    Attributes
    ----------
    points : float32 (N, 18, 3)
        In pixels of the pictures, with scores in [0, 1].
    parsing : uint8 (N, h, w) or None
        The 20 LIP classes, at any resolution of the pictures' aspect.
    matte : float32 (N, h, w) or None
        Coverage in [0, 1], at any resolution of the pictures' aspect.
    """

    points: FloatArray
    parsing: ByteArray | None = None
    matte: FloatArray | None = None


class CropReader(Protocol):
    """Reads pictures of one person each: a network, or in tests something that knows what was drawn."""

    def __call__(self, pictures: ByteArray, dense: bool) -> Readings:
        """Read pictures.

        Parameters
        ----------
        pictures : uint8 (N, h, w, 3)
            The person in the middle, upright where possible; grey outside the frame.
        dense : bool
            Whether parsing and matte are needed.

        Returns
        -------
        Readings
            Low scores everywhere where there is nobody.
        """
        ...


@dataclass(frozen=True, eq=False)
class Sighting:
    """One person as read through one view of a frame.

    Attributes
    ----------
    person : Person
    view : View
    picture : uint8 (h, w, 3)
        What the reader saw.
    points : float32 (18, 3)
        The person's points in pixels of `picture`.
    """

    person: Person
    view: View
    picture: ByteArray
    points: FloatArray


def person_score(points: FloatArray) -> float:
    """Return the probability that points belong to a person: the mean of the eight highest scores.

    Eight, so that people cut off at the waist or the chest do not score lower than whole ones.
    """
    return float(np.sort(points[:, 2])[-_SCORED_POINTS:].mean())


def read_views(reader: CropReader, rgb: ByteArray, views: Sequence[View], dense: bool = False) -> list[Sighting]:
    """Read several views of one frame in one batch."""
    if not views:
        return []
    return sightings(extract_views(rgb, views), views, reader, dense)


def sightings(pictures: ByteArray, views: Sequence[View], reader: CropReader, dense: bool) -> list[Sighting]:
    """Read pictures in one batch, each cut out by its own view, of one frame or of several."""
    readings = reader(pictures, dense)
    return [_sighting(readings, index, view, pictures[index]) for index, view in enumerate(views)]


def _sighting(readings: Readings, index: int, view: View, picture: ByteArray) -> Sighting:
    points = readings.points[index]
    # parsing and matte lie over the window in the frame's orientation: the turn is undone
    parsing = None if readings.parsing is None else np.ascontiguousarray(np.rot90(readings.parsing[index], -view.turns))
    matte = None if readings.matte is None else np.ascontiguousarray(np.rot90(readings.matte[index], -view.turns))
    person = Person(Pose(points_to_frame(points, view)), view.crop, parsing, matte, person_score(points))
    return Sighting(person, view, picture, points)
