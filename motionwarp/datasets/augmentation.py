"""What varies between the clips of a data set, drawn for each clip from its own seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from motionwarp.datasets.options import Augmentation
from motionwarp.datasets.storage.base import file_name, printable
from motionwarp.pipeline.layout import PersonTransform


@dataclass(frozen=True)
class Draw:
    """What one clip drew.

    Attributes
    ----------
    placement : 'source' or 'driving'
    transform : PersonTransform
    mirrored : bool
    speed : float
    background : str or None
        A file of the pool; None for the background of the options.
    """

    placement: Literal["source", "driving"]
    transform: PersonTransform
    mirrored: bool
    speed: float
    background: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the values as JSON can hold them, without the place of the background's file."""
        name = None if self.background is None else printable(file_name(self.background))
        return {
            "placement": self.placement,
            "scale": self.transform.scale,
            "shift_x": self.transform.shift_x,
            "shift_y": self.transform.shift_y,
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
        transform=PersonTransform(
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
