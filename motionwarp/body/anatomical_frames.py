"""How a person's bones are turned, told by anatomy: the same for every skeleton and every rest pose.

A bone's frame has the bone's direction as its first axis, the hinge it bends about (elbow, knee, the line between hips
or shoulders) as its second, and their cross product as its third. Frames of one skeleton in motion times the inverse
of another's at rest turn the other's bones from rest into the motion. No rest pose is asked of a motion capture file,
since many have none that means anything: what a joint's own axes are is learned from the clip itself.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from motionwarp.body import joint_names as jn
from motionwarp.body.human_motion import HumanMotion
from motionwarp.types import FloatArray

DoubleArray = npt.NDArray[np.float64]

# a joint's hinge is believed where it bends by more than this on average (sine of the angle)
_LEAST_BEND: Final = 0.05
_UPRIGHT: Final = 0.9  # cosine of the trunk's lean up to which a frame tells what is neutral
_MOST_TWIST: Final = np.deg2rad(100)  # of a hand against the elbow's hinge
_COLLAR_SHARE: Final = 0.7  # rigs differ in how far their collar bones follow
_ARMS: Final = (
    (jn.LEFT_COLLAR, jn.LEFT_SHOULDER, jn.LEFT_ELBOW, jn.LEFT_WRIST, 0),
    (jn.RIGHT_COLLAR, jn.RIGHT_SHOULDER, jn.RIGHT_ELBOW, jn.RIGHT_WRIST, 3),
)
_LEGS: Final = (
    (jn.LEFT_HIP, jn.LEFT_KNEE, jn.LEFT_ANKLE, jn.LEFT_TOE),
    (jn.RIGHT_HIP, jn.RIGHT_KNEE, jn.RIGHT_ANKLE, jn.RIGHT_TOE),
)


def motion_frames(motion: HumanMotion) -> FloatArray:
    """Return the frames of all bones over a motion.

    Parameters
    ----------
    motion : HumanMotion

    Returns
    -------
    float32 (T, 22, 3, 3)
        By `joint_names.JOINTS`, the bone that begins at each; columns are the frame's axes in the world.
    """
    positions, turns = motion.positions.astype(np.float64), motion.rotations.astype(np.float64)
    frames = np.empty((len(motion), len(jn.JOINTS), 3, 3))
    _trunk(frames, positions)
    _head(frames, turns[:, jn.HEAD])
    for collar, shoulder, elbow, wrist, first in _ARMS:
        side = 1.0 if first == 0 else -1.0
        _collar(frames, positions, collar, shoulder)
        # of an arm that never bends: as in a T-pose with the palms down, carried along by the shortest way
        chest = frames[:, jn.UPPER_CHEST]
        carried = _least_turn(side * chest[:, :, 1], _unit(positions[:, elbow] - positions[:, shoulder]))
        spare = _turned(carried, -side * chest[:, :, 0])
        hinge = _hinge(positions, turns, (shoulder, elbow, wrist), spare)
        frames[:, shoulder] = _frame(positions[:, elbow] - positions[:, shoulder], hinge)
        fore = positions[:, wrist] - positions[:, elbow]
        palm = None if motion.knuckles is None else motion.knuckles[:, first : first + 3].astype(np.float64)
        frames[:, elbow], frames[:, wrist] = _forearm_and_hand(fore, hinge, positions[:, wrist], palm)
    flat = _flat_feet(positions)
    for hip, knee, ankle, toe in _LEGS:
        hinge = _hinge(positions, turns, (hip, knee, ankle), frames[:, jn.HIPS, :, 1])
        frames[:, hip] = _frame(positions[:, knee] - positions[:, hip], hinge)
        frames[:, knee] = _frame(positions[:, ankle] - positions[:, knee], hinge)
        frames[:, ankle] = _sole(positions[:, toe] - positions[:, ankle], hinge, flat)
        frames[:, toe] = frames[:, ankle]
    return np.asarray(frames, dtype=np.float32)


def rest_frames(positions: FloatArray, knuckles: FloatArray) -> FloatArray:
    """Return the frames of all bones of a body that stands in a T-pose, facing +z with y up, palms down.

    Parameters
    ----------
    positions : float32 (22, 3)
        By `joint_names.JOINTS`.
    knuckles : float32 (6, 3)
        By `joint_names.KNUCKLES`.

    Returns
    -------
    float32 (22, 3, 3)
    """
    places = positions[None].astype(np.float64)
    frames = np.empty((1, len(jn.JOINTS), 3, 3))
    _trunk(frames, places)
    frames[:, jn.NECK] = frames[:, jn.HEAD] = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])
    for collar, shoulder, elbow, wrist, first in _ARMS:
        frames[:, collar] = frames[:, jn.UPPER_CHEST]
        hinge = np.array([[0.0, -1.0 if first == 0 else 1.0, 0.0]])
        frames[:, shoulder] = _frame(places[:, elbow] - places[:, shoulder], hinge)
        fore = places[:, wrist] - places[:, elbow]
        frames[:, elbow] = _frame(fore, hinge)
        frames[:, wrist] = _hand(places[:, wrist], knuckles[None, first : first + 3].astype(np.float64))
    for hip, knee, ankle, toe in _LEGS:
        hinge = frames[:, jn.HIPS, :, 1]
        frames[:, hip] = _frame(places[:, knee] - places[:, hip], hinge)
        frames[:, knee] = _frame(places[:, ankle] - places[:, knee], hinge)
        foot = places[:, toe] - places[:, ankle]
        frames[:, ankle] = _sole(foot, hinge, _pitch(foot)[0])
        frames[:, toe] = frames[:, ankle]
    return np.asarray(frames[0], dtype=np.float32)


def t_pose_frames() -> FloatArray:
    """Return a body's frames in an ideal T-pose, facing +z, y up, palms down and feet flat, float32 (22, 3, 3)."""
    right, up, ahead = np.eye(3)
    trunk, limb = np.stack([up, right, -ahead], axis=-1), np.stack([-up, right, ahead], axis=-1)
    sole = np.stack([ahead, right, up], axis=-1)
    frames = np.tile(trunk, (len(jn.JOINTS), 1, 1))
    for _, shoulder, elbow, wrist, first in _ARMS:
        side = 1.0 if first == 0 else -1.0
        frames[[shoulder, elbow, wrist]] = _frame(side * right[None], -side * up[None])
    for hip, knee, ankle, toe in _LEGS:
        frames[[hip, knee]], frames[[ankle, toe]] = limb, sole
    return frames.astype(np.float32)


def _unit(vectors: DoubleArray) -> DoubleArray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))


def _frame(along: DoubleArray, hinge: DoubleArray) -> DoubleArray:
    """Return frames (T, 3, 3) with the bone's direction kept and the hinge made square to it."""
    first = _unit(along)
    second = _unit(hinge - (hinge * first).sum(-1, keepdims=True) * first)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def _turned(frames: DoubleArray, vectors: DoubleArray) -> DoubleArray:
    return np.asarray((frames @ vectors[..., None])[..., 0])


def _trunk(frames: DoubleArray, positions: DoubleArray) -> None:
    """Fill in pelvis, spine and chest: up along the trunk, and the lines between the hips and the shoulders."""
    hips, shoulders = (
        positions[:, [left, right]]
        for left, right in ((jn.LEFT_HIP, jn.RIGHT_HIP), (jn.LEFT_SHOULDER, jn.RIGHT_SHOULDER))
    )
    upward = shoulders.mean(axis=1) - hips.mean(axis=1)
    across_hips, across_shoulders = hips[:, 0] - hips[:, 1], shoulders[:, 0] - shoulders[:, 1]
    whole = _frame(upward, _unit(across_hips) + _unit(across_shoulders))
    upright = whole[:, 1, 0] > _UPRIGHT
    lower = _bent(whole, positions[:, jn.CHEST] - hips.mean(axis=1), upright)
    upper = _bent(whole, positions[:, jn.NECK] - positions[:, jn.CHEST], upright)
    frames[:, jn.HIPS] = _frame(lower, across_hips)
    frames[:, jn.UPPER_CHEST] = _frame(upper, across_shoulders)
    for share, joint in ((1 / 3, jn.SPINE), (2 / 3, jn.CHEST)):
        frames[:, joint] = _between(frames[:, jn.HIPS], frames[:, jn.UPPER_CHEST], share)


def _bent(whole: DoubleArray, direction: DoubleArray, upright: npt.NDArray[np.bool_]) -> DoubleArray:
    """Return where a half of the trunk points, so that on average over upright frames it points as the whole does."""
    local = _unit(_turned(whole.transpose(0, 2, 1), direction))
    neutral = _unit(local[upright].mean(axis=0) if upright.any() else local.mean(axis=0))
    correction = _least_turn(neutral, np.array([1.0, 0.0, 0.0]))
    return _turned(whole, local @ correction.T)


def _least_turn(start: DoubleArray, end: DoubleArray) -> DoubleArray:
    """Return the smallest rotations (..., 3, 3) that take unit vectors to others."""
    start, end = np.broadcast_arrays(start, end)
    axis = np.cross(start, end)
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    angle = np.arctan2(sine, (start * end).sum(-1, keepdims=True))
    vector = np.where(sine > 1e-9, axis / np.maximum(sine, 1e-12) * angle, 0.0)
    matrices = Rotation.from_rotvec(vector.reshape(-1, 3)).as_matrix()
    return np.asarray(matrices.reshape(*start.shape, 3))


def _between(one: DoubleArray, other: DoubleArray, share: float) -> DoubleArray:
    step = Rotation.from_matrix(one.transpose(0, 2, 1) @ other).as_rotvec()
    return np.asarray(one @ Rotation.from_rotvec(share * step).as_matrix())


def _head(frames: DoubleArray, turns: DoubleArray) -> None:
    """Fill in head and neck: on average over upright frames a head is level and looks where the trunk faces."""
    chest = frames[:, jn.UPPER_CHEST]
    level = _frame(np.broadcast_to([0.0, 1.0, 0.0], chest[:, :, 0].shape), chest[:, :, 1])
    upright = chest[:, 1, 0] > _UPRIGHT
    wanted = level if upright.any() else chest
    chosen = upright if upright.any() else np.ones(len(chest), dtype=bool)
    mean = (turns[chosen].transpose(0, 2, 1) @ wanted[chosen]).mean(axis=0)
    left, _, right = np.linalg.svd(mean)
    own = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    frames[:, jn.HEAD] = turns @ own
    frames[:, jn.NECK] = _between(chest, frames[:, jn.HEAD], 0.5)


def _collar(frames: DoubleArray, positions: DoubleArray, collar: int, shoulder: int) -> None:
    """Fill in a collar bone: as the chest, and turned as far as it leaves its usual direction."""
    chest = frames[:, jn.UPPER_CHEST]
    local = _unit(_turned(chest.transpose(0, 2, 1), positions[:, shoulder] - positions[:, collar]))
    turn = Rotation.from_matrix(_least_turn(_unit(np.median(local, axis=0)), local)).as_rotvec()
    frames[:, collar] = chest @ Rotation.from_rotvec(_COLLAR_SHARE * turn).as_matrix()


def _hinge(positions: DoubleArray, turns: DoubleArray, chain: tuple[int, int, int], spare: DoubleArray) -> DoubleArray:
    """Return the axis that a limb bends about, (T, 3).

    Learned in the upper bone's own axes from the frames that bend.
    """
    upper, middle, end = chain
    bend = np.cross(_unit(positions[:, middle] - positions[:, upper]), _unit(positions[:, end] - positions[:, middle]))
    local = _turned(turns[:, upper].transpose(0, 2, 1), bend).mean(axis=0)
    if np.linalg.norm(local) < _LEAST_BEND:
        return spare
    return _turned(turns[:, upper], _unit(local))


def _hand(wrist: DoubleArray, knuckles: DoubleArray) -> DoubleArray:
    """Return a hand's frames (T, 3, 3) from index, middle and little finger; the palm's normal is the hinge."""
    along = knuckles[:, 1] - wrist
    return _frame(along, np.cross(along, knuckles[:, 0] - knuckles[:, 2]))


def _forearm_and_hand(
    fore: DoubleArray, hinge: DoubleArray, wrist: DoubleArray, knuckles: DoubleArray | None
) -> tuple[DoubleArray, DoubleArray]:
    """Return the frames of forearm and hand; the forearm takes half of what the hand is twisted, as it does in life."""
    plain = _frame(fore, hinge)
    if knuckles is None:
        return plain, plain
    hand = _hand(wrist, knuckles)
    own = _turned(plain.transpose(0, 2, 1), hand[:, :, 1])
    twist = np.clip(np.arctan2(own[:, 2], own[:, 1]), -_MOST_TWIST, _MOST_TWIST)
    return plain @ Rotation.from_rotvec(0.5 * twist[:, None] * np.array([1.0, 0.0, 0.0])).as_matrix(), hand


def _pitch(foot: DoubleArray) -> DoubleArray:
    """Return how far feet point down, (T,), in radians."""
    return np.asarray(np.arctan2(-foot[:, 1], np.linalg.norm(foot[:, [0, 2]], axis=-1)))


def _flat_feet(positions: DoubleArray) -> float:
    """Return how far the line from ankle to toe points down while a foot stands flat: while its ankle is lowest."""
    pitches = []
    for _, _, ankle, toe in _LEGS:
        height = positions[:, ankle, 1]
        low = height <= np.quantile(height, 0.25)
        pitches.append(_pitch(positions[low, toe] - positions[low, ankle]))
    return float(np.median(np.concatenate(pitches)))


def _sole(foot: DoubleArray, hinge: DoubleArray, flat: float) -> DoubleArray:
    """Return a foot's frames, along its sole rather than from ankle to toe."""
    frame = _frame(foot, hinge)
    return np.asarray(frame @ Rotation.from_rotvec([0.0, -flat, 0.0]).as_matrix())
