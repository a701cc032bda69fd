from __future__ import annotations

import numpy as np
import pytest

from motionwarp.parsing import labels
from motionwarp.parsing.refine import one_lower_garment
from motionwarp.pose import skeleton as sk
from motionwarp.types import Pose


def upright() -> Pose:
    points = np.zeros((18, 3), dtype=np.float32)
    points[[sk.NECK, sk.RIGHT_HIP, sk.LEFT_HIP]] = ((20, 10, 1), (16, 40, 1), (24, 40, 1))
    return Pose(points)


def dressed(upper: int, left: int, right: int) -> np.ndarray:
    """An upper body of one class, and a lower one whose two halves differ; the left half is the larger one."""
    parsing = np.zeros((100, 40), dtype=np.uint8)
    parsing[10:41, 10:30] = upper
    parsing[41:90, 10:24] = left
    parsing[41:90, 24:30] = right
    return parsing


@pytest.mark.parametrize(
    ("upper", "left", "right", "expected"),
    [
        (labels.UPPER_CLOTHES, labels.SKIRT, labels.PANTS, labels.SKIRT),
        (labels.UPPER_CLOTHES, labels.PANTS, labels.SKIRT, labels.PANTS),
        (labels.DRESS, labels.DRESS, labels.PANTS, labels.DRESS),
        (labels.UPPER_CLOTHES, labels.PANTS, labels.DRESS, labels.PANTS),
    ],
)
def test_the_larger_garment_takes_the_lower_body(upper: int, left: int, right: int, expected: int) -> None:
    settled = one_lower_garment(dressed(upper, left, right), upright())
    assert set(np.unique(settled[41:90, 10:30])) == {expected}
    assert set(np.unique(settled[10:40, 10:30])) == {upper}


def test_coats_and_bare_legs_stay() -> None:
    parsing = dressed(labels.COAT, labels.COAT, labels.LEFT_LEG)
    np.testing.assert_array_equal(one_lower_garment(parsing, upright()), parsing)
    over_trousers = dressed(labels.COAT, labels.COAT, labels.PANTS)
    np.testing.assert_array_equal(one_lower_garment(over_trousers, upright()), over_trousers)


def test_people_may_lie() -> None:
    turned = np.ascontiguousarray(np.rot90(dressed(labels.UPPER_CLOTHES, labels.SKIRT, labels.PANTS)))
    points = upright().points.copy()
    points[:, :2] = np.stack([points[:, 1], 39 - points[:, 0]], axis=1)
    assert labels.PANTS not in one_lower_garment(turned, Pose(points))


def test_without_hips_nothing_is_settled() -> None:
    parsing = dressed(labels.UPPER_CLOTHES, labels.SKIRT, labels.PANTS)
    np.testing.assert_array_equal(one_lower_garment(parsing, Pose(np.zeros((18, 3), np.float32))), parsing)
