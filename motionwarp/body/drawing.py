"""Drawing a body over a picture: its surface, shaded, warm for the person's right and cold for the left."""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.body.layout import PART_NAMES
from motionwarp.body.model import BodyModel
from motionwarp.body.rasterizer import rasterize
from motionwarp.types import ByteArray, FloatArray

_RIGHT: Final = (235.0, 150.0, 95.0)
_LEFT: Final = (95.0, 150.0, 235.0)
_MIDDLE: Final = (165.0, 200.0, 165.0)
_AMBIENT: Final = 0.35


def draw_body(rgb: ByteArray, body: BodyModel, vertices: FloatArray, opacity: float = 0.75) -> ByteArray:
    """Draw a body over a picture.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
        Left as it is.
    body : BodyModel
    vertices : float32 (V, 3)
        Pixels, and depth in pixels.
    opacity : float
        In [0, 1].

    Returns
    -------
    uint8 (H, W, 3)
        What looks toward the camera is light. Parts of the person's right are orange, of the left blue.
    """
    drawn = rasterize(vertices, body.faces.numpy(), *rgb.shape[:2])
    corners = vertices[body.faces.numpy()]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    toward = np.abs(normals[:, 2]) / np.maximum(np.linalg.norm(normals, axis=1), 1e-9)
    light = _AMBIENT + (1 - _AMBIENT) * toward
    colors = _part_colors()[body.parts.numpy()[body.faces.numpy()[:, 0]]] * light[:, None]  # (F, 3)
    picture = rgb.astype(np.float32)
    where = drawn.covered
    picture[where] += opacity * (colors[drawn.face[where]] - picture[where])
    return np.rint(picture).clip(0, 255).astype(np.uint8)


def _part_colors() -> FloatArray:
    sides = [
        _RIGHT if name.startswith("right") else _LEFT if name.startswith("left") else _MIDDLE for name in PART_NAMES
    ]
    return np.array(sides, dtype=np.float32)
