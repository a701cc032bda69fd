"""Light: dark pictures are lifted, bright ones stay, and what cannot be seen is told."""

from __future__ import annotations

import numpy as np
import pytest

from motionwarp.perception.exposure import lifted, light_fault
from motionwarp.types import ByteArray


def picture(level: float = 1.0) -> ByteArray:
    """A picture of many levels, `level` times as bright as a photo."""
    levels = np.random.default_rng(3).uniform(20, 235, (64, 48, 3))
    return np.rint(levels * level).astype(np.uint8)


def test_bright_pictures_stay_as_they_are() -> None:
    assert np.array_equal(lifted(picture()), picture())


@pytest.mark.parametrize("level", [0.04, 0.1, 0.3])
def test_dark_pictures_become_as_bright_as_others_and_keep_their_order(level: float) -> None:
    dark = picture(level)
    bright = lifted(dark)
    assert 180 <= np.percentile(bright, 99) <= 255
    assert np.median(bright) > 60
    order = np.argsort(dark.ravel(), kind="stable")
    assert (np.diff(bright.ravel()[order].astype(int)) >= 0).all()


def test_the_gray_outside_of_a_frame_stays_and_does_not_count() -> None:
    dark = picture(0.05)
    dark[:40] = 127
    bright = lifted(dark)
    assert (bright[:40] == 127).all()
    assert np.percentile(bright[40:], 99) > 180


def test_a_light_that_fades_does_not_make_the_picture_leap() -> None:
    means = [float(lifted(picture(level)).mean()) for level in np.linspace(1.0, 0.15, 60)]
    assert np.abs(np.diff(means)).max() < 8


def test_black_pictures_are_not_made_into_noise() -> None:
    noise = np.random.default_rng(0).integers(0, 2, (64, 48, 3), dtype=np.uint8)
    assert lifted(noise).max() <= 80
    assert not lifted(np.zeros((64, 48, 3), dtype=np.uint8)).any()
    assert (lifted(np.full((8, 8, 3), 127, dtype=np.uint8)) == 127).all()


def test_faults_of_light_are_told_where_the_person_is() -> None:
    points = np.ones((18, 3), dtype=np.float32)
    points[:, 0], points[:, 1] = np.linspace(5, 20, 18), np.linspace(5, 55, 18)
    rgb = picture()
    assert light_fault(rgb, points) is None
    rgb[:, 24:] = 255
    assert light_fault(rgb, points) is None
    rgb[:, :24] = 255
    assert light_fault(rgb, points) == "overexposed"
    rgb[:, :24] = 0
    assert light_fault(rgb, points) == "too dark"
    rgb[:] = 255
    rgb[20:28, 30:34] = 60
    points[:, :2] = (32, 24)
    assert light_fault(rgb, points) == "overexposed"
    rgb[:, 24:] = 60
    points[:, 0] += 500
    assert light_fault(rgb, points) is None
