"""Thin-plate splines against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.interpolate import RBFInterpolator

from motionwarp.geometry import thin_plate
from motionwarp.geometry.thin_plate import bending_matrix, control_points, control_size, displace, spline_basis


def doubles(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("size", [2, 3, 5])
def test_displacements_are_those_of_scipy(size: int) -> None:
    theta, points = 0.2 * doubles(size, 2, size * size), 1.5 * doubles(50, 40, 2)
    reference = RBFInterpolator(
        control_points(size, dtype=torch.float64).numpy(), theta.numpy().T, kernel="thin_plate_spline"
    )
    np.testing.assert_allclose((displace(points, theta) - points).numpy(), reference(points.numpy()), atol=1e-8)


def test_control_points_go_row_by_row() -> None:
    expected = [[-1, -1], [0, -1], [1, -1], [-1, 0], [0, 0], [1, 0], [-1, 1], [0, 1], [1, 1]]
    torch.testing.assert_close(control_points(3), torch.tensor(expected, dtype=torch.float32))


def test_zeros_are_the_identity() -> None:
    points = 3 * doubles(0, 20, 2).float()
    assert torch.equal(displace(points, torch.zeros(2, 25)), points)


def test_control_points_move_by_their_displacements() -> None:
    theta, control = 0.3 * doubles(1, 2, 16), control_points(4, dtype=torch.float64)
    torch.testing.assert_close(displace(control, theta), control + theta.T, atol=1e-9, rtol=0)


def test_affine_displacements_are_kept_beyond_the_grid() -> None:
    matrix, shift = 0.3 * doubles(2, 2, 2), doubles(3, 2)
    theta = (control_points(4, dtype=torch.float64) @ matrix.T + shift).T
    points = 5 * doubles(4, 30, 2)
    torch.testing.assert_close(displace(points, theta), points + points @ matrix.T + shift, atol=1e-9, rtol=0)


def test_basis_rows_sum_to_one() -> None:
    rows = spline_basis(2 * doubles(5, 30, 2), 5).sum(-1)
    torch.testing.assert_close(rows, torch.ones_like(rows))


def test_batches_are_independent() -> None:
    points, theta = doubles(6, 3, 7, 2), doubles(7, 3, 2, 9)
    together = displace(points, theta)
    for index in range(3):
        torch.testing.assert_close(together[index], displace(points[index], theta[index]))


def test_bending_energy_is_zero_for_affine_displacements_only() -> None:
    bending, control = bending_matrix(4), control_points(4, dtype=torch.float64)
    affine = control @ torch.tensor([0.3, -0.7], dtype=torch.float64) + 0.2
    assert abs((affine @ bending @ affine).item()) < 1e-9
    for seed in range(5):
        bent = doubles(seed, 16)
        assert (bent @ bending @ bent).item() > 1e-3


def test_bending_energy_is_quadratic_and_prefers_wide_bumps() -> None:
    bending = bending_matrix(5)
    lone = torch.zeros(25, dtype=torch.float64)
    lone[12] = 1
    wide = torch.cos(control_points(5, dtype=torch.float64) * np.pi / 2).prod(-1)
    energies = [(values @ bending @ values).item() for values in (lone, 2 * lone, wide)]
    assert energies[1] == pytest.approx(4 * energies[0])
    assert energies[2] < energies[0] / 2


def test_it_is_float32_inside_autocast() -> None:
    points, theta = doubles(8, 50, 2).float(), 0.1 * doubles(9, 2, 25).float()
    exact = displace(points, theta)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = displace(points, theta)
        from_half = displace(points, theta.bfloat16())
    assert inside.dtype == from_half.dtype == torch.float32
    torch.testing.assert_close(inside, exact)


def test_gradients_reach_points_and_displacements() -> None:
    points = doubles(10, 4, 2).requires_grad_()
    theta = (0.1 * doubles(11, 2, 9)).requires_grad_()
    assert torch.autograd.gradcheck(displace, (points, theta))


def test_training_may_come_after_inference() -> None:
    """The interpolation system is kept, whoever asks first."""
    thin_plate._solve.cache_clear()
    with torch.inference_mode():
        displace(doubles(1, 4, 2), doubles(2, 2, 9))
    theta = doubles(3, 2, 9).requires_grad_()
    displace(doubles(1, 4, 2), theta).sum().backward()
    assert theta.grad is not None


def test_gradients_are_finite_at_control_points() -> None:
    control = control_points(3).requires_grad_()
    displace(control, 0.1 * torch.ones(2, 9)).sum().backward()
    assert control.grad is not None
    torch.testing.assert_close(control.grad, torch.ones(9, 2), atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", [(9,), (3, 9), (2, 8), (2, 1)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="spline displacements"):
        control_size(torch.zeros(shape))


def test_a_grid_needs_two_points_a_side() -> None:
    with pytest.raises(ValueError, match="at least 2 x 2"):
        control_points(1)
