"""Rotations as matrices, as six numbers, and as vectors along their axis."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def matrix_from_6d(six: Tensor) -> Tensor:
    """Return rotation matrices of six numbers each, which may be any that are not parallel.

    Parameters
    ----------
    six : float tensor (..., 6)
        The first two columns of a matrix, one after the other, not necessarily orthogonal or of length 1.

    Returns
    -------
    float tensor (..., 3, 3)

    Notes
    -----
    Zhou et al., "On the continuity of rotation representations in neural networks" (2019), section B.
    """
    first, second = six[..., :3], six[..., 3:]
    x = functional.normalize(first, dim=-1)
    y = functional.normalize(second - (x * second).sum(dim=-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)


def sixd_from_matrix(matrix: Tensor) -> Tensor:
    """Return the first two columns (..., 6) of rotation matrices (..., 3, 3); `matrix_from_6d` gives them back."""
    return torch.cat([matrix[..., 0], matrix[..., 1]], dim=-1)


def matrix_from_vector(vector: Tensor) -> Tensor:
    """Return the rotations (..., 3, 3) about vectors (..., 3) by their lengths in radians; differentiable at zero.

    Notes
    -----
    Rodrigues' formula, with series below a hundredth of a radian.
    """
    square = (vector * vector).sum(dim=-1)[..., None, None]
    small = square < 1e-4
    safe = torch.where(small, torch.ones_like(square), square)
    angle = safe.sqrt()
    sine = torch.where(small, 1 - square / 6 + square * square / 120, angle.sin() / angle)
    cosine = torch.where(small, 0.5 - square / 24, (1 - angle.cos()) / safe)
    cross = cross_matrix(vector)
    one = torch.eye(3, dtype=vector.dtype, device=vector.device)
    rotation: Tensor = one + sine * cross + cosine * (cross @ cross)
    return rotation


def cross_matrix(vector: Tensor) -> Tensor:
    """Return the matrices (..., 3, 3) that take the cross product with vectors (..., 3) from the left."""
    x, y, z = vector.unbind(dim=-1)
    zero = torch.zeros_like(x)
    matrix: Tensor = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    return matrix


def vector_from_matrix(matrix: Tensor) -> Tensor:
    """Return axes times angles in [0, pi], (..., 3), of rotation matrices (..., 3, 3)."""
    cosine = ((matrix.diagonal(dim1=-2, dim2=-1).sum(dim=-1) - 1) / 2).clamp(-1, 1)
    skew = torch.stack(
        [
            matrix[..., 2, 1] - matrix[..., 1, 2],
            matrix[..., 0, 2] - matrix[..., 2, 0],
            matrix[..., 1, 0] - matrix[..., 0, 1],
        ],
        dim=-1,
    )
    sine = skew.norm(dim=-1) / 2
    angle = torch.atan2(sine, cosine)
    scale = torch.where(sine > 1e-5, angle / (2 * sine.clamp(min=1e-5)), torch.full_like(sine, 0.5))
    # at half a turn the skew part vanishes: the axis is the largest column of (R + 1) / 2
    symmetric = (matrix + torch.eye(3, dtype=matrix.dtype, device=matrix.device)) / 2
    largest = symmetric.diagonal(dim1=-2, dim2=-1).argmax(dim=-1)
    column = torch.gather(symmetric, -1, largest[..., None, None].expand(*symmetric.shape[:-1], 1)).squeeze(-1)
    half_turn = functional.normalize(column, dim=-1) * angle[..., None]
    is_half_turn = ((sine <= 1e-3) & (cosine < 0))[..., None]
    return torch.where(is_half_turn, half_turn, skew * scale[..., None])


def angle_between(first: Tensor, second: Tensor) -> Tensor:
    """Return the angles (...) in radians between rotations (..., 3, 3); its gradient is finite at zero."""
    # the chord of two matrices is 2 sqrt(2) sin(angle / 2)
    chord = ((first - second) ** 2).sum(dim=(-2, -1)).clamp(min=1e-12).sqrt() / (2 * 2**0.5)
    return 2 * torch.asin(chord.clamp(max=1 - 1e-6))
