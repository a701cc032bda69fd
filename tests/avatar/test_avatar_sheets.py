"""The sheets of a part over a body of a few triangles."""

from __future__ import annotations

import numpy as np
import pytest

from motionwarp.avatar.body_surface import BodySurface
from motionwarp.avatar.depth import Form
from motionwarp.avatar.rims import SoftRims
from motionwarp.avatar.sheets import Cover, Sheets, joined, part_sheets
from motionwarp.types import ByteArray, FloatArray

HEIGHT, WIDTH, TORSO = 120, 100, 90.0
FRONT, BACK = -10.0, 14.0


def box_body() -> BodySurface:
    """A box before the picture's middle; its upper end follows bone 0, its lower one bone 1."""
    corners = np.array(
        [(x, y, z) for z in (FRONT, BACK) for y in np.linspace(10, 110, 11) for x in (30, 70)], dtype=np.float32
    )
    faces = []
    for side in (0, 22):
        for row in range(10):
            a = side + 2 * row
            faces += [(a, a + 1, a + 2), (a + 1, a + 3, a + 2)]
    share = (corners[:, 1:2] - 10) / 100
    weights = np.concatenate([1 - share, share], axis=1).astype(np.float32)
    return BodySurface(corners, np.array(faces, dtype=np.int32), np.zeros(len(corners), dtype=np.uint8), weights)


def covered() -> FloatArray:
    """A part broader than its body."""
    alpha = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    alpha[16:104, 20:80] = 1
    return alpha


def cover(alpha: FloatArray, classes: ByteArray | None = None) -> Cover:
    return Cover(alpha, np.ones(alpha.shape, dtype=np.uint8) if classes is None else classes)


@pytest.fixture(scope="module", params=list(Form))
def made(request: pytest.FixtureRequest) -> tuple[Sheets, int]:
    sheets = part_sheets(0, cover(covered()), box_body(), (0,), TORSO, request.param)
    assert sheets is not None
    return sheets


def test_the_front_lies_over_the_photos_own_pixels(made: tuple[Sheets, int]) -> None:
    sheets, count = made
    for rows in (slice(0, count), slice(count, 2 * count)):
        np.testing.assert_array_equal(sheets.positions[rows, :2], sheets.uv[rows])
    assert sheets.uv[:count].min(axis=0) == pytest.approx((20, 16), abs=8)
    assert sheets.uv[:count].max(axis=0) == pytest.approx((79, 103), abs=8)


def test_front_and_back_meet_at_the_outline_and_are_the_bodys_within(made: tuple[Sheets, int]) -> None:
    sheets, count = made
    front, back = sheets.positions[:count], sheets.positions[count : 2 * count]
    thickness = back[:, 2] - front[:, 2]
    outside = (front[:, 0] < 19) | (front[:, 0] > 80) | (front[:, 1] < 15)
    assert outside.any()
    np.testing.assert_array_equal(thickness[outside], 0)
    assert (thickness >= 0).all()
    middle = (np.abs(front[:, 0] - 50) < 8) & (np.abs(front[:, 1] - 60) < 20)
    assert np.median(thickness[middle]) >= 0.8 * (BACK - FRONT)


@pytest.mark.parametrize("form", [form for form in Form if form is not Form.CLOTH])
def test_what_does_not_hang_is_closed_below(form: Form) -> None:
    deep = thickness(covered(), form)
    below = deep[deep[:, 1] > 104]
    assert len(below)
    np.testing.assert_array_equal(below[:, 2], 0)


def thickness(alpha: FloatArray, form: Form) -> FloatArray:
    """How thick a part is at each of its vertices, and where it lies in the photo, float32 (count, 3)."""
    made = part_sheets(0, cover(alpha), box_body(), (0,), TORSO, form)
    assert made is not None
    sheets, count = made
    deep = sheets.positions[count : 2 * count, 2] - sheets.positions[:count, 2]
    return np.column_stack([sheets.positions[:count, :2], deep])


def trapezoid(above: int, below: int, aside: int = 0) -> FloatArray:
    """A skirt half as broad as told at its top and at its hem; a bag beside it."""
    alpha = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    for row in range(16, 104):
        half = round(np.interp(row, (16, 103), (above, below)))
        alpha[row, 50 - half : 50 + half] = 1
    alpha[60:80, 50 : 50 + aside] = 1
    return alpha


def at_row(deep: FloatArray, row: int) -> float:
    near = np.abs(deep[:, 1] - row) < 3
    return float(deep[near, 2].max())


def test_a_skirt_is_about_round_down_to_its_hem() -> None:
    deep = thickness(trapezoid(20, 40), Form.CLOTH)
    for row, broad in ((80, 70.0), (101, 80.0)):
        assert 0.6 < at_row(deep, row) / broad < 0.9
    # from the waist it stands off little by little
    assert at_row(deep, 18) < 1.5 * (BACK - FRONT)


def test_a_curved_hem_does_not_close_a_skirt() -> None:
    alpha = trapezoid(30, 38)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    alpha[rows > 103 - ((columns - 50) / 12.0) ** 2] = 0
    assert at_row(thickness(alpha, Form.CLOTH), 101) > 0.55 * 76


def test_a_bag_beside_a_skirt_makes_it_no_thicker() -> None:
    plain, with_bag = (thickness(trapezoid(25, 30, aside), Form.CLOTH) for aside in (0, 48))
    assert at_row(with_bag, 70) < 1.2 * at_row(plain, 70)
    beside = with_bag[(with_bag[:, 0] > 90) & (np.abs(with_bag[:, 1] - 70) < 5)]
    assert len(beside)
    assert beside[:, 2].max() < 0.3 * at_row(plain, 70)


def test_wide_trousers_are_thicker_than_the_legs_in_them() -> None:
    narrow, wide = (thickness(trapezoid(half, half), Form.LEG) for half in (20, 27))
    assert at_row(narrow, 60) == pytest.approx(BACK - FRONT, abs=1)
    assert at_row(wide, 60) == pytest.approx(BACK - FRONT + 2 * 0.8 * 7, abs=2)
    loosest = BACK - FRONT + 2 * 0.08 * TORSO
    assert at_row(thickness(trapezoid(45, 45), Form.LEG), 60) < loosest + 1


def test_walls_close_the_opaque_part(made: tuple[Sheets, int]) -> None:
    sheets, count = made
    opaque = sheets.faces[sheets.layers == 1]
    assert (opaque >= 2 * count).any()
    # vertices of walls lie at those of the back: by place every edge of the opaque part is used twice
    places = np.concatenate([np.arange(2 * count), np.zeros(len(sheets.positions) - 2 * count, dtype=int)])
    number = {tuple(place): index for index, place in enumerate(np.round(sheets.positions[count : 2 * count], 3))}
    for vertex in range(2 * count, len(sheets.positions)):
        places[vertex] = count + number[tuple(np.round(sheets.positions[vertex], 3))]
    edges = places[opaque][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    _, uses = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    assert (uses == 2).all()


def test_weights_of_bones_sum_to_one_and_change_along_the_body(made: tuple[Sheets, int]) -> None:
    sheets, _ = made
    np.testing.assert_allclose(sheets.bone_weights.sum(axis=1), 1, atol=1e-5)
    lower = np.where(sheets.bones == 1, sheets.bone_weights, 0).sum(axis=1)
    rows = sheets.positions[:, 1]
    assert lower[rows < 25].mean() < 0.25 < 0.75 < lower[rows > 95].mean()


def test_a_part_without_pixels_or_without_a_body_has_no_sheets() -> None:
    assert (
        part_sheets(0, cover(np.zeros((HEIGHT, WIDTH), dtype=np.float32)), box_body(), (0,), TORSO, Form.LIMB) is None
    )
    assert part_sheets(0, cover(covered()), box_body(), (3,), TORSO, Form.LIMB) is None


def test_sheets_are_joined_with_their_own_triangles(made: tuple[Sheets, int]) -> None:
    sheets, _ = made
    both = joined([sheets, sheets])
    np.testing.assert_array_equal(both.positions[both.faces[len(sheets.faces) :]], sheets.positions[sheets.faces])


def test_what_faces_the_camera_keeps_its_colors(made: tuple[Sheets, int]) -> None:
    sheets, count = made
    well = np.flatnonzero(sheets.facing[: 2 * count] > 0.9)
    assert len(well) > 0.1 * count
    assert np.median(np.abs(sheets.side_uv[well] - sheets.uv[well])) < 0.01
    assert np.abs(sheets.side_uv[well] - sheets.uv[well]).mean() < 0.5


@pytest.mark.parametrize("form", [Form.LIMB, Form.TRUNK, Form.CLOTH])
def test_sides_take_their_colors_from_within_and_from_their_own_class(form: Form) -> None:
    sheets, count = part_sheets(0, cover(covered()), box_body(), (0,), TORSO, form) or pytest.fail("no sheets")
    middle = sheets.uv[:count, 0].mean()
    away = [np.abs(places[:count, 0] - middle) for places in (sheets.uv, sheets.side_uv)]
    moved = np.abs(away[0] - away[1]) > 0.5
    assert moved.any()
    assert (away[1] < away[0] + 1e-3)[moved].mean() > 0.9
    # stripes of classes, narrower than any side: nothing is alike a little farther in
    striped = np.tile(np.arange(WIDTH, dtype=np.uint8) % 200, (HEIGHT, 1))
    other, _ = part_sheets(0, cover(covered(), striped), box_body(), (0,), TORSO, form) or pytest.fail("no sheets")
    step = np.abs(np.diff(np.unique(other.uv[:count, 0]))).max()
    assert np.abs(other.side_uv[:count, 0] - other.uv[:count, 0]).max() <= step


def test_nothing_of_a_face_is_mirrored_beside_it() -> None:
    sheets, count = part_sheets(0, cover(covered()), box_body(), (0,), TORSO, Form.HEAD) or pytest.fail("no sheets")
    np.testing.assert_array_equal(sheets.side_uv[: 2 * count], sheets.uv[: 2 * count])


def test_every_soft_rim_has_an_opaque_vertex_near_it(made: tuple[Sheets, int]) -> None:
    sheets, _ = made
    found = SoftRims.of(sheets)
    rims, anchors = found.vertices, found.anchors
    opaque = np.zeros(len(sheets.positions), dtype=bool)
    opaque[sheets.faces[sheets.layers == 1]] = True
    assert len(rims)
    assert opaque[anchors].all()
    assert not opaque[rims].any()
    assert set(rims) | set(np.flatnonzero(opaque)) == set(range(len(sheets.positions)))
    assert np.linalg.norm(sheets.positions[rims] - sheets.positions[anchors], axis=1).max() < 0.5 * TORSO
    # each on its own sheet
    count = made[1]
    np.testing.assert_array_equal(rims < count, anchors < count)


def test_a_body_needs_a_part_for_every_vertex() -> None:
    body = box_body()
    with pytest.raises(ValueError, match="parts"):
        BodySurface(body.vertices, body.faces, body.parts[1:], body.weights)
