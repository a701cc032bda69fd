"""Colors for classes, overlays and legends, and the tables of classes that they rest on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionwarp.errors import OptionError
from motionwarp.parsing import labels
from motionwarp.parsing.drawing import IGNORE_COLOR, LEGEND_ROW, PALETTE, colorize, legend, overlay


def random_parsing(seed: int, height: int = 12, width: int = 17) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, labels.CLASS_COUNT, (height, width), dtype=np.uint8)


def blocks() -> np.ndarray:
    """Background at the left, a coat in the middle, pants at the right."""
    parsing = np.zeros((20, 30), dtype=np.uint8)
    parsing[:, 10:20] = labels.COAT
    parsing[:, 20:] = labels.PANTS
    return parsing


def test_every_class_has_its_own_color() -> None:
    colors = {tuple(color) for color in PALETTE.tolist()} | {IGNORE_COLOR}
    assert len(colors) == labels.CLASS_COUNT + 1
    apart = np.linalg.norm(PALETTE[:, None].astype(float) - PALETTE[None], axis=-1)
    assert apart[~np.eye(labels.CLASS_COUNT, dtype=bool)].min() > 30


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999))
def test_colors_tell_the_classes(seed: int) -> None:
    parsing = random_parsing(seed)
    parsing[0, 0] = labels.IGNORE
    colors = colorize(parsing)
    assert colors.shape == (*parsing.shape, 3)
    np.testing.assert_array_equal(colors[0, 0], IGNORE_COLOR)
    again = (colors[..., None, :] == PALETTE).all(axis=-1).argmax(axis=-1)
    np.testing.assert_array_equal(again.ravel()[1:], parsing.ravel()[1:])


@pytest.mark.parametrize(
    "parsing",
    [
        np.full((4, 4), 20, np.uint8),
        np.full((4, 4), 254, np.uint8),
        np.zeros((4, 4), np.int64),
        np.zeros((4, 4, 1), np.uint8),
    ],
)
def test_what_is_no_parsing_is_refused(parsing: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a parsing"):
        colorize(parsing)


def test_an_overlay_mixes_inside_and_leaves_the_background() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    mixed = overlay(rgb, blocks(), 0.4)
    np.testing.assert_array_equal(mixed[:, :10], rgb[:, :10])
    for inside, label in ((slice(12, 18), labels.COAT), (slice(22, 30), labels.PANTS)):
        expected = 0.6 * rgb[:, inside] + 0.4 * PALETTE[label]
        assert np.abs(mixed[:, inside] - expected).max() <= 0.51


def test_edges_between_classes_stand_out() -> None:
    rgb = np.full((20, 30, 3), 255, dtype=np.uint8)
    mixed = overlay(rgb, blocks(), 0.4)
    for column, label in ((10, labels.COAT), (19, labels.COAT), (20, labels.PANTS)):
        expected = 0.4 * rgb[:, column] + 0.6 * PALETTE[label]
        assert np.abs(mixed[:, column] - expected).max() <= 0.51


def test_the_ends_of_opacity() -> None:
    rgb = np.full((20, 30, 3), 77, dtype=np.uint8)
    np.testing.assert_array_equal(overlay(rgb, blocks(), 0.0), rgb)
    np.testing.assert_array_equal(overlay(rgb, blocks(), 1.0)[:, 10:], colorize(blocks())[:, 10:])


@pytest.mark.parametrize("opacity", [-0.1, 1.1, float("nan")])
def test_other_opacities_are_refused(opacity: float) -> None:
    with pytest.raises(OptionError, match="is not an opacity"):
        overlay(np.zeros((20, 30, 3), np.uint8), blocks(), opacity)


def test_sizes_must_agree() -> None:
    with pytest.raises(ValueError, match="of the parsing's size"):
        overlay(np.zeros((30, 20, 3), np.uint8), blocks())
    with pytest.raises(ValueError, match="of the parsing's size"):
        overlay(np.zeros((20, 30, 3), np.float32), blocks())  # type: ignore[arg-type]


def test_the_legend_has_a_row_for_each_class() -> None:
    assert legend().shape[0] == labels.CLASS_COUNT * LEGEND_ROW
    picture = legend(blocks())
    assert picture.shape[0] == 3 * LEGEND_ROW
    for row, label in enumerate((labels.BACKGROUND, labels.COAT, labels.PANTS)):
        np.testing.assert_array_equal(picture[row * LEGEND_ROW + LEGEND_ROW // 2, LEGEND_ROW // 2], PALETTE[label])
    # something is written beside each color, and within the picture
    for row in range(3):
        text = picture[row * LEGEND_ROW : (row + 1) * LEGEND_ROW, LEGEND_ROW:]
        assert (text < 200).any()
    assert (legend()[:, -2:] == 255).all()


def test_mirroring_twice_is_nothing() -> None:
    parsing = random_parsing(3)
    parsing[2, 3] = labels.IGNORE
    np.testing.assert_array_equal(labels.mirrored(labels.mirrored(parsing)), parsing)
    arm = np.array([[labels.LEFT_ARM, labels.COAT, labels.BACKGROUND]], dtype=np.uint8)
    np.testing.assert_array_equal(labels.mirrored(arm), [[labels.BACKGROUND, labels.COAT, labels.RIGHT_ARM]])


def test_mirror_pairs_are_the_left_and_right_of_one_name() -> None:
    for index, other in enumerate(labels.MIRROR):
        swapped = labels.LIP_NAMES[index].replace("left", "?").replace("right", "left").replace("?", "right")
        assert labels.LIP_NAMES[other] == swapped


def test_every_class_has_exactly_one_group() -> None:
    members = [label for group in labels.GROUPS.values() for label in group]
    assert sorted(members) == list(range(labels.CLASS_COUNT))
    groups = labels.to_groups(
        np.array([[labels.FACE, labels.PANTS, labels.COAT, labels.BACKGROUND, labels.IGNORE]], dtype=np.uint8)
    )
    named = [labels.GROUP_NAMES[index] for index in groups[0, :4]]
    assert named == ["head", "lower_clothes", "upper_clothes", "background"]
    assert groups[0, 4] == labels.IGNORE
