"""Views, framings and crossed limbs of drawn bodies, whose angles are known."""

from __future__ import annotations

import numpy as np
import pytest
from made_poses import standing

from motionwarp.data.synthetic import BodyPose, Camera, place
from motionwarp.data.synthetic.body import sample_proportions
from motionwarp.pose import skeleton as sk
from motionwarp.pose.stance import Framing, View, facing, framing_of, is_upright, limbs_in_front, shows_face, view_of
from motionwarp.types import FloatArray

FACE = [sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE]


def seen_from(yaw: float, lean: float = 0.0) -> FloatArray:
    """Points of a standing body that is turned away from the camera by `yaw` degrees and leans by `lean`."""
    body = place(sample_proportions(np.random.default_rng(0)), BodyPose(root=(yaw, 0.0, lean)))
    pixels, _ = Camera(6.0, 0.0, 0.0, 900.0, 200.0, 240.0).project(body.joints)
    points = np.concatenate([pixels, np.ones((18, 1))], axis=1).astype(np.float32)
    if abs(yaw) > 100:
        points[FACE, 2] = 0
    return points


@pytest.mark.parametrize(
    ("yaw", "view"),
    [
        (0, View.FRONTAL), (30, View.FRONTAL), (-30, View.FRONTAL), (58, View.TURNED), (-58, View.TURNED),
        (90, View.PROFILE), (-90, View.PROFILE), (180, View.BACK), (150, View.BACK),
    ],
)  # fmt: skip
def test_views_go_by_the_angle(yaw: float, view: View) -> None:
    assert view_of(seen_from(yaw)) is view


@pytest.mark.parametrize("yaw", [0, 40, 90, 130, 180])
def test_facing_is_about_the_cosine_however_the_body_leans(yaw: float) -> None:
    assert facing(seen_from(yaw)) == pytest.approx(np.cos(np.deg2rad(yaw)), abs=0.2)
    turn = np.deg2rad(70)
    turned = seen_from(yaw)
    turned[:, :2] = turned[:, :2] @ np.array(
        [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]], dtype=np.float32
    )
    assert facing(turned) == pytest.approx(facing(seen_from(yaw)), abs=1e-4)
    assert not is_upright(turned)


def test_whoever_shows_both_eyes_is_not_seen_from_behind() -> None:
    points = seen_from(180)
    points[FACE, 2] = 0.9
    assert shows_face(points)
    assert view_of(points) is View.TURNED


def test_without_shoulders_the_view_is_not_known() -> None:
    points = standing()
    points[sk.LEFT_SHOULDER, 2] = 0
    assert facing(points) is None
    assert view_of(points) is View.UNKNOWN


@pytest.mark.parametrize(
    ("hidden", "framing"),
    [
        ([], Framing.WHOLE),
        ([sk.RIGHT_ANKLE], Framing.WHOLE),
        ([sk.RIGHT_ANKLE, sk.LEFT_ANKLE], Framing.KNEES),
        ([sk.RIGHT_ANKLE, sk.LEFT_ANKLE, sk.RIGHT_KNEE, sk.LEFT_KNEE], Framing.WAIST),
        (list(range(sk.RIGHT_HIP, sk.LEFT_ANKLE + 1)), Framing.BUST),
    ],
)
def test_framings_go_by_the_lowest_points_seen(hidden: list[int], framing: Framing) -> None:
    visible = np.ones(18, dtype=np.bool_)
    visible[hidden] = False
    assert framing_of(visible) is framing


def test_limbs_before_others_are_named() -> None:
    points = standing()
    assert is_upright(points)
    assert limbs_in_front(points) == ()
    points[sk.RIGHT_WRIST, :2] = 100, 160
    assert limbs_in_front(points) == ("right arm before the torso",)
    points[sk.RIGHT_WRIST, :2], points[sk.LEFT_WRIST, :2] = (125, 150), (75, 150)
    assert limbs_in_front(points) == ("right arm before the torso", "left arm before the torso", "forearms crossed")
    crossed = standing()
    crossed[sk.RIGHT_ANKLE, :2], crossed[sk.LEFT_ANKLE, :2] = (
        standing()[sk.LEFT_ANKLE, :2],
        standing()[sk.RIGHT_ANKLE, :2],
    )
    assert limbs_in_front(crossed) == ("legs crossed",)
    crossed[sk.LEFT_KNEE, 2] = 0
    assert limbs_in_front(crossed) == ()
