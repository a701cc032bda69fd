"""What is made small when a body is fitted: its points, habits, hinges, how people stand, a guess, and time.

Each term gives residuals with their derivatives by the unknowns of a frame, written out.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import torch
from torch import Tensor

from motionwarp.body.chain_equations import BONES, UNKNOWNS, BoneTerm, Coupling, Term
from motionwarp.body.fit_problem import FitState, FitTask, Guess
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.pose_prior import PosePrior
from motionwarp.body.rig import DRIVEN_PARENTS, PointRig
from motionwarp.body.rotations import cross_matrix, vector_derivative, vector_from_matrix
from motionwarp.pose import skeleton as sk

_CLEARLY_BENT: Final = 4.0  # deviations of a knee
_FAR_OFF: Final = 3.0  # deviations from a guess
_NECK_TO_ANKLES: Final = 1.25  # meters, of somebody who stands upright


@cache
def bones_below() -> Tensor:
    """Return 1 where a turn of the first bone turns the second, or is it, else 0: float64 (D, D)."""
    below = torch.eye(BONES, dtype=torch.float64)
    for bone, parent in enumerate(DRIVEN_PARENTS):
        if parent >= 0:
            below[:, bone] = torch.maximum(below[:, bone], below[:, parent])
            below[bone, bone] = 1
    return below


def point_derivatives(turns: Tensor, places: Tensor, rig: PointRig) -> Tensor:
    """Return how points move with turns about the world's axes of each bone and all below it, (T, 18, 3, D, 3)."""
    anchors = rig.anchors
    own = torch.einsum("tdab,kdb->tkda", turns, anchors[..., :3]) + anchors[..., 3, None] * places.unsqueeze(1)
    total = torch.einsum("de,tkea->tkda", bones_below(), own)
    share = torch.einsum("de,ke->kd", bones_below(), anchors[..., 3])
    arm = total - share.unsqueeze(-1) * places.unsqueeze(1)  # (T, 18, D, 3)
    return -cross_matrix(arm).transpose(2, 3)


def point_term(state: FitState, task: FitTask, points: Tensor, derivatives: tuple[Tensor, Tensor | None]) -> Term:
    """Points of the body lie where they were found; those that are far off are let go."""
    by_turns, by_shape = derivatives  # (T, 18, 3, D, 3), (T, 18, 2, Z) or None where the shape is known
    scale = state.log_scale.exp()
    flat = points[..., :2] * scale[:, None, None]
    apart = flat + state.shift.unsqueeze(1) - task.points
    weights = _robust(apart, task)
    count = len(apart)
    jacobian = torch.zeros(count, 18, 2, UNKNOWNS, dtype=torch.float64)
    jacobian[..., : 3 * BONES] = (by_turns[:, :, :2] * scale[:, None, None, None, None]).flatten(3)
    jacobian[..., 3 * BONES] = flat
    jacobian[..., 3 * BONES + 1 :] = torch.eye(2, dtype=torch.float64)
    jacobian = jacobian * weights[..., None, None]
    costs = (apart.square().sum(dim=-1) * weights * task.weights).sum(dim=1)
    if by_shape is not None:
        by_shape = (by_shape * (scale[:, None] * weights)[..., None, None]).flatten(1, 2)
    return Term((apart * weights.unsqueeze(-1)).flatten(1), jacobian.flatten(1, 2), costs, by_shape)


def _robust(apart: Tensor, task: FitTask) -> Tensor:
    """Return weights (T, 18) that let go of points that are far off, (T, 18, 2)."""
    deviations = apart.norm(dim=-1) * task.weights / task.settings.outlier
    weights: Tensor = task.weights / (1 + deviations.square())
    return weights


def habit_term(state: FitState, task: FitTask, prior: PosePrior) -> BoneTerm:
    """Bones stay near the stance at ease, each against the one above it."""
    local = state.local
    apart = vector_from_matrix(local @ prior.ease.transpose(1, 2))  # (T, D, 3)
    weak = 1.0 if task.guess is None else 0.3
    rows = prior.axes / prior.spread.unsqueeze(-1) * weak  # (D, 3, 3)
    residual = (rows @ apart.unsqueeze(-1)).squeeze(-1)
    above = state.above
    # turns are against the world: the vector against the bone above is turned back by that bone
    jacobian = rows @ vector_derivative(apart) @ above.transpose(-1, -2)  # (T, D, 3, 3)
    return BoneTerm(residual, jacobian, None, residual.square().sum(dim=(1, 2)))


def hinge_term(state: FitState, prior: PosePrior) -> Term:
    """Elbows and knees bend one way."""
    hinges = [bone for bone, least in enumerate(prior.least_bend.tolist()) if least > -torch.inf]
    bend, jacobian = _bends(state, hinges, prior)
    short = (prior.least_bend[hinges] - bend).clamp(min=0)
    weight = (short > 0).double() / 0.05
    return Term.of(short * weight, -jacobian * weight.unsqueeze(-1))


def knee_term(state: FitState, task: FitTask, prior: PosePrior) -> Term:
    """Who stands upright does so on straight legs, unless they are clearly bent."""
    knees = [bone for bone, name in enumerate(DRIVEN_BONES) if name.startswith("lowerleg01")]
    bend, jacobian = _bends(state, knees, prior)
    spread = task.settings.straight * (1.0 if task.settings.apart else min(4.0, len(bend) ** 0.5))
    deviations = bend / spread
    trust = 1 / (1 + (deviations / _CLEARLY_BENT).square())
    upright = task.upright.unsqueeze(-1)
    weight = upright.sqrt() * trust / spread
    costs = (upright * deviations.square() * trust).sum(dim=1)
    return Term(bend * weight, jacobian * weight.unsqueeze(-1), costs)


def _bends(state: FitState, hinges: list[int], prior: PosePrior) -> tuple[Tensor, Tensor]:
    """Return how far hinges are bent, (T, H), and the derivatives (T, H, U)."""
    axis = prior.axes[hinges, 0]  # (H, 3)
    vectors = vector_from_matrix(state.local[:, hinges])
    back = state.above[:, hinges].transpose(-1, -2)
    rows = (axis.unsqueeze(1) @ vector_derivative(vectors) @ back).squeeze(-2)  # (T, H, 3)
    jacobian = torch.zeros(len(rows), len(hinges), UNKNOWNS, dtype=torch.float64)
    for index, bone in enumerate(hinges):
        jacobian[:, index, 3 * bone : 3 * bone + 3] = rows[:, index]
    return (vectors * axis).sum(dim=-1), jacobian


def lean_term(task: FitTask, points: Tensor, by_turns: Tensor) -> Term:
    """People who stand upright in the picture do so in depth: neck above ankles, as the camera's pitch has it."""
    ankles = [sk.LEFT_ANKLE, sk.RIGHT_ANKLE]
    up = points[:, sk.NECK] - points[:, ankles].mean(dim=1)
    by_up = by_turns[:, sk.NECK] - by_turns[:, ankles].mean(dim=1)  # (T, 3, D, 3)
    # world's up in the camera is (0, -cos, -sin) for a camera that looks down; off it in depth:
    across = torch.stack([torch.zeros_like(task.pitch), -task.pitch.sin(), task.pitch.cos()], dim=1)  # (T, 3)
    weight = (task.upright / (task.settings.lean * _NECK_TO_ANKLES)).unsqueeze(-1)
    residual = (up * across).sum(dim=1, keepdim=True) * weight
    jacobian = torch.zeros(len(up), 1, UNKNOWNS, dtype=torch.float64)
    jacobian[:, 0, : 3 * BONES] = torch.einsum("ta,tadb->tdb", across, by_up).flatten(1) * weight
    return Term.of(residual, jacobian)


def stride_term(task: FitTask, points: Tensor, by_turns: Tensor) -> Term:
    """People who stand have their feet on one ground, and seldom far apart."""
    apart = points[:, sk.LEFT_ANKLE, 2] - points[:, sk.RIGHT_ANKLE, 2]
    weight = task.upright / task.settings.stride * (1.0 if task.guess is None else 0.3)
    jacobian = torch.zeros(len(points), 1, UNKNOWNS, dtype=torch.float64)
    jacobian[:, 0, : 3 * BONES] = (by_turns[:, sk.LEFT_ANKLE, 2] - by_turns[:, sk.RIGHT_ANKLE, 2]).flatten(1)
    return Term.of((apart * weight).unsqueeze(-1), jacobian * weight[:, None, None])


def guess_term(state: FitState, guess: Guess) -> BoneTerm:
    """Bones stay near the guess, against the camera."""
    apart = vector_from_matrix(state.turns @ guess.turns.transpose(-1, -2))  # (T, D, 3)
    weight = 1 / guess.spread.unsqueeze(-1)
    # far off it pulls by its direction only (pseudo-Huber), but never lets go as an outlying point does
    stretched = (1 + (apart.norm(dim=-1, keepdim=True) * weight / _FAR_OFF) ** 2).sqrt()
    costs = (2 * _FAR_OFF**2 * (stretched - 1)).sum(dim=(1, 2))
    weight = weight / stretched.sqrt()
    # a bone turns with itself and all above it
    return BoneTerm(weight * apart, weight.unsqueeze(-1) * vector_derivative(apart), bones_below(), costs)


def coupling_of(state: FitState, task: FitTask) -> Coupling:
    """Return what binds neighboring frames."""
    count, settings = len(state.turns), task.settings
    if count < 2 or settings.apart:
        nothing = torch.zeros(count, UNKNOWNS, dtype=torch.float64)
        return Coupling(nothing[0], nothing, nothing[:, 0])
    rates = torch.full((UNKNOWNS,), settings.turn_rate, dtype=torch.float64)
    rates[3 * BONES] = settings.scale_rate
    weights = 1 / rates**2
    weights[3 * BONES + 1 :] = 0  # where a person is, the points say
    local = state.local
    step = vector_from_matrix(local[1:] @ local[:-1].transpose(-1, -2))
    if task.guessed_steps is not None:
        step = step - task.guessed_steps
    step = (state.above[1:] @ step.unsqueeze(-1)).squeeze(-1)  # to the world's axes
    change = torch.zeros(count - 1, UNKNOWNS, dtype=torch.float64)
    change[:, : 3 * BONES] = step.flatten(1)
    change[:, 3 * BONES] = state.log_scale.diff()
    force = weights * change
    halves = (force * change).sum(dim=1) / 2  # of two frames each
    gradient, costs = torch.zeros(count, UNKNOWNS, dtype=torch.float64), torch.zeros(count, dtype=torch.float64)
    gradient[1:] += force
    gradient[:-1] -= force
    costs[1:] += halves
    costs[:-1] += halves
    return Coupling(weights, gradient, costs)
