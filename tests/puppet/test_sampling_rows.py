"""The loops that sample textures on a CPU, against PyTorch's `grid_sample`."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motionwarp.compiled import exponential
from motionwarp.geometry.grids import affine_lattice, sample
from motionwarp.puppet.compositor import PartBoxes, sample_part, sample_part_affinely, to_bytes

# turned, shrunk and far out of the texture on one side; enlarged; beyond it
MAPS = torch.tensor(
    [
        [[0.0513, 0.0207, -1.4071], [-0.0203, 0.0609, -0.7057]],
        [[0.01, 0, -0.313], [0, 0.0113, -0.227]],
        [[0.05, 0, 3], [0, 0.05, 0]],
    ]
)


def texture(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    classes = torch.randint(0, 20, (1, 1, height, width), generator=generator).float()
    return torch.rand(1, 4, height, width, generator=generator), classes


def boxes(height: int, width: int) -> PartBoxes:
    corners = np.array([[3, 5], [0, 0], [11, 2]])
    return PartBoxes(corners, height, width, corners, corners + np.array([width, height]))


@pytest.mark.parametrize("size", [(23, 31), (1, 1), (3, 40)])
def test_sampled_as_by_grid_sample(size: tuple[int, int]) -> None:
    rgba, classes = texture(*size)
    placement = boxes(47, 53)
    grid = affine_lattice(MAPS, 47, 53, torch.from_numpy(placement.corners).float())
    wanted = sample(rgba.expand(3, -1, -1, -1), grid)
    nearest = sample(classes.expand(3, -1, -1, -1), grid, mode="nearest")
    for found in (sample_part(rgba, classes, grid, placement), sample_part_affinely(rgba, classes, MAPS, placement)):
        torch.testing.assert_close(found.rgba, wanted, atol=2e-5, rtol=0)
        assert found.parsing is not None
        assert found.parsing.shape == (3, 1, 47, 53)
        # halfway between two pixels rounding decides
        assert (found.parsing != nearest).float().mean() < 2e-3
    assert wanted[0].max() > 0.3
    assert wanted[2].max() == 0
    assert sample_part(rgba, None, grid, placement).parsing is None


def test_a_texture_may_lie_in_memory_either_way() -> None:
    rgba, _ = texture(23, 31)
    placement = boxes(20, 20)
    one = sample_part_affinely(rgba, None, MAPS, placement).rgba
    other = sample_part_affinely(rgba.contiguous(memory_format=torch.channels_last), None, MAPS, placement).rgba
    assert torch.equal(one, other)


def test_colors_are_rounded_and_never_exceed_alpha() -> None:
    rgba = torch.rand(4, 9, 7, generator=torch.Generator().manual_seed(1)) * 1.2 - 0.1
    levels = to_bytes(rgba)
    wanted = (rgba.clamp(0, 1) * 255).round().numpy().transpose(1, 2, 0)
    wanted[..., :3] = np.minimum(wanted[..., :3], wanted[..., 3:])
    np.testing.assert_array_equal(levels, wanted.astype(np.uint8))


def test_the_exponential_is_exact_to_float32() -> None:
    values = np.concatenate([np.linspace(-86.9, 87.9, 5001), [0.0, -1e-8, 30.0]]).astype(np.float32)
    found = np.array([exponential(value) for value in values], dtype=np.float64)
    np.testing.assert_allclose(found, np.exp(values.astype(np.float64)), rtol=4e-7)
    assert exponential(np.float32(-1e30)) == 0
    assert np.isfinite(exponential(np.float32(1e30)))
