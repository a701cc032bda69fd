"""Cuts: found in any light and behind bars, and not where somebody only moves or a light flashes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from small_scene import draw, waving

from motionwarp.pipeline.shots import THUMB_HEIGHT, THUMB_WIDTH, ShotCutDetector, _thumb
from motionwarp.types import ByteArray


def room(seed: int) -> ByteArray:
    """A picture of a place, 96x160."""
    coarse = np.random.default_rng(seed).integers(20, 235, (7, 5, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (96, 160), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def shot(seed: int, count: int) -> list[ByteArray]:
    """Somebody who waves in a place."""
    place, pictures = room(seed), []
    for index in range(count):
        figure, parsing = draw(waving(index / 24), (96, 160))
        pictures.append(np.where(parsing[..., None] > 0, figure, place))
    return pictures


def dimmed(pictures: list[ByteArray], mean: float) -> list[ByteArray]:
    return [np.rint(picture * (mean / picture.mean())).astype(np.uint8) for picture in pictures]


def barred(pictures: list[ByteArray]) -> list[ByteArray]:
    """Upright pictures in the middle of wide black ones."""
    return [cv2.copyMakeBorder(picture, 0, 0, 94, 94, cv2.BORDER_CONSTANT) for picture in pictures]


def small_between(pictures: list[ByteArray]) -> list[ByteArray]:
    """One picture of three whole, the others half as large."""
    return [
        picture if index % 3 == 0 else cv2.resize(picture, None, fx=0.5, fy=0.5)
        for index, picture in enumerate(pictures)
    ]


def cuts(pictures: list[ByteArray], rate: float = 24) -> tuple[int, ...]:
    detector = ShotCutDetector()
    for index, picture in enumerate(pictures):
        detector.add(picture, index / rate)
    return detector.cuts()


LIGHTS = {
    "plain": lambda pictures: pictures,
    "dark": lambda pictures: dimmed(pictures, 10),
    "barred": barred,
    "small between": small_between,
    "dark and barred": lambda pictures: barred(dimmed(pictures, 10)),
}


@pytest.mark.parametrize("light", LIGHTS)
def test_cuts_are_found_in_any_light(light: str) -> None:
    pictures = [*shot(1, 15), *shot(2, 12), *shot(3, 9)]
    assert cuts(LIGHTS[light](pictures)) == (15, 27)


@pytest.mark.parametrize("light", LIGHTS)
def test_somebody_who_moves_is_no_cut(light: str) -> None:
    assert cuts(LIGHTS[light](shot(1, 40))) == ()


@pytest.mark.parametrize("rate", [24, 120])
def test_cuts_do_not_depend_on_the_frame_rate(rate: int) -> None:
    copies = rate // 24
    pictures = [picture for picture in [*shot(1, 15), *shot(2, 12)] for _ in range(copies)]
    assert cuts(pictures, rate) == (15 * copies,)


@pytest.mark.parametrize(("rate", "frames"), [(24, 1), (120, 1), (120, 8)])
def test_a_flash_is_no_cut(rate: int, frames: int) -> None:
    pictures = [picture for picture in shot(1, 20) for _ in range(rate // 24)]
    for index in range(30 * rate // 120, 30 * rate // 120 + frames):
        pictures[index] = np.clip(pictures[index].astype(int) + 140, 0, 255).astype(np.uint8)
    assert cuts(pictures, rate) == ()


def test_light_that_stays_and_a_picture_that_ends_the_clip_are_cuts() -> None:
    pictures = shot(1, 20)
    bright = [np.clip(picture.astype(int) + 140, 0, 255).astype(np.uint8) for picture in pictures[10:]]
    assert cuts([*pictures[:10], *bright]) == (10,)
    assert cuts([*pictures, room(9)]) == (20,)


def test_two_cuts_within_a_moment_are_both_found() -> None:
    assert cuts([*shot(1, 12), *shot(2, 2), *shot(3, 12)], rate=60) == (12, 14)


@pytest.mark.parametrize("size", [(8, 64), (64, 8), (1, 1)])
def test_any_shape_will_do(size: tuple[int, int]) -> None:
    first, second = (np.asarray(cv2.resize(room(seed), size)) for seed in (1, 2))
    assert cuts([first] * 5 + [second] * 5) in ((5,), ())


def test_all_black_is_one_shot() -> None:
    assert cuts([np.zeros((20, 30, 3), dtype=np.uint8)] * 6) == ()


@pytest.mark.parametrize("light", ["dark", "dark and barred"])
def test_dark_cuts_are_found_in_large_pictures(light: str) -> None:
    pictures = LIGHTS[light]([*shot(1, 8), *shot(2, 8)])
    large = [cv2.resize(picture, None, fx=7.3, fy=7.3, interpolation=cv2.INTER_CUBIC) for picture in pictures]
    assert cuts(large) == cuts(pictures) == (8,)


@pytest.mark.parametrize("size", [(1080, 1920), (1079, 1913), (576, 1024), (1920, 800), (64, 48), (30, 20), (257, 95)])
def test_thumbs_are_means_over_all_of_a_picture(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    # stripes as fine as the pixels, of which cells hold as many bright as dark ones but for one: nothing else may be
    # left of them
    picture = (
        cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC) // 2
        + np.arange(size[1], dtype=np.uint8)[:, None, None] % 2 * 100
    )
    exact = cv2.resize(picture.astype(np.float64), (THUMB_WIDTH, THUMB_HEIGHT), interpolation=cv2.INTER_AREA)
    difference = np.abs(_thumb(picture) - exact)
    assert difference.mean() < 2.5
    assert difference.max() < 10
