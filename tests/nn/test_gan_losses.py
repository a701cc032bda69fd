from __future__ import annotations

import pytest
import torch

from motionwarp.nn.losses.adversarial import discriminator_loss, generator_loss, pyramid_hierarchy_loss


def scales(*values: float) -> list[torch.Tensor]:
    return [torch.full((2, 1, 4 + index, 3), value) for index, value in enumerate(values)]


def test_least_squares_by_hand() -> None:
    assert discriminator_loss(scales(1.0, 0.0), scales(0.0, 2.0)) == pytest.approx(((0 + 0) / 2 + (1 + 4) / 2) / 2)
    assert generator_loss(scales(1.0, 3.0)) == pytest.approx((0 + 4) / 2)


def test_hinge_by_hand() -> None:
    assert discriminator_loss(scales(2.0, 0.5), scales(-3.0, 0.0), "hinge") == pytest.approx((0 + (0.5 + 1) / 2) / 2)
    assert generator_loss(scales(2.0, -1.0), "hinge") == pytest.approx(-0.5)


def test_pyramid_loss_is_zero_for_equal_features_and_weighted_by_layer() -> None:
    real = [[torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 1, 1), torch.zeros(1, 1, 1, 1)]] * 2
    fake = [[torch.full_like(layer, 0.5) for layer in scale] for scale in real]
    assert pyramid_hierarchy_loss(real, real) == 0
    # three layers are named in the paper: the fourth does not count
    assert pyramid_hierarchy_loss(real, fake, (1.0, 2.0, 4.0)) == pytest.approx(0.5 * 7)


def test_pyramid_loss_trains_the_fake_only() -> None:
    real, fake = torch.rand(1, 2, 4, 4, requires_grad=True), torch.rand(1, 2, 4, 4, requires_grad=True)
    pyramid_hierarchy_loss([[real]], [[fake]]).backward()
    assert real.grad is None
    assert fake.grad is not None


def test_cross_entropy_is_that_of_the_first_gans() -> None:
    real, fake = [torch.tensor([[2.0, -1.0]])], [torch.tensor([[0.5, -3.0]])]
    chances = [torch.sigmoid(logits[0]) for logits in (real, fake)]
    expected = -(chances[0].log().mean() + (1 - chances[1]).log().mean()) / 2
    assert torch.allclose(discriminator_loss(real, fake, "cross_entropy"), expected)
    assert torch.allclose(generator_loss(fake, "cross_entropy"), -chances[1].log().mean())
