"""Which person of a picture or clip with several is meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from motionwarp.errors import NoPersonError, OptionError
from motionwarp.perception.framing import visible_box
from motionwarp.perception.reid import ReidDescriptor
from motionwarp.types import FloatArray, Person, PoseTrack

_NUMBER: Final = r"\d+(?:\.\d*)?"


@dataclass(frozen=True, eq=False)
class Sighting:
    """A person in one frame of a clip.

    Attributes
    ----------
    time_seconds : float
    points : float32 (18, 3)
        In pixels of the frame.
    turns : int
        Quarter turns by which the person stands upright, as in `View`.
    score : float
        Probability that this is a person.
    appearance : ReidDescriptor
    """

    time_seconds: float
    points: FloatArray
    turns: int
    score: float
    appearance: ReidDescriptor


@dataclass(frozen=True)
class PersonChoice:
    """One person among several; without arguments, the largest.

    Attributes
    ----------
    index : int or None
        Counted from 0, the largest person first.
    point : (float, float) or None
        x, y in pixels: the person who covers this place or is nearest to it.
    sightings : tuple of Sighting
        The person in a few frames of the clip, in order of their times, as `survey` gives them; empty where it was not
        looked through before.
    alone : bool
        Whether nobody else was in sight in the frames looked through.
    others : tuple of PoseTrack
        People of this very clip who have been followed already: whoever is one of them is not the person.
    """

    index: int | None = None
    point: tuple[float, float] | None = None
    sightings: tuple[Sighting, ...] = ()
    alone: bool = False
    others: tuple[PoseTrack, ...] = ()

    def __post_init__(self) -> None:
        if self.index is not None and self.point is not None:
            raise OptionError(
                "a person is chosen by index or by place, not by both",
                values={"person": f"{self.index} and {self.point}"},
            )
        if self.index is not None and self.index < 0:
            raise OptionError("people are counted from 0", values={"person": self.index})

    @classmethod
    def parse(cls, text: str) -> PersonChoice:
        """Read 'largest', an index such as '1', or a place such as '320,240'; raise `OptionError` for anything else."""
        word = text.strip().lower()
        if word == "largest":
            return cls()
        if re.fullmatch(r"\d{1,4}", word):
            return cls(index=int(word))
        if found := re.fullmatch(rf"({_NUMBER})\s*,\s*({_NUMBER})", word):
            return cls(point=(float(found[1]), float(found[2])))
        raise OptionError(
            "is not a choice of a person",
            values={"person": text},
            remedy="Give 'largest', a number counted from 0 by size, or a place in pixels as 'x,y'",
        )

    def __str__(self) -> str:
        if self.point is not None:
            return f"{self.point[0]:g},{self.point[1]:g}"
        return "largest" if self.index is None else str(self.index)

    @property
    def by_size(self) -> bool:
        """Whether nobody in particular was asked for."""
        return self.index is None and self.point is None

    def pick(self, people: Sequence[Person]) -> Person:
        """Return the person meant.

        Raises
        ------
        NoPersonError
            If there is nobody, or nobody of this index or at this place.
        """
        if not people:
            raise NoPersonError("no person was found")
        by_size = sorted(people, key=lambda person: -_area(person))
        if self.point is not None:
            return self._nearest(by_size, self.point)
        index = self.index or 0
        if index >= len(by_size):
            raise NoPersonError(
                f"there is no person number {index}, as only {len(by_size)} were found",
                values={"person": index},
                remedy=f"Numbers go from 0 to {len(by_size) - 1}, the largest person first",
            )
        return by_size[index]

    def _nearest(self, people: Sequence[Person], point: tuple[float, float]) -> Person:
        """Return the person nearest to a place: by the limbs, so that people whose boxes overlap are told apart."""
        distances = [_distance(person, point) for person in people]
        best = int(np.argmin(distances))
        left, top, right, bottom = visible_box(people[best].pose.points)
        if distances[best] > max(right - left, bottom - top) / 2:
            middles = "; ".join(f"{middle[0]:.0f},{middle[1]:.0f}" for middle in map(_middle, people))
            raise NoPersonError(
                "there is no person at this place",
                values={"person": str(self)},
                remedy=f"People were found at {middles}",
            )
        return people[best]


LARGEST: Final = PersonChoice()


def _area(person: Person) -> float:
    left, top, right, bottom = visible_box(person.pose.points)
    return (right - left) * (bottom - top)


def _middle(person: Person) -> tuple[float, float]:
    left, top, right, bottom = visible_box(person.pose.points)
    return (left + right) / 2, (top + bottom) / 2


def _distance(person: Person, point: tuple[float, float]) -> float:
    seen = person.pose.xy[person.pose.visible(0.1)]
    if not len(seen):
        return float("inf")
    middle = seen.mean(axis=0, keepdims=True)
    return float(np.hypot(*(np.concatenate([seen, middle]) - np.asarray(point)).T).min())
