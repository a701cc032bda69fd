"""Drawing a pose over a picture: colored bones and points, as thick as the person is large."""

from __future__ import annotations

import colorsys
from typing import Final

import cv2
import numpy as np

from motionwarp.pose.kinematics import VISIBLE_SCORE, typical_torso
from motionwarp.pose.skeleton import BONES, HEAD_POINTS, POINT_NAMES
from motionwarp.types import ByteArray, FloatArray

# in torso lengths; the face's bones are short, and so are drawn thinner
BONE_WIDTH: Final = 0.055
FACE_FACTOR: Final = 0.5
POINT_RADIUS: Final = 0.045
# the outline keeps bones apart from a background of their own color
OUTLINE: Final = (20, 20, 20)
# OpenCV draws at fractions of a pixel given as whole numbers of 1/16
SHIFT: Final = 4
# OpenCV wraps around positions beyond this, which would draw far lines across the picture
MAX_POSITION: Final = 30_000.0


def _bone_colors() -> tuple[tuple[int, int, int], ...]:
    """Warm colors for the person's right, cold ones for the left, green for the middle; lighter towards the ends."""
    colors = []
    shades = {"right": iter((0.0, 0.03, 0.06, 0.09, 0.12, 0.15, 0.10, 0.13)), "left": iter(np.linspace(0.52, 0.74, 8))}
    for _, child in BONES:
        side = POINT_NAMES[child].split("_")[0]
        hue = float(next(shades[side])) if side in shades else 0.36
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, 1.0)
        colors.append((round(255 * red), round(255 * green), round(255 * blue)))
    return tuple(colors)


BONE_COLORS: Final = _bone_colors()


def draw_pose(
    rgb: ByteArray, points: FloatArray, *, min_score: float = VISIBLE_SCORE, opacity: float = 1.0
) -> ByteArray:
    """Draw a pose over a picture.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
        Left as it is.
    points : float32 (18, 3)
        In pixels of `rgb`; points outside of it are fine.
    min_score : float
        Bones are drawn where both ends have at least this score.
    opacity : float
        Opacity of the drawing, in [0, 1].

    Returns
    -------
    uint8 (H, W, 3)
        Bones of the person's right in warm colors, of the left in cold ones.
    """
    canvas = np.ascontiguousarray(rgb).copy()
    drawable = (points[:, 2] >= max(min_score, 1e-6)) & (np.abs(points[:, :2]) < MAX_POSITION).all(axis=1)
    if not drawable.any() or opacity <= 0:
        return canvas
    # estimated points lie below the usual threshold but still tell how large the person is
    measured = points.copy()
    measured[:, 2] = np.where(drawable, 1.0, 0.0)
    torso = typical_torso(measured[None]) or 0.1 * max(rgb.shape[:2])
    bones = [bone for bone in range(len(BONES)) if drawable[list(BONES[bone])].all()]
    # from the face's bones up to the limbs: what is thick and near the camera lies above
    for bone in reversed(bones):
        parent, child = BONES[bone]
        width = BONE_WIDTH * torso * (FACE_FACTOR if {parent, child} <= set(HEAD_POINTS) else 1.0)
        _line(canvas, points[parent], points[child], width, BONE_COLORS[bone])
    for point in np.flatnonzero(drawable):
        factor = FACE_FACTOR if point in HEAD_POINTS else 1.0
        _disc(canvas, points[point], POINT_RADIUS * torso * factor)
    if opacity < 1:
        canvas = np.asarray(cv2.addWeighted(canvas, opacity, np.ascontiguousarray(rgb), 1 - opacity, 0), dtype=np.uint8)
    return canvas


def _fixed(point: FloatArray) -> tuple[int, int]:
    return round(float(point[0]) * (1 << SHIFT)), round(float(point[1]) * (1 << SHIFT))


def _line(canvas: ByteArray, start: FloatArray, end: FloatArray, width: float, color: tuple[int, int, int]) -> None:
    inner = max(1, round(width))
    outer = inner + max(2, 2 * round(width / 6))
    for thickness, paint in ((outer, OUTLINE), (inner, color)):
        cv2.line(canvas, _fixed(start), _fixed(end), paint, thickness, cv2.LINE_AA, SHIFT)


def _disc(canvas: ByteArray, center: FloatArray, radius: float) -> None:
    outer = max(1.5, radius)
    for size, paint in ((outer, OUTLINE), (0.7 * outer, (255, 255, 255))):
        cv2.circle(canvas, _fixed(center), round(size * (1 << SHIFT)), paint, cv2.FILLED, cv2.LINE_AA, SHIFT)
