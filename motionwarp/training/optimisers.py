"""Optimisers that several tasks share."""

from __future__ import annotations

import torch
from torch import nn

from motionwarp.training.loop import LoopConfig


def adamw(module: nn.Module, loop: LoopConfig, betas: tuple[float, float] = (0.9, 0.99)) -> torch.optim.AdamW:
    """Return AdamW that leaves norms, biases and embeddings of positions out of the weight decay."""
    decayed = [parameter for parameter in module.parameters() if parameter.ndim in (2, 4)]
    others = [parameter for parameter in module.parameters() if parameter.ndim not in (2, 4)]
    groups = [{"params": decayed, "weight_decay": loop.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=loop.learning_rate, betas=betas)


def adam(module: nn.Module, loop: LoopConfig, betas: tuple[float, float] = (0.5, 0.999)) -> torch.optim.Adam:
    """Return Adam without weight decay, with the momenta of the Soft-Gated Warping-GAN (section 4.1)."""
    return torch.optim.Adam(module.parameters(), lr=loop.learning_rate, betas=betas)
