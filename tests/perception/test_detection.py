"""Finding drawn people in whole frames."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_people import BLUE, GREEN, RED, DotReader, Figure, draw
from hypothesis import given, settings
from hypothesis import strategies as st

from motionwarp.perception.detection import PersonDetector, level_windows


def assert_found(found, figures, tolerance=2.0):
    assert len(found) == len(figures)
    for figure in figures:
        errors = [
            np.hypot(*(sighting.person.pose.xy - figure.points()[:, :2]).T)[sighting.person.pose.visible()].max()
            for sighting in found
        ]
        assert min(errors) < tolerance


def test_nobody_in_an_empty_frame():
    assert PersonDetector(DotReader()).find(draw([])) == []


def test_one_person():
    figure = Figure(0, 300, 120)
    found = PersonDetector(DotReader()).find(draw([figure]))
    assert_found(found, [figure])
    assert found[0].person.score > 0.9


def test_three_people_apart_and_each_once():
    figures = [Figure(0, 110, 120, clothes=RED), Figure(1, 330, 110, 70, GREEN), Figure(2, 540, 150, 60, BLUE)]
    assert_found(PersonDetector(DotReader()).find(draw(figures)), figures)


def test_two_people_close_together():
    figures = [Figure(0, 280, 120), Figure(1, 375, 120, clothes=GREEN)]
    assert_found(PersonDetector(DotReader()).find(draw(figures)), figures)


def test_large_and_small_person():
    figures = [Figure(0, 200, 100, 88), Figure(1, 500, 160, 44, GREEN)]
    assert_found(PersonDetector(DotReader()).find(draw(figures)), figures)


@pytest.mark.parametrize("torso", [50, 60, 70])
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_person_lying_or_upside_down_who_is_only_readable_upright(degrees, torso):
    figure = Figure(0, 320, 180, torso, turned_degrees=degrees)
    found = PersonDetector(DotReader()).find(draw([figure]), dense=True)
    assert_found(found, [figure])
    assert found[0].view.turns == {90: 1, 180: 2, 270: 3}[degrees]
    inside = (figure.points()[:, 1] > 0) & (figure.points()[:, 1] < 359)
    np.testing.assert_array_equal(found[0].person.pose.visible(), inside)
    # the matte lies over the window in the frame's own orientation
    crop, matte = found[0].person.crop, found[0].person.matte
    assert matte.shape[1] / matte.shape[0] == pytest.approx(crop.width / crop.height)
    for point in figure.points()[inside]:
        cell = (point[:2] @ crop.frame_to_crop()[:, :2] + crop.frame_to_crop()[:, 2]) / crop.width * matte.shape[1]
        assert matte[int(cell[1]), int(cell[0])] > 0.4


def test_person_upside_down_whom_the_reader_sees_anyhow_is_looked_at_upright():
    figure = Figure(0, 320, 230, 70, turned_degrees=180)
    found = PersonDetector(DotReader(any_direction=True)).find(draw([figure]))
    assert_found(found, [figure])
    assert found[0].view.turns == 2


def test_person_cut_off_at_the_waist():
    figure = Figure(0, 320, 230, 110)
    found = PersonDetector(DotReader()).find(draw([figure]))
    assert_found(found, [figure])
    assert not found[0].person.pose.visible()[[9, 10, 12, 13]].any()


def test_portrait_frame_with_a_person_half_as_high():
    figure = Figure(0, 250, 400, 70)
    assert_found(PersonDetector(DotReader()).find(draw([figure], 360, 640)), [figure])


def test_tiny_frame_is_no_error():
    assert PersonDetector(DotReader()).find(np.zeros((1, 1, 3), dtype=np.uint8)) == []


def test_quick_search_is_cheap():
    reader = DotReader()
    PersonDetector(reader).find(draw([], 1280, 720), thorough=False)
    assert reader.read <= 12
    assert reader.calls <= 2


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(200, 2000),
    height=st.integers(200, 2000),
    level=st.integers(0, 2),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
)
def test_every_place_is_near_the_middle_of_a_window(width, height, level, x, y):
    views = level_windows(height, width, level)
    size = np.array([views[0].crop.scale * views[0].crop.width, views[0].crop.scale * views[0].crop.height])
    middles = np.array([[view.crop.left, view.crop.top] for view in views]) + size / 2
    # nobody's middle is nearer to the frame's edge than this and still worth finding
    low, high = 0.2 * size, np.array([width, height]) - 0.2 * size
    place = np.where(low < high, low + np.array([x, y]) * (high - low), np.array([width, height]) / 2)
    offsets = np.abs(middles - place) / size
    assert offsets.max(axis=1).min() <= 0.181
