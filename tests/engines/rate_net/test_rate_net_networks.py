"""RATE-Net's networks: PATN's and the paper's shapes and counts, the code, the residual sum, gradients."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from motionwarp.engines.rate_net.networks import (
    AdaptiveNorm,
    PoseAttentionBlock,
    PoseTransferModule,
    RateDiscriminatorConfig,
    RateNetConfig,
    RateNetGenerator,
    ResidualDiscriminator,
)
from motionwarp.errors import OptionError
from motionwarp.nn.blocks import parameter_count

SMALL = RateNetConfig(
    height=32, width=24, base=4, downs=2, blocks=3, code=8, texture_blocks=1, adaptive_blocks=1, sigma=16.0
)


def inputs(count: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    return torch.rand(count, 3, 32, 24), torch.rand(count, 18, 32, 24), torch.rand(count, 18, 32, 24)


def test_with_two_halvings_the_pose_module_is_patns() -> None:
    with torch.device("meta"):
        module = PoseTransferModule(RateNetConfig(downs=2))
    # PATN's paper, Table 3: 41.36 million; the fourth channel is ours
    assert parameter_count(module) - (49 * 64 + 1) == 41_358_019


def test_the_papers_size_has_three_halvings_nine_blocks_and_128_numbers() -> None:
    with torch.device("meta"):
        network = RateNetGenerator().eval()
        maps = torch.empty(1, 18, 256, 256)
        made = network.pose(torch.empty(1, 3, 256, 256), maps, maps)
        assert made.features.shape == (1, 512, 32, 32)
        assert made.coarse.shape == (1, 3, 256, 256)
        assert network.texture is not None
        assert network.texture.code(torch.empty(2, 3, 256, 256)).shape == (2, 128)
        assert network.texture(torch.empty(1, 3, 256, 256), made.features).shape == (1, 3, 256, 256)
    assert len(network.pose.blocks) == 9
    assert network.pose.blocks[0].pose[0][1].in_channels == 512
    assert all(block.pose[0][1].in_channels == 1024 for block in network.pose.blocks[1:])
    assert parameter_count(network.pose) / 1e6 == pytest.approx(165.24, abs=0.01)


def test_attention_says_what_changes() -> None:
    torch.manual_seed(0)
    block = PoseAttentionBlock(4, first=True)
    image, pose = torch.rand(1, 4, 6, 6), torch.rand(1, 4, 6, 6)
    last = block.pose[-1]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.constant_(last.bias, -40.0)
    kept, asked = block(image, pose)
    assert torch.allclose(kept, image)
    assert torch.equal(asked[:, 4:], kept)
    torch.nn.init.constant_(last.bias, 40.0)
    moved, _ = block(image, pose)
    assert torch.allclose(moved, image + block.image(image))


def test_the_final_picture_is_the_coarse_one_and_a_residual() -> None:
    torch.manual_seed(0)
    network = RateNetGenerator(SMALL)
    image, source, target = inputs()
    made = network(image, source, target)
    assert network.texture is not None
    residual = network.texture(image, network.pose(image, source, target).features)
    assert torch.allclose(made.rgb, made.coarse + residual / 2, atol=1e-6)
    assert made.coverage.shape == (2, 1, 32, 24)
    alone = RateNetGenerator(replace(SMALL, texture=False))
    made = alone(image, source, target)
    assert alone.texture is None
    assert torch.equal(made.rgb, made.coarse)


def test_the_code_is_a_mean_over_places_and_sets_scale_and_shift() -> None:
    torch.manual_seed(0)
    network = RateNetGenerator(SMALL).texture
    assert network is not None
    image = torch.rand(1, 3, 1, 1).expand(1, 3, 32, 24)
    # of a flat picture every size has the same code
    assert torch.allclose(network.code(image), network.code(image[..., :16, :16]), atol=1e-5)
    norm = AdaptiveNorm(3, 2)
    torch.nn.init.zeros_(norm.affine.weight)
    norm.affine.bias.data = torch.tensor([1.0, 2.0, 0.0, 0.5, -1.0, 0.0])
    made = norm(torch.rand(2, 3, 16, 16), torch.rand(2, 2))
    assert torch.allclose(made.mean((2, 3)), torch.tensor([0.5, -1.0, 0.0]).expand(2, 3), atol=1e-4)
    assert torch.allclose(made.std((2, 3)), torch.tensor([2.0, 3.0, 1.0]).expand(2, 3), rtol=1e-2)


def test_gradients_reach_every_parameter() -> None:
    torch.manual_seed(0)
    network = RateNetGenerator(SMALL)
    made = network(*inputs())
    (made.rgb.square().mean() + made.coverage.square().mean()).backward()
    # a bias before an instance norm does nothing, and its gradient is rounding alone
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
    judge = ResidualDiscriminator(6, RateDiscriminatorConfig(base=4, blocks=1))
    judge(torch.rand(2, 6, 32, 24)).square().mean().backward()
    assert all(parameter.grad is not None and bool(parameter.grad.any()) for parameter in judge.parameters())


def test_discriminators_have_patns_shape() -> None:
    with torch.device("meta"):
        judge = ResidualDiscriminator(21)
        assert judge(torch.empty(1, 21, 256, 256)).shape == (1, 1, 64, 64)
    # 7x7 to 64, two strided ones to 256, three residual blocks, one logit
    expected = (49 * 21 * 64 + 64) + (9 * 64 * 128 + 128) + (9 * 128 * 256 + 256) + 6 * (9 * 256 * 256 + 256) + 257
    assert parameter_count(judge) == expected


def test_heat_maps_are_six_pixels_wide_at_256() -> None:
    points = torch.tensor([[[100.0, 50.0, 1.0]] * 18])
    maps = RateNetConfig().pose_maps(points)
    assert maps.shape == (1, 18, 256, 256)
    assert maps[0, 0, 50, 106] == pytest.approx(float(torch.exp(torch.tensor(-0.5))))
    half = RateNetConfig(height=128, width=96).pose_maps(points / torch.tensor([2.0, 2.0, 1.0]))
    assert half[0, 0, 25, 53] == pytest.approx(float(torch.exp(torch.tensor(-0.5))))


@pytest.mark.parametrize("changes", [{"height": 100}, {"base": 0}, {"code": 0}, {"sigma": 0.0}])
def test_sizes_that_do_not_fit_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        RateNetConfig(**changes)  # type: ignore[arg-type]
