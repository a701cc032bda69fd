"""Making a trained network cheaper without changing what it computes: batch norm folded into convolutions."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from motionwarp.nn.blocks import ResidualBlock

Network = TypeVar("Network", bound=nn.Module)


def fuse_batch_norm(network: Network) -> Network:
    """Return a copy of a network in which each batch norm right behind a convolution is part of it.

    Which ones are is told by how the network is put together, in sequences and residual blocks, without running it:
    several threads may fold networks while others run some.

    Parameters
    ----------
    network : Module
        In evaluation mode; not changed.

    Returns
    -------
    Module
        Gives the same outputs up to rounding.
    """
    if network.training:
        raise ValueError("only a network in evaluation mode can be folded: training changes its batch norms")
    uses = Counter(id(module) for _, module in network.named_modules(remove_duplicate=False))
    # what copying takes for these layers, of which there is no other copy then
    taken: dict[int, nn.Module] = {}
    for convolution, norm in _in_a_row(network):
        if uses[id(convolution)] == uses[id(norm)] == 1:
            taken[id(convolution)] = fuse_conv_bn_eval(convolution, norm)
            taken[id(norm)] = nn.Identity()
    return copy.deepcopy(network, taken)


def _in_a_row(network: nn.Module) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Yield the convolutions whose only consumer is a batch norm, each with it."""
    for module in network.modules():
        if isinstance(module, ResidualBlock):
            yield module.second, module.norm
        elif isinstance(module, nn.Sequential):
            for one, other in pairwise(module.children()):
                if isinstance(one, nn.Conv2d) and isinstance(other, nn.BatchNorm2d):
                    yield one, other


def without_gradients(module: nn.Module) -> nn.Module:
    """Return the module with gradients of its parameters switched off."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module


def ready_for(module: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """Return the module on a device, in a type, and with its kernels laid out channels last."""
    placed: nn.Module = without_gradients(module).to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed
