"""Fits bodies to points: the pose of every frame of a clip, one shape, and a camera, by damped least squares.

All frames are solved together: a term binds each to its neighbors, so that the normal equations are block tridiagonal.
A photo is a clip of one frame. The derivatives of points by turns are written out; a step costs some milliseconds a
hundred frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import torch
from torch import Tensor

from motionwarp.body.camera import WeakPerspective
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.lifter import LEAST_SCORE
from motionwarp.body.model import BodyModel, BodyShape, PosedBones
from motionwarp.body.pose_prior import PosePrior
from motionwarp.body.rig import DRIVEN_PARENTS, PointRig, local_turns, world_turns
from motionwarp.body.rotations import (
    cross_matrix,
    matrix_from_6d,
    matrix_from_vector,
    sixd_from_matrix,
    vector_derivative,
    vector_from_matrix,
)
from motionwarp.body.shape_prior import RigSpace, ShapeSpace
from motionwarp.pose import skeleton as sk

__all__ = ["BodyFit", "BodyFitter", "FitSettings", "Guess"]

_BONES: Final = len(DRIVEN_BONES)
LEAST_POINTS: Final = 4  # of a frame that anything is fitted to
_CLEARLY_BENT: Final = 4.0  # deviations of a knee
_FAR_OFF: Final = 3.0  # deviations from a guess
_NECK_TO_ANKLES: Final = 1.25  # meters, of somebody who stands upright
_LEVEL: Final = 0.5  # photos, or frames, by which cameras are expected to be level
_UNKNOWNS: Final = 3 * _BONES + 3  # turns, logarithm of the scale, shift

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


@dataclass(frozen=True, eq=False)
class _State:
    turns: Tensor  # (T, D, 3, 3), in the world
    log_scale: Tensor  # (T,), sizes for a meter
    shift: Tensor  # (T, 2), sizes
    z: Tensor  # (Z,)


@dataclass(frozen=True, eq=False)
class _Equations:
    """Normal equations of a sum of squares; filled in place, term by term.

    Attributes
    ----------
    blocks : float tensor (T, U, U)
    gradient : float tensor (T, U)
    beside : float tensor (T, U, Z)
        Of the frames' unknowns with the shape's.
    shape_block : float tensor (Z, Z)
    shape_gradient : float tensor (Z,)
    """

    blocks: Tensor
    gradient: Tensor
    beside: Tensor
    shape_block: Tensor
    shape_gradient: Tensor

    @classmethod
    def empty(cls, count: int, dimensions: int) -> _Equations:
        """Return equations of nothing."""
        sizes = (
            (count, _UNKNOWNS, _UNKNOWNS),
            (count, _UNKNOWNS),
            (count, _UNKNOWNS, dimensions),
            (dimensions, dimensions),
            (dimensions,),
        )
        return cls(*(torch.zeros(size, dtype=torch.float64) for size in sizes))


@dataclass(frozen=True, eq=False)
class _Term:
    """A part of what is made small.

    Attributes
    ----------
    residual : float tensor (T, R)
    jacobian : float tensor (T, R, U)
    cost : float tensor ()
        Whose gradient is twice the Jacobian's transpose times the residual; not the sum of squares where outliers are
        doubted.
    by_shape : float tensor (T, R, Z) or None
        Derivatives by the place in the space of shapes.
    """

    residual: Tensor
    jacobian: Tensor
    cost: Tensor
    by_shape: Tensor | None = None

    @classmethod
    def of(cls, residual: Tensor, jacobian: Tensor) -> _Term:
        """Return a plain term of squares."""
        return cls(residual, jacobian, residual.square().sum())

    def add_to(self, equations: _Equations) -> None:
        """Add to the normal equations."""
        turned = self.jacobian.transpose(1, 2)
        equations.blocks.add_(turned @ self.jacobian)
        equations.gradient.add_((turned @ self.residual.unsqueeze(-1)).squeeze(-1))
        if self.by_shape is not None:
            flat = self.by_shape.flatten(0, 1)
            equations.beside.add_(turned @ self.by_shape)
            equations.shape_block.add_(flat.T @ flat)
            equations.shape_gradient.add_(flat.T @ self.residual.flatten())


@dataclass(frozen=True, eq=False)
class _BoneTerm:
    """Residuals of single bones, three each: their equations are filled in bone by bone.

    Attributes
    ----------
    residual : float tensor (T, D, 3)
    jacobian : float tensor (T, D, 3, 3)
        By a turn of the bone about the world's axes.
    moved_by : float tensor (D, D) or None
        1 where a turn of the first bone turns the second; None where each bone's residual is its own turn's alone.
    cost : float tensor ()
        As in `_Term`.
    """

    residual: Tensor
    jacobian: Tensor
    moved_by: Tensor | None
    cost: Tensor

    def add_to(self, equations: _Equations) -> None:
        """Add to the normal equations."""
        turned = self.jacobian.transpose(-1, -2)
        squares = (turned @ self.jacobian).flatten(2)  # (T, D, 9)
        forces = (turned @ self.residual.unsqueeze(-1)).squeeze(-1)
        if self.moved_by is None:
            equations.gradient[:, : 3 * _BONES] += forces.flatten(1)
            blocks = squares.unflatten(2, (3, 3))
            for bone in range(_BONES):
                own = slice(3 * bone, 3 * bone + 3)
                equations.blocks[:, own, own] += blocks[:, bone]
            return
        pairs = (self.moved_by.unsqueeze(1) * self.moved_by).flatten(0, 1)  # (D * D, D): both turn the third
        both = (pairs @ squares).unflatten(1, (_BONES, _BONES)).unflatten(3, (3, 3))  # (T, D, D, 3, 3)
        equations.blocks[:, : 3 * _BONES, : 3 * _BONES] += both.permute(0, 1, 3, 2, 4).flatten(3).flatten(1, 2)
        equations.gradient[:, : 3 * _BONES] += (self.moved_by @ forces).flatten(1)


@dataclass(frozen=True, eq=False)
class _Task:
    """What is fitted to, in units of the person's size; double precision."""

    points: Tensor  # (T, 18, 2)
    weights: Tensor  # (T, 18), inverse deviations
    guess: Guess | None
    settings: FitSettings
    upright: Tensor  # (T,)
    pitch: Tensor  # (T,)
    is_shape_known: bool = False


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

    @cached_property
    def _below(self) -> Tensor:
        """Whether a bone is moved by another, or is it: (D moved by, D)."""
        below = torch.eye(_BONES, dtype=torch.float64)
        for bone, parent in enumerate(DRIVEN_PARENTS):
            if parent >= 0:
                below[:, bone] = torch.maximum(below[:, bone], below[:, parent])
                below[bone, bone] = 1
        return below

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
        center, size = _extent(found, seen, usable)
        task = replace(self._task(found, seen, center, size, guess, settings), is_shape_known=start is not None)
        state = self._start(task)
        if start is not None:
            state = replace(state, z=self._place(start.coefficients))
        # at first nothing is an outlier: the start is far from most points
        cost = torch.zeros(())
        for factor in (8, 2, 1):
            doubting = replace(settings, outlier=settings.outlier * factor)
            state, cost = self._solve(state, replace(task, settings=doubting))
        return replace(self._result(state, task, center, size), cost=float(cost))

    def _place(self, coefficients: Tensor) -> Tensor:
        offset = (coefficients - self._space.mean).double()
        solution: Tensor = torch.linalg.lstsq(self._space.directions.double().T, offset.unsqueeze(1)).solution
        return solution.squeeze(1)

    def _task(
        self, found: Tensor, seen: Tensor, center: Tensor, size: Tensor, guess: Guess | None, settings: FitSettings
    ) -> _Task:
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
        return _Task(points, weights, guess, settings, upright, _pitch(guess, upright, settings))

    def _start(self, task: _Task) -> _State:
        count = len(task.points)
        if task.guess is not None:
            turns = task.guess.turns
        else:
            turns = world_turns(self._prior.ease).expand(count, _BONES, 3, 3)
            turns = torch.where(_faces_away(task)[:, None, None, None], _HALF_TURN @ turns, turns)
        model = self._rigs.mean.points(turns)[..., :2]
        scale, shift = _align(model, task.points, task.weights)
        z = torch.zeros(len(self._space.directions), dtype=torch.float64)
        return _State(turns, scale.log(), shift, z)

    def _solve(self, state: _State, task: _Task) -> tuple[_State, Tensor]:
        damping = 1e-3
        equations, cost = self._normal_equations(state, task)
        for _ in range(task.settings.steps):
            step, shape_step = _solved(equations, self._coupling(task), damping, is_shape_known=task.is_shape_known)
            candidate = _moved(state, step, self._below)
            candidate = replace(candidate, z=state.z + shape_step)
            new_equations, new_cost = self._normal_equations(candidate, task)
            if new_cost < cost:
                gained = float((cost - new_cost) / cost)
                state, equations, cost = candidate, new_equations, new_cost
                damping = max(damping * 0.3, 1e-6)
                if gained < 2e-3:
                    break
            else:
                damping *= 8
                if damping > 1e4:
                    break
        return state, cost

    def _normal_equations(self, state: _State, task: _Task) -> tuple[_Equations, Tensor]:
        """Return the equations of the sum of squares, and the sum."""
        equations = _Equations.empty(len(state.turns), len(state.z))
        cost = torch.zeros((), dtype=torch.float64)
        for term in self._terms(state, task):
            term.add_to(equations)
            cost = cost + term.cost
        # what many frames that are alike say is no surer than what some say: people's spread weighs more against it
        alike = 1.0 if task.settings.apart else max(1.0, len(state.turns) / task.settings.frames_alike)
        equations.shape_block.add_(alike * torch.eye(len(state.z), dtype=torch.float64))
        equations.shape_gradient.add_(alike * state.z)
        cost = cost + alike * state.z.square().sum()
        return equations, cost + self._add_coupling(state, task, equations.blocks, equations.gradient)

    def _terms(self, state: _State, task: _Task) -> list[_Term | _BoneTerm]:
        rig = self._rigs.rig(state.z)
        places = rig.places(state.turns)
        points = rig.points(state.turns, places)
        by_turns = self._point_derivatives(state.turns, places, rig)  # (T, 18, 3, D, 3)
        by_shape = None if task.is_shape_known else self._shape_derivatives(state.turns)
        terms: list[_Term | _BoneTerm] = [
            _point_term(state, task, points, (by_turns, by_shape)),
            self._habit_term(state, task),
            self._hinge_term(state),
            self._knee_term(state, task),
            _lean_term(task, points, by_turns),
            _stride_term(task, points, by_turns),
        ]
        if task.guess is not None:
            terms.append(self._guess_term(state, task.guess))
        return terms

    def _point_derivatives(self, turns: Tensor, places: Tensor, rig: PointRig) -> Tensor:
        """Return how points move with turns about the world's axes of each bone and all below it, (T, 18, 3, D, 3)."""
        anchors = rig.anchors
        own = torch.einsum("tdab,kdb->tkda", turns, anchors[..., :3]) + anchors[..., 3, None] * places.unsqueeze(1)
        total = torch.einsum("de,tkea->tkda", self._below, own)
        share = torch.einsum("de,ke->kd", self._below, anchors[..., 3])
        arm = total - share.unsqueeze(-1) * places.unsqueeze(1)  # (T, 18, D, 3)
        return -cross_matrix(arm).transpose(2, 3)

    def _habit_term(self, state: _State, task: _Task) -> _BoneTerm:
        """Bones stay near the stance at ease, each against the one above it."""
        prior = self._prior
        local = local_turns(state.turns)
        apart = vector_from_matrix(local @ prior.ease.transpose(1, 2))  # (T, D, 3)
        weak = 1.0 if task.guess is None else 0.3
        rows = prior.axes / prior.spread.unsqueeze(-1) * weak  # (D, 3, 3)
        residual = (rows @ apart.unsqueeze(-1)).squeeze(-1)
        above = _above(state.turns)
        # turns are against the world: the vector against the bone above is turned back by that bone
        jacobian = rows @ vector_derivative(apart) @ above.transpose(-1, -2)  # (T, D, 3, 3)
        return _BoneTerm(residual, jacobian, None, residual.square().sum())

    def _hinge_term(self, state: _State) -> _Term:
        """Elbows and knees bend one way."""
        prior = self._prior
        hinges = [bone for bone, least in enumerate(prior.least_bend.tolist()) if least > -torch.inf]
        bend, jacobian = self._bends(state, hinges)
        short = (prior.least_bend[hinges] - bend).clamp(min=0)
        weight = (short > 0).double() / 0.05
        return _Term.of(short * weight, -jacobian * weight.unsqueeze(-1))

    def _knee_term(self, state: _State, task: _Task) -> _Term:
        """Who stands upright does so on straight legs, unless they are clearly bent."""
        knees = [bone for bone, name in enumerate(DRIVEN_BONES) if name.startswith("lowerleg01")]
        bend, jacobian = self._bends(state, knees)
        spread = task.settings.straight * (1.0 if task.settings.apart else min(4.0, len(bend) ** 0.5))
        deviations = bend / spread
        trust = 1 / (1 + (deviations / _CLEARLY_BENT).square())
        upright = task.upright.unsqueeze(-1)
        weight = upright.sqrt() * trust / spread
        cost = (upright * deviations.square() * trust).sum()
        return _Term(bend * weight, jacobian * weight.unsqueeze(-1), cost)

    def _bends(self, state: _State, hinges: list[int]) -> tuple[Tensor, Tensor]:
        """Return how far hinges are bent, (T, H), and the derivatives (T, H, U)."""
        axis = self._prior.axes[hinges, 0]  # (H, 3)
        vectors = vector_from_matrix(local_turns(state.turns)[:, hinges])
        back = _above(state.turns)[:, hinges].transpose(-1, -2)
        rows = (axis.unsqueeze(1) @ vector_derivative(vectors) @ back).squeeze(-2)  # (T, H, 3)
        jacobian = torch.zeros(len(rows), len(hinges), _UNKNOWNS, dtype=torch.float64)
        for index, bone in enumerate(hinges):
            jacobian[:, index, 3 * bone : 3 * bone + 3] = rows[:, index]
        return (vectors * axis).sum(dim=-1), jacobian

    def _guess_term(self, state: _State, guess: Guess) -> _BoneTerm:
        """Bones stay near the guess, against the camera."""
        apart = vector_from_matrix(state.turns @ guess.turns.transpose(-1, -2))  # (T, D, 3)
        weight = 1 / guess.spread.unsqueeze(-1)
        # far off it pulls by its direction only (pseudo-Huber), but never lets go as an outlying point does
        stretched = (1 + (apart.norm(dim=-1, keepdim=True) * weight / _FAR_OFF) ** 2).sqrt()
        cost = (2 * _FAR_OFF**2 * (stretched - 1)).sum()
        weight = weight / stretched.sqrt()
        # a bone turns with itself and all above it
        return _BoneTerm(weight * apart, weight.unsqueeze(-1) * vector_derivative(apart), self._below, cost)

    def _coupling(self, task: _Task) -> Tensor:
        """Return the weights (U,) of differences between neighboring frames."""
        settings = task.settings
        if settings.apart:
            return torch.zeros(_UNKNOWNS, dtype=torch.float64)
        rates = torch.full((_UNKNOWNS,), settings.turn_rate, dtype=torch.float64)
        rates[3 * _BONES] = settings.scale_rate
        weights = 1 / rates**2
        weights[3 * _BONES + 1 :] = 0  # where a person is, the points say
        return weights

    def _add_coupling(self, state: _State, task: _Task, blocks: Tensor, gradient: Tensor) -> Tensor:
        """Add the diagonal part of what binds neighbors, and return its cost."""
        if len(state.turns) < 2 or task.settings.apart:
            return torch.zeros((), dtype=torch.float64)
        weights = self._coupling(task)
        local = local_turns(state.turns)
        step = vector_from_matrix(local[1:] @ local[:-1].transpose(-1, -2))
        if task.guess is not None:
            expected = local_turns(task.guess.turns)
            step = step - vector_from_matrix(expected[1:] @ expected[:-1].transpose(-1, -2))
        step = (_above(state.turns)[1:] @ step.unsqueeze(-1)).squeeze(-1)  # to the world's axes
        change = torch.zeros(len(step), _UNKNOWNS, dtype=torch.float64)
        change[:, : 3 * _BONES] = step.flatten(1)
        change[:, 3 * _BONES] = state.log_scale.diff()
        force = weights * change
        gradient[1:] += force
        gradient[:-1] -= force
        diagonal = torch.diagonal(blocks, dim1=1, dim2=2)
        diagonal[1:] += weights
        diagonal[:-1] += weights
        return (force * change).sum()

    def _shape_derivatives(self, turns: Tensor) -> Tensor:
        rigs = self._rigs
        # the shares of bones' places are those of the skinning and the same for all shapes
        shares = rigs.mean.anchors[..., 3:].expand(*rigs.anchors.shape[:-1], 1)
        anchors = torch.cat([rigs.anchors[..., :3], shares], dim=-1)
        changes = PointRig(rigs.offsets.unsqueeze(1), anchors.unsqueeze(1))  # (Z, 1, ...)
        return changes.points(turns)[..., :2].permute(1, 2, 3, 0)

    def _result(self, state: _State, task: _Task, center: Tensor, size: Tensor) -> BodyFit:
        points = self._rigs.rig(state.z).points(state.turns)[..., :2]
        drawn = points * state.log_scale.exp()[:, None, None] + state.shift.unsqueeze(1)
        distance = (drawn - task.points).norm(dim=-1)
        error = (distance * task.weights).sum(dim=1) / task.weights.sum(dim=1).clamp(min=1e-9)
        camera = WeakPerspective((state.log_scale.exp() * size).float(), (state.shift * size + center).float())
        return BodyFit(self._space.coefficients(state.z.float()), state.turns.float(), camera, error.float())


_HALF_TURN: Final = torch.diag(torch.tensor([-1.0, 1.0, -1.0], dtype=torch.float64))


def _extent(found: Tensor, seen: Tensor, usable: Tensor) -> tuple[Tensor, Tensor]:
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


def _faces_away(task: _Task) -> Tensor:
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


def _robust(apart: Tensor, task: _Task) -> Tensor:
    """Return weights (T, 18) that let go of points that are far off, (T, 18, 2)."""
    deviations = apart.norm(dim=-1) * task.weights / task.settings.outlier
    weights: Tensor = task.weights / (1 + deviations.square())
    return weights


def _point_term(state: _State, task: _Task, points: Tensor, derivatives: tuple[Tensor, Tensor | None]) -> _Term:
    by_turns, by_shape = derivatives  # (T, 18, 3, D, 3), (T, 18, 2, Z) or None where the shape is known
    scale = state.log_scale.exp()
    flat = points[..., :2] * scale[:, None, None]
    apart = flat + state.shift.unsqueeze(1) - task.points
    weights = _robust(apart, task)
    count = len(apart)
    jacobian = torch.zeros(count, 18, 2, _UNKNOWNS, dtype=torch.float64)
    jacobian[..., : 3 * _BONES] = (by_turns[:, :, :2] * scale[:, None, None, None, None]).flatten(3)
    jacobian[..., 3 * _BONES] = flat
    jacobian[..., 3 * _BONES + 1 :] = torch.eye(2, dtype=torch.float64)
    jacobian = jacobian * weights[..., None, None]
    cost = (apart.square().sum(dim=-1) * weights * task.weights).sum()
    if by_shape is not None:
        by_shape = (by_shape * (scale[:, None] * weights)[..., None, None]).flatten(1, 2)
    return _Term((apart * weights.unsqueeze(-1)).flatten(1), jacobian.flatten(1, 2), cost, by_shape)


def _lean_term(task: _Task, points: Tensor, by_turns: Tensor) -> _Term:
    """People who stand upright in the picture do so in depth: neck above ankles, as the camera's pitch has it."""
    ankles = [sk.LEFT_ANKLE, sk.RIGHT_ANKLE]
    up = points[:, sk.NECK] - points[:, ankles].mean(dim=1)
    by_up = by_turns[:, sk.NECK] - by_turns[:, ankles].mean(dim=1)  # (T, 3, D, 3)
    # world's up in the camera is (0, -cos, -sin) for a camera that looks down; off it in depth:
    across = torch.stack([torch.zeros_like(task.pitch), -task.pitch.sin(), task.pitch.cos()], dim=1)  # (T, 3)
    weight = (task.upright / (task.settings.lean * _NECK_TO_ANKLES)).unsqueeze(-1)
    residual = (up * across).sum(dim=1, keepdim=True) * weight
    jacobian = torch.zeros(len(up), 1, _UNKNOWNS, dtype=torch.float64)
    jacobian[:, 0, : 3 * _BONES] = torch.einsum("ta,tadb->tdb", across, by_up).flatten(1) * weight
    return _Term.of(residual, jacobian)


def _stride_term(task: _Task, points: Tensor, by_turns: Tensor) -> _Term:
    """People who stand have their feet on one ground, and seldom far apart."""
    apart = points[:, sk.LEFT_ANKLE, 2] - points[:, sk.RIGHT_ANKLE, 2]
    weight = task.upright / task.settings.stride * (1.0 if task.guess is None else 0.3)
    jacobian = torch.zeros(len(points), 1, _UNKNOWNS, dtype=torch.float64)
    jacobian[:, 0, : 3 * _BONES] = (by_turns[:, sk.LEFT_ANKLE, 2] - by_turns[:, sk.RIGHT_ANKLE, 2]).flatten(1)
    return _Term.of((apart * weight).unsqueeze(-1), jacobian * weight[:, None, None])


def _above(turns: Tensor) -> Tensor:
    """Return the turns of the bones above, (T, D, 3, 3); of the root identity."""
    above = turns[:, [max(parent, 0) for parent in DRIVEN_PARENTS]].clone()
    above[:, 0] = torch.eye(3, dtype=turns.dtype)
    return above


def _moved(state: _State, step: Tensor, below: Tensor) -> _State:
    """Turn each bone, and all below it, about the world's axes; later bones after earlier ones."""
    vectors = step[:, : 3 * _BONES].unflatten(1, (_BONES, 3))
    size = vectors.norm(dim=-1, keepdim=True)
    own = matrix_from_vector(vectors * (0.6 / size.clamp(min=0.6)))
    local = local_turns(state.turns)
    above = _above(state.turns)
    turned = above.transpose(-1, -2) @ own @ above @ local
    # transposes stand for inverses, by which rounding would grow from step to step
    turned = matrix_from_6d(sixd_from_matrix(turned))
    return replace(
        state,
        turns=world_turns(turned),
        log_scale=state.log_scale + step[:, 3 * _BONES].clamp(-0.5, 0.5),
        shift=state.shift + step[:, 3 * _BONES + 1 :],
    )


def _solved(equations: _Equations, coupling: Tensor, damping: float, *, is_shape_known: bool) -> tuple[Tensor, Tensor]:
    """Return the step of the frames' unknowns (T, U) and of the shape (Z,)."""
    right = -equations.gradient.unsqueeze(-1)  # (T, U, 1)
    if is_shape_known:
        step = _solve_chain(equations.blocks, right, coupling, damping)
        return step.squeeze(-1), torch.zeros_like(equations.shape_gradient)
    # the frames as functions of the shape, put into the shape's own equations
    both = _solve_chain(equations.blocks, torch.cat([right, equations.beside], dim=-1), coupling, damping)
    alone, response = both[..., :1], both[..., 1:]
    turned = equations.beside.flatten(0, 1).T  # (Z, T * U)
    system = equations.shape_block * (1 + damping * torch.eye(len(equations.shape_block), dtype=torch.float64))
    system = system - turned @ response.flatten(0, 1)
    shape_step = torch.linalg.solve(system, -equations.shape_gradient - (turned @ alone.flatten(0, 1)).squeeze(-1))
    return alone.squeeze(-1) - response @ shape_step, shape_step


def _solve_chain(blocks: Tensor, right: Tensor, coupling: Tensor, damping: float) -> Tensor:
    """Solve the block tridiagonal equations, whose blocks beside the diagonal are minus a diagonal matrix.

    Parameters
    ----------
    blocks : float tensor (T, U, U)
    right : float tensor (T, U, R)
    coupling : float tensor (U,)
    damping : float
        Share of the diagonal that is added.

    Returns
    -------
    float tensor (T, U, R)
    """
    diagonal = torch.diagonal(blocks, dim1=1, dim2=2)
    damped = blocks + torch.diag_embed(damping * diagonal + 1e-6)
    if len(blocks) == 1:
        alone: Tensor = torch.linalg.solve(damped, right)
        return alone
    inverses: list[Tensor] = []
    forward: list[Tensor] = []
    beside, across = coupling.unsqueeze(1) * coupling, coupling.unsqueeze(1)
    pivot, value = damped[0], right[0]
    for frame in range(len(blocks)):
        if frame:
            # the frame before, solved for and put in
            pivot = damped[frame] - beside * inverses[-1]
            value = right[frame] + across * (inverses[-1] @ forward[-1])
        inverses.append(torch.cholesky_inverse(torch.linalg.cholesky(pivot)))
        forward.append(value)
    steps = [inverses[-1] @ forward[-1]]
    for frame in range(len(blocks) - 2, -1, -1):
        steps.append(inverses[frame] @ (forward[frame] + across * steps[-1]))
    return torch.stack(steps[::-1])
