"""Framing people and cutting views out: the same places before and after, and the right things in the crop."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn_people import Figure
from hypothesis import given, settings
from hypothesis import strategies as st

from motionwarp.perception.crops import OUTSIDE_GRAY, extract_views, points_to_frame
from motionwarp.perception.framing import (
    CANONICAL_FILL,
    CropView,
    body_direction,
    box_of_matte,
    crop_around,
    possible_box,
    torso_length,
    united,
    upright_turns,
    view_around,
    visible_box,
)
from motionwarp.types import FloatArray

TURNS = st.integers(0, 3)
BOXES = st.tuples(st.floats(-300, 900), st.floats(-300, 900), st.floats(2, 800), st.floats(2, 800)).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


def box_in_picture(view: CropView, box: tuple[float, float, float, float]) -> FloatArray:
    """Return the four numbers of a frame's box at pixel edges in the view's picture."""
    corners = np.array([[box[0], box[1]], [box[2], box[3]]]) - 0.5
    matrix = np.vstack([view.picture_to_frame(), [0, 0, 1]])
    moved = np.c_[corners, np.ones(2)] @ np.linalg.inv(matrix).T
    low, high = moved[:, :2].min(axis=0) + 0.5, moved[:, :2].max(axis=0) + 0.5
    return np.array([*low, *high], dtype=np.float32)


@given(box=BOXES, turns=TURNS, fill=st.floats(0.3, 1))
def test_a_box_lies_in_the_middle_and_fills_the_tighter_side(box, turns, fill) -> None:
    view = view_around(box, turns, fill=fill)
    assert view.size == (256, 192)
    left, top, right, bottom = box_in_picture(view, box)
    assert (left + right) / 2 == pytest.approx(96, abs=0.05)
    assert (top + bottom) / 2 == pytest.approx(128, abs=0.05)
    assert max((right - left) / 192, (bottom - top) / 256) == pytest.approx(fill, rel=1e-3)


@given(box=BOXES, turns=TURNS, x=st.floats(-50, 250), y=st.floats(-50, 300))
def test_points_go_to_the_frame_and_back(box, turns, x, y) -> None:
    view = view_around(box, turns)
    points = np.tile(np.array([x, y, 0.7], dtype=np.float32), (18, 1))
    in_frame = points_to_frame(points, view)
    matrix = np.vstack([view.picture_to_frame(), [0, 0, 1]])
    back = np.linalg.inv(matrix) @ [*in_frame[0, :2].astype(float), 1]
    # float32 positions of the frame, in pixels of the crop
    np.testing.assert_allclose(back[:2], [x, y], atol=1e-3 + 2e-4 / view.crop.scale)
    np.testing.assert_array_equal(in_frame[:, 2], points[:, 2])


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_view_at_scale_one_is_a_turned_cut(turns: int) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (400, 420, 3), dtype=np.uint8)
    width, height = (192, 256) if turns % 2 == 0 else (256, 192)
    view = CropView(crop_around((30, 20, 30 + width, 20 + height), fill=1.0, width=width, height=height), turns)
    expected = np.rot90(rgb[20 : 20 + height, 30 : 30 + width], turns)
    np.testing.assert_array_equal(extract_views(rgb, [view])[0], expected)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("scale", [0.6, 1.4, 2.0, 3.3, 7.0])
def test_a_dot_is_where_its_point_says(turns: int, scale: float) -> None:
    rgb = np.full((1400, 1500, 3), OUTSIDE_GRAY, dtype=np.uint8)
    cv2.circle(rgb, (700, 800), round(6 * scale), (255, 255, 255), -1)
    view = view_around((700 - 60 * scale, 800 - 80 * scale, 700 + 70 * scale, 800 + 90 * scale), turns)
    for views in ([view], [view] * 3):  # few and many views at one reduction are made in two ways
        picture = extract_views(rgb, views)[-1].astype(float).mean(axis=2) - OUTSIDE_GRAY
        rows, columns = np.mgrid[:256, :192]
        at = np.zeros((18, 3), dtype=np.float32)
        at[:, :2] = (columns * picture).sum() / picture.sum(), (rows * picture).sum() / picture.sum()
        found = points_to_frame(at, view)[0, :2]
        assert np.abs(found - (700, 800)).max() < 0.06 * max(view.crop.scale, 1)


def test_what_lies_outside_the_frame_is_gray() -> None:
    rgb = np.full((50, 50, 3), 255, dtype=np.uint8)
    [beyond] = extract_views(rgb, [view_around((5000, 5000, 5100, 5100))])
    assert (beyond == OUTSIDE_GRAY).all()
    [partly] = extract_views(rgb, [view_around((-50, 0, 50, 50), fill=1.0)])
    assert set(np.unique(partly)) >= {OUTSIDE_GRAY, 255}


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 2)])
def test_frames_thinner_than_a_block_are_no_error(size: tuple[int, int]) -> None:
    rgb = np.full((*size, 3), 200, dtype=np.uint8)
    pictures = extract_views(rgb, [view_around((0, 0, 900, 900))] * 4)
    assert pictures.shape == (4, 256, 192, 3)


def test_fine_stripes_shrink_to_their_mean() -> None:
    rgb = np.zeros((1200, 1200, 3), dtype=np.uint8)
    rgb[:, ::2] = 255
    [picture] = extract_views(rgb, [view_around((200, 200, 1000, 1000), fill=1.0)])
    middle = picture[100:150, 60:130].astype(int)
    assert np.abs(middle - 127).max() <= 6


def test_views_of_two_sizes_are_refused() -> None:
    views = [
        CropView(crop_around((0, 0, 9, 9), width=192, height=256)),
        CropView(crop_around((0, 0, 9, 9), width=256, height=192)),
    ]
    with pytest.raises(ValueError, match="one size"):
        extract_views(np.zeros((20, 20, 3), dtype=np.uint8), views)


@pytest.mark.parametrize("lowest", ["whole", "knees", "waist", "chest"])
def test_whatever_is_seen_of_a_person_fills_the_crop(lowest: str) -> None:
    points = Figure(0, 300, 200, 80).points()
    cut = {"whole": [], "knees": [10, 13], "waist": [9, 10, 12, 13], "chest": [4, 7, 8, 9, 10, 11, 12, 13]}[lowest]
    points[cut, 2] = 0
    view = view_around(visible_box(points))
    left, top, right, bottom = box_in_picture(view, visible_box(points))
    assert max((right - left) / 192, (bottom - top) / 256) == pytest.approx(CANONICAL_FILL, rel=1e-3)
    seen = points[points[:, 2] > 0]
    inverse = np.linalg.inv(np.vstack([view.picture_to_frame(), [0, 0, 1]]))
    xy = np.c_[seen[:, :2], np.ones(len(seen))] @ inverse.T
    assert (xy[:, :2] > 0).all()
    assert (xy[:, 0] < 191).all()
    assert (xy[:, 1] < 255).all()
    assert np.ptp(xy[:, :2], axis=0).max() > 0.5 * 192


@settings(max_examples=50)
@given(degrees=st.floats(0, 360), torso=st.floats(20, 150))
def test_the_torso_and_the_direction_do_not_depend_on_the_angle(degrees, torso) -> None:
    points = Figure(0, 300, 300, torso, turned_degrees=degrees).points()
    assert torso_length(points) == pytest.approx(torso_length(Figure(0, 300, 300, torso).points()), rel=1e-3)
    assert torso_length(points) == pytest.approx(torso, rel=0.3)
    radians = np.deg2rad(degrees)
    np.testing.assert_allclose(body_direction(points), [-np.sin(radians), np.cos(radians)], atol=1e-3)


def test_one_point_gone_astray_does_not_blow_up_the_torso() -> None:
    points = Figure(0, 300, 200, 80).points()
    points[[16, 17], 0] = 285, 315  # ears as far apart as real ones
    points[4, :2] = 3000, 3000
    assert torso_length(points) < 1.5 * 80


@given(degrees=st.floats(0, 360), current=TURNS)
def test_turns_put_the_head_up_and_are_kept_where_they_serve(degrees, current) -> None:
    points = Figure(0, 300, 300, 60, turned_degrees=degrees).points()
    turns = upright_turns(points, current)
    lean = abs((degrees - 90 * turns + 180) % 360 - 180)
    before = abs((degrees - 90 * current + 180) % 360 - 180)
    assert lean <= (60.1 if turns == current else 45.1)
    if before < 59.9:
        assert turns == current


def test_nothing_seen_keeps_the_turns_and_gives_a_harmless_box() -> None:
    points = np.zeros((18, 3), dtype=np.float32)
    assert upright_turns(points, 3) == 3
    assert visible_box(points) == (0, 0, 1, 1)
    assert torso_length(points) == 0
    assert possible_box(points, 100, 100) is None


def test_a_whole_person_has_no_rest_to_look_for() -> None:
    assert possible_box(Figure(0, 300, 200, 60).points(), 600, 600) is None


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("missing", [[9, 10, 12, 13], [10, 13], [0, 14, 15, 16, 17]])
def test_the_rest_of_a_person_lies_in_the_possible_box(degrees: int, missing: list[int]) -> None:
    whole = Figure(0, 500, 500, 60, turned_degrees=degrees).points()
    seen = whole.copy()
    seen[missing, 2] = 0
    left, top, right, bottom = possible_box(seen, 1000, 1000)
    assert (whole[:, 0] > left).all()
    assert (whole[:, 0] < right).all()
    assert (whole[:, 1] > top).all()
    assert (whole[:, 1] < bottom).all()


def test_beyond_the_frame_there_is_nothing_to_look_for() -> None:
    points = Figure(0, 300, 200, 60).points()
    points[[9, 10, 12, 13], 2] = 0
    hips = points[8, 1]
    assert possible_box(points, round(hips) + 5, 600) is None
    _, _, _, bottom = possible_box(points, round(hips) + 60, 600)
    assert bottom == round(hips) + 60


def test_boxes() -> None:
    matte = np.zeros((40, 30), dtype=np.float32)
    assert box_of_matte(matte) is None
    matte[5:21, 7:9] = 0.6
    assert box_of_matte(matte) == (7, 5, 9, 21)
    assert united((0, 5, 2, 9), (-1, 6, 1, 20)) == (-1, 5, 2, 20)


def test_a_view_has_four_turns_only() -> None:
    with pytest.raises(ValueError, match="quarter turns"):
        CropView(crop_around((0, 0, 9, 9)), 4)
