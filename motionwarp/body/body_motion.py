"""How a body moves, whatever its shape and whoever sees it: what motion capture becomes, and what a library keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.rig import DRIVEN_MIRROR
from motionwarp.types import FloatArray

_COUNT: Final = len(DRIVEN_BONES)
_MIRROR: Final = np.array([-1.0, 1.0, 1.0], dtype=np.float32)
_MOSTLY: Final = 0.5  # length of the mean of where somebody faces, from which they mostly face there


@dataclass(frozen=True, eq=False)
class BodyMotion:
    """How a body moves, whatever its shape.

    Attributes
    ----------
    turns : float32 (T, D, 3, 3)
        Of the driven bones in the world, from the pose that all people share; y down, facing -z at identity.
    root : float32 (T, 3)
        Where the middle of the hips is, in leg lengths (hip to ankle) of the person.
    frame_rate : float
        Frames a second; the first frame is at 0 seconds.
    """

    turns: FloatArray
    root: FloatArray
    frame_rate: float

    def __post_init__(self) -> None:
        count = len(self.root)
        if self.turns.shape != (count, _COUNT, 3, 3) or self.root.shape != (count, 3) or count == 0:
            raise ValueError(f"a motion of {count} frames has turns {self.turns.shape} and places {self.root.shape}")
        if not (math.isfinite(self.frame_rate) and self.frame_rate > 0):
            raise ValueError(f"a motion needs a frame rate over 0, got {self.frame_rate}")

    def __len__(self) -> int:
        return len(self.root)

    @property
    def duration_seconds(self) -> float:
        """How long it takes, the last frame included."""
        return len(self) / self.frame_rate

    def resampled(self, frame_rate: float) -> BodyMotion:
        """Return every n-th frame, so that the rate is as near as that allows."""
        step = max(1, round(self.frame_rate / frame_rate))
        return BodyMotion(self.turns[::step], self.root[::step], self.frame_rate / step)

    def at(self, times_seconds: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the body between frames: bones turn there by the shortest way, the root goes straight.

        Parameters
        ----------
        times_seconds : (N,)
            What lies before the first or after the last frame is as they are.

        Returns
        -------
        turns : float32 (N, D, 3, 3)
        root : float32 (N, 3)
        """
        place = np.clip(np.asarray(times_seconds, dtype=np.float64) * self.frame_rate, 0, len(self) - 1)
        first = np.floor(place + 1e-6).astype(np.int64)
        share = np.clip(place - first, 0, 1)
        second = np.minimum(first + 1, len(self) - 1)
        root = self.root[first] + share[:, None].astype(np.float32) * (self.root[second] - self.root[first])
        turns = self.turns[first].copy()
        between = np.flatnonzero(share > 1e-6)
        if len(between):
            before, after = self.turns[first[between]], self.turns[second[between]]
            step = Rotation.from_matrix((before.transpose(0, 1, 3, 2) @ after).reshape(-1, 3, 3)).as_rotvec()
            part = np.repeat(share[between], _COUNT)[:, None] * step
            turns[between] = before @ Rotation.from_rotvec(part).as_matrix().reshape(before.shape).astype(np.float32)
        return turns, root.astype(np.float32)

    def section(self, start_seconds: float, end_seconds: float) -> BodyMotion:
        """Return the frames from one time on and before another one, at least the first of them.

        Raises
        ------
        ValueError
            If the motion is over by the start.
        """
        first = math.ceil(start_seconds * self.frame_rate - 1e-6)
        last = math.ceil(min(end_seconds, self.duration_seconds) * self.frame_rate - 1e-6)
        if first >= len(self):
            raise ValueError(f"a motion of {self.duration_seconds:g} seconds has nothing from {start_seconds:g} on")
        chosen = slice(first, max(last, first + 1))
        return replace(self, turns=self.turns[chosen], root=self.root[chosen])

    def mirrored(self) -> BodyMotion:
        """Return the motion as a mirror shows it: left hands move as right hands did."""
        turns = (_MIRROR[:, None] * self.turns * _MIRROR)[:, list(DRIVEN_MIRROR)]
        return replace(self, turns=np.ascontiguousarray(turns), root=self.root * _MIRROR)

    def retimed(self, speed: float) -> BodyMotion:
        """Return the motion at another speed: `speed` 2 makes it half as long.

        Raises
        ------
        ValueError
            If the speed is not over 0.
        """
        if not speed > 0:
            raise ValueError(f"a motion needs a speed over 0, got {speed}")
        return replace(self, frame_rate=self.frame_rate * speed)

    def facing(self) -> npt.NDArray[np.float64]:
        """Return where the hips face in every frame, degrees (T,): 0 is -z, 90 is x."""
        forward = -self.turns[:, 0, :, 2].astype(np.float64)
        return np.rad2deg(np.arctan2(forward[:, 0], -forward[:, 2]))

    def faced(self) -> BodyMotion:
        """Return the motion turned about the upright axis, so that 0 degrees is its front.

        The front is where the person mostly faces; where they face all sides, where they face at first.
        """
        radians = np.deg2rad(self.facing())
        mean = np.exp(1j * radians).mean()
        front = float(np.angle(mean)) if abs(mean) > _MOSTLY else float(radians[0])
        return self.turned(-math.degrees(front))

    def turned(self, degrees: float) -> BodyMotion:
        """Return the motion turned about the upright axis: who faces -z then faces x after 90 degrees."""
        turn = upright_turns(np.array([degrees]))[0]
        return replace(self, turns=turn @ self.turns, root=self.root @ turn.T)


def upright_turns(degrees: npt.ArrayLike) -> FloatArray:
    """Return the rotations, float32 (T, 3, 3), that turn who faces the camera towards the picture's right."""
    radians = np.deg2rad(np.asarray(degrees, dtype=np.float64))
    turns = np.zeros((len(radians), 3, 3))
    turns[:, 0, 0] = turns[:, 2, 2] = np.cos(radians)
    turns[:, 2, 0], turns[:, 0, 2] = np.sin(radians), -np.sin(radians)
    turns[:, 1, 1] = 1
    return turns.astype(np.float32)
