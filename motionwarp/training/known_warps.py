"""Random warps whose parameters are known, to teach the matcher what a warp looks like."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from motionwarp.geometry.affine import compose_affine, invert_affine
from motionwarp.geometry.grids import normalising_map
from motionwarp.geometry.warps import PartWarps
from motionwarp.training.paper_config import KnownWarpConfig


def random_warps(
    count: int, height: int, width: int, control_size: int, config: KnownWarpConfig, device: torch.device
) -> PartWarps:
    """Draw warps between pictures of `height` x `width` with torch's own random numbers.

    Returns
    -------
    PartWarps
        One part: theta_affine (count, 1, 2, 3) in pixels, theta_tps (count, 1, 2, K*K).
    """

    def drawn(*shape: int) -> Tensor:
        return 2 * torch.rand(*shape, device=device) - 1

    turn, slant = (math.radians(limit) * drawn(count) for limit in (config.degrees, config.shear))
    scale = torch.exp2(config.scale * drawn(count))
    cosine, sine, slope = turn.cos() * scale, turn.sin() * scale, slant.tan()
    linear = torch.stack([cosine, cosine * slope - sine, sine, sine * slope + cosine], dim=-1).view(count, 2, 2)
    # half of a picture's larger side is one unit in both directions, so that turning does not squeeze what is not square
    aspect = torch.tensor([width, height], device=device) / max(height, width)
    linear = linear * aspect / aspect[:, None]
    in_units = torch.cat([linear, config.shift * drawn(count, 2, 1)], dim=-1)
    to_units = normalising_map(height, width, device=device)
    theta_affine = compose_affine(invert_affine(to_units), compose_affine(in_units, to_units))
    theta_tps = config.bend * drawn(count, 1, 2, control_size**2)
    return PartWarps(theta_affine[:, None], theta_tps)
