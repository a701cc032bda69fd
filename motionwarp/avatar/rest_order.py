"""What lies before what at rest: nothing that was made up hides what the photo shows. Ours.

Limbs that cross, a leg that goes on behind the other one or an arm behind the trunk, lie in the order that the fitted
body has them in, which a flat photo seldom tells to the centimeter. Where the photo shows one of both, that one is in
front.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.avatar.body_surface import IntArray
from motionwarp.avatar.renderer import Atlas
from motionwarp.avatar.sheets import Sheets
from motionwarp.body.rasterizer import rasterize
from motionwarp.types import BoolArray, FloatArray

_PIXEL_METERS: Final = 0.004
_MARGIN_METERS: Final = 0.004
_FARTHEST_METERS: Final = 0.6  # by which anything counts as farther away than it is
_LEFT_COSINE: Final = float(np.cos(np.deg2rad(35.0)))  # of the turn by which a bone has left its place at rest


def shown_vertices(sheets: Sheets, atlas: Atlas) -> BoolArray:
    """Return which vertices have a texel that the photo shows, bool (N,)."""
    columns, rows = (np.rint(sheets.uv[:, axis]).astype(np.int64) for axis in (0, 1))
    height, width = atlas.texels.shape[:2]
    shown: BoolArray = atlas.texels[rows.clip(0, height - 1), columns.clip(0, width - 1), 4] > 127
    return shown


@dataclass(frozen=True, eq=False)
class RestOrder:
    """How much farther away vertices must count, so that at rest they hide nothing that the photo shows.

    Attributes
    ----------
    count : int
        Of all vertices.
    vertices : int64 (K,)
        Those that must.
    meters : float32 (K,)
        By how much each of them does at rest.
    bones : int32 (K,)
        Which bone moves it most: turned away from where it is at rest against the root, all is where it is.
    """

    count: int
    vertices: npt.NDArray[np.int64]
    meters: FloatArray
    bones: IntArray

    @classmethod
    def of(cls, sheets: Sheets, shown: BoolArray, behind: FloatArray) -> RestOrder:
        """Find them.

        Parameters
        ----------
        sheets : Sheets
            In meters, in the photo's pose.
        shown : bool (N,)
            Vertices whose colors are the photo's.
        behind : float32 (N,)
            By how much they count as farther away in any pose, in meters.
        """
        places = sheets.positions.astype(np.float32).copy()
        places[:, 2] += behind
        visible = shown[sheets.faces].all(axis=1) & (sheets.layers % 2 == 1)
        if not visible.any() or shown.all():
            return cls(len(shown), np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.int32))
        corner = places[:, :2].min(axis=0)
        places[:, :2] = (places[:, :2] - corner) / np.float32(_PIXEL_METERS) + 1
        width, height = (int(value) + 3 for value in places[:, :2].max(axis=0))
        fragments = rasterize(places, np.ascontiguousarray(sheets.faces[visible]), height, width)
        face = np.asarray(fragments.face)
        owner = np.where(face >= 0, (sheets.layers[visible] // 2)[face], -1)
        owner, depth = _with_rims(owner, np.asarray(fragments.depth))
        part = np.zeros(len(places), dtype=np.int32)
        part[sheets.faces] = (sheets.layers // 2)[:, None]
        columns, rows = (np.rint(places[:, axis]).astype(np.int64) for axis in (0, 1))
        of_other = (owner[rows, columns] >= 0) & (owner[rows, columns] != part) & ~shown
        missing = depth[rows, columns] + np.float32(_MARGIN_METERS) - places[:, 2]
        meters = np.where(of_other, missing, 0).clip(0, _FARTHEST_METERS)
        found = np.flatnonzero(meters > 0)
        most = np.take_along_axis(sheets.bones, sheets.bone_weights.argmax(axis=1)[:, None], axis=1)[:, 0]
        return cls(len(shown), found, meters[found].astype(np.float32), most[found])

    def behind(self, transforms: FloatArray) -> FloatArray:
        """Return by how much each vertex counts as farther away, float32 (N,), in meters.

        Parameters
        ----------
        transforms : float32 (B, 3, 4)
            How every bone moves its surroundings from the photo to a pose; the first one is the root.
        """
        turns = transforms[:, :, :3]
        # of the turn of each bone against the root the trace tells the angle
        cosines = (np.einsum("bij,ij->b", turns, turns[0]) - 1) / 2
        near = ((cosines - _LEFT_COSINE) / (1 - _LEFT_COSINE)).clip(0, 1)
        result = np.zeros(self.count, dtype=np.float32)
        result[self.vertices] = self.meters * near[self.bones]
        return result


def _with_rims(owner: IntArray, depth: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return both with the pixels beside what is covered, where vertices of the outline lie; -1 owns nothing."""
    wider, deeper = owner.copy(), depth.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        beside, there = np.roll(wider, step, axis), np.roll(deeper, step, axis)
        taken = (wider < 0) & (beside >= 0)
        wider[taken], deeper[taken] = beside[taken], there[taken]
    return wider, deeper
