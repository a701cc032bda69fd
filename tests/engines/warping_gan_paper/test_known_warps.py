from __future__ import annotations

import pytest
import torch

from motionwarp.engines.warping_gan_paper.config import KnownWarpConfig
from motionwarp.engines.warping_gan_paper.training import random_warps
from motionwarp.geometry.grids import normalizing_map

CPU = torch.device("cpu")


def test_warps_of_no_range_leave_everything_in_place() -> None:
    warps = random_warps((3, 64, 48), 3, KnownWarpConfig(0, 0, 0, 0, 0), CPU)
    points = torch.tensor([[0.0, 0.0], [47.0, 63.0], [13.0, 5.5]])
    moved = warps.map_points(points, normalizing_map(64, 48))
    assert torch.allclose(moved, points.expand_as(moved), atol=1e-3)


def test_turning_keeps_distances_though_the_picture_is_no_square() -> None:
    torch.manual_seed(1)
    warps = random_warps((4, 128, 64), 3, KnownWarpConfig(degrees=40, shear=0, scale=0, shift=0.2, bend=0), CPU)
    linear = warps.theta_affine[:, 0, :, :2]
    assert torch.allclose(linear @ linear.transpose(1, 2), torch.eye(2).expand(4, 2, 2), atol=1e-5)
    assert (linear[:, 0, 1].abs() > 0.05).any()


@pytest.mark.parametrize("size", [3, 5])
def test_parameters_stay_in_their_ranges_and_differ(size: int) -> None:
    torch.manual_seed(2)
    config = KnownWarpConfig()
    warps = random_warps((64, 64, 48), size, config, CPU)
    assert warps.size == size
    assert warps.theta_tps.abs().max() <= config.bend
    area = torch.linalg.det(warps.theta_affine[:, 0, :, :2])
    assert area.min() >= 2 ** (-2 * config.scale) - 1e-4
    assert area.max() <= 2 ** (2 * config.scale) + 1e-4
    assert area.std() > 0.1
