"""What is half covered beside a person goes; outlines, limbs and people of whom nothing is sure stay."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from motionwarp.perception.matte_cleanup import clean_up_matte, decide_areas
from motionwarp.pose import skeleton as sk
from motionwarp.types import FloatArray, PersonCrop, Pose

CROP = PersonCrop(30.0, 20.0, 1.5)  # cells of the matte are three pixels of the frame
CELLS = 128, 96
NOBODY = Pose(np.zeros((18, 3), np.float32))


def body(alpha: float = 1.0) -> FloatArray:
    """A soft-edged figure."""
    figure = np.zeros(CELLS, np.float32)
    cv2.ellipse(figure, (48, 60), (14, 40), 0, 0, 360, alpha, -1)
    return np.asarray(cv2.GaussianBlur(figure, (0, 0), 1.2), dtype=np.float32)


def veiled(matte: FloatArray, alpha: float, rows: slice, columns: slice) -> FloatArray:
    changed = matte.copy()
    changed[rows, columns] = np.maximum(changed[rows, columns], alpha)
    return changed


def at_cells(**places: tuple[float, float]) -> Pose:
    """A pose with points at cells of the matte."""
    points = np.zeros((18, 3), np.float32)
    for name, (x, y) in places.items():
        points[sk.POINT_NAMES.index(name)] = (3 * (x + 0.5) + CROP.left - 0.5, 3 * (y + 0.5) + CROP.top - 0.5, 1)
    return Pose(points)


def test_an_outline_stays() -> None:
    matte = body()
    assert np.abs(clean_up_matte(matte, NOBODY, CROP) - matte).max() < 0.06


@pytest.mark.parametrize("alpha", [0.2, 0.55])
def test_a_veil_beside_the_person_goes(alpha: float) -> None:
    hazy = veiled(body(), alpha, slice(40, 90), slice(61, 85))
    cleared = clean_up_matte(hazy, NOBODY, CROP)
    assert cleared[40:90, 68:85].max() == 0
    np.testing.assert_array_equal(cleared[40:90, 44:53], hazy[40:90, 44:53])


def test_a_small_thing_apart_goes_and_a_large_one_stays() -> None:
    matte = veiled(body(), 0.9, slice(10, 16), slice(5, 12))
    assert clean_up_matte(matte, NOBODY, CROP)[10:16, 5:12].max() == 0
    halves = veiled(body(), 0.9, slice(5, 100), slice(2, 12))  # somebody cut in two by a lamp post, say
    np.testing.assert_array_equal(clean_up_matte(halves, NOBODY, CROP)[5:100, 2:12], halves[5:100, 2:12])


def test_a_faint_arm_stays_where_its_bones_are() -> None:
    hazy = veiled(body(), 0.4, slice(40, 48), slice(60, 90))
    arm = at_cells(
        neck=(48, 30),
        left_shoulder=(60, 44),
        left_elbow=(75, 44),
        left_wrist=(89, 44),
        left_hip=(55, 70),
        right_hip=(41, 70),
    )
    assert clean_up_matte(hazy, NOBODY, CROP)[44, 70:85].max() == 0
    np.testing.assert_array_equal(clean_up_matte(hazy, arm, CROP)[42:46, 62:88], hazy[42:46, 62:88])
    far = at_cells(neck=(48, 30), left_shoulder=(1e7, 44))
    assert np.isfinite(clean_up_matte(hazy, far, CROP)).all()


def test_where_nothing_is_sure_all_stays() -> None:
    faint = body(0.5)
    np.testing.assert_array_equal(clean_up_matte(faint, NOBODY, CROP), faint)
    nothing = np.zeros(CELLS, np.float32)
    np.testing.assert_array_equal(clean_up_matte(nothing, NOBODY, CROP), nothing)


def test_what_is_half_covered_over_an_area_is_decided_and_outlines_stay_soft() -> None:
    matte = np.zeros((40, 60), dtype=np.float32)
    matte[5:35, 10:20] = 1
    matte[5:35, 20:40] = 0.75  # a bag
    matte[5:35, 40:50] = 0.2  # its shadow
    decided = decide_areas(matte)
    assert decided[8:32, 22:38].min() == 1
    assert decided[8:32, 42:48].max() == 0
    outline = np.tile(np.clip((np.arange(60, dtype=np.float32) - 28) / 3, 0, 1), (40, 1))
    assert np.abs(decide_areas(outline) - outline).max() < 0.2
    np.testing.assert_array_equal(decide_areas(np.zeros_like(matte)), 0)
