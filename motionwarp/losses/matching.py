"""What the geometric matcher is trained by: parsings that should agree, warps that are known, and smooth splines."""

from __future__ import annotations

import torch
from torch import Tensor

from motionwarp.geometry.grids import normalising_map, sample
from motionwarp.geometry.thin_plate import bending_matrix, control_size
from motionwarp.geometry.warps import PartWarps
from motionwarp.parsing.labels import BACKGROUND

_LEAST = 1e-4  # probability, so that a class that is nowhere near does not count without limit


def warped_parsing(parsing: Tensor, warps: PartWarps) -> Tensor:
    """Warp a parsing; what comes from beyond the picture is background.

    Parameters
    ----------
    parsing : float (B, 20, H, W)
    warps : PartWarps
        One part a picture, (B, 1, ...), between pictures of this size.

    Returns
    -------
    float (B, 20, H, W)
        Sums to 1 over the classes.
    """
    height, width = parsing.shape[-2:]
    moved = sample(parsing, warps.sampling_grid(height, width, height, width)[:, 0])
    person = torch.cat([moved[:, :BACKGROUND], moved[:, BACKGROUND + 1 :]], dim=1)
    rest = (1 - person.sum(1, keepdim=True)).clamp_min(0)
    return torch.cat([moved[:, :BACKGROUND], rest, moved[:, BACKGROUND + 1 :]], dim=1)


def parsing_agreement(warped: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Return how far two parsings differ, two scalars: `l1` and `cross_entropy`, means over the pixels that the target knows.

    Parameters
    ----------
    warped : float (B, 20, H, W)
        Probabilities.
    target : float (B, 20, H, W)
        One-hot, zeros where not known.
    """
    known = target.sum(1, keepdim=True)
    count = known.sum().clamp_min(1)
    return {
        "l1": (known * (warped - target).abs()).sum() / count,
        "cross_entropy": -(target * warped.clamp_min(_LEAST).log()).sum() / count,
    }


def grid_loss(predicted: PartWarps, true: PartWarps, height: int, width: int, points: int = 20) -> Tensor:
    """Return the mean squared distance of a grid's points under two warps (Rocco et al. 2017, eq. 4), a scalar.

    Parameters
    ----------
    predicted, true : PartWarps
        Between pictures of `height` x `width`.
    height, width : int
    points : int
        In each direction; 20 in the paper.

    Returns
    -------
    float tensor
        In units of half the picture's size.
    """
    device = predicted.theta_affine.device
    frame = normalising_map(height, width, device=device)
    size = torch.tensor([width, height], device=device, dtype=torch.float32)
    line = torch.linspace(0, 1, points, device=device)
    y, x = torch.meshgrid(line, line, indexing="ij")
    grid = torch.stack([x, y], dim=-1).view(-1, 2) * (size - 1)  # in pixels
    difference = predicted.map_points(grid, frame) - true.map_points(grid, frame)
    loss: Tensor = (2 * difference / size).square().sum(-1).mean()
    return loss


def bending_loss(theta_tps: Tensor) -> Tensor:
    """Return the mean bending energy of splines (..., 2, K*K), a scalar: their second derivatives, squared and integrated."""
    matrix = bending_matrix(control_size(theta_tps)).to(device=theta_tps.device, dtype=torch.float32)
    flat = theta_tps.float()
    energy: Tensor = ((flat @ matrix) * flat).sum(-1).mean()
    return energy
