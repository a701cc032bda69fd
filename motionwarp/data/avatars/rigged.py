"""A rigged avatar as it lies on the disk: a textured mesh that bones move, and where its face and its limbs are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from safetensors import SafetensorError, safe_open

from motionwarp.body import joint_names as jn
from motionwarp.body.anatomical_frames import rest_frames
from motionwarp.data.avatars.surface_labels import label_faces
from motionwarp.errors import InputError, PoseFileError
from motionwarp.media.image import read_image
from motionwarp.pose import skeleton as sk
from motionwarp.types import POINT_COUNT, ByteArray, FloatArray

IntArray = np.ndarray[tuple[int, ...], np.dtype[np.int32]]

_PYRAMID_LEVELS: Final = 5
_TENSORS: Final = (
    "vertices", "uv", "faces", "face_texture", "joints", "weights", "joint_positions", "joint_parents"
)  # fmt: skip
# points that are joints; the rest are found on the head and between the shoulders
_POINT_JOINTS: Final = {
    sk.RIGHT_SHOULDER: jn.RIGHT_SHOULDER, sk.RIGHT_ELBOW: jn.RIGHT_ELBOW, sk.RIGHT_WRIST: jn.RIGHT_WRIST,
    sk.LEFT_SHOULDER: jn.LEFT_SHOULDER, sk.LEFT_ELBOW: jn.LEFT_ELBOW, sk.LEFT_WRIST: jn.LEFT_WRIST,
    sk.RIGHT_HIP: jn.RIGHT_HIP, sk.RIGHT_KNEE: jn.RIGHT_KNEE, sk.RIGHT_ANKLE: jn.RIGHT_ANKLE,
    sk.LEFT_HIP: jn.LEFT_HIP, sk.LEFT_KNEE: jn.LEFT_KNEE, sk.LEFT_ANKLE: jn.LEFT_ANKLE,
}  # fmt: skip
# where labels of photos (the teacher's) lie against these joints and vertices, in metres
_HIP_OUTWARD: Final = 0.012
_HIP_DOWN: Final = 0.014
_EAR_INWARD: Final = 0.018
_EAR_UP: Final = 0.014
_REMEDY: Final = "Give a folder with mesh.safetensors and the textures that it names."


@dataclass(frozen=True, eq=False)
class RiggedAvatar:
    """A person's mesh at rest, facing +z with y up, in metres, and the bones that move it.

    Attributes
    ----------
    name : str
    vertices, normals : float32 (N, 3)
    uv : float32 (N, 2)
        In [0, 1], v down.
    faces : int32 (F, 3)
    face_texture : uint8 (F,)
        Which texture a triangle shows.
    face_labels : uint8 (F,)
        LIP class of a triangle, 255 where it cannot be told.
    face_dyes : uint8 (F,)
        Which triangles may change their color together, as `label_faces` tells.
    joints : int32 (N, 4)
    weights : float32 (N, 4)
        Of those joints; rows sum to 1.
    joint_names : tuple of str
    joint_parents : int32 (J,)
    joint_positions : float32 (J, 3)
    canonical : int32 (22,)
        Which joint is which of `joint_names.JOINTS`; -1 where there is none.
    frames : float32 (22, 3, 3)
        The bones' frames at rest.
    t_pose : float32 (22, 3, 3)
        The same in the T-pose that drawn poses start from.
    points : float32 (18, 3)
        OpenPose's points at rest.
    point_joints : int32 (18,)
        The joint that each point moves with.
    textures : tuple of tuples of uint8 (h, w, 3)
        Each as a pyramid, largest first.
    """

    name: str
    vertices: FloatArray
    normals: FloatArray
    uv: FloatArray
    faces: IntArray
    face_texture: ByteArray
    face_labels: ByteArray
    face_dyes: ByteArray
    joints: IntArray
    weights: FloatArray
    joint_names: tuple[str, ...]
    joint_parents: IntArray
    joint_positions: FloatArray
    canonical: IntArray
    frames: FloatArray
    t_pose: FloatArray
    points: FloatArray
    point_joints: IntArray
    textures: tuple[tuple[ByteArray, ...], ...]


def load_avatar(folder: Path) -> RiggedAvatar:
    """Load an avatar from its folder.

    Parameters
    ----------
    folder : Path
        With `mesh.safetensors` (vertices, uv, faces, face_texture, joints, weights, joint_positions, joint_parents; the
        joints' and textures' names in its metadata) and the textures.

    Returns
    -------
    RiggedAvatar

    Raises
    ------
    InputError
        If something is missing or does not fit together.
    """
    tensors, joint_names, texture_names = _read(folder)
    vertices, faces = tensors["vertices"].astype(np.float32), tensors["faces"].astype(np.int32)
    joints, weights = tensors["joints"].astype(np.int32), tensors["weights"].astype(np.float32)
    if not (
        len(vertices) == len(joints) == len(weights) == len(tensors["uv"])
        and len(faces) == len(tensors["face_texture"])
    ):
        raise InputError("the mesh's tables do not fit each other", subject=folder, remedy=_REMEDY)
    if (
        faces.max() >= len(vertices)
        or joints.max() >= len(joint_names)
        or tensors["face_texture"].max() >= len(texture_names)
    ):
        raise InputError(
            "the mesh names vertices, joints or textures that are not there", subject=folder, remedy=_REMEDY
        )
    weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-6)
    positions = tensors["joint_positions"].astype(np.float32)
    canonical, rest = _anatomy(joint_names, positions, folder)
    textures = tuple(texture_pyramid(read_image(folder / name).rgb) for name in texture_names)
    points, point_joints = _points(vertices, joints, weights, positions, canonical, joint_names)
    uv = tensors["uv"].astype(np.float32)
    labels, dyes = label_faces(
        vertices,
        faces,
        uv,
        tensors["face_texture"],
        _dominant(joints, weights, joint_names),
        [texture[0] for texture in textures],
        points,
    )
    return RiggedAvatar(
        folder.name,
        vertices,
        smooth_normals(vertices, faces),
        uv,
        faces,
        tensors["face_texture"].astype(np.uint8),
        labels,
        dyes,
        joints,
        weights,
        joint_names,
        tensors["joint_parents"].astype(np.int32),
        positions,
        canonical,
        rest,
        rest,
        points,
        point_joints,
        textures,
    )


def _read(folder: Path) -> tuple[dict[str, Any], tuple[str, ...], list[str]]:
    path = folder / "mesh.safetensors"
    try:
        with safe_open(path, framework="np") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in _TENSORS}
        joint_names, texture_names = json.loads(metadata["joint_names"]), json.loads(metadata["textures"])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"this is no avatar's mesh: {error}", subject=path, remedy=_REMEDY) from error
    if len(joint_names) != len(tensors["joint_positions"]) or any(
        "/" in name or "\\" in name for name in texture_names
    ):
        raise InputError("its names do not fit its tables", subject=path, remedy=_REMEDY)
    return tensors, tuple(joint_names), texture_names


def _anatomy(names: Sequence[str], positions: FloatArray, folder: Path) -> tuple[IntArray, FloatArray]:
    try:
        index = jn.understand(names).joints
    except PoseFileError as error:
        raise InputError(error.problem, subject=folder, remedy=error.remedy) from error
    if any(joint not in index for joint in (*jn.JOINTS, *jn.KNUCKLES)) or not {"LeftEye", "RightEye"} <= set(names):
        raise InputError("its skeleton lacks spine, collars, toes, fingers or eyes", subject=folder, remedy=_REMEDY)
    canonical = np.array([index[joint] for joint in jn.JOINTS], dtype=np.int32)
    return canonical, rest_frames(positions[canonical], positions[[index[knuckle] for knuckle in jn.KNUCKLES]])


def texture_pyramid(texture: ByteArray) -> tuple[ByteArray, ...]:
    """Return a texture and what it is reduced to, each half as large as the one before, tuple of uint8 (h, w, 3)."""
    levels = [np.ascontiguousarray(texture)]
    while len(levels) < _PYRAMID_LEVELS and min(levels[-1].shape[:2]) > 2:
        size = (levels[-1].shape[1] // 2, levels[-1].shape[0] // 2)
        levels.append(np.asarray(cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA), dtype=np.uint8))
    return tuple(levels)


def smooth_normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """Return normals (N, 3), smooth across the texture's seams, where a vertex is there twice."""
    _, same = np.unique(np.round(vertices, 4), axis=0, return_inverse=True)
    same = same.reshape(-1)
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros((int(same.max()) + 1, 3))
    for corner in range(3):
        np.add.at(total, same[faces[:, corner]], across)
    normals = total[same]
    lengths = np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return np.asarray(normals / lengths, dtype=np.float32)


def _dominant(joints: IntArray, weights: FloatArray, names: Sequence[str]) -> list[str]:
    """Return the name of the joint that moves each vertex most."""
    strongest = joints[np.arange(len(joints)), weights.argmax(axis=1)]
    return [names[joint] for joint in strongest]


def _points(
    vertices: FloatArray,
    joints: IntArray,
    weights: FloatArray,
    positions: FloatArray,
    canonical: IntArray,
    names: Sequence[str],
) -> tuple[FloatArray, IntArray]:
    """Return where the 18 points are at rest, and the joint that each moves with."""
    points = np.zeros((POINT_COUNT, 3), dtype=np.float32)
    moving = np.full(POINT_COUNT, canonical[jn.HEAD], dtype=np.int32)
    for point, joint in _POINT_JOINTS.items():
        points[point], moving[point] = positions[canonical[joint]], canonical[joint]
    for point, side in ((sk.LEFT_HIP, 1), (sk.RIGHT_HIP, -1)):
        # hips are labelled where they show, below and outside of the joint; they move with the pelvis
        points[point] += np.array([side * _HIP_OUTWARD, -_HIP_DOWN, 0], dtype=np.float32)
        moving[point] = canonical[jn.HIPS]
    points[sk.NECK] = points[[sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER]].mean(axis=0)
    moving[sk.NECK] = canonical[jn.UPPER_CHEST]
    dominant = np.array(_dominant(joints, weights, names))
    for bone, eye in (("LeftEye", sk.LEFT_EYE), ("RightEye", sk.RIGHT_EYE)):
        ball = vertices[dominant == bone]
        points[eye] = positions[names.index(bone)]
        points[eye, 2] = ball[:, 2].max() if len(ball) else points[eye, 2]
    head = vertices[(dominant == "Head") & (weights.max(axis=1) > 0.5)]
    _, level, front = (float(value) for value in positions[names.index("LeftEye")])
    middle = head[(np.abs(head[:, 0]) < 0.015) & (head[:, 1] < level - 0.01) & (head[:, 1] > level - 0.065)]
    points[sk.NOSE] = middle[middle[:, 2].argmax()]
    points[sk.NOSE, 0] = 0
    # ears stick out at the height between eyes and nose, behind the cheeks
    aside = head[(head[:, 1] < level + 0.01) & (head[:, 1] > level - 0.05) & (head[:, 2] < front - 0.04)]
    for sign, point in ((1, sk.LEFT_EAR), (-1, sk.RIGHT_EAR)):
        outer = aside[aside[:, 0] * sign > (aside[:, 0] * sign).max() - 0.012]
        # an ear is labelled at its opening, inward of its rim and above the lobe
        points[point] = outer.mean(axis=0) + np.array([-sign * _EAR_INWARD, _EAR_UP, 0], dtype=np.float32)
    return points, moving
