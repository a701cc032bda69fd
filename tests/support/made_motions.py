"""Motion capture made by hand: a skeleton of Mixamo's names, in centimeters, in a T-pose unless bones are turned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from motionwarp.body.bvh import write_bvh
from motionwarp.body.motion_clip import MotionClip, Skeleton

MIXAMO = {
    "Hips": (None, (0, 95, 0)), "Spine": ("Hips", (0, 10, 0)), "Neck": ("Spine", (0, 38, 0)),
    "Head": ("Neck", (0, 12, 0)),
    "LeftArm": ("Spine", (17, 33, 0)), "LeftForeArm": ("LeftArm", (27, 0, 0)), "LeftHand": ("LeftForeArm", (25, 0, 0)),
    "RightArm": ("Spine", (-17, 33, 0)), "RightForeArm": ("RightArm", (-27, 0, 0)),
    "RightHand": ("RightForeArm", (-25, 0, 0)),
    "LeftUpLeg": ("Hips", (9, -5, 0)), "LeftLeg": ("LeftUpLeg", (0, -42, 0)), "LeftFoot": ("LeftLeg", (0, -40, 0)),
    "LeftToeBase": ("LeftFoot", (0, -7, 14)),
    "RightUpLeg": ("Hips", (-9, -5, 0)), "RightLeg": ("RightUpLeg", (0, -42, 0)),
    "RightFoot": ("RightLeg", (0, -40, 0)), "RightToeBase": ("RightFoot", (0, -7, 14)),
}  # fmt: skip


def captured(
    frames: int = 6,
    rate: float = 30.0,
    turns: dict[str, np.ndarray] | None = None,
    way: np.ndarray | None = None,
    names: dict[str, str] | None = None,
) -> MotionClip:
    """A clip.

    Parameters
    ----------
    frames, rate
    turns : of bones by name, degrees (T, 3) about x, y, z
    way : of the hips, (T, 3) in centimeters, added to where they stand
    names : other names for bones
    """
    own = list(MIXAMO)
    parents = tuple(-1 if parent is None else own.index(parent) for parent, _ in MIXAMO.values())
    offsets = np.array([offset for _, offset in MIXAMO.values()], dtype=np.float32)
    rotations = np.tile(np.eye(3), (frames, len(own), 1, 1))
    for bone, degrees in (turns or {}).items():
        rotations[:, own.index(bone)] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    root = np.tile(offsets[0], (frames, 1)) + (0 if way is None else way)
    skeleton = Skeleton(tuple((names or {}).get(name, name) for name in own), parents, offsets)
    return MotionClip(skeleton, rotations, root, rate)


def write_captured(path: Path, clip: MotionClip | None = None) -> Path:
    """Write a clip, by default a still T-pose, and return the path."""
    write_bvh(path, clip or captured())
    return path
