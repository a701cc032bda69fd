"""Completion of poses.

Every point gets a position, those that were not seen from the mirror side or from a standing figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motionwarp.errors import NoPersonError
from motionwarp.pose.kinematics import (
    JOINT_MIRROR,
    LEFT_JOINTS,
    MID_HIP,
    REST_LENGTHS,
    REST_STEPS,
    TREE,
    VISIBLE_SCORE,
    fill_from_neighbors,
    with_mid_hip,
)
from motionwarp.pose.skeleton import LEFT_SHOULDER, NECK, POINT_NAMES, RIGHT_SHOULDER
from motionwarp.types import POINT_COUNT, BoolArray, FloatArray, Pose

# a position taken from the mirror side is half as good as its model; an invented one lies below `VISIBLE_SCORE`, so
# that nobody takes it for seen, yet above 0, so that it still means a place
MIRRORED_FACTOR = 0.5
ESTIMATED_SCORE = 0.1
# of a place that the driving clip tells and the picture has no pixels for: nothing is drawn there, and bodies are where
# it says
UNDRAWN_SCORE = 0.14
# bones that tell the torso's length where it was not seen itself, the most reliable first
TORSO_WITNESSES = (
    ("half_shoulders", "neck"),
    ("thigh", "shin"),
    ("upper_arm", "forearm"),
    ("nose_to_eye", "eye_to_ear"),
)


@dataclass(frozen=True, eq=False)
class Completion:
    """A pose in which every point has a position.

    Attributes
    ----------
    pose : Pose
        Seen points as they were; mirrored ones with half their model's score; estimated ones with `ESTIMATED_SCORE`.
    mirrored : tuple of str
        Names of the points that were placed like the other side's.
    estimated : tuple of str
        Names of the points that were placed as a standing person has them.
    torso_length : float
        Neck to middle of the hips in pixels, measured or estimated.
    """

    pose: Pose
    mirrored: tuple[str, ...]
    estimated: tuple[str, ...]
    torso_length: float


def complete_pose(pose: Pose) -> Completion:
    """Give every point a position.

    A bone that was not seen is copied from the other side, reflected at the spine; where that was not seen either it
    hangs as on a standing person. Half bodies get their missing half that way.

    Parameters
    ----------
    pose : Pose

    Returns
    -------
    Completion

    Raises
    ------
    NoPersonError
        If no bone was seen, so that not even the size is known.
    """
    joints = with_mid_hip(pose.points)
    known = joints[:, 2] >= VISIBLE_SCORE
    torso = torso_length(joints, known)
    if torso <= 0:
        raise NoPersonError(
            "too few points of the person were seen", remedy="Use a picture that shows more of the person"
        )
    positions = joints[:, :2]
    down = _spine_direction(positions, known)
    steps, mirrored = _steps(positions, known, down, torso)
    filled, _ = fill_from_neighbors(positions[None], known[None], steps)
    points = pose.points.copy()
    missing = ~known[:POINT_COUNT]
    points[missing, :2] = filled[0, :POINT_COUNT][missing]
    model_scores = pose.points[list(JOINT_MIRROR[:POINT_COUNT]), 2]
    from_mirror = missing & mirrored[:POINT_COUNT]
    points[from_mirror, 2] = np.maximum(MIRRORED_FACTOR * model_scores[from_mirror], VISIBLE_SCORE)
    points[missing & ~from_mirror, 2] = ESTIMATED_SCORE
    names = np.array(POINT_NAMES)
    return Completion(
        Pose(points), tuple(names[from_mirror].tolist()), tuple(names[missing & ~from_mirror].tolist()), torso
    )


def torso_length(joints: FloatArray, known: BoolArray) -> float:
    """Measure the torso of one pose, or estimate it from other bones.

    Parameters
    ----------
    joints : float32 (19, 3)
    known : bool (19,)

    Returns
    -------
    float
        Pixels; 0 where no bone was seen.
    """
    lengths: dict[str, float] = {}
    for bone in TREE:
        if known[bone.parent] and known[bone.child]:
            length = float(np.linalg.norm(joints[bone.child, :2] - joints[bone.parent, :2]))
            lengths[bone.kind] = max(length, lengths.get(bone.kind, 0.0))
    if lengths.get("torso", 0.0) > 0:
        return lengths["torso"]
    for kinds in TORSO_WITNESSES:
        estimates = [lengths[kind] / REST_LENGTHS[kind] for kind in kinds if lengths.get(kind, 0.0) > 0]
        if estimates:
            # seen from the side shoulders are short, from above the neck is: the longer one is the truer one
            return max(estimates)
    return 0.0


def _spine_direction(positions: FloatArray, known: BoolArray) -> FloatArray:
    """Return the unit direction from neck to hips; straight down where the torso was not seen."""
    if known[NECK] and known[MID_HIP]:
        spine = positions[MID_HIP] - positions[NECK]
        length = float(np.linalg.norm(spine))
        if length > 0:
            direction: FloatArray = (spine / length).astype(np.float32)
            return direction
    return np.array([0.0, 1.0], dtype=np.float32)


def _left_direction(positions: FloatArray, known: BoolArray, down: FloatArray) -> FloatArray:
    """Return the unit direction across the spine towards the person's left; someone facing us has it at the right."""
    across = np.array([down[1], -down[0]], dtype=np.float32)
    pairs = [(RIGHT_SHOULDER, LEFT_SHOULDER), *((JOINT_MIRROR[left], left) for left in sorted(LEFT_JOINTS))]
    for right, left in pairs:
        if known[right] and known[left]:
            towards = float((positions[left] - positions[right]) @ across)
            if towards != 0.0:
                return across if towards > 0 else -across
    return across


def _steps(positions: FloatArray, known: BoolArray, down: FloatArray, torso: float) -> tuple[FloatArray, BoolArray]:
    """Return each joint's step from its parent, float32 (19, 2), and which are the other side's, bool (19,)."""
    steps = np.zeros((len(positions), 2), dtype=np.float32)
    mirrored = np.zeros(len(positions), dtype=np.bool_)
    left = _left_direction(positions, known, down)
    for bone in TREE:
        model_parent, model_child = JOINT_MIRROR[bone.parent], JOINT_MIRROR[bone.child]
        if known[bone.parent] and known[bone.child]:
            steps[bone.child] = positions[bone.child] - positions[bone.parent]
        elif model_child != bone.child and known[model_parent] and known[model_child]:
            model = positions[model_child] - positions[model_parent]
            steps[bone.child] = model - 2 * (model @ left) * left
            mirrored[bone.child] = True
        else:
            sideways, along = REST_STEPS[bone.kind]
            side = 1.0 if bone.child in LEFT_JOINTS else -1.0
            steps[bone.child] = torso * (side * sideways * left + along * down)
    return steps, mirrored
