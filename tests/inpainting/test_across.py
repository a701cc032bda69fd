"""What lines bring across a hole: straight, from both sides, and less sure the less the sides agree."""

from __future__ import annotations

import numpy as np
import pytest

from motionwarp.inpainting.across import carried_across
from motionwarp.types import BoolArray, FloatArray


def hole_of(height: int, width: int) -> BoolArray:
    hole = np.zeros((height, width), dtype=np.bool_)
    hole[20:100, 40:70] = True
    return hole


def slope(rise: float) -> FloatArray:
    """Two plain areas, 120 high and 110 wide, that meet along a line."""
    rows, columns = np.mgrid[0:120, 0:110]
    below = np.clip(rows - 60 - rise * (columns - 55) + 0.5, 0, 1)[..., None]
    return np.asarray(np.float32([200, 180, 160]) * (1 - below) + np.float32([60, 90, 40]) * below, dtype=np.float32)


@pytest.mark.parametrize("rise", [0.0, 0.15, -0.25])
def test_a_line_goes_on_straight(rise: float) -> None:
    truth, hole = slope(rise), hole_of(120, 110)
    filled, alike = carried_across(np.where(hole[..., None], np.float32(0), truth), hole)
    np.testing.assert_array_equal(filled[~hole], truth[~hole])
    dark = (filled[20:100, 40:70, 0] < 130).sum(axis=0)
    expected = 100 - (60 + rise * (np.arange(40, 70) - 55))
    assert np.abs(dark - expected).max() <= 2
    assert alike[hole].mean() > 0.8


def test_sides_that_contradict_each_other_meet_in_the_middle_and_are_not_trusted() -> None:
    picture, hole = np.full((120, 110, 3), 230, dtype=np.float32), hole_of(120, 110)
    picture[:, 55:] = 30
    filled, alike = carried_across(np.where(hole[..., None], np.float32(0), picture), hole)
    assert alike[hole].max() < 0.01
    np.testing.assert_allclose(filled[60, 40:52], 230, atol=1)
    np.testing.assert_allclose(filled[60, 58:70], 30, atol=1)


def test_rows_that_change_beside_the_hole_do_not_tell_how_they_go_on() -> None:
    stripes = np.repeat((np.arange(110) // 4 % 2 * 180)[None, :, None], 120, axis=0).repeat(3, axis=2)
    _, alike = carried_across(stripes.astype(np.float32), hole_of(120, 110))
    assert alike[hole_of(120, 110)].max() < 0.1


def test_at_the_picture_s_edge_one_side_goes_on_alone() -> None:
    picture, hole = slope(0), np.zeros((120, 110), dtype=np.bool_)
    hole[20:100, 80:] = True
    filled, alike = carried_across(np.where(hole[..., None], np.float32(0), picture), hole)
    np.testing.assert_allclose(filled[hole], picture[hole], atol=80)
    assert np.abs(filled[hole] - picture[hole]).mean() < 2
    assert 0 < alike[hole].max() <= 0.5


def test_a_picture_that_is_all_hole_stays() -> None:
    picture = slope(0)
    filled, alike = carried_across(picture, np.ones((120, 110), dtype=np.bool_))
    np.testing.assert_array_equal(filled, picture)
    assert not alike.any()
