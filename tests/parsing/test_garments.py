"""What is an upper and what a lower garment, dresses included."""

from __future__ import annotations

import numpy as np
from flat_people import standing_points

from motionwarp.parsing import labels
from motionwarp.parsing.garments import GARMENT_CLASSES, below_waist, divided_at_waist, limbs_by_color

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
