"""Who turns away shows hair: the head stays upright, and nobody's face looks out of the back of it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from drawn_figure import BROWN, GRAY, drawn_person, from_behind, front_points, rendered, with_hair

from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet.back_view import seen_from_behind, with_strands
from motionwarp.puppet.joints import Joints
from motionwarp.types import FloatArray

SIDES = [(right, sk.MIRROR[right]) for right in range(18) if sk.MIRROR[right] != right]


def turned_away(points: FloatArray, reference: FloatArray | None = None) -> bool:
    one, other = (
        Joints(torch.from_numpy(each)[None]) for each in (points, front_points() if reference is None else reference)
    )
    return bool(one.turned_away(other)[0])


def share_of(frame: np.ndarray, color: tuple[int, int, int], rows: slice) -> float:
    """How much of what is opaque in some rows around the head has a color."""
    part = frame[rows, 95:146]
    opaque = part[..., 3] > 200
    return float((np.abs(part[..., :3] - color).max(axis=-1) < 40)[opaque].mean())


@pytest.mark.parametrize("unseen", [0.0, 0.6])
def test_sides_that_changed_places_show_the_back(unseen: float) -> None:
    assert turned_away(from_behind(unseen))
    lying = from_behind(unseen)
    lying[:, :2] = lying[:, 1::-1] * (-1, 1) + (300, 0)  # by a quarter within the picture
    assert turned_away(lying)


def test_a_face_that_may_be_seen_is_no_back() -> None:
    assert not turned_away(front_points())
    assert not turned_away(front_points() * (1, -1, 1) * (-1, 1, 1))  # upside down
    assert not turned_away(from_behind(0.95))  # an exchange of all sides, of somebody who looks at us
    back = from_behind(0.6)
    back[[sk.RIGHT_EAR, sk.LEFT_EAR], :2] = front_points()[[sk.RIGHT_EAR, sk.LEFT_EAR], :2]
    assert not turned_away(back)  # looks back over the shoulder
    without_ears = from_behind(0.6)
    without_ears[[sk.RIGHT_EAR, sk.LEFT_EAR], 2] = 0
    assert not turned_away(without_ears)
    assert not turned_away(from_behind(), reference=from_behind())  # whose face is not known


def test_hair_takes_the_face_s_place_and_the_outline_stays() -> None:
    source = with_hair(80)
    behind = seen_from_behind(source)
    assert behind.pose is source.pose
    np.testing.assert_array_equal(behind.matte, source.matte)
    assert not (behind.parsing == labels.FACE).any()
    head = (source.parsing == labels.FACE) | (source.parsing == labels.HAIR)
    assert np.abs(behind.rgb[head].astype(int) - BROWN).max() < 8
    np.testing.assert_array_equal(behind.rgb[~head & (source.matte > 0)], source.rgb[~head & (source.matte > 0)])


def test_hair_that_was_made_up_has_strands_like_the_hair_that_is_shown() -> None:
    source = with_hair(80)
    stripes = np.where(np.arange(source.rgb.shape[1]) % 6 < 3, 25, -25)[None, :, None]
    hair = source.parsing == labels.HAIR
    rgb = np.where(hair[..., None], source.rgb + stripes, source.rgb).clip(0, 255).astype(np.uint8)
    source = replace(source, rgb=rgb)
    smooth = seen_from_behind(source)
    behind = with_strands(smooth, source.rgb, 6.0)
    made_up = (smooth.rgb != source.rgb).any(axis=2)
    middle = cv2.erode(made_up.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert middle.sum() > 100
    assert smooth.rgb[middle].std(axis=0).max() < 5 < 12 < behind.rgb[middle].std(axis=0).min()
    np.testing.assert_allclose(behind.rgb[middle].mean(axis=0), smooth.rgb[middle].mean(axis=0), atol=6)
    np.testing.assert_array_equal(behind.rgb[~made_up], smooth.rgb[~made_up])


def test_little_hair_shows_no_strands() -> None:
    source = with_hair(80)
    smooth = seen_from_behind(source)
    hidden = replace(smooth, matte=np.where(source.parsing == labels.HAIR, 0, smooth.matte).astype(np.float32))
    assert with_strands(hidden, source.rgb, 6.0) is hidden
    assert with_strands(source, source.rgb, 6.0) is source


def test_short_hair_leaves_the_neck_bare() -> None:
    source = with_hair(52)
    behind = seen_from_behind(source)
    assert tuple(behind.rgb[48, 120]) == pytest.approx(BROWN, abs=8)
    assert tuple(behind.rgb[76, 120]) == GRAY
    assert behind.parsing[76, 120] == labels.FACE


def test_a_bald_head_is_plain_skin() -> None:
    person = drawn_person()
    rgb = person.rgb.copy()
    cv2.circle(rgb, (114, 42), 2, (0, 0, 0), -1)  # an eye
    behind = seen_from_behind(replace(person, rgb=rgb))
    assert (behind.rgb[person.parsing == labels.FACE] == GRAY).all()
    np.testing.assert_array_equal(behind.parsing, person.parsing)


def test_nothing_changes_where_no_face_is() -> None:
    person = drawn_person()
    faceless = replace(
        person, parsing=np.where(person.parsing == labels.FACE, labels.HAIR, person.parsing).astype(np.uint8)
    )
    assert seen_from_behind(faceless) is faceless


def test_a_turn_shows_hair_on_a_head_that_stays_upright() -> None:
    front, back = rendered(with_hair(80), front_points(), from_behind())
    assert share_of(front, GRAY, slice(36, 60)) > 0.3
    assert share_of(back, GRAY, slice(26, 78)) < 0.02
    assert share_of(back, BROWN, slice(26, 78)) > 0.9
    # upright: the top of the head is where it was
    assert (
        abs(int(np.flatnonzero((front[..., 3] > 128).any(1))[0]) - int(np.flatnonzero((back[..., 3] > 128).any(1))[0]))
        <= 2
    )


def test_the_side_of_the_head_does_not_depend_on_the_batch() -> None:
    source = with_hair(80)
    front, back, again = rendered(source, front_points(), from_behind(), front_points())
    np.testing.assert_array_equal(front, again)
    np.testing.assert_array_equal(back, rendered(source, from_behind())[0])
    np.testing.assert_array_equal(front, rendered(source, front_points())[0])


def test_strands_are_not_drawn_out_into_stripes() -> None:
    source = with_hair(80)
    rgb = source.rgb.copy()
    striped = np.where((np.arange(len(rgb)) // 2 % 2)[:, None, None] == 0, rgb + 50, rgb)
    rgb = np.where((source.parsing == labels.HAIR)[..., None], striped, rgb).astype(np.uint8)
    behind = seen_from_behind(replace(source, rgb=rgb))
    assert np.ptp(rgb[40:60, 104, 0].astype(int)) == 50
    assert np.ptp(behind.rgb[40:60, 120, 0].astype(int)) < 10
