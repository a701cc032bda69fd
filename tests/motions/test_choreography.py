"""Motions of poses at times: feet that stay, limbs that go where they were told, cycles that close; and what ships."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.layout import PART_NAMES
from motionwarp.body.model import BodyModel
from motionwarp.body.performing import CameraPath, lowest_points, perform, standing
from motionwarp.body.rig import PointRig, local_turns
from motionwarp.motions.catalog import SHIPPED, library
from motionwarp.motions.choreography import Arm, Foot, Key, Pose, choreographed
from motionwarp.motions.files import load_library_motion
from motionwarp.motions.repertoire import REPERTOIRE
from motionwarp.pose import skeleton as sk


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


def points(body: BodyModel, motion: BodyMotion) -> np.ndarray:
    """The 18 points in leg lengths, x to the person's left, y up, z ahead, (T, 18, 3)."""
    rig = PointRig.of(body, body.shape())
    leg = float(rig.offsets[[15, 16]].norm(dim=-1).sum())
    own = rig.points(torch.from_numpy(motion.turns)).numpy() / leg + motion.root[:, None]
    return own * np.array([1, -1, -1])


def held(pose: Pose) -> list[Key]:
    return [Key(0.0, pose), Key(0.2, pose)]


def test_arms_point_where_they_are_told(body: BodyModel) -> None:
    t_pose = Arm(raised=90, out=90, fore_raised=90, fore_out=90)
    found = points(body, choreographed(body, held(Pose(left_arm=t_pose, right_arm=t_pose))))[0]
    for shoulder, wrist, side in ((sk.LEFT_SHOULDER, sk.LEFT_WRIST, 1), (sk.RIGHT_SHOULDER, sk.RIGHT_WRIST, -1)):
        reach = found[wrist] - found[shoulder]
        assert reach[0] * side > 0.5
        assert np.abs(reach[1:]).max() < 0.12
    ahead = Arm(raised=90, out=0, fore_raised=180, fore_out=0)
    bent = points(body, choreographed(body, held(Pose(right_arm=ahead))))[0]
    assert bent[sk.RIGHT_ELBOW, 2] - bent[sk.RIGHT_SHOULDER, 2] > 0.25
    assert bent[sk.RIGHT_WRIST, 1] - bent[sk.RIGHT_ELBOW, 1] > 0.25


def test_feet_stay_while_the_hips_move(body: BodyModel) -> None:
    stand, low = Pose(), Pose(up=-0.3, left=0.06, ahead=-0.1, tip=20, lean=10)
    found = points(body, choreographed(body, [Key(0, stand), Key(0.5, low), Key(1, stand)]))
    ankles = found[:, [sk.LEFT_ANKLE, sk.RIGHT_ANKLE]]
    np.testing.assert_allclose(ankles, np.broadcast_to(ankles[:1], ankles.shape), atol=0.015)
    assert found[:, sk.LEFT_HIP, 1].min() < found[0, sk.LEFT_HIP, 1] - 0.25
    knees = found[15, [sk.LEFT_KNEE, sk.RIGHT_KNEE], 2]
    assert (knees > found[15, [sk.LEFT_ANKLE, sk.RIGHT_ANKLE], 2] + 0.1).all()


def test_a_foot_out_of_reach_draws_the_hips_down(body: BodyModel) -> None:
    step = Pose(left_foot=Foot(ahead=0.45), right_foot=Foot(ahead=-0.45))
    found = points(body, choreographed(body, held(step)))[0]
    assert found[[sk.LEFT_ANKLE, sk.RIGHT_ANKLE], 1] == pytest.approx(found[sk.LEFT_ANKLE, 1], abs=0.02)
    assert found[sk.LEFT_ANKLE, 2] - found[sk.RIGHT_ANKLE, 2] == pytest.approx(0.9, abs=0.03)


def test_mirrored_poses_are_mirrored_bodies(body: BodyModel) -> None:
    pose = Pose(
        left=0.05, facing=20, roll=5, bend=10, twist=-15, look=30, tilt=5, left_arm=Arm(120, 40, 150, 20),
        right_foot=Foot(0.1, 0.1, 0.2, 20, 10),
    )  # fmt: skip
    one = points(body, choreographed(body, held(pose)))[0]
    other = points(body, choreographed(body, held(pose.mirrored())))[0]
    np.testing.assert_allclose(other[list(sk.MIRROR)] * np.array([-1, 1, 1]), one, atol=0.02)


def test_cycles_close_and_go_on(body: BodyModel) -> None:
    one, two = Pose(left_arm=Arm(90, 90, 90, 90)), Pose().moved(ahead=0.5)
    keys = [Key(0, one), Key(0.4, two), Key(0.8, one.moved(ahead=1.0))]
    motion = choreographed(body, keys, cycles=3)
    assert len(motion) == 72
    np.testing.assert_allclose(motion.turns[24:48], motion.turns[:24], atol=1e-4)
    np.testing.assert_allclose(motion.root[24:48] - motion.root[:24], np.broadcast_to([0, 0, -1], (24, 3)), atol=1e-4)
    # and it goes on where it ended: the step over the seam is no larger than others
    seam = np.abs(motion.turns[24] - motion.turns[23]).max()
    assert seam <= np.abs(np.diff(motion.turns, axis=0)).max() + 1e-6


def test_times_must_increase(body: BodyModel) -> None:
    for keys in ([Key(0, Pose())], [Key(0, Pose()), Key(0, Pose())], [Key(0.5, Pose()), Key(1, Pose())]):
        with pytest.raises(ValueError, match="times that increase"):
            choreographed(body, keys)


def test_what_ships_is_what_the_repertoire_makes(body: BodyModel) -> None:
    assert len(REPERTOIRE) >= 20
    for name, number in REPERTOIRE.items():
        entry = load_library_motion(SHIPPED / f"{name}.safetensors")
        made = number.performed(body)
        assert (entry.name, entry.title, entry.licence) == (name, number.title, "Apache-2.0")
        np.testing.assert_allclose(entry.motion.turns, made.turns, atol=3e-3, err_msg=name)
        np.testing.assert_allclose(entry.motion.root, made.root, atol=1e-3, err_msg=name)


def test_what_was_converted_has_its_notice() -> None:
    notice = (SHIPPED / "NOTICE.md").read_text(encoding="utf-8")
    others = {path.stem for path in SHIPPED.glob("*.safetensors")} - set(REPERTOIRE)
    assert others
    for name in others:
        assert load_library_motion(SHIPPED / f"{name}.safetensors").licence == "MIT"
        assert f"`{name}`" in notice
    assert "Copyright (c) Meta Platforms" in notice


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.safetensors")))
def test_motions_are_plausible(body: BodyModel, name: str) -> None:
    """On the ground most of the time, never far from it, in no hurry, and no hand inside of the trunk."""
    motion = load_library_motion(SHIPPED / f"{name}.safetensors").motion
    assert 1.5 <= motion.duration_seconds <= 10
    shape = body.shape({"age": 0.7})
    turns = torch.from_numpy(motion.turns)
    stand = standing(body, shape, 480, 640)
    times = np.arange(len(motion)) / motion.frame_rate
    made = perform(stand, motion, CameraPath(times, np.zeros(len(times))))
    below = lowest_points(body, shape, made.turns)
    height = stand.ground - (made.camera[:, 2].numpy() + stand.scale * below)
    assert np.mean(height < 0.02 * stand.scale) > 0.45
    assert height.min() > -1e-3 * stand.scale
    assert height.max() < 0.6 * stand.scale
    step = np.arccos(
        np.clip((np.einsum("tbij,tbij->tb", motion.turns[1:], motion.turns[:-1]) - 1) / 2, -1, 1)
    )  # radians a frame
    assert step.max() < 0.95, (name, float(step.max()))
    assert _deepest_in_trunk(body, turns[:: max(len(turns) // 12, 1)]) < 0.06, name


def _deepest_in_trunk(body: BodyModel, turns: torch.Tensor) -> float:
    """How far wrists and elbows are inside of an ellipse of the trunk, in meters."""
    shape = body.shape({"age": 0.7})
    rig = PointRig.of(body, shape)
    places = rig.points(turns).numpy()
    posed = body.pose(shape, body.expand(local_turns(turns)))
    vertices = body.skin(shape, posed).numpy()
    trunk = vertices[:, body.parts.numpy() == PART_NAMES.index("torso")]
    deepest = 0.0
    for frame in range(len(turns)):
        for wrist in (sk.LEFT_WRIST, sk.RIGHT_WRIST):
            hand = places[frame, wrist]
            near = trunk[frame][np.abs(trunk[frame][:, 1] - hand[1]) < 0.03]
            if len(near) < 10:
                continue
            middle, half = (near.max(0) + near.min(0)) / 2, (near.max(0) - near.min(0)) / 2
            inside = 1 - np.hypot((hand[0] - middle[0]) / half[0], (hand[2] - middle[2]) / half[2])
            deepest = max(deepest, float(inside * half[2]))
    return deepest


def test_the_library_has_names_for_common_wishes() -> None:
    names = set(library())
    assert len(names) >= 25
    assert names >= {"wave", "walk", "run", "dance", "jump", "clap", "bow", "nod", "squat", "sit-down", "turn-around"}


def test_places_are_added_to_places() -> None:
    moved = replace(Pose(), ahead=0.1).moved(ahead=0.2, left=0.3)
    assert (moved.ahead, moved.left) == (pytest.approx(0.3), 0.3)
    assert (moved.left_foot.out, moved.right_foot.out) == (0.3, -0.3)
