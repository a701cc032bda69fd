"""Holes covered with pieces of texture: patterns go on, nothing blurs, odd inputs do no harm."""

from __future__ import annotations

import numpy as np
import pytest

from motionwarp.inpainting.quilting import quilted
from motionwarp.types import BoolArray, FloatArray

SHAPE = (120, 130)
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]]
PATTERNS = {
    "upright stripes": (COLUMNS // 4) % 2 * 40.0 - 20,
    "level stripes": (ROWS // 4) % 2 * 40.0 - 20,
    "checks": (COLUMNS // 5 + ROWS // 5) % 2 * 40.0 - 20,
}


def colored(plane: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> FloatArray:
    return np.repeat(plane[..., None], 3, axis=2).astype(np.float32)


def middle() -> BoolArray:
    hole = np.zeros(SHAPE, dtype=bool)
    hole[10:110, 45:85] = True
    return hole


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_goes_on(name: str) -> None:
    truth, hole = colored(PATTERNS[name]), middle()
    filled = quilted(np.where(hole[..., None], np.float32(99), truth), ~hole, hole, 20)
    np.testing.assert_array_equal(filled[~hole], truth[~hole])
    assert np.abs(filled - truth)[hole].mean() < 2.0


def test_noise_stays_as_strong_as_it_is() -> None:
    noise, hole = np.random.default_rng(0).normal(0, 20, (*SHAPE, 3)).astype(np.float32), middle()
    filled = quilted(noise, ~hole, hole, 20)
    assert filled[hole].std() == pytest.approx(20, rel=0.15)
    # not one piece again and again
    one, other = filled[20:40, 50:70], filled[60:80, 50:70]
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.5


def test_only_what_is_known_is_laid() -> None:
    hole = middle()
    known = ~hole & (COLUMNS > 90)
    texture = colored(np.where(known, 7.0, -80.0))
    filled = quilted(texture, known, hole, 16)
    np.testing.assert_allclose(filled[hole], 7, atol=1e-4)
    np.testing.assert_array_equal(filled[~hole & ~known], 0)


@pytest.mark.parametrize("side", [20, 200])
def test_without_a_whole_piece_nothing_is_laid(side: int) -> None:
    hole = middle()
    known = ~hole & (COLUMNS % 8 == 0)
    filled = quilted(colored(np.full(SHAPE, 5.0)), known, hole, side)
    np.testing.assert_array_equal(filled[~known], 0)
    np.testing.assert_array_equal(filled[known], 5)
    nothing = np.zeros(SHAPE, dtype=bool)
    np.testing.assert_array_equal(quilted(colored(np.full(SHAPE, 5.0)), ~nothing, nothing, 20), 5)
