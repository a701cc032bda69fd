"""Sampling grids for `torch.nn.functional.grid_sample` and the way from pixels to its coordinates and back.

Points are in pixels whose centers are at integers. grid_sample (align_corners=False) puts -1 and 1 on the outer edges
of the picture, half a pixel beyond the first and last centers; the half pixel enters here and nowhere else.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from motionwarp.geometry.precision import at_least_float32, without_autocast


def normalizing_map(height: int, width: int, *, device: torch.device | None = None) -> Tensor:
    """Return the affine map (2, 3) from pixels of a picture to grid_sample's coordinates."""
    rows = [[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1]]
    return torch.tensor(rows, dtype=torch.float32, device=device)


def to_sampling(points: Tensor, height: int, width: int) -> Tensor:
    """Turn pixels (..., 2) of a picture of `height` x `width` into grid_sample's coordinates."""
    size = torch.tensor([width, height], dtype=points.dtype, device=points.device)
    return (2 * points + 1) / size - 1


def from_sampling(grid: Tensor, height: int, width: int) -> Tensor:
    """Turn grid_sample's coordinates (..., 2) into pixels of a picture of `height` x `width`."""
    size = torch.tensor([width, height], dtype=grid.dtype, device=grid.device)
    return ((grid + 1) * size - 1) / 2


def pixel_lattice(height: int, width: int, *, device: torch.device | None = None) -> Tensor:
    """Return the pixel centers of a picture, float32 (H, W, 2) as x, y."""
    y = torch.arange(height, dtype=torch.float32, device=device)
    x = torch.arange(width, dtype=torch.float32, device=device)
    return torch.stack(torch.broadcast_tensors(x[None, :], y[:, None]), dim=-1)


def affine_lattice(matrix: Tensor, height: int, width: int, origin: Tensor | None = None) -> Tensor:
    """Map every pixel of a box by an affine map, by sums of a row and a column rather than point by point.

    Parameters
    ----------
    matrix : float tensor (..., 2, 3)
        From pixels to anything.
    height, width : int
        Size of the box.
    origin : float tensor (..., 2), optional
        x, y of the box's first pixel; (0, 0) if not given.

    Returns
    -------
    float tensor (..., H, W, 2)
    """
    matrix = at_least_float32(matrix)
    x = torch.arange(width, dtype=matrix.dtype, device=matrix.device)
    y = torch.arange(height, dtype=matrix.dtype, device=matrix.device)
    offset = matrix[..., 2]  # (..., 2)
    if origin is not None:
        offset = offset + (matrix[..., :2] * origin[..., None, :]).sum(-1)
    across = x[:, None] * matrix[..., None, :, 0]  # (..., W, 2)
    down = y[:, None] * matrix[..., None, :, 1] + offset[..., None, :]  # (..., H, 2)
    return down[..., :, None, :] + across[..., None, :, :]


def sample(picture: Tensor, grid: Tensor, *, mode: str = "bilinear") -> Tensor:
    """Sample pictures, zero outside.

    Parameters
    ----------
    picture : float tensor (B, C, H, W)
    grid : float tensor (B, h, w, 2)
        grid_sample's coordinates.
    mode : str
        "bilinear" or "nearest".

    Returns
    -------
    float tensor (B, C, h, w)
        Computed in float32 inside autocast too, in the picture's own type.
    """
    with without_autocast(picture.device):
        sampled = functional.grid_sample(
            at_least_float32(picture), at_least_float32(grid), mode=mode, padding_mode="zeros", align_corners=False
        )
    return sampled.to(picture.dtype)
