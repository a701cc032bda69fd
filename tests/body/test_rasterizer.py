"""The rasterizer against a brute-force test of every pixel with every triangle, and against laws that it must keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from motionwarp.body import rasterizer
from motionwarp.body.rasterizer import Fragments, rasterize

Array = npt.NDArray[Any]


def brute_force(vertices: Array, faces: Array, height: int, width: int) -> tuple[Array, Array]:
    """Face and depth by barycentric coordinates of every pixel; a border of 1/64 pixel is left undecided (-2)."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    face, depth = np.full((height, width), -1), np.full((height, width), np.inf)
    undecided = np.zeros((height, width), bool)
    for number, corners in enumerate(vertices[faces].astype(np.float64)):
        (ax, ay, za), (bx, by, zb), (cx, cy, zc) = corners
        area = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
        if abs(area) < 1e-9:
            continue
        u = ((by - cy) * (x - cx) + (cx - bx) * (y - cy)) / area
        v = ((cy - ay) * (x - cx) + (ax - cx) * (y - cy)) / area
        lengths = [np.hypot(bx - cx, by - cy), np.hypot(cx - ax, cy - ay), np.hypot(ax - bx, ay - by)]
        distance = np.min(
            [w * abs(area) / length for w, length in zip((u, v, 1 - u - v), lengths, strict=True)], axis=0
        )
        z = u * za + v * zb + (1 - u - v) * zc
        undecided |= (abs(distance) < 1 / 64) & (z < depth + 0.1)
        nearer = (distance > 0) & (z < depth)
        undecided |= (distance > 0) & (abs(z - depth) < 0.05)
        face[nearer], depth[nearer] = number, z[nearer]
    face[undecided] = -2
    return face, depth


def soup(seed: int, count: int, size: int) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    centers = random.uniform(-10, size + 10, (count, 1, 2))
    corners = centers + random.normal(0, size / 8, (count, 3, 2))
    depth = random.uniform(1, 20, (count, 3, 1))
    vertices = np.concatenate([corners, depth], axis=2).reshape(-1, 3).astype(np.float32)
    return vertices, np.arange(3 * count, dtype=np.int32).reshape(-1, 3)


def sheet(size: int, seed: int) -> tuple[Array, Array]:
    """A grid of crooked triangles that covers a picture of that size and more."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[-4 : size + 6 : 3, -4 : size + 6 : 3].astype(np.float32)
    columns = x.shape[1]
    points = np.stack([x, y], axis=-1).reshape(-1, 2)
    points = points + random.uniform(-0.7, 0.7, points.shape)
    vertices = np.concatenate([points, np.ones((len(points), 1))], axis=1).astype(np.float32)
    start = (np.arange(x.shape[0] - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1)
    upper = np.stack([start, start + 1, start + columns], axis=1)
    lower = np.stack([start + 1, start + columns + 1, start + columns], axis=1)
    return vertices, np.concatenate([upper, lower]).astype(np.int32)


@pytest.mark.parametrize("seed", range(6))
def test_pixels_are_those_of_the_brute_force(seed: int) -> None:
    vertices, faces = soup(seed, 40, 64)
    found = rasterize(vertices, faces, 64, 80)
    face, depth = brute_force(vertices, faces, 64, 80)
    decided = face != -2
    assert decided.mean() > 0.7
    np.testing.assert_array_equal(found.face[decided], face[decided])
    inside = decided & (face >= 0)
    np.testing.assert_allclose(found.depth[inside], depth[inside], atol=0.15)  # 1/512 pixel on a steep triangle
    assert np.isinf(found.depth[face == -1]).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_closed_sheet_has_no_holes_and_no_pixel_twice(seed: int) -> None:
    vertices, faces = sheet(48, seed)
    assert rasterize(vertices, faces, 48, 48).covered.all()
    claimed = sum(rasterize(vertices, faces[[index]], 48, 48).covered.astype(int) for index in range(len(faces)))
    np.testing.assert_array_equal(claimed, np.ones((48, 48), int))


def test_edges_through_pixel_centers_are_claimed_once() -> None:
    square = np.array([[2, 2, 1], [10, 2, 1], [10, 10, 1], [2, 10, 1]], np.float32)
    both = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    claimed = sum(rasterize(square, both[[index]], 16, 16).covered.astype(int) for index in range(2))
    expected = np.zeros((16, 16), int)
    expected[2:10, 2:10] = 1  # the top and the left edge belong to it, the bottom and the right one do not
    np.testing.assert_array_equal(claimed, expected)
    np.testing.assert_array_equal(rasterize(square, both[:, ::-1].copy(), 16, 16).covered, expected == 1)


def test_the_nearer_triangle_is_in_front_whatever_the_order() -> None:
    corners = np.array([[0, 0], [30, 0], [0, 30]], np.float32)
    vertices = np.concatenate([np.column_stack([corners, np.full(3, depth)]) for depth in (5.0, 2.0, 9.0)]).astype(
        np.float32
    )
    faces = np.arange(9, dtype=np.int32).reshape(3, 3)
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        found = rasterize(vertices, faces[order], 20, 20)
        assert (found.depth[:10, :10] == 2).all()
        assert (found.face[:10, :10] == order.index(1)).all()


def test_triangles_that_cross_change_places_where_they_cross() -> None:
    vertices = np.array(
        [[-1, -1, 0], [41, -1, 42], [-1, 41, 0], [41, 41, 42], [-1, -1, 20], [90, -1, 20], [-1, 90, 20]], np.float32
    )
    faces = np.array([[0, 1, 2], [1, 3, 2], [4, 5, 6]], np.int32)
    found = rasterize(vertices, faces, 40, 40)
    assert (found.face[:, :19] < 2).all()
    assert (found.face[:, 20:] == 2).all()


def test_attributes_are_linear_in_the_picture() -> None:
    vertices, faces = sheet(40, 3)
    found = rasterize(vertices, faces, 40, 40)
    values = found.interpolate(vertices[:, :2].copy())
    y, x = np.mgrid[:40, :40]
    np.testing.assert_allclose(values, np.stack([x, y], axis=-1), atol=0.01)
    np.testing.assert_allclose(found.barycentric.sum(axis=2), 1, atol=1e-5)


def test_nothing_is_drawn_where_nothing_is() -> None:
    found = rasterize(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), 4, 5)
    assert (found.face == -1).all()
    assert (found.interpolate(np.zeros((0, 2), np.float32)) == 0).all()
    line = np.array([[0, 0, 1], [4, 4, 1], [2, 2, 1]], np.float32)
    assert not rasterize(line, np.array([[0, 1, 2]], np.int32), 5, 5).covered.any()
    beyond = np.array([[-50, -50, 1], [-40, -50, 1], [-50, -40, 1]], np.float32)
    assert not rasterize(beyond, np.array([[0, 1, 2]], np.int32), 5, 5).covered.any()


@pytest.mark.parametrize("seed", range(3))
def test_the_way_of_the_gpu_gives_the_same_pixels(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rasterizer, "_CANDIDATES_AT_ONCE", 3000)  # several chunks
    vertices, faces = soup(seed, 60, 64)
    vertices[:, 2] -= 10  # depths of both signs
    expected = rasterize(vertices, faces, 64, 80)
    found = rasterizer._rasterize_on_device(torch.from_numpy(vertices), torch.from_numpy(faces), 64, 80)
    np.testing.assert_array_equal(found.face.numpy(), expected.face)
    np.testing.assert_array_equal(found.depth.numpy(), expected.depth)
    np.testing.assert_allclose(found.barycentric.numpy(), expected.barycentric, atol=1e-6)
    attributes = np.random.default_rng(seed).normal(size=(len(vertices), 5)).astype(np.float32)
    np.testing.assert_allclose(
        found.interpolate(torch.from_numpy(attributes)).numpy(), expected.interpolate(attributes), atol=1e-5
    )


def test_tensors_give_tensors() -> None:
    vertices, faces = soup(0, 20, 32)
    found = rasterize(torch.from_numpy(vertices), torch.from_numpy(faces), 32, 32)
    assert isinstance(found.face, torch.Tensor)
    np.testing.assert_array_equal(found.face.numpy(), rasterize(vertices, faces, 32, 32).face)


@pytest.mark.parametrize(
    ("vertices", "faces", "size", "words"),
    [
        (np.zeros((3, 2)), np.zeros((1, 3)), (4, 4), "vertices"),
        (np.zeros((3, 3)), np.array([[0, 1, 3]]), (4, 4), "faces name"),
        (np.zeros((3, 3)), np.array([[-1, 1, 2]]), (4, 4), "faces name"),
        (np.full((3, 3), np.nan), np.array([[0, 1, 2]]), (4, 4), "finite"),
        (np.full((3, 3), 1e9), np.array([[0, 1, 2]]), (4, 4), "pixels"),
        (np.zeros((3, 3)), np.array([[0, 1, 2]]), (0, 4), "size"),
    ],
)
def test_what_is_no_mesh_is_refused(vertices: Array, faces: Array, size: tuple[int, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        rasterize(vertices.astype(np.float32), faces.astype(np.int32), *size)


def test_attributes_of_too_few_vertices_are_refused() -> None:
    vertices, faces = soup(0, 4, 16)
    found: Fragments[Any] = rasterize(vertices, faces, 16, 16)
    with pytest.raises(ValueError, match="rows of attributes"):
        found.interpolate(np.zeros((3, 2), np.float32))
