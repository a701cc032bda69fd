"""What a user should know of a run, graded, so that the gravest of many can be told first."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Gravity(IntEnum):
    """How much a notice matters."""

    MINOR = 0  # a few frames were repaired
    USUAL = 1
    GRAVE = 2  # the result is most likely not what is wanted


class Notice(str):
    """A sentence for users that knows how grave it is.

    Parameters
    ----------
    text : str
    gravity : Gravity
    """

    gravity: Gravity

    def __new__(cls, text: str, gravity: Gravity = Gravity.USUAL) -> Notice:
        """Make a notice of a text."""
        notice = super().__new__(cls, text)
        notice.gravity = gravity
        return notice


def gravest_first(texts: Iterable[str]) -> list[str]:
    """Return texts by gravity, in their own order where they are equally grave; plain strings are `USUAL`."""
    return sorted(texts, key=lambda text: -getattr(text, "gravity", Gravity.USUAL))
