"""Motion capture of somebody who waves, made up: a skeleton with Mixamo's names."""

from __future__ import annotations

import numpy as np

from motionwarp.body.motion_clip import MotionClip, Skeleton

_BONES = {
    "Hips": (None, (0, 95, 0)), "Spine": ("Hips", (0, 10, 0)), "Neck": ("Spine", (0, 38, 0)),
    "Head": ("Neck", (0, 12, 0)),
    "LeftArm": ("Spine", (17, 33, 0)), "LeftForeArm": ("LeftArm", (27, 0, 0)), "LeftHand": ("LeftForeArm", (25, 0, 0)),
    "RightArm": ("Spine", (-17, 33, 0)), "RightForeArm": ("RightArm", (-27, 0, 0)),
    "RightHand": ("RightForeArm", (-25, 0, 0)),
    "LeftUpLeg": ("Hips", (9, -5, 0)), "LeftLeg": ("LeftUpLeg", (0, -42, 0)), "LeftFoot": ("LeftLeg", (0, -40, 0)),
    "RightUpLeg": ("Hips", (-9, -5, 0)), "RightLeg": ("RightUpLeg", (0, -42, 0)),
    "RightFoot": ("RightLeg", (0, -40, 0)),
}  # fmt: skip


def waving_person(frames: int = 12) -> MotionClip:
    """Return somebody who stands with stretched arms and waves with the left one, 30 frames a second."""
    names = list(_BONES)
    parents = tuple(-1 if parent is None else names.index(parent) for parent, _ in _BONES.values())
    offsets = np.array([offset for _, offset in _BONES.values()], dtype=np.float32)
    rotations = np.tile(np.eye(3, dtype=np.float32), (frames, len(names), 1, 1))
    angle = np.linspace(0, 1, frames)
    rotations[:, names.index("LeftForeArm"), :2, :2] = np.stack(
        [np.stack([np.cos(angle), -np.sin(angle)], -1), np.stack([np.sin(angle), np.cos(angle)], -1)], -2
    )
    return MotionClip(Skeleton(tuple(names), parents, offsets), rotations, np.tile(offsets[0], (frames, 1)), 30.0)
