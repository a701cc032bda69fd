"""Motion capture on the body: whatever skeleton a motion came from, the turns of our bones."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from motionwarp.body import joint_names as jn
from motionwarp.body.anatomical_frames import motion_frames
from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.human_motion import HumanMotion
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.model import BodyModel

# y up and facing +z, as motion capture is understood, against our y down and facing -z
_FLIP: Final = np.diag([1.0, -1.0, -1.0])
_JOINTS: Final = (
    jn.HIPS,
    jn.SPINE, jn.CHEST, jn.UPPER_CHEST, jn.NECK, jn.HEAD,
    jn.RIGHT_COLLAR, jn.RIGHT_SHOULDER, jn.RIGHT_ELBOW, jn.RIGHT_WRIST,
    jn.LEFT_COLLAR, jn.LEFT_SHOULDER, jn.LEFT_ELBOW, jn.LEFT_WRIST,
    jn.RIGHT_HIP, jn.RIGHT_KNEE, jn.RIGHT_ANKLE,
    jn.LEFT_HIP, jn.LEFT_KNEE, jn.LEFT_ANKLE,
)  # fmt: skip
"""The joint of motion capture at which each driven bone begins."""


def body_motion(body: BodyModel, motion: HumanMotion) -> BodyMotion:
    """Turn our bones as a person in motion capture turned theirs.

    Parameters
    ----------
    body : BodyModel
    motion : HumanMotion

    Returns
    -------
    BodyMotion

    Notes
    -----
    Ours: anatomical frames of the motion against those of the body at rest; see `anatomical_frames`.
    """
    frames = motion_frames(motion)[:, _JOINTS].astype(np.float64)  # (T, D, 3, 3)
    turns = _FLIP @ frames @ rest_frames(body).transpose(0, 2, 1) @ _FLIP
    chain = motion.positions[0, [jn.LEFT_HIP, jn.LEFT_KNEE, jn.LEFT_ANKLE]].astype(np.float64)
    leg = float(np.linalg.norm(np.diff(chain, axis=0), axis=1).sum())
    hips = motion.positions[:, [jn.LEFT_HIP, jn.RIGHT_HIP]].mean(axis=1)
    return BodyMotion(turns.astype(np.float32), (hips @ _FLIP / leg).astype(np.float32), motion.frame_rate)


def rest_frames(body: BodyModel) -> npt.NDArray[np.float64]:
    """Return the driven bones' anatomical frames in the pose that all people share, y up, facing +z, (D, 3, 3)."""
    shape = body.shape()
    joints = body.pose(shape, torch.eye(3).expand(len(body.bones), 3, 3)).joints.double().numpy() @ _FLIP
    places = {name: joints[index] for index, name in enumerate(body.bones)}
    across = np.array([1.0, 0.0, 0.0])
    trunk = frame(np.array([0.0, 1.0, 0.0]), across)
    found = {name: trunk for name in DRIVEN_BONES}
    for side in "LR":
        shoulder, elbow, wrist, knuckle = (
            places[f"{bone}.{side}"] for bone in ("upperarm01", "lowerarm01", "wrist", "finger3-1")
        )
        hinge = np.cross(elbow - shoulder, wrist - elbow)  # arms at rest are a little bent
        found[f"upperarm01.{side}"] = frame(elbow - shoulder, hinge)
        found[f"lowerarm01.{side}"] = frame(wrist - elbow, hinge)
        width = places[f"finger2-1.{side}"] - places[f"finger5-1.{side}"]
        found[f"wrist.{side}"] = frame(knuckle - wrist, np.cross(knuckle - wrist, width))
        hip, knee, ankle = (places[f"{bone}.{side}"] for bone in ("upperleg01", "lowerleg01", "foot"))
        found[f"upperleg01.{side}"] = frame(knee - hip, across)
        found[f"lowerleg01.{side}"] = frame(ankle - knee, across)
        found[f"foot.{side}"] = frame(_sole(body, side), across)
    return np.stack([found[name] for name in DRIVEN_BONES])


def _sole(body: BodyModel, side: str) -> npt.NDArray[np.float64]:
    """Return where a foot points on the ground: from its rearmost to its foremost vertex, level."""
    from motionwarp.body.layout import PART_NAMES

    part = PART_NAMES.index("left_foot" if side == "L" else "right_foot")
    vertices = body.template[body.parts == part].double().numpy() @ _FLIP
    low = vertices[vertices[:, 1] < vertices[:, 1].min() + 0.04]
    order = np.argsort(low[:, 2])
    direction = low[order[-len(low) // 10 :]].mean(axis=0) - low[order[: len(low) // 10]].mean(axis=0)
    return np.asarray(direction * np.array([1.0, 0.0, 1.0]))


def frame(along: npt.NDArray[np.float64], hinge: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a frame (3, 3) whose first axis is a bone's direction and whose second is nearest to its hinge."""
    first = along / np.linalg.norm(along)
    second = hinge - (hinge @ first) * first
    second = second / np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)], axis=-1)
