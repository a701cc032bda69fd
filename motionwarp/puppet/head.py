"""How far a head is turned about its own axis, told from the points of the face, and where its points would lie then.

A face that turns to the side moves out of the middle of the head, by a turn out of the picture: fitted by a turn within
it, the head would tilt. So the source's points get the depth that an average head has there, and the turn is the one
after which they fit the target's best, at a size that the body allows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from motionwarp.pose import skeleton
from motionwarp.puppet.joints import Joints

TURN_LENGTH: Final = 2  # cosine and sine
HEAD_POINTS: Final = (*skeleton.HEAD_POINTS, skeleton.NECK)
# x to the person's left, y down, z towards the viewer, in half the distance of the ears, from the middle between them;
# an average adult
_TEMPLATE: Final = {
    skeleton.NOSE: (0.0, 0.25, 1.45),
    skeleton.RIGHT_EYE: (-0.45, -0.25, 1.1),
    skeleton.LEFT_EYE: (0.45, -0.25, 1.1),
    skeleton.RIGHT_EAR: (-1.0, 0.0, 0.0),
    skeleton.LEFT_EAR: (1.0, 0.0, 0.0),
    skeleton.NECK: (0.0, 2.6, -0.3),
}
_HALF_EARS: Final = (0.11, 0.2)  # half the distance of the ears, in torsos: least and most
_SIZE: Final = (0.9, 1.15)  # of a target's head, in those of the source's times the torso's
_STEP: Final = 5  # degrees between the turns that are tried
_SOURCE_TURNS: Final = 75  # degrees: whose face is seen is not turned farther
_LARGEST_TURN: Final = 110  # of somebody not seen from behind
_LEAST_BACK: Final = 100  # of somebody seen from behind
_LEAST_POINTS: Final = 3
_PRIOR: Final = (
    0.02  # how much larger the squared error may be, in half the distance of the ears, for a quarter turn less
)
# turns of less than the first angle are none: points are not that exact; those of more than the second are whole
_NO_TURN, _WHOLE_TURN = math.radians(12), math.radians(28)
# whose face is turned by less than the first angle in the source can be turned at will; of who shows a side only, by
# more than the second, the other half of the face is not known
_FRONTAL, _PROFILE = math.radians(25), math.radians(50)


@dataclass(frozen=True, eq=False)
class HeadDepth:
    """The source's head in depth.

    Attributes
    ----------
    offsets : float32 tensor (6, 2)
        Offsets of `HEAD_POINTS` from the head's axis along the picture's x and y, for no turn.
    depth : float32 tensor (6,)
        Towards the viewer, in pixels of the source.
    across : float32 tensor (2,)
        Unit vector from the right side of the head to its left.
    axis : float32 tensor (2,)
        A point of the axis, in pixels of the source.
    half_ears : float
        Pixels of the source.
    own_turn : float
        Radians by which it is turned towards its left.
    """

    offsets: Tensor
    depth: Tensor
    across: Tensor
    axis: Tensor
    half_ears: float
    own_turn: float

    def turned(self, turn: Tensor) -> Tensor:
        """Return the points (..., 6, 2) in pixels of the source, after turns (..., 2) of cosine and sine.

        Positive ones to the left.
        """
        cosine, sine = turn[..., 0, None], turn[..., 1, None]
        beside = self.offsets @ self.across  # (6,)
        shift = beside * (cosine - 1) + self.depth * sine  # (..., 6)
        return self.axis + self.offsets + shift[..., None] * self.across


def head_depth(source: Joints) -> HeadDepth | None:
    """Return the source's head in depth; None if too few of its points are seen.

    Parameters
    ----------
    source : Joints
        Points of one pose, B = 1.
    """
    visible = source.visible[:, list(HEAD_POINTS)]
    if int(visible[0, :-1].sum()) < _LEAST_POINTS:
        return None
    points = source.xy[:, list(HEAD_POINTS)]
    template = torch.tensor([_TEMPLATE[point] for point in HEAD_POINTS])  # (6, 3)
    turns = _turns(-_SOURCE_TURNS, _SOURCE_TURNS)  # (C, 2)
    model = _about_the_axis(template, turns)  # (C, 6, 3)
    low, high = _limits(source.torso, _HALF_EARS)
    # no head is smaller than it looks: a drawn figure's is larger than any adult's
    limits = low, torch.maximum(high, source.half_ears()[:, None])
    fit = _Fit.of(model[..., :2], points, _weights(visible), limits)
    best = int(fit.error[0].argmin())
    scale, angle = float(fit.scale[0, best]), float(fit.angle[0, best])
    across = torch.tensor([math.cos(angle), math.sin(angle)])
    axis = fit.origin[0, best]
    own_turn = math.atan2(float(turns[best, 1]), float(turns[best, 0]))
    return HeadDepth(points[0] - axis, scale * model[best, :, 2], across, axis, scale, own_turn)


@dataclass(frozen=True, eq=False)
class HeadTurns:
    """How far the heads of B poses are turned about their axes against the source's, as cosine and sine.

    Attributes
    ----------
    placed : float32 tensor (B, 2)
        By which the head's points move.
    shown : float32 tensor (B, 2)
        By which what is seen of the head moves: less where the source shows a side of it only.
    """

    placed: Tensor
    shown: Tensor


def head_turns(head: HeadDepth | None, source: Joints, target: Joints) -> HeadTurns:
    """Return how far the heads of poses are turned; small turns are none.

    Parameters
    ----------
    head : HeadDepth or None
        Depths of the source's head. None turns nobody but who is seen from behind.
    source : Joints
        Points of one pose, B = 1.
    target : Joints
        Points of B poses.

    Returns
    -------
    HeadTurns
    """
    behind = target.turned_away(source)
    angle, known = torch.where(behind, math.pi, 0.0), torch.ones(1)
    visible = target.visible[:, list(HEAD_POINTS)] & source.visible[:, list(HEAD_POINTS)]
    visible[:, -1] = True
    if head is not None:
        degrees = torch.arange(-180, 180, _STEP)
        turns = _turns(-180, 180 - _STEP)
        scale = target.torso / source.torso  # (B,)
        limits = _limits(scale, _SIZE)
        points = target.xy[:, list(HEAD_POINTS)]
        error = (
            _Fit.of(head.turned(turns), points, _weights(visible), limits).error
            / (scale * head.half_ears).square()[:, None]
        )
        error = error + _PRIOR * (1 - turns[:, 0])
        allowed = torch.where(behind[:, None], degrees.abs() >= _LEAST_BACK, degrees.abs() <= _LARGEST_TURN)
        found = _least(torch.where(allowed, error, torch.inf), degrees)
        known = 1 - _rising(torch.tensor(abs(head.own_turn)), _FRONTAL, _PROFILE)
        angle = torch.where(visible[:, :-1].sum(dim=1) >= _LEAST_POINTS, found, angle)
    angle = angle * _rising(angle.abs(), _NO_TURN, _WHOLE_TURN)
    shown = torch.where(behind, angle, angle * known)
    return HeadTurns(*(torch.stack([each.cos(), each.sin()], dim=1) for each in (angle, shown)))


@dataclass(frozen=True, eq=False)
class _Fit:
    """Similarities of limited scale from C sets of points to B others, by least squares.

    Attributes
    ----------
    scale, angle, error : float32 tensors (B, C)
        The error is the weighted mean of squared distances.
    origin : float32 tensor (B, C, 2)
        Where the origin goes.
    """

    scale: Tensor
    angle: Tensor
    error: Tensor
    origin: Tensor

    @classmethod
    def of(cls, models: Tensor, points: Tensor, weights: Tensor, limits: tuple[Tensor, Tensor]) -> _Fit:
        """Fit (C, N, 2) to (B, N, 2) with weights (B, N), at scales from (B, 1) to (B, 1)."""
        shares = (weights / weights.sum(dim=1, keepdim=True))[:, None, :, None]  # (B, 1, N, 1)
        mean, other_mean = ((shares * each).sum(dim=2) for each in (models, points[:, None]))  # (B, C, 2), (B, 1, 2)
        arms, other_arms = (
            models - mean[:, :, None],
            points[:, None] - other_mean[:, :, None],
        )  # (B, C, N, 2), (B, 1, N, 2)
        spread, other_spread = ((shares * each.square()).sum(dim=(2, 3)) for each in (arms, other_arms))
        along = (shares * arms * other_arms).sum(dim=(2, 3))
        cross = arms[..., 0] * other_arms[..., 1] - arms[..., 1] * other_arms[..., 0]
        across = (shares[..., 0] * cross).sum(dim=2)
        together, angle = torch.hypot(along, across), torch.atan2(across, along)
        low, high = limits
        scale = (together / spread.clamp_min(1e-6)).clamp(low, high)
        error = other_spread - 2 * scale * together + scale.square() * spread
        cosine, sine = scale * angle.cos(), scale * angle.sin()
        x, y = mean.unbind(-1)
        origin = other_mean - torch.stack([cosine * x - sine * y, sine * x + cosine * y], dim=-1)
        return cls(scale, angle, error.clamp_min(0), origin)


def _rising(value: Tensor, low: float, high: float) -> Tensor:
    """Return 0 up to the lower limit and 1 from the higher one on, smoothly."""
    share = ((value - low) / (high - low)).clamp(0, 1)
    return share * share * (3 - 2 * share)


def _turns(first: int, last: int) -> Tensor:
    """Return cosines and sines of turns in steps from one number of degrees to another, (C, 2)."""
    angles = torch.deg2rad(torch.arange(first, last + 1, _STEP, dtype=torch.float32))
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def _about_the_axis(points: Tensor, turns: Tensor) -> Tensor:
    """Return points (N, 3) after turns (C, 2), (C, N, 3)."""
    cosine, sine = turns[:, 0, None], turns[:, 1, None]
    x, y, z = points.unbind(-1)
    return torch.stack([x * cosine + z * sine, y.expand(len(turns), -1), z * cosine - x * sine], dim=-1)


def _limits(of: Tensor, shares: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Return the least and the most of lengths (B,), (B, 1) each."""
    low, high = shares
    return low * of[:, None], high * of[:, None]


def _weights(visible: Tensor) -> Tensor:
    """Return weights of the head's points: the neck is far off, and only tells which way is up."""
    weights = visible.float()
    weights[:, -1] *= 0.3
    return weights


def _least(errors: Tensor, degrees: Tensor) -> Tensor:
    """Return the angle in radians of each row's least error, (B,), refined by a parabola through its neighbors."""
    best = errors.argmin(dim=1, keepdim=True)
    count = errors.shape[1]
    before, at, after = (errors.gather(1, (best + step) % count)[:, 0] for step in (-1, 0, 1))
    bend = before - 2 * at + after
    between = torch.where(bend.isfinite() & (bend > 1e-9), 0.5 * (before - after) / bend.clamp_min(1e-9), 0.0).clamp(
        -0.5, 0.5
    )
    return torch.deg2rad(degrees.float()[best[:, 0]] + _STEP * between)
