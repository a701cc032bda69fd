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
from motionwarp.avatar.depth import SheetDepths, body_depths, cushion, depth_within
from motionwarp.avatar.skinning import skinning_weights
from motionwarp.types import BoolArray, FloatArray

BONES_OF_VERTEX: Final = 4
_STEP_TORSOS: Final = 0.022  # side of a cell
_CELLS_ACROSS: Final = 14  # of any part, at least
_SOLID_ALPHA: Final = 0.95  # coverage over which a sheet is opaque
_SOLID_PIXELS: Final = 1.0
_SMOOTHING_ROUNDS: Final = 6
_GARMENT_ROUNDS: Final = 60


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
        `uv` holds pixels of the photo; how many vertices the front has, and the back as many after them. None where the
        part has no pixel or no body.
    """
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
    inside = lattice.sampled(depth_within(alpha > 0.5), 0.0)
    solid = lattice.sampled(depth_within(alpha > _SOLID_ALPHA), 0.0) > _SOLID_PIXELS
    depths = cushion(body_depths(body, chosen, lattice), inside, used, step, torso, loose=loose)
    rounds = _GARMENT_ROUNDS if loose else _SMOOTHING_ROUNDS
    weights = skinning_weights(body, chosen, lattice, depths.middle, used, rounds)
    return _triangulated(part, lattice, used, solid, depths, weights)


def _triangulated(
    part: int,
    lattice: Lattice,
    used: BoolArray,
    solid: BoolArray,
    depths: SheetDepths,
    weights: FloatArray,
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
    faces = np.concatenate([upper, lower])
    opaque = solid[used][faces].all(axis=1)
    walls, doubles = _walls(faces[opaque], count)
    xy = lattice.xy[used]
    front, back = depths.middle - depths.to_front, depths.middle + depths.to_back
    positions = np.concatenate([np.column_stack([xy, front[used]]), np.column_stack([xy, back[used]])])
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
