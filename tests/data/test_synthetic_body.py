from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionwarp.data.synthetic import (
    BodyPose,
    Choreography,
    place,
    sample_choreography,
    sample_pose,
    sample_proportions,
)
from motionwarp.data.synthetic.body import LIMITS, Skeleton
from motionwarp.data.synthetic.poses import as_angles, from_angles
from motionwarp.pose import skeleton as sk

BODY = sample_proportions(np.random.default_rng(5))
ZERO = from_angles(np.zeros(25))
ARMS = ((sk.RIGHT_SHOULDER, sk.RIGHT_ELBOW, sk.RIGHT_WRIST), (sk.LEFT_SHOULDER, sk.LEFT_ELBOW, sk.LEFT_WRIST))
LEGS = ((sk.RIGHT_HIP, sk.RIGHT_KNEE, sk.RIGHT_ANKLE), (sk.LEFT_HIP, sk.LEFT_KNEE, sk.LEFT_ANKLE))
any_pose = st.lists(st.floats(-180, 180), min_size=25, max_size=25).map(from_angles)


def length(skeleton: Skeleton, first: int, second: int) -> float:
    return float(np.linalg.norm(skeleton.joints[first] - skeleton.joints[second]))


def outside_limits(pose: BodyPose) -> list[str]:
    """Return the joints that are bent farther than they may be, the root aside."""
    return [
        f"{field.name}[{axis}] = {angle}"
        for field in fields(pose)[1:]
        for axis, (angle, (low, high)) in enumerate(
            zip(getattr(pose, field.name), LIMITS[field.name.split("_")[-1]], strict=True)
        )
        if not low <= angle <= high
    ]


@settings(deadline=None, max_examples=60)
@given(any_pose)
def test_bones_keep_their_lengths_in_any_pose(pose: BodyPose) -> None:
    skeleton = place(BODY, pose)
    for side, (shoulder, elbow, wrist) in enumerate(ARMS):
        assert length(skeleton, sk.NECK, shoulder) == pytest.approx(BODY.shoulder)
        assert length(skeleton, shoulder, elbow) == pytest.approx(BODY.upper_arm)
        assert length(skeleton, elbow, wrist) == pytest.approx(BODY.forearm)
        assert np.linalg.norm(skeleton.hands[side] - skeleton.joints[wrist]) == pytest.approx(BODY.hand)
    for hip, knee, ankle in LEGS:
        assert np.linalg.norm(skeleton.joints[hip]) == pytest.approx(BODY.hip)
        assert length(skeleton, hip, knee) == pytest.approx(BODY.thigh)
        assert length(skeleton, knee, ankle) == pytest.approx(BODY.shin)
    still = place(BODY, ZERO)
    for first, second in (
        (sk.NOSE, sk.LEFT_EYE),
        (sk.NOSE, sk.RIGHT_EAR),
        (sk.LEFT_EAR, sk.RIGHT_EAR),
        (sk.LEFT_EYE, sk.RIGHT_EYE),
    ):
        assert length(skeleton, first, second) == pytest.approx(length(still, first, second))
    for axes in (skeleton.head_axes, skeleton.torso_axes):
        np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-9)
        assert np.linalg.det(axes) == pytest.approx(1)


@settings(deadline=None, max_examples=60)
@given(any_pose)
def test_a_mirrored_pose_has_mirrored_joints(pose: BodyPose) -> None:
    mirrored = BodyPose(
        root=(-pose.root[0], pose.root[1], -pose.root[2]),
        spine=(pose.spine[0], -pose.spine[1], -pose.spine[2]),
        head=(pose.head[0], -pose.head[1], -pose.head[2]),
        right_arm=pose.left_arm, left_arm=pose.right_arm, right_leg=pose.left_leg, left_leg=pose.right_leg,
    )  # fmt: skip
    there, here = place(BODY, mirrored), place(BODY, pose)
    flip = np.array([-1.0, 1.0, 1.0])
    np.testing.assert_allclose(there.joints[list(sk.MIRROR)], here.joints * flip, atol=1e-9)
    np.testing.assert_allclose(there.hands[::-1], here.hands * flip, atol=1e-9)
    np.testing.assert_allclose(there.feet[::-1], here.feet * flip, atol=1e-9)
    np.testing.assert_allclose(there.head_center, here.head_center * flip, atol=1e-9)


def test_the_zero_pose_stands_upright_and_looks_ahead() -> None:
    skeleton = place(BODY, ZERO)
    joints = skeleton.joints
    np.testing.assert_allclose(joints[[sk.RIGHT_HIP, sk.LEFT_HIP]].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(joints[sk.NECK], [0, BODY.spine, 0], atol=1e-12)
    for root, middle, tip in (*ARMS, *LEGS):
        # limbs hang straight down
        np.testing.assert_allclose(joints[[middle, tip]][:, [0, 2]], np.tile(joints[root, [0, 2]], (2, 1)), atol=1e-12)
        assert joints[root, 1] > joints[middle, 1] > joints[tip, 1]
    for right, left in (
        (sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER),
        (sk.RIGHT_HIP, sk.LEFT_HIP),
        (sk.RIGHT_EYE, sk.LEFT_EYE),
    ):
        assert joints[left, 0] > 0 > joints[right, 0]
    assert joints[sk.NOSE, 2] > joints[sk.LEFT_EYE, 2] > joints[sk.LEFT_EAR, 2]
    assert joints[sk.NOSE, 1] > joints[sk.NECK, 1]
    assert (skeleton.feet[:, 2] > 0).all()


@pytest.mark.parametrize(
    ("changed", "joint", "direction"),
    [
        ({"root": (90, 0, 0)}, sk.NOSE, (1, 0, 0)),
        ({"root": (0, 90, 0)}, sk.NECK, (0, 0, 1)),
        ({"root": (0, 0, 90)}, sk.NECK, (1, 0, 0)),
        ({"spine": (30, 0, 0)}, sk.NECK, (0, 0, 1)),
        ({"spine": (0, 30, 0)}, sk.NECK, (1, 0, 0)),
        ({"spine": (0, 0, 40)}, sk.RIGHT_SHOULDER, (0, 0, 1)),
        ({"head": (30, 0, 0)}, sk.NOSE, (0, -1, 0)),
        ({"head": (0, 0, 60)}, sk.NOSE, (1, 0, 0)),
        ({"left_arm": (90, 0, 0, 0)}, sk.LEFT_WRIST, (1, 0, 0)),
        ({"right_arm": (90, 0, 0, 0)}, sk.RIGHT_WRIST, (-1, 0, 0)),
        ({"right_arm": (0, 90, 0, 0)}, sk.RIGHT_WRIST, (0, 0, 1)),
        ({"left_arm": (0, 0, 0, 90)}, sk.LEFT_WRIST, (0, 0, 1)),
        ({"left_arm": (0, 0, 80, 90)}, sk.LEFT_WRIST, (-1, 0, 0)),
        ({"right_arm": (0, 0, 80, 90)}, sk.RIGHT_WRIST, (1, 0, 0)),
        ({"left_leg": (0, 90, 0, 0)}, sk.LEFT_ANKLE, (0, 0, 1)),
        ({"right_leg": (60, 0, 0, 0)}, sk.RIGHT_ANKLE, (-1, 0, 0)),
        ({"left_leg": (0, 0, 0, 90)}, sk.LEFT_ANKLE, (0, 0, -1)),
    ],
)
def test_angles_turn_joints_the_way_they_are_described(
    changed: dict[str, tuple[float, ...]], joint: int, direction: tuple[int, int, int]
) -> None:
    moved = place(BODY, replace(ZERO, **changed)).joints[joint] - place(BODY, ZERO).joints[joint]
    assert moved @ np.array(direction) > 0.05


@pytest.mark.parametrize("seed", range(60))
def test_sampled_poses_keep_to_the_joints_limits(seed: int) -> None:
    assert outside_limits(sample_pose(np.random.default_rng(seed))) == []


@pytest.mark.parametrize("seed", range(6))
def test_a_dance_keeps_to_the_limits_moves_and_repeats(seed: int) -> None:
    dance = sample_choreography(np.random.default_rng(seed))
    times = np.arange(0, dance.period_seconds, 1 / 25)
    poses = [dance.at(float(time)) for time in times]
    assert [problem for pose in poses for problem in outside_limits(pose)] == []
    angles = np.stack([as_angles(pose) for pose in poses])
    assert np.ptp(angles, axis=0).max() > 20
    # no limb jumps: less than a quarter turn in a tenth of a second
    assert np.abs(np.diff(angles, axis=0)).max() < 36
    np.testing.assert_allclose(as_angles(dance.at(0.7 + dance.period_seconds)), as_angles(dance.at(0.7)), atol=1e-6)


def test_a_dance_that_would_overstretch_a_joint_is_held_at_its_limit() -> None:
    swing = np.full((1, 25), 200.0)
    dance = Choreography(np.zeros(25), swing, np.zeros((1, 25)), 2.0)
    assert outside_limits(dance.at(0.0)) == []
    assert dance.at(0.0).left_arm == tuple(float(high) for _, high in LIMITS["arm"])
    assert dance.at(0.0).root == (200.0, 200.0, 200.0)


def test_a_dance_of_two_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="3 key poses"):
        sample_choreography(np.random.default_rng(0), keys=2)


@given(st.lists(st.floats(-360, 360), min_size=25, max_size=25))
def test_angles_survive_the_row_form(angles: list[float]) -> None:
    np.testing.assert_array_equal(as_angles(from_angles(angles)), angles)


@pytest.mark.parametrize("seed", range(30))
def test_proportions_add_up_to_the_height(seed: int) -> None:
    body = sample_proportions(np.random.default_rng(seed))
    skeleton = place(body, ZERO)
    tall = skeleton.head_center[1] + 1.1 * body.head_radius - skeleton.feet[:, 1].min()
    assert tall == pytest.approx(body.height, rel=0.12)
    assert min(getattr(body, field.name) for field in fields(body)) > 0
