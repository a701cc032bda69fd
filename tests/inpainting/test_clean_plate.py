"""The person taken out of a picture: what is filled, how, and by whom it is asked for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from test_patch_fill import PERIODIC, pavement

from motionwarp.inpainting import clean_plate as inpainting
from motionwarp.inpainting.clean_plate import clean_plate, hole_of
from motionwarp.types import FloatArray


def figure(height: int = 220, width: int = 170) -> FloatArray:
    """A plain upright person, 30 wide."""
    coverage = np.zeros((height, width), dtype=np.float32)
    coverage[height // 5 : 4 * height // 5, width // 2 - 15 : width // 2 + 15] = 1
    return coverage


@pytest.mark.parametrize("fill", ["patches", "smooth"])
def test_the_person_goes_and_the_rest_stays(fill: inpainting.Fill) -> None:
    coverage, behind = figure(), pavement(220, 170)
    picture = np.where(coverage[..., None] > 0, np.uint8([250, 20, 20]), behind)
    plate = clean_plate(picture, coverage, fill=fill)
    redness = plate.astype(int)[..., 0] - plate.astype(int)[..., 1]
    assert redness.max() < 80
    far = cv2.dilate(hole_of(coverage), np.ones((9, 9), np.uint8)) == 0
    np.testing.assert_array_equal(plate[far], picture[far])
    np.testing.assert_array_equal(plate, clean_plate(picture, coverage, fill=fill))


def test_patches_touch_nothing_outside_of_the_hole() -> None:
    picture, coverage = pavement(220, 170), figure()
    known = hole_of(coverage) == 0
    np.testing.assert_array_equal(clean_plate(picture, coverage)[known], picture[known])


def test_patches_continue_what_the_smooth_fill_blurs() -> None:
    truth, coverage = PERIODIC["checks"], figure()
    picture = np.where(coverage[..., None] > 0, np.uint8([250, 20, 20]), truth)
    hole = hole_of(coverage) > 0
    errors = {
        fill: np.abs(clean_plate(picture, coverage, fill=fill).astype(float) - truth)[hole].mean()
        for fill in ("patches", "smooth")
    }
    assert errors["patches"] < 0.2 * errors["smooth"]


def test_the_hole_has_a_margin_that_is_wider_at_the_feet() -> None:
    coverage = figure(1000, 600)
    hole = hole_of(coverage) > 0
    margins = [int(hole[row].sum() - 30) / 2 for row in (500, 790)]
    assert margins[0] == pytest.approx(12, abs=1)
    assert margins[1] == pytest.approx(30, abs=1)
    rows = np.flatnonzero(hole.any(axis=1))
    assert rows[0] == pytest.approx(200 - 12, abs=1)
    assert rows[-1] == pytest.approx(799 + 30, abs=1)


def test_small_pieces_within_the_hole_are_filled_and_large_ones_kept() -> None:
    coverage = np.zeros((400, 300), dtype=np.float32)
    coverage[50:300, 80:220] = 1
    coverage[100:118, 100:118] = 0  # 8x8 of it is left after the margin
    coverage[150:200, 100:180] = 0
    hole = hole_of(coverage) > 0
    assert hole[90:130, 90:130].all()
    assert not hole[165:185, 115:165].any()


@pytest.mark.parametrize("shape", [(1, 1), (5, 4), (40, 31), (91, 160)])
def test_nobody_and_nothing_but_a_person(shape: tuple[int, int]) -> None:
    picture = pavement(*shape)
    nobody = clean_plate(picture, np.zeros(shape, dtype=np.float32))
    np.testing.assert_array_equal(nobody, picture)
    assert nobody is not picture
    only = clean_plate(picture, np.ones(shape, dtype=np.float32))
    assert (only == only[0, 0]).all()
