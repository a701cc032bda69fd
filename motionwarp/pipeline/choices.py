"""Option values that have a form of their own: an output size and a background."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from motionwarp.errors import OptionError

MIN_SIDE = 16
MAX_SIDE = 8192


@dataclass(frozen=True)
class OutputSize:
    """The size that was asked for: both sides, or the longer one only.

    Attributes
    ----------
    width, height : int or None
        Both sides in pixels, or None for both.
    long_side : int or None
        The longer side in pixels; the other one follows from the picture's shape.
    """

    width: int | None = None
    height: int | None = None
    long_side: int | None = None

    @classmethod
    def parse(cls, text: str | int) -> OutputSize:
        """Read `WIDTHxHEIGHT` or `LONG_SIDE`; raise `OptionError` for anything else."""
        found = re.fullmatch(r"(\d{1,6})(?:[xX×](\d{1,6}))?", str(text).strip())
        if found is None:
            raise OptionError(
                "is not a size",
                subject=f"--size {text}",
                remedy="Write WIDTHxHEIGHT, such as 1280x720, or one number for the long side",
            )
        sides = [int(side) for side in found.groups() if side is not None]
        if any(not MIN_SIDE <= side <= MAX_SIDE for side in sides):
            raise OptionError(
                "is out of range", subject=f"--size {text}", remedy=f"Sides go from {MIN_SIDE} to {MAX_SIDE} pixels"
            )
        return cls(long_side=sides[0]) if len(sides) == 1 else cls(width=sides[0], height=sides[1])


class BackgroundKind(Enum):
    """What lies behind the person."""

    SOURCE = "source"
    DRIVING = "driving"
    TRANSPARENT = "transparent"
    COLOUR = "colour"
    FILE = "file"


@dataclass(frozen=True)
class BackgroundChoice:
    """The background that was asked for.

    Attributes
    ----------
    kind : BackgroundKind
    colour : (int, int, int) or None
        RGB in 0..255, for `COLOUR`.
    path : Path or None
        A picture or a video, for `FILE`.
    """

    kind: BackgroundKind
    colour: tuple[int, int, int] | None = None
    path: Path | None = None

    @classmethod
    def parse(cls, text: str) -> BackgroundChoice:
        """Read `source`, `driving`, `transparent`, `#rrggbb` or a path; raise `OptionError` for a colour that is none."""
        word = text.strip()
        if word in ("source", "driving", "transparent"):
            return cls(BackgroundKind(word))
        if re.fullmatch(r"#[0-9a-fA-F]{6}", word):
            red, green, blue = (int(word[start : start + 2], 16) for start in (1, 3, 5))
            return cls(BackgroundKind.COLOUR, colour=(red, green, blue))
        if not word or word.startswith("#"):
            raise OptionError(
                "is not a background",
                subject=f"--background {text!r}",
                remedy="Give source, driving, transparent, a colour as '#rrggbb', or a picture or video file",
            )
        return cls(BackgroundKind.FILE, path=Path(word))
