"""What is an upper and what a lower garment, dresses included."""

from __future__ import annotations

import numpy as np
from flat_people import standing_points

from motionwarp.parsing import labels
from motionwarp.parsing.garments import GARMENT_CLASSES, below_waist, divided_at_waist, limbs_by_color, long_skirts

SIZE = (256, 192)


def test_choices_are_apart_and_all_is_both() -> None:
    assert not set(GARMENT_CLASSES["upper"]) & set(GARMENT_CLASSES["lower"])
    assert set(GARMENT_CLASSES["all"]) == set(GARMENT_CLASSES["upper"]) | set(GARMENT_CLASSES["lower"])


def test_a_dress_is_divided_at_the_waist() -> None:
    points = standing_points()
    for whole, below in ((labels.DRESS, labels.SKIRT), (labels.JUMPSUITS, labels.PANTS)):
        parsing = np.full(SIZE, whole, dtype=np.uint8)
        divided = divided_at_waist(parsing, points)
        # neck at 62, hips at 125: the waist is 0.2 of that above the hips
        assert (divided[:111] == labels.UPPER_CLOTHES).all()
        assert (divided[114:] == below).all()
        assert (parsing == whole).all()


def test_without_hips_a_dress_is_an_upper_garment() -> None:
    points = standing_points()
    points[[8, 11], 2] = 0
    parsing = np.full(SIZE, labels.DRESS, dtype=np.uint8)
    assert (divided_at_waist(parsing, points) == labels.UPPER_CLOTHES).all()
    assert not below_waist(SIZE, points).any()


def test_other_classes_stay() -> None:
    parsing = np.random.default_rng(0).integers(0, 20, SIZE).astype(np.uint8)
    divided = divided_at_waist(parsing, standing_points())
    others = ~np.isin(parsing, (labels.DRESS, labels.JUMPSUITS))
    assert (divided[others] == parsing[others]).all()


def test_legs_in_the_color_of_trousers_are_trousers() -> None:
    rgb = np.full((*SIZE, 3), 128, dtype=np.uint8)
    parsing = np.zeros(SIZE, dtype=np.uint8)
    for rows, kind, color in (
        (slice(10, 40), labels.FACE, (225, 170, 140)),
        (slice(100, 160), labels.PANTS, (20, 30, 90)),
        (slice(160, 200), labels.LEFT_LEG, (22, 33, 95)),
        (slice(200, 240), labels.RIGHT_LEG, (220, 168, 138)),
    ):
        parsing[rows, 60:120], rgb[rows, 60:120] = kind, color
    found = limbs_by_color(parsing, rgb)
    assert (found[165:195, 60:120] == labels.PANTS).all()
    assert (found[215:240, 60:120] == labels.RIGHT_LEG).all()
    parsing[10:40] = 0
    assert (limbs_by_color(parsing, rgb) == parsing).all()


def test_shins_in_lighter_shades_of_the_trousers_are_trousers_without_shreds() -> None:
    rng = np.random.default_rng(0)
    rgb = np.full((*SIZE, 3), 128, dtype=np.uint8)
    parsing = np.zeros(SIZE, dtype=np.uint8)
    for rows, kind, color in (
        (slice(10, 40), labels.FACE, (160, 125, 110)),
        (slice(100, 180), labels.PANTS, (205, 105, 45)),
        (slice(180, 240), labels.LEFT_LEG, (235, 135, 60)),
    ):
        parsing[rows, 60:120] = kind
        rgb[rows, 60:120] = np.clip(np.array(color) + rng.integers(-25, 26, (1, 60, 1)), 0, 255)
    found = limbs_by_color(parsing, rgb)
    assert (found[190:235, 65:115] == labels.PANTS).all()


def standing_parsing(bottom: int, gap: int) -> tuple[np.ndarray, np.ndarray]:
    points = standing_points()
    parsing = np.zeros(SIZE, dtype=np.uint8)
    middle = round(float(points[[8, 11], 0].mean()))
    parsing[115:bottom, middle - 25 : middle + 25] = labels.PANTS
    if gap:
        parsing[150:bottom, middle - gap // 2 : middle + gap - gap // 2] = 0
    return parsing, points


def test_long_trousers_that_fill_all_between_the_legs_are_a_skirt() -> None:
    knees = float(standing_points()[[9, 12], 1].max())
    parsing, points = standing_parsing(round(knees) + 25, gap=0)
    found = long_skirts(parsing, points)
    assert (found[parsing == labels.PANTS] == labels.SKIRT).all()
    # two legs, shorts, and knees that nobody sees change nothing
    for bottom, gap in ((round(knees) + 25, 6), (round(knees) - 5, 0)):
        other, _ = standing_parsing(bottom, gap)
        assert (long_skirts(other, points) == other).all()
    points[[9, 12], 2] = 0
    assert (long_skirts(parsing, points) == parsing).all()
