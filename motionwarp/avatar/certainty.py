"""How surely each pixel of a drawn avatar is known: how frontally the photo saw it, and which part it belongs to. Ours.

A texel that the photo saw at a grazing angle is drawn out to streaks once it faces the camera, and one that the photo
did not see was made up. Both are worth less than a photo's own pixel, and whoever blends layers must know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.avatar.avatar import Avatar
from motionwarp.avatar.body_surface import IntArray
from motionwarp.avatar.renderer import moved_positions, place_vertices
from motionwarp.avatar.rest_order import shown_vertices
from motionwarp.body.rasterizer import rasterize
from motionwarp.puppet import parts
from motionwarp.types import BoolArray, ByteArray, FloatArray

NO_PART: Final = parts.PART_COUNT


@dataclass(frozen=True, eq=False)
class CertaintyPlanes:
    """What is known of each pixel's nearest surface.

    Attributes
    ----------
    certainty : float32 (H, W)
        Cosine of the angle at which the photo saw it; 0 where it did not, and where nothing is.
    part : uint8 (H, W)
        Which part is in front; 15 where nothing is.
    """

    certainty: FloatArray
    part: ByteArray


class SurfaceCertainty:
    """How surely each vertex of an avatar is known.

    Parameters
    ----------
    avatar : Avatar
    """

    def __init__(self, avatar: Avatar) -> None:
        self._avatar = avatar
        sheets = avatar.sheets
        shown = shown_vertices(sheets, avatar.atlas)
        facing = -_normals(sheets.positions, sheets.faces)[:, 2]
        self._of_vertex = (shown * facing.clip(0, 1)).astype(np.float32)[:, None]
        # edges whose transparency is in the texture hide nothing: they count where nothing opaque is
        opaque: BoolArray = sheets.layers % 2 == 1
        self._groups = [
            (np.ascontiguousarray(sheets.faces[chosen]), (sheets.layers[chosen] // 2).astype(np.uint8))
            for chosen in (opaque, ~opaque)
        ]

    def planes(self, transforms: FloatArray, camera: FloatArray, size: tuple[int, int]) -> CertaintyPlanes:
        """Return what is known of each pixel; arguments as for `Avatar.render`."""
        sheets = self._avatar.sheets
        moved = moved_positions(sheets.positions, sheets.bones, sheets.bone_weights, transforms)
        place_vertices(moved, np.zeros(len(moved), dtype=np.float32), np.asarray(camera, dtype=np.float32))
        certainty = np.zeros(size, dtype=np.float32)
        part = np.full(size, NO_PART, dtype=np.uint8)
        for faces, owners in self._groups:
            if not len(faces):
                continue
            fragments = rasterize(moved, faces, *size)
            new: BoolArray = np.asarray(fragments.covered) & (part == NO_PART)
            certainty[new] = np.asarray(fragments.interpolate(self._of_vertex))[new, 0]
            part[new] = owners[np.asarray(fragments.face)[new]]
        return CertaintyPlanes(certainty, part)


def _normals(positions: FloatArray, faces: IntArray) -> npt.NDArray[np.float64]:
    """Return the unit normal of every vertex, (N, 3): out of the body, as faces wind."""
    corners = positions[faces].astype(np.float64)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # sheets wind clockwise as the camera sees them, with y down: the cross product points away from it
    normals = np.zeros(positions.shape)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], -across)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12))
