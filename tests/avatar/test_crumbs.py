"""Specks that hang together with nothing are no part of a person."""

from __future__ import annotations

import numpy as np
import pytest

from motionwarp.avatar.avatar import near_parts
from motionwarp.avatar.body_surface import BodySurface
from motionwarp.avatar.crumbs import without_crumbs
from motionwarp.avatar.depth import Form
from motionwarp.avatar.sheets import Cover, Sheets, part_sheets
from motionwarp.puppet import parts
from motionwarp.types import FloatArray

HEIGHT, WIDTH, TORSO = 160, 140, 100.0


def sheets_of(alpha: FloatArray) -> Sheets:
    """The sheets of a trunk before a flat body."""
    ys, xs = np.mgrid[0:HEIGHT:8, 0:WIDTH:8]
    vertices = np.stack([xs, ys, np.zeros_like(xs)], axis=-1).reshape(-1, 3).astype(np.float32)
    columns = xs.shape[1]
    corner = np.arange(len(vertices)).reshape(xs.shape)[:-1, :-1].ravel()
    faces = np.stack([corner, corner + 1, corner + columns], axis=1).astype(np.int32)
    count = len(vertices)
    body = BodySurface(vertices, faces, np.full(count, parts.TORSO, np.uint8), np.ones((count, 1), np.float32))
    cover = Cover(alpha, np.zeros(alpha.shape, dtype=np.uint8))
    made = part_sheets(parts.TORSO, cover, body, near_parts(parts.TORSO), TORSO, Form.TRUNK)
    return (made or pytest.fail("no sheets"))[0]


def trunk() -> FloatArray:
    alpha = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    alpha[20:140, 20:90] = 1
    return alpha


def columns_of(sheets: Sheets) -> FloatArray:
    return np.unique(sheets.positions[sheets.faces][..., 0])


def test_a_soft_speck_beside_a_trunk_is_left_out() -> None:
    alpha = trunk()
    alpha[56:72, 108:124] = 0.6
    alpha[60:67, 113:119] = 1
    with_speck = sheets_of(alpha)
    assert columns_of(with_speck).max() > 110
    made = without_crumbs(with_speck)
    assert columns_of(made).max() < 100
    assert len(made.faces) == len(made.layers)
    # the trunk is all there
    np.testing.assert_array_equal(
        made.faces, with_speck.faces[(with_speck.positions[with_speck.faces][..., 0] < 100).all(axis=1)]
    )
    np.testing.assert_array_equal(made.positions, with_speck.positions)


def test_what_is_opaque_stays_however_small() -> None:
    alpha = trunk()
    alpha[50:72, 108:130] = 1
    with_bag = sheets_of(alpha)
    assert without_crumbs(with_bag) is with_bag


def test_soft_rims_of_the_trunk_itself_stay() -> None:
    alpha = trunk()
    alpha[20:140, 90:100] = 0.4
    whole = sheets_of(alpha)
    assert (whole.layers % 2 == 0).any()
    assert without_crumbs(whole) is whole


def test_a_thread_that_hangs_on_a_trunk_by_its_blur_is_no_surface() -> None:
    alpha = trunk()
    alpha[60:64, 90:112] = 0.4
    alpha[60:110, 108:112] = 0.4
    assert columns_of(sheets_of(alpha)).max() < 102
