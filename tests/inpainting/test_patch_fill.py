"""Holes filled with pieces of the picture: texture and edges go on, colors come from around, odd inputs do no harm."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.inpainting.patch_match import filled_by_patches
from motionwarp.types import BoolArray, ByteArray


def upright_hole(height: int, width: int) -> BoolArray:
    """An upright ellipse in the middle, as a person leaves it: half as high and a third as wide as the picture."""
    hole = np.zeros((height, width), dtype=np.uint8)
    cv2.ellipse(hole, (width // 2, height // 2), (width // 6, height // 4), 0, 0, 360, 1, -1)
    return hole > 0


def smoothly(picture: ByteArray, hole: BoolArray) -> ByteArray:
    """The picture with the smooth fill in the very hole."""
    filled = cv2.inpaint(picture, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return np.where(hole[..., None], filled, picture)


def tinted(gray: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> ByteArray:
    """A gray picture in [0, 1] as a colored one."""
    return np.asarray(
        np.clip(gray[..., None] * np.array([150.0, 120, 90]) + np.array([40.0, 50, 60]), 0, 255), dtype=np.uint8
    )


def pavement(height: int, width: int, seed: int = 0) -> ByteArray:
    """Irregular texture without a direction."""
    noise = np.random.default_rng(seed).standard_normal((height, width))
    return tinted(np.clip(0.5 + 0.8 * cv2.GaussianBlur(noise, (0, 0), 1.0), 0, 1))


ROWS, COLUMNS = np.mgrid[0:220, 0:170]
PERIODIC = {
    "stripes": tinted((COLUMNS // 6) % 2 * 1.0),
    "slanting stripes": tinted(((COLUMNS + ROWS) // 8) % 2 * 1.0),
    "checks": tinted((COLUMNS // 8 + ROWS // 8) % 2 * 1.0),
}


@pytest.mark.parametrize("name", PERIODIC)
def test_a_periodic_texture_goes_on(name: str) -> None:
    truth = PERIODIC[name]
    hole = upright_hole(*truth.shape[:2])
    guess = smoothly(truth, hole)
    filled = filled_by_patches(guess, hole)
    error, error_of_smooth = (np.abs(each.astype(float) - truth)[hole].mean() for each in (filled, guess))
    assert error < 0.2 * error_of_smooth


def test_known_pixels_are_untouched_and_all_others_are_filled() -> None:
    picture = pavement(180, 130)
    hole = upright_hole(180, 130)
    guess = smoothly(np.where(hole[..., None], np.uint8(255), picture), hole)
    filled = filled_by_patches(guess, hole)
    np.testing.assert_array_equal(filled[~hole], picture[~hole])
    assert (filled[hole] != guess[hole]).any(axis=1).mean() > 0.9


def test_the_same_seed_gives_the_same_picture() -> None:
    picture, hole = pavement(90, 70), upright_hole(90, 70)
    first, again, other = (filled_by_patches(smoothly(picture, hole), hole, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_horizon_goes_on_straight() -> None:
    height, width, horizon = 240, 160, 117
    picture = pavement(height, width)
    picture[:horizon] = (170, 190, 215)
    hole = upright_hole(height, width)
    guess = picture.copy()
    guess[hole] = picture.reshape(-1, 3).mean(axis=0)  # nothing of the horizon is in it
    filled = filled_by_patches(guess, hole)
    is_sky = (filled.astype(int)[..., 2] - filled.astype(int)[..., 0]) > 30
    edges = is_sky[:, width // 2 - 20 : width // 2 + 20].sum(axis=0)
    assert np.abs(edges - horizon).max() <= 2


def test_texture_is_as_sharp_as_around_it_in_pictures_larger_than_what_is_searched() -> None:
    picture, hole = pavement(720, 480), upright_hole(720, 480)
    guess = smoothly(picture, hole)
    filled = filled_by_patches(guess, hole)

    def detail(rgb: ByteArray, where: BoolArray) -> float:
        gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
        return float(np.abs(cv2.Laplacian(gray, cv2.CV_32F))[where].mean())

    inner = cv2.erode(hole.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    around = detail(picture, ~hole)
    assert 0.75 * around < detail(filled, inner) < 1.25 * around
    assert detail(guess, inner) < 0.3 * around


def test_light_is_continuous_across_the_edge_of_the_hole() -> None:
    height, width = 240, 170
    light = np.linspace(0.4, 1.0, width)[None, :, None] * np.linspace(1.0, 0.7, height)[:, None, None]
    hole = upright_hole(height, width)
    # means over some pixels just inside and just outside are as near to each other as the light itself makes them
    soft_hole = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
    soft_known = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 5)
    inside, outside = (soft_hole > 0) & (soft_hole < 6), (soft_known > 0) & (soft_known < 6)
    halves = (np.s_[:, : width // 2], np.s_[:, width // 2 :], np.s_[: height // 2], np.s_[height // 2 :])

    def steps(rgb: ByteArray) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.array(
            [rgb[half][inside[half]].mean(axis=0) - rgb[half][outside[half]].mean(axis=0) for half in halves]
        )

    # of several textures: which pieces are brighter by chance differs from one to the next
    apart = []
    for seed in range(5):
        picture = np.asarray(np.clip(pavement(height, width, seed) * light, 0, 255), dtype=np.uint8)
        apart.append(steps(filled_by_patches(smoothly(picture, hole), hole, seed=seed)) - steps(picture))
    assert np.abs(np.mean(apart, axis=0)).max() < 3


def test_no_color_of_the_person_is_left() -> None:
    behind, person = pavement(230, 150), upright_hole(230, 150)
    soft = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 1.0)
    picture = np.asarray(behind * (1 - soft[..., None]) + np.array([255, 0, 255]) * soft[..., None], dtype=np.uint8)

    def most_magenta(rgb: ByteArray) -> int:
        levels = rgb.astype(int)
        return int((levels[..., [0, 2]].min(axis=2) - levels[..., 1]).max())

    assert most_magenta(clean_plate(picture, soft)) <= most_magenta(behind) + 12


@pytest.mark.parametrize(
    "shape", [(1, 1), (2, 9), (6, 6), (7, 7), (8, 8), (20, 17), (3, 300), (300, 5), (101, 67), (67, 131), (430, 11)]
)
def test_pictures_of_any_shape_are_filled(shape: tuple[int, int]) -> None:
    picture = pavement(*shape)
    hole = np.zeros(shape, dtype=np.bool_)
    hole[
        shape[0] // 3 : shape[0] // 3 + max(shape[0] // 4, 1), shape[1] // 3 : shape[1] // 3 + max(shape[1] // 4, 1)
    ] = True
    filled = filled_by_patches(picture, hole)
    assert filled.shape == picture.shape
    assert filled.dtype == np.uint8
    np.testing.assert_array_equal(filled[~hole], picture[~hole])


@pytest.mark.parametrize("known", [np.s_[:, :3], np.s_[:2], np.s_[:30, :30], np.s_[:, -14:], np.s_[60:61, 60:61]])
def test_holes_that_leave_little_are_filled(known: tuple[slice, ...]) -> None:
    picture = pavement(110, 90)
    hole = np.ones((110, 90), dtype=np.bool_)
    hole[known] = False
    guess = picture.copy()
    guess[hole] = 90
    filled = filled_by_patches(guess, hole)
    np.testing.assert_array_equal(filled[~hole], picture[~hole])


def test_holes_at_the_edge_and_in_pieces_are_filled() -> None:
    truth = PERIODIC["checks"]
    hole = np.zeros(truth.shape[:2], dtype=np.bool_)
    hole[170:, 60:110] = hole[:25, :25] = hole[100, 20] = hole[60:90, 150:] = True
    guess = smoothly(truth, hole)
    filled = filled_by_patches(guess, hole)
    error, error_of_smooth = (np.abs(each.astype(float) - truth)[hole].mean() for each in (filled, guess))
    assert error < 0.3 * error_of_smooth


def test_one_color_stays_one_color() -> None:
    plain = np.full((160, 120, 3), (30, 140, 200), dtype=np.uint8)
    np.testing.assert_array_equal(filled_by_patches(plain, upright_hole(160, 120)), plain)
