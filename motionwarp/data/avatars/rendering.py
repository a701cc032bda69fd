"""A posed avatar seen by a camera: colors, coverage, classes and depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.body.rasterizer import rasterize
from motionwarp.compiled import compiled
from motionwarp.data.avatars.posing import PosedAvatar
from motionwarp.data.avatars.rigged import IntArray, RiggedAvatar
from motionwarp.data.avatars.surface_labels import DYE_COUNT
from motionwarp.parsing.labels import BACKGROUND
from motionwarp.types import ByteArray, FloatArray

_FINER: Final = 2  # samples for each pixel and direction


@dataclass(frozen=True)
class OrbitCamera:
    """A pinhole camera that stands around a person and looks level or down at them.

    Camera coordinates are x to the right, y down and z away from it, in metres.

    Attributes
    ----------
    azimuth : float
        Degrees by which the camera stands around the vertical axis; at 0 it looks along -z, at 90 along -x.
    pitch : float
        Degrees that it looks down.
    roll : float
        Degrees by which the picture is turned clockwise.
    distance : float
        From the target, in metres.
    target : (x, y, z)
        World point that it looks at.
    focal : float
        In pixels.
    center_x, center_y : float
        Where the target falls, in pixels; pixel centers are at integers.
    """

    azimuth: float
    pitch: float
    roll: float
    distance: float
    target: tuple[float, float, float]
    focal: float
    center_x: float
    center_y: float

    def rotation(self) -> npt.NDArray[np.float64]:
        """Return the rotation from world to camera coordinates, (3, 3)."""
        azimuth, pitch, roll = np.deg2rad([self.azimuth, self.pitch, self.roll])
        around = np.array([[np.cos(azimuth), 0, -np.sin(azimuth)], [0, 1, 0], [np.sin(azimuth), 0, np.cos(azimuth)]])
        flip = np.diag([1.0, -1.0, -1.0])  # y down, z away
        tilt = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        turn = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        return np.asarray(turn @ tilt @ flip @ around)

    def seen(self, points: npt.ArrayLike) -> FloatArray:
        """Return world points (..., 3) in camera coordinates, float32."""
        rotation = self.rotation()
        shift = np.array([0, 0, self.distance]) - rotation @ np.array(self.target)
        turned = np.asarray(points, dtype=np.float32) @ rotation.T.astype(np.float32)
        return np.asarray(turned + shift.astype(np.float32), dtype=np.float32)

    def project(self, points: npt.ArrayLike) -> FloatArray:
        """Return world points (..., 3) as pixels and depth, float32 (..., 3)."""
        seen = self.seen(points)
        seen[..., :2] *= np.float32(self.focal) / seen[..., 2:]
        seen[..., :2] += np.array([self.center_x, self.center_y], dtype=np.float32)
        return seen


@dataclass(frozen=True)
class Lamp:
    """A lamp far away and soft light from everywhere, a little more of it from above.

    Attributes
    ----------
    direction : (x, y, z)
        Towards the lamp in camera coordinates, of length 1.
    lamp, fill : (r, g, b)
        What a surface that faces the lamp gets of it, and what every surface gets.
    """

    direction: tuple[float, float, float] = (-0.4, -0.6, -0.69)
    lamp: tuple[float, float, float] = (0.6, 0.6, 0.6)
    fill: tuple[float, float, float] = (0.5, 0.5, 0.5)


@dataclass(frozen=True, eq=False)
class AvatarLayer:
    """An avatar's picture without background.

    Attributes
    ----------
    rgb : float32 (H, W, 3)
        0..255, multiplied by `matte`.
    matte : float32 (H, W)
        Coverage in [0, 1].
    parsing : uint8 (H, W)
        LIP classes; 255 where not known.
    depth : float32 (H, W)
        Metres along the view; infinite where nothing is.
    """

    rgb: FloatArray
    matte: FloatArray
    parsing: ByteArray
    depth: FloatArray


def plain_dyes() -> FloatArray:
    """Return the dyes that leave every color as it is; see `render_avatar`."""
    dyes = np.zeros((DYE_COUNT, 2, 3), dtype=np.float32)
    dyes[:, 0] = 1
    return dyes


def render_avatar(
    avatar: RiggedAvatar,
    posed: PosedAvatar,
    camera: OrbitCamera,
    lamp: Lamp,
    dyes: FloatArray,
    height: int,
    width: int,
) -> AvatarLayer:
    """Render an avatar, with several samples for each pixel.

    Parameters
    ----------
    avatar : RiggedAvatar
    posed : PosedAvatar
        The same avatar.
    camera : OrbitCamera
    lamp : Lamp
    dyes : float32 (5, 2, 3)
        For each dye of `surface_labels`: what the texture's red, green and blue are multiplied by, and what is added.
    height, width : int
        Of the picture, in pixels.

    Returns
    -------
    AvatarLayer
    """
    pixels = camera.project(posed.vertices)
    pixels[:, :2] = (pixels[:, :2] + 0.5) * _FINER - 0.5
    light = _light(posed.normals, camera.rotation(), lamp)
    fragments = rasterize(pixels, avatar.faces, height * _FINER, width * _FINER)
    texels_a_sample = 0.5 * 1024 * camera.distance / (camera.focal * _FINER)
    level = int(np.clip(np.round(np.log2(max(texels_a_sample, 1.0))), 0, len(avatar.textures[0]) - 1))
    first, second = avatar.textures[0][level], avatar.textures[-1][min(level, len(avatar.textures[-1]) - 1)]
    rgb = _shade(
        fragments.face,
        fragments.barycentric,
        avatar.faces,
        np.concatenate([avatar.uv, light], axis=1),
        (avatar.face_texture, avatar.face_dyes),
        dyes,
        (first, second),
    )
    covered = (fragments.face >= 0).astype(np.float32)
    size = (width, height)
    sampled = fragments.face[1::_FINER, 1::_FINER]
    classes = np.where(sampled >= 0, avatar.face_labels[np.maximum(sampled, 0)], BACKGROUND)
    return AvatarLayer(
        np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.float32),
        np.asarray(cv2.resize(covered, size, interpolation=cv2.INTER_AREA), dtype=np.float32),
        np.ascontiguousarray(classes.astype(np.uint8)),
        np.ascontiguousarray(fragments.depth[1::_FINER, 1::_FINER]),
    )


def ground_shadow(posed: PosedAvatar, camera: OrbitCamera, height: int, width: int) -> FloatArray:
    """Return how much of the sky's light a person keeps from the ground about their feet, float32 (H, W) in [0, 1].

    Parameters
    ----------
    posed : PosedAvatar
    camera : OrbitCamera
    height, width : int
        Of the picture, in pixels.
    """
    shadow = np.zeros((height, width), dtype=np.float32)
    # the higher something is above the ground the wider and fainter is its shadow
    for reach, share in ((0.04, 0.4), (0.15, 0.35), (0.5, 0.25)):
        near = posed.vertices[posed.vertices[:, 1] < reach]
        for part in (near[near[:, 0] > 0], near[near[:, 0] <= 0]) if reach < 0.1 else (near,):
            if len(part) < 3:
                continue
            spots = camera.project(part * np.array([1, 0, 1], dtype=np.float32))[:, :2]
            if np.abs(spots).max() > 8 * max(height, width):
                continue
            mask = np.zeros((height, width), dtype=np.uint8)
            cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(spots).astype(np.int32)), 255)
            blur = max(reach * camera.focal / camera.distance, 0.7)
            soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), blur), dtype=np.float32)
            shadow += soft * np.float32(share / 255)
    return np.minimum(shadow, np.float32(1))


def _light(normals: FloatArray, rotation: npt.NDArray[np.float64], lamp: Lamp) -> FloatArray:
    """Return the light on each vertex, float32 (N, 3)."""
    turned = normals @ rotation.T.astype(np.float32)
    facing = np.maximum(turned @ np.array(lamp.direction, dtype=np.float32), 0)[:, None]
    sky = (1 - 0.25 * turned[:, 1])[:, None]
    return np.asarray(facing * np.array(lamp.lamp) + sky * np.array(lamp.fill), dtype=np.float32)


@compiled
def _shade(
    face: IntArray,
    barycentric: npt.NDArray[np.float32],
    faces: IntArray,
    uv_light: npt.NDArray[np.float32],
    texture_and_dye: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]],
    dyes: npt.NDArray[np.float32],
    textures: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]],
) -> npt.NDArray[np.float32]:
    height, width = face.shape
    rgb = np.zeros((height, width, 3), np.float32)
    values = np.zeros(5, np.float32)
    for y in range(height):
        for x in range(width):
            number = face[y, x]
            if number < 0:
                continue
            values[:] = 0
            for corner in range(3):
                for index in range(5):
                    values[index] += barycentric[y, x, corner] * uv_light[faces[number, corner], index]
            texture = textures[1] if texture_and_dye[0][number] == 1 else textures[0]
            dye = texture_and_dye[1][number]
            rows, columns = texture.shape[0], texture.shape[1]
            column = min(max(values[0] * columns - np.float32(0.5), np.float32(0)), np.float32(columns - 1.001))
            row = min(max(values[1] * rows - np.float32(0.5), np.float32(0)), np.float32(rows - 1.001))
            left, top = int(column), int(row)
            across, down = column - left, row - top
            for channel in range(3):
                upper = texture[top, left, channel] * (1 - across) + texture[top, left + 1, channel] * across
                lower = texture[top + 1, left, channel] * (1 - across) + texture[top + 1, left + 1, channel] * across
                value = upper * (1 - down) + lower * down
                value = value * dyes[dye, 0, channel] + dyes[dye, 1, channel]
                rgb[y, x, channel] = min(max(value * values[2 + channel], np.float32(0)), np.float32(255))
    return rgb
