"""Poses for avatars: frames of motion capture, and drawn ones: standing still, sitting, lying, bending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from motionwarp.body import joint_names as jn
from motionwarp.body.anatomical_frames import motion_frames
from motionwarp.body.bvh import read_bvh
from motionwarp.body.human_motion import human_motion
from motionwarp.errors import InputError
from motionwarp.types import FloatArray

DoubleArray = npt.NDArray[np.float64]

_KEPT_RATE: Final = 10.0  # frames a second of a take: neighbors hardly differ
_PARENTS: Final = {
    jn.SPINE: jn.HIPS, jn.CHEST: jn.SPINE, jn.UPPER_CHEST: jn.CHEST, jn.NECK: jn.UPPER_CHEST, jn.HEAD: jn.NECK,
    jn.LEFT_COLLAR: jn.UPPER_CHEST, jn.LEFT_SHOULDER: jn.LEFT_COLLAR, jn.LEFT_ELBOW: jn.LEFT_SHOULDER,
    jn.LEFT_WRIST: jn.LEFT_ELBOW,
    jn.RIGHT_COLLAR: jn.UPPER_CHEST, jn.RIGHT_SHOULDER: jn.RIGHT_COLLAR, jn.RIGHT_ELBOW: jn.RIGHT_SHOULDER,
    jn.RIGHT_WRIST: jn.RIGHT_ELBOW,
    jn.LEFT_HIP: jn.HIPS, jn.LEFT_KNEE: jn.LEFT_HIP, jn.LEFT_ANKLE: jn.LEFT_KNEE, jn.LEFT_TOE: jn.LEFT_ANKLE,
    jn.RIGHT_HIP: jn.HIPS, jn.RIGHT_KNEE: jn.RIGHT_HIP, jn.RIGHT_ANKLE: jn.RIGHT_KNEE, jn.RIGHT_TOE: jn.RIGHT_ANKLE,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Take:
    """One take of motion capture, thinned out.

    Attributes
    ----------
    name : str
    group : str
        Whom or what it shows: takes of one group resemble each other.
    frames : float32 (T, 22, 3, 3)
        As `motion_frames` gives them.
    """

    name: str
    group: str
    frames: FloatArray


def load_takes(files: Sequence[Path]) -> list[Take]:
    """Read takes of motion capture.

    Parameters
    ----------
    files : sequence of Path
        BVH. Names such as `cmu_005_01` tell data set, subject and take; the subject is the group.

    Raises
    ------
    InputError
        If there is none, or one cannot be read as a person's motion.
    """
    if not files:
        raise InputError("there is no motion to pose avatars by", remedy="Give a folder with BVH files.")
    takes = []
    for path in files:
        motion = human_motion(read_bvh(path))
        step = max(round(motion.frame_rate / _KEPT_RATE), 1)
        name = path.name.split(".")[0]
        group = name.rsplit("_", 1)[0] if name.startswith("cmu_") else name
        takes.append(Take(name, group, np.ascontiguousarray(motion_frames(motion)[::step])))
    return takes


def draw_frame(takes: Sequence[Take], rng: np.random.Generator) -> tuple[FloatArray, str]:
    """Draw a pose of motion capture: groups alike, takes of a group alike.

    Returns
    -------
    float32 (22, 3, 3), str
        The frames, turned a little at the head, and the take's name with the number of the frame.
    """
    groups = sorted({take.group for take in takes})
    group = groups[int(rng.integers(len(groups)))]
    chosen = [take for take in takes if take.group == group]
    take = chosen[int(rng.integers(len(chosen)))]
    number = int(rng.integers(len(take.frames)))
    frames = take.frames[number].astype(np.float64)
    look = _around(frames[jn.UPPER_CHEST, :, 0], rng.normal(0, 14)) @ _around(
        frames[jn.UPPER_CHEST, :, 1], rng.normal(0, 7)
    )
    frames[jn.HEAD] = look @ frames[jn.HEAD]
    half = Rotation.from_rotvec(0.5 * Rotation.from_matrix(look).as_rotvec()).as_matrix()
    frames[jn.NECK] = half @ frames[jn.NECK]
    return frames.astype(np.float32), f"{take.name}/{number}"


def _around(axis: npt.ArrayLike, degrees: float) -> DoubleArray:
    vector = np.asarray(axis, dtype=np.float64)
    return np.asarray(Rotation.from_rotvec(np.deg2rad(degrees) * vector / np.linalg.norm(vector)).as_matrix())


def drawn_pose(rest: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, str]:
    """Draw a pose that motion capture of dances and walks has little of.

    Parameters
    ----------
    rest : float32 (22, 3, 3)
        The avatar's frames in its T-pose.
    rng : numpy Generator

    Returns
    -------
    float32 (22, 3, 3), str
        The frames and what kind it is.
    """
    kind = str(rng.choice(["standing", "gesturing", "sitting", "bending", "lying"], p=[0.56, 0.2, 0.12, 0.07, 0.05]))
    local = {joint: np.eye(3) for joint in range(len(jn.JOINTS))}
    _draw_trunk(local, rng, bent=kind == "bending")
    _draw_arms(local, rng, calm=kind == "standing")
    _draw_legs(local, rng, sitting=kind == "sitting", lying=kind == "lying")
    if kind == "lying":
        local[jn.HIPS] = _turn("X", float(rng.choice([-90, 90])) + rng.normal(0, 8)) @ _turn(
            "Y", rng.uniform(-180, 180)
        )
    turns = np.empty((len(jn.JOINTS), 3, 3))
    turns[jn.HIPS] = local[jn.HIPS]
    for joint, parent in _PARENTS.items():
        turns[joint] = turns[parent] @ local[joint]
    return (turns @ rest).astype(np.float32), kind


def _turn(axis: str, degrees: float) -> DoubleArray:
    return np.asarray(Rotation.from_euler(axis, degrees, degrees=True).as_matrix())


def _draw_trunk(local: dict[int, DoubleArray], rng: np.random.Generator, *, bent: bool) -> None:
    forward = rng.uniform(25, 100) if bent else rng.normal(2, 4)
    local[jn.HIPS] = _turn("X", 0.4 * forward if bent else 0.0)
    for joint in (jn.SPINE, jn.CHEST, jn.UPPER_CHEST):
        local[joint] = _turn("Y", rng.normal(0, 2.5)) @ _turn("Z", rng.normal(0, 2)) @ _turn("X", forward / 5)
    for joint, share in ((jn.NECK, 0.4), (jn.HEAD, 0.6)):
        local[joint] = (
            _turn("Y", share * rng.normal(0, 22)) @ _turn("X", share * rng.normal(0, 12)) @ _turn("Z", rng.normal(0, 3))
        )


def _draw_arms(local: dict[int, DoubleArray], rng: np.random.Generator, *, calm: bool) -> None:
    """Arms that hang, or that do anything in front of the body, beside or above it."""
    alike = rng.random() < 0.6
    shared = _arm_angles(rng, calm=calm)
    for side, collar, shoulder, elbow in (
        (1, jn.LEFT_COLLAR, jn.LEFT_SHOULDER, jn.LEFT_ELBOW),
        (-1, jn.RIGHT_COLLAR, jn.RIGHT_SHOULDER, jn.RIGHT_ELBOW),
    ):
        lowered, forward, inward, bend = shared + rng.normal(0, 4, 4) if alike else _arm_angles(rng, calm=calm)
        # of a raised arm the collar takes some
        raised = max(-lowered, 0.0)
        local[collar] = _turn("Z", side * (0.3 * raised - 0.06 * max(lowered, 0.0)))
        lowering = -side * (min(lowered, 0.0) * 0.7 + max(lowered, 0.0) * 0.94)
        local[shoulder] = _turn("X", -forward) @ _turn("Z", lowering) @ _turn("X", inward)
        local[elbow] = _turn("Y", -side * max(bend, 0.0))


def _arm_angles(rng: np.random.Generator, *, calm: bool) -> DoubleArray:
    """Return degrees: lowered from the T-pose, swung forward, turned inward, and the elbow's bend."""
    if calm:
        return np.array([rng.uniform(72, 86), rng.normal(2, 6), rng.normal(5, 15), abs(rng.normal(12, 10))])
    kind = rng.random()
    if kind < 0.25:  # hands on the hips
        return np.array([rng.uniform(45, 60), rng.normal(-15, 6), rng.normal(60, 8), rng.uniform(80, 110)])
    if kind < 0.5:  # hands before the body
        return np.array([rng.uniform(65, 85), rng.uniform(10, 40), rng.uniform(30, 70), rng.uniform(60, 120)])
    if kind < 0.75:  # raised
        return np.array([rng.uniform(-70, 10), rng.uniform(0, 40), rng.uniform(-60, 20), rng.uniform(0, 110)])
    return np.array([rng.uniform(10, 85), rng.uniform(-20, 70), rng.uniform(-20, 60), rng.uniform(0, 120)])


def _draw_legs(local: dict[int, DoubleArray], rng: np.random.Generator, *, sitting: bool, lying: bool) -> None:
    seat = rng.uniform(70, 98)
    for side, hip, knee in ((1, jn.LEFT_HIP, jn.LEFT_KNEE), (-1, jn.RIGHT_HIP, jn.RIGHT_KNEE)):
        if sitting:
            flex, bend = seat + rng.normal(0, 5), seat + rng.normal(0, 14)
        elif lying:
            flex = abs(rng.normal(0, 25))
            bend = flex * rng.uniform(0.8, 2)
        else:
            flex, bend = rng.normal(3, 6), abs(rng.normal(4, 6))
        spread = abs(rng.normal(4, 5))
        local[hip] = _turn("Z", side * spread) @ _turn("X", -flex) @ _turn("Y", side * rng.normal(8, 8))
        local[knee] = _turn("X", max(bend, 0.0))
