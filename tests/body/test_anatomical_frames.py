"""Bones' frames are told by anatomy: square, along the bones, the same however a body is turned, mirrored or rigged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motionwarp.body import joint_names as jn
from motionwarp.body.anatomical_frames import motion_frames, rest_frames
from motionwarp.body.bvh import read_bvh
from motionwarp.body.human_motion import HumanMotion, human_motion

BONES = (
    (jn.LEFT_SHOULDER, jn.LEFT_ELBOW), (jn.LEFT_ELBOW, jn.LEFT_WRIST), (jn.RIGHT_SHOULDER, jn.RIGHT_ELBOW),
    (jn.RIGHT_ELBOW, jn.RIGHT_WRIST), (jn.LEFT_HIP, jn.LEFT_KNEE), (jn.LEFT_KNEE, jn.LEFT_ANKLE),
    (jn.RIGHT_HIP, jn.RIGHT_KNEE), (jn.RIGHT_KNEE, jn.RIGHT_ANKLE),
)  # fmt: skip
OTHER_SIDE = [
    *range(6), 10, 11, 12, 13, 6, 7, 8, 9, 18, 19, 20, 21, 14, 15, 16, 17,
]  # fmt: skip


def t_pose() -> tuple[np.ndarray, np.ndarray]:
    places = np.zeros((22, 3), dtype=np.float32)
    places[[jn.HIPS, jn.SPINE, jn.CHEST, jn.UPPER_CHEST, jn.NECK, jn.HEAD], 1] = 0.95, 1.05, 1.15, 1.25, 1.45, 1.55
    knuckles = np.zeros((6, 3), dtype=np.float32)
    for side, first in ((1, 0), (-1, 3)):
        chain = [jn.LEFT_COLLAR, jn.LEFT_HIP] if side == 1 else [jn.RIGHT_COLLAR, jn.RIGHT_HIP]
        arm, leg = (np.arange(4) + start for start in chain)
        places[arm] = [[side * 0.03, 1.42, 0], [side * 0.18, 1.42, 0], [side * 0.45, 1.42, 0], [side * 0.7, 1.42, 0]]
        places[leg] = [[side * 0.09, 0.9, 0], [side * 0.09, 0.5, 0], [side * 0.09, 0.1, 0], [side * 0.09, 0.03, 0.13]]
        knuckles[first : first + 3] = [[side * 0.78, 1.42, 0.03], [side * 0.79, 1.42, 0.01], [side * 0.77, 1.42, -0.03]]
    return places, knuckles


def walking(seed: int) -> HumanMotion:
    """Return a motion of a body whose limbs bend as limbs do, made from turns of a T-pose about the joints."""
    places, knuckles = t_pose()
    rng = np.random.default_rng(seed)
    count = 40
    positions, turns = np.empty((count, 22, 3)), np.empty((count, 22, 3, 3))
    hands = np.empty((count, 6, 3))
    for frame in range(count):
        local = [np.eye(3)] * 22
        for side, arm, leg in ((1, jn.LEFT_SHOULDER, jn.LEFT_HIP), (-1, jn.RIGHT_SHOULDER, jn.RIGHT_HIP)):
            lowered = Rotation.from_euler("XZ", [rng.normal(0, 20), -side * rng.uniform(20, 80)], degrees=True)
            local[arm] = lowered.as_matrix()
            local[arm + 1] = Rotation.from_euler("Y", -side * rng.uniform(10, 90), degrees=True).as_matrix()
            local[leg] = Rotation.from_euler("X", rng.uniform(-40, 20), degrees=True).as_matrix()
            local[leg + 1] = Rotation.from_euler("X", rng.uniform(5, 60), degrees=True).as_matrix()
        parents = {jn.SPINE: 0, jn.CHEST: 1, jn.UPPER_CHEST: 2, jn.NECK: 3, jn.HEAD: 4}
        for start, base in ((jn.LEFT_COLLAR, 3), (jn.RIGHT_COLLAR, 3), (jn.LEFT_HIP, 0), (jn.RIGHT_HIP, 0)):
            parents |= {start: base, start + 1: start, start + 2: start + 1, start + 3: start + 2}
        positions[frame, 0], turns[frame, 0] = places[0], np.eye(3)
        for joint in range(1, 22):
            parent = parents[joint]
            turns[frame, joint] = turns[frame, parent] @ local[joint]
            positions[frame, joint] = positions[frame, parent] + turns[frame, parent] @ (places[joint] - places[parent])
        for index in range(6):
            wrist = jn.LEFT_WRIST if index < 3 else jn.RIGHT_WRIST
            hands[frame, index] = positions[frame, wrist] + turns[frame, wrist] @ (knuckles[index] - places[wrist])
    # a rig's own axes are anything
    odd = Rotation.from_rotvec(rng.normal(size=(22, 3))).as_matrix()
    return HumanMotion(
        positions.astype(np.float32), (turns @ odd).astype(np.float32), hands.astype(np.float32), 30.0, "made", 1.0
    )


def turned(motion: HumanMotion, turn: np.ndarray, order: list[int] | None = None) -> HumanMotion:
    order = list(range(22)) if order is None else order
    knuckles = motion.knuckles @ turn.T
    if order != list(range(22)):
        knuckles = knuckles[:, [3, 4, 5, 0, 1, 2]]
    rotations = turn @ motion.rotations[:, order]
    rotations = rotations * np.sign(np.linalg.det(rotations))[..., None, None]  # a mirrored rig keeps proper axes
    return HumanMotion((motion.positions @ turn.T)[:, order], rotations, knuckles, 30.0, "made", 1.0)


def test_frames_are_square_and_along_the_bones() -> None:
    motion = walking(0)
    frames = motion_frames(motion)
    np.testing.assert_allclose(frames @ frames.transpose(0, 1, 3, 2), np.tile(np.eye(3), (40, 22, 1, 1)), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(frames), 1, atol=1e-5)
    for start, end in BONES:
        along = motion.positions[:, end] - motion.positions[:, start]
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        np.testing.assert_allclose(frames[:, start, :, 0], along, atol=1e-5)


def test_turns_of_a_rig_with_odd_axes_are_found_again() -> None:
    places, knuckles = t_pose()
    motion = walking(1)
    rest = rest_frames(places, knuckles)
    turns = motion_frames(motion) @ rest.transpose(0, 2, 1)
    for start, end in BONES:
        moved = turns[:, start] @ (places[end] - places[start])
        np.testing.assert_allclose(moved, motion.positions[:, end] - motion.positions[:, start], atol=1e-4)
    # the elbow's hinge turns with the upper arm: the whole turn is right, not only the direction
    hinge = np.cross(
        motion.positions[:, jn.LEFT_ELBOW] - motion.positions[:, jn.LEFT_SHOULDER],
        motion.positions[:, jn.LEFT_WRIST] - motion.positions[:, jn.LEFT_ELBOW],
    )
    hinge /= np.linalg.norm(hinge, axis=1, keepdims=True)
    np.testing.assert_allclose(turns[:, jn.LEFT_SHOULDER] @ [0, -1, 0], hinge, atol=1e-3)
    np.testing.assert_allclose(turns[:, jn.HEAD], np.tile(np.eye(3), (40, 1, 1)), atol=1e-3)


def test_turning_everything_turns_the_frames() -> None:
    motion = walking(2)
    turn = Rotation.from_euler("Y", 130, degrees=True).as_matrix()
    np.testing.assert_allclose(motion_frames(turned(motion, turn)), turn @ motion_frames(motion), atol=1e-4)


def test_a_mirrored_motion_has_mirrored_bones() -> None:
    motion = walking(3)
    mirror = np.diag([-1.0, 1.0, 1.0])
    frames = motion_frames(motion)
    mirrored = motion_frames(turned(motion, mirror, OTHER_SIDE))
    for start, _ in BONES:
        np.testing.assert_allclose(mirrored[:, OTHER_SIDE[start], :, 0], frames[:, start, :, 0] @ mirror, atol=1e-4)


def test_a_t_pose_at_rest_has_the_frames_of_the_same_pose_in_motion() -> None:
    places, knuckles = t_pose()
    still = HumanMotion(
        np.tile(places, (3, 1, 1)),
        np.tile(np.eye(3, dtype=np.float32), (3, 22, 1, 1)),
        np.tile(knuckles, (3, 1, 1)),
        30.0,
        "made",
        1.0,
    )
    np.testing.assert_allclose(motion_frames(still)[1], rest_frames(places, knuckles), atol=1e-5)


@pytest.mark.shared_data
def test_captured_knees_bend_backward_and_heads_look_ahead(shared_data: Path) -> None:
    for name in ("cmu_005_02", "cmu_007_03", "cmu_131_02", "animdraw_jesse_dance"):
        motion = human_motion(read_bvh(shared_data / "motion" / f"{name}.bvh.gz"))
        frames = motion_frames(motion)
        for hip in (jn.LEFT_HIP, jn.RIGHT_HIP):
            thigh, shin = frames[:, hip], frames[:, hip + 1, :, 0]
            # the shin leaves the thigh's line backward: against the thigh's third axis
            assert np.quantile((shin * thigh[:, :, 2]).sum(-1), 0.95) < 0.25, name
        look = -(frames[:, jn.HEAD, :, 2] * frames[:, jn.UPPER_CHEST, :, 2]).sum(-1)
        assert np.median(look) < -0.8, name
