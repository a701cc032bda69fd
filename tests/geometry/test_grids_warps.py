"""Sampling grids and the parts' warps, against OpenCV and closed forms."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from motionwarp.geometry.affine import apply_affine, compose_affine, identity_affine, invert_affine
from motionwarp.geometry.grids import affine_lattice, from_sampling, normalizing_map, pixel_lattice, sample, to_sampling
from motionwarp.geometry.thin_plate import displace
from motionwarp.geometry.warps import PartWarps

HEIGHT, WIDTH = 37, 53


def picture(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> torch.Tensor:
    """A smooth random picture (1, 3, H, W), so that small errors of place stay small in color."""
    rough = np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)
    return torch.from_numpy(cv2.GaussianBlur(rough, (0, 0), 2.0)).permute(2, 0, 1)[None].contiguous()


def random_warps(seed: int, *leading: int, size: int = 5) -> PartWarps:
    generator = torch.Generator().manual_seed(seed)
    affine = identity_affine(*leading) + 0.1 * torch.randn(*leading, 2, 3, generator=generator)
    affine[..., 2] *= 30
    return PartWarps(affine, 0.05 * torch.randn(*leading, 2, size * size, generator=generator))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 7), (HEIGHT, WIDTH)])
def test_the_lattice_in_sampling_units_is_that_of_torch(height: int, width: int) -> None:
    expected = functional.affine_grid(torch.eye(2, 3)[None], [1, 1, height, width], align_corners=False)[0]
    torch.testing.assert_close(to_sampling(pixel_lattice(height, width), height, width), expected)
    torch.testing.assert_close(
        affine_lattice(normalizing_map(height, width), height, width), expected, atol=1e-6, rtol=0
    )


@settings(deadline=None, max_examples=30)
@given(height=st.integers(1, 4000), width=st.integers(1, 4000), x=st.floats(-100, 4100), y=st.floats(-100, 4100))
def test_sampling_units_and_back(height: int, width: int, x: float, y: float) -> None:
    point = torch.tensor([x, y], dtype=torch.float64)
    torch.testing.assert_close(
        from_sampling(to_sampling(point, height, width), height, width), point, atol=1e-8, rtol=0
    )


def test_affine_lattice_maps_every_pixel_of_its_box() -> None:
    matrix = random_warps(1, 3).theta_affine
    origin = torch.tensor([[5.0, 7.0], [-3.0, 0.0], [100.0, 2.0]])
    points = pixel_lattice(6, 9) + origin[:, None, None]  # (3, 6, 9, 2)
    expected = apply_affine(matrix, points.flatten(1, 2)).unflatten(1, (6, 9))
    torch.testing.assert_close(affine_lattice(matrix, 6, 9, origin), expected, atol=1e-4, rtol=0)


def test_the_identity_samples_the_picture_itself() -> None:
    source = picture()
    grid = PartWarps.identity(1, size=5).sampling_grid(HEIGHT, WIDTH, HEIGHT, WIDTH)
    torch.testing.assert_close(sample(source, grid), source, atol=2e-5, rtol=0)


def test_an_affine_warp_is_that_of_opencv() -> None:
    source = picture(2)
    matrix = torch.tensor([[0.8, 0.3, 4.2], [-0.2, 1.1, 2.7]])
    grid = PartWarps(matrix[None], torch.zeros(1, 2, 9)).sampling_grid(41, 47, HEIGHT, WIDTH)
    expected = cv2.warpAffine(
        source[0].permute(1, 2, 0).numpy(), matrix.numpy(), (47, 41), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    # inside only: at the edge, some versions of OpenCV round positions to 1/32 of a pixel
    inside = cv2.erode((expected.min(axis=2) > 0.2).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert inside.sum() > 800
    difference = np.abs(sample(source, grid)[0].permute(1, 2, 0).numpy() - expected)[inside]
    assert difference.max() < 0.01


def test_nothing_is_seen_outside_the_picture() -> None:
    far = PartWarps(torch.tensor([[[1.0, 0.0, 500.0], [0.0, 1.0, 0.0]]]), torch.zeros(1, 2, 9))
    assert sample(picture(), far.sampling_grid(8, 8, HEIGHT, WIDTH)).abs().max() == 0


def test_nearest_sampling_keeps_labels() -> None:
    labels = torch.randint(0, 20, (1, 1, HEIGHT, WIDTH)).float()
    seen = sample(labels, random_warps(3, 1).sampling_grid(HEIGHT, WIDTH, HEIGHT, WIDTH), mode="nearest")
    assert torch.equal(seen, seen.round())


def test_points_go_through_the_spline_first_and_the_affine_map_then() -> None:
    warps = random_warps(4, 2)
    frame = normalizing_map(HEIGHT, WIDTH)
    points = 30 * torch.rand(2, 11, 2)
    bent = apply_affine(invert_affine(frame), displace(apply_affine(frame, points), warps.theta_tps))
    torch.testing.assert_close(
        warps.map_points(points, frame), apply_affine(warps.theta_affine, bent), atol=1e-3, rtol=0
    )


def test_the_grid_holds_the_mapped_points() -> None:
    warps, frame = random_warps(5, 3), normalizing_map(100, 90)
    origin = torch.tensor([[10.0, 20.0], [0.0, 0.0], [40.0, 1.0]])
    grid = warps.sampling_grid(12, 9, HEIGHT, WIDTH, origin=origin, control_frame=frame)
    points = (pixel_lattice(12, 9) + origin[:, None, None]).flatten(1, 2)
    expected = warps.map_points(points, frame).unflatten(1, (12, 9))
    torch.testing.assert_close(from_sampling(grid, HEIGHT, WIDTH), expected, atol=2e-3, rtol=0)


def test_without_a_control_frame_the_box_itself_is_one() -> None:
    warps, origin = random_warps(9, 2), torch.tensor([40.0, -25.0])
    frame = compose_affine(normalizing_map(12, 9), torch.tensor([[1.0, 0.0, -40.0], [0.0, 1.0, 25.0]]))
    points = (pixel_lattice(12, 9) + origin).flatten(0, 1)
    expected = warps.map_points(points, frame).unflatten(1, (12, 9))
    grid = warps.sampling_grid(12, 9, HEIGHT, WIDTH, origin=origin)
    torch.testing.assert_close(from_sampling(grid, HEIGHT, WIDTH), expected, atol=2e-3, rtol=0)


def test_one_sampling_is_sharper_than_two() -> None:
    """A shift by half a pixel there and back gives the picture back; sampling at each step would blur it."""
    checks = (torch.arange(16)[:, None] + torch.arange(16)).remainder(2).float()[None, None]
    there = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]])
    back = invert_affine(there)
    once = PartWarps(compose_affine(there, back)[None], torch.zeros(1, 2, 4)).sampling_grid(16, 16, 16, 16)
    torch.testing.assert_close(sample(checks, once), checks, atol=1e-5, rtol=0)
    seen = checks
    for matrix in (there, back):
        seen = sample(seen, PartWarps(matrix[None], torch.zeros(1, 2, 4)).sampling_grid(16, 16, 16, 16))
    assert (seen - checks).abs().mean() > 0.4


@pytest.mark.parametrize(("height", "width"), [(1, 1), (8, 9), (64, 50), (65, 17)])
def test_a_stride_hardly_moves_anything(height: int, width: int) -> None:
    warps, frame = random_warps(6, 2), normalizing_map(900, 600)
    exact, coarse = (
        from_sampling(warps.sampling_grid(height, width, 900, 600, control_frame=frame, stride=stride), 900, 600)
        for stride in (1, 8)
    )
    assert exact.shape == coarse.shape == (2, height, width, 2)
    assert (exact - coarse).norm(dim=-1).max() < 0.1
    torch.testing.assert_close(coarse[:, ::8, ::8], exact[:, ::8, ::8], atol=1e-3, rtol=0)


@settings(deadline=None, max_examples=20)
@given(batch=st.integers(0, 3), parts=st.integers(1, 4), size=st.integers(2, 5), seed=st.integers(0, 99))
def test_flatten_and_back(batch: int, parts: int, size: int, seed: int) -> None:
    warps = random_warps(seed, batch, parts, size=size)
    flat = warps.flatten()
    again = PartWarps.from_flat(flat, parts, size)
    assert flat.shape == (batch, parts * (6 + 2 * size**2))
    assert again.part_count == parts
    assert again.size == size
    assert torch.equal(again.theta_affine, warps.theta_affine)
    assert torch.equal(again.theta_tps, warps.theta_tps)


def test_a_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="have 48 parameters, got 47"):
        PartWarps.from_flat(torch.zeros(2, 47), 2, 3)


def test_disagreeing_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in their parts"):
        PartWarps(identity_affine(2), torch.zeros(3, 2, 9))
    with pytest.raises(ValueError, match="theta_affine has shape"):
        PartWarps(torch.zeros(2, 3), torch.zeros(2, 9))


def test_gradients_reach_all_parameters() -> None:
    warps = random_warps(7, 2, 3)
    affine, tps = warps.theta_affine.requires_grad_(), warps.theta_tps.requires_grad_()
    grid = PartWarps(affine, tps).sampling_grid(20, 20, HEIGHT, WIDTH)
    sample(picture().expand(6, -1, -1, -1), grid.flatten(0, 1)).sum().backward()
    for gradient in (affine.grad, tps.grad):
        assert gradient is not None
        assert torch.isfinite(gradient).all()
        assert (gradient.abs().flatten(2).amax(-1) > 0).all()


def test_autocast_does_not_round_the_grid() -> None:
    warps, source = random_warps(8, 1), picture()
    exact = sample(source, warps.sampling_grid(HEIGHT, WIDTH, HEIGHT, WIDTH))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = sample(source, warps.sampling_grid(HEIGHT, WIDTH, HEIGHT, WIDTH))
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, exact)
