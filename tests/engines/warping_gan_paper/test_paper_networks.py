from __future__ import annotations

import pytest
import torch

from motionwarp.engines.warping_gan_paper.networks import (
    GeometricMatcher,
    GeometricMatcherConfig,
    WarpingBlock,
    WarpingGenerator,
    WarpingGeneratorConfig,
    correlation,
)
from motionwarp.geometry.grids import pixel_lattice, to_sampling
from motionwarp.geometry.warps import PartWarps

SMALL = GeometricMatcherConfig(channels=(8, 8, 8), regression=(16, 8), height=96, width=88)


def one_hot(*boxes: tuple[int, int, int, int]) -> torch.Tensor:
    parsing = torch.zeros(len(boxes), 20, 96, 88)
    for row, (left, top, right, bottom) in enumerate(boxes):
        parsing[row, 5, top:bottom, left:right] = 1
    parsing[:, 0] = 1 - parsing.sum(1)
    return parsing


def resting_grid(batch: int, height: int, width: int) -> torch.Tensor:
    return to_sampling(pixel_lattice(height, width), height, width).expand(batch, -1, -1, -1)


def test_the_matcher_starts_at_the_identity() -> None:
    warps = GeometricMatcher(SMALL)(one_hot((10, 10, 40, 60), (5, 5, 50, 50)), one_hot((20, 20, 60, 80), (0, 0, 9, 9)))
    assert warps.theta_affine.shape == (2, 1, 2, 3)
    assert warps.theta_tps.shape == (2, 1, 2, 9)
    assert torch.allclose(warps.theta_affine, PartWarps.identity(2, 1, size=3).theta_affine, atol=1e-5)
    grid = warps.sampling_grid(96, 88, 96, 88)[:, 0]
    assert torch.allclose(grid, resting_grid(2, 96, 88), atol=1e-5)


def test_correlation_peaks_where_features_are_the_same() -> None:
    torch.manual_seed(0)
    source = torch.randn(1, 32, 4, 5)
    target = torch.roll(source, shifts=(1, 2), dims=(2, 3))
    best = correlation(source, target).argmax(dim=1)[0]
    for row in range(4):
        for column in range(5):
            assert best[row, column] == (row - 1) % 4 * 5 + (column - 2) % 5


def test_the_matcher_learns_a_shift() -> None:
    torch.manual_seed(0)
    matcher = GeometricMatcher(SMALL).train()
    source, target = one_hot((10, 20, 40, 60), (30, 30, 60, 80)), one_hot((26, 28, 56, 68), (46, 38, 76, 88))
    optimizer = torch.optim.Adam(matcher.parameters(), lr=3e-3)
    for _ in range(60):
        points = matcher(source, target).map_points(
            torch.tensor([[[[40.0, 40.0]], [[10.0, 70.0]]]]).transpose(0, 1), _units()
        )
        loss = (points[:, 0, 0] - torch.tensor([[24.0, 32.0], [-6.0, 62.0]])).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 4


def _units() -> torch.Tensor:
    from motionwarp.geometry.grids import normalizing_map

    return normalizing_map(96, 88)


def test_a_closed_gate_leaves_the_features_alone_and_an_open_one_adds_the_warped_residual() -> None:
    torch.manual_seed(0)
    block = WarpingBlock(8, 4).eval()
    features, condition = torch.rand(2, 8, 12, 10), torch.rand(2, 4, 24, 20)
    shift = resting_grid(2, 24, 20) + torch.tensor([2 * 3 / 10, 0.0])  # three feature columns to the right
    torch.nn.init.constant_(block.gate[2].bias, -100.0)
    warped, gate = block(features, shift, condition)
    assert torch.equal(warped, features)
    assert gate.max() < 1e-6
    torch.nn.init.constant_(block.gate[2].bias, 100.0)
    warped, gate = block(features, shift, condition)
    expected = features.clone()
    expected[..., :7] += block.residual(features)[..., 3:]
    assert torch.allclose(warped[..., :7], expected[..., :7], atol=1e-4)
    assert gate.min() > 1 - 1e-6


def test_the_gate_depends_on_the_pose_change() -> None:
    torch.manual_seed(0)
    block = WarpingBlock(8, 4).eval()
    features = torch.rand(1, 8, 12, 10)
    one = block(features, resting_grid(1, 12, 10), torch.zeros(1, 4, 12, 10))[1]
    other = block(features, resting_grid(1, 12, 10) * 0.5, torch.ones(1, 4, 12, 10))[1]
    assert (one - other).abs().max() > 1e-3
    assert ((one >= 0) & (one <= 1)).all()


@pytest.mark.parametrize(("parsing", "warping"), [(True, True), (False, True), (True, False)])
def test_generator_and_its_ablations_give_pictures(parsing: bool, warping: bool) -> None:
    torch.manual_seed(0)
    generator = WarpingGenerator(WarpingGeneratorConfig(base=4, blocks=1, parsing=parsing, warping=warping))
    inputs = [torch.rand(2, channels, 32, 24) for channels in (3, 20, 20, 18, 18)]
    output = generator(*inputs, resting_grid(2, 32, 24))
    assert output.rgb.shape == (2, 3, 32, 24)
    assert ((output.rgb >= 0) & (output.rgb <= 1)).all()
    assert (output.gate is not None) == warping
    (output.rgb * torch.rand_like(output.rgb)).sum().backward()
    silent = [
        name for name, value in generator.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0
    ]
    assert [name for name in silent if not name.endswith("bias")] == []
