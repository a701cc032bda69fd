"""The A-buffer against one of plain NumPy, on a few triangles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from motionwarp.avatar.body_surface import IntArray
from motionwarp.avatar.renderer import DEPTH_COUNT, Atlas, SurfaceStack, draw, moved_positions
from motionwarp.types import FloatArray

SIZE = 40, 48
NOWHERE = np.zeros((2, 3), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Triangles:
    """A mesh, every vertex with a texel of its own color."""

    positions: FloatArray
    uv: FloatArray
    faces: IntArray
    layers: IntArray


def atlas_of(colors: np.ndarray) -> Atlas:
    """Texels of one color each, uint8 (N, 4), each 4 pixels broad."""
    texels = np.zeros((4, 4 * len(colors), 5), dtype=np.uint8)
    texels[..., :4] = np.repeat(colors, 4, axis=0)[None]
    return Atlas(texels, np.zeros((*texels.shape[:2], 2), dtype=np.float32))


def flat_triangles(corners: np.ndarray, layers: list[int]) -> Triangles:
    """Triangles (F, 3, 3), each of the color of its number."""
    count = len(corners)
    uv = np.repeat(np.stack([4 * np.arange(count) + 1.0, np.ones(count)], axis=1), 3, axis=0)
    faces = np.arange(3 * count).reshape(count, 3)
    return Triangles(
        corners.reshape(-1, 3).astype(np.float32), uv.astype(np.float32), faces.astype(np.int32),
        np.array(layers, dtype=np.int32),
    )  # fmt: skip


def straight(mesh: Triangles) -> FloatArray:
    """Texture coordinates by which alpha and colors come from one place."""
    return np.concatenate([mesh.uv, np.zeros_like(mesh.uv)], axis=1)


def drawn_plainly(mesh: Triangles, colors: np.ndarray) -> np.ndarray:
    """What is to be drawn, pixel by pixel: of every layer the nearest fragment, the nearest few of these laid over."""
    picture = np.zeros((*SIZE, 4))
    for y, x in np.ndindex(*SIZE):
        nearest: dict[int, tuple[float, int]] = {}
        for number, (face, layer) in enumerate(zip(mesh.faces, mesh.layers, strict=True)):
            a, b, c = mesh.positions[face].astype(np.float64)
            try:
                two, three = np.linalg.solve(np.stack([(b - a)[:2], (c - a)[:2]], axis=1), np.array([x, y]) - a[:2])
            except np.linalg.LinAlgError:
                continue
            if min(two, three, 1 - two - three) < -1e-4:
                continue
            z = a[2] + two * (b - a)[2] + three * (c - a)[2]
            nearest[int(layer)] = min(nearest.get(int(layer), (np.inf, -1)), (z, number))
        left = 1.0
        for _, number in sorted(nearest.values())[:DEPTH_COUNT]:
            if left < 0.004:
                break
            picture[y, x] += left * colors[number]
            left *= 1 - colors[number, 3] / 255
    return picture


def random_colors(rng: np.random.Generator, count: int) -> np.ndarray:
    alpha = rng.integers(40, 256, (count, 1))
    return np.concatenate([rng.integers(0, 256, (count, 3)) * alpha // 255, alpha], axis=1).astype(np.uint8)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pictures_are_those_of_a_plain_a_buffer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # more layers than are kept, some with several triangles; some reach out of the picture
    corners = rng.uniform([-8, -8, -5], [56, 48, 5], (9, 3, 3))
    mesh = flat_triangles(corners, [0, 1, 2, 3, 4, 5, 6, 0, 1])
    colors = random_colors(rng, len(corners))
    surfaces = SurfaceStack.of(mesh.positions, straight(mesh), mesh, SIZE)
    picture, still = surfaces.laid_over(atlas_of(colors), NOWHERE)
    difference = np.abs(picture - drawn_plainly(mesh, colors)).max(axis=2)
    # single pixels exactly on an edge may fall to either side
    assert (difference < 0.01).mean() > 0.998
    assert (picture[..., 3] > 0).mean() > 0.3
    assert (picture[..., :3] <= picture[..., 3:] + 0.01).all()
    assert not still.any()


def test_the_nearer_layer_is_in_front_whatever_the_order_of_drawing() -> None:
    near, far = [[2, 2, 0], [40, 2, 0], [2, 36, 0]], [[2, 2, 1], [40, 2, 1], [2, 36, 1]]
    red, blue = (255, 0, 0, 255), (0, 0, 255, 255)
    for corners, colors in (([near, far], [red, blue]), ([far, near], [blue, red])):
        mesh = flat_triangles(np.array(corners, dtype=np.float32), [0, 1])
        picture, _ = draw(
            mesh.positions, straight(mesh), mesh, atlas_of(np.array(colors, dtype=np.uint8)), NOWHERE, SIZE
        ).whole()
        np.testing.assert_allclose(picture[10, 10], red, atol=0.01)


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_bands_make_no_difference(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    corners = rng.uniform([-8, -8, -5], [56, 48, 5], (12, 3, 3))
    mesh = flat_triangles(corners, [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5])
    atlas = atlas_of(random_colors(rng, len(corners)))
    rest = np.eye(2, 3, dtype=np.float32)
    whole = SurfaceStack.of(mesh.positions, straight(mesh), mesh, SIZE).drawn(atlas, rest)
    monkeypatch.setattr("motionwarp.avatar.renderer._BAND_PIXELS", rows * SIZE[1])
    for found, wanted in zip(draw(mesh.positions, straight(mesh), mesh, atlas, rest, SIZE).whole(), whole, strict=True):
        # where edges end is rounded from a band's own first row
        assert (np.abs(found - wanted) < 0.01).mean() > 0.999


def test_of_a_sheets_two_sides_in_one_place_the_one_that_faces_us_is_seen() -> None:
    """Whichever is drawn first, and wherever the rounding falls."""
    rng = np.random.default_rng(5)
    corners = rng.uniform([0, 0, -5], [48, 40, 5], (1, 3, 3))
    a, b, c = corners[0]
    facing = (b - a)[0] * (c - a)[1] > (b - a)[1] * (c - a)[0]
    both = np.stack([corners[0], corners[0][::-1]])
    red, blue = (255, 0, 0, 255), (0, 0, 255, 255)
    for order in ([0, 1], [1, 0]):
        mesh = flat_triangles(both[order], [1, 1])
        colors = np.array([(red if facing else blue), (blue if facing else red)], dtype=np.uint8)[order]
        picture, _ = draw(mesh.positions, straight(mesh), mesh, atlas_of(colors), NOWHERE, SIZE).whole()
        shown = picture[..., 3] > 250
        assert shown.sum() > 20
        assert (picture[shown][:, 0] > 250).all()


def test_half_a_layer_lets_the_other_half_through() -> None:
    corners = np.array([[[2, 2, z], [40, 2, z], [2, 36, z]] for z in (0, 1)], dtype=np.float32)
    mesh = flat_triangles(corners, [0, 1])
    colors = np.array([(128, 0, 0, 128), (0, 0, 255, 255)], dtype=np.uint8)
    picture, _ = draw(mesh.positions, straight(mesh), mesh, atlas_of(colors), NOWHERE, SIZE).whole()
    np.testing.assert_allclose(picture[10, 10], (128, 0, 127, 255), atol=0.1)


def test_an_edge_that_triangles_of_a_layer_share_neither_doubles_nor_tears() -> None:
    a, b, c, d = [4, 4, 0], [36, 4, 0], [4, 36, 0], [36, 36, 0]
    mesh = flat_triangles(np.array([[a, b, c], [b, d, c]], dtype=np.float32), [0, 0])
    colors = np.array([(100, 50, 0, 128)] * 2, dtype=np.uint8)
    picture, _ = draw(mesh.positions, straight(mesh), mesh, atlas_of(colors), NOWHERE, SIZE).whole()
    np.testing.assert_allclose(picture[5:36, 5:36, 3], 128, atol=0.01)


def test_only_texels_of_the_photo_at_their_place_are_still() -> None:
    positions = np.array([[0, 0, 0], [30, 0, 0], [0, 30, 0]], dtype=np.float32)
    mesh = Triangles(
        positions, positions[:, :2].copy(), np.array([[0, 1, 2]], dtype=np.int32), np.zeros(1, dtype=np.int32)
    )
    texels = np.full((40, 40, 5), 255, dtype=np.uint8)
    texels[:, 12:, 4] = 0
    atlas = Atlas(texels, np.zeros((40, 40, 2), dtype=np.float32))
    rest = np.eye(2, 3, dtype=np.float32)
    _, at_rest = draw(positions, straight(mesh), mesh, atlas, rest, SIZE).whole()
    _, moved = draw(positions + np.array([5, 0, 0], dtype=np.float32), straight(mesh), mesh, atlas, rest, SIZE).whole()
    assert at_rest[5, 5] == pytest.approx(1, abs=1e-4)
    assert at_rest[5, 18] == 0
    assert moved.max() < 0.01


def test_colors_from_elsewhere_keep_the_alpha_of_their_own_place() -> None:
    mesh = flat_triangles(np.array([[[2, 2, 0], [40, 2, 0], [2, 36, 0]]], dtype=np.float32), [0])
    atlas = atlas_of(np.array([(100, 0, 0, 100), (0, 200, 0, 200)], dtype=np.uint8))
    uv = straight(mesh)
    uv[:, 2] = 4
    picture, _ = draw(mesh.positions, uv, mesh, atlas, NOWHERE, SIZE).whole()
    np.testing.assert_allclose(picture[10, 10], (0, 100, 0, 100), atol=0.1)


def test_vertices_follow_their_bones() -> None:
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(20, 3)).astype(np.float32)
    bones = rng.integers(0, 3, (20, 4)).astype(np.int32)
    weights = rng.dirichlet(np.ones(4), 20).astype(np.float32)
    transforms = rng.normal(size=(3, 3, 4)).astype(np.float32)
    by_hand = np.zeros((20, 3))
    for vertex in range(20):
        for slot in range(4):
            matrix = transforms[bones[vertex, slot]].astype(np.float64)
            by_hand[vertex] += weights[vertex, slot] * (matrix[:, :3] @ positions[vertex] + matrix[:, 3])
    np.testing.assert_allclose(moved_positions(positions, bones, weights, transforms), by_hand, atol=1e-4)


def test_an_atlas_needs_a_place_for_every_texel() -> None:
    with pytest.raises(ValueError, match="home"):
        Atlas(np.zeros((4, 4, 5), dtype=np.uint8), np.zeros((4, 5, 2), dtype=np.float32))


def test_what_hides_all_behind_it_changes_no_picture() -> None:
    rng = np.random.default_rng(4)
    count = 60
    positions = np.column_stack(
        [rng.uniform(0, SIZE[1], 3 * count), rng.uniform(0, SIZE[0], 3 * count), rng.uniform(0, 30, 3 * count)]
    ).astype(np.float32)
    texels = np.full((40, 40, 5), 255, dtype=np.uint8)
    texels[..., :3] = rng.integers(0, 256, (40, 40, 3))
    texels[:, 20:, 3] = 100
    texels[..., :3] = np.minimum(texels[..., :3], texels[..., 3:4])
    atlas = Atlas(texels, np.zeros((40, 40, 2), dtype=np.float32))
    uv = np.zeros((3 * count, 4), dtype=np.float32)
    uv[:, :2] = np.repeat(rng.uniform(1, 37, (count, 2)), 3, axis=0) + rng.uniform(0, 1, (3 * count, 2))
    faces = np.arange(3 * count, dtype=np.int32).reshape(-1, 3)
    mesh = Triangles(positions, uv, faces, np.arange(count, dtype=np.int32))
    solid = atlas.solid(mesh, uv)
    boxes = uv[:, :2].reshape(count, 3, 2)
    assert solid[(np.ceil(boxes[..., 0].max(axis=1)) + 1) < 20].all()
    assert not solid[np.ceil(boxes[..., 0].max(axis=1)) >= 20].any()
    assert 5 < solid.sum() < count - 5
    every = draw(positions, uv, mesh, atlas, NOWHERE, SIZE)
    hiding = draw(positions, uv, mesh, atlas, NOWHERE, SIZE, solid)
    assert every.rgba[..., 3].mean() > 100
    np.testing.assert_allclose(hiding.rgba, every.rgba, atol=1e-2)
    np.testing.assert_allclose(hiding.still, every.still, atol=1e-3)
