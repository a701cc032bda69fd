"""An avatar in a pose: bones turned, skin moved along, in world coordinates with y up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.body import joint_names as jn
from motionwarp.compiled import compiled
from motionwarp.data.avatars.rigged import IntArray, RiggedAvatar
from motionwarp.types import FloatArray

_FINGERS: Final = ("Index", "Middle", "Ring", "Pinky")


@dataclass(frozen=True, eq=False)
class PosedAvatar:
    """An avatar's mesh and points in a pose.

    Attributes
    ----------
    vertices, normals : float32 (N, 3)
        World coordinates in metres; y up, the ground at y = 0.
    points : float32 (18, 3)
        OpenPose's points.
    forward : float32 (3,)
        Where the trunk faces, of length 1.
    """

    vertices: FloatArray
    normals: FloatArray
    points: FloatArray
    forward: FloatArray


def pose_avatar(avatar: RiggedAvatar, frames: FloatArray, curl: float = 0.0) -> PosedAvatar:
    """Turn an avatar's bones and move its skin along by linear blend skinning.

    Parameters
    ----------
    avatar : RiggedAvatar
    frames : float32 (22, 3, 3)
        The bones' frames in the world, as `motion_frames` gives them for each frame.
    curl : float
        How far each joint of the fingers bends, in radians.

    Returns
    -------
    PosedAvatar
        Its lowest vertex on the ground, its hips above the origin.
    """
    turns, places = _bones(avatar, frames, curl)
    vertices, normals = _skin(
        avatar.vertices, avatar.normals, avatar.joints, avatar.weights, turns, places, avatar.joint_positions
    )
    moving = avatar.point_joints
    points = places[moving] + np.einsum("pij,pj->pi", turns[moving], avatar.points - avatar.joint_positions[moving])
    hips = places[avatar.canonical[jn.HIPS]]
    shift = np.array([hips[0], vertices[:, 1].min(), hips[2]], dtype=np.float32)
    # the third axis of the trunk's frames points backward
    forward = -(frames[jn.HIPS, :, 2] + frames[jn.UPPER_CHEST, :, 2])
    forward /= max(float(np.linalg.norm(forward)), 1e-6)
    return PosedAvatar(vertices - shift, normals, (points - shift).astype(np.float32), forward.astype(np.float32))


def _bones(avatar: RiggedAvatar, frames: FloatArray, curl: float) -> tuple[FloatArray, FloatArray]:
    """Return how each joint is turned from rest (J, 3, 3) and where it is (J, 3)."""
    wanted = frames @ avatar.frames.transpose(0, 2, 1)  # (22, 3, 3)
    by_joint = {int(joint): wanted[index] for index, joint in enumerate(avatar.canonical)}
    curls = _curls(avatar, curl) if curl else {}
    turns = np.empty((len(avatar.joint_names), 3, 3), dtype=np.float32)
    places = np.empty((len(avatar.joint_names), 3), dtype=np.float32)
    for joint, parent in enumerate(avatar.joint_parents):
        if parent < 0:
            turns[joint], places[joint] = by_joint.get(joint, np.eye(3)), avatar.joint_positions[joint]
            continue
        turns[joint] = by_joint[joint] if joint in by_joint else turns[parent] @ curls.get(joint, np.eye(3))
        places[joint] = places[parent] + turns[parent] @ (
            avatar.joint_positions[joint] - avatar.joint_positions[parent]
        )
    return turns, places


def _curls(avatar: RiggedAvatar, curl: float) -> dict[int, FloatArray]:
    """Return the turns at rest of the fingers' joints: palms face down there, and fingers bend towards them."""
    turns: dict[int, FloatArray] = {}
    for index, name in enumerate(avatar.joint_names):
        if name[-1] in "123" and any(name.endswith(f"Hand{finger}{name[-1]}") for finger in _FINGERS):
            angle = -curl if name.startswith("Left") else curl
            cosine, sine = np.cos(angle), np.sin(angle)
            turns[index] = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]], dtype=np.float32)
    return turns


@compiled
def _skin(
    vertices: npt.NDArray[np.float32],
    normals: npt.NDArray[np.float32],
    joints: IntArray,
    weights: npt.NDArray[np.float32],
    turns: npt.NDArray[np.float32],
    places: npt.NDArray[np.float32],
    rest: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    moved = np.zeros_like(vertices)
    turned = np.zeros_like(normals)
    for vertex in range(len(vertices)):
        for slot in range(joints.shape[1]):
            weight = weights[vertex, slot]
            if weight == 0:
                continue
            joint = joints[vertex, slot]
            for row in range(3):
                place = places[joint, row]
                normal = np.float32(0)
                for column in range(3):
                    place += turns[joint, row, column] * (vertices[vertex, column] - rest[joint, column])
                    normal += turns[joint, row, column] * normals[vertex, column]
                moved[vertex, row] += weight * place
                turned[vertex, row] += weight * normal
        length = np.sqrt(turned[vertex, 0] ** 2 + turned[vertex, 1] ** 2 + turned[vertex, 2] ** 2)
        if length > 0:
            for row in range(3):
                turned[vertex, row] /= length
    return moved, turned
