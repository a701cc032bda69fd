"""Brightness matched across seams: against a dense solution and a case that is known."""

from __future__ import annotations

import numpy as np
import pytest
from test_patch_fill import pavement

from motionwarp.inpainting.seams import seam_correction
from motionwarp.types import BoolArray, ByteArray


def square_hole(height: int, width: int, top: int, left: int, side: int) -> BoolArray:
    hole = np.zeros((height, width), dtype=np.bool_)
    hole[top : top + side, left : left + side] = True
    return hole


def test_a_copy_from_brighter_ground_becomes_as_bright_as_its_surroundings() -> None:
    ramp = np.broadcast_to((40 + 2 * np.arange(80))[None, :, None], (60, 80, 3)).astype(np.uint8)
    hole = square_hole(60, 80, 20, 15, 18)
    source = np.arange(hole.size).reshape(hole.shape)
    source[hole] += 15  # 30 levels too bright
    nothing = np.zeros(ramp.shape, dtype=np.float32)
    correction = seam_correction(ramp, hole, source, nothing, length=1e4, rounds=300)
    np.testing.assert_allclose(correction[hole], -30, atol=0.5)
    assert (correction[~hole] == 0).all()


def test_great_steps_are_edges_of_things_and_stay() -> None:
    picture = np.full((60, 80, 3), 30, dtype=np.uint8)
    picture[:, 45:] = 230
    hole = square_hole(60, 80, 20, 15, 18)
    source = np.arange(hole.size).reshape(hole.shape)
    source[hole] += 35
    nothing = np.zeros(picture.shape, dtype=np.float32)
    correction = seam_correction(picture, hole, source, nothing, length=1e4, rounds=300)
    assert np.abs(correction[hole]).max() < 15


@pytest.mark.parametrize("where", [(8, 9), (0, 0), (21, 20)])
def test_the_fit_is_the_least_squares_solution(where: tuple[int, int]) -> None:
    height, width, length = 30, 28, 6.0
    picture = (pavement(height, width) // 8 + 100).astype(np.uint8)  # no steps that are too great
    hole = square_hole(height, width, *where, side=7)
    hole[where[0] + 1 : where[0] + 3, where[1] : where[1] + 9][:, :8] = True
    rng = np.random.default_rng(0)
    source = np.arange(hole.size).reshape(hole.shape)
    source[hole] = rng.integers(1, height - 1, hole.sum()) * width + rng.integers(1, width - 1, hole.sum())
    nothing = np.zeros(picture.shape, dtype=np.float32)
    correction = seam_correction(picture, hole, source, nothing, length=length, rounds=500)
    np.testing.assert_allclose(correction, least_squares(picture, hole, source, length), atol=0.3)


def least_squares(
    picture: ByteArray, hole: BoolArray, source: np.ndarray[tuple[int, ...], np.dtype[np.int64]], length: float
) -> object:
    """The same by equations written down one after the other and solved densely."""
    height, width = hole.shape
    colors = picture.reshape(-1, 3).astype(float)
    unknown = {int(pixel): number for number, pixel in enumerate(np.flatnonzero(hole))}
    origin = source.ravel()
    equations, wanted = [], []
    for pixel in range(hole.size):
        for step, exists in ((1, pixel % width < width - 1), (width, pixel // width < height - 1)):
            near = pixel + step
            if not exists or not (pixel in unknown or near in unknown):
                continue
            gradients = []
            if pixel in unknown:
                gradients.append(colors[origin[pixel] + step] - colors[origin[pixel]])
            if near in unknown:
                gradients.append(colors[origin[near]] - colors[origin[near] - step])
            row = np.zeros(len(unknown))
            if near in unknown:
                row[unknown[near]] += 1
            if pixel in unknown:
                row[unknown[pixel]] -= 1
            equations.append(row)
            wanted.append(np.mean(gradients, axis=0) - (colors[origin[near]] - colors[origin[pixel]]))
    equations.extend(np.eye(len(unknown)) / length)
    wanted.extend(np.zeros((len(unknown), 3)))
    solution = np.zeros(picture.shape)
    solution[hole] = np.linalg.lstsq(np.array(equations), np.array(wanted), rcond=None)[0]
    return solution
