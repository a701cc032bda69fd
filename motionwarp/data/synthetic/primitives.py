"""Drawing solids: rounded cones, which may be squashed, into a z-buffer, and what each pixel sees of them.

A rounded cone is the union of all balls whose center runs from a start to an end while the radius changes evenly. The
point q of its side that belongs to the ball at s in [0, 1] fulfills (q.b - r0 d)^2 = g (q.q - r0^2) with the axis b, d
= r0 - r1, g = b.b - d^2 and s = (q.b - r0 d) / g, since there the two balls that touch q fall together. Along a ray
this is a quadratic equation. A squashed cone is solved in the space in which it is round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.data.synthetic.body import DoubleArray
from motionwarp.data.synthetic.camera import Camera
from motionwarp.types import BoolArray, FloatArray

NOTHING: Final = -1
_NEAREST = 0.2  # meters before the camera in which nothing is drawn
IndexArray = npt.NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Primitive:
    """One solid in the body's space, in meters.

    Attributes
    ----------
    start, end : float64 (3,)
    start_radius, end_radius : float
    material : int
        Index into the materials of the person.
    front : float64 (3,)
        Direction from the axis that has the angle 0 around it.
    stretch : float64 (3, 3) or None
        Symmetric matrix that stretches round cross-sections, about the axis; None keeps them round.
    flat_end : bool
        Open at the end, as a skirt or a sleeve is, instead of round.
    opening : float
        Half the angle about `front` in radians in which there is nothing, as in an open coat.
    """

    start: DoubleArray
    end: DoubleArray
    start_radius: float
    end_radius: float
    material: int
    front: DoubleArray
    stretch: DoubleArray | None = None
    flat_end: bool = False
    opening: float = 0.0


@dataclass(frozen=True, eq=False)
class Surface:
    """What the pixels see; the arrays of N rows are those of the pixels that see something, in reading order.

    Attributes
    ----------
    index : int16 (H, W)
        Index of the primitive, `NOTHING` where there is none.
    depth : float32 (H, W)
        Along the view in meters, infinite where there is nothing.
    mask : bool (H, W)
    normal : float32 (N, 3)
        In camera coordinates, towards the camera.
    along, around : float32 (N,)
        Meters along the axis from the start and around it from the front.
    angle : float32 (N,)
        Around the axis in radians, 0 at the front, growing towards the axis's right hand.
    points : float32 (N, 3)
        In camera coordinates, in meters.
    inside : bool (N,)
        Whether the inner side of an open cone is seen.
    """

    index: IndexArray
    depth: FloatArray
    mask: BoolArray
    normal: FloatArray
    along: FloatArray
    around: FloatArray
    angle: FloatArray
    points: FloatArray
    inside: BoolArray


@dataclass(frozen=True, eq=False)
class _Solid:
    """A primitive in the camera's space, with what the quadratic needs; `to_round` undoes the stretch."""

    to_round: DoubleArray
    start: DoubleArray
    axis: DoubleArray
    front: DoubleArray
    side: DoubleArray
    start_radius: float
    end_radius: float
    length: float
    span: float

    @property
    def taper(self) -> float:
        return self.start_radius - self.end_radius


def rasterize(primitives: Sequence[Primitive], camera: Camera, height: int, width: int) -> Surface:
    """Draw solids as a camera sees them.

    Parameters
    ----------
    primitives : sequence of Primitive
    camera : Camera
    height, width : int
        Size of the picture, in pixels.
    """
    depth = np.full((height, width), np.inf, dtype=np.float32)
    index = np.full((height, width), NOTHING, dtype=np.int16)
    rotation = camera.rotation()
    solids = [_in_camera(primitive, camera, rotation) for primitive in primitives]
    for number, (primitive, solid) in enumerate(zip(primitives, solids, strict=True)):
        box = _box(primitive, camera, height, width)
        if box is None:
            continue
        rows, columns = box
        ray_y = ((np.arange(rows.start, rows.stop) - camera.center_y) / camera.focal).astype(np.float32)[:, None]
        ray_x = ((np.arange(columns.start, columns.stop) - camera.center_x) / camera.focal).astype(np.float32)[None, :]
        found = _hit(primitive, solid, ray_x, ray_y)
        region = depth[rows, columns]
        nearer = found < region
        region[nearer] = found[nearer]
        index[rows, columns][nearer] = number
    return _described(solids, camera, index, depth)


def _in_camera(primitive: Primitive, camera: Camera, rotation: DoubleArray) -> _Solid:
    start, end = camera.seen(np.stack([primitive.start, primitive.end]))
    to_round = np.eye(3)
    if primitive.stretch is not None:
        to_round = rotation @ np.linalg.inv(primitive.stretch) @ rotation.T
    axis = to_round @ (end - start)
    length = float(np.linalg.norm(axis))
    front = to_round @ rotation @ primitive.front
    unit = axis / length if length > 1e-6 else to_round @ rotation @ np.array([0.0, 1.0, 0.0])
    front = front - unit * (front @ unit)
    front = front / max(float(np.linalg.norm(front)), 1e-9)
    taper = primitive.start_radius - primitive.end_radius
    span = length**2 - taper**2
    return _Solid(
        to_round, to_round @ start, axis, front, np.cross(front, unit), primitive.start_radius, primitive.end_radius,
        float(np.linalg.norm(end - start)), span,
    )  # fmt: skip


def _box(primitive: Primitive, camera: Camera, height: int, width: int) -> tuple[slice, slice] | None:
    """Return the rows and columns that the solid can touch, or None."""
    widest = 1.0 if primitive.stretch is None else float(np.abs(np.linalg.eigvalsh(primitive.stretch)).max())
    pixels, depths = camera.project(np.stack([primitive.start, primitive.end]))
    radii = widest * np.array([primitive.start_radius, primitive.end_radius])
    if (depths - radii < _NEAREST).any():
        return None
    # a ball's outline lies a little farther out than its radius at the center's depth
    reach = (camera.focal * radii / (depths - radii) * 1.1 + 1)[:, None]
    low, high = np.floor((pixels - reach).min(axis=0)), np.ceil((pixels + reach).max(axis=0)) + 1
    left, right = int(np.clip(low[0], 0, width)), int(np.clip(high[0], 0, width))
    top, bottom = int(np.clip(low[1], 0, height)), int(np.clip(high[1], 0, height))
    if left >= right or top >= bottom:
        return None
    return slice(top, bottom), slice(left, right)


def _hit(primitive: Primitive, solid: _Solid, ray_x: FloatArray, ray_y: FloatArray) -> FloatArray:
    """Return the depth at which each ray (x, y, 1) meets the solid, infinite where it does not, float32 (h, w)."""
    turn, start, axis = solid.to_round, solid.start, solid.axis
    ray_start = _linear(turn.T @ start, ray_x, ray_y)
    ray_ray = _squared_rays(turn.T @ turn, ray_x, ray_y)
    radius, end_radius = solid.start_radius, solid.end_radius
    if solid.span <= 1e-8:
        bigger = start if radius >= end_radius else start + axis
        return _ball(
            ray_ray, _linear(turn.T @ bigger, ray_x, ray_y), float(bigger @ bigger) - max(radius, end_radius) ** 2
        )
    ray_axis = _linear(turn.T @ axis, ray_x, ray_y)
    offset = float(start @ axis) + radius * solid.taper
    a = solid.span * ray_ray - ray_axis * ray_axis
    b = solid.span * ray_start - ray_axis * np.float32(offset)
    c = solid.span * (float(start @ start) - radius**2) - offset**2
    root = b * b - a * np.float32(c)
    meets = (root >= 0) & (a > 1e-9)
    root = np.sqrt(np.where(meets, root, 0))
    safe = np.where(meets, a, 1)
    near = (b - root) / safe
    share = (near * ray_axis - np.float32(offset)) / np.float32(solid.span)
    on_side = meets & (share >= 0) & (share <= 1)
    depth = np.where(on_side, near, np.inf)
    before = _ball(ray_ray, ray_start, float(start @ start) - radius**2)
    depth = np.where(meets & (share < 0), before, depth)
    if not primitive.flat_end:
        end = start + axis
        beyond = _ball(ray_ray, _linear(turn.T @ end, ray_x, ray_y), float(end @ end) - end_radius**2)
        depth = np.where(meets & (share > 1), beyond, depth)
        return depth.astype(np.float32)
    if primitive.opening > 0:
        depth = np.where(_in_opening(primitive, solid, depth, ray_x, ray_y), np.inf, depth)
    far = (b + root) / safe
    far_share = (far * ray_axis - np.float32(offset)) / np.float32(solid.span)
    seen_inside = meets & ~np.isfinite(depth) & (far_share >= 0) & (far_share <= 1)
    if primitive.opening > 0:
        seen_inside &= ~_in_opening(primitive, solid, far, ray_x, ray_y)
    return np.where(seen_inside, far, depth).astype(np.float32)


def _in_opening(
    primitive: Primitive, solid: _Solid, depth: npt.NDArray[np.floating], ray_x: FloatArray, ray_y: FloatArray
) -> BoolArray:
    safe = np.where(np.isfinite(depth), depth, 0)
    turn = solid.to_round
    ahead = safe * _linear(turn.T @ solid.front, ray_x, ray_y) - np.float32(solid.start @ solid.front)
    aside = safe * _linear(turn.T @ solid.side, ray_x, ray_y) - np.float32(solid.start @ solid.side)
    opened: BoolArray = np.abs(aside) < np.float32(np.tan(min(primitive.opening, 1.4))) * ahead
    return opened


def _ball(ray_ray: FloatArray, ray_center: FloatArray, rest: float) -> FloatArray:
    root = ray_center * ray_center - ray_ray * np.float32(rest)
    met = root >= 0
    near = (ray_center - np.sqrt(np.where(met, root, 0))) / ray_ray
    return np.where(met, near, np.inf).astype(np.float32)


def _linear(vector: DoubleArray, ray_x: FloatArray, ray_y: FloatArray) -> FloatArray:
    """Return the product of every ray (x, y, 1) with a vector, float32 (h, w)."""
    x, y, z = vector.astype(np.float32)
    product: FloatArray = ray_x * x + (ray_y * y + z)
    return product


def _squared_rays(metric: DoubleArray, ray_x: FloatArray, ray_y: FloatArray) -> FloatArray:
    """Return the squared length of every ray (x, y, 1) under a symmetric metric, float32 (h, w)."""
    m = metric.astype(np.float32)
    squares = ray_x * (m[0, 0] * ray_x + 2 * m[0, 2]) + (ray_y * (m[1, 1] * ray_y + 2 * m[1, 2]) + m[2, 2])
    return np.asarray(squares + (2 * m[0, 1] * ray_x) * ray_y, dtype=np.float32)


def _described(solids: Sequence[_Solid], camera: Camera, index: IndexArray, depth: FloatArray) -> Surface:
    mask = index != NOTHING
    rows, columns = np.nonzero(mask)
    owner, far = index[mask], depth[mask]
    rays = np.stack(
        [(columns - camera.center_x) / camera.focal, (rows - camera.center_y) / camera.focal, np.ones(len(rows))],
        axis=1,
    ).astype(np.float32)
    points = rays * far[:, None]
    normal = np.zeros_like(points)
    along, around, angle = (np.zeros(len(points), dtype=np.float32) for _ in range(3))
    for number, solid in enumerate(solids):
        chosen = np.flatnonzero(owner == number)
        if not len(chosen):
            continue
        turn = solid.to_round.astype(np.float32)
        q = points[chosen] @ turn.T - solid.start.astype(np.float32)
        axis = solid.axis.astype(np.float32)
        share = np.zeros(len(chosen), dtype=np.float32)
        if solid.span > 1e-8:
            share = np.clip((q @ axis - solid.start_radius * solid.taper) / np.float32(solid.span), 0, 1).astype(
                np.float32
            )
        out = q - share[:, None] * axis
        normal[chosen] = out @ turn
        angle[chosen] = np.arctan2(out @ solid.side.astype(np.float32), out @ solid.front.astype(np.float32))
        along[chosen] = share * np.float32(solid.length)
        around[chosen] = angle[chosen] * np.float32((solid.start_radius + solid.end_radius) / 2)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    inside = (normal * rays).sum(axis=1) > 0
    normal[inside] *= -1
    return Surface(index, depth, mask, normal, along, around, angle, points, inside)
