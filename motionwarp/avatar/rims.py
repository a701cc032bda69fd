"""Soft rims of an avatar's sheets, which are seen across the photo's view alone. Ours.

A matte is blurred across the view. Seen along it, its blur would stand beside the person like a fin before their side;
the top of a head that turns about itself keeps its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from motionwarp.avatar.body_surface import IntArray
from motionwarp.avatar.sheets import Sheets
from motionwarp.compiled import compiled
from motionwarp.puppet import parts
from motionwarp.types import BoolArray, FloatArray

LongArray = npt.NDArray[np.int64]

_LEAVES = np.float32(0.985)  # of a rim's breadth that is seen, where it begins to be drawn back
_FADE = np.float32(0.15)
_COMES = np.float32(0.12)  # of a rim's breadth that points at the camera, where it begins to be drawn back too
_COMES_FADE = np.float32(0.2)
_CROWN_LEAVES = np.float32(0.9)  # cosine of a head's turn from which on the blur above it is drawn back
_CROWN_FADE = np.float32(0.4)


@dataclass(frozen=True, eq=False)
class SoftRims:
    """The vertices of sheets that are beside what is opaque.

    Attributes
    ----------
    vertices, anchors : int64 (R,) each
        Such vertices, and for each the nearest one, along its sheet, that is opaque.
    outward : float32 (R, 2)
        From there to the rim in the photo's plane, unit vectors.
    of_head : bool (R,)
        Whether they are of a head, whose crown is broad from the side.
    """

    vertices: LongArray
    anchors: LongArray
    outward: FloatArray
    of_head: BoolArray

    @classmethod
    def of(cls, sheets: Sheets) -> SoftRims:
        """Find them; what hangs together with nothing opaque is none."""
        opaque = sheets.layers % 2 == 1
        firm = np.zeros(len(sheets.positions), dtype=np.bool_)
        firm[sheets.faces[opaque]] = True
        # vertices at one place, which differ in their textures, are firm together
        _, place = np.unique(sheets.positions.view(np.dtype((np.void, 12))).ravel(), return_inverse=True)
        firm = np.bincount(place, firm)[place] > 0
        soft = sheets.faces[~opaque]
        borders = np.intersect1d(np.flatnonzero(firm), soft)
        if not len(borders):
            return cls(
                np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.float32), np.zeros(0, np.bool_)
            )
        ends = np.concatenate([soft[:, [0, 1]], soft[:, [1, 2]], soft[:, [2, 0]]])
        ends.sort(axis=1)
        # an edge that two triangles share counts once: a sparse matrix would add up both
        ends = np.unique(ends, axis=0)
        places = sheets.positions[:, :2].astype(np.float64)
        length = np.linalg.norm(places[ends[:, 0]] - places[ends[:, 1]], axis=1)
        graph = coo_matrix((np.maximum(length, 1e-9), ends.T), shape=(len(firm), len(firm))).tocsr()
        found: Any = dijkstra(graph, directed=False, indices=borders, return_predecessors=True, min_only=True)
        nearest = np.asarray(found[2], dtype=np.int64)
        rims = np.flatnonzero(~firm & (nearest >= 0))
        away = places[rims] - places[nearest[rims]]
        away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
        head = np.zeros(len(firm), dtype=np.bool_)
        head[sheets.faces[sheets.layers // 2 == parts.HEAD]] = True
        return cls(rims, nearest[rims], away.astype(np.float32), head[rims])

    def draw_back(self, moved: FloatArray, transforms: FloatArray, sheets: Sheets) -> None:
        """Draw the rims of moved vertices back to what is opaque, in place, the more the view is along them.

        Parameters
        ----------
        moved : float32 (N, 3)
            Vertices of the sheets in a pose.
        transforms : float32 (B, 3, 4)
            How every bone moves its surroundings from the photo to that pose.
        sheets : Sheets
        """
        turns = np.ascontiguousarray(transforms[:, :, :3], dtype=np.float32)
        rims = self.vertices, self.anchors, self.of_head
        _draw_back(moved, rims, self.outward, turns, (sheets.bones, sheets.bone_weights))


@compiled
def _draw_back(
    moved: FloatArray,
    rims: tuple[LongArray, LongArray, BoolArray],
    outward: FloatArray,
    turns: FloatArray,
    skinning: tuple[IntArray, FloatArray],
) -> None:
    vertices, anchors, of_head = rims
    bones, weights = skinning
    zero, one = np.float32(0.0), np.float32(1.0)
    for number in range(len(vertices)):
        vertex, anchor = vertices[number], anchors[number]
        across, down, away, along = zero, zero, zero, zero
        for slot in range(bones.shape[1]):
            bone, weight = bones[vertex, slot], weights[vertex, slot]
            across += weight * (turns[bone, 0, 0] * outward[number, 0] + turns[bone, 0, 1] * outward[number, 1])
            down += weight * (turns[bone, 1, 0] * outward[number, 0] + turns[bone, 1, 1] * outward[number, 1])
            away += weight * (turns[bone, 2, 0] * outward[number, 0] + turns[bone, 2, 1] * outward[number, 1])
            along += weight * turns[bone, 2, 2]
        share = min(max((_LEAVES - np.sqrt(across * across + down * down)) / _FADE, zero), one)
        # before what it was the rim of, it would be a crack
        share = max(share, min((-away - _COMES) / _COMES_FADE, one))
        if of_head[number]:
            share = max(share, min(max((_CROWN_LEAVES - abs(along)) / _CROWN_FADE, zero), one))
        for axis in range(3):
            moved[vertex, axis] += share * (moved[anchor, axis] - moved[vertex, axis])
