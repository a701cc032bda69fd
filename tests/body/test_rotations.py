"""Rotations against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from motionwarp.body.rotations import (
    angle_between,
    matrix_from_6d,
    matrix_from_vector,
    sixd_from_matrix,
    vector_from_matrix,
)


def random_vectors(count: int, seed: int, size: float) -> torch.Tensor:
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * size


@pytest.mark.parametrize("size", [1e-6, 1e-2, 1.0, 4.0])
def test_vectors_give_the_rotations_of_scipy(size: float) -> None:
    vectors = random_vectors(50, 0, size)
    expected = Rotation.from_rotvec(vectors.numpy()).as_matrix()
    np.testing.assert_allclose(matrix_from_vector(vectors).numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("size", [1e-7, 1e-3, 0.5, 1.0])
def test_vectors_come_back(size: float) -> None:
    vectors = random_vectors(50, 1, size)
    vectors = vectors / vectors.norm(dim=1, keepdim=True).clamp(min=3) * 3  # below half a turn
    np.testing.assert_allclose(vector_from_matrix(matrix_from_vector(vectors)).numpy(), vectors.numpy(), atol=1e-5)


def test_half_turns_have_an_axis() -> None:
    axes = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0.8, 0], [-0.48, 0.6, 0.64]])
    matrices = matrix_from_vector(axes * torch.pi)
    np.testing.assert_allclose(matrix_from_vector(vector_from_matrix(matrices)).numpy(), matrices.numpy(), atol=1e-3)


def test_six_numbers_give_rotations_and_come_back() -> None:
    six = torch.randn(100, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    matrices = matrix_from_6d(six)
    np.testing.assert_allclose((matrices @ matrices.mT).numpy(), np.broadcast_to(np.eye(3), (100, 3, 3)), atol=1e-9)
    np.testing.assert_allclose(torch.det(matrices).numpy(), 1)
    np.testing.assert_allclose(matrix_from_6d(sixd_from_matrix(matrices) * 3).numpy(), matrices.numpy(), atol=1e-9)


def test_angles_are_those_of_scipy() -> None:
    first, second = (matrix_from_vector(random_vectors(60, seed, 1.5)) for seed in (3, 4))
    expected = (Rotation.from_matrix(first.numpy()).inv() * Rotation.from_matrix(second.numpy())).magnitude()
    np.testing.assert_allclose(angle_between(first, second).numpy(), expected, atol=3e-3)


def test_gradients_are_finite_at_nothing() -> None:
    vector = torch.zeros(3, requires_grad=True)
    matrix = matrix_from_vector(vector)
    (matrix.sum() + angle_between(matrix, torch.eye(3))).backward()
    assert vector.grad is not None
    assert torch.isfinite(vector.grad).all()
