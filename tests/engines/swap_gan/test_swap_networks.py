"""SwapGAN's three generators: sizes as the paper describes them, gradients everywhere."""

from __future__ import annotations

import pytest
import torch

from motionwarp.engines.swap_gan.networks import (
    MaskGenerator,
    PictureGenerator,
    SwapGanConfig,
    SwapGanNetworks,
)
from motionwarp.errors import OptionError
from motionwarp.nn.blocks import parameter_count

TINY = SwapGanConfig(base=4, blocks=1, mask_downs=4, discriminator_base=4, height=32, width=24)


def convolution(before: int, after: int, kernel: int) -> int:
    return before * after * kernel**2 + after


def test_the_paper_size_has_the_parameters_of_its_layers() -> None:
    """Four convolutions, six blocks of two, three 1x1 on the way up with skips, and one that paints."""
    down = convolution(6, 64, 7) + convolution(64, 128, 3) + convolution(128, 256, 3) + convolution(256, 512, 3)
    blocks = 12 * convolution(512, 512, 3)
    up = convolution(512 + 256, 256, 1) + convolution(256 + 128, 128, 1) + convolution(128 + 64, 64, 1)
    assert parameter_count(PictureGenerator(3, 64, 6)) == down + blocks + up + convolution(64, 3, 1)
    mask = MaskGenerator(64, 8)
    assert (len(mask.down), len(mask.up) + 1) == (8, 8)
    networks = SwapGanNetworks(SwapGanConfig())
    assert networks.to_condition.down[0][0].in_channels == 3 + 5
    assert parameter_count(networks) > 70e6


def test_pictures_and_masks_have_the_pairs_size() -> None:
    networks = SwapGanNetworks(TINY)
    picture = torch.rand(2, 3, 32, 24)
    made = networks(picture, torch.rand(2, 3, 32, 24))
    back = networks.to_condition(made, torch.rand(2, 5, 32, 24))
    mask = networks.mask(back)
    assert made.shape == back.shape == picture.shape
    assert mask.shape == (2, 1, 32, 24)
    for each in (made.detach(), back.detach(), mask.detach()):
        assert 0 <= float(each.min()) <= float(each.max()) <= 1
    assert MaskGenerator(2, 8)(torch.rand(1, 3, 128, 128)).shape == (1, 1, 128, 128)


def test_gradients_reach_every_parameter() -> None:
    networks = SwapGanNetworks(TINY)
    made = networks(torch.rand(1, 3, 32, 24), torch.rand(1, 3, 32, 24))
    back = networks.to_condition(made, torch.rand(1, 5, 32, 24))
    (networks.mask(back).sum() + networks.mask(made).square().sum() + back.square().sum()).backward()
    missed = [name for name, parameter in networks.named_parameters() if parameter.grad is None]
    assert not missed


def test_the_pose_decides_what_is_drawn() -> None:
    torch.manual_seed(0)
    networks = SwapGanNetworks(TINY)
    picture = torch.rand(1, 3, 32, 24)
    one, other = (networks(picture, torch.rand(1, 3, 32, 24)) for _ in range(2))
    assert not torch.allclose(one, other)


def test_sizes_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(OptionError, match="multiples of 128"):
        SwapGanConfig(height=64)
    with pytest.raises(OptionError, match="at least two"):
        SwapGanConfig(mask_downs=1)
