"""Motions written down as poses at times: arms by where they point, legs by where the feet stand, in between evenly.

The axes are those of motion capture: x to the person's left, y up, z ahead of them. Lengths are in leg lengths (hip to
ankle). Between poses everything is interpolated without overshooting, and the legs are solved for hips and feet in
every frame, so that a foot that stands does not slide. What comes out are the turns of the body's bones, for any body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.model import BodyModel
from motionwarp.body.retargeting import frame, rest_frames
from motionwarp.body.rig import PointRig

__all__ = ["Arm", "Foot", "Key", "Pose", "choreographed"]

DoubleArray = npt.NDArray[np.float64]

_RATE: Final = 30.0
_FLIP: Final = np.diag([1.0, -1.0, -1.0])  # between y up, facing +z and y down, facing -z
_BONE: Final = {name: index for index, name in enumerate(DRIVEN_BONES)}
_SPINE: Final = ("spine04", "spine02", "spine01")
_LEFT, _UP, _AHEAD = np.eye(3)
_COLLAR_SHARE: Final = 0.35  # of what an arm is raised above the shoulder
_LIFTED: Final = 0.12  # from this height on a foot is in the air, and need not be in reach of the ground
_MOST_REACH: Final = 0.999  # of a leg's length: knees are never locked


@dataclass(frozen=True)
class Arm:
    """Where an arm points, against the chest; all in degrees.

    Attributes
    ----------
    raised, out : float
        Of the upper arm: 0 hangs down, 90 is level, 180 points up; level and 0 out points ahead, 90 to the arm's own
        side, 180 behind.
    fore_raised, fore_out : float
        The same of the forearm.
    twist : float
        Of the hand about the forearm: a hand that hangs looks at the thigh; positive turns the thumb inwards.
    flex : float
        Of the wrist, towards the palm.
    """

    raised: float = 8.0
    out: float = 75.0
    fore_raised: float = 14.0
    fore_out: float = 35.0
    twist: float = 0.0
    flex: float = 0.0


@dataclass(frozen=True)
class Foot:
    """Where a foot is, from where it stands while the person does.

    Attributes
    ----------
    out, ahead, height : float
        Leg lengths; to the foot's own side, ahead and up.
    pitch : float
        Degrees; positive points the toes down.
    turn : float
        Degrees; positive turns the toes outwards.
    """

    out: float = 0.0
    ahead: float = 0.0
    height: float = 0.0
    pitch: float = 0.0
    turn: float = 6.0


@dataclass(frozen=True)
class Pose:
    """A pose; angles in degrees, lengths in leg lengths.

    Attributes
    ----------
    left, up, ahead : float
        Of the hips, from where they are while the person stands.
    facing, tip, roll : float
        Of the hips: about the upright axis to the left, forward, and to the left.
    lean, bend, twist : float
        Of the trunk over the hips: forward, to the left, and turned to the left.
    nod, tilt, look : float
        Of the head over the trunk: down, to the left, and turned to the left.
    shrug : float
        Of the shoulders, upwards.
    left_arm, right_arm : Arm
    left_foot, right_foot : Foot
        About the place where the hips would be while the person stands: they do not go along with `left`, `ahead`
        or `facing`.
    """

    left: float = 0.0
    up: float = -0.006
    ahead: float = 0.0
    facing: float = 0.0
    tip: float = 0.0
    roll: float = 0.0
    lean: float = 0.0
    bend: float = 0.0
    twist: float = 0.0
    nod: float = 0.0
    tilt: float = 0.0
    look: float = 0.0
    shrug: float = 0.0
    left_arm: Arm = Arm()
    right_arm: Arm = Arm()
    left_foot: Foot = Foot()
    right_foot: Foot = Foot()

    def mirrored(self) -> Pose:
        """Return the pose with left and right exchanged."""
        turned = {name: -getattr(self, name) for name in ("left", "facing", "roll", "bend", "twist", "tilt", "look")}
        return replace(
            self,
            **turned,
            left_arm=self.right_arm,
            right_arm=self.left_arm,
            left_foot=self.right_foot,
            right_foot=self.left_foot,
        )

    def moved(self, ahead: float = 0.0, left: float = 0.0) -> Pose:
        """Return the pose somewhere else, feet and all."""
        return replace(
            self,
            ahead=self.ahead + ahead,
            left=self.left + left,
            left_foot=replace(self.left_foot, ahead=self.left_foot.ahead + ahead, out=self.left_foot.out + left),
            right_foot=replace(self.right_foot, ahead=self.right_foot.ahead + ahead, out=self.right_foot.out - left),
        )


@dataclass(frozen=True)
class Key:
    """A pose at a time.

    Attributes
    ----------
    seconds : float
    pose : Pose
    """

    seconds: float
    pose: Pose


@dataclass(frozen=True, eq=False)
class _Curves:
    """What is interpolated: the trunk's and legs' numbers, and the arms' bones as quaternions."""

    numbers: dict[str, DoubleArray]  # (T,) each
    feet: dict[str, DoubleArray]  # (T, 5)
    arms: dict[str, DoubleArray]  # (T, 4, 3, 3): collar, upper arm, forearm, hand against the chest


def choreographed(body: BodyModel, keys: Sequence[Key], *, cycles: int = 0) -> BodyMotion:
    """Make a motion of poses.

    Parameters
    ----------
    body : BodyModel
        Whose bones are turned; the turns are good for any shape.
    keys : sequence of Key
        In order of time, the first at 0 seconds.
    cycles : int
        0 for a motion that begins and ends; else how often the poses are gone through, where the last one is the first
        one again (it may have moved on).

    Returns
    -------
    BodyMotion
        30 frames a second.

    Raises
    ------
    ValueError
        If there are fewer than two poses, or times do not increase from 0.
    """
    times = np.array([key.seconds for key in keys])
    if len(keys) < 2 or times[0] != 0 or (np.diff(times) <= 0).any():
        raise ValueError(f"a choreography needs poses at times that increase from 0, got {times.tolist()}")
    poses = [key.pose for key in keys]
    shown = np.arange(round(times[-1] * max(cycles, 1) * _RATE) + (0 if cycles else 1)) / _RATE
    if cycles:
        times, poses = _repeated(times, poses, cycles)
    curves = _interpolated(body, times, poses, shown)
    turns, root = _solved(body, curves)
    return BodyMotion(turns.astype(np.float32), root.astype(np.float32), _RATE)


def _repeated(times: DoubleArray, poses: list[Pose], cycles: int) -> tuple[DoubleArray, list[Pose]]:
    """Return a cycle gone through several times, with one more before and after, so that its ends meet smoothly."""
    period = times[-1]
    ahead, left = poses[-1].ahead - poses[0].ahead, poses[-1].left - poses[0].left
    all_times: list[float] = []
    all_poses: list[Pose] = []
    for cycle in range(-1, cycles + 1):
        all_times += (times[:-1] + cycle * period).tolist()
        all_poses += [pose.moved(cycle * ahead, cycle * left) for pose in poses[:-1]]
    return np.array(all_times), all_poses


def _interpolated(body: BodyModel, times: DoubleArray, poses: list[Pose], shown: DoubleArray) -> _Curves:
    rest = rest_frames(body)

    def curve(values: npt.ArrayLike) -> DoubleArray:
        return np.asarray(PchipInterpolator(times, np.asarray(values, dtype=np.float64), axis=0)(shown))

    names = [item.name for item in fields(Pose) if item.type == "float"]
    numbers = {name: curve([getattr(pose, name) for pose in poses]) for name in names}
    feet = {}
    arms = {}
    for side in ("left", "right"):
        held = [getattr(pose, f"{side}_foot") for pose in poses]
        feet[side] = curve([[foot.out, foot.ahead, foot.height, foot.pitch, foot.turn] for foot in held])
        turned = np.stack([_arm_turns(getattr(pose, f"{side}_arm"), pose.shrug, side, rest) for pose in poses])
        # each against the one above it, so that what hangs on an arm comes along with it
        local = turned.copy()
        local[:, 1:] = turned[:, :-1].transpose(0, 1, 3, 2) @ turned[:, 1:]
        bones = [_between(local[:, bone], curve) for bone in range(4)]
        for bone in range(1, 4):
            bones[bone] = bones[bone - 1] @ bones[bone]
        arms[side] = np.stack(bones, axis=1)
    return _Curves(numbers, feet, arms)


def _between(turns: DoubleArray, curve: Callable[[DoubleArray], DoubleArray]) -> DoubleArray:
    """Return rotations between rotations (K, 3, 3), by their quaternions."""
    quaternions = Rotation.from_matrix(turns).as_quat()
    for index in range(1, len(quaternions)):
        if quaternions[index] @ quaternions[index - 1] < 0:
            quaternions[index] *= -1
    return np.asarray(Rotation.from_quat(curve(quaternions)).as_matrix())


def _direction(raised: float, out: float, side: float) -> DoubleArray:
    """Return where an arm's bone points against the chest, (3,)."""
    up, around = np.deg2rad(raised), np.deg2rad(out)
    return np.array([side * np.sin(up) * np.sin(around), -np.cos(up), np.sin(up) * np.cos(around)])


def _arm_turns(arm: Arm, shrug: float, name: str, rest: DoubleArray) -> DoubleArray:
    """Return how collar bone, upper arm, forearm and hand are turned against the chest, (4, 3, 3)."""
    side, letter = (1.0, "L") if name == "left" else (-1.0, "R")
    lifted = shrug + _COLLAR_SHARE * max(arm.raised - 80, 0) * abs(np.sin(np.deg2rad(arm.raised)) * 0.5 + 0.5)
    collar = Rotation.from_euler("z", side * min(lifted, 32.0), degrees=True).as_matrix()
    upper, fore = _direction(arm.raised, arm.out, side), _direction(arm.fore_raised, arm.fore_out, side)
    hinge = np.cross(upper, fore)
    straight = np.cross(upper, _AHEAD if abs(upper[2]) < 0.8 else _UP)
    # a hinge that hardly bends says nothing: it goes over into that of an arm that would bend forward
    share = np.clip((np.linalg.norm(hinge) - 0.05) / 0.25, 0, 1)
    unit = hinge / max(float(np.linalg.norm(hinge)), 1e-9)
    hinge = share * unit + (1 - share) * straight / max(float(np.linalg.norm(straight)), 1e-9)
    upper_frame, fore_frame = frame(upper, hinge), frame(fore, hinge)
    twisted = fore_frame @ Rotation.from_euler("x", -side * arm.twist / 2, degrees=True).as_matrix()
    hand = fore_frame @ Rotation.from_euler("x", -side * arm.twist, degrees=True).as_matrix()
    hand = frame(*_flexed(hand, arm.flex, side))
    found = []
    for bone, shape in (("upperarm01", upper_frame), ("lowerarm01", twisted), ("wrist", hand)):
        found.append(shape @ rest[_BONE[f"{bone}.{letter}"]].T)
    return np.stack([collar, *found])


def _flexed(hand: DoubleArray, degrees: float, side: float) -> tuple[DoubleArray, DoubleArray]:
    """Return direction and palm's normal of a hand bent towards its palm."""
    along, normal = hand[:, 0], hand[:, 1]
    # the left hand's second axis is where the palm looks, the right one's where its back does
    palm = side * normal
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    bent = cosine * along + sine * palm
    looks = cosine * palm - sine * along
    return bent, side * looks


def _solved(body: BodyModel, curves: _Curves) -> tuple[DoubleArray, DoubleArray]:
    """Return turns (T, D, 3, 3), and places of the root (T, 3), y down and facing -z."""
    numbers = curves.numbers
    count = len(numbers["up"])
    rest = rest_frames(body)
    world = np.tile(np.eye(3), (count, len(DRIVEN_BONES), 1, 1))
    hips = _turned(numbers["facing"], numbers["tip"], numbers["roll"])
    world[:, 0] = hips
    third = _turned(numbers["twist"] / 3, numbers["lean"] / 3, numbers["bend"] / 3)
    above = hips
    for bone in _SPINE:
        above = above @ third
        world[:, _BONE[bone]] = above
    chest = above
    half = _turned(numbers["look"] / 2, numbers["nod"] / 2, numbers["tilt"] / 2)
    world[:, _BONE["neck02"]] = chest @ half
    world[:, _BONE["head"]] = chest @ half @ half
    for side, letter in (("left", "L"), ("right", "R")):
        for index, bone in enumerate(("clavicle", "upperarm01", "lowerarm01", "wrist")):
            world[:, _BONE[f"{bone}.{letter}"]] = chest @ curves.arms[side][:, index]
    legs = _Legs.of(body)
    root = np.stack([numbers["left"], numbers["up"], numbers["ahead"]], axis=1)
    for side in ("left", "right"):
        root[:, 1] = np.minimum(root[:, 1], legs.highest(hips, root, curves.feet[side], side))
    for side, letter in (("left", "L"), ("right", "R")):
        thigh, shin, foot = legs.frames(hips, root, curves.feet[side], side)
        for bone, shape in (("upperleg01", thigh), ("lowerleg01", shin), ("foot", foot)):
            index = _BONE[f"{bone}.{letter}"]
            world[:, index] = shape @ rest[index].T
    return _FLIP @ world @ _FLIP, root @ _FLIP


def _turned(yaw: DoubleArray, forward: DoubleArray, left: DoubleArray) -> DoubleArray:
    """Return rotations (T, 3, 3): to the left about the upright axis, of what tips forward, of what leans left."""
    about = Rotation.from_euler("YXZ", np.stack([yaw, forward, -left], axis=1), degrees=True)
    return np.asarray(about.as_matrix())


@dataclass(frozen=True, eq=False)
class _Legs:
    """The middle body's legs, in leg lengths."""

    hip: DoubleArray  # of the left one, from the root
    thigh: float
    shin: float
    ankle: DoubleArray  # of the left foot while the person stands

    @classmethod
    def of(cls, body: BodyModel) -> _Legs:
        offsets = PointRig.of(body, body.shape()).offsets.double().numpy() @ _FLIP
        hip, shin, foot = (offsets[_BONE[f"{bone}.L"]] for bone in ("upperleg01", "lowerleg01", "foot"))
        thigh_length, shin_length = float(np.linalg.norm(shin)), float(np.linalg.norm(foot))
        leg = thigh_length + shin_length
        ankle = np.array([hip[0] * 1.05, hip[1] - leg * 0.998, hip[2]]) / leg
        return cls(hip / leg, thigh_length / leg, shin_length / leg, ankle)

    def _ankles(self, foot: DoubleArray, side: str) -> DoubleArray:
        sign = np.array([1.0 if side == "left" else -1.0, 1.0, 1.0])
        return np.asarray(self.ankle * sign + np.stack([foot[:, 0] * sign[0], foot[:, 2], foot[:, 1]], axis=1))

    def highest(self, hips: DoubleArray, root: DoubleArray, foot: DoubleArray, side: str) -> DoubleArray:
        """Return how high the root may be, (T,), so that a foot on the ground is in a leg's reach."""
        sign = np.array([1.0 if side == "left" else -1.0, 1.0, 1.0])
        from_root = hips @ (self.hip * sign)
        apart = self._ankles(foot, side) - from_root - root
        beside = (apart[:, [0, 2]] ** 2).sum(axis=1)
        reach = np.sqrt(np.maximum((_MOST_REACH * (self.thigh + self.shin)) ** 2 - beside, 0.0))
        in_air = np.maximum(foot[:, 2] - _LIFTED, 0.0)
        return np.asarray(self._ankles(foot, side)[:, 1] - from_root[:, 1] + reach + 8.0 * in_air)

    def frames(
        self, hips: DoubleArray, root: DoubleArray, foot: DoubleArray, side: str
    ) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
        """Return the frames (T, 3, 3) of thigh, shin and foot."""
        sign = np.array([1.0 if side == "left" else -1.0, 1.0, 1.0])
        start = root + hips @ (self.hip * sign)
        target = self._ankles(foot, side)
        turn = np.deg2rad(foot[:, 4]) * sign[0]
        toes = np.stack([np.sin(turn), np.zeros_like(turn), np.cos(turn)], axis=1)
        reach = target - start
        length = np.linalg.norm(reach, axis=1, keepdims=True)
        straight = reach / length
        length = np.minimum(length, _MOST_REACH * (self.thigh + self.shin))
        # knees bend where the toes point; half way between toes and hips looks natural
        facing = _unit(toes + hips[:, :, 2])
        knee_ahead = _unit(facing - (facing * straight).sum(axis=1, keepdims=True) * straight)
        cosine = (self.thigh**2 + length**2 - self.shin**2) / (2 * self.thigh * length)
        cosine = np.clip(cosine, -1, 1)
        thigh = cosine * straight + np.sqrt(1 - cosine**2) * knee_ahead
        shin = _unit(length * straight - self.thigh * thigh)
        across = np.cross(knee_ahead, straight)
        pitch = np.deg2rad(foot[:, 3:4])
        sole = np.cos(pitch) * toes - np.sin(pitch) * _UP
        level = np.cross(np.broadcast_to(_UP, toes.shape), toes)
        return tuple(  # type: ignore[return-value]
            np.stack([frame(along, hinge) for along, hinge in zip(bone, axis, strict=True)])
            for bone, axis in ((thigh, across), (shin, across), (sole, level))
        )


def _unit(vectors: DoubleArray) -> DoubleArray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))
