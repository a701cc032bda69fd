from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from motionwarp.media.orientation import UPRIGHT, Orientation, orientation_from_display_matrix, orientation_from_exif


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 1), (3, 5, 3), (3, 5, 4)])
def test_exif_orientations_equal_pillows(value: int, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(value).integers(0, 256, shape).astype(np.uint8)
    orientation = orientation_from_exif(value)
    upright = orientation.upright(pixels)
    channels = pixels.reshape(3, 5, -1)
    expected = []
    for channel in np.moveaxis(channels, 2, 0):
        image = Image.fromarray(channel)
        image.getexif()[0x0112] = value
        expected.append(np.asarray(ImageOps.exif_transpose(image)))
    np.testing.assert_array_equal(upright.reshape(*upright.shape[:2], -1), np.stack(expected, axis=2))
    assert upright.ndim == pixels.ndim
    assert orientation.swaps_sides == (upright.shape[0] == 5)


@pytest.mark.parametrize("value", [0, 9, 4711])
def test_reserved_exif_values_mean_upright(value: int) -> None:
    assert orientation_from_exif(value) == UPRIGHT


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_display_matrix_moves_points_as_the_orientation_moves_pixels(turns: int, mirrored: bool) -> None:
    # a matrix made from its definition: where the stored x and y axes point when seen, y down
    x_axis = [(1, 0), (0, 1), (-1, 0), (0, -1)][turns]
    y_axis = [(0, 1), (-1, 0), (0, -1), (1, 0)][turns]
    if mirrored:
        x_axis = (-x_axis[0], -x_axis[1])
    one = 1 << 16
    matrix = [x_axis[0] * one, x_axis[1] * one, 0, y_axis[0] * one, y_axis[1] * one, 0, 0, 0, 1 << 30]
    orientation = orientation_from_display_matrix(matrix)
    assert orientation == Orientation(turns, mirrored)

    stored = np.arange(12, dtype=np.uint8).reshape(3, 4)
    seen = orientation.upright(stored)
    linear = np.array([[x_axis[0], y_axis[0]], [x_axis[1], y_axis[1]]])
    for q in range(3):
        for p in range(4):
            moved = linear @ [p, q]
            corner = np.minimum(0, linear @ [3, 0]) + np.minimum(0, linear @ [0, 2])
            x, y = moved - corner
            assert seen[y, x] == stored[q, p]


def test_degenerate_display_matrix_means_upright() -> None:
    assert orientation_from_display_matrix([0] * 9) == UPRIGHT


def test_orientation_refuses_other_turns() -> None:
    with pytest.raises(ValueError, match="quarter turns"):
        Orientation(4)
