from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from motionwarp.data.pack import LabeledPicture
from motionwarp.parsing import labels
from motionwarp.pose import skeleton
from motionwarp.training.analyzer.augment import AugmentSettings, training_crop

PLAIN = AugmentSettings(
    knee=0, waist=0, small=0, turn=0, turn_far=0, turn_any=0, background=1, companion=0, occluder=0, empty=0
)
COLORS = {skeleton.RIGHT_WRIST: (255, 0, 0), skeleton.LEFT_WRIST: (0, 0, 255), skeleton.NOSE: (0, 255, 0)}


def dotted(name: str = "dotted") -> LabeledPicture:
    """A picture in which some points are discs of their own color and the arms have their classes."""
    rgb = np.full((300, 200, 3), 128, dtype=np.uint8)
    matte = np.zeros((300, 200), dtype=np.uint8)
    cv2.ellipse(matte, (100, 150), (60, 130), 0, 0, 360, 255, -1)
    parsing = np.where(matte > 0, labels.UPPER_CLOTHES, labels.BACKGROUND).astype(np.uint8)
    points = np.zeros((18, 3), dtype=np.float32)
    points[:, :2] = np.linspace((90, 60), (110, 260), 18)
    points[[10, 13], 1] = 265
    points[[9, 12], 1] = 220
    points[[8, 11], 1] = 160
    points[:, 2] = 1
    places = {skeleton.RIGHT_WRIST: (60, 150), skeleton.LEFT_WRIST: (140, 150), skeleton.NOSE: (100, 40)}
    for index, position in places.items():
        points[index, :2] = position
        cv2.circle(rgb, position, 9, COLORS[index], -1)
    cv2.circle(parsing, (60, 150), 9, labels.RIGHT_ARM, -1)
    cv2.circle(parsing, (140, 150), 9, labels.LEFT_ARM, -1)
    return LabeledPicture(rgb, matte, parsing, points, name)


BACKDROP = np.full((50, 50, 3), 30, dtype=np.uint8)


@pytest.mark.parametrize("settings", [PLAIN, replace(PLAIN, turn_any=1.0), replace(PLAIN, small=1.0)])
@pytest.mark.parametrize("seed", range(6))
def test_labels_move_with_the_pixels_and_sides_swap_in_the_mirror(settings: AugmentSettings, seed: int) -> None:
    crop = training_crop(dotted, BACKDROP, np.random.default_rng(seed), settings)
    for index, lip_class in ((skeleton.RIGHT_WRIST, labels.RIGHT_ARM), (skeleton.LEFT_WRIST, labels.LEFT_ARM)):
        x, y, score = crop.points[index]
        assert score == 1
        assert crop.parsing[round(y), round(x)] == lip_class
        assert crop.matte[round(y), round(x)] > 200
    # the person's right stays on the same side of the person: mirrored pictures swap the names, not the places
    nose, right, left = (crop.points[i, :2] for i in (skeleton.NOSE, skeleton.RIGHT_WRIST, skeleton.LEFT_WRIST))
    (ax, ay), (bx, by) = right - nose, left - nose
    assert ax * by - ay * bx < 0


def test_cutting_at_the_waist_makes_legs_absent() -> None:
    settings = replace(PLAIN, waist=1.0, cut_picture=1.0)
    seen = [training_crop(dotted, BACKDROP, np.random.default_rng(seed), settings).points for seed in range(10)]
    assert np.mean([points[skeleton.LEFT_ANKLE, 2] for points in seen]) == 0
    assert all(points[skeleton.NOSE, 2] == 1 for points in seen)


def test_an_empty_crop_has_no_labels() -> None:
    crop = training_crop(dotted, BACKDROP, np.random.default_rng(0), replace(PLAIN, empty=1.0))
    assert not crop.points.any()
    assert not crop.matte.any()
    assert not crop.parsing.any()


def test_what_covers_the_person_is_background() -> None:
    settings = replace(PLAIN, occluder=1.0)
    plain = [training_crop(dotted, BACKDROP, np.random.default_rng(seed), PLAIN).matte for seed in range(12)]
    covered = [training_crop(dotted, BACKDROP, np.random.default_rng(seed), settings).matte for seed in range(12)]
    assert np.sum(covered) < 0.99 * np.sum(plain)


def test_a_crop_is_a_function_of_its_seed() -> None:
    settings = AugmentSettings()
    first, second, other = (
        training_crop(dotted, BACKDROP, np.random.default_rng(seed), settings) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first.rgb, second.rgb)
    np.testing.assert_array_equal(first.points, second.points)
    assert not np.array_equal(first.rgb, other.rgb)
