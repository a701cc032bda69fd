"""The surfaces of an avatar: for every part of the person a front and a back sheet, closed between them.

A part's sheets cover the pixels that the photo's segmentation gives it, those that lie hidden behind other parts
included; `motionwarp.avatar.depth` tells how thick they are. Walls join them where an opaque part ends. Ours.

All positions are in pixels of the photo: x right, y down, z away from the camera, the body's root at z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from motionwarp.avatar.body_surface import BodySurface, IntArray, Lattice
from motionwarp.avatar.depth import Form, SheetDepths, body_depths, cushion, depth_within
from motionwarp.avatar.head_depth import head_depths
from motionwarp.avatar.skinning import skinning_weights
from motionwarp.compiled import compiled
from motionwarp.types import BoolArray, ByteArray, FloatArray

BONES_OF_VERTEX: Final = 4
_STEP_TORSOS: Final = 0.022  # side of a cell
_CELLS_ACROSS: Final = 14  # of any part, at least
_SOLID_ALPHA: Final = 0.95  # coverage over which a sheet is opaque
_SOLID_PIXELS: Final = 1.0
_SMOOTHING_ROUNDS: Final = 6
_GARMENT_ROUNDS: Final = 60
_BLUR_TORSOS: Final = 0.05  # from what is opaque: farther off a limb's matte is not followed
_BORDER_ROUNDS: Final = 6
_SEEN_WELL: Final = 0.6  # cosine from which the photo's pixels are fit to be seen straight on
_SIDE_SMOOTHING_CELLS: Final = 2.0
_REACHED_CELLS: Final = 10  # that are gone over from the outline to what is seen well
_SIDES: Final = (0.6, 0.7)  # rim and reach of `SideRules`


@dataclass(frozen=True, eq=False)
class Sheets:
    """Triangles of an avatar or of one of its parts.

    Attributes
    ----------
    positions : float32 (N, 3)
        In the photo's own pose.
    uv : float32 (N, 2)
        Texels of the atlas, centres at integers.
    side_uv : float32 (N, 2)
        Texels in place of these where a surface is seen much better than the photo showed it, which there would draw
        few pixels out to streaks.
    facing : float32 (N,)
        How much the photo's camera, or one opposite to it for backs, sees of the surface: a cosine in [0, 1].
    bones : int32 (N, 4)
    bone_weights : float32 (N, 4)
        Rows sum to 1.
    faces : int32 (F, 3)
    layers : int32 (F,)
        Twice the part, and one more for triangles that are opaque everywhere.
    """

    positions: FloatArray
    uv: FloatArray
    side_uv: FloatArray
    facing: FloatArray
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
        np.concatenate([piece.side_uv for piece in pieces]),
        np.concatenate([piece.facing for piece in pieces]),
        np.concatenate([piece.bones for piece in pieces]),
        np.concatenate([piece.bone_weights for piece in pieces]),
        np.concatenate([piece.faces + start for piece, start in zip(pieces, starts, strict=True)]).astype(np.int32),
        np.concatenate([piece.layers for piece in pieces]),
    )


def part_sheets(
    part: int, cover: Cover, body: BodySurface, near: tuple[int, ...], torso: float, form: Form
) -> tuple[Sheets, int] | None:
    """Make the two sheets of one part.

    Parameters
    ----------
    part : int
    cover : Cover
    body : BodySurface
    near : tuple of int
        The body's parts whose surface and bones the sheets follow: the part itself and those joined to it.
    torso : float
        Length of the torso in pixels.
    form : Form
        Weights of the bones of cloth that hangs are smoothed far.

    Returns
    -------
    sheets, count
        `uv` and `side_uv` hold pixels of the photo; how many vertices the front has, and the back as many after them.
        None where the part has no pixel or no body.
    """
    alpha = cover.alpha
    covered = alpha > 0.02
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    chosen = np.isin(body.parts, near)
    if len(rows) < 2 or len(columns) < 2 or not chosen.any():
        return None
    # small parts, feet above all, need cells of their own size
    breadth = min(rows[-1] - rows[0], columns[-1] - columns[0])
    step = float(np.clip(min(_STEP_TORSOS * torso, breadth / _CELLS_ACROSS), 2.0, 12.0))
    lattice = Lattice(
        columns[0] - 1.5 * step, rows[0] - 1.5 * step, step,
        int((rows[-1] - rows[0]) / step) + 4, int((columns[-1] - columns[0]) / step) + 4,
    )  # fmt: skip
    # vertices of cells that have any coverage
    reach = np.asarray(cv2.dilate(covered.astype(np.uint8), np.ones((3, 3), np.uint8)), dtype=np.float32)
    spread = np.asarray(cv2.blur(reach, (int(step) | 1, int(step) | 1)), dtype=np.float32)
    used = lattice.sampled(spread, 0.0) > 0
    if form not in (Form.HEAD, Form.HOLDING) and (alpha > _SOLID_ALPHA).any():
        # the blur of a matte is no surface: seen from the side it would be a flap, and beside a lifted arm a thread
        away = cv2.distanceTransform((alpha <= _SOLID_ALPHA).astype(np.uint8), cv2.DIST_L2, 5)
        used &= lattice.sampled(np.asarray(away, dtype=np.float32), 1e3) < max(_BLUR_TORSOS * torso, 2 * step)
    inside = lattice.sampled(depth_within(alpha > 0.5), 0.0)
    solid = lattice.sampled(depth_within(alpha > _SOLID_ALPHA), 0.0) > _SOLID_PIXELS
    if form is Form.HEAD:
        classes = _picked(cover.classes, lattice.xy.reshape(-1, 2)).reshape(used.shape)
        depths = head_depths(body, lattice, inside, used, solid, torso, classes)
    else:
        depths = cushion(body_depths(body, chosen, lattice), inside, used, step, torso, form=form)
    rounds = _GARMENT_ROUNDS if form is Form.CLOTH else _SMOOTHING_ROUNDS
    weights = skinning_weights(body, chosen, lattice, depths.middle, used, rounds)
    # nothing of a face is mirrored beside it
    side_rim, side_reach = (0.0, 0.0) if form is Form.HEAD else _SIDES
    sides = SideRules(_inward(inside), inside, solid, cover.classes, side_rim, side_reach)
    return _triangulated(part, lattice, used, depths, weights, sides)


@dataclass(frozen=True, eq=False)
class Cover:
    """What a photo shows of a part.

    Attributes
    ----------
    alpha : float32 (H, W)
        Coverage of the part, hidden places included.
    classes : uint8 (H, W)
        Of the parsing: a side has no colors of another class.
    """

    alpha: FloatArray
    classes: ByteArray


@dataclass(frozen=True, eq=False)
class SideRules:
    """Where the colors of a part's sides come from.

    Attributes
    ----------
    inward : float32 (rows, columns, 2)
        Directions away from the outline, unit vectors; zeros where there is none.
    inside : float32 (rows, columns)
        How far each vertex lies within the outline, in pixels.
    solid : bool (rows, columns)
        Vertices in the opaque part.
    classes : uint8 (H, W)
        Of the photo's pixels: colors are taken from within a class only.
    rim : float
        How broad the sides are at most, as a share of the way from the outline to the middle.
    reach : float
        How far inward colors are taken from, in the same unit.
    """

    inward: FloatArray
    inside: FloatArray
    solid: BoolArray
    classes: ByteArray
    rim: float
    reach: float

    @property
    def deepest(self) -> float:
        """The way from the outline to the middle, in pixels, at least 2."""
        return max(float(self.inside.max()), 2.0)


def _inward(inside: FloatArray) -> FloatArray:
    soft = cv2.GaussianBlur(inside, (0, 0), 1.5)
    down, across = np.gradient(soft)
    length = np.hypot(across, down)
    return np.asarray(np.dstack([across, down]) / np.maximum(length, 1e-3)[..., None], dtype=np.float32)


def _triangulated(
    part: int,
    lattice: Lattice,
    used: BoolArray,
    depths: SheetDepths,
    weights: FloatArray,
    rules: SideRules,
) -> tuple[Sheets, int] | None:
    """Return front and back as triangles, with walls between them where the part is opaque."""
    number = np.full(used.shape, -1, dtype=np.int64)
    number[used] = np.arange(np.count_nonzero(used))
    count = int(used.sum())
    cells = used[:-1, :-1] & used[:-1, 1:] & used[1:, :-1] & used[1:, 1:]
    if not cells.any():
        return None
    corners = [number[:-1, :-1][cells], number[:-1, 1:][cells], number[1:, :-1][cells], number[1:, 1:][cells]]
    upper = np.stack([corners[0], corners[1], corners[2]], axis=1)
    lower = np.stack([corners[1], corners[3], corners[2]], axis=1)
    # both of a cell one after the other: what is drawn from them stays in the processor's cache
    faces = np.stack([upper, lower], axis=1).reshape(-1, 3).astype(np.int32)
    opaque = rules.solid[used][faces].all(axis=1)
    border, walls, doubles = _walls(faces[opaque], count)
    front = np.column_stack([lattice.xy[used], (depths.middle - depths.to_front)[used]]).astype(np.float32)
    back = np.column_stack([lattice.xy[used], (depths.middle + depths.to_back)[used]]).astype(np.float32)
    for sheet in (front, back):
        _smooth_border(sheet, border)
    seen = [np.abs(facing(sheet, faces)) for sheet in (front, back)]
    sides = [
        _side_places(lattice, used, sheet, cosine, rules) for sheet, cosine in zip((front, back), seen, strict=True)
    ]
    # behind a wall's edge the side goes on by the wall's breadth
    beyond = (
        sides[0][doubles]
        + rules.inward[used][doubles]
        * np.clip(back[doubles, 2] - front[doubles, 2], 0, rules.reach * lattice.step * _REACHED_CELLS)[:, None]
    )
    order = np.argsort(-weights[used], axis=1)[:, :BONES_OF_VERTEX]
    chosen = np.take_along_axis(weights[used], order, axis=1)
    chosen /= np.maximum(chosen.sum(axis=1, keepdims=True), 1e-6)
    layers = 2 * part + opaque.astype(np.int32)
    # the walls' far edge lies on the back sheet and has the colors of the front one
    rows = np.concatenate([np.arange(count), np.arange(count), doubles])
    positions = np.concatenate([front, back, back[doubles]]).astype(np.float32)
    triangles = np.concatenate([faces, faces[:, ::-1] + count, walls]).astype(np.int32)
    # never less than the photo itself shows of it, or the sides' colors would be seen at rest
    cosines = np.maximum(np.concatenate([*seen, np.zeros(len(doubles))]), np.abs(facing(positions, triangles)))
    return (
        Sheets(
            positions,
            np.concatenate([front[:, :2], back[:, :2], front[doubles, :2]]).astype(np.float32),
            np.concatenate([*sides, beyond]).astype(np.float32),
            cosines.clip(0, 1).astype(np.float32),
            order[rows].astype(np.int32),
            chosen[rows].astype(np.float32),
            triangles,
            np.concatenate([layers, layers, np.full(len(walls), 2 * part + 1)]).astype(np.int32),
        ),
        count,
    )


def facing(positions: FloatArray, faces: IntArray) -> FloatArray:
    """Return how much each vertex of sheets faces the camera: the cosine, float32 (N,); below 0 is turned away."""
    cosines: FloatArray = _vertex_cosines(
        np.ascontiguousarray(positions, dtype=np.float32), np.ascontiguousarray(faces, dtype=np.int32)
    )
    return cosines


@compiled
def _vertex_cosines(positions: FloatArray, faces: IntArray) -> FloatArray:
    normals = np.zeros((positions.shape[0], 3), dtype=np.float32)
    for face in range(faces.shape[0]):
        a, b, c = positions[faces[face, 0]], positions[faces[face, 1]], positions[faces[face, 2]]
        ux, uy, uz, vx, vy, vz = b[0] - a[0], b[1] - a[1], b[2] - a[2], c[0] - a[0], c[1] - a[1], c[2] - a[2]
        for corner in range(3):
            vertex = faces[face, corner]
            normals[vertex, 0] += uy * vz - uz * vy
            normals[vertex, 1] += uz * vx - ux * vz
            normals[vertex, 2] += ux * vy - uy * vx
    cosines = np.empty(positions.shape[0], dtype=np.float32)
    for vertex in range(positions.shape[0]):
        x, y, z = normals[vertex, 0], normals[vertex, 1], normals[vertex, 2]
        cosines[vertex] = z / max(np.sqrt(x * x + y * y + z * z), np.float32(1e-20))
    return cosines


def _smooth_border(sheet: FloatArray, border: IntArray) -> None:
    """Move the vertices along the opaque part's edge so that it is no staircase, in place; neighbors are (E, 2)."""
    if not len(border):
        return
    for _ in range(_BORDER_ROUNDS):
        total = np.zeros_like(sheet)
        degree = np.zeros(len(sheet), dtype=np.float32)
        for one, other in ((0, 1), (1, 0)):
            np.add.at(total, border[:, one], sheet[border[:, other]])
            np.add.at(degree, border[:, one], 1)
        on = degree == 2
        sheet[on] = 0.5 * sheet[on] + 0.25 * total[on]


def _side_places(
    lattice: Lattice, used: BoolArray, sheet: FloatArray, cosine: FloatArray, rules: SideRules
) -> FloatArray:
    """Return from where in the photo each vertex has its colors if it is seen from the side, float32 (N, 2).

    From there inward to where the photo shows the surface well, the way along the surface is laid over what is seen
    well: a mirrored continuation without streaks, as far as it is of the same class. Places change smoothly, or the
    outline's stairs would be steps in the colors.
    """
    places = sheet[:, :2].copy()
    if rules.rim == 0:
        return places
    cosine = _smoothed(cosine[:, None], used, _SIDE_SMOOTHING_CELLS)[:, 0]
    grazing = (cosine < _SEEN_WELL) & (rules.inside[used] < rules.rim * rules.deepest)
    direction = rules.inward[used]
    grazing &= np.hypot(*direction.T) > 0.5
    if not grazing.any():
        return places
    # a side ends where the rim does, however the surface goes on to be seen: or its colors would break off there
    cosine = np.where(rules.inside[used] < rules.rim * rules.deepest, cosine, np.float32(1))
    cosines, heights = (np.zeros(used.shape, dtype=np.float32) for _ in range(2))
    cosines[used], heights[used] = cosine, sheet[:, 2]
    origin = np.array([lattice.left, lattice.top], dtype=np.float32)
    at, toward = places[grazing].copy(), direction[grazing]
    height, way = sheet[grazing, 2].copy(), np.zeros(int(grazing.sum()), dtype=np.float32)
    walking = np.ones(len(way), dtype=bool)
    for _ in range(_REACHED_CELLS):
        ahead = at + toward * np.float32(lattice.step)
        x, y = ((ahead - origin) / lattice.step).T
        here = [
            cv2.remap(field, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
            for field in (cosines, heights)
        ]
        rise = here[1] - height
        way = np.where(walking, way + np.hypot(lattice.step, rise), way)
        at, height = np.where(walking[:, None], ahead, at), np.where(walking, here[1], height)
        walking &= here[0] < _SEEN_WELL
        if not walking.any():
            break
    found = at + toward * np.minimum(way, np.float32(rules.reach * rules.deepest))[:, None]
    alike = _picked(rules.classes, found) == _picked(rules.classes, places[grazing])
    places[grazing] = np.where(alike[:, None], found, places[grazing])
    return sheet[:, :2] + _smoothed(places - sheet[:, :2], used, _SIDE_SMOOTHING_CELLS)


def _picked(plane: ByteArray, places: FloatArray) -> ByteArray:
    """Return a photo's values at places (N, 2), uint8 (N,); beyond its border those of the border."""
    x, y = np.rint(places).astype(np.int64).T
    return np.asarray(plane[y.clip(0, plane.shape[0] - 1), x.clip(0, plane.shape[1] - 1)])


def _smoothed(values: FloatArray, used: BoolArray, sigma: float) -> FloatArray:
    """Return a lattice's values, float32 (N, C) where it is used, as means around each over `sigma` cells."""
    field = np.zeros((*used.shape, values.shape[1] + 1), dtype=np.float32)
    field[used] = np.column_stack([values, np.ones(len(values), dtype=np.float32)])
    summed = cv2.GaussianBlur(field, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)[used]
    return np.asarray(summed[:, :-1] / summed[:, -1:], dtype=np.float32)


def _walls(faces: IntArray, count: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return triangles between the borders of the opaque part of the front and of the back.

    Returns
    -------
    border : int64 (E, 2)
        Edges of the front where its opaque part ends.
    walls : int32 (F, 3)
        Numbers from 2 `count` on are those of vertices to be added.
    doubles : int64 (D,)
        Which vertices of the front these are doubles of, at the back's depth.
    """
    if not len(faces):
        return np.zeros((0, 2), dtype=np.int64), np.zeros((0, 3), dtype=np.int32), np.zeros(0, dtype=np.int64)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    _, inverse, uses = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True, return_counts=True)
    border = edges[uses[inverse.ravel()] == 1]
    doubles, places = np.unique(border, return_inverse=True)
    far = 2 * count + places.reshape(border.shape)
    one, other = border[:, 0], border[:, 1]
    # wound against the front's own edges, so that the whole surface has one outside
    walls = [np.stack([other, one, far[:, 0]], axis=1), np.stack([other, far[:, 0], far[:, 1]], axis=1)]
    return border, np.concatenate(walls).astype(np.int32), doubles
