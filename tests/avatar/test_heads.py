"""A head's depth and its painted sides, over a skull that is an ellipsoid."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from motionwarp.avatar.body_surface import BodySurface, IntArray
from motionwarp.avatar.depth import Form
from motionwarp.avatar.head_paint import PaintedTexture, with_painted_sides
from motionwarp.avatar.head_template import HeadFrame
from motionwarp.avatar.rims import SoftRims
from motionwarp.avatar.sheets import Cover, Sheets, part_sheets
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.parsing import labels
from motionwarp.puppet import parts
from motionwarp.puppet.textures import PartTexture
from motionwarp.types import FloatArray, Pose, SourcePerson

HEIGHT, WIDTH, TORSO = 300, 240, 230.0
CENTER = np.array([120.0, 130.0, 0.0], dtype=np.float32)
RADII = np.array([42.0, 62.0, 50.0], dtype=np.float32)
HAIR_COLOR, SKIN_COLOR, MARK = (60, 40, 20), (220, 170, 140), (255, 0, 255)
TURNS = np.tile(np.eye(3, dtype=np.float32), (len(DRIVEN_BONES), 1, 1))


def sphere(center: FloatArray, radii: FloatArray) -> tuple[FloatArray, IntArray]:
    """An ellipsoid of latitudes and longitudes."""
    latitude, longitude = np.meshgrid(
        np.linspace(0.01, np.pi - 0.01, 25), np.linspace(0, 2 * np.pi, 40, endpoint=False)
    )
    points = np.stack(
        [np.sin(latitude) * np.cos(longitude), -np.cos(latitude), np.sin(latitude) * np.sin(longitude)], axis=-1
    ).reshape(-1, 3)
    number = np.arange(40 * 25).reshape(40, 25)
    a, b = number[:, :-1], number[:, 1:]
    c, d = np.roll(a, -1, axis=0), np.roll(b, -1, axis=0)
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    return (center + points * radii).astype(np.float32), faces.astype(np.int32)


def skull(with_trunk: bool = False) -> BodySurface:
    vertices, faces = sphere(CENTER, RADII)
    of_part = np.full(len(vertices), parts.HEAD, dtype=np.uint8)
    if with_trunk:
        trunk, more = sphere(np.array([120.0, 270.0, 0.0]), np.array([110.0, 80.0, 45.0]))
        faces = np.concatenate([faces, more + len(vertices)])
        vertices = np.concatenate([vertices, trunk])
        of_part = np.concatenate([of_part, np.full(len(trunk), parts.TORSO, dtype=np.uint8)])
    return BodySurface(vertices, faces, of_part, np.ones((len(vertices), 1), dtype=np.float32))


def photo(grown: float = 6.0, hair: bool = True) -> SourcePerson:
    """A face under hair that stands off the skull by so many pixels, a mark on the nose."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    matte = (((x - 120) / (42 + grown)) ** 2 + ((y - 130) / (62 + grown)) ** 2 <= 1).astype(np.float32)
    face = ((x - 120) / 36) ** 2 + ((y - 150) / 55) ** 2 <= 1
    below = y > 150
    is_face = (matte > 0) & (face | below) if hair else matte > 0
    parsing = np.where(matte == 0, labels.BACKGROUND, np.where(is_face, labels.FACE, labels.HAIR)).astype(np.uint8)
    rgb = np.where(is_face[..., None], SKIN_COLOR, HAIR_COLOR).astype(np.uint8)
    rgb[138:146, 116:125] = MARK
    return SourcePerson(rgb, matte, Pose(np.zeros((18, 3), dtype=np.float32)), parsing)


def made(source: SourcePerson, body: BodySurface | None = None) -> tuple[Sheets, int]:
    cover = Cover(source.matte, source.parsing)
    found = part_sheets(parts.HEAD, cover, body or skull(), (parts.HEAD, parts.TORSO), TORSO, Form.HEAD)
    return found or pytest.fail("no sheets")


def painted(source: SourcePerson) -> tuple[Sheets, int, PaintedTexture, int]:
    sheets, count = made(source)
    rgba = np.dstack([source.rgb / np.float32(255) * source.matte[..., None], source.matte]).astype(np.float32)
    front = PartTexture(
        torch.from_numpy(rgba.transpose(2, 0, 1).copy())[None], None, 0, 0, np.zeros((0, 2), np.float32)
    )
    result, first, texture = with_painted_sides(sheets, count, source, front, HeadFrame.of(skull(), TURNS))
    assert texture is not None
    return result, first, texture, count


def color_at(result: tuple[Sheets, int, PaintedTexture, int], place: tuple[float, float, float]) -> FloatArray:
    """Return the painted color of the vertex that is nearest to a place."""
    sheets, first, texture, _ = result
    away = np.linalg.norm(sheets.positions[first:] - np.array(place, dtype=np.float32), axis=1)
    u, v = np.rint(sheets.uv[first + int(away.argmin())]).astype(int)
    return np.asarray(texture.rgb[v, u], dtype=np.float32)


def like(color: FloatArray, other: tuple[int, int, int]) -> bool:
    return float(np.abs(color - np.array(other)).mean()) < 25


def test_a_head_is_round_from_the_side_up_to_its_crown() -> None:
    sheets, count = made(photo())
    front, back = sheets.positions[:count], sheets.positions[count : 2 * count]
    depth = back[:, 2] - front[:, 2]
    rows = [depth[np.abs(front[:, 1] - y) < 3].max() for y in (66, 72, 90, 120)]
    assert rows[0] < 0.6 * rows[3]
    assert all(one <= other + 1e-3 for one, other in pairwise(rows))
    assert rows[3] > 2 * RADII[2]


def test_a_crown_is_no_plateau_where_only_its_blur_goes_on() -> None:
    source = photo()
    soft = np.where(np.arange(HEIGHT)[:, None] < 72, np.float32(0.6), np.float32(1)) * source.matte
    sheets, count = made(replace(source, matte=soft.astype(np.float32)))
    opaque = sheets.faces[(sheets.layers % 2 == 1) & (sheets.faces < count).all(axis=1)]
    top = np.unique(opaque)
    top = top[sheets.positions[top, 1] < sheets.positions[top, 1].min() + 2]
    depth = (sheets.positions[top + count, 2] - sheets.positions[top, 2]).max()
    assert depth < 0.3 * 2 * RADII[2]


def test_hair_stands_off_the_back_as_far_as_off_the_sides() -> None:
    backs = []
    for grown in (3.0, 14.0):
        sheets, count = made(photo(grown))
        backs.append(float(sheets.positions[count : 2 * count, 2].max()) - RADII[2])
    assert 0 < backs[0] < 8
    assert backs[1] > backs[0] + 6


def test_the_face_keeps_the_bodys_depth() -> None:
    sheets, count = made(photo(14.0))
    nose = np.linalg.norm(sheets.positions[:count, :2] - np.array([120, 142]), axis=1).argmin()
    assert sheets.positions[nose, 2] == pytest.approx(-RADII[2], abs=4)


def long_haired() -> SourcePerson:
    """Hair that falls on both sides of a face and of a collar, down to the shoulders."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    cap = ((x - 120) / 56) ** 2 + ((y - 120) / 66) ** 2 <= 1
    falls = (np.abs(x - 120) <= 56) & (y >= 120) & (y <= 230)
    matte = (cap | falls).astype(np.float32)
    face = ((x - 120) / 30) ** 2 + ((y - 145) / 45) ** 2 <= 1
    collar = (np.abs(x - 120) <= 30) & (y > 180) & (y <= 230)
    parsing = np.select([matte == 0, face, collar], [labels.BACKGROUND, labels.FACE, labels.UPPER_CLOTHES], labels.HAIR)
    return SourcePerson(
        np.full((HEIGHT, WIDTH, 3), 90, np.uint8), matte, Pose(np.zeros((18, 3), np.float32)), parsing.astype(np.uint8)
    )


def test_hair_beside_a_face_leaves_it_to_be_seen_from_the_side() -> None:
    source = long_haired()
    sheets, count = made(source)
    front = sheets.positions[:count]
    cheeks = np.abs(front[:, 1] - 145) < 4
    across = np.abs(front[:, 0] - 120)
    face, hair = front[cheeks & (across < 5), 2].min(), front[cheeks & (across > 34), 2].min()
    assert hair > 0.55 * face
    assert face < -0.8 * RADII[2]


def test_hair_at_both_sides_falls_behind_a_collar_too() -> None:
    sheets, count = made(long_haired(), skull(with_trunk=True))
    back = sheets.positions[count : 2 * count]
    rows = [back[(np.abs(back[:, 1] - y) < 4) & (np.abs(back[:, 0] - 120) < 20), 2].max() for y in (150, 175, 190)]
    assert rows[1] > 0.75 * rows[0]
    assert rows[2] > 0.75 * rows[0]


def test_what_rises_above_the_skull_is_as_round_from_the_side_as_from_the_front() -> None:
    source = photo()
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    tall = ((x - 120) / 48) ** 2 + ((y - 100) / 70) ** 2 <= 1
    matte = np.maximum(source.matte, tall.astype(np.float32))
    sheets, count = made(replace(source, matte=matte, parsing=np.where(tall & (y < 110), labels.HAIR, source.parsing)))
    front, back = sheets.positions[:count], sheets.positions[count : 2 * count]
    for height in (44, 52, 60):
        row = np.abs(front[:, 1] - height) < 3
        deep, broad = (back[row, 2] - front[row, 2]).max(), np.ptp(front[row, 0])
        assert 0.5 * broad < deep < 2 * broad


def test_hair_on_the_chest_is_a_thin_sheet_before_it() -> None:
    source = photo()
    matte, parsing = source.matte.copy(), source.parsing.copy()
    matte[150:260, 150:180], parsing[150:260, 150:180] = 1, labels.HAIR
    sheets, count = made(replace(source, matte=matte, parsing=parsing), skull(with_trunk=True))
    beside = np.abs(sheets.positions[:count, :2] - np.array([165, 244]))
    low = np.flatnonzero((beside < (8, 10)).all(axis=1))
    assert len(low)
    # the trunk's front is at about -40 there
    assert sheets.positions[low, 2].max() < -35
    assert sheets.positions[low + count, 2].max() < 0


def test_from_behind_there_is_hair_and_no_face() -> None:
    result = painted(photo())
    sheets, first, texture, count = result
    assert like(color_at(result, (120, 110, 58)), HAIR_COLOR)
    assert like(color_at(result, (170, 90, 0)), HAIR_COLOR)
    # a nape is bare, and so is the jaw at the side
    assert like(color_at(result, (120, 185, 25)), SKIN_COLOR)
    assert like(color_at(result, (150, 170, -20)), SKIN_COLOR)
    marks = (np.abs(texture.rgb.astype(int) - np.array(MARK)).max(axis=2) < 60).sum()
    assert marks == 0
    assert (sheets.faces[sheets.layers % 2 == 1] >= first).any()
    assert (sheets.faces >= 0).all()
    assert count < first


def test_a_scarf_that_is_taken_for_hair_does_not_color_the_back_of_the_head() -> None:
    source = photo()
    matte, parsing, rgb = source.matte.copy(), source.parsing.copy(), source.rgb.copy()
    scarf = np.s_[196:290, 70:170]
    matte[scarf], parsing[scarf], rgb[scarf] = 1, labels.HAIR, (30, 60, 200)
    result = painted(replace(source, matte=matte, parsing=parsing, rgb=rgb))
    assert (scarf[0].stop - scarf[0].start) * 100 > (parsing[:196] == labels.HAIR).sum()
    assert like(color_at(result, (120, 110, 58)), HAIR_COLOR)


def test_a_band_above_the_brow_does_not_color_the_back_of_the_head() -> None:
    source = photo(14.0)
    rgb = source.rgb.copy()
    band = (source.parsing == labels.HAIR) & (np.arange(HEIGHT)[:, None] < 106)
    assert band.sum() > 0.6 * (source.parsing == labels.HAIR).sum()
    rgb[band] = 30, 200, 60
    assert like(color_at(painted(replace(source, rgb=rgb)), (120, 140, 60)), HAIR_COLOR)


def test_the_other_half_of_a_face_that_looks_aside_is_mirrored() -> None:
    source = photo(hair=False)
    # an eye, a quarter of the way around the skull from a nose that points to the photo's right
    rgb = np.full_like(source.rgb, SKIN_COLOR)
    rgb[125:135, 112:128] = MARK
    turned = TURNS.copy()
    angle = np.deg2rad(-60.0)
    turned[DRIVEN_BONES.index("head")] = [
        [np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]
    ]  # fmt: skip
    # round, so that it is alike from all sides
    body = replace(skull(), vertices=skull().vertices * np.array([1, 1, 42 / 50], dtype=np.float32))
    eyes = []
    for turns in (TURNS, turned):
        sheets, count = made(replace(source, rgb=rgb), body)
        rgba = np.dstack([rgb / np.float32(255) * source.matte[..., None], source.matte]).astype(np.float32)
        front = PartTexture(
            torch.from_numpy(rgba.transpose(2, 0, 1).copy())[None], None, 0, 0, np.zeros((0, 2), np.float32)
        )
        result, first, texture = with_painted_sides(
            sheets, count, replace(source, rgb=rgb), front, HeadFrame.of(body, turns)
        )
        assert texture is not None
        # mirrored at the plane through the nose, 60 degrees to the right, what faces the camera is at 120
        other = np.array([120 + 46 * np.sin(np.deg2rad(120)), 130, -46 * np.cos(np.deg2rad(120))])
        eyes.append(color_at((result, first, texture, count), (float(other[0]), 130.0, float(other[2]))))
    assert like(eyes[0], SKIN_COLOR)
    assert like(eyes[1], MARK)


def test_who_is_bald_stays_so() -> None:
    result = painted(photo(hair=False))
    assert like(color_at(result, (120, 110, 50)), SKIN_COLOR)


def test_the_photos_own_pixels_stay_where_it_sees_them_well() -> None:
    source = photo()
    before, count = made(source)
    sheets, first, _, _ = painted(source)
    front = (before.faces < count).all(axis=1)
    middle = front & (np.abs(before.positions[before.faces][:, :, 0] - 120) < 25).all(axis=1)
    middle &= (before.positions[before.faces][:, :, 1] > 110).all(axis=1)
    assert middle.any()
    np.testing.assert_array_equal(sheets.faces[middle], before.faces[middle])
    np.testing.assert_array_equal(sheets.uv[:first], before.uv)
    np.testing.assert_array_equal(sheets.positions[sheets.faces].astype(np.float32), before.positions[before.faces])


def test_painted_texels_know_their_place_in_the_photo() -> None:
    sheets, first, texture, _ = painted(photo())
    rows = np.arange(first, len(sheets.positions))
    u, v = np.rint(sheets.uv[rows]).astype(int).T
    shown = texture.shown[v, u]
    assert shown.any()
    assert not shown.all()
    # a texel may lie a cell beside the vertex: its place does too
    home = texture.home[v, u][shown] + np.stack([u, v], axis=1)[shown]
    assert np.median(np.linalg.norm(home - sheets.positions[rows[shown], :2], axis=1)) < 1.5


def test_rims_hang_on_what_is_painted_too() -> None:
    source = photo()
    soft = replace(source, matte=np.clip(source.matte * 0.9 + 0.05, 0, 1) * (source.matte > 0))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    soft.matte[((x - 120) / 44) ** 2 + ((y - 130) / 64) ** 2 < 1] = 1
    sheets, *_ = painted(soft)
    found = SoftRims.of(sheets)
    assert len(found.vertices)
    assert found.of_head.all()


@pytest.mark.parametrize("side", [-1, 1])
def test_a_rim_that_comes_toward_the_camera_is_drawn_back_before_the_one_that_leaves(side: int) -> None:
    source = photo()
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    soft = replace(source, matte=(0.6 * source.matte).astype(np.float32))
    soft.matte[((x - 120) / 40) ** 2 + ((y - 130) / 60) ** 2 < 1] = 1
    sheets, *_ = painted(soft)
    rims = SoftRims.of(sheets)
    angle = side * np.deg2rad(20.0)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    transforms = np.zeros((len(DRIVEN_BONES), 3, 4), dtype=np.float32)
    transforms[:, :, :3] = turn
    moved = (sheets.positions @ turn.T).astype(np.float32)
    rims.draw_back(moved, transforms, sheets)
    whole = np.linalg.norm(sheets.positions[rims.vertices] - sheets.positions[rims.anchors], axis=1)
    left = np.linalg.norm(moved[rims.vertices] - moved[rims.anchors], axis=1) / np.maximum(whole, 1e-6)
    toward, leaving = (sign * rims.outward[:, 0] > 0.9 for sign in (side, -side))
    assert toward.any()
    assert leaving.any()
    assert left[toward].max() < 0.1
    assert left[leaving].mean() > 0.5
