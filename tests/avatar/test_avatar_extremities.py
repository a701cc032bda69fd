"""Hands and feet lie where the photo shows them."""

import numpy as np
import pytest

from motionwarp.avatar.body_surface import BodySurface
from motionwarp.avatar.extremities import foot_on_outline, hand_on_outline
from motionwarp.types import FloatArray

ANKLE = np.array([50.0, 40.0, 5.0], dtype=np.float32)
LENGTH, BREADTH, HEIGHT = 40.0, 16.0, 12.0  # of a foot, in pixels
OTHER = 3


def body_with_a_foot() -> BodySurface:
    """A box that begins at the ankle and points at the camera, part 0, and a vertex of another part."""
    corners = np.array(
        [[x, y, z] for x in (-BREADTH / 2, 0, BREADTH / 2) for y in (0, HEIGHT) for z in np.linspace(-LENGTH, 8, 9)],
        dtype=np.float32,
    )
    vertices = np.concatenate([corners + ANKLE, [[0, 0, 0]]]).astype(np.float32)
    parts = np.array([*[0] * len(corners), OTHER], dtype=np.uint8)
    return BodySurface(vertices, np.zeros((1, 3), dtype=np.int32), parts, np.ones((len(vertices), 1), np.float32))


def shown(left: float, right: float, bottom: float) -> FloatArray:
    alpha = np.zeros((120, 120), dtype=np.float32)
    alpha[30 : int(bottom) + 1, int(left) : int(right) + 1] = 1
    return alpha


def tip_of(body: BodySurface) -> FloatArray:
    """The mean of what lies farthest from the ankle."""
    foot = body.vertices[body.parts == 0] - ANKLE
    far = np.linalg.norm(foot, axis=1)
    return np.asarray(foot[far > 0.9 * far.max()].mean(axis=0))


@pytest.mark.parametrize("pitch", [10, 30, 45])
def test_a_foot_that_reaches_low_is_pitched_and_not_drawn_out(pitch: float) -> None:
    angle = np.deg2rad(pitch)
    bottom = ANKLE[1] + LENGTH * np.sin(angle) + HEIGHT * np.cos(angle)
    placed = foot_on_outline(body_with_a_foot(), 0, shown(42, 58, bottom), ANKLE)
    foot = placed.vertices[placed.parts == 0] - ANKLE
    assert np.percentile(foot[:, 1], 97) == pytest.approx(bottom - ANKLE[1], abs=2)
    tip = tip_of(placed)
    assert np.rad2deg(np.arctan2(tip[1] - HEIGHT / 2, -tip[2])) == pytest.approx(pitch, abs=9)
    assert np.linalg.norm(foot, axis=1).max() == pytest.approx(np.hypot(LENGTH, HEIGHT), rel=0.15)


@pytest.mark.parametrize("side", [-1, 1])
def test_a_foot_that_points_aside_is_turned(side: int) -> None:
    ends = sorted([ANKLE[0] + side * LENGTH, ANKLE[0] - side * 10])
    placed = foot_on_outline(body_with_a_foot(), 0, shown(*ends, ANKLE[1] + HEIGHT), ANKLE)
    tip = tip_of(placed)
    assert side * tip[0] > 0.7 * LENGTH
    assert abs(tip[2]) < 0.6 * LENGTH


def test_other_parts_stay_and_what_is_not_shown_moves_nothing() -> None:
    body = body_with_a_foot()
    placed = foot_on_outline(body, 0, shown(42, 58, 70), ANKLE)
    np.testing.assert_array_equal(placed.vertices[-1], body.vertices[-1])
    assert foot_on_outline(body, 0, shown(42, 58, ANKLE[1] - 5), ANKLE) is body
    assert foot_on_outline(body, 7, shown(42, 58, 70), ANKLE) is body
    assert hand_on_outline(body, 7, shown(42, 58, 70)) is body


def test_a_hand_has_the_size_that_the_photo_shows() -> None:
    body = body_with_a_foot()
    placed = hand_on_outline(body, 0, shown(38, 62, 45))
    hand = placed.vertices[placed.parts == 0]
    np.testing.assert_allclose(np.ptp(hand[:, :2], axis=0), (24, 15), rtol=0.15)
    np.testing.assert_array_equal(hand[:, 2], body.vertices[body.parts == 0, 2])
