"""A hole in a matte where a trunk must be is filled up to the picture's own edges, and nothing else is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from motionwarp.perception.matte_holes import with_whole_trunk
from motionwarp.pose import skeleton as sk
from motionwarp.types import BoolArray, ByteArray, FloatArray, Pose

SIZE = 300, 200
GREEN, WHITE, SKIN = (90, 150, 90), (240, 240, 240), (230, 190, 160)


def corners(score: float = 0.9) -> Pose:
    points = np.zeros((18, 3), np.float32)
    for index, place in (
        (sk.RIGHT_SHOULDER, (70, 80)),
        (sk.LEFT_SHOULDER, (130, 80)),
        (sk.RIGHT_HIP, (80, 180)),
        (sk.LEFT_HIP, (120, 180)),
    ):
        points[index] = (*place, score)
    return Pose(points)


def drawn() -> tuple[ByteArray, BoolArray]:
    """Somebody in a flat green dress before white, and where they are."""
    rgb = np.full((*SIZE, 3), WHITE, np.uint8)
    cv2.fillPoly(rgb, [np.array([[62, 70], [138, 70], [128, 140], [150, 260], [50, 260], [72, 140]], np.int32)], GREEN)
    cv2.circle(rgb, (100, 45), 22, SKIN, -1)
    return rgb, np.asarray((rgb != WHITE).any(axis=2))


def with_hole(person: BoolArray, center: tuple[int, int], radius: int) -> FloatArray:
    matte = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 1.0)
    hole = np.zeros(SIZE, np.float32)
    cv2.circle(hole, center, radius, 1.0, -1)
    return np.asarray(matte * (1 - cv2.GaussianBlur(hole, (0, 0), 3.0)), dtype=np.float32)


@pytest.mark.parametrize("center", [(100, 140), (118, 165)])
def test_the_trunk_is_whole_and_ends_where_its_colors_end(center: tuple[int, int]) -> None:
    rgb, person = drawn()
    matte = with_hole(person, center, 38)
    filled = with_whole_trunk(rgb, matte, corners())
    inner = cv2.erode(person.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    outer = cv2.dilate(person.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert (matte[inner] < 0.5).sum() > 1500
    assert (filled[inner] > 0.9).mean() > 0.995
    assert filled[~outer].max() < 0.1
    assert (filled >= matte).all()


def test_a_whole_matte_and_a_trunk_that_is_not_seen_are_left_alone() -> None:
    rgb, person = drawn()
    whole, broken = with_hole(person, (100, 140), 0), with_hole(person, (100, 140), 38)
    assert with_whole_trunk(rgb, whole, corners()) is whole
    assert with_whole_trunk(rgb, broken, corners(0.3)) is broken
    # gaps beside the trunk, as between arms and waist, are none of it
    beside = with_hole(person, (160, 150), 30)
    assert with_whole_trunk(rgb, beside, corners()) is beside
