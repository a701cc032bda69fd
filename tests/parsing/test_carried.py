"""Bags that a parser took for cloth are told from it by their place and color."""

from __future__ import annotations

import numpy as np
import pytest

from motionwarp.parsing.carried import carried_things
from motionwarp.types import BoolArray, ByteArray

SIZE = (200, 160)
COAT, BAG = (190, 40, 50), (25, 25, 28)


def scene(bag: tuple[int, int, int], *, left: int) -> tuple[BoolArray, ByteArray, BoolArray, BoolArray]:
    """Return a garment with a bag, the picture, the body, and where the bag is; all of it is cloth to the parser."""
    noise = np.random.default_rng(0).integers(-6, 7, (*SIZE, 3))
    rgb = np.full((*SIZE, 3), 128, dtype=int)
    worn, body, thing = (np.zeros(SIZE, dtype=bool) for _ in range(3))
    worn[30:150, 50:100] = True
    body[20:190, 54:96] = True
    rgb[worn] = COAT
    thing[100:150, left : left + 40] = True
    rgb[thing] = bag
    return worn | thing, np.clip(rgb + noise, 0, 255).astype(np.uint8), body, thing


def test_a_bag_beside_the_body_is_found_whole() -> None:
    worn, rgb, body, bag = scene(BAG, left=90)
    found = carried_things(worn, rgb, body)
    assert found[bag].mean() > 0.98
    assert found[worn & ~bag].mean() < 0.1
    assert not found[~worn].any()


@pytest.mark.parametrize(("color", "left"), [(COAT, 90), ((215, 70, 70), 90), (BAG, 55)])
def test_flared_cloth_its_shades_and_what_lies_on_the_body_stay(color: tuple[int, int, int], left: int) -> None:
    worn, rgb, body, _ = scene(color, left=left)
    assert not carried_things(worn, rgb, body).any()


def test_nothing_is_looked_for_in_scraps_and_beside_bodies() -> None:
    worn, rgb, body, _ = scene(BAG, left=90)
    scrap = np.zeros_like(worn)
    scrap[30:40, 50:60] = True
    assert not carried_things(scrap, rgb, body).any()
    assert not carried_things(worn, rgb, np.zeros_like(body)).any()
