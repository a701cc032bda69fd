"""Poses as maps and as pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_poses import HEIGHT, WIDTH, scaled, standing

from motionwarp.pose import skeleton as sk
from motionwarp.pose.drawing import BONE_COLORS, draw_pose
from motionwarp.pose.heatmaps import disc_heatmaps, gaussian_heatmaps, points_at_scale

MAP_HEIGHT, MAP_WIDTH = 64, 48


def random_points(seed: int, *leading: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    size = torch.tensor([MAP_WIDTH, MAP_HEIGHT, 1.0])
    points = torch.rand(*leading, 18, 3, generator=generator) * size
    points[..., 2] = points[..., 2] * 0.8 + 0.2
    return points


def squared_distances(points: torch.Tensor) -> np.ndarray:
    y, x = np.mgrid[:MAP_HEIGHT, :MAP_WIDTH]
    places = points.numpy()[..., None, None, :]
    return (x - places[..., 0]) ** 2 + (y - places[..., 1]) ** 2


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 999), radius=st.floats(0.5, 9))
def test_discs_are_the_pixels_within_the_radius(seed: int, radius: float) -> None:
    points = random_points(seed)
    expected = squared_distances(points) <= radius**2
    assert np.mean(disc_heatmaps(points, MAP_HEIGHT, MAP_WIDTH, radius).numpy() == expected) > 0.9999


def test_a_disc_at_a_pixel_s_center_is_round() -> None:
    points = torch.zeros(18, 3)
    points[0] = torch.tensor([20.0, 30.0, 1.0])
    drawn = disc_heatmaps(points, MAP_HEIGHT, MAP_WIDTH)[0]
    assert drawn.sum() == 49  # lattice points within a radius of 4
    assert drawn[30, 16] == drawn[30, 24] == drawn[26, 20] == drawn[34, 20] == 1
    assert torch.equal(drawn[:, :41], drawn[:, :41].flip(1))


def test_points_that_were_not_seen_are_empty() -> None:
    points = random_points(1, 3)
    points[0, 4, 2], points[1, 5] = 0.05, 0
    maps = disc_heatmaps(points, MAP_HEIGHT, MAP_WIDTH)
    assert maps.shape == (3, 18, MAP_HEIGHT, MAP_WIDTH)
    assert maps[0, 4].max() == maps[1, 5].max() == 0
    assert (maps.flatten(-2).amax(-1) > 0).sum() == 52
    # a threshold of zero does not draw points of score zero
    assert disc_heatmaps(points, MAP_HEIGHT, MAP_WIDTH, min_score=0.0)[1, 5].max() == 0


def test_maps_move_with_their_points() -> None:
    points = random_points(2)
    points[:, :2] = points[:, :2] * 0.3 + 10
    moved = points + torch.tensor([5.0, 8.0, 0.0])
    before, after = disc_heatmaps(points, MAP_HEIGHT, MAP_WIDTH), disc_heatmaps(moved, MAP_HEIGHT, MAP_WIDTH)
    torch.testing.assert_close(after[:, 8:, 5:], before[:, :-8, :-5], atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("points", "size"), [(torch.zeros(18, 2), (4, 4)), (torch.zeros(18, 3).int(), (4, 4)), (torch.zeros(18, 3), (0, 4))]
)
def test_wrong_forms_are_refused(points: torch.Tensor, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="heat maps need"):
        disc_heatmaps(points, *size)


def canvas(value: int = 127) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), value, dtype=np.uint8)


def test_bones_have_their_colors_along_their_middle() -> None:
    drawn = draw_pose(canvas(), standing())
    for bone, (parent, child) in enumerate(sk.BONES):
        if child in sk.HEAD_POINTS or sk.NECK in (parent, child):
            continue  # short, or crossed by others
        x, y = np.round(standing()[[parent, child], :2].mean(axis=0)).astype(int)
        np.testing.assert_array_equal(drawn[y, x], BONE_COLORS[bone])


def test_the_person_s_sides_have_warm_and_cold_colors() -> None:
    for (_, child), (red, _, blue) in zip(sk.BONES, BONE_COLORS, strict=True):
        if child in sk.HEAD_POINTS:
            continue
        if sk.POINT_NAMES[child].startswith("right"):
            assert red > blue
        elif sk.POINT_NAMES[child].startswith("left"):
            assert blue > red
    assert len(set(BONE_COLORS)) == len(sk.BONES)


def test_the_picture_is_left_alone() -> None:
    picture = canvas()
    draw_pose(picture, standing())
    np.testing.assert_array_equal(picture, canvas())


def test_only_seen_points_are_drawn() -> None:
    points = standing()
    points[:, 2] = 0
    np.testing.assert_array_equal(draw_pose(canvas(), points), canvas())
    points = standing()
    points[sk.LEFT_WRIST, 2] = 0.05
    drawn = draw_pose(canvas(), points)
    near = (slice(195, 215), slice(140, 160))
    np.testing.assert_array_equal(drawn[near], canvas()[near])
    assert (draw_pose(canvas(), points, min_score=0.01)[near] != 127).any()


def test_lines_are_as_thick_as_the_person_is_large() -> None:
    small = (draw_pose(canvas(), scaled(standing(), 0.5)) != 127).any(axis=-1).sum()
    large = (draw_pose(canvas(), standing()) != 127).any(axis=-1).sum()
    assert 2.5 < large / small < 4.5


def test_points_outside_the_picture_are_fine() -> None:
    points = standing()
    points[sk.LEFT_WRIST, :2], points[sk.RIGHT_WRIST, :2] = (1e9, -1e9), (-500, 600)
    drawn = draw_pose(canvas(), points)
    assert drawn.shape == (HEIGHT, WIDTH, 3)
    assert (drawn[:, WIDTH - 100 :] == 127).all()


def test_opacity_mixes_with_the_picture() -> None:
    whole, half = draw_pose(canvas(), standing()), draw_pose(canvas(), standing(), opacity=0.5)
    expected = cv2.addWeighted(whole, 0.5, canvas(), 0.5, 0)
    assert np.abs(half.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(draw_pose(canvas(), standing(), opacity=0.0), canvas())


def test_gaussians_are_those_of_the_distance() -> None:
    points = random_points(3, 2)
    points[0, 4, 2] = 0.0
    maps = gaussian_heatmaps(points, MAP_HEIGHT, MAP_WIDTH, 3.2).numpy()
    expected = np.exp(-squared_distances(points) / (2 * 3.2**2))
    expected[0, 4] = 0
    expected[points[..., 2].numpy() < 0.15] = 0
    assert maps.shape == (2, 18, MAP_HEIGHT, MAP_WIDTH)
    assert np.allclose(maps, expected, atol=1e-5)


@pytest.mark.parametrize("sigma", [0.0, -1.0])
def test_gaussians_need_a_width(sigma: float) -> None:
    with pytest.raises(ValueError, match="positive sigma"):
        gaussian_heatmaps(random_points(0), MAP_HEIGHT, MAP_WIDTH, sigma)


def test_points_keep_their_place_in_a_picture_of_another_size() -> None:
    points = torch.tensor([[-0.5, -0.5, 0.7], [47.5, 63.5, 1.0]])  # the picture's corners
    assert torch.allclose(points_at_scale(points, 0.25), torch.tensor([[-0.5, -0.5, 0.7], [11.5, 15.5, 1.0]]))
