"""A z-buffer rasterizer: which triangle of a mesh is in front in every pixel, and where in that triangle.

Vertices are rounded to 1/256 of a pixel, so that the test of a pixel's center against an edge is exact in integers:
triangles that share an edge neither leave a hole along it nor claim a pixel twice (top-left rule). The CPU runs
compiled loops, a GPU runs batched tensor operations; both do the same arithmetic and give the same pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from motionwarp.compiled import compiled

__all__ = ["Fragments", "rasterize"]

Array = TypeVar("Array", npt.NDArray[Any], Tensor)

_SUBPIXELS: Final = 256
# twice the area of a triangle in subpixels must fit 63 bits: (2 * 2**20 * 2**8)**2 * 2
_LARGEST_COORDINATE: Final = float(1 << 20)
_CANDIDATES_AT_ONCE: Final = 1 << 24


@dataclass(frozen=True, eq=False)
class Fragments(Generic[Array]):
    """The front surface of a mesh, pixel by pixel.

    Attributes
    ----------
    face : int32 (H, W)
        Number of the triangle in front; -1 where there is none.
    barycentric : float32 (H, W, 3)
        Weights of that triangle's three vertices at the pixel's center, which sum to 1; zeros where there is none.
    depth : float32 (H, W)
        z at the pixel's center; infinite where there is none.
    faces : int32 (F, 3)
        The triangles that were drawn, as numbers of vertices.
    """

    face: Array
    barycentric: Array
    depth: Array
    faces: Array

    def __post_init__(self) -> None:
        face: tuple[int, ...] = tuple(self.face.shape)
        depth: tuple[int, ...] = tuple(self.depth.shape)
        barycentric: tuple[int, ...] = tuple(self.barycentric.shape)
        if len(face) != 2 or depth != face or barycentric != (*face, 3):
            raise ValueError(
                "Fragments need face and depth of (H, W) and barycentric of (H, W, 3), "
                f"got {face}, {depth}, {barycentric}"
            )

    @property
    def covered(self) -> Array:
        """Where there is a triangle, bool (H, W)."""
        return self.face >= 0

    def interpolate(self, vertex_attributes: Array) -> Array:
        """Return what the vertices carry (uv, colors, normals, rest positions ..), at every pixel.

        Parameters
        ----------
        vertex_attributes : float32 (N, C)

        Returns
        -------
        float32 (H, W, C)
            Linear within a triangle in the picture plane, which is exact under weak perspective; zeros where none is.

        Raises
        ------
        ValueError
            If there are fewer rows than vertices.
        """
        if vertex_attributes.ndim != 2:
            raise ValueError(f"attributes of vertices have shape (N, C), got {tuple(vertex_attributes.shape)}")
        if len(self.faces) and len(vertex_attributes) <= int(self.faces.max()):
            raise ValueError(f"{len(vertex_attributes)} rows of attributes for {int(self.faces.max()) + 1} vertices")
        if isinstance(self.face, Tensor):
            corners = self.faces.long()[self.face.clamp(min=0).long()]  # (H, W, 3)
            weighted = vertex_attributes[corners] * self.barycentric.unsqueeze(-1)  # (H, W, 3, C)
            return weighted.sum(dim=2)
        attributes = np.ascontiguousarray(vertex_attributes, dtype=np.float32)
        return _interpolate(self.face, self.barycentric, self.faces, attributes)


def rasterize(vertices: Array, faces: Array, height: int, width: int) -> Fragments[Array]:
    """Find the triangle in front in every pixel.

    Parameters
    ----------
    vertices : float32 (N, 3), array or tensor
        x and y in pixels, with pixel centers at integers, and z away from the camera, in any unit.
    faces : int32 (F, 3), array or tensor
        Three vertices each. Both sides of a triangle are drawn.
    height, width : int
        Size of the picture; what lies outside of it is cut off.

    Returns
    -------
    Fragments
        Arrays for arrays, tensors on the same device for tensors. Among triangles at one depth the first is in front.

    Raises
    ------
    ValueError
        If a shape is wrong, a vertex is not finite or more than 2**20 pixels away, or a face names no vertex.

    Notes
    -----
    Our own implementation of the edge functions of Pineda, "A parallel algorithm for polygon rasterization" (1988).
    """
    _refuse_misfit(vertices, faces, height, width)
    if not isinstance(vertices, Tensor):
        return _rasterize_arrays(vertices, faces, height, width)
    if vertices.device.type != "cpu":
        return _rasterize_on_device(vertices.detach().float(), faces.int(), height, width)
    drawn = _rasterize_arrays(vertices.detach().numpy(), faces.numpy(), height, width)
    face, barycentric, depth = (torch.from_numpy(part) for part in (drawn.face, drawn.barycentric, drawn.depth))
    return Fragments(face, barycentric, depth, faces.int())


def _rasterize_arrays(
    vertices: npt.NDArray[Any], faces: npt.NDArray[Any], height: int, width: int
) -> Fragments[npt.NDArray[Any]]:
    vertices = np.ascontiguousarray(vertices, dtype=np.float32)
    faces = np.ascontiguousarray(faces, dtype=np.int32)
    grid = np.rint(vertices[:, :2].astype(np.float64) * _SUBPIXELS).astype(np.int64)
    face, depth = _fill(grid, vertices[:, 2], faces, height, width)
    return Fragments(face, _weigh(face, grid, faces), depth, faces)


def _refuse_misfit(vertices: Array, faces: Array, height: int, width: int) -> None:
    if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise ValueError(
            f"a mesh has vertices (N, 3) and faces (F, 3), got {tuple(vertices.shape)}, {tuple(faces.shape)}"
        )
    if height <= 0 or width <= 0:
        raise ValueError(f"a picture needs a size, got {width}x{height}")
    # a value that is not finite fails the comparison as well
    if len(vertices) and not (bool((abs(vertices[:, :2]) < _LARGEST_COORDINATE).all()) and _is_finite(vertices[:, 2])):
        raise ValueError("a vertex is not finite, or more than 2**20 pixels away from the picture")
    if len(faces) and not (int(faces.min()) >= 0 and int(faces.max()) < len(vertices)):
        raise ValueError(f"faces name vertices {int(faces.min())} to {int(faces.max())} of {len(vertices)}")


def _is_finite(values: Array) -> bool:
    return bool((abs(values) < float("inf")).all())


@compiled
def _edge(ax: int, ay: int, bx: int, by: int, px: int, py: int) -> int:
    """Twice the signed area of a, b, p: positive where p is to the right of a to b, y down."""
    return (bx - ax) * (py - ay) - (by - ay) * (px - ax)


@compiled
def _owns(ax: int, ay: int, bx: int, by: int) -> bool:
    """Whether a pixel exactly on the edge from a to b belongs to the triangle to its right: a top or a left edge."""
    return (ay == by and bx > ax) or by < ay


@compiled
def _fill(
    grid: npt.NDArray[np.int64], z: npt.NDArray[np.float32], faces: npt.NDArray[np.int32], height: int, width: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    face = np.full((height, width), np.int32(-1))
    depth = np.full((height, width), np.float32(np.inf))
    one = 256  # _SUBPIXELS
    for number in range(len(faces)):
        a, b, c = faces[number, 0], faces[number, 1], faces[number, 2]
        ax, ay, bx, by, cx, cy = grid[a, 0], grid[a, 1], grid[b, 0], grid[b, 1], grid[c, 0], grid[c, 1]
        left = max(-(-min(ax, bx, cx) // one), 0)
        right = min(max(ax, bx, cx) // one, width - 1)
        top = max(-(-min(ay, by, cy) // one), 0)
        bottom = min(max(ay, by, cy) // one, height - 1)
        # most of a fine mesh lies between the pixels' centers
        if left > right or top > bottom:
            continue
        area = _edge(ax, ay, bx, by, cx, cy)
        if area == 0:
            continue
        if area < 0:  # seen from behind: turned round, so that inside is to the right of every edge
            b, c, area = c, b, -area
            bx, by, cx, cy = cx, cy, bx, by
        # an edge that does not own its pixels asks for at least 1
        least_a = 0 if _owns(bx, by, cx, cy) else 1
        least_b = 0 if _owns(cx, cy, ax, ay) else 1
        least_c = 0 if _owns(ax, ay, bx, by) else 1
        za, zb, zc = np.float64(z[a]), np.float64(z[b]), np.float64(z[c])
        for y in range(top, bottom + 1):
            weight_a = _edge(bx, by, cx, cy, left * one, y * one)
            weight_b = _edge(cx, cy, ax, ay, left * one, y * one)
            weight_c = _edge(ax, ay, bx, by, left * one, y * one)
            for x in range(left, right + 1):
                if weight_a >= least_a and weight_b >= least_b and weight_c >= least_c:
                    value = np.float32((weight_a * za + weight_b * zb + weight_c * zc) / area)
                    if value < depth[y, x]:
                        depth[y, x] = value
                        face[y, x] = number
                weight_a -= (cy - by) * one
                weight_b -= (ay - cy) * one
                weight_c -= (by - ay) * one
    return face, depth


@compiled
def _weigh(
    face: npt.NDArray[np.int32], grid: npt.NDArray[np.int64], faces: npt.NDArray[np.int32]
) -> npt.NDArray[np.float32]:
    height, width = face.shape
    barycentric = np.zeros((height, width, 3), np.float32)
    for y in range(height):
        for x in range(width):
            number = face[y, x]
            if number < 0:
                continue
            a, b, c = faces[number, 0], faces[number, 1], faces[number, 2]
            ax, ay, bx, by, cx, cy = grid[a, 0], grid[a, 1], grid[b, 0], grid[b, 1], grid[c, 0], grid[c, 1]
            area = np.float64(_edge(ax, ay, bx, by, cx, cy))
            barycentric[y, x, 0] = _edge(bx, by, cx, cy, x * 256, y * 256) / area
            barycentric[y, x, 1] = _edge(cx, cy, ax, ay, x * 256, y * 256) / area
            barycentric[y, x, 2] = _edge(ax, ay, bx, by, x * 256, y * 256) / area
    return barycentric


@compiled
def _interpolate(
    face: npt.NDArray[np.int32],
    barycentric: npt.NDArray[np.float32],
    faces: npt.NDArray[np.int32],
    attributes: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    height, width = face.shape
    channels = attributes.shape[1]
    values = np.zeros((height, width, channels), np.float32)
    for y in range(height):
        for x in range(width):
            number = face[y, x]
            if number < 0:
                continue
            for corner in range(3):
                weight = barycentric[y, x, corner]
                vertex = faces[number, corner]
                for channel in range(channels):
                    values[y, x, channel] += weight * attributes[vertex, channel]
    return values


def _rasterize_on_device(vertices: Tensor, faces: Tensor, height: int, width: int) -> Fragments[Tensor]:
    """Test every pixel of every triangle's box at once; the smallest (depth, number) of a pixel wins."""
    grid = torch.round(vertices[:, :2].double() * _SUBPIXELS).long()
    corners = grid[faces.long()]  # (F, 3, 2)
    area = _edge_of(corners[:, 0], corners[:, 1], corners[:, 2])
    boxes = _boxes(corners, height, width)  # (F, 4)
    sizes = (boxes[:, 2] - boxes[:, 0] + 1).clamp(min=0) * (boxes[:, 3] - boxes[:, 1] + 1).clamp(min=0)
    sizes = torch.where(area == 0, 0, sizes)
    nothing = torch.iinfo(torch.int64).max
    winners = torch.full((height * width,), nothing, dtype=torch.int64, device=vertices.device)
    for chosen in _chunks(sizes):
        pixel, key = _candidates(chosen, sizes, boxes, corners, area, vertices[:, 2].double()[faces.long()], width)
        winners.scatter_reduce_(0, pixel, key, "amin")
    winners = winners.view(height, width)
    empty = winners == nothing
    face = torch.where(empty, -1, winners & 0xFFFFFFFF).int()
    depth = torch.where(empty, torch.inf, _float_of((winners >> 32).int()))
    return Fragments(face, _weights_at(face, corners), depth, faces)


def _edge_of(a: Tensor, b: Tensor, p: Tensor) -> Tensor:
    return (b[..., 0] - a[..., 0]) * (p[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (p[..., 0] - a[..., 0])


def _boxes(corners: Tensor, height: int, width: int) -> Tensor:
    """Return left, top, right and bottom pixels that may lie in each triangle, within the picture."""
    low = -torch.div(-corners.amin(dim=1), _SUBPIXELS, rounding_mode="floor")
    high = torch.div(corners.amax(dim=1), _SUBPIXELS, rounding_mode="floor")
    limit = torch.tensor([width - 1, height - 1], device=corners.device)
    return torch.cat([low.clamp(min=0), torch.minimum(high, limit)], dim=1)


def _chunks(sizes: Tensor) -> list[Tensor]:
    """Return numbers of triangles in groups whose boxes together have a bounded number of pixels."""
    drawn = torch.nonzero(sizes).squeeze(1)
    if not len(drawn):
        return []
    group = torch.cumsum(sizes[drawn], 0) // _CANDIDATES_AT_ONCE
    lengths: list[int] = torch.unique_consecutive(group, return_counts=True)[1].tolist()
    return list(torch.split(drawn, lengths))


def _candidates(
    chosen: Tensor, sizes: Tensor, boxes: Tensor, corners: Tensor, area: Tensor, z: Tensor, width: int
) -> tuple[Tensor, Tensor]:
    """Return the pixels in the chosen triangles, and their depth and triangle as one number each, int64 (K,)."""
    counts = sizes[chosen]
    number = torch.repeat_interleave(chosen, counts)  # (K,)
    first = torch.repeat_interleave(torch.cumsum(counts, 0) - counts, counts)
    offset = torch.arange(len(number), device=number.device) - first
    columns = boxes[number, 2] - boxes[number, 0] + 1
    x = boxes[number, 0] + offset % columns
    y = boxes[number, 1] + offset // columns
    center = torch.stack([x, y], dim=1) * _SUBPIXELS
    total = torch.zeros(len(number), dtype=torch.float64, device=number.device)
    inside = torch.ones(len(number), dtype=torch.bool, device=number.device)
    sign = torch.sign(area[number])
    # the compiled loops turn a triangle seen from behind by exchanging b and c, and sum in that order
    order = torch.where(
        sign[:, None] > 0, torch.tensor([0, 1, 2], device=sign.device), torch.tensor([0, 2, 1], device=sign.device)
    )
    for index in range(3):
        start = corners[number, order[:, (index + 1) % 3]]
        end = corners[number, order[:, (index + 2) % 3]]
        weight = _edge_of(start, end, center)
        step = end - start
        owns = ((step[:, 1] == 0) & (step[:, 0] > 0)) | (step[:, 1] < 0)
        inside &= weight >= torch.where(owns, 0, 1)
        total = total + weight * z[number, order[:, index]]
    depth = (total / area[number].abs()).float()
    key = (_order_of(depth).long() << 32) | number
    return (y * width + x)[inside], key[inside]


def _order_of(values: Tensor) -> Tensor:
    """Return int32 numbers in the order of float32 values."""
    bits = values.view(torch.int32)
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)


def _float_of(order: Tensor) -> Tensor:
    """Return the values that `_order_of` numbered."""
    return torch.where(order < 0, order ^ 0x7FFFFFFF, order).view(torch.float32)


def _weights_at(face: Tensor, corners: Tensor) -> Tensor:
    height, width = face.shape
    rows = torch.arange(height, device=face.device)[:, None].expand(height, width)
    columns = torch.arange(width, device=face.device)[None].expand(height, width)
    center = torch.stack([columns, rows], dim=-1) * _SUBPIXELS  # (H, W, 2)
    covered = face >= 0
    triangle = corners[face[covered].long()]  # (K, 3, 2)
    inside = center[covered]
    area = _edge_of(triangle[:, 0], triangle[:, 1], triangle[:, 2])
    barycentric = torch.zeros(height, width, 3, device=face.device)
    for index in range(3):
        edge = _edge_of(triangle[:, (index + 1) % 3], triangle[:, (index + 2) % 3], inside)
        barycentric[..., index][covered] = (edge.double() / area).float()
    return barycentric
