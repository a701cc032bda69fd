"""An avatar seen from all sides: it turns once about the upright axis through its root."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from motionwarp.avatar.avatar import Avatar
from motionwarp.types import FloatArray

_MARGIN: Final = 0.05  # of the person's height, on every side
_LEAST_SIDE: Final = 16


@dataclass(frozen=True, eq=False)
class Turntable:
    """How an avatar in the photo's pose is shown from all sides.

    Attributes
    ----------
    avatar : Avatar
    tallest : int
        Height of the pictures at most, in pixels; the person is not shown larger than in the photo.
    """

    avatar: Avatar
    tallest: int

    @cached_property
    def _extent(self) -> tuple[float, float, float]:
        """How far the person reaches from the axis, and their top and bottom from the root, in meters."""
        positions = self.avatar.sheets.positions
        top, bottom = float(positions[:, 1].min()), float(positions[:, 1].max())
        margin = _MARGIN * (bottom - top)
        reach = float(np.hypot(positions[:, 0], positions[:, 2]).max())
        return reach + margin, top - margin, bottom + margin

    @property
    def scale(self) -> float:
        """Pixels for a meter."""
        _, top, bottom = self._extent
        return min(self.avatar.scale, self.tallest / (bottom - top))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures, both even."""
        reach, top, bottom = self._extent
        sides = 2 * reach * self.scale, (bottom - top) * self.scale
        width, height = (max(_LEAST_SIDE, 2 * round(side / 2)) for side in sides)
        return width, height

    def picture(self, degrees: float) -> FloatArray:
        """Return the avatar turned by an angle, to the picture's right first.

        Returns
        -------
        float32 (H, W, 4)
            Colors multiplied by alpha, and alpha, in 0..255.
        """
        avatar = self.avatar
        width, height = self.size
        _, top, _ = self._extent
        turn = upright_turn(degrees)
        camera = np.array([self.scale, (width - 1) / 2, -top * self.scale], dtype=np.float32)
        transforms = avatar.transforms(turn @ avatar.rotations, avatar.joints @ turn.T)
        return avatar.render(transforms, camera, (height, width))[0]

    def turn(self, count: int) -> Iterator[FloatArray]:
        """Yield one full turn in pictures, the photo's own view first."""
        for index in range(count):
            yield self.picture(360 * index / count)


def upright_turn(degrees: float) -> FloatArray:
    """Return the rotation, float32 (3, 3), that turns who faces the camera towards the picture's right."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    # who faces the camera looks to -z
    return np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]], dtype=np.float32)
