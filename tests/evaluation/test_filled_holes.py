"""Filled holes against the truth, and where another one's shape is cut out."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from motionwarp.evaluation.filled_holes import coverage_beside, fill_figures
from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.types import BoolArray, ByteArray


def picture(seed: int = 0) -> ByteArray:
    return np.random.default_rng(seed).integers(0, 255, (90, 80, 3), dtype=np.uint8)


def middle() -> BoolArray:
    hole = np.zeros((90, 80), dtype=np.bool_)
    hole[20:70, 25:55] = True
    return hole


def test_figures_are_those_of_the_hole_alone() -> None:
    truth, hole = picture(), middle()
    filled = truth.copy()
    filled[hole] = picture(1)[hole]
    figures = fill_figures(filled, truth, hole)
    error = np.mean((filled[hole].astype(float) - truth[hole]) ** 2)
    assert figures.psnr == pytest.approx(10 * np.log10(255**2 / error), abs=1e-3)
    _, similar = structural_similarity(
        truth, filled, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    assert figures.ssim == pytest.approx(similar.mean(axis=2)[hole].mean(), abs=1e-4)
    assert figures.detail == pytest.approx(1, abs=0.1)
    flat = np.where(hole[..., None], np.uint8(120), truth)
    assert fill_figures(flat, truth, hole).detail < 0.15


def test_what_lies_outside_does_not_count() -> None:
    truth = picture()
    filled = np.where(middle()[..., None], truth, np.uint8(0))
    assert fill_figures(filled, truth, middle()).psnr == 100


def test_holes_too_small_and_foreign_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        fill_figures(picture(), picture(), np.zeros((90, 80), dtype=np.bool_))
    with pytest.raises(ValueError, match="do not fit"):
        fill_figures(picture(), picture()[1:], middle())


def test_another_one_s_shape_stands_where_there_is_room() -> None:
    own = np.zeros((200, 160), dtype=np.float32)
    own[30:180, 20:60] = 1
    other = np.zeros((80, 50), dtype=np.float32)
    other[5:75, 10:30] = 1
    placed = coverage_beside(own, other)
    assert placed is not None
    rows, columns = np.flatnonzero(placed.any(axis=1)), np.flatnonzero(placed.any(axis=0))
    assert columns[0] > 60
    assert columns[-1] < 160
    assert rows[0] >= 0
    assert rows[0] + rows[-1] == pytest.approx(30 + 179, abs=2)
    assert clean_plate(np.full((200, 160, 3), 90, np.uint8), placed, fill="smooth").shape == (200, 160, 3)


def test_nobody_stands_where_there_is_none() -> None:
    full = np.ones((200, 160), dtype=np.float32)
    assert coverage_beside(full, full) is None
    assert coverage_beside(np.zeros_like(full), full) is None
