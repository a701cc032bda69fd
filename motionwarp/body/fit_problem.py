"""What a body is fitted to, and how its pose is written while it is fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import torch
from torch import Tensor

from motionwarp.body.chain_equations import BONES
from motionwarp.body.lifter import LEAST_SCORE
from motionwarp.body.rig import DRIVEN_PARENTS, local_turns, world_turns
from motionwarp.body.rotations import matrix_from_6d, matrix_from_vector, sixd_from_matrix, vector_from_matrix
from motionwarp.pose import skeleton as sk

_LEVEL: Final = 0.5  # photos, or frames, by which cameras are expected to be level
_LONGEST_TURN: Final = 0.6  # radians, in one step
_LARGEST_SCALING: Final = 0.5  # of the logarithm, in one step

# how exactly estimators find points, against the nose
_SPREAD: Final = {
    sk.RIGHT_HIP: 2.0,
    sk.LEFT_HIP: 2.0,
    sk.RIGHT_EAR: 1.5,
    sk.LEFT_EAR: 1.5,
    sk.RIGHT_WRIST: 1.2,
    sk.LEFT_WRIST: 1.2,
}


@dataclass(frozen=True)
class FitSettings:
    """How points, habits and time are weighed.

    Attributes
    ----------
    steps : int
        At most.
    point_spread : float
        Standard deviation of a surely found point, as a share of the person's size in the picture.
    doubt : float
        How many times more of it a point of a photo has whose score is 0 instead of 1. In clips, whose frames tell more
        of each other, scores are weights alone: legs that are raised quickly have low ones, and are right.
    outlier : float
        From how many deviations on a point is doubted.
    turn_rate : float
        Standard deviation of how much a bone turns from frame to frame, radians, beyond what the guess says.
    scale_rate : float
        The same of the scale's logarithm.
    lean : float
        Standard deviation of the sine of how far an upright person leans toward or away from the camera.
    stride : float
        Standard deviation of how far an upright person's ankles are apart in depth, in meters.
    camera_pitch : float or None
        Radians by which the camera looks down; by default told from how upright people are turned in the guess, and 0
        without one.
    straight : float
        Standard deviation in radians of how far upright people in photos bend their knees; far beyond it knees are
        taken to be bent. In clips, whose motion tells more, it is up to four times as large.
    frames_alike : float
        How many neighboring frames of a clip say the same of a shape.
    apart : bool
        Whether the frames are photos, each of a moment and a camera of its own, which only share the shape.
    """

    steps: int = 12
    point_spread: float = 0.006
    doubt: float = 20.0
    outlier: float = 4.0
    turn_rate: float = 0.15
    scale_rate: float = 0.02
    lean: float = 0.03
    stride: float = 0.12
    camera_pitch: float | None = None
    straight: float = 0.1
    frames_alike: float = 8.0
    apart: bool = False


@dataclass(frozen=True, eq=False)
class Guess:
    """What is known of a pose beforehand, from the lifter.

    Attributes
    ----------
    turns : float tensor (T, D, 3, 3)
        Against the camera.
    spread : float tensor (T, D)
        Radians.
    """

    turns: Tensor
    spread: Tensor


@dataclass(frozen=True, eq=False)
class FitState:
    """Poses of T frames and a shape, in units of the person's size; double precision."""

    turns: Tensor  # (T, D, 3, 3), in the world
    log_scale: Tensor  # (T,), sizes for a meter
    shift: Tensor  # (T, 2), sizes
    z: Tensor  # (Z,)

    @cached_property
    def local(self) -> Tensor:
        """Turns against the bones above, (T, D, 3, 3)."""
        return local_turns(self.turns)

    @cached_property
    def above(self) -> Tensor:
        """Turns of the bones above, (T, D, 3, 3); of the root identity."""
        above = self.turns[:, [max(parent, 0) for parent in DRIVEN_PARENTS]]
        above[:, 0] = torch.eye(3, dtype=above.dtype)
        return above

    def part(self, frames: slice) -> FitState:
        """Return some frames."""
        return replace(self, turns=self.turns[frames], log_scale=self.log_scale[frames], shift=self.shift[frames])

    def where(self, taken: Tensor, other: FitState) -> FitState:
        """Return this state in some frames (T,) and another one in the rest; the shape is this one's."""
        return FitState(
            torch.where(taken[:, None, None, None], self.turns, other.turns),
            torch.where(taken, self.log_scale, other.log_scale),
            torch.where(taken[:, None], self.shift, other.shift),
            self.z,
        )

    def moved(self, step: Tensor) -> FitState:
        """Turn each bone, and all below it, about the world's axes; later bones after earlier ones."""
        vectors = step[:, : 3 * BONES].unflatten(1, (BONES, 3))
        size = vectors.norm(dim=-1, keepdim=True)
        own = matrix_from_vector(vectors * (_LONGEST_TURN / size.clamp(min=_LONGEST_TURN)))
        turned = self.above.transpose(-1, -2) @ own @ self.above @ self.local
        # transposes stand for inverses, by which rounding would grow from step to step
        turned = matrix_from_6d(sixd_from_matrix(turned))
        return replace(
            self,
            turns=world_turns(turned),
            log_scale=self.log_scale + step[:, 3 * BONES].clamp(-_LARGEST_SCALING, _LARGEST_SCALING),
            shift=self.shift + step[:, 3 * BONES + 1 :],
        )


@dataclass(frozen=True, eq=False)
class FitTask:
    """What is fitted to, in units of the person's size; double precision."""

    points: Tensor  # (T, 18, 2)
    weights: Tensor  # (T, 18), inverse deviations
    guess: Guess | None
    settings: FitSettings
    upright: Tensor  # (T,)
    pitch: Tensor  # (T,)
    is_shape_known: bool = False

    def part(self, frames: slice) -> FitTask:
        """Return the same for some frames."""
        guess = None if self.guess is None else Guess(self.guess.turns[frames], self.guess.spread[frames])
        return replace(
            self,
            points=self.points[frames],
            weights=self.weights[frames],
            guess=guess,
            upright=self.upright[frames],
            pitch=self.pitch[frames],
        )

    @cached_property
    def guessed_steps(self) -> Tensor | None:
        """By how much bones turn against those above them from frame to frame, (T - 1, D, 3), as guessed."""
        if self.guess is None:
            return None
        expected = local_turns(self.guess.turns)
        return vector_from_matrix(expected[1:] @ expected[:-1].transpose(-1, -2))

    @classmethod
    def of(cls, found: Tensor, extent: tuple[Tensor, Tensor], guess: Guess | None, settings: FitSettings) -> FitTask:
        """Return the task of fitting points.

        Parameters
        ----------
        found : float64 tensor (T, 18, 3)
            x, y in pixels and scores.
        extent : tensors (2,) and ()
            The person's place and size; see `extent_of`.
        guess : Guess or None
        settings : FitSettings
        """
        center, size = extent
        seen = found[..., 2] >= LEAST_SCORE
        spread = torch.tensor([_SPREAD.get(index, 1.0) for index in range(18)], dtype=torch.float64)
        scores = found[..., 2].clamp(0, 1)
        # measured on the analyzer: scores of 0.97, 0.9, 0.8 and 0.5 go with errors as 1, 2, 3 and more than 5
        doubt = settings.doubt if settings.apart or len(found) == 1 else 0.0
        weights = scores * seen / (settings.point_spread * spread * (1 + doubt * (1 - scores)))
        points = (found[..., :2] - center) / size
        points = torch.where(seen.unsqueeze(-1), points, 0.0)
        if guess is not None:
            turns = matrix_from_6d(sixd_from_matrix(guess.turns.double()))  # exactly, for double precision
            guess = Guess(turns, guess.spread.double())
        upright = _uprightness(points, seen)
        return cls(points, weights, guess, settings, upright, _pitch(guess, upright, settings))


def extent_of(found: Tensor, seen: Tensor, usable: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean place (2,) of the points, and the person's size: the median diagonal of their boxes."""
    positions = found[..., :2]
    center = positions[seen].mean(dim=0)
    far = torch.finfo(found.dtype).max
    low = torch.where(seen[..., None], positions, far).amin(dim=1)[usable]
    high = torch.where(seen[..., None], positions, -far).amax(dim=1)[usable]
    return center, (high - low).norm(dim=1).median().clamp(min=1e-3)


def _uprightness(points: Tensor, seen: Tensor) -> Tensor:
    """Return how surely people stand upright in the picture, (T,), from neck and ankles; 0 where those are not seen."""
    ankles = seen[:, [sk.LEFT_ANKLE, sk.RIGHT_ANKLE]].double()
    foot = (points[:, [sk.LEFT_ANKLE, sk.RIGHT_ANKLE]] * ankles.unsqueeze(-1)).sum(dim=1)
    foot = foot / ankles.sum(dim=1, keepdim=True).clamp(min=1)
    up = points[:, sk.NECK] - foot
    cosine = -up[:, 1] / up.norm(dim=1).clamp(min=1e-6)
    sure = ((cosine - 0.85) / 0.1).clamp(0, 1)
    upright: Tensor = sure * (ankles.sum(dim=1) > 0) * seen[:, sk.NECK]
    return upright


def _pitch(guess: Guess | None, upright: Tensor, settings: FitSettings) -> Tensor:
    """Return by how much the camera looks down, (T,), if people who stand upright in the picture are so on average.

    Shrunk toward a level camera, a photo's by a third, a clip's hardly. Photos have a camera each.
    """
    if settings.camera_pitch is not None or guess is None:
        return torch.full_like(upright, settings.camera_pitch or 0.0)
    up = -guess.turns[:, 0, :, 1]
    pitches = torch.atan2(-up[:, 2], -up[:, 1]).clamp(-0.6, 0.6)
    if settings.apart:
        return pitches * upright / (upright + _LEVEL)
    count = min(float(upright.sum()), 30.0)
    mean = float((pitches * upright).sum() / upright.sum().clamp(min=1e-6))
    return torch.full_like(upright, mean * count / (count + _LEVEL))
