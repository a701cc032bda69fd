"""A body before a camera: on the ground, in sight, from the side that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_motions import captured

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.human_motion import human_motion
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.mannequin import Mannequin, studio
from motionwarp.body.model import BodyModel
from motionwarp.body.motion_clip import MotionClip
from motionwarp.body.performing import (
    CameraPath,
    Performance,
    Stand,
    lowest_points,
    mapped,
    perform,
    seen_from,
    standing,
)
from motionwarp.body.retargeting import body_motion
from motionwarp.body.rig import PointRig
from motionwarp.pose import skeleton as sk

WIDTH, HEIGHT = 480, 640


@pytest.fixture(scope="module")
def stand() -> Stand:
    model = BodyModel.load()
    return standing(model, model.shape({"age": 0.7}), WIDTH, HEIGHT)


def moving(stand: Stand, clip: MotionClip) -> BodyMotion:
    return body_motion(stand.model, human_motion(clip))


def seen(stand: Stand, motion: BodyMotion, view: float = 0.0, **options: str) -> Performance:
    times = np.arange(len(motion)) / motion.frame_rate
    return perform(stand, motion, CameraPath(times, np.full(len(times), view)), **options)  # type: ignore[arg-type]


def feet(stand: Stand, made: Performance) -> np.ndarray:
    """y of the lowest point of the body in the picture, (T,)."""
    below = lowest_points(stand.model, stand.shape, made.turns)
    return made.camera[:, 2].numpy() + stand.scale * below


def test_who_stands_still_in_a_t_pose_does_so(stand: Stand) -> None:
    made = seen(stand, moving(stand, captured()))
    assert float(np.abs(made.points - made.points[:1]).max()) < 1e-3
    points = made.points[0]
    assert (points[:, 2] > 0.9).all()
    # arms out to the sides, the person's right on the left, and everybody upright in the middle
    assert points[sk.RIGHT_WRIST, 0] < points[sk.RIGHT_SHOULDER, 0] < points[sk.LEFT_SHOULDER, 0]
    assert points[sk.LEFT_WRIST, 1] == pytest.approx(points[sk.LEFT_SHOULDER, 1], abs=0.05 * HEIGHT)
    assert points[sk.NOSE, 0] == pytest.approx((WIDTH - 1) / 2, abs=2)
    np.testing.assert_allclose(feet(stand, made), stand.ground, atol=0.5)


def test_from_behind_there_is_no_face_and_left_is_left(stand: Stand) -> None:
    front, back = (seen(stand, moving(stand, captured()), view).points[0] for view in (0.0, 180.0))
    assert (back[[sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE], 2] == 0).all()
    assert (back[[sk.RIGHT_EAR, sk.LEFT_EAR], 2] > 0).all()
    assert back[sk.LEFT_SHOULDER, 0] < back[sk.RIGHT_SHOULDER, 0]
    mirrored = WIDTH - 1 - front[:, 0]
    body = [sk.LEFT_WRIST, sk.RIGHT_WRIST, sk.LEFT_ANKLE, sk.RIGHT_ANKLE, sk.NECK]
    np.testing.assert_allclose(back[body, 0], mirrored[body], atol=0.5)
    np.testing.assert_allclose(back[body, 1], front[body, 1], atol=0.5)


def test_at_90_degrees_the_right_side_is_seen_and_faces_right(stand: Stand) -> None:
    points = seen(stand, moving(stand, captured()), 90.0).points[0]
    assert points[sk.NOSE, 0] > points[sk.NECK, 0]
    assert points[sk.RIGHT_EAR, 2] > 0
    assert points[sk.LEFT_EAR, 2] == 0
    assert (points[[sk.NOSE, sk.RIGHT_EYE], 2] == 1).all()


def test_a_squat_keeps_the_feet_on_the_ground_and_a_jump_does_not(stand: Stand) -> None:
    bend = 60 * np.sin(np.linspace(0, np.pi, 15))
    zero = np.zeros_like(bend)
    legs = {
        "LeftUpLeg": np.stack([-bend, zero, zero], axis=1), "RightUpLeg": np.stack([-bend, zero, zero], axis=1),
        "LeftLeg": np.stack([2 * bend, zero, zero], axis=1), "RightLeg": np.stack([2 * bend, zero, zero], axis=1),
        "LeftFoot": np.stack([-bend, zero, zero], axis=1), "RightFoot": np.stack([-bend, zero, zero], axis=1),
    }  # fmt: skip
    drop = -(82 - 82 * np.cos(np.deg2rad(bend)))
    squat = seen(stand, moving(stand, captured(15, turns=legs, way=np.stack([zero, drop, zero], axis=1))))
    np.testing.assert_allclose(feet(stand, squat), stand.ground, atol=0.03 * stand.scale)
    assert squat.camera[7, 2] - squat.camera[0, 2] > 0.2 * stand.scale
    height = np.zeros((20, 3))
    height[8:14, 1] = 40 * np.sin(np.linspace(0, np.pi, 6))
    jump = seen(stand, moving(stand, captured(20, way=height)))
    lifted = stand.ground - feet(stand, jump)
    assert lifted[0] < 0.02 * stand.scale
    assert lifted.max() == pytest.approx(0.36 * stand.scale, abs=0.06 * stand.scale)


def test_who_would_leave_the_picture_stays_on_the_spot_unless_told_to_go(stand: Stand) -> None:
    way = np.zeros((60, 3))
    way[:, 0] = np.linspace(0, 600, 60)
    walk = moving(stand, captured(60, way=way))
    kept, auto, spot = (seen(stand, walk, travel=travel) for travel in ("keep", "auto", "spot"))
    legs = 6.0 / 0.82 * float(PointRig.of(stand.model, stand.shape).offsets[[15, 16]].norm(dim=-1).sum())
    assert kept.camera[-1, 1] - kept.camera[0, 1] == pytest.approx(legs * stand.scale, rel=0.05)
    assert not kept.is_on_the_spot
    assert auto.is_on_the_spot
    torch.testing.assert_close(auto.camera, spot.camera)
    assert float((auto.camera[:, 1] - stand.place[0]).abs().max()) < 0.05 * stand.scale


def test_a_short_way_is_kept_and_moved_into_sight(stand: Stand) -> None:
    lowered = {"LeftArm": np.tile([0, 0, -80], (30, 1)), "RightArm": np.tile([0, 0, 80], (30, 1))}
    way = np.zeros((30, 3))
    way[:, 0] = np.linspace(0, 65, 30)
    made = seen(stand, moving(stand, captured(30, turns=lowered, way=way)))
    assert not made.is_on_the_spot
    xs = made.points[made.points[..., 2] > 0][:, 0]
    assert xs.min() > 0
    assert xs.max() < WIDTH
    assert made.camera[-1, 1] - made.camera[0, 1] > 0.5 * stand.scale
    assert made.camera[0, 1] < stand.place[0] - 5


def test_people_cut_by_the_picture_are_never_lifted(stand: Stand) -> None:
    height = np.zeros((20, 3))
    height[8:14, 1] = 40 * np.sin(np.linspace(0, np.pi, 6))
    jump = moving(stand, captured(20, way=height))
    cut = Stand(stand.model, stand.shape, stand.scale, stand.place, stand.ground, WIDTH, HEIGHT, is_cut=True)
    assert float(seen(cut, jump).camera[:, 2].min()) >= stand.place[1] - 1e-3
    assert float(seen(stand, jump).camera[:, 2].min()) < stand.place[1] - 0.2 * stand.scale


def test_turning_the_camera_is_turning_the_body(stand: Stand) -> None:
    motion = moving(stand, captured())
    front, side = seen(stand, motion), seen(stand, motion, 70.0)
    rig = PointRig.of(stand.model, stand.shape)
    turns, camera, points = seen_from(rig, front.turns, front.camera, np.full(len(motion), 70.0))
    torch.testing.assert_close(turns, side.turns, atol=1e-5, rtol=0)
    torch.testing.assert_close(camera, side.camera, atol=1e-3, rtol=0)
    np.testing.assert_allclose(points, side.points, atol=1e-2)


def test_another_picture_moves_the_stand_along(stand: Stand) -> None:
    motion = moving(stand, captured())
    half = mapped(stand, [[0.5, 0, 10], [0, 0.5, -4]], 300, 330)
    there, here = seen(half, motion).points, seen(stand, motion).points
    np.testing.assert_array_equal(there[..., 2], 1)
    np.testing.assert_allclose(there[..., 0], here[..., 0] * 0.5 + 10, atol=1e-2)
    np.testing.assert_allclose(there[..., 1], here[..., 1] * 0.5 - 4, atol=1e-2)


def test_the_mannequin_is_drawn_where_its_points_are(stand: Stand) -> None:
    made = seen(stand, moving(stand, captured()), 30.0)
    canvas = studio(WIDTH, HEIGHT, stand.ground)
    picture = Mannequin(stand.model, stand.shape).drawn(made.turns[0], made.camera[0], canvas, stand.ground)
    changed = (picture.astype(int) - canvas).__abs__().sum(axis=2) > 20
    for index in (sk.NECK, sk.LEFT_ELBOW, sk.RIGHT_KNEE, sk.LEFT_ANKLE, sk.NOSE):
        x, y = np.round(made.points[0, index, :2]).astype(int)
        assert changed[y - 2 : y + 3, x - 2 : x + 3].any(), index
    assert 0.03 < changed.mean() < 0.3
    # left limbs are blue, right ones orange
    x, y = np.round(made.points[0, sk.LEFT_ELBOW, :2]).astype(int)
    assert picture[y, x, 2] > picture[y, x, 0]
    x, y = np.round(made.points[0, sk.RIGHT_ELBOW, :2]).astype(int)
    assert picture[y, x, 0] > picture[y, x, 2]


def test_there_are_as_many_angles_as_times() -> None:
    with pytest.raises(ValueError, match="a camera has times"):
        CameraPath(np.zeros(3), np.zeros(2))
    assert len(DRIVEN_BONES) == 20
