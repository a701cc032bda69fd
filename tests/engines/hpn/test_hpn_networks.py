"""HPN's network: the paper's shapes and how it grows, what the loss sees, and the flow of garments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from motionwarp.engines.hpn.flow import GarmentFlow, GarmentFlowConfig, identity_grid
from motionwarp.engines.hpn.losses import ProgressivePerceptualLoss, cut_regions, descriptor_count, local_regions
from motionwarp.engines.hpn.networks import HpnConfig, HpnNetwork
from motionwarp.errors import OptionError
from motionwarp.nn.blocks import parameter_count
from motionwarp.pose.regions import region_centers, region_corners

SMALL = HpnConfig(resolution=32, first_resolution=16, bottleneck_size=8, bottleneck_channels=32, sigma=0.8)


def test_channels_halve_as_the_size_doubles_from_1024_at_32() -> None:
    paper = HpnConfig()
    assert [paper.channels(size) for size in (32, 64, 128, 256, 512, 1024)] == [1024, 512, 256, 128, 64, 32]
    assert paper.levels == paper.block_sizes == (64, 128, 256, 512, 1024)


def counted(config: HpnConfig) -> int:
    """Parameters by the description: two 3x3 convolutions a block without bias, norms, and 1x1 convolutions."""
    total = 0
    for size in config.block_sizes:
        outer, inner = config.channels(size), config.channels(size // 2)
        joined = 2 * inner + (18 if size == config.block_sizes[0] else 0)
        encoder = 9 * outer * outer + 9 * outer * inner + 2 * (outer + inner)
        decoder = 9 * joined * outer + 9 * outer * outer + 4 * outer
        total += encoder + decoder
    outer = config.channels(config.resolution)
    return total + (3 * outer + outer) + (3 * outer + 3) + (outer + 1)


@pytest.mark.parametrize(("resolution", "millions"), [(64, 18.96), (256, 24.87), (1024, 25.24)])
def test_the_papers_size_has_the_parameters_of_its_description(resolution: int, millions: float) -> None:
    config = HpnConfig(resolution=resolution)
    with torch.device("meta"):
        network = HpnNetwork(config)
    assert parameter_count(network) == counted(config)
    assert parameter_count(network) / 1e6 == pytest.approx(millions, abs=0.01)


def test_the_bottleneck_is_1024_x_32_x_32_at_every_level() -> None:
    with torch.device("meta"):
        network = HpnNetwork(HpnConfig(), all_levels=True).eval()
    seen: list[torch.Size] = []
    network.decoder["64"].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape))
    network.encoder["64"].register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    for size in network.config.levels:
        made = network(torch.empty(1, 3, size, size, device="meta"), torch.empty(1, 18, 32, 32, device="meta"))
        assert made.rgb.shape == (1, 3, size, size)
        assert made.coverage.shape == (1, 1, size, size)
        # 1024 channels before pooling; behind it they and the 18 maps are enlarged and joined with the skip
        assert seen == [(1, 1024, 64, 64), (1, 1024 + 18 + 1024, 64, 64)]
        seen.clear()


def test_the_pose_enters_the_bottleneck_and_nowhere_else() -> None:
    network = HpnNetwork(SMALL).eval()
    assert network.encoder["32"][0].in_channels == network.from_rgb["32"].out_channels
    image = torch.rand(1, 3, 32, 32)
    deepest: list[Tensor] = []
    network.encoder["16"].register_forward_hook(lambda module, inputs, output: deepest.append(output))
    one = network(image, torch.zeros(1, 18, 8, 8)).rgb
    other = network(image, torch.rand(1, 18, 8, 8)).rgb
    assert torch.equal(deepest[0], deepest[1])
    assert not torch.allclose(one, other)


def test_gradients_reach_every_parameter_of_a_level_and_none_of_another() -> None:
    network = HpnNetwork(SMALL, all_levels=True)
    made = network(torch.rand(2, 3, 16, 16), torch.rand(2, 18, 8, 8))
    (made.rgb.square().mean() + made.coverage.square().mean()).backward()
    for name, parameter in network.named_parameters():
        if ".32." in name:
            assert parameter.grad is None, name
        else:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name
    whole = HpnNetwork(SMALL)
    made = whole(torch.rand(2, 3, 32, 32), torch.rand(2, 18, 8, 8))
    (made.rgb.square().mean() + made.coverage.square().mean()).backward()
    assert all(bool(parameter.grad.abs().sum() > 0) for parameter in whole.parameters() if parameter.grad is not None)
    assert all(parameter.grad is not None for parameter in whole.parameters())


def test_a_level_by_itself_draws_what_it_drew_while_others_were_there() -> None:
    network = HpnNetwork(SMALL, all_levels=True).eval()
    for size in SMALL.levels:
        image, pose = torch.rand(1, 3, size, size), torch.rand(1, 18, 8, 8)
        alone = network.at_level(size)
        assert torch.equal(network(image, pose).rgb, alone(image, pose).rgb)
        assert alone.config.resolution == size
    with pytest.raises(ValueError, match="heights of 16, got 32"):
        network.at_level(16)(torch.rand(1, 3, 32, 32), pose)


def test_poses_are_drawn_where_the_bottleneck_sees_them() -> None:
    network = HpnNetwork(replace(SMALL, aspect=0.75))
    points = torch.zeros(1, 18, 3)
    points[0, 4] = torch.tensor([4 * 3 + 1.5, 4 * 5 + 1.5, 1.0])  # the middle of the bottleneck's pixel (3, 5)
    maps = network.pose_maps(points, 32)
    assert maps.shape == (1, 18, 8, 6)
    assert maps[0, 4, 5, 3] == 1
    assert maps[0, 4, 5, 4] == pytest.approx(float(np.exp(-1 / (2 * 0.8**2))))
    assert not maps[0, 5].any()


@pytest.mark.parametrize(
    "changes", [{"resolution": 96}, {"first_resolution": 32}, {"bottleneck_channels": 16}, {"aspect": 0.7}]
)
def test_sizes_that_do_not_fit_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        HpnConfig(**changes)  # type: ignore[arg-type]


def test_descriptors_become_denser_with_the_resolution() -> None:
    assert [descriptor_count(size) for size in (64, 128, 256, 512, 1024)] == [18, 18, 31, 31, 44]


def test_regions_are_an_eighth_of_the_side_round_the_points() -> None:
    points = torch.zeros(2, 18, 3)
    points[0, 0] = torch.tensor([31.5, 31.5, 1.0])
    points[1, 3] = torch.tensor([5.0, 60.0, 1.0])
    points[1, 4] = torch.tensor([5.0, 70.0, 1.0])  # outside
    owners, corners, side = local_regions(points, 64, 64, 18)
    assert side == 8
    assert owners.tolist() == [0, 1]
    assert corners.tolist() == [[28, 28], [56, 2]]
    picture = torch.arange(2 * 64 * 64).view(2, 1, 64, 64).float()
    cut = cut_regions(picture, owners, corners, side)
    assert torch.equal(cut[0], picture[0, :, 28:36, 28:36])
    assert torch.equal(cut[1], picture[1, :, 56:64, 2:10])
    expected = region_corners(region_centers(points[0].numpy(), 18), 64, 64, 8)
    assert corners[:1].tolist() == expected.tolist()


class Plain(nn.Module):
    """The picture, and half of it at half the size."""

    def forward(self, picture: Tensor) -> list[Tensor]:
        return [picture, nn.functional.avg_pool2d(picture, 2) / 2]


def test_the_loss_is_global_and_local_with_the_criterion_of_the_half() -> None:
    torch.manual_seed(0)
    made, true = torch.rand(2, 3, 64, 64, requires_grad=True), torch.rand(2, 3, 64, 64)
    points = torch.ones(2, 18, 3)
    points[..., :2] = torch.randint(8, 56, (2, 18, 2)).float()
    loss = ProgressivePerceptualLoss(Plain())
    for squared, distance in ((True, lambda x: x.square().mean()), (False, lambda x: x.abs().mean())):
        parts = loss(made, true, points, squared=squared, count=18)

        def of(one: Tensor, other: Tensor) -> Tensor:
            halves = [nn.functional.avg_pool2d(each, 2) / 2 for each in (one, other)]
            return distance(one - other) + distance(halves[0] - halves[1])  # noqa: B023 - used at once

        assert torch.allclose(parts["global"], of(made, true))
        local = torch.zeros(())
        for picture in range(2):
            for column, row in points[picture, :, :2].int().tolist():
                # squares of even sides lie half a pixel up and left, as rounding to even has it
                top, left = (int(np.rint(value - 3.5)) for value in (row, column))
                square = np.s_[picture : picture + 1, :, top : top + 8, left : left + 8]
                local = local + of(made[square], true[square]) / 2
        assert torch.allclose(parts["local"], local, rtol=1e-4)
    assert set(loss(made, true, points, squared=True, count=None)) == {"global"}
    nobody = loss(made, true, torch.zeros(2, 18, 3), squared=True, count=44)["local"]
    nobody.backward()
    assert nobody == 0


def test_a_new_flow_nearly_leaves_the_garment_where_it_is() -> None:
    torch.manual_seed(0)
    network = GarmentFlow(GarmentFlowConfig(32, 24, (4, 8, 8)))
    garment, mask = torch.rand(2, 3, 32, 24), torch.ones(2, 1, 32, 24)
    grid = network(garment, mask, mask)
    assert grid.shape == (2, 32, 24, 2)
    assert (grid - identity_grid(32, 24, grid.device)).abs().max() < 0.05
    assert torch.allclose(
        GarmentFlow.warp(garment, identity_grid(32, 24, grid.device).expand(2, -1, -1, -1)), garment, atol=1e-3
    )
    (grid.square().mean()).backward()
    assert all(parameter.grad is not None and bool(parameter.grad.any()) for parameter in network.parameters())
