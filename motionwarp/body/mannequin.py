"""A body drawn plainly: gray with one light, so that a pose can be judged, on a floor that shows what stands on it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from motionwarp.body.layout import PART_NAMES
from motionwarp.body.model import BodyModel, BodyShape
from motionwarp.body.rasterizer import rasterize
from motionwarp.body.rig import local_turns
from motionwarp.types import ByteArray, FloatArray

__all__ = ["Mannequin"]

_LIGHT: Final = np.array([-0.45, -0.6, -0.66], dtype=np.float32)  # from the upper left, before the body
_AMBIENT: Final = 0.45
_WALL: Final = np.array([236, 238, 240], dtype=np.float32)
_FLOOR: Final = np.array([214, 217, 221], dtype=np.float32)
_SHADOW: Final = 0.72
# the two sides in different colors, so that left and right can be told
_MIDDLE_COLOR: Final = (178, 184, 192)
_SIDE_COLORS: Final = {"left": (104, 158, 196), "right": (206, 150, 104)}
_HEAD_COLOR: Final = (190, 182, 172)


class Mannequin:
    """Draws a body of one shape: its left limbs blue, its right ones orange.

    Parameters
    ----------
    model : BodyModel
    shape : BodyShape
    """

    def __init__(self, model: BodyModel, shape: BodyShape) -> None:
        self._model, self._shape = model, shape
        self._faces = np.ascontiguousarray(model.faces.numpy(), dtype=np.int32)
        table = np.array([_color_of(name) for name in PART_NAMES], dtype=np.float32)
        self._colors = np.ascontiguousarray(table[model.parts.numpy().astype(np.int64)])

    def vertices(self, turns: Tensor, camera: Tensor) -> FloatArray:
        """Return the body's vertices in the picture, float32 (V, 3).

        Parameters
        ----------
        turns : float tensor (D, 3, 3)
            Of the driven bones against the camera.
        camera : float tensor (3,)
            Pixels for a meter, and where the root is.
        """
        posed = self._model.pose(self._shape, self._model.expand(local_turns(turns)))
        vertices = self._model.skin(self._shape, posed) * camera[0]
        vertices[..., :2] += camera[1:]
        return np.ascontiguousarray(vertices.numpy(), dtype=np.float32)

    @torch.inference_mode()
    def drawn(self, turns: Tensor, camera: Tensor, canvas: ByteArray, ground: float | None = None) -> ByteArray:
        """Return a picture with the body on it, uint8 (H, W, 3).

        Parameters
        ----------
        turns, camera
            See `vertices`.
        canvas : uint8 (H, W, 3)
            What is behind; it is left as it is.
        ground : float or None
            y of the ground, on which a shadow is drawn; None for none.
        """
        height, width = canvas.shape[:2]
        vertices = self.vertices(turns, camera)
        fragments = rasterize(vertices, self._faces, height, width)
        picture = canvas.astype(np.float32)
        if ground is not None:
            _draw_shadow(picture, vertices, ground, float(camera[0]))
        normals = fragments.interpolate(_normals(vertices, self._faces))
        length = np.linalg.norm(normals, axis=-1, keepdims=True)
        toward = np.clip((normals @ _LIGHT)[..., None] / np.maximum(length, 1e-6), 0, 1)
        shaded = fragments.interpolate(self._colors) * (_AMBIENT + (1 - _AMBIENT) * toward)
        covered = cv2.GaussianBlur(fragments.covered.astype(np.float32), (3, 3), 0)[..., None]
        # only edges outwards stay sharp: colors are known where the body is
        covered = np.where(fragments.covered[..., None], covered, 0)
        blended = picture + covered * (shaded - picture)
        return np.asarray(np.rint(blended).clip(0, 255), dtype=np.uint8)


def studio(width: int, height: int, ground: float) -> ByteArray:
    """Return an empty picture with a wall and a floor, uint8 (H, W, 3)."""
    canvas = np.empty((height, width, 3), dtype=np.float32)
    canvas[:] = _WALL
    horizon = round(max(ground - 0.06 * height, 0))
    canvas[horizon:] = _FLOOR
    return canvas.astype(np.uint8)


def _color_of(part: str) -> tuple[int, int, int]:
    if part == "head":
        return _HEAD_COLOR
    return _SIDE_COLORS.get(part.split("_")[0], _MIDDLE_COLOR)


def _normals(vertices: FloatArray, faces: npt.NDArray[np.int32]) -> FloatArray:
    """Return the vertices' normals, float32 (V, 3), of any length, pointing outwards."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    across = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(faces[:, corner], weights=across[:, axis], minlength=len(vertices))
    return normals


def _draw_shadow(picture: FloatArray, vertices: FloatArray, ground: float, scale: float) -> None:
    """Darken the floor below what is near it."""
    shade = np.zeros(picture.shape[:2], dtype=np.float32)
    near = vertices[np.abs(vertices[:, 1] - ground) < 0.5 * scale]
    if not len(near):
        near = vertices
    left, right = float(near[:, 0].min()), float(near[:, 0].max())
    gap = max((ground - float(vertices[:, 1].max())) / scale, 0.0)
    center = (round((left + right) / 2), round(ground))
    axes = (max(round((right - left) / 2), 1), max(round(0.035 * scale), 1))
    cv2.ellipse(shade, center, axes, 0, 0, 360, 1.0, -1)
    soft = np.asarray(cv2.GaussianBlur(shade, (0, 0), max(0.02 * scale, 1.0)), dtype=np.float32) / (1 + 4 * gap)
    picture *= (1 - (1 - _SHADOW) * soft[..., None]).astype(np.float32)
