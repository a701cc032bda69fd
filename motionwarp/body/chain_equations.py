"""Normal equations of the poses of a clip: a block for each frame, and neighbors bound to each other.

What binds neighbors is diagonal, so that all frames together are solved in one pass forward and one back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from motionwarp.body.layout import DRIVEN_BONES

BONES: Final = len(DRIVEN_BONES)
UNKNOWNS: Final = 3 * BONES + 3
"""Of a frame: turns about the world's axes, the logarithm of the scale, the shift."""


@dataclass(frozen=True, eq=False)
class ChainEquations:
    """Normal equations of a sum of squares; filled in place, term by term.

    Attributes
    ----------
    blocks : float tensor (T, U, U)
    gradient : float tensor (T, U)
    beside : float tensor (T, U, Z)
        Of the frames' unknowns with the shape's.
    shape_block : float tensor (Z, Z)
    shape_gradient : float tensor (Z,)
    costs : float tensor (T,)
        The sum of squares of each frame.
    shape_cost : float
        That of the shape.
    """

    blocks: Tensor
    gradient: Tensor
    beside: Tensor
    shape_block: Tensor
    shape_gradient: Tensor
    costs: Tensor
    shape_cost: float = 0.0

    @property
    def cost(self) -> float:
        """The whole sum of squares."""
        return float(self.costs.sum()) + self.shape_cost

    @classmethod
    def empty(cls, count: int, dimensions: int) -> ChainEquations:
        """Return equations of nothing."""

        def zeros(*size: int) -> Tensor:
            return torch.zeros(size, dtype=torch.float64)

        return cls(
            blocks=zeros(count, UNKNOWNS, UNKNOWNS),
            gradient=zeros(count, UNKNOWNS),
            beside=zeros(count, UNKNOWNS, dimensions),
            shape_block=zeros(dimensions, dimensions),
            shape_gradient=zeros(dimensions),
            costs=zeros(count),
        )

    def where(self, taken: Tensor, other: ChainEquations) -> ChainEquations:
        """Return these equations of some frames (T,) and others of the rest, both of one shape that is known."""
        return replace(
            self,
            blocks=torch.where(taken[:, None, None], self.blocks, other.blocks),
            gradient=torch.where(taken[:, None], self.gradient, other.gradient),
            costs=torch.where(taken, self.costs, other.costs),
        )


@dataclass(frozen=True, eq=False)
class Coupling:
    """What binds neighboring frames.

    Attributes
    ----------
    weights : float tensor (U,)
        Of squared differences.
    gradient : float tensor (T, U)
    costs : float tensor (T,)
        Of each frame, what binds two being halved between them.
    """

    weights: Tensor
    gradient: Tensor
    costs: Tensor

    @property
    def cost(self) -> float:
        """The whole sum of squares."""
        return float(self.costs.sum())

    def added_to(self, blocks: Tensor) -> Tensor:
        """Return blocks (T, U, U) with its diagonal part."""
        bound = torch.full((len(blocks),), 2.0, dtype=torch.float64)
        bound[0] -= 1
        bound[-1] -= 1
        return blocks + torch.diag_embed(bound[:, None] * self.weights)


@dataclass(frozen=True, eq=False)
class Term:
    """A part of what is made small.

    Attributes
    ----------
    residual : float tensor (T, R)
    jacobian : float tensor (T, R, U)
    costs : float tensor (T,)
        Whose gradient is twice the Jacobian's transpose times the residual; not the sum of squares where outliers are
        doubted.
    by_shape : float tensor (T, R, Z) or None
        Derivatives by the place in the space of shapes.
    """

    residual: Tensor
    jacobian: Tensor
    costs: Tensor
    by_shape: Tensor | None = None

    @classmethod
    def of(cls, residual: Tensor, jacobian: Tensor) -> Term:
        """Return a plain term of squares."""
        return cls(residual, jacobian, residual.square().sum(dim=1))

    def add_to(self, equations: ChainEquations) -> None:
        """Add to the normal equations."""
        equations.costs.add_(self.costs)
        turned = self.jacobian.transpose(1, 2)
        equations.blocks.add_(turned @ self.jacobian)
        equations.gradient.add_((turned @ self.residual.unsqueeze(-1)).squeeze(-1))
        if self.by_shape is not None:
            flat = self.by_shape.flatten(0, 1)
            equations.beside.add_(turned @ self.by_shape)
            equations.shape_block.add_(flat.T @ flat)
            equations.shape_gradient.add_(flat.T @ self.residual.flatten())


@dataclass(frozen=True, eq=False)
class BoneTerm:
    """Residuals of single bones, three each: their equations are filled in bone by bone.

    Attributes
    ----------
    residual : float tensor (T, D, 3)
    jacobian : float tensor (T, D, 3, 3)
        By a turn of the bone about the world's axes.
    moved_by : float tensor (D, D) or None
        1 where a turn of the first bone turns the second; None where each bone's residual is its own turn's alone.
    costs : float tensor (T,)
        As in `Term`.
    """

    residual: Tensor
    jacobian: Tensor
    moved_by: Tensor | None
    costs: Tensor

    def add_to(self, equations: ChainEquations) -> None:
        """Add to the normal equations."""
        equations.costs.add_(self.costs)
        turned = self.jacobian.transpose(-1, -2)
        squares = (turned @ self.jacobian).flatten(2)  # (T, D, 9)
        forces = (turned @ self.residual.unsqueeze(-1)).squeeze(-1)
        if self.moved_by is None:
            equations.gradient[:, : 3 * BONES] += forces.flatten(1)
            blocks = squares.unflatten(2, (3, 3))
            for bone in range(BONES):
                own = slice(3 * bone, 3 * bone + 3)
                equations.blocks[:, own, own] += blocks[:, bone]
            return
        pairs = (self.moved_by.unsqueeze(1) * self.moved_by).flatten(0, 1)  # (D * D, D): both turn the third
        both = (pairs @ squares).unflatten(1, (BONES, BONES)).unflatten(3, (3, 3))  # (T, D, D, 3, 3)
        equations.blocks[:, : 3 * BONES, : 3 * BONES] += both.permute(0, 1, 3, 2, 4).flatten(3).flatten(1, 2)
        equations.gradient[:, : 3 * BONES] += (self.moved_by @ forces).flatten(1)


def solved_step(
    equations: ChainEquations, bound: Coupling, damping: Tensor, *, is_shape_known: bool
) -> tuple[Tensor, Tensor]:
    """Return the step of the frames' unknowns (T, U) and of the shape (Z,); damping (T,) is a share of the diagonal."""
    blocks = bound.added_to(equations.blocks)
    diagonal = torch.diagonal(blocks, dim1=1, dim2=2)
    diagonal += damping[:, None] * diagonal + 1e-6
    right = -(equations.gradient + bound.gradient).unsqueeze(-1)  # (T, U, 1)
    if is_shape_known:
        step = solve_chain(blocks, right, bound.weights)
        return step.squeeze(-1), torch.zeros_like(equations.shape_gradient)
    # the frames as functions of the shape, put into the shape's own equations
    both = solve_chain(blocks, torch.cat([right, equations.beside], dim=-1), bound.weights)
    alone, response = both[..., :1], both[..., 1:]
    turned = equations.beside.flatten(0, 1).T  # (Z, T * U)
    most = float(damping.max())
    system = equations.shape_block * (1 + most * torch.eye(len(equations.shape_block), dtype=torch.float64))
    system = system - turned @ response.flatten(0, 1)
    shape_step = torch.linalg.solve(system, -equations.shape_gradient - (turned @ alone.flatten(0, 1)).squeeze(-1))
    return alone.squeeze(-1) - response @ shape_step, shape_step


def solve_chain(blocks: Tensor, right: Tensor, coupling: Tensor) -> Tensor:
    """Solve the block tridiagonal equations, whose blocks beside the diagonal are minus a diagonal matrix.

    Parameters
    ----------
    blocks : float tensor (T, U, U)
    right : float tensor (T, U, R)
    coupling : float tensor (U,)

    Returns
    -------
    float tensor (T, U, R)
    """
    if len(blocks) == 1:
        alone: Tensor = torch.linalg.solve(blocks, right)
        return alone
    inverses: list[Tensor] = []
    forward: list[Tensor] = []
    beside, across = coupling.unsqueeze(1) * coupling, coupling.unsqueeze(1)
    pivot, value = blocks[0], right[0]
    for frame in range(len(blocks)):
        if frame:
            # the frame before, solved for and put in
            pivot = blocks[frame] - beside * inverses[-1]
            value = right[frame] + across * (inverses[-1] @ forward[-1])
        inverses.append(torch.cholesky_inverse(torch.linalg.cholesky(pivot)))
        forward.append(value)
    steps = [inverses[-1] @ forward[-1]]
    for frame in range(len(blocks) - 2, -1, -1):
        steps.append(inverses[frame] @ (forward[frame] + across * steps[-1]))
    return torch.stack(steps[::-1])
