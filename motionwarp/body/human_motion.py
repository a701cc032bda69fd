"""The motion of a person in metres, upright along y, joint by joint: what any understood motion capture becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from motionwarp.body.joint_names import (
    CHEST,
    HEAD,
    HIPS,
    JOINTS,
    KNUCKLES,
    LEFT_ANKLE,
    LEFT_COLLAR,
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_TOE,
    LEFT_WRIST,
    NECK,
    RIGHT_ANKLE,
    RIGHT_COLLAR,
    RIGHT_ELBOW,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
    RIGHT_TOE,
    RIGHT_WRIST,
    SPINE,
    UPPER_CHEST,
    understand,
)
from motionwarp.body.motion_clip import MotionClip
from motionwarp.errors import PoseFileError
from motionwarp.types import FloatArray

UpAxis = Literal["auto", "y", "z"]

# metres in a unit: meter, centimeter, millimeter, inch, foot, and that of CMU's own files (0.45 of an inch)
_UNITS: Final = (1.0, 0.01, 0.001, 0.0254, 0.3048, 0.0254 / 0.45)
_LEG_METRES: Final = (0.6, 1.1)  # hip to ankle, along the bones, of a person who is grown up or nearly so
_USUAL_LEG: Final = 0.82
_ARM_TO_LEG: Final = (0.3, 1.2)
_Z_UP_TO_Y_UP: Final = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=np.float32)
_NO_PERSON: Final = "Give the motion of one person on two legs."


@dataclass(frozen=True, eq=False)
class HumanMotion:
    """Where a person's joints are and how they are turned, over T frames.

    Attributes
    ----------
    positions : float32 (T, 22, 3)
        Metres, y up, by `joint_names.JOINTS`; joints that the skeleton lacks are put between their neighbours.
    rotations : float32 (T, 22, 3, 3)
        From the skeleton's own axes of each joint, whatever they are, to the world's.
    knuckles : float32 (T, 6, 3) or None
        By `joint_names.KNUCKLES`.
    frame_rate : float
    convention : str
        Whose names the skeleton's joints had.
    metres_per_unit : float
    """

    positions: FloatArray
    rotations: FloatArray
    knuckles: FloatArray | None
    frame_rate: float
    convention: str
    metres_per_unit: float

    def __post_init__(self) -> None:
        count = len(self.positions)
        if (
            self.positions.shape != (count, len(JOINTS), 3)
            or self.rotations.shape != (count, len(JOINTS), 3, 3)
            or count == 0
        ):
            raise ValueError(f"HumanMotion has positions {self.positions.shape} and rotations {self.rotations.shape}")
        if self.knuckles is not None and self.knuckles.shape != (count, len(KNUCKLES), 3):
            raise ValueError(f"HumanMotion of {count} frames has knuckles {self.knuckles.shape}")

    def __len__(self) -> int:
        return len(self.positions)


def human_motion(clip: MotionClip, *, up: UpAxis = "auto") -> HumanMotion:
    """Understand a clip of motion capture as a person's.

    Parameters
    ----------
    clip : MotionClip
        With joints of a person by any convention that `joint_names.understand` knows.
    up : "auto", "y" or "z"
        Which way is up in the clip; by itself it is told from where the head is above the feet on average.

    Returns
    -------
    HumanMotion

    Raises
    ------
    PoseFileError
        If bones of a person are missing, or their lengths are not those of a person.
    """
    names = understand(clip.skeleton.names)
    places, turns = clip.world()
    index = names.joints
    known = [joint for joint in JOINTS if joint in index]
    positions = np.full((len(clip), len(JOINTS), 3), np.nan, dtype=np.float32)
    rotations = np.empty((len(clip), len(JOINTS), 3, 3), dtype=np.float32)
    rotations[:] = turns[:, [index["hips"]]]
    for joint in known:
        positions[:, JOINTS.index(joint)] = places[:, index[joint]]
        rotations[:, JOINTS.index(joint)] = turns[:, index[joint]]
    knuckles = None
    if all(knuckle in index for knuckle in KNUCKLES):
        knuckles = places[:, [index[knuckle] for knuckle in KNUCKLES]]
    _fill_missing(positions)
    unit = _metres_per_unit(positions)
    to_world = _Z_UP_TO_Y_UP if up == "z" or (up == "auto" and _is_z_up(positions)) else np.eye(3, dtype=np.float32)
    return HumanMotion(
        (positions @ to_world.T * np.float32(unit)).astype(np.float32),
        (to_world @ rotations).astype(np.float32),
        None if knuckles is None else (knuckles @ to_world.T * np.float32(unit)).astype(np.float32),
        clip.frame_rate,
        names.convention,
        unit,
    )


def _fill_missing(positions: FloatArray) -> None:
    """Put joints that are not there where they would be about."""
    missing = np.isnan(positions[0, :, 0])
    if missing[NECK]:
        shoulders = positions[:, [LEFT_SHOULDER, RIGHT_SHOULDER]].mean(axis=1)
        positions[:, NECK] = shoulders + 0.3 * (positions[:, HEAD] - shoulders)
    for share, joint in ((0.2, SPINE), (0.4, CHEST), (0.65, UPPER_CHEST)):
        if missing[joint]:
            positions[:, joint] = positions[:, HIPS] + share * (positions[:, NECK] - positions[:, HIPS])
    for collar, shoulder in ((LEFT_COLLAR, LEFT_SHOULDER), (RIGHT_COLLAR, RIGHT_SHOULDER)):
        if missing[collar]:
            positions[:, collar] = positions[:, NECK] + 0.2 * (positions[:, shoulder] - positions[:, NECK])
    for toe, ankle, knee, hip in (
        (LEFT_TOE, LEFT_ANKLE, LEFT_KNEE, LEFT_HIP),
        (RIGHT_TOE, RIGHT_ANKLE, RIGHT_KNEE, RIGHT_HIP),
    ):
        if missing[toe]:
            across = positions[:, LEFT_HIP] - positions[:, RIGHT_HIP]
            shin = positions[:, ankle] - positions[:, knee]
            forward = np.cross(shin, across)
            forward /= np.maximum(np.linalg.norm(forward, axis=-1, keepdims=True), 1e-9)
            leg = np.linalg.norm(positions[:, hip] - positions[:, knee], axis=-1, keepdims=True)
            positions[:, toe] = positions[:, ankle] + 0.35 * leg * forward


def _length(positions: FloatArray, *joints: int) -> float:
    """Return the length of a chain of joints in the first frame; bones do not stretch."""
    return float(np.linalg.norm(np.diff(positions[0, list(joints)], axis=0), axis=-1).sum())


def _metres_per_unit(positions: FloatArray) -> float:
    leg = _length(positions, LEFT_HIP, LEFT_KNEE, LEFT_ANKLE)
    other = _length(positions, RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE)
    arm = _length(positions, LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST)
    other_arm = _length(positions, RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST)
    if min(leg, other, arm, other_arm) <= 0 or not 0.8 <= leg / other <= 1.25 or not 0.8 <= arm / other_arm <= 1.25:
        raise PoseFileError(
            f"its limbs are not a person's: legs of {leg:.3g} and {other:.3g} units, "
            f"arms of {arm:.3g} and {other_arm:.3g}",
            remedy=_NO_PERSON,
        )
    if not _ARM_TO_LEG[0] <= arm / leg <= _ARM_TO_LEG[1]:
        raise PoseFileError(
            f"its arms are {arm / leg:.2f} times as long as its legs, which no person's are", remedy=_NO_PERSON
        )
    fitting = [unit for unit in _UNITS if _LEG_METRES[0] <= leg * unit <= _LEG_METRES[1]]
    # a scale that is nobody's unit: cartoons, and files that were scaled; the person is then of usual size
    return min(fitting, key=lambda unit: abs(leg * unit - _USUAL_LEG)) if fitting else _USUAL_LEG / leg


def _is_z_up(positions: FloatArray) -> bool:
    upright = (positions[:, HEAD] - positions[:, [LEFT_ANKLE, RIGHT_ANKLE]].mean(axis=1)).mean(axis=0)
    return bool(upright[2] > 1.5 * abs(upright[1]))
