"""Mattes and parsings of crops at the picture's resolution, and the guided filter against its definition."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionwarp.errors import InputError
from motionwarp.parsing import labels
from motionwarp.perception.matting import (
    MatteSettings,
    covered_in_frame,
    guided_filter,
    matte_in_frame,
    parsing_in_frame,
)
from motionwarp.types import FloatArray, Person, PersonCrop, Pose


def window(array: FloatArray, row: int, column: int, radius: int) -> FloatArray:
    padded = np.pad(array, [(radius, radius), (radius, radius)] + [(0, 0)] * (array.ndim - 2), mode="symmetric")
    part = padded[row : row + 2 * radius + 1, column : column + 2 * radius + 1]
    return part.reshape((2 * radius + 1) ** 2, *array.shape[2:]).astype(np.float64)


def guided_filter_by_definition(guide: FloatArray, values: FloatArray, radius: int, epsilon: float) -> FloatArray:
    """Fit every window by itself, then average the fits of the windows that hold a pixel."""
    height, width = values.shape
    fits = np.zeros((height, width, 4))
    for row in range(height):
        for column in range(width):
            colors, wanted = window(guide, row, column, radius), window(values, row, column, radius)
            centered = colors - colors.mean(axis=0)
            covariance = centered.T @ centered / len(centered) + epsilon * np.eye(3)
            slope = np.linalg.solve(covariance, centered.T @ (wanted - wanted.mean()) / len(centered))
            fits[row, column] = *slope, wanted.mean() - slope @ colors.mean(axis=0)
    result = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            mean = window(fits, row, column, radius).mean(axis=0)
            result[row, column] = mean[:3] @ guide[row, column] + mean[3]
    return result


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), radius=st.integers(1, 3), epsilon=st.sampled_from([1e-3, 1e-2, 0.3]))
def test_the_guided_filter_is_what_it_is_defined_as(seed, radius, epsilon) -> None:
    rng = np.random.default_rng(seed)
    guide = cv2.GaussianBlur(rng.random((14, 11, 3), dtype=np.float32), (0, 0), 0.8)
    values = rng.random((14, 11), dtype=np.float32)
    expected = guided_filter_by_definition(guide, values, radius, epsilon)
    np.testing.assert_allclose(guided_filter(guide, values, radius, epsilon), expected, atol=2e-4)


def test_over_a_flat_guide_the_filter_is_a_mean_of_means() -> None:
    values = np.random.default_rng(0).random((20, 20), dtype=np.float32)
    means = cv2.blur(cv2.blur(values, (5, 5), borderType=cv2.BORDER_REFLECT), (5, 5), borderType=cv2.BORDER_REFLECT)
    np.testing.assert_allclose(guided_filter(np.full((20, 20, 3), 0.4, np.float32), values, 2, 1e-3), means, atol=1e-5)


def test_arguments_that_do_not_fit() -> None:
    guide, values = np.zeros((4, 5, 3), np.float32), np.zeros((4, 5), np.float32)
    with pytest.raises(ValueError, match="does not fit"):
        guided_filter(guide, values.T, 1, 1e-3)
    for radius, epsilon in ((0, 1e-3), (1, 0.0)):
        with pytest.raises(ValueError, match="radius"):
            guided_filter(guide, values, radius, epsilon)


class Drawn:
    """A red person with blue legs before a green wall, as a picture, as the truth, and as a crop's coarse cells."""

    def __init__(
        self, height: int = 600, width: int = 500, blue_legs: bool = True, shift: tuple[float, float] = (0, 0)
    ) -> None:
        figure = np.zeros((height, width), dtype=np.uint8)
        x, y = 250 + round(shift[0]), 300 + round(shift[1])
        cv2.circle(figure, (x, y - 170), 50, 255, -1)
        cv2.ellipse(figure, (x, y), (90, 130), 0, 0, 360, 255, -1)
        cv2.rectangle(figure, (x - 60, y + 100), (x + 60, y + 220), 255, -1)
        self.truth = figure > 0
        rng = np.random.default_rng(3)
        rgb = np.full((height, width, 3), (60, 130, 70), dtype=np.int16)
        rgb[self.truth] = 180, 50, 40
        self.classes = np.where(self.truth, labels.UPPER_CLOTHES, labels.BACKGROUND).astype(np.uint8)
        legs = self.truth & (np.arange(height)[:, None] >= y + 100) & blue_legs
        rgb[legs] = 40, 50, 160
        self.classes[legs] = labels.PANTS
        self.rgb = np.clip(rgb + rng.normal(0, 3, rgb.shape), 0, 255).astype(np.uint8)
        self.crop = PersonCrop(70.3 + shift[0], 35.6 + shift[1], 2.1)
        # what the network gives: cells of two pixels of the crop, soft
        to_cells = np.array([[1, 0, 0.5], [0, 1, 0.5]]) * 2
        to_cells[:, 2] -= 0.5
        matrix = (np.vstack([self.crop.crop_to_frame(), [0, 0, 1]]) @ np.vstack([to_cells, [0, 0, 1]]))[:2]
        soft = cv2.GaussianBlur(self.truth.astype(np.float32), (0, 0), 3.0)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        matte = cv2.warpAffine(soft, matrix, (96, 128), flags=flags)
        parsing = cv2.warpAffine(self.classes, matrix, (96, 128), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
        self.person = Person(Pose(np.zeros((18, 3), dtype=np.float32)), self.crop, parsing, matte)


def overlap(first, second) -> float:
    return float((first & second).sum() / (first | second).sum())


def test_the_matte_follows_the_picture_to_the_pixel() -> None:
    drawn = Drawn()
    matte = matte_in_frame(drawn.rgb, drawn.person)
    assert matte.shape == drawn.truth.shape
    assert matte.dtype == np.float32
    assert matte.min() >= 0
    assert matte.max() <= 1
    assert overlap(matte >= 0.5, drawn.truth) > 0.99
    unfiltered = matte_in_frame(drawn.rgb, drawn.person, MatteSettings(radius_cells=0))
    error = np.abs(matte - drawn.truth).mean()
    assert error < 0.4 * np.abs(unfiltered - drawn.truth).mean()
    assert error < 0.006


@pytest.mark.parametrize("shift", [(-200, 0), (220, 250), (0, -250)])
def test_a_person_partly_outside_the_picture(shift: tuple[float, float]) -> None:
    drawn = Drawn(shift=shift)
    matte = matte_in_frame(drawn.rgb, drawn.person)
    assert overlap(matte >= 0.5, drawn.truth) > 0.97
    parsing = parsing_in_frame(drawn.rgb, drawn.person, matte)
    assert (parsing == drawn.classes).mean() > 0.98


@pytest.mark.parametrize("left", [-900.0, 700.0])
def test_a_crop_beside_the_picture_holds_nobody(left: float) -> None:
    drawn = Drawn()
    beside = replace(drawn.person, crop=replace(drawn.crop, left=left))
    assert not matte_in_frame(drawn.rgb, beside).any()
    assert not parsing_in_frame(drawn.rgb, beside).any()


def test_a_crop_finer_than_the_picture_is_brought_down() -> None:
    drawn = Drawn()
    small = cv2.resize(drawn.rgb, (100, 120), interpolation=cv2.INTER_AREA)
    crop = drawn.crop
    person = replace(drawn.person, crop=PersonCrop(crop.left / 5, crop.top / 5, crop.scale / 5))
    truth = cv2.resize(drawn.truth.astype(np.float32), (100, 120), interpolation=cv2.INTER_AREA)
    assert overlap(matte_in_frame(small, person) >= 0.5, truth >= 0.5) > 0.97


def test_the_parsing_is_cut_by_the_matte_and_fills_it() -> None:
    drawn = Drawn()
    matte = matte_in_frame(drawn.rgb, drawn.person)
    parsing = parsing_in_frame(drawn.rgb, drawn.person, matte)
    np.testing.assert_array_equal(parsing > 0, matte >= 0.5)
    assert (parsing == drawn.classes).mean() > 0.995
    assert set(np.unique(parsing)) == {0, labels.UPPER_CLOTHES, labels.PANTS}


def test_where_the_parsing_has_a_hole_the_nearest_class_is_taken() -> None:
    drawn = Drawn()
    holed = drawn.person.parsing.copy()
    holed[55:75, 40:55] = 0
    parsing = parsing_in_frame(drawn.rgb, replace(drawn.person, parsing=holed), drawn.truth.astype(np.float32))
    assert (parsing == drawn.classes).mean() > 0.995


def test_without_a_matte_the_parsings_own_outline_counts() -> None:
    drawn = Drawn()
    own_matte = parsing_in_frame(drawn.rgb, drawn.person)
    own_outline = parsing_in_frame(drawn.rgb, replace(drawn.person, matte=None))
    assert (own_matte == drawn.classes).mean() > 0.985
    assert (own_outline == drawn.classes).mean() > 0.985


def test_what_was_not_seen_is_asked_for() -> None:
    drawn = Drawn()
    with pytest.raises(InputError, match="dense=True"):
        matte_in_frame(drawn.rgb, replace(drawn.person, matte=None))
    with pytest.raises(InputError, match="dense=True"):
        parsing_in_frame(drawn.rgb, replace(drawn.person, parsing=None))


def test_what_is_half_seen_is_taken_out_of_the_picture_but_not_along() -> None:
    drawn = Drawn()
    assert drawn.person.matte is not None
    bag = slice(70, 90), slice(2, 16)  # cells, beside the person
    drawn.person.matte[bag] = 0.5
    to_frame = drawn.crop.crop_to_frame()
    x, y = (to_frame[:, :2] @ (2 * 9.0, 2 * 80.0) + to_frame[:, 2]).round().astype(int)  # its middle
    matte = matte_in_frame(drawn.rgb, drawn.person)
    covered = covered_in_frame(drawn.person, matte)
    assert matte[y, x] == 0
    assert covered[y, x] == pytest.approx(0.5, abs=0.05)
    assert (covered >= matte).all()
    np.testing.assert_array_equal(covered[:, 400:], matte[:, 400:])
    blind = replace(drawn.person, matte=None)
    assert covered_in_frame(blind, matte) is matte
