"""Affine maps of the plane, batched: applying, composing, inverting and fitting them to points.

A map is a tensor (..., 2, 3) that takes a point p to `matrix[..., :2] @ p + matrix[..., 2]`. Points are pixels with
centers at integers, or any other coordinates. All functions broadcast over leading dimensions, are differentiable and
keep float64.
"""

from __future__ import annotations

import torch
from torch import Tensor

from motionwarp.geometry.precision import at_least_float32, without_autocast

_TINY = 1e-8


def identity_affine(*leading: int, device: torch.device | None = None, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return identity maps, float tensor (*leading, 2, 3)."""
    return torch.eye(2, 3, device=device, dtype=dtype).expand(*leading, 2, 3).clone()


def apply_affine(matrix: Tensor, points: Tensor) -> Tensor:
    """Map points.

    Parameters
    ----------
    matrix : float tensor (..., 2, 3)
    points : float tensor (..., N, 2)

    Returns
    -------
    float tensor (..., N, 2)
    """
    matrix, points = at_least_float32(matrix), at_least_float32(points)
    x, y = points[..., 0], points[..., 1]
    rows = matrix[..., None, :, :]  # (..., 1, 2, 3)
    # written out, because a matrix product would be rounded to bfloat16 inside autocast
    return rows[..., 0] * x[..., None] + rows[..., 1] * y[..., None] + rows[..., 2]


def compose_affine(outer: Tensor, inner: Tensor) -> Tensor:
    """Return the map that applies `inner` first and `outer` then, (..., 2, 3)."""
    outer, inner = at_least_float32(outer), at_least_float32(inner)
    with without_autocast(outer.device):
        product = outer[..., :2] @ inner  # (..., 2, 3)
    shift = torch.cat([torch.zeros_like(outer[..., :2]), outer[..., 2:]], dim=-1)
    return product + shift


def invert_affine(matrix: Tensor) -> Tensor:
    """Return the inverse maps, (..., 2, 3); a singular map gives large finite numbers rather than an error."""
    matrix = at_least_float32(matrix)
    a, b, tx = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 0, 2]
    c, d, ty = matrix[..., 1, 0], matrix[..., 1, 1], matrix[..., 1, 2]
    determinant = a * d - b * c
    safe = torch.where(determinant.abs() < _TINY, torch.full_like(determinant, _TINY), determinant)
    a, b, c, d = d / safe, -b / safe, -c / safe, a / safe
    inverse: Tensor = torch.stack([a, b, -(a * tx + b * ty), c, d, -(c * tx + d * ty)], dim=-1).unflatten(-1, (2, 3))
    return inverse


def mean_scale(matrix: Tensor) -> Tensor:
    """Return by how much lengths grow on average (the root of the area's factor), (...)."""
    determinant = matrix[..., 0, 0] * matrix[..., 1, 1] - matrix[..., 0, 1] * matrix[..., 1, 0]
    scale: Tensor = determinant.abs().sqrt()
    return scale


def fit_similarity(source: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Fit rotation, one scale and translation to pairs of points by weighted least squares.

    The closed form of Umeyama (1991) in the plane, without reflections, where it needs no singular value decomposition.

    Parameters
    ----------
    source, target : float tensor (..., N, 2)
        `target` is where `source` shall go.
    weights : float tensor (..., N)
        Not negative. With one point of positive weight, or all in one place, the result is a pure translation; with
        none, it is the identity.

    Returns
    -------
    float tensor (..., 2, 3)
    """
    source_mean, target_mean, source_arm, target_arm, shares = _centered(source, target, weights)
    spread = (shares * (source_arm**2).sum(-1)).sum(-1)
    along = (shares * (source_arm * target_arm).sum(-1)).sum(-1)
    cross = source_arm[..., 0] * target_arm[..., 1] - source_arm[..., 1] * target_arm[..., 0]
    across = (shares * cross).sum(-1)
    degenerate = spread < _TINY
    safe = torch.where(degenerate, torch.ones_like(spread), spread)
    cosine = torch.where(degenerate, torch.ones_like(spread), along / safe)  # times the scale
    sine = torch.where(degenerate, torch.zeros_like(spread), across / safe)
    linear = torch.stack([cosine, -sine, sine, cosine], dim=-1).unflatten(-1, (2, 2))
    return _through(linear, source_mean, target_mean)


def fit_affine(source: Tensor, target: Tensor, weights: Tensor, *, pull: float) -> Tensor:
    """Fit an affine map to pairs of points by weighted least squares, drawn towards the best similarity.

    Minimizes sum_i w_i |A s_i - t_i|^2 + pull * spread * |M - M_similarity|^2, where M is the linear part and spread
    the weighted mean of the squared distances from the mean, over two. So `pull` has no unit: 0 is plain least squares
    (which needs three points that are not on a line), large values give the similarity.

    Parameters
    ----------
    source, target : float tensor (..., N, 2)
    weights : float tensor (..., N)
        Not negative.
    pull : float
        Not negative.

    Returns
    -------
    float tensor (..., 2, 3)
    """
    if pull < 0:
        raise ValueError(f"the pull towards a similarity cannot be negative, got {pull}")
    similarity = fit_similarity(source, target, weights)[..., :2]
    source_mean, target_mean, source_arm, target_arm, shares = _centered(source, target, weights)
    with without_autocast(source.device):
        weighted = shares[..., None] * source_arm  # (..., N, 2)
        moments = weighted.transpose(-1, -2) @ source_arm  # (..., 2, 2)
        mixed = target_arm.transpose(-1, -2) @ weighted  # (..., 2, 2)
        spread = 0.5 * moments.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
        ridge = pull * spread + _TINY
        eye = torch.eye(2, device=moments.device, dtype=moments.dtype)
        linear = torch.linalg.solve(moments + ridge * eye, mixed + ridge * similarity, left=False)
    return _through(linear, source_mean, target_mean)


def segment_map(
    source_start: Tensor, source_end: Tensor, target_start: Tensor, target_end: Tensor, across: Tensor, along: Tensor
) -> Tensor:
    """Map one segment onto another, with a scale of its own along and across it.

    Parameters
    ----------
    source_start, source_end, target_start, target_end : float tensor (..., 2)
        The start goes onto the start exactly. The end goes towards the end; it meets it if `along` is the ratio of
        lengths.
    across : float tensor (...)
        Scale at right angles to the segment; negative mirrors.
    along : float tensor (...)
        Scale along the segment.

    Returns
    -------
    float tensor (..., 2, 3)
        A segment without length is taken to point down.
    """
    source_direction = _direction(source_end - source_start)  # (..., 2)
    target_direction = _direction(target_end - target_start)
    source_normal = torch.stack([-source_direction[..., 1], source_direction[..., 0]], dim=-1)
    target_normal = torch.stack([-target_direction[..., 1], target_direction[..., 0]], dim=-1)
    stretched = along[..., None, None] * target_direction[..., :, None] * source_direction[..., None, :]
    widened = across[..., None, None] * target_normal[..., :, None] * source_normal[..., None, :]
    return _through(stretched + widened, source_start, target_start)


def with_least_width(matrix: Tensor, least: Tensor) -> Tensor:
    """Widen maps that squeeze the plane, and turn mirroring ones over, so that their inverse stays tame.

    The smaller singular value becomes its absolute value, but at least `least`; the larger one at least `least` too. A
    body that turns its back passes through a line this way and opens again, without a jump.

    Parameters
    ----------
    matrix : float tensor (..., 2, 3)
    least : float tensor (...)
        Smallest scale in any direction, positive.

    Returns
    -------
    float tensor (..., 2, 3)
        Same image of the origin as before: recenter where that matters.
    """
    a, b, c, d = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 0], matrix[..., 1, 1]
    # a matrix of the plane is the sum of a turning part (e, h) and a mirroring part (f, g): singular values q + r and q
    # - r
    e, f, g, h = 0.5 * (a + d), 0.5 * (a - d), 0.5 * (b + c), 0.5 * (c - b)
    q, r = torch.hypot(e, h), torch.hypot(f, g)
    large, small = torch.maximum(q + r, least), torch.maximum((q - r).abs(), least)
    new_q, new_r = 0.5 * (large + small), 0.5 * (large - small)
    turn = new_q / q.clamp_min(_TINY)
    mirror = new_r / r.clamp_min(_TINY)
    e, h, f, g = e * turn, h * turn, f * mirror, g * mirror
    linear = torch.stack([e + f, g - h, g + h, e - f], dim=-1).unflatten(-1, (2, 2))
    return torch.cat([linear, matrix[..., 2:]], dim=-1)


def anchored(matrix: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """Return the maps with the same linear part that take the point `source` (..., 2) to `target` (..., 2)."""
    return _through(matrix[..., :2], source, target)


def _centered(source: Tensor, target: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    source, target, weights = at_least_float32(source), at_least_float32(target), at_least_float32(weights)
    total = weights.sum(-1, keepdim=True)
    shares = weights / total.clamp_min(_TINY)  # (..., N)
    source_mean = (shares[..., None] * source).sum(-2)
    target_mean = (shares[..., None] * target).sum(-2)
    return source_mean, target_mean, source - source_mean[..., None, :], target - target_mean[..., None, :], shares


def _through(linear: Tensor, source: Tensor, target: Tensor) -> Tensor:
    moved = (linear * source[..., None, :]).sum(-1)  # (..., 2)
    return torch.cat([linear, (target - moved)[..., None]], dim=-1)


def _direction(vector: Tensor) -> Tensor:
    vector = at_least_float32(vector)
    length = vector.norm(dim=-1, keepdim=True)
    down = torch.tensor([0.0, 1.0], device=vector.device, dtype=vector.dtype)
    return torch.where(length < _TINY, down, vector / length.clamp_min(_TINY))
