"""Mattes as users give them: masks of 0 and 1, labels, black, inverted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_scene import Scene

from motionwarp import transfer
from motionwarp.errors import MediaError
from motionwarp.media.image import Picture, read_image, write_image
from motionwarp.pipeline.given_matte import given_matte, held_against, share_inside


def square(low: int, high: int) -> np.ndarray:
    gray = np.full((80, 60), low, np.uint8)
    gray[20:70, 15:45] = high
    return gray


def points_at(rows: float, columns: float) -> np.ndarray:
    points = np.zeros((18, 3), np.float32)
    points[:, 0], points[:, 1] = columns + np.linspace(-8, 8, 18), rows + np.linspace(-15, 15, 18)
    points[:, 2] = 0.9
    return points


@pytest.fixture
def picture() -> Picture:
    return Picture(np.full((80, 60, 3), 90, np.uint8))


def written(folder: Path, gray: np.ndarray) -> Path:
    write_image(folder / "matte.png", gray)
    return folder / "matte.png"


def test_a_matte_of_shades_stays_as_it_is(tmp_path: Path, picture: Picture) -> None:
    given = given_matte(picture, written(tmp_path, square(0, 255)))
    assert given is not None
    alpha, notes = held_against(given, points_at(45, 30))
    assert notes == ()
    np.testing.assert_array_equal(alpha, square(0, 1))


@pytest.mark.parametrize("high", [1, 2, 128, 200])
def test_a_mask_of_two_values_is_scaled_and_told(tmp_path: Path, picture: Picture, high: int) -> None:
    given = given_matte(picture, written(tmp_path, square(0, high)))
    assert given is not None
    np.testing.assert_array_equal(given.alpha, square(0, 1))
    assert f"largest value is {high}" in given.notes[0]


def test_a_black_matte_and_labels_are_refused(tmp_path: Path, picture: Picture) -> None:
    with pytest.raises(MediaError, match="black all over"):
        given_matte(picture, written(tmp_path, square(0, 0)))
    labels = square(0, 5)
    labels[30:40, 20:30] = 11
    (tmp_path / "matte.png").unlink()
    with pytest.raises(MediaError, match="labels"):
        given_matte(picture, written(tmp_path, labels))


def test_an_inverted_matte_and_one_of_another_place_are_refused(tmp_path: Path, picture: Picture) -> None:
    inverted = given_matte(picture, written(tmp_path, square(255, 0)))
    assert inverted is not None
    with pytest.raises(MediaError, match="inverted") as failure:
        held_against(inverted, points_at(45, 30))
    assert "0 % of the points" in str(failure.value)
    (tmp_path / "matte.png").unlink()
    elsewhere = np.zeros((80, 60), np.uint8)
    elsewhere[:15] = 255
    with pytest.raises(MediaError, match="leaves the person out"):
        held_against(given_matte(picture, written(tmp_path, elsewhere)), points_at(45, 30))  # type: ignore[arg-type]


def test_a_white_matte_is_told(tmp_path: Path, picture: Picture) -> None:
    given = given_matte(picture, written(tmp_path, square(255, 255)))
    assert given is not None
    assert "whole picture" in held_against(given, points_at(45, 30))[1][0]


def test_transparency_that_leaves_the_person_out_is_not_used(picture: Picture) -> None:
    given = given_matte(Picture(picture.rgb, square(255, 0)), None)
    assert given is not None
    alpha, notes = held_against(given, points_at(45, 30))
    assert alpha is None
    assert "transparency" in notes[0]


def test_points_outside_of_the_picture_or_unseen_do_not_count() -> None:
    points = points_at(45, 30)
    points[4:8, :2] = (500, 40)
    points[8:10] = (0, 0, 0.05)
    assert share_inside(square(0, 1).astype(np.float32), points) == 1.0
    points[:, :2] = 500
    assert share_inside(square(0, 1).astype(np.float32), points) == 1.0


def test_transfer_refuses_an_inverted_matte_and_scales_a_mask(scene: Scene, tmp_path: Path) -> None:
    gray = read_image(scene.matte).rgb[..., 0]
    write_image(tmp_path / "inverted.png", 255 - gray)
    with pytest.raises(MediaError, match="inverted"):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4", matte=tmp_path / "inverted.png")
    write_image(tmp_path / "mask.png", (gray > 127).astype(np.uint8))
    result = transfer(scene.person, scene.dance, tmp_path / "out.mp4", matte=tmp_path / "mask.png")
    assert any("largest value is 1" in warning for warning in result.warnings)
