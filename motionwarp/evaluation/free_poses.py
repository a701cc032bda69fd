"""A few poses, far from those of most photos, in which no limb hides another or lies before the trunk."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from motionwarp.body.body_motion import BodyMotion, upright_turns
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.rig import world_turns
from motionwarp.types import FloatArray

FREE_POSES: Final = ("apart", "raised", "raised_mirrored", "apart_45", "apart_-45")
"""Names of the poses, in the order of `free_poses`.

apart: arms away from the body and legs apart. raised: arms lifted, their elbows bent, and the left knee lifted.
raised_mirrored: its mirror image. The last two: apart, turned to the picture's right and left by 45 degrees.
"""

_SIDEWAYS: Final = (0.0, 0.0, 1.0)
_FORWARD: Final = (1.0, 0.0, 0.0)
# degrees by which bones turn against those above them, from the pose that all people share
_RAISED: Final = (
    ("upperarm01.L", -80, _SIDEWAYS), ("lowerarm01.L", -40, _SIDEWAYS),
    ("upperarm01.R", 80, _SIDEWAYS), ("lowerarm01.R", 40, _SIDEWAYS),
    ("upperleg01.L", -45, _FORWARD), ("lowerleg01.L", 70, _FORWARD),
)  # fmt: skip


def free_poses() -> BodyMotion:
    """Return the poses as a motion on the spot, one a second, that faces the camera but for the two turned ones."""
    apart = BodyMotion(_turns(), np.zeros((1, 3), dtype=np.float32), 1.0)
    raised = BodyMotion(_turns(_RAISED), apart.root, 1.0)
    turned = upright_turns([45.0, -45.0])[:, None] @ apart.turns
    turns = np.concatenate([apart.turns, raised.turns, raised.mirrored().turns, turned])
    return BodyMotion(turns, np.zeros((len(turns), 3), dtype=np.float32), 1.0)


def _turns(changes: tuple[tuple[str, float, tuple[float, float, float]], ...] = ()) -> FloatArray:
    """Return the turns in the world, float32 (1, D, 3, 3), of a body of which some bones are turned."""
    local = np.tile(np.eye(3, dtype=np.float32), (len(DRIVEN_BONES), 1, 1))
    for bone, degrees, axis in changes:
        local[DRIVEN_BONES.index(bone)] = Rotation.from_rotvec(np.deg2rad(degrees) * np.array(axis)).as_matrix()
    return world_turns(torch.from_numpy(local)[None]).numpy()
