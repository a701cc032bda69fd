from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from motionwarp.nn.losses.perceptual import perceptual_loss
from motionwarp.nn.losses.reconstruction import (
    alpha_sharpness_loss,
    blend_variance_loss,
    copy_prior_loss,
    gradient_l1,
    over_background,
    structure_loss,
    weighted_l1,
)
from motionwarp.perception.features import AnalyzerFeatures
from motionwarp.perception.network import Analyzer, AnalyzerConfig

SMALL = AnalyzerConfig(channels=(8, 8, 8, 16, 16), blocks=(1, 1, 1, 1), pyramid_channels=(8, 8, 8), dense_channels=8)


def pictures(count: int = 2, height: int = 24, width: int = 20) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    true = torch.rand(count, 3, height, width, generator=generator)
    return (true + 0.3 * torch.rand(count, 3, height, width, generator=generator)).clamp(0, 1), true


def similarity_map(made: np.ndarray, true: np.ndarray, window: int, stride: int) -> np.ndarray:
    """SSIM of Wang et al. 2004 with uniform windows, window by window, (rows, columns) of one channel."""
    rows = range(0, made.shape[0] - window + 1, stride)
    columns = range(0, made.shape[1] - window + 1, stride)
    result = np.empty((len(rows), len(columns)))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            a, b = (plane[row : row + window, column : column + window] for plane in (made, true))
            covariance = ((a - a.mean()) * (b - b.mean())).mean()
            result[i, j] = ((2 * a.mean() * b.mean() + 1e-4) * (2 * covariance + 9e-4)) / (
                (a.mean() ** 2 + b.mean() ** 2 + 1e-4) * (a.var() + b.var() + 9e-4)
            )
    return result


@pytest.mark.parametrize(("window", "stride"), [(7, 2), (7, 1), (5, 3)])
def test_structure_is_ssim_over_uniform_windows(window: int, stride: int) -> None:
    made, true = pictures()
    maps = np.array(
        [
            [similarity_map(made[b, c].double().numpy(), true[b, c].double().numpy(), window, stride) for c in range(3)]
            for b in range(2)
        ]
    )
    loss = structure_loss(made, true, torch.ones(2, 1, 24, 20), window, stride)
    assert loss.item() == pytest.approx(1 - maps.mean(), abs=1e-5)
    # a window counts as much as the weight in it
    weight = torch.zeros(2, 1, 24, 20)
    weight[0, :, 5:16, 3:9], weight[1] = 1.0, 0.25
    counted = np.array(
        [
            [
                weight[b, 0, i * stride : i * stride + window, j * stride : j * stride + window].mean()
                for j in range(maps.shape[3])
            ]
            for b in range(2)
            for i in range(maps.shape[2])
        ]
    ).reshape(2, 1, *maps.shape[2:])
    wanted = (counted * (1 - maps)).sum() / (3 * counted.sum())
    assert structure_loss(made, true, weight, window, stride).item() == pytest.approx(wanted, abs=1e-5)


def test_structure_agrees_with_scikit_image() -> None:
    made, true = pictures(1)
    both = [plane[0].permute(1, 2, 0).double().numpy() for plane in (made, true)]
    _, whole = structural_similarity(
        *both,
        win_size=7,
        data_range=1.0,
        channel_axis=2,
        gaussian_weights=False,
        use_sample_covariance=False,
        full=True,
    )
    wanted = 1 - whole[3:-3, 3:-3].mean()
    assert structure_loss(made, true, torch.ones(1, 1, 24, 20), 7, 1).item() == pytest.approx(wanted, abs=1e-5)


LOSSES: tuple[Callable[[Tensor, Tensor, Tensor], Tensor], ...] = (weighted_l1, gradient_l1, structure_loss)


@pytest.mark.parametrize("loss", LOSSES)
def test_equal_pictures_cost_nothing_and_others_something(loss: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    made, true = pictures()
    weight = torch.rand(2, 1, 24, 20)
    assert loss(true, true, weight).item() == pytest.approx(0, abs=2e-6)
    assert loss(made, true, weight) > 0.01
    assert loss(made, true, torch.zeros_like(weight)) == 0


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_right_and_end_where_nothing_counts(loss: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    made, true = pictures(1, 9, 9)
    weight = torch.ones(1, 1, 9, 9, dtype=torch.float64)
    made, true = made.double().requires_grad_(), true.double()
    assert torch.autograd.gradcheck(lambda picture: loss(picture, true, weight), (made,), atol=1e-6)
    weight[..., :, 5:] = 0
    loss(made, true, weight).backward()
    assert made.grad is not None
    assert made.grad[..., :4].abs().sum() > 0
    if loss is not structure_loss:  # its windows reach over the weight's edge
        assert made.grad[..., 6:].abs().sum() == 0


def test_a_flat_pictures_structure_has_a_finite_gradient() -> None:
    made = torch.full((1, 3, 16, 16), 0.4, requires_grad=True)
    structure_loss(made, torch.full((1, 3, 16, 16), 0.6), torch.ones(1, 1, 16, 16)).backward()
    assert made.grad is not None
    assert made.grad.isfinite().all()
    assert made.grad.abs().sum() > 0


def test_differences_by_hand() -> None:
    true = torch.zeros(1, 3, 8, 8)
    made = true.clone()
    made[:, :, 2, 2] = 0.5  # one of 64 pixels
    weight = torch.ones(1, 1, 8, 8)
    assert weighted_l1(made, true, weight).item() == pytest.approx(0.5 / 64)
    weight[..., 2, 2] = 9
    assert weighted_l1(made, true, weight).item() == pytest.approx(9 * 0.5 / 72)
    # a lone pixel has two edges in each direction, among 8 x 7 differences
    assert gradient_l1(made, true, torch.ones(1, 1, 8, 8)).item() == pytest.approx(2 * (2 * 0.5) / 56)


def test_a_person_lies_over_the_background() -> None:
    rgb, alpha = torch.rand(2, 3, 4, 4), torch.rand(2, 1, 4, 4)
    alpha[..., 0, 0], alpha[..., 1, 1] = 0, 1
    background = torch.tensor([[0.1, 0.2, 0.3], [0.9, 0.5, 0.0]])
    laid = over_background(rgb, alpha, background)
    torch.testing.assert_close(laid[..., 0, 0], background)
    torch.testing.assert_close(laid[..., 1, 1], rgb[..., 1, 1])
    torch.testing.assert_close(laid[1, 0, 2, 3], rgb[1, 0, 2, 3] * alpha[1, 0, 2, 3] + 0.9 * (1 - alpha[1, 0, 2, 3]))


def test_features_are_the_analyzers_and_are_not_trained() -> None:
    torch.manual_seed(0)
    analyzer = Analyzer(SMALL)
    features = AnalyzerFeatures(analyzer)
    picture = torch.rand(1, 3, 64, 48)
    before = {name: value.clone() for name, value in features.state_dict().items()}
    features.train()
    assert not features.training
    assert not any(module.training for module in features.modules())
    levels = features(picture)
    assert [tuple(level.shape[2:]) for level in levels] == [(32, 24), (16, 12), (8, 6)]
    torch.testing.assert_close(levels[0], analyzer.eval().stem(picture * 2 - 1))
    assert not any(parameter.requires_grad for parameter in features.parameters())
    for name, value in features.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_perceptual_loss_is_relative_to_the_features_size() -> None:
    torch.manual_seed(0)
    features = AnalyzerFeatures(Analyzer(SMALL))
    made, true = pictures(1, 64, 48)
    made.requires_grad_()
    true.requires_grad_()
    assert perceptual_loss(features, true, true) == 0
    loss = perceptual_loss(features, made, true)
    pairs = zip(features(made), features(true), strict=True)
    wanted = np.mean([float(((a - b).abs().mean() / (b.abs().mean() + 1e-3)).detach()) for a, b in pairs])
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-5)
    loss.backward()
    assert made.grad is not None
    assert made.grad.abs().sum() > 0
    assert true.grad is None  # only what is made is moved
    nearer = perceptual_loss(features, 0.5 * (made + true), true)
    assert nearer < loss


def test_painting_counts_only_where_the_source_has_pixels() -> None:
    share = torch.zeros(1, 1, 4, 4)
    share[..., :2] = 0.5
    covered = torch.zeros(1, 1, 4, 4)
    covered[..., 1:] = 1.0
    # of twelve covered pixels, four are half painted
    assert copy_prior_loss(share, covered, torch.ones(1, 1, 4, 4)).item() == pytest.approx(4 * 0.5 / 12)
    assert copy_prior_loss(share, torch.zeros_like(covered), torch.ones(1, 1, 4, 4)).item() == 0


def test_hedging_is_transparency_that_the_truth_does_not_have_nearby() -> None:
    matte = torch.zeros(1, 1, 16, 16)
    matte[..., :8] = 1.0
    sharp, weight = matte.clone(), torch.ones_like(matte)
    assert alpha_sharpness_loss(sharp, matte, weight).item() == 0
    ghost = matte.clone()
    ghost[..., 12:, 12:] = 0.5
    assert alpha_sharpness_loss(ghost, matte, weight).item() == pytest.approx(16 * 0.25 / 256)
    soft = matte.clone()
    soft[..., 8] = 0.5
    assert alpha_sharpness_loss(soft, soft, weight).item() == 0  # a true soft edge
    moved = matte.clone()
    moved[..., 6] = 0.5
    assert alpha_sharpness_loss(moved, soft, weight).item() == 0  # and one a little beside


def test_ghosting_is_the_mean_variance_where_it_counts() -> None:
    variance = torch.zeros(1, 1, 4, 4)
    variance[..., 0] = 0.25
    weight = torch.zeros(1, 1, 4, 4)
    weight[..., :2] = 1.0
    assert blend_variance_loss(variance, weight).item() == pytest.approx(0.125)
    assert blend_variance_loss(variance, torch.zeros_like(weight)).item() == 0
