"""Legs beneath a skirt are as broad as legs and have their own color; the skirt's rims are the skirt's."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from drawn_figure import drawn_person

from motionwarp.avatar.legs_beneath import with_legs_beneath
from motionwarp.avatar.regions import joints_at, person_regions
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.types import BoolArray, ByteArray, SourcePerson

TORSO = 78.0
LEGS = (parts.RIGHT_THIGH, parts.RIGHT_SHIN, parts.LEFT_THIGH, parts.LEFT_SHIN)


def in_a_skirt(hem: int, rim: int = 0) -> SourcePerson:
    """The drawn person in a wide skirt down to a row, around which so many pixels have no class."""
    person = drawn_person()
    parsing, matte = person.parsing.copy(), person.matte.copy()
    for grown, label in ((rim, int(labels.BACKGROUND)), (0, int(labels.SKIRT))):
        corners = np.array([(94 - grown, 150), (146 + grown, 150), (166 + grown, hem), (74 - grown, hem)], np.int32)
        cv2.fillConvexPoly(parsing, corners, label)
        cv2.fillConvexPoly(matte, corners, 1.0)
    return replace(person, parsing=parsing, matte=matte)


def before_and_after(source: SourcePerson) -> tuple[PartRegions, PartRegions, ByteArray]:
    """Return regions, what becomes of them, and the classes at their resolution."""
    regions = person_regions(source, TORSO)
    shape = regions.own.shape[1:]
    parsing = np.asarray(cv2.resize(source.parsing, shape[::-1], interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    return regions, with_legs_beneath(regions, joints_at(source, shape), parsing), parsing


def hem_below_knees(source: SourcePerson) -> int:
    knees, ankles = (
        source.pose.points[[right, left], 1].mean()
        for right, left in ((sk.RIGHT_KNEE, sk.LEFT_KNEE), (sk.RIGHT_ANKLE, sk.LEFT_ANKLE))
    )
    return int(0.6 * knees + 0.4 * ankles)


def broadest(mask: BoolArray) -> int:
    return int(mask.sum(axis=1).max())


def test_legs_beneath_a_skirt_are_as_broad_as_legs() -> None:
    source = in_a_skirt(hem_below_knees(drawn_person()))
    before, after, parsing = before_and_after(source)
    skirt = parsing == labels.SKIRT
    for leg in (parts.RIGHT_LEG, parts.LEFT_LEG):
        for part, radii in zip(leg.parts[:2], (1.0, 0.8), strict=True):
            most = 2 * radii * parts.RADIUS[part] * TORSO
            assert broadest(skirt & (before.margins[part] > 0)) > 1.1 * most
            assert 0.5 * most < broadest(skirt & (after.margins[part] > 0)) <= most + 3


def test_shins_beneath_a_skirt_have_their_own_color_and_thighs_the_skirt_s() -> None:
    source = in_a_skirt(hem_below_knees(drawn_person()))
    before, after, parsing = before_and_after(source)
    skirt = parsing == labels.SKIRT
    for leg in (parts.RIGHT_LEG, parts.LEFT_LEG):
        thigh, shin = leg.parts[:2]
        assert (before.own[shin] > 0)[skirt].any()
        assert not ((after.own[shin] > 0) & skirt & (after.own.argmax(axis=0) == parts.GARMENT)).any()
        assert ((after.own[thigh] > 0) & skirt).any()
        assert (after.margins[shin] > 0)[skirt].any()


def test_legs_that_a_skirt_hides_to_the_ground_stay_as_broad_as_it() -> None:
    source = in_a_skirt(len(drawn_person().parsing) - 1)
    before, after, parsing = before_and_after(source)
    skirt = parsing == labels.SKIRT
    for part in LEGS:
        np.testing.assert_array_equal(after.margins[part][skirt], before.margins[part][skirt])


def test_rims_of_a_skirt_are_the_skirt_s() -> None:
    source = in_a_skirt(hem_below_knees(drawn_person()), rim=3)
    before, after, parsing = before_and_after(source)
    cloth = (before.own.argmax(axis=0) == parts.GARMENT).astype(np.uint8)
    near = cv2.dilate(cloth, np.ones((3, 3), np.uint8)) > 0
    rim = (
        near & (parsing == labels.BACKGROUND) & np.isin(before.own.argmax(axis=0), LEGS) & (before.own.max(axis=0) > 0)
    )
    assert rim.sum() > 20
    assert (after.margins[parts.GARMENT][rim] > 0).all()
    assert (after.own[list(LEGS)][:, rim] < 0).all()
