"""What varies between the clips of a data set, drawn for each clip from its own seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from motionwarp.datasets.storage.base import file_name, printable
from motionwarp.errors import OptionError
from motionwarp.pipeline.layout import PersonTransform

FASTEST = 8.0


@dataclass(frozen=True)
class Augmentation:
    """Ranges from which every clip draws.

    Attributes
    ----------
    placement : 'source', 'driving' or 'mixed'
        Where the person stands; 'mixed' takes either for half of the clips.
    scale : (float, float)
        Least and largest scale of the person, drawn evenly in logarithms; within 0.1 to 10.
    shift : float
        The farthest that the person is moved, in widths and heights of the frame; 0 to 1.
    mirror : float
        The share of clips with the motion as a mirror shows it; 0 to 1.
    speed : (float, float)
        Least and largest speed of the motion, drawn evenly in logarithms; within 1/8 to 8.
    backgrounds : tuple of str
        Pictures and videos of which every clip takes one; empty for the background of the options.

    Raises
    ------
    OptionError
        For a value out of range.
    """

    placement: Literal["source", "driving", "mixed"] = "source"
    scale: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    mirror: float = 0.0
    speed: tuple[float, float] = (1.0, 1.0)
    backgrounds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.placement not in ("source", "driving", "mixed"):
            raise OptionError(
                "is not a choice", subject=f"--placement {self.placement}", remedy="Choose source, driving or mixed"
            )
        _check_range("--scale", self.scale, 0.1, 10.0)
        _check_range("--speed", self.speed, 1 / FASTEST, FASTEST)
        for name, value in (("--shift", self.shift), ("--mirror", self.mirror)):
            if not 0 <= value <= 1:
                raise OptionError("is out of range", subject=f"{name} {value}", remedy="Give a number from 0 to 1")


@dataclass(frozen=True)
class Draw:
    """What one clip drew.

    Attributes
    ----------
    placement : 'source' or 'driving'
    staging : PersonTransform
    mirrored : bool
    speed : float
    background : str or None
        A file of the pool; None for the background of the options.
    """

    placement: Literal["source", "driving"]
    staging: PersonTransform
    mirrored: bool
    speed: float
    background: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the values as JSON can hold them, without the place of the background's file."""
        name = None if self.background is None else printable(file_name(self.background))
        return {
            "placement": self.placement,
            "scale": self.staging.scale,
            "shift_x": self.staging.shift_x,
            "shift_y": self.staging.shift_y,
            "mirrored": self.mirrored,
            "speed": self.speed,
            "background": name,
        }


def draw(augmentation: Augmentation, seed: int) -> Draw:
    """Draw one clip's values.

    Every value is always drawn, in one order, so that changing one range leaves what the others give.
    """
    generator = np.random.default_rng(seed)
    place, size, right, down, flip, pace, behind = generator.random(7).tolist()
    pool = augmentation.backgrounds
    placement: Literal["source", "driving"] = "source" if augmentation.placement == "source" else "driving"
    if augmentation.placement == "mixed" and place < 0.5:
        placement = "source"
    return Draw(
        placement=placement,
        staging=PersonTransform(
            scale=_between(augmentation.scale, size),
            # no negative zero, which is written as such
            shift_x=round(augmentation.shift * (2 * right - 1), 6) + 0.0,
            shift_y=round(augmentation.shift * (2 * down - 1), 6) + 0.0,
        ),
        mirrored=flip < augmentation.mirror,
        speed=_between(augmentation.speed, pace),
        background=pool[int(behind * len(pool))] if pool else None,
    )


def _between(bounds: tuple[float, float], share: float) -> float:
    low, high = bounds
    # rounded, so that records are short and say all that was used
    return round(math.exp(math.log(low) + share * (math.log(high) - math.log(low))), 6)


def _check_range(option: str, bounds: tuple[float, float], least: float, most: float) -> None:
    low, high = bounds
    if not least <= low <= high <= most:
        raise OptionError(
            "is not a range",
            subject=f"{option} {low:g}:{high:g}",
            remedy=f"Give LOW:HIGH within {least:g} and {most:g}",
        )
