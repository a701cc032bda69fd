"""Generators, discriminators and histories: sizes as published, gradients everywhere."""

from __future__ import annotations

import pytest
import torch

from motionwarp.engines.cyclegan.networks import PicturePool, TranslationConfig, Translators
from motionwarp.errors import OptionError
from motionwarp.nn.blocks import parameter_count
from motionwarp.nn.discriminator import PatchDiscriminator

TINY = TranslationConfig(forward=2, backward=3, base=4, blocks=1, height=32, width=16)


def convolution(before: int, after: int, kernel: int) -> int:
    return before * after * kernel**2 + after


def test_the_paper_size_has_the_parameters_of_its_layers() -> None:
    """CycleGAN's published generator of 9 blocks has 11.378 million, its discriminator 2.765 million."""
    blocks = 18 * convolution(256, 256, 3)
    way = convolution(3, 64, 7) + convolution(64, 128, 3) + convolution(128, 256, 3)
    back = convolution(256, 128, 3) + convolution(128, 64, 3) + convolution(64, 3, 7)
    generators = Translators(TranslationConfig())
    assert parameter_count(generators) == 2 * (way + blocks + back)
    assert parameter_count(generators) / 2 == pytest.approx(11.378e6, abs=500)
    assert parameter_count(PatchDiscriminator(64)) == pytest.approx(2.765e6, abs=500)


def test_a_discriminator_judges_patches_of_seventy_pixels() -> None:
    judge = PatchDiscriminator(4)
    assert judge(torch.rand(1, 3, 256, 256)).shape == (1, 1, 30, 30)
    picture = torch.zeros(1, 3, 256, 256, requires_grad=True)
    # without norms, which see the whole picture, a verdict depends on its patch alone
    layers = [layer for layer in judge.layers if not isinstance(layer, torch.nn.InstanceNorm2d)]
    torch.nn.Sequential(*layers)(picture)[0, 0, 15, 15].backward()
    assert picture.grad is not None
    rows = picture.grad[0].abs().sum(dim=(0, 2)).nonzero().flatten()
    assert int(rows.max() - rows.min()) + 1 == 70


def test_pictures_keep_their_size_and_range() -> None:
    networks = Translators(TINY)
    steps = networks.steps(torch.rand(2, 3, 32, 20), "b2a")
    assert [tuple(step.shape) for step in steps] == [(2, 3, 32, 20)] * 3
    assert len(networks.steps(torch.rand(1, 3, 32, 16), "a2b")) == 2
    assert all(float(step.detach().min()) >= 0 and float(step.detach().max()) <= 1 for step in steps)


@pytest.mark.parametrize("direction", ["a2b", "b2a"])
def test_gradients_reach_every_parameter(direction: str) -> None:
    networks = Translators(TINY)
    made = networks(torch.rand(1, 3, 32, 16), direction)  # type: ignore[arg-type]
    (made - torch.rand_like(made)).square().sum().backward()
    for name, parameter in networks.named_parameters():
        reached = parameter.grad is not None and bool(torch.isfinite(parameter.grad).all())
        assert reached == name.startswith(direction), name


def test_a_history_gives_back_older_pictures() -> None:
    torch.manual_seed(0)
    pool = PicturePool(4, (1, 1, 1))
    numbers = [torch.full((1, 1, 1, 1), float(number)) for number in range(60)]
    given = [float(pool.exchanged(number)) for number in numbers]
    assert given[:4] == [0, 1, 2, 3]
    older = [number for number, out in enumerate(given[4:], 4) if out != number]
    assert 0.3 < len(older) / 56 < 0.7
    assert all(given[number] < number for number in older)
    without = PicturePool(0, (1, 1, 1))
    assert all(float(without.exchanged(number)) == float(number) for number in numbers)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(OptionError, match="multiples of 4"):
        TranslationConfig(height=50)
    with pytest.raises(OptionError, match="at least one generator"):
        TranslationConfig(forward=0)
