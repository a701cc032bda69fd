"""Geometry is computed in float32 at least, also where a network around it runs in reduced precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which autocast is off on `device`.

    A warp in bfloat16 has 8 bits for a coordinate: sampling would be off by several pixels.
    """
    # entering it takes longer than multiplying a few matrices
    if not torch.is_autocast_enabled(device.type):
        return nullcontext()
    return torch.autocast(device_type=device.type, enabled=False)


def at_least_float32(tensor: Tensor) -> Tensor:
    """Return the tensor as float32, or as it is when it is float64."""
    return tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()
