"""What an estimator is: it sees people in pictures and follows one of them through a clip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.types import ByteArray, Frame, Person, Pose


@dataclass(frozen=True, eq=False)
class Observation:
    """What was seen of the followed person in one frame.

    Attributes
    ----------
    frame : Frame
        As given.
    person : Person or None
        None where the person was not found; a wrong person is never given in their stead.
    note : str or None
        What is worth telling: why nobody is reported, or that somebody was found again.
    """

    frame: Frame
    person: Person | None
    note: str | None = None


@runtime_checkable
class Estimator(Protocol):
    """Sees people: points, and where asked parsing and matte."""

    name: str

    def find_people(self, rgb: ByteArray) -> list[Person]:
        """Return everybody in a picture, the surest first.

        Parameters
        ----------
        rgb : uint8 (H, W, 3)

        Returns
        -------
        list of Person
            Empty if nobody is there.
        """
        ...

    def analyze_picture(
        self, rgb: ByteArray, choice: PersonChoice = LARGEST, *, given_pose: Pose | None = None
    ) -> Person:
        """Return one person of a picture with parsing and matte.

        Parameters
        ----------
        rgb : uint8 (H, W, 3)
        choice : PersonChoice
            Not used where the pose is given.
        given_pose : Pose or None
            Points in pixels of the picture, to be taken as they are; parsing and matte are then of the person there.

        Raises
        ------
        NoPersonError
            If there is nobody, or not the one who was chosen.
        """
        ...

    def follow(
        self, frames: Iterable[Frame], choice: PersonChoice = LARGEST, *, dense: bool = False
    ) -> Iterator[Observation]:
        """Follow one person through a clip.

        Parameters
        ----------
        frames : iterable of Frame
            In order; read a few frames ahead of what is yielded.
        choice : PersonChoice
            Who, in the first frame in which there is anybody.
        dense : bool
            Whether parsing and matte are needed.

        Yields
        ------
        Observation
            One for each frame, in order.

        Raises
        ------
        NoPersonError
            If people are found, but not the one who was chosen.
        """
        ...
