"""Thin-plate splines over a regular grid of control points.

The spline moves a point p in normalized coordinates to p + d(p), where d interpolates the displacements of K x K
control points that span [-1, 1] in both directions, with the least bending (Bookstein 1989; K = 3 is the geometric
matcher of Rocco et al. 2017). Since affine maps do not bend, zeros are the identity.

d is linear in the displacements: d(p) = basis(p) @ displacements. What depends on the control grid alone, the inverse
of the interpolation system, is computed once for each K, in float64.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from motionwarp.geometry.precision import at_least_float32, without_autocast

_TINY = 1e-20


def control_points(size: int, *, device: torch.device | None = None, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the control points in normalized coordinates, row by row, (K*K, 2) as x, y.

    Parameters
    ----------
    size : int
        K, at least 2.
    """
    if size < 2:
        raise ValueError(f"a control grid needs at least 2 x 2 points, got {size}")
    line = torch.linspace(-1, 1, size, dtype=torch.float64)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], dim=-1).reshape(-1, 2).to(device=device, dtype=dtype)


def spline_basis(points: Tensor, size: int) -> Tensor:
    """Return what each control point's displacement contributes at `points`.

    Parameters
    ----------
    points : float tensor (..., N, 2)
        Normalized coordinates; may lie outside [-1, 1].
    size : int
        K.

    Returns
    -------
    float tensor (..., N, K*K)
        Rows sum to 1; at a control point the row is one at that point and zero elsewhere.
    """
    points = at_least_float32(points)
    control = control_points(size, device=points.device, dtype=points.dtype)
    solve = _solve(size).to(device=points.device, dtype=points.dtype)  # (K*K + 3, K*K)
    difference = points[..., :, None, :] - control  # (..., N, K*K, 2)
    squared = (difference**2).sum(-1)
    # the clamp keeps the gradient finite at the control points themselves
    kernel = squared * squared.clamp_min(_TINY).log()
    system = torch.cat([kernel, torch.ones_like(points[..., :1]), points], dim=-1)  # (..., N, K*K + 3)
    with without_autocast(points.device):
        return system @ solve


def displace(points: Tensor, theta_tps: Tensor) -> Tensor:
    """Move points by the spline.

    Parameters
    ----------
    points : float tensor (..., N, 2)
        Normalized coordinates.
    theta_tps : float tensor (..., 2, K*K)
        Displacements of the control points: row 0 in x, row 1 in y, control points row by row.

    Returns
    -------
    float tensor (..., N, 2)
    """
    basis = spline_basis(points, control_size(theta_tps))
    theta_tps = at_least_float32(theta_tps)
    with without_autocast(points.device):
        return at_least_float32(points) + basis @ theta_tps.transpose(-1, -2)


def control_size(theta_tps: Tensor) -> int:
    """Return K of displacements (..., 2, K*K).

    Raises
    ------
    ValueError
        If the shape is not of that form.
    """
    count = theta_tps.shape[-1]
    size = math.isqrt(count)
    if theta_tps.ndim < 2 or theta_tps.shape[-2] != 2 or size * size != count or size < 2:
        raise ValueError(f"spline displacements have shape (..., 2, K*K), got {tuple(theta_tps.shape)}")
    return size


def bending_matrix(size: int) -> Tensor:
    """Return B (K*K, K*K) such that d @ B @ d is, up to a factor, the bending energy of displacements d."""
    return _solve(size)[: size * size].clone()


@lru_cache(maxsize=8)
def _solve(size: int) -> Tensor:
    """Map displacements to kernel weights and affine coefficients, float64 (K*K + 3, K*K)."""
    # what is kept must serve training too, even if the first to ask is an engine in inference mode
    with torch.inference_mode(False), torch.no_grad():
        control = control_points(size, dtype=torch.float64)
        count = len(control)
        squared = torch.cdist(control, control) ** 2
        system = torch.zeros(count + 3, count + 3, dtype=torch.float64)
        system[:count, :count] = squared * squared.clamp_min(_TINY).log()
        system[:count, count] = 1
        system[:count, count + 1 :] = control
        system[count:, :count] = system[:count, count:].T
        inverse: Tensor = torch.linalg.inv(system)
        return inverse[:, :count].contiguous()
