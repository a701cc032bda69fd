"""Backs of clothes: closed, without what only fronts have, of the clothes' own cloth and patterns."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from drawn_figure import GRAY, GREEN, drawn_person, from_behind, front_points, rendered

from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.puppet.cloth_backs import UprightWindow, with_back_of_clothes, with_trunk_of
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.segmentation import PartRegions, part_regions
from motionwarp.types import Pose, SourcePerson

WHITE = 250, 250, 250


def regions_of(source: SourcePerson) -> PartRegions:
    joints = Joints(torch.from_numpy(source.pose.points)[None])
    return part_regions(joints, source.parsing, source.matte > 0.5)


def back_of(source: SourcePerson) -> SourcePerson:
    return with_back_of_clothes(source, regions_of(source))


def chest() -> tuple[int, int]:
    """Return x and y of the middle of the drawn person's trunk."""
    points = drawn_person().pose.points
    neck, hips = points[sk.NECK, :2], points[[sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=0)
    x, y = np.rint(neck + 0.5 * (hips - neck)).astype(int)
    return int(x), int(y)


def low_cut() -> SourcePerson:
    """The drawn person with a neckline down to row 108."""
    person = drawn_person()
    rgb, parsing = person.rgb.copy(), person.parsing.copy()
    cut = np.array([(112, 82), (128, 82), (120, 108)], np.int32)
    cv2.fillConvexPoly(rgb, cut, GRAY)
    cv2.fillConvexPoly(parsing, cut, labels.FACE)
    return replace(person, rgb=rgb, parsing=parsing)


def test_a_back_is_clothed_up_to_the_neck() -> None:
    source = low_cut()
    behind = back_of(source)
    assert tuple(source.rgb[95, 120]) == GRAY
    assert tuple(behind.rgb[95, 120].astype(int)) == pytest.approx(GREEN, abs=8)
    assert behind.parsing[95, 120] == labels.UPPER_CLOTHES
    head = with_trunk_of(source, behind)
    assert tuple(head.rgb[95, 120].astype(int)) == pytest.approx(GREEN, abs=8)
    np.testing.assert_array_equal(head.rgb[:66], source.rgb[:66])
    front, back = rendered(source, front_points(), from_behind())
    assert np.abs(front[90:98, 120, :3] - GRAY).max() < 20
    assert np.abs(back[90:98, 120, :3] - GREEN).max() < 30


def test_a_bare_chest_has_a_bare_back() -> None:
    person = drawn_person()
    bare = replace(
        person, parsing=np.where(person.parsing == labels.UPPER_CLOTHES, labels.FACE, person.parsing).astype(np.uint8)
    )
    x, y = chest()
    np.testing.assert_array_equal(back_of(bare).parsing[y - 10 : y + 10, x], labels.FACE)
    without_hips = front_points()
    without_hips[[sk.RIGHT_HIP, sk.LEFT_HIP], 2] = 0
    cropped = replace(low_cut(), pose=Pose(without_hips))
    assert with_back_of_clothes(cropped, regions_of(low_cut())) is cropped


def test_prints_and_plackets_are_not_on_the_back() -> None:
    person = drawn_person()
    x, y = chest()
    rgb = person.rgb.copy()
    rgb[y - 6 : y + 7, x - 4 : x + 5] = WHITE
    rgb[y - 30 : y + 31, x] = 0
    back = back_of(replace(person, rgb=rgb)).rgb
    plain = np.median(person.rgb[y, x - 12 : x + 13], axis=0)
    assert np.abs(back[y - 20 : y + 21, x - 4 : x + 5] - plain).max() < 40


def test_stripes_go_on_across_the_back() -> None:
    person = drawn_person()
    x, y = chest()
    stripes = (np.arange(len(person.rgb)) // 8 % 2 == 0)[:, None] & (person.parsing == labels.UPPER_CLOTHES)
    rgb = np.where(stripes[..., None], np.array(WHITE), person.rgb).astype(np.uint8)
    rgb[y - 6 : y + 7, x - 4 : x + 5] = 250, 0, 0
    back = back_of(replace(person, rgb=rgb)).rgb.astype(int)
    rows = slice(y - 16, y + 16)
    # as at the trunk's side, and as strong
    middle, side = back[rows, x - 3 : x + 4].mean(axis=(1, 2)), rgb[rows, x - 12].astype(int).mean(axis=1)
    assert np.corrcoef(middle, side)[0, 1] > 0.8
    assert np.ptp(middle) > 0.5 * np.ptp(side)


def test_patterns_all_over_stay_as_the_photo_shows_them() -> None:
    person = drawn_person()
    x, y = chest()
    checks = (np.add.outer(np.arange(len(person.rgb)) // 4, np.arange(person.rgb.shape[1]) // 4) % 2 == 0)[..., None]
    is_cloth = (person.parsing == labels.UPPER_CLOTHES)[..., None]
    rgb = np.where(checks & is_cloth, np.array(WHITE), person.rgb).astype(np.uint8)
    here = np.s_[y : y + 16, x - 8 : x + 9]
    np.testing.assert_array_equal(back_of(replace(person, rgb=rgb)).rgb[here], rgb[here])
    assert not np.array_equal(back_of(person).rgb[here], person.rgb[here])


def test_an_arm_before_the_trunk_is_not_on_its_back() -> None:
    person = drawn_person()
    x, y = chest()
    rgb, parsing = person.rgb.copy(), person.parsing.copy()
    rgb[y - 4 : y + 5, x - 14 : x + 15], parsing[y - 4 : y + 5, x - 14 : x + 15] = GRAY, labels.RIGHT_ARM
    source = replace(person, rgb=rgb, parsing=parsing)
    regions = regions_of(source)
    own = regions.own.copy()
    own[parts.TORSO, y - 4 : y + 5, x - 14 : x + 15] = -3
    own[parts.RIGHT_FOREARM, y - 4 : y + 5, x - 14 : x + 15] = 3
    back = with_back_of_clothes(source, PartRegions(regions.margins, own))
    assert np.abs(back.rgb[y, x - 10 : x + 11] - np.median(person.rgb[y, x - 12 : x + 13], axis=0)).max() < 40
    assert (back.parsing[y, x - 10 : x + 11] == labels.UPPER_CLOTHES).all()


@pytest.mark.parametrize("degrees", [0.0, 35.0, 180.0])
def test_a_window_is_upright(degrees: float) -> None:
    turn = np.deg2rad(degrees)
    neck = np.array([100.0, 80.0])
    hips = neck + 50 * np.array([-np.sin(turn), np.cos(turn)])
    mask = np.zeros((200, 180), dtype=bool)
    mask[40:170, 50:150] = True
    window = UprightWindow.around(neck, hips, mask, mask.shape)
    assert window.neck[0] == pytest.approx(window.hips[0], abs=1e-6)
    assert window.torso == pytest.approx(50, abs=1e-6)
    dot = np.zeros((200, 180), dtype=np.float32)
    cv2.circle(dot, (100, 80), 3, 1.0, -1)
    there = np.unravel_index(int(cv2.GaussianBlur(window.of(dot, dot.shape), (0, 0), 2).argmax()), window.size)
    np.testing.assert_allclose(there[::-1], window.neck, atol=1)
    again = window.back(window.of(dot, dot.shape), dot.shape)
    assert np.abs(again - dot).mean() < 1e-3
