"""Bodies: sampled proportions, a skeleton with joint limits, and where its joints are in space.

The body's own axes are x to its left, y up, z forwards; lengths are in meters and the middle of the hips is the origin.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.pose import skeleton as sk

DoubleArray = npt.NDArray[np.float64]

# smallest and largest angle of each joint in degrees
LIMITS: Final = {
    "spine": ((-25, 75), (-30, 30), (-40, 40)),  # forwards, to the left, turned to the left
    "head": ((-35, 40), (-30, 30), (-65, 65)),
    "arm": ((-25, 175), (-50, 175), (-80, 80), (0, 150)),  # abducted, forwards, twisted inwards, elbow
    "leg": ((-20, 70), (-30, 120), (-35, 35), (0, 140)),  # abducted, forwards, twisted inwards, knee
}


@dataclass(frozen=True)
class BodyProportions:
    """Lengths of a body's bones and radii of its parts in meters.

    Attributes
    ----------
    height : float
        From the soles to the top of the head, standing.
    spine, neck, head_radius : float
    shoulder, hip : float
        Half the distance between the shoulder joints and between the hip joints.
    upper_arm, forearm, hand, thigh, shin, foot : float
    girth : float
        Factor on all radii.
    """

    height: float
    spine: float
    neck: float
    head_radius: float
    shoulder: float
    hip: float
    upper_arm: float
    forearm: float
    hand: float
    thigh: float
    shin: float
    foot: float
    girth: float


def sample_proportions(rng: np.random.Generator) -> BodyProportions:
    """Draw an adult's proportions."""
    height = rng.uniform(1.5, 1.95)

    def part(share: float, spread: float = 0.05) -> float:
        return float(height * share * np.exp(rng.normal(0, spread)))

    return BodyProportions(
        height=height, spine=part(0.29), neck=part(0.095), head_radius=part(0.062, 0.04), shoulder=part(0.105, 0.08),
        hip=part(0.052, 0.08), upper_arm=part(0.165), forearm=part(0.143), hand=part(0.075), thigh=part(0.245),
        shin=part(0.24),
        foot=part(0.11), girth=float(np.exp(rng.normal(0.02, 0.13))),
    )  # fmt: skip


@dataclass(frozen=True)
class BodyPose:
    """Angles of all joints in degrees; zeros stand upright with hanging arms.

    Attributes
    ----------
    root : (turn to the left, lean forwards, lean to the left)
        Angles of the whole body about the middle of the hips.
    spine, head : (forwards, to the left, turned to the left)
    right_arm, left_arm : (abducted, forwards, twisted inwards, elbow)
    right_leg, left_leg : (abducted, forwards, twisted inwards, knee)
    """

    root: tuple[float, ...] = (0.0, 0.0, 0.0)
    spine: tuple[float, ...] = (0.0, 0.0, 0.0)
    head: tuple[float, ...] = (0.0, 0.0, 0.0)
    right_arm: tuple[float, ...] = (6.0, 0.0, 0.0, 8.0)
    left_arm: tuple[float, ...] = (6.0, 0.0, 0.0, 8.0)
    right_leg: tuple[float, ...] = (3.0, 0.0, 0.0, 2.0)
    left_leg: tuple[float, ...] = (3.0, 0.0, 0.0, 2.0)

    def limited(self) -> BodyPose:
        """Return the pose with every joint inside its limits; the root is free."""
        values = {"root": self.root}
        for field in fields(self)[1:]:
            limits = LIMITS[field.name.split("_")[-1]]
            angles = getattr(self, field.name)
            values[field.name] = tuple(
                float(np.clip(a, low, high)) for a, (low, high) in zip(angles, limits, strict=True)
            )
        return BodyPose(**values)


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Where a body is.

    Attributes
    ----------
    joints : float64 (18, 3)
        The 18 points; eyes, ears and nose on the head's surface.
    head_center : float64 (3,)
    head_axes : float64 (3, 3)
        Columns: the head's left, up and forward.
    torso_axes : float64 (3, 3)
    hands, feet : float64 (2, 3)
        Tips, right first.
    """

    joints: DoubleArray
    head_center: DoubleArray
    head_axes: DoubleArray
    torso_axes: DoubleArray
    hands: DoubleArray
    feet: DoubleArray


# degrees by which a foot's tip lies below the ankle, standing and in addition where the foot hangs in the air; and how
# far up that is, of the shin's length
_FOOT_DROP, _FOOT_HANGS, _HANGS_FROM = 30.0, 42.0, 0.5


def place(body: BodyProportions, pose: BodyPose) -> Skeleton:
    """Return where the joints of a body in a pose are (forward kinematics)."""
    pelvis = turn_y(pose.root[0]) @ turn_x(pose.root[1]) @ turn_z(-pose.root[2])
    chest = pelvis @ turn_y(pose.spine[2]) @ turn_x(pose.spine[0]) @ turn_z(-pose.spine[1])
    head_axes = chest @ turn_y(pose.head[2]) @ turn_x(pose.head[0]) @ turn_z(-pose.head[1])
    joints = np.zeros((18, 3))
    # the back bends: half of the spine goes with the pelvis, half with the chest
    neck = 0.4 * body.spine * pelvis[:, 1] + 0.6 * body.spine * chest[:, 1]
    joints[sk.NECK] = neck
    hands, feet, shins = np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3, 3))
    arms = (sk.RIGHT_SHOULDER, sk.RIGHT_ELBOW, sk.RIGHT_WRIST), (sk.LEFT_SHOULDER, sk.LEFT_ELBOW, sk.LEFT_WRIST)
    for index, (side, angles, chain) in enumerate(zip((-1, 1), (pose.right_arm, pose.left_arm), arms, strict=True)):
        shoulder = neck + side * body.shoulder * chest[:, 0]
        axes = chest @ turn_z(side * angles[0]) @ turn_x(-angles[1]) @ turn_y(-side * angles[2])
        elbow = shoulder - body.upper_arm * axes[:, 1]
        fore = axes @ turn_x(-angles[3])
        wrist = elbow - body.forearm * fore[:, 1]
        joints[list(chain)] = shoulder, elbow, wrist
        hands[index] = wrist - body.hand * fore[:, 1]
    legs = (sk.RIGHT_HIP, sk.RIGHT_KNEE, sk.RIGHT_ANKLE), (sk.LEFT_HIP, sk.LEFT_KNEE, sk.LEFT_ANKLE)
    for index, (side, angles, chain) in enumerate(zip((-1, 1), (pose.right_leg, pose.left_leg), legs, strict=True)):
        hip = side * body.hip * pelvis[:, 0]
        axes = pelvis @ turn_z(side * angles[0]) @ turn_x(-angles[1]) @ turn_y(-side * angles[2])
        knee = hip - body.thigh * axes[:, 1]
        shins[index] = axes @ turn_x(angles[3])
        joints[list(chain)] = hip, knee, knee - body.shin * shins[index][:, 1]
    ankles = joints[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE]]
    for index, (ankle, shin) in enumerate(zip(ankles, shins, strict=True)):
        # toes of a foot that stands nowhere hang down
        lifted = min(float(ankle[1] - ankles[:, 1].min()) / (_HANGS_FROM * body.shin), 1.0)
        dropped = np.radians(_FOOT_DROP + lifted * _FOOT_HANGS)
        feet[index] = ankle + body.foot * (np.cos(dropped) * shin[:, 2] - np.sin(dropped) * shin[:, 1])
    center = neck + body.neck * (0.4 * chest[:, 1] + 0.6 * head_axes[:, 1]) + 0.25 * body.head_radius * head_axes[:, 2]
    on_head = {
        sk.NOSE: (0.0, -0.12, 1.12), sk.RIGHT_EYE: (-0.36, 0.12, 0.9), sk.LEFT_EYE: (0.36, 0.12, 0.9),
        sk.RIGHT_EAR: (-0.95, 0.0, 0.05), sk.LEFT_EAR: (0.95, 0.0, 0.05),
    }  # fmt: skip
    for point, offset in on_head.items():
        joints[point] = center + body.head_radius * head_axes @ np.array(offset)
    return Skeleton(joints, center, head_axes, chest, hands, feet)


def turn_x(degrees: float) -> DoubleArray:
    """Return the rotation about x that takes y to z, (3, 3)."""
    c, s = _cosine_sine(degrees)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def turn_y(degrees: float) -> DoubleArray:
    """Return the rotation about y that takes z to x, (3, 3)."""
    c, s = _cosine_sine(degrees)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def turn_z(degrees: float) -> DoubleArray:
    """Return the rotation about z that takes x to y, (3, 3)."""
    c, s = _cosine_sine(degrees)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _cosine_sine(degrees: float) -> tuple[float, float]:
    radians = np.deg2rad(degrees)
    return float(np.cos(radians)), float(np.sin(radians))
