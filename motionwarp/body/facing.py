"""Which way people face, with a certainty: by their bodies in space, by who saw them, and by both together.

Angles are degrees about the picture's vertical axis: 0 towards the camera, 90 towards the picture's right, 180 away.
A certainty is the length of the mean of unit vectors that are spread so: 1 for one direction, 0 for all of them alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.types import BoolArray, Facing, FloatArray

DoubleArray = npt.NDArray[np.float64]

TOLD: Final = 0.75
"""Certainty below which a facing is not told: directions spread by more than some 43 degrees."""
_LARGEST: Final = 0.999


@dataclass(frozen=True, eq=False)
class FacingTrack:
    """Which way somebody faces in T frames.

    Attributes
    ----------
    degrees : float32 (T,)
        In (-180, 180].
    certainty : float32 (T,)
        In [0, 1]; 0 where nothing is known.
    """

    degrees: FloatArray
    certainty: FloatArray

    def __post_init__(self) -> None:
        for name in ("degrees", "certainty"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.float32))
        if self.degrees.ndim != 1 or self.certainty.shape != self.degrees.shape:
            raise ValueError(f"FacingTrack has degrees {self.degrees.shape} and certainty {self.certainty.shape}")
        if not (np.isfinite(self.degrees).all() and ((self.certainty >= 0) & (self.certainty <= 1)).all()):
            raise ValueError("FacingTrack has degrees that are not finite, or a certainty outside of [0, 1]")

    def __len__(self) -> int:
        return len(self.degrees)

    @property
    def told(self) -> BoolArray:
        """In which frames the facing can be told, bool (T,)."""
        return np.asarray(self.certainty >= TOLD)

    @classmethod
    def unknown(cls, frames: int) -> FacingTrack:
        """Return a track of which nothing is known."""
        return cls(np.zeros(frames, dtype=np.float32), np.zeros(frames, dtype=np.float32))

    @classmethod
    def of_spread(cls, degrees: FloatArray, spread: FloatArray) -> FacingTrack:
        """Return directions that are spread by so many radians (standard deviations of normal errors)."""
        return cls(degrees, np.exp(-0.5 * np.square(spread.astype(np.float64))).astype(np.float32))

    @classmethod
    def of_seen(cls, seen: Sequence[Facing | None]) -> FacingTrack:
        """Return what was seen frame by frame; nothing is known where nobody could tell."""
        degrees = [0.0 if each is None else each.degrees for each in seen]
        certainty = [0.0 if each is None else float(np.clip(each.certainty, 0, 1)) for each in seen]
        return cls(np.array(degrees, dtype=np.float32), np.array(certainty, dtype=np.float32))

    def joined(self, other: FacingTrack) -> FacingTrack:
        """Return what two tellers say together, each by its certainty.

        The sum of two von Mises distributions' directions, each as long as its concentration, is the product of them.

        Raises
        ------
        ValueError
            If they are of different lengths.
        """
        if len(self) != len(other):
            raise ValueError(f"facings of {len(self)} and {len(other)} frames cannot be joined")
        total = self._weighed() + other._weighed()
        length = np.hypot(*total)
        return FacingTrack(
            np.degrees(np.arctan2(total[1], total[0])).astype(np.float32), _resultant(length).astype(np.float32)
        )

    def disagreement(self, degrees: npt.NDArray[np.floating]) -> DoubleArray:
        """Return how unlikely it makes other directions (T,): minus logarithms of densities, 0 for its own."""
        radians = np.radians(np.asarray(degrees, dtype=np.float64) - self.degrees)
        return np.asarray(_concentration(self.certainty.astype(np.float64)) * (1 - np.cos(radians)))

    def _weighed(self) -> DoubleArray:
        """Return the directions as (cosine, sine), as long as their concentrations, (2, T)."""
        radians = np.radians(self.degrees.astype(np.float64))
        length = _concentration(self.certainty.astype(np.float64))
        return np.asarray(length * np.stack([np.cos(radians), np.sin(radians)]), dtype=np.float64)


def _concentration(certainty: DoubleArray) -> DoubleArray:
    """Return a von Mises distribution's concentration for its mean resultant length (Best and Fisher 1981)."""
    length = np.minimum(certainty, _LARGEST)
    low = 2 * length + length**3 + 5 * length**5 / 6
    middle = -0.4 + 1.39 * length + 0.43 / (1 - length)
    high = 1 / (length**3 - 4 * length**2 + 3 * length + 1e-12)
    return np.asarray(np.where(length < 0.53, low, np.where(length < 0.85, middle, high)))


def _resultant(concentration: DoubleArray) -> DoubleArray:
    """Return the mean resultant length for a concentration: undoes `_concentration`, by its own table."""
    lengths = np.linspace(0, _LARGEST, 2000)
    return np.interp(concentration, _concentration(lengths), lengths)


def degrees_apart(one: npt.ArrayLike, other: npt.ArrayLike) -> DoubleArray:
    """Return how many degrees directions are apart, in [0, 180]."""
    difference = np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    return np.abs((difference + 180) % 360 - 180)
