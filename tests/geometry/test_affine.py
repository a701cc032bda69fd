"""Affine maps against NumPy and OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motionwarp.geometry.affine import (
    anchored,
    apply_affine,
    compose_affine,
    fit_affine,
    fit_similarity,
    identity_affine,
    invert_affine,
    mean_scale,
    segment_map,
    with_least_width,
)


def doubles(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def similarity(angle: float, scale: float, shift: tuple[float, float]) -> torch.Tensor:
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return torch.tensor([[cosine, -sine, shift[0]], [sine, cosine, shift[1]]], dtype=torch.float64)


def test_points_are_mapped_as_by_opencv() -> None:
    matrix, points = doubles(0, 2, 3), doubles(1, 7, 2)
    expected = cv2.transform(points.numpy()[None], matrix.numpy())[0]
    np.testing.assert_allclose(apply_affine(matrix, points).numpy(), expected, atol=1e-12)


def test_leading_dimensions_broadcast() -> None:
    maps, points = doubles(2, 4, 1, 2, 3), doubles(3, 3, 5, 2)
    mapped = apply_affine(maps, points)
    assert mapped.shape == (4, 3, 5, 2)
    torch.testing.assert_close(mapped[2, 1], apply_affine(maps[2, 0], points[1]))


def test_composition_applies_the_inner_map_first() -> None:
    outer, inner, points = doubles(4, 6, 2, 3), doubles(5, 6, 2, 3), doubles(6, 6, 9, 2)
    torch.testing.assert_close(
        apply_affine(compose_affine(outer, inner), points), apply_affine(outer, apply_affine(inner, points))
    )


def test_inverse_is_that_of_opencv() -> None:
    matrix = doubles(7, 2, 3)
    np.testing.assert_allclose(invert_affine(matrix).numpy(), cv2.invertAffineTransform(matrix.numpy()), rtol=1e-9)


def test_singular_maps_invert_to_finite_numbers() -> None:
    assert torch.isfinite(invert_affine(torch.zeros(2, 3))).all()


def test_identity_has_its_own_memory() -> None:
    maps = identity_affine(2, 3)
    maps[0, 0, 0, 2] = 5
    assert maps.shape == (2, 3, 2, 3)
    assert maps[1, 0, 0, 2] == 0


def test_mean_scale_is_the_root_of_the_area() -> None:
    matrix = torch.tensor([[2.0, 1.0, 9.0], [0.0, -8.0, 3.0]])
    assert mean_scale(matrix).item() == pytest.approx(4.0)


@settings(deadline=None, max_examples=50)
@given(
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(0.05, 20),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
    seed=st.integers(0, 99),
)
def test_a_similarity_is_found_again_from_its_points(angle: float, scale: float, x: float, y: float, seed: int) -> None:
    wanted = similarity(angle, scale, (x, y))
    points = 100 * doubles(seed, 6, 2)
    weights = torch.from_numpy(np.random.default_rng(seed).uniform(0.1, 1, 6))
    torch.testing.assert_close(
        fit_similarity(points, apply_affine(wanted, points), weights), wanted, rtol=1e-6, atol=1e-5
    )


def test_a_noisy_similarity_is_the_least_squares_solution_of_numpy() -> None:
    source = 50 * doubles(8, 12, 2)
    target = apply_affine(similarity(0.7, 1.4, (30, -20)), source) + doubles(9, 12, 2)
    x, y = source.numpy().T
    one, none = np.ones(12), np.zeros(12)
    design = np.concatenate([np.column_stack([x, -y, one, none]), np.column_stack([y, x, none, one])])
    a, b, shift_x, shift_y = np.linalg.lstsq(design, target.numpy().T.ravel(), rcond=None)[0]
    fitted = fit_similarity(source, target, torch.ones(12, dtype=torch.float64))
    np.testing.assert_allclose(fitted.numpy(), [[a, -b, shift_x], [b, a, shift_y]], rtol=1e-6)


def test_points_without_weight_do_not_count() -> None:
    source = 50 * doubles(10, 5, 2)
    target = apply_affine(similarity(0.2, 0.9, (3, 4)), source)
    target[4] += 1000
    weights = torch.tensor([1.0, 0.5, 1.0, 0.2, 0.0], dtype=torch.float64)
    torch.testing.assert_close(fit_similarity(source, target, weights), similarity(0.2, 0.9, (3, 4)))


def test_one_point_gives_a_translation_and_none_the_identity() -> None:
    source = torch.tensor([[1.0, 2.0], [7.0, 7.0]])
    target = torch.tensor([[11.0, -2.0], [0.0, 0.0]])
    one = fit_similarity(source, target, torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(one, torch.tensor([[1.0, 0.0, 10.0], [0.0, 1.0, -4.0]]))
    torch.testing.assert_close(fit_similarity(source, target, torch.zeros(2)), torch.eye(2, 3))


def test_without_pull_the_affine_fit_is_plain_least_squares() -> None:
    source, target = 30 * doubles(11, 10, 2), 30 * doubles(12, 10, 2)
    weights = np.random.default_rng(13).uniform(0.1, 1, 10)
    design = np.column_stack([source.numpy(), np.ones(10)])
    root = np.sqrt(weights)[:, None]
    expected = np.linalg.lstsq(root * design, root * target.numpy(), rcond=None)[0].T
    np.testing.assert_allclose(
        fit_affine(source, target, torch.from_numpy(weights), pull=0).numpy(), expected, rtol=1e-5
    )


def test_a_strong_pull_gives_the_similarity() -> None:
    source, target, weights = 30 * doubles(14, 10, 2), 30 * doubles(15, 10, 2), torch.ones(10, dtype=torch.float64)
    pulled = fit_affine(source, target, weights, pull=1e9)
    torch.testing.assert_close(pulled, fit_similarity(source, target, weights), rtol=1e-5, atol=1e-5)


def test_a_pull_minimizes_what_it_says() -> None:
    source, target, weights = doubles(16, 8, 2), doubles(17, 8, 2), torch.full((8,), 0.125, dtype=torch.float64)
    pull, turned = 0.3, fit_similarity(source, target, weights)
    arm = source - source.mean(0)
    spread = 0.5 * (weights * (arm**2).sum(-1)).sum()

    def cost(matrix: torch.Tensor) -> torch.Tensor:
        missed = ((apply_affine(matrix, source) - target) ** 2).sum(-1)
        return (weights * missed).sum() + pull * spread * ((matrix - turned)[:, :2] ** 2).sum()

    fitted = fit_affine(source, target, weights, pull=pull).requires_grad_()
    (gradient,) = torch.autograd.grad(cost(fitted), fitted)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-6, rtol=0)


def test_a_negative_pull_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        fit_affine(torch.zeros(3, 2), torch.zeros(3, 2), torch.ones(3), pull=-1)


def test_segments_meet_with_their_own_widths() -> None:
    source = torch.tensor([[10.0, 10.0], [10.0, 30.0]])  # down
    target = torch.tensor([[50.0, 50.0], [80.0, 50.0]])  # to the right, 1.5 times as long
    matrix = segment_map(source[0], source[1], target[0], target[1], torch.tensor(0.5), torch.tensor(1.5))
    torch.testing.assert_close(apply_affine(matrix, source), target)
    # turned by -90 degrees, what was to the right is above, at half the distance
    torch.testing.assert_close(apply_affine(matrix, torch.tensor([[14.0, 10.0]])), torch.tensor([[50.0, 48.0]]))


def test_a_negative_width_mirrors_a_segment() -> None:
    start, end = torch.tensor([0.0, 0.0]), torch.tensor([0.0, 9.0])
    matrix = segment_map(start, end, start, end, torch.tensor(-1.0), torch.tensor(1.0))
    torch.testing.assert_close(matrix, torch.tensor([[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 9999), least=st.floats(0.05, 2))
def test_singular_values_are_at_least_the_least_width(seed: int, least: float) -> None:
    matrix = doubles(seed, 2, 3)
    widened = with_least_width(matrix, torch.tensor(least, dtype=torch.float64))
    before = np.linalg.svd(matrix[:, :2].numpy(), compute_uv=False)
    after = np.linalg.svd(widened[:, :2].numpy(), compute_uv=False)
    np.testing.assert_allclose(after, np.maximum(before, least), rtol=1e-6)
    assert torch.det(widened[:, :2]) > 0
    torch.testing.assert_close(widened[:, 2], matrix[:, 2])


def test_wide_maps_stay_as_they_are() -> None:
    matrix = similarity(1.0, 2.0, (3, 4))
    torch.testing.assert_close(with_least_width(matrix, torch.tensor(0.5, dtype=torch.float64)), matrix)


def test_anchored_maps_take_the_point_to_its_place() -> None:
    matrix, source, target = doubles(18, 4, 2, 3), doubles(19, 4, 2), doubles(20, 4, 2)
    moved = anchored(matrix, source, target)
    torch.testing.assert_close(apply_affine(moved, source[:, None])[:, 0], target)
    torch.testing.assert_close(moved[..., :2], matrix[..., :2])


def test_fits_are_differentiable_even_where_points_coincide() -> None:
    source = torch.ones(1, 4, 2, requires_grad=True)
    weights = torch.ones(1, 4)
    fit_affine(source, source.detach() + 3, weights, pull=0.1).sum().backward()
    assert source.grad is not None
    assert torch.isfinite(source.grad).all()


def test_autocast_does_not_round_coordinates() -> None:
    outer, inner = doubles(21, 2, 3).float(), (500 * doubles(22, 2, 3)).float()
    exact = compose_affine(outer, inner)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = compose_affine(outer, inner)
        fitted = fit_affine(doubles(23, 5, 2).float(), doubles(24, 5, 2).float(), torch.ones(5), pull=0.1)
    assert inside.dtype == fitted.dtype == torch.float32
    torch.testing.assert_close(inside, exact)
