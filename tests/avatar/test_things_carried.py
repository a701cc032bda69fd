"""Bags that hang from hands are the hands', whatever the parsing calls them, and clothes go on beneath."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_figure import drawn_person

from motionwarp.avatar.assembly import make_avatar
from motionwarp.avatar.carried import before_clothes, carried_things, with_carried, with_solid_things
from motionwarp.avatar.regions import person_regions
from motionwarp.avatar.sheets import Sheets
from motionwarp.engines.avatar.posing import SourceBody
from motionwarp.parsing import labels
from motionwarp.puppet import parts
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.types import SourcePerson

TORSO = 78.0
YELLOW, BLACK = (230, 210, 60), (25, 25, 30)


def in_a_skirt(bag: bool = True, reach: int = 24) -> SourcePerson:
    """The drawn person in a yellow skirt; a black bag that a parsing calls dress hangs from the right hand."""
    person = drawn_person()
    rgb, parsing, matte = person.rgb.copy(), person.parsing.copy(), person.matte.copy()

    def lay(corners: list[tuple[int, int]], color: tuple[int, int, int], label: int) -> None:
        for plane, value in ((rgb, color), (parsing, int(label)), (matte, 1.0)):
            cv2.fillConvexPoly(plane, np.array(corners, np.int32), value)

    lay([(96, 150), (144, 150), (156, 240), (84, 240)], YELLOW, labels.SKIRT)
    if bag:
        lay([(100 - reach, 180), (100, 180), (100, 222), (100 - reach - 20, 222)], BLACK, labels.DRESS)
    return replace(person, rgb=rgb, parsing=parsing, matte=matte)


def taken_apart(source: SourcePerson) -> PartRegions:
    return person_regions(source, TORSO)


def test_a_bag_is_the_hand_s_that_holds_it() -> None:
    source = in_a_skirt()
    regions = taken_apart(source)
    (thing,) = carried_things(source, regions)
    assert thing.part in parts.RIGHT_ARM.parts[1:]
    black = cv2.inRange(source.rgb, np.array(BLACK) - 5, np.array(BLACK) + 5) > 0
    mask = cv2.resize(thing.mask.astype(np.uint8), black.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    assert (mask & black).sum() > 0.85 * black.sum()
    yellow = cv2.inRange(source.rgb, np.array(YELLOW) - 5, np.array(YELLOW) + 5) > 0
    assert (mask & yellow).sum() < 0.05 * yellow.sum()
    made = with_carried(regions, (thing,))
    owner = made.own.argmax(axis=0)
    assert (owner[thing.mask] == thing.part).mean() > 0.95
    # cloth goes on beneath it, and not beside
    assert (made.margins[parts.GARMENT][thing.mask & thing.beneath & thing.hangs] > 0).mean() > 0.5
    assert (made.margins[parts.GARMENT][thing.mask & ~thing.beneath] < 0).all()


def test_nothing_is_carried_by_empty_hands() -> None:
    assert carried_things(drawn_person(), taken_apart(drawn_person())) == ()
    source = in_a_skirt(bag=False)
    assert carried_things(source, taken_apart(source)) == ()
    unseen = source.pose.points.copy()
    unseen[8, 2] = 0
    bagged = in_a_skirt()
    pose = type(bagged.pose)(unseen)
    assert carried_things(replace(bagged, pose=pose), taken_apart(bagged)) == ()


def test_a_thing_that_networks_doubt_is_opaque_within() -> None:
    source = in_a_skirt()
    black = cv2.inRange(source.rgb, np.array(BLACK) - 5, np.array(BLACK) + 5) > 0
    doubted = replace(source, matte=np.where(black, np.float32(0.7), source.matte))
    things = carried_things(doubted, taken_apart(doubted))
    solid = with_solid_things(doubted, things)
    inner = cv2.erode(black.astype(np.uint8), np.ones((17, 17))) > 0
    assert inner.any()
    assert solid.matte[inner].min() > 0.95
    np.testing.assert_array_equal(solid.matte[~black & (source.matte == 0)], 0)
    assert with_solid_things(source, ()) is source


def test_what_hangs_before_clothes_is_before_them() -> None:
    x, y = np.meshgrid(np.arange(40.0, 60), np.arange(40.0, 60))
    flat = np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)]).astype(np.float32)
    count = len(flat)
    back = flat + np.array([0, 0, 4], np.float32)
    none = np.zeros((2 * count, 4), np.float32)
    sheets = Sheets(
        np.concatenate([flat, back]), none[:, :2], none[:, :2], none[:, 0], none.astype(np.int32), none,
        np.zeros((0, 3), np.int32), np.zeros(0, np.int32),
    )  # fmt: skip
    clothes = flat - np.array([0, 0, 10], np.float32)
    thing = np.zeros((100, 100), dtype=bool)
    thing[30:70, 30:70] = True
    moved = before_clothes(sheets, count, clothes, thing, 50.0)
    assert moved.positions[:count, 2].max() < clothes[:, 2].min()
    np.testing.assert_array_equal(moved.positions[count:], sheets.positions[count:])
    behind = flat + np.array([0, 0, 30], np.float32)
    np.testing.assert_array_equal(before_clothes(sheets, count, behind, thing, 50.0).positions, sheets.positions)


@pytest.mark.parametrize("reach", [24, 32])
def test_an_avatar_s_bag_is_not_printed_on_its_skirt(reach: int) -> None:
    source = in_a_skirt(reach=reach)
    body = SourceBody.of_photo(source.pose.points)
    avatar = make_avatar(source, body.surface, body.rest)
    sheets, texels = avatar.sheets, avatar.atlas.texels

    def share_of(color: tuple[int, int, int], chosen: tuple[int, ...]) -> float:
        rows = np.unique(sheets.faces[np.isin(sheets.layers // 2, chosen)])
        at = np.rint(sheets.uv[rows]).astype(int)
        found = texels[at[:, 1].clip(0, len(texels) - 1), at[:, 0].clip(0, texels.shape[1] - 1)].astype(int)
        return float((np.abs(found[..., :3] - color).max(axis=1) < 30)[found[:, 3] > 250].mean())

    assert share_of(BLACK, (parts.GARMENT,)) < 0.04
    assert share_of(BLACK, parts.RIGHT_ARM.parts[1:]) > 0.2


def test_clothes_beneath_a_thing_reach_as_far_as_at_the_other_side() -> None:
    source = in_a_skirt()
    regions = taken_apart(source)
    (thing,) = carried_things(source, regions)
    factor = thing.mask.shape[1] / source.matte.shape[1]
    columns = np.arange(thing.mask.shape[1])
    # the skirt is symmetric about the photo's column 120
    for row in np.flatnonzero(thing.beneath.any(axis=1)):
        from_left = (120 + 0.5) * factor - columns[thing.beneath[row]].min()
        skirt_row = np.clip((row / factor - 150) / 90, 0, 1)
        assert from_left <= (24 + 12 * skirt_row) * factor + 0.07 * TORSO


def test_what_lies_between_a_thing_and_its_hand_is_the_thing_s() -> None:
    source = in_a_skirt()
    # seen between handles: in the skirt's color, and near enough to be the skirt's
    between, handle = np.s_[175:180, 85:90], np.s_[176:180, 92:96]
    rgb, parsing, matte = source.rgb.copy(), source.parsing.copy(), source.matte.copy()
    rgb[between], parsing[between], matte[between] = YELLOW, labels.SKIRT, 1
    rgb[handle] = 90, 130, 200
    source = replace(source, rgb=rgb, parsing=parsing, matte=matte)
    (thing,) = carried_things(source, taken_apart(source))
    assert thing.part == parts.RIGHT_HAND
    assert thing.mask[between].all()
    assert thing.mask[handle].mean() > 0.7
    # beside the bag itself the skirt is seen
    assert not thing.mask[205:215, 104:].any()
