"""The surfaces of an avatar: for every part of the person a front and a back sheet, closed between them.

A part's sheets cover the pixels that the photo's segmentation gives it, those that lie hidden behind other parts included. Where the
fitted body is seen through a pixel its surface tells the depth; from there to the part's outline the sheets come together like the edge
of a cushion: the square of the distance from the middle falls harmonically to zero. So dresses, coats, bags and hair have a
thickness although the body knows nothing of them. Ours.

All positions are in pixels of the photo: x right, y down, z away from the camera, the body's root at z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve
from scipy.spatial import cKDTree

from motionwarp.body.rasterizer import rasterize
from motionwarp.types import BoolArray, FloatArray

IntArray = npt.NDArray[np.int32]

BONES_OF_VERTEX: Final = 4
_STEP_TORSOS: Final = 0.022  # side of a cell
_SOLID_ALPHA: Final = 0.95  # coverage over which a sheet is opaque
_SOLID_PIXELS: Final = 1.0
_BREADTH: Final = 0.6  # thickness of hanging cloth over its breadth
_KNOWN_CELLS: Final = 1.5  # cells from the outline within which the body's depth is not taken over
_LEAST_THICKNESS: Final = 0.02  # torsos from the middle to a sheet
_SMOOTHING_ROUNDS: Final = 6
_GARMENT_ROUNDS: Final = 60


@dataclass(frozen=True, eq=False)
class BodySurface:
    """The fitted body as the photo's camera sees it.

    Attributes
    ----------
    vertices : float32 (V, 3)
        In pixels of the photo, z away from the camera.
    faces : int32 (F, 3)
    parts : uint8 (V,)
        Part of each vertex.
    weights : float32 (V, B)
        How much each of the B driven bones moves it; rows sum to 1.
    """

    vertices: FloatArray
    faces: IntArray
    parts: npt.NDArray[np.uint8]
    weights: FloatArray

    def __post_init__(self) -> None:
        count = len(self.vertices)
        if self.vertices.shape != (count, 3) or self.parts.shape != (count,) or len(self.weights) != count:
            raise ValueError(
                f"BodySurface needs vertices (V, 3), parts (V,) and weights (V, B), got {self.vertices.shape}, "
                f"{self.parts.shape} and {self.weights.shape}"
            )


@dataclass(frozen=True, eq=False)
class Sheets:
    """Triangles of an avatar or of one of its parts.

    Attributes
    ----------
    positions : float32 (N, 3)
        In the photo's own pose.
    uv : float32 (N, 2)
        Texels of the atlas, centres at integers.
    bones : int32 (N, 4)
    bone_weights : float32 (N, 4)
        Rows sum to 1.
    faces : int32 (F, 3)
    layers : int32 (F,)
        Twice the part, and one more for triangles that are opaque everywhere.
    """

    positions: FloatArray
    uv: FloatArray
    bones: IntArray
    bone_weights: FloatArray
    faces: IntArray
    layers: IntArray


def joined(pieces: list[Sheets]) -> Sheets:
    """Put the sheets of several parts together."""
    starts = np.cumsum([0, *(len(piece.positions) for piece in pieces)])[:-1]
    return Sheets(
        np.concatenate([piece.positions for piece in pieces]),
        np.concatenate([piece.uv for piece in pieces]),
        np.concatenate([piece.bones for piece in pieces]),
        np.concatenate([piece.bone_weights for piece in pieces]),
        np.concatenate([piece.faces + start for piece, start in zip(pieces, starts, strict=True)]).astype(np.int32),
        np.concatenate([piece.layers for piece in pieces]),
    )


@dataclass(frozen=True, eq=False)
class _Grid:
    """A lattice of vertices over the box of a part, in pixels of the photo."""

    left: float
    top: float
    step: float
    rows: int
    columns: int

    @property
    def xy(self) -> FloatArray:
        y, x = np.mgrid[0 : self.rows, 0 : self.columns].astype(np.float32)
        return np.stack([self.left + x * self.step, self.top + y * self.step], axis=-1).astype(np.float32)

    def sampled(self, field: FloatArray, border: float) -> FloatArray:
        """Sample a field over the photo at the vertices, float32 (rows, columns)."""
        xy = self.xy
        return np.asarray(
            cv2.remap(
                field.astype(np.float32), xy[..., 0], xy[..., 1], cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT, borderValue=border,
            ),
            dtype=np.float32,
        )  # fmt: skip


def part_sheets(
    part: int, alpha: FloatArray, body: BodySurface, near: tuple[int, ...], torso: float, loose: bool
) -> tuple[Sheets, int] | None:
    """Make the two sheets of one part.

    Parameters
    ----------
    part : int
    alpha : float32 (H, W)
        Coverage of the part, hidden places included, over the photo.
    body : BodySurface
    near : tuple of int
        The body's parts whose surface and bones the sheets follow: the part itself and those joined to it.
    torso : float
        Length of the torso in pixels.
    loose : bool
        Whether the part is cloth that hangs: its bones' weights are smoothed far.

    Returns
    -------
    sheets, count
        `uv` holds pixels of the photo; how many vertices the front has, and the back as many after them. None where the part has no pixel or no body.
    """
    covered = alpha > 0.02
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    chosen = np.isin(body.parts, near)
    if len(rows) < 2 or len(columns) < 2 or not chosen.any():
        return None
    step = float(np.clip(_STEP_TORSOS * torso, 2.0, 12.0))
    grid = _Grid(
        columns[0] - 1.5 * step, rows[0] - 1.5 * step, step,
        int((rows[-1] - rows[0]) / step) + 4, int((columns[-1] - columns[0]) / step) + 4,
    )  # fmt: skip
    # vertices of cells that have any coverage
    reach = np.asarray(cv2.dilate(covered.astype(np.uint8), np.ones((3, 3), np.uint8)), dtype=np.float32)
    spread = cv2.blur(reach, (int(step) | 1, int(step) | 1))
    used = grid.sampled(spread, 0.0) > 0
    inside = grid.sampled(_depth_within(alpha > 0.5), 0.0)
    solid = grid.sampled(_depth_within(alpha > _SOLID_ALPHA), 0.0) > _SOLID_PIXELS
    front, back = _body_depths(body, chosen, grid)
    middle, to_front, to_back = _cushion(front, back, inside, used, step, torso, loose=loose)
    weights = _skinning(body, chosen, grid, middle, used, _GARMENT_ROUNDS if loose else _SMOOTHING_ROUNDS)
    return _triangulated(part, grid, used, solid, (middle, to_front, to_back), weights)


def _depth_within(mask: BoolArray) -> FloatArray:
    """Return how far each pixel of a mask lies from its outside, in pixels, float32 (H, W)."""
    # the picture's border is no outline: people go on beyond it
    padded = np.pad(mask.astype(np.uint8), 1, mode="edge")
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1], dtype=np.float32)


def _body_depths(body: BodySurface, chosen: BoolArray, grid: _Grid) -> tuple[FloatArray, FloatArray]:
    """Return the nearest and the farthest depth of the body's chosen parts at each vertex, NaN where they are not."""
    faces = body.faces[chosen[body.faces].all(axis=1)]
    placed = (body.vertices - np.array([grid.left, grid.top, 0], dtype=np.float32)) / np.array(
        [grid.step, grid.step, 1], dtype=np.float32
    )
    front = rasterize(placed, faces, grid.rows, grid.columns).depth
    back = -rasterize(placed * np.array([1, 1, -1], dtype=np.float32), faces, grid.rows, grid.columns).depth
    lost = np.isinf(front) | np.isinf(back)
    front[lost] = back[lost] = np.nan
    return front, back


def _cushion(
    front: FloatArray, back: FloatArray, inside: FloatArray, used: BoolArray, step: float, torso: float, *, loose: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the middle depth and the distances from it to the front and the back sheet, each float32 (rows, columns)."""
    known = ~np.isnan(front)
    if not known.any():
        flat = np.zeros_like(front)
        return flat, flat.copy(), flat.copy()
    half = np.where(known, (front + back) / 2, 0.0)
    middle = _harmonic(half, known, used | known)
    if loose:
        middle = cv2.GaussianBlur(middle, (0, 0), 4)
    deep = known & (inside > _KNOWN_CELLS * step)
    outline = used & (inside <= 0.5)
    least = (_LEAST_THICKNESS * torso) ** 2
    # cloth that hangs is about as thick as it is broad: an ellipse over every row
    breadth = _row_ellipses(inside > 0.5, step) if loose else np.zeros_like(middle)
    sides = []
    for depth, sign in ((front, -1.0), (back, 1.0)):
        square = np.maximum(np.where(known, sign * (depth - middle), 0.0), 0.0) ** 2
        values = np.where(deep, np.maximum(square, least), 0.0)
        filled = np.sqrt(np.maximum(_harmonic(values, deep | outline, used | deep | outline), 0.0))
        filled = np.where(outline, 0.0, np.maximum(filled, breadth))
        sides.append(filled if not loose else np.where(outline, 0.0, cv2.GaussianBlur(filled, (0, 0), 1.5)))
    return middle.astype(np.float32), sides[0].astype(np.float32), sides[1].astype(np.float32)


def _row_ellipses(mask: BoolArray, step: float) -> npt.NDArray[np.float64]:
    """Return the height over the middle of an ellipse that is as broad as each row of a mask, in pixels, (rows, columns)."""
    result = np.zeros(mask.shape)
    columns = np.arange(mask.shape[1])
    for row in range(len(mask)):
        own = np.flatnonzero(mask[row])
        if len(own) < 2:
            continue
        radius = (own[-1] - own[0]) / 2
        across = np.clip(1 - ((columns - (own[0] + own[-1]) / 2) / max(radius, 1)) ** 2, 0, 1)
        result[row] = _BREADTH * radius * step * np.sqrt(across)
    return cv2.GaussianBlur(result, (0, 0), 1.5)


def _harmonic(values: FloatArray, fixed: BoolArray, domain: BoolArray) -> FloatArray:
    """Return the harmonic continuation of fixed values over a domain, free at its border, float64 (rows, columns)."""
    number = np.full(domain.shape, -1, dtype=np.int64)
    free = domain & ~fixed
    number[free] = np.arange(np.count_nonzero(free))
    result = np.where(fixed, values, 0.0).astype(np.float64)
    count = int(free.sum())
    if not count:
        return result
    rows, columns, entries = [], [], []
    right = np.zeros(count)
    degree = np.zeros(count)
    ys, xs = np.nonzero(free)
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        y, x = ys + dy, xs + dx
        within = (y >= 0) & (x >= 0) & (y < domain.shape[0]) & (x < domain.shape[1])
        own = number[ys, xs][within]
        y, x = y[within], x[within]
        there = domain[y, x]
        own, y, x = own[there], y[there], x[there]
        degree[own] += 1
        of_fixed = fixed[y, x]
        np.add.at(right, own[of_fixed], result[y[of_fixed], x[of_fixed]])
        rows.append(own[~of_fixed])
        columns.append(number[y[~of_fixed], x[~of_fixed]])
        entries.append(np.full(np.count_nonzero(~of_fixed), -1.0))
    rows.append(np.arange(count))
    columns.append(np.arange(count))
    # islands without any fixed value stay near zero rather than being singular
    entries.append(degree + 1e-6)
    matrix = coo_matrix(
        (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns))), shape=(count, count)
    ).tocsr()
    result[free] = spsolve(matrix, right)
    return result


def _skinning(
    body: BodySurface, chosen: BoolArray, grid: _Grid, middle: FloatArray, used: BoolArray, rounds: int
) -> FloatArray:
    """Return the bones' weights of every vertex, those of the nearest vertices of the body, smoothed; float32 (rows, columns, B)."""
    surface = body.vertices[chosen]
    xyz = np.dstack([grid.xy, middle])[used]
    # depth counts less than what is seen
    flat = np.array([1.0, 1.0, 0.5], dtype=np.float32)
    distances, nearest = cKDTree(surface * flat).query(xyz * flat, k=6)
    share = 1 / (distances + 0.5 * grid.step) ** 2
    share /= share.sum(axis=1, keepdims=True)
    found = np.einsum("nk,nkb->nb", share, body.weights[chosen][nearest])
    field = np.zeros((grid.rows, grid.columns, found.shape[1]), dtype=np.float32)
    field[used] = found
    mask = used.astype(np.float32)
    for _ in range(rounds):
        total = cv2.blur(mask, (3, 3))[..., None]
        planes = [cv2.blur(field[..., bone] * mask, (3, 3)) for bone in range(field.shape[2])]
        field = np.where(used[..., None], np.stack(planes, axis=-1) / np.maximum(total, 1e-6), 0.0).astype(np.float32)
    return field


def _triangulated(
    part: int,
    grid: _Grid,
    used: BoolArray,
    solid: BoolArray,
    depths: tuple[FloatArray, FloatArray, FloatArray],
    weights: FloatArray,
) -> tuple[Sheets, int] | None:
    """Return front and back as triangles, with walls between them where the part is opaque."""
    middle, to_front, to_back = depths
    number = np.full(used.shape, -1, dtype=np.int64)
    number[used] = np.arange(np.count_nonzero(used))
    count = int(used.sum())
    cells = used[:-1, :-1] & used[:-1, 1:] & used[1:, :-1] & used[1:, 1:]
    if not cells.any():
        return None
    corners = [number[:-1, :-1][cells], number[:-1, 1:][cells], number[1:, :-1][cells], number[1:, 1:][cells]]
    upper = np.stack([corners[0], corners[1], corners[2]], axis=1)
    lower = np.stack([corners[1], corners[3], corners[2]], axis=1)
    faces = np.concatenate([upper, lower])
    opaque = solid[used][faces].all(axis=1)
    walls, doubles = _walls(faces[opaque], count)
    xy = grid.xy[used]
    positions = np.concatenate(
        [np.column_stack([xy, (middle - to_front)[used]]), np.column_stack([xy, (middle + to_back)[used]])]
    )
    order = np.argsort(-weights[used], axis=1)[:, :BONES_OF_VERTEX]
    chosen = np.take_along_axis(weights[used], order, axis=1)
    chosen /= np.maximum(chosen.sum(axis=1, keepdims=True), 1e-6)
    layers = 2 * part + opaque.astype(np.int32)
    # the walls' far edge lies on the back sheet and has the colors of the front one
    rows = np.concatenate([np.arange(count), np.arange(count), doubles])
    return (
        Sheets(
            np.concatenate([positions, positions[count + doubles]]).astype(np.float32),
            xy[rows].astype(np.float32),
            order[rows].astype(np.int32),
            chosen[rows].astype(np.float32),
            np.concatenate([faces, faces[:, ::-1] + count, walls]).astype(np.int32),
            np.concatenate([layers, layers, np.full(len(walls), 2 * part + 1)]).astype(np.int32),
        ),
        count,
    )


def _walls(faces: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Return triangles between the borders of the opaque part of the front and of the back.

    Returns
    -------
    walls : int32 (F, 3)
        Numbers from 2 `count` on are those of vertices to be added.
    doubles : int64 (D,)
        Which vertices of the front these are doubles of, at the back's depth.
    """
    if not len(faces):
        return np.zeros((0, 3), dtype=np.int32), np.zeros(0, dtype=np.int64)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    _, inverse, uses = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True, return_counts=True)
    border = edges[uses[inverse.ravel()] == 1]
    doubles, places = np.unique(border, return_inverse=True)
    far = 2 * count + places.reshape(border.shape)
    one, other = border[:, 0], border[:, 1]
    walls = [np.stack([one, other, far[:, 0]], axis=1), np.stack([other, far[:, 1], far[:, 0]], axis=1)]
    return np.concatenate(walls).astype(np.int32), doubles
