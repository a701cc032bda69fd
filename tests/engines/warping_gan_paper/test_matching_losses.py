from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from motionwarp.engines.warping_gan_paper.training import bending_loss, grid_loss, parsing_agreement, warped_parsing
from motionwarp.geometry.thin_plate import displace
from motionwarp.geometry.warps import PartWarps


def block(left: int, label: int = 5) -> Tensor:
    """One-hot parsing (1, 20, 32, 24) with a block of one class."""
    labels = torch.zeros(1, 32, 24, dtype=torch.long)
    labels[:, 8:20, left : left + 6] = label
    return torch.nn.functional.one_hot(labels, 20).permute(0, 3, 1, 2).float()


def shifted(x: float, y: float = 0.0) -> PartWarps:
    """Target pixels look at the source `x` to the right and `y` down."""
    theta = torch.eye(2, 3).view(1, 1, 2, 3).clone()
    theta[..., 0, 2], theta[..., 1, 2] = x, y
    return PartWarps(theta, torch.zeros(1, 1, 2, 9))


def test_a_parsing_moved_onto_its_target_agrees() -> None:
    moved = warped_parsing(block(4), shifted(-7))
    assert torch.allclose(moved, block(11), atol=1e-5)
    agreement = parsing_agreement(moved, block(11))
    assert agreement["l1"] == pytest.approx(0, abs=1e-5)
    assert agreement["cross_entropy"] == pytest.approx(0, abs=1e-4)


def test_what_comes_from_beyond_the_picture_is_background() -> None:
    full = torch.zeros(1, 20, 32, 24)
    full[:, 5] = 1
    moved = warped_parsing(full, shifted(12))
    assert torch.equal(moved[:, 0, :, 12:], torch.ones(1, 32, 12))
    assert torch.allclose(moved.sum(1), torch.ones(1, 32, 24))


def test_disagreement_is_counted_by_pixels() -> None:
    # 72 pixels of a block that is nowhere, and 72 where it should not be, of 768; each is wrong in two classes
    agreement = parsing_agreement(block(4), block(14))
    assert agreement["l1"] == pytest.approx(2 * 144 / 768)
    assert agreement["cross_entropy"] == pytest.approx(-math.log(1e-4) * 144 / 768, rel=1e-4)


def test_pixels_that_are_not_known_do_not_count() -> None:
    target = block(14)
    target[:, :, 8:20] = 0
    assert parsing_agreement(block(4), target)["l1"] == 0


def test_a_shift_costs_its_square() -> None:
    # 3 pixels of 24 are a quarter in units of half the width
    assert grid_loss(shifted(3), shifted(0), 32, 24) == pytest.approx(0.25**2, rel=1e-4)
    assert grid_loss(shifted(3, 4), shifted(0), 32, 24) == pytest.approx(0.25**2 + 0.25**2, rel=1e-4)
    assert grid_loss(shifted(3), shifted(3), 32, 24) == 0


def test_only_bending_costs() -> None:
    line = torch.linspace(-1, 1, 3)
    y, x = torch.meshgrid(line, line, indexing="ij")
    affine = torch.stack([0.3 * x - 0.1 * y + 0.2, 0.05 * y]).view(1, 1, 2, 9)
    assert bending_loss(affine) == pytest.approx(0, abs=1e-6)
    bent = torch.stack([0.2 * x * x, torch.zeros_like(x)]).view(1, 1, 2, 9)
    assert bending_loss(bent) > 1e-3
    assert bending_loss(2 * bent) == pytest.approx(4 * float(bending_loss(bent)), rel=1e-4)


def test_more_bending_costs_more_second_differences() -> None:
    torch.manual_seed(0)
    small, large = 0.05 * torch.randn(1, 2, 9), torch.zeros(1, 2, 9)
    large[..., 4] = 0.5  # a peak in the middle

    def roughness(theta: Tensor) -> float:
        line = torch.linspace(-1, 1, 41)
        y, x = torch.meshgrid(line, line, indexing="ij")
        moved = displace(torch.stack([x, y], -1).view(1, -1, 2), theta).view(41, 41, 2)
        return float(moved.diff(n=2, dim=0).square().mean() + moved.diff(n=2, dim=1).square().mean())

    assert (bending_loss(small) < bending_loss(large)) == (roughness(small) < roughness(large))


def test_gradients_move_the_warp_towards_the_truth() -> None:
    theta = torch.eye(2, 3).view(1, 1, 2, 3).clone().requires_grad_()
    warps = PartWarps(theta, torch.zeros(1, 1, 2, 9))
    parsing_agreement(warped_parsing(block(8), warps), block(11))["l1"].backward()
    assert theta.grad is not None
    # the target's block lies to the right: its pixels must look further left
    assert theta.grad[0, 0, 0, 2] > 0
