"""A network that exchanges left and right for a moment is set right; one that insists is believed."""

from __future__ import annotations

import numpy as np
import pytest

from motionwarp.parsing import labels
from motionwarp.perception.side_swaps import LeftRightCorrector
from motionwarp.pose import skeleton as sk
from motionwarp.types import FloatArray, Person, PersonCrop, Pose

RIGHT_LEG, LEFT_LEG = [sk.RIGHT_HIP, sk.RIGHT_KNEE, sk.RIGHT_ANKLE], [sk.LEFT_HIP, sk.LEFT_KNEE, sk.LEFT_ANKLE]


@pytest.fixture
def standing() -> FloatArray:
    """Points of somebody with legs apart, in pixels."""
    points = np.zeros((18, 3), np.float32)
    points[:, 2] = 1
    for name, x, y in (
        ("NECK", 50, 30), ("NOSE", 50, 20), ("RIGHT_SHOULDER", 35, 30), ("LEFT_SHOULDER", 65, 30),
        ("RIGHT_ELBOW", 25, 50),
        ("LEFT_ELBOW", 75, 50), ("RIGHT_WRIST", 20, 70), ("LEFT_WRIST", 80, 70), ("RIGHT_HIP", 42, 80),
        ("LEFT_HIP", 58, 80),
        ("RIGHT_KNEE", 36, 110), ("LEFT_KNEE", 64, 110), ("RIGHT_ANKLE", 30, 140), ("LEFT_ANKLE", 70, 140),
        ("RIGHT_EYE", 47, 18),
        ("LEFT_EYE", 53, 18), ("RIGHT_EAR", 44, 20), ("LEFT_EAR", 56, 20),
    ):  # fmt: skip
        points[getattr(sk, name), :2] = x, y
    return points


def with_legs_exchanged(points: FloatArray) -> FloatArray:
    exchanged = points.copy()
    exchanged[RIGHT_LEG + LEFT_LEG] = points[LEFT_LEG + RIGHT_LEG]
    return exchanged


def person_of(points: FloatArray, parsing: list[list[int]] | None = None) -> Person:
    classes = None if parsing is None else np.array(parsing, np.uint8)
    return Person(Pose(points), PersonCrop(0, 0, 1.0, width=100, height=160), classes, None)


def test_legs_that_change_sides_are_put_back_with_their_classes(standing: FloatArray) -> None:
    parsing = [[labels.LEFT_LEG, labels.RIGHT_SHOE], [labels.LEFT_ARM, labels.PANTS]]
    kept = LeftRightCorrector().settle(person_of(with_legs_exchanged(standing), parsing), standing, 1.0)
    np.testing.assert_array_equal(kept.pose.points, standing)
    assert kept.parsing is not None
    assert kept.parsing.tolist() == [[labels.RIGHT_LEG, labels.LEFT_SHOE], [labels.LEFT_ARM, labels.PANTS]]


def test_whoever_moves_a_little_is_left_as_they_are(standing: FloatArray) -> None:
    moved = standing.copy()
    moved[:, 0] += 5
    person = person_of(moved)
    assert LeftRightCorrector().settle(person, standing, 1.0) is person


def test_a_network_that_insists_is_believed(standing: FloatArray) -> None:
    keeper, exchanged = LeftRightCorrector(patience_seconds=0.5), with_legs_exchanged(standing)
    for time in (1.0, 1.2, 1.5):
        np.testing.assert_array_equal(keeper.settle(person_of(exchanged), standing, time).pose.points, standing)
    np.testing.assert_array_equal(keeper.settle(person_of(exchanged), standing, 1.6).pose.points, exchanged)
    # from then on that is what is known; a new exchange has the whole patience again
    np.testing.assert_array_equal(keeper.settle(person_of(standing), exchanged, 1.7).pose.points, exchanged)


def test_points_that_are_not_seen_decide_nothing(standing: FloatArray) -> None:
    hidden = with_legs_exchanged(standing)
    hidden[RIGHT_LEG + LEFT_LEG, 2] = 0
    person = person_of(hidden)
    assert LeftRightCorrector().settle(person, standing, 1.0) is person
