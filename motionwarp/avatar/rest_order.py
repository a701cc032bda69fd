"""What lies before what at rest: nothing that was made up hides what the photo shows. Ours.

Limbs that cross, a leg that goes on behind the other one or an arm behind the trunk, lie in the order that the fitted
body has them in, which a flat photo seldom tells to the centimeter. Where the photo shows one of both, that one is in
front.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.avatar.renderer import Atlas
from motionwarp.avatar.sheets import Sheets
from motionwarp.body.rasterizer import rasterize
from motionwarp.types import BoolArray, FloatArray

_PIXEL_METERS: Final = 0.004
_MARGIN_METERS: Final = 0.004
_FARTHEST_METERS: Final = 0.2  # by which anything counts as farther away than it is


def shown_vertices(sheets: Sheets, atlas: Atlas) -> BoolArray:
    """Return which vertices have a texel that the photo shows, bool (N,)."""
    columns, rows = (np.rint(sheets.uv[:, axis]).astype(np.int64) for axis in (0, 1))
    height, width = atlas.texels.shape[:2]
    shown: BoolArray = atlas.texels[rows.clip(0, height - 1), columns.clip(0, width - 1), 4] > 127
    return shown


def behind_what_is_shown(sheets: Sheets, shown: BoolArray, behind: FloatArray) -> FloatArray:
    """Return how much farther away each vertex must count, so that at rest it hides nothing that the photo shows.

    Parameters
    ----------
    sheets : Sheets
        In meters, in the photo's pose.
    shown : bool (N,)
        Vertices whose colors are the photo's.
    behind : float32 (N,)
        By how much they count as farther away already, in meters.

    Returns
    -------
    float32 (N,)
        In meters, at least `behind`; as it was for what is shown.
    """
    places = sheets.positions.astype(np.float32).copy()
    places[:, 2] += behind
    corner = places[:, :2].min(axis=0)
    places[:, :2] = (places[:, :2] - corner) / np.float32(_PIXEL_METERS)
    width, height = (int(value) + 2 for value in places[:, :2].max(axis=0))
    visible = shown[sheets.faces].all(axis=1) & (sheets.layers % 2 == 1)
    if not visible.any() or shown.all():
        return behind
    faces = np.ascontiguousarray(sheets.faces[visible])
    fragments = rasterize(places, faces, height, width)
    columns, rows = (np.rint(places[:, axis]).astype(np.int64) for axis in (0, 1))
    part = np.zeros(len(places), dtype=np.int32)
    part[sheets.faces] = (sheets.layers // 2)[:, None]
    face = np.asarray(fragments.face)[rows, columns]
    of_other = (face >= 0) & ((sheets.layers[visible] // 2)[face] != part) & ~shown
    missing = np.asarray(fragments.depth)[rows, columns] + np.float32(_MARGIN_METERS) - places[:, 2]
    more = np.where(of_other, missing, 0).clip(0, _FARTHEST_METERS)
    return np.asarray(behind + more, dtype=np.float32)
