"""The pyramid hierarchy loss of the Soft-Gated Warping-GAN, eq. 2."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def pyramid_hierarchy_loss(
    real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]], weights: Sequence[float] = (1.0, 1.0, 1.0)
) -> Tensor:
    """Return sum_i a_i |F_i(fake) - F_i(real)|_1, a scalar: means over elements, averaged over the pyramid's scales.

    Parameters
    ----------
    real, fake : sequences (scales) of sequences (layers) of float (B, C, h, w)
        The discriminator's features; those of the real picture are not trained by this.
    weights : sequence of float
        a_i of layers F_0, F_1, F_2; the paper names three layers but no weights, so they are equal. Layers beyond are left out.
    """
    total = torch.zeros((), device=fake[0][0].device)
    for of_real, of_fake in zip(real, fake, strict=True):
        for weight, true, made in zip(weights, of_real, of_fake, strict=False):
            total = total + weight * functional.l1_loss(made, true.detach())
    return total / len(fake)
