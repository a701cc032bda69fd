"""Fits bodies to points: the pose of every frame of a clip, one shape, and a camera, by damped least squares.

Frames are solved together: a term binds each to its neighbors, so that the normal equations are block tridiagonal. A
photo is a clip of one frame; long clips of somebody whose shape is known are solved in windows (`fit_windows.py`). The
derivatives of points by turns are written out; a step costs some milliseconds a hundred frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from motionwarp.body.camera import WeakPerspective
from motionwarp.body.chain_equations import BONES, BoneTerm, ChainEquations, Term, solved_step
from motionwarp.body.fit_problem import FitSettings, FitState, FitTask, Guess, extent_of
from motionwarp.body.fit_terms import (
    coupling_of,
    guess_term,
    habit_term,
    hinge_term,
    knee_term,
    lean_term,
    point_derivatives,
    point_term,
    stride_term,
)
from motionwarp.body.fit_windows import fit_windows, joined_states
from motionwarp.body.lifter import LEAST_SCORE
from motionwarp.body.model import BodyModel, BodyShape, PosedBones
from motionwarp.body.pose_prior import PosePrior
from motionwarp.body.rig import PointRig, local_turns, world_turns
from motionwarp.body.shape_prior import RigSpace, ShapeSpace
from motionwarp.pose import skeleton as sk
from motionwarp.runtime import SingleThreadPool

__all__ = ["LEAST_POINTS", "BodyFit", "BodyFitter", "FitSettings", "Guess"]

LEAST_POINTS: Final = 4  # of a frame that anything is fitted to
_FIRST_DAMPING: Final = 1e-3
_MOST_DAMPING: Final = 1e4
# of the cost: a step that gains less is the last one, where points are still to be doubted more, and at the end
_ROUGHLY, _EXACTLY = 5e-3, 2e-3
_HALF_TURN: Final = torch.diag(torch.tensor([-1.0, 1.0, -1.0], dtype=torch.float64))


@dataclass(frozen=True, eq=False)
class BodyFit:
    """Bodies that were fitted to T frames.

    Attributes
    ----------
    coefficients : float tensor (K,)
        Of the one shape.
    turns : float tensor (T, D, 3, 3)
        Of the driven bones against the camera.
    camera : WeakPerspective
        Of each frame.
    point_error : float tensor (T,)
        Mean distance of the points, weighed by their scores, as a share of the person's size.
    cost : float
        What the fit made small, over all frames: twice the unlikelihood's logarithm, but for a constant.
    """

    coefficients: Tensor
    turns: Tensor
    camera: WeakPerspective
    point_error: Tensor
    cost: float = 0.0

    def shape(self, body: BodyModel) -> BodyShape:
        """Return the person at rest."""
        return body.shape_of(self.coefficients)

    def posed(self, body: BodyModel, frame: int, shape: BodyShape | None = None) -> PosedBones:
        """Return the bones in one frame, the root at the origin."""
        shape = self.shape(body) if shape is None else shape
        return body.pose(shape, body.expand(local_turns(self.turns[frame])))

    def vertices(self, body: BodyModel, frame: int, shape: BodyShape | None = None) -> Tensor:
        """Return the vertices of one frame in pixels, with depth in pixels, (V, 3)."""
        shape = self.shape(body) if shape is None else shape
        points = body.skin(shape, self.posed(body, frame, shape))
        return WeakPerspective(self.camera.scale[frame], self.camera.shift[frame]).project(points)


class BodyFitter:
    """Fits a body model to points.

    Parameters
    ----------
    body : BodyModel
    """

    def __init__(self, body: BodyModel) -> None:
        self._body = body
        self._space = ShapeSpace.of(body)
        self._rigs = RigSpace.of(body, self._space).to(torch.float64)
        self._prior = PosePrior.of(body)

    def fit(
        self,
        points: Tensor,
        guess: Guess | None = None,
        settings: FitSettings | None = None,
        start: BodyFit | None = None,
    ) -> BodyFit:
        """Fit one person to a clip of T frames, or a photo of one.

        Parameters
        ----------
        points : float tensor (T, 18, 3)
            x, y in pixels and scores; a score of 0 means that a point was not found.
        guess : Guess, optional
            Without it people are taken to face the camera, and turn where the points say so.
        settings : FitSettings, optional
        start : BodyFit, optional
            Whose shape is kept: of the same person in another clip.

        Returns
        -------
        BodyFit

        Raises
        ------
        ValueError
            If no frame has four points.

        Notes
        -----
        Levenberg-Marquardt on turns, scale, shift and shape together; points are weighed again in each step by a
        Geman-McClure function of their distance.
        """
        settings = FitSettings() if settings is None else settings
        found = points.double()
        seen = found[..., 2] >= LEAST_SCORE
        usable = seen.sum(dim=1) >= LEAST_POINTS
        if not bool(usable.any()):
            raise ValueError("a body is fitted to at least four points of a frame, and no frame has them")
        center, size = extent_of(found, seen, usable)
        task = FitTask.of(found, (center, size), guess, settings)
        task = replace(task, is_shape_known=start is not None)
        state = self._start(task)
        if start is not None:
            state = replace(state, z=self._place(start.coefficients))
        if task.is_shape_known and not settings.apart:
            state, costs = self._solved_in_windows(state, task)
        else:
            state, costs = self._solved(state, task)
        return replace(self._result(state, task, center, size), cost=float(costs.sum()))

    def _solved_in_windows(self, state: FitState, task: FitTask) -> tuple[FitState, Tensor]:
        """Solve a clip of somebody whose shape is known, a few windows at once; returns as `_solved`."""
        windows = fit_windows(len(state.turns))
        # of products as small as these several threads take longer than one
        with SingleThreadPool(min(torch.get_num_threads(), len(windows)), inline=False) as crew:
            answers = [
                crew.submit(self._solved, state.part(window.frames), task.part(window.frames)) for window in windows
            ]
            solved = [answer.result() for answer in answers]
        costs = torch.zeros(len(state.turns), dtype=torch.float64)
        for window, (_, parts) in zip(windows, solved, strict=True):
            costs[window.frames] += window.share * parts
        return joined_states(windows, [each for each, _ in solved]), costs

    def _solved(self, state: FitState, task: FitTask) -> tuple[FitState, Tensor]:
        """Return the state at the least cost and the costs (T,) of its frames, the shape's among them."""
        # at first nothing is an outlier: the start is far from most points
        undamped = torch.full((len(state.turns),), _FIRST_DAMPING, dtype=torch.float64)
        damping, is_clip = undamped, len(undamped) > 1 and not task.settings.apart
        costs = torch.zeros_like(undamped)
        for factor in (8, 2, 1):
            doubting = replace(task.settings, outlier=task.settings.outlier * factor)
            # a photo has nobody beside it to hold it, and takes no time
            least_gain = _ROUGHLY if is_clip and factor > 1 else _EXACTLY
            start_damping = damping if is_clip else undamped
            state, costs, damping = self._solve(state, replace(task, settings=doubting), start_damping, least_gain)
        return state, costs

    def _place(self, coefficients: Tensor) -> Tensor:
        offset = (coefficients - self._space.mean).double()
        solution: Tensor = torch.linalg.lstsq(self._space.directions.double().T, offset.unsqueeze(1)).solution
        return solution.squeeze(1)

    def _start(self, task: FitTask) -> FitState:
        count = len(task.points)
        if task.guess is not None:
            turns = task.guess.turns
        else:
            turns = world_turns(self._prior.ease).expand(count, BONES, 3, 3)
            turns = torch.where(_faces_away(task)[:, None, None, None], _HALF_TURN @ turns, turns)
        model = self._rigs.mean.points(turns)[..., :2]
        scale, shift = _align(model, task.points, task.weights)
        z = torch.zeros(len(self._space.directions), dtype=torch.float64)
        return FitState(turns, scale.log(), shift, z)

    def _solve(
        self, state: FitState, task: FitTask, damping: Tensor, least_gain: float
    ) -> tuple[FitState, Tensor, Tensor]:
        """Return the state at the least cost, the costs (T,), and the damping (T,) with which it was reached.

        Each frame has its own damping, and of a step only the frames are taken that it makes better: otherwise one
        frame that cannot follow holds back a whole clip. A shape that is looked for too belongs to all frames alike.
        """
        alone, bound = self._equations(state, task), coupling_of(state, task)
        for _ in range(task.settings.steps):
            step, shape_step = solved_step(alone, bound, damping, is_shape_known=task.is_shape_known)
            candidate = replace(state.moved(step), z=state.z + shape_step)
            tried, bound_there = self._equations(candidate, task), coupling_of(candidate, task)
            better = tried.costs + bound_there.costs < alone.costs + bound.costs
            damping = torch.where(better, damping * 0.3, damping * 8).clamp(min=1e-6)
            if task.is_shape_known and not bool(better.all()):
                candidate, tried = candidate.where(better, state), tried.where(better, alone)
                bound_there = coupling_of(candidate, task)
            before, now = alone.cost + bound.cost, tried.cost + bound_there.cost
            if now < before:
                state, alone, bound = candidate, tried, bound_there
                if before - now < least_gain * before:
                    break
            elif damping.min() > _MOST_DAMPING:
                break
        return state, alone.costs + bound.costs + alone.shape_cost / len(damping), damping

    def _equations(self, state: FitState, task: FitTask) -> ChainEquations:
        """Return the equations of what each frame, and the shape, is for itself."""
        equations = ChainEquations.empty(len(state.turns), len(state.z))
        for term in self._terms(state, task):
            term.add_to(equations)
        # what many frames that are alike say is no surer than what some say: people's spread weighs more against it
        alike = 1.0 if task.settings.apart else max(1.0, len(state.turns) / task.settings.frames_alike)
        equations.shape_block.add_(alike * torch.eye(len(state.z), dtype=torch.float64))
        equations.shape_gradient.add_(alike * state.z)
        return replace(equations, shape_cost=alike * float(state.z.square().sum()))

    def _terms(self, state: FitState, task: FitTask) -> list[Term | BoneTerm]:
        rig = self._rigs.rig(state.z)
        places = rig.places(state.turns)
        points = rig.points(state.turns, places)
        by_turns = point_derivatives(state.turns, places, rig)  # (T, 18, 3, D, 3)
        by_shape = None if task.is_shape_known else self._shape_derivatives(state.turns)
        terms: list[Term | BoneTerm] = [
            point_term(state, task, points, (by_turns, by_shape)),
            habit_term(state, task, self._prior),
            hinge_term(state, self._prior),
            knee_term(state, task, self._prior),
            lean_term(task, points, by_turns),
            stride_term(task, points, by_turns),
        ]
        if task.guess is not None:
            terms.append(guess_term(state, task.guess))
        return terms

    def _shape_derivatives(self, turns: Tensor) -> Tensor:
        rigs = self._rigs
        # the shares of bones' places are those of the skinning and the same for all shapes
        shares = rigs.mean.anchors[..., 3:].expand(*rigs.anchors.shape[:-1], 1)
        anchors = torch.cat([rigs.anchors[..., :3], shares], dim=-1)
        changes = PointRig(rigs.offsets.unsqueeze(1), anchors.unsqueeze(1))  # (Z, 1, ...)
        return changes.points(turns)[..., :2].permute(1, 2, 3, 0)

    def _result(self, state: FitState, task: FitTask, center: Tensor, size: Tensor) -> BodyFit:
        points = self._rigs.rig(state.z).points(state.turns)[..., :2]
        drawn = points * state.log_scale.exp()[:, None, None] + state.shift.unsqueeze(1)
        distance = (drawn - task.points).norm(dim=-1)
        error = (distance * task.weights).sum(dim=1) / task.weights.sum(dim=1).clamp(min=1e-9)
        camera = WeakPerspective((state.log_scale.exp() * size).float(), (state.shift * size + center).float())
        return BodyFit(self._space.coefficients(state.z.float()), state.turns.float(), camera, error.float())


def _faces_away(task: FitTask) -> Tensor:
    """Return where the left shoulder and hip lie to the left of the right ones, (T,)."""
    pairs = ((sk.LEFT_SHOULDER, sk.RIGHT_SHOULDER), (sk.LEFT_HIP, sk.RIGHT_HIP))
    seen = task.weights > 0
    vote = sum((task.points[:, a, 0] - task.points[:, b, 0]) * (seen[:, a] & seen[:, b]) for a, b in pairs)
    assert isinstance(vote, Tensor)
    return vote < 0


def _align(model: Tensor, points: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return scale (T,) and shift (T, 2) that bring points (T, 18, 2) of a model nearest to others."""
    share = (weights**2 / (weights**2).sum(dim=1, keepdim=True).clamp(min=1e-12)).unsqueeze(-1)
    mean, other = (model * share).sum(dim=1), (points * share).sum(dim=1)
    spread = ((model - mean.unsqueeze(1)).square() * share).sum(dim=(1, 2)).sqrt()
    wanted = ((points - other.unsqueeze(1)).square() * share).sum(dim=(1, 2)).sqrt()
    scale = (wanted / spread.clamp(min=1e-6)).clamp(min=1e-2)
    return scale, other - mean * scale.unsqueeze(-1)
