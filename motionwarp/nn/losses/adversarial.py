"""Adversarial losses over patches and scales.

Least squares (Mao et al. 2017), hinge (Lim and Ye 2017), and cross-entropy as in the first GANs (Goodfellow et
al. 2014, with the loss of the generator that does not saturate).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

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
        a_i of layers F_0, F_1, F_2; the paper names three layers but no weights, so they are equal. Layers beyond are
        left out.
    """
    total = torch.zeros((), device=fake[0][0].device)
    for of_real, of_fake in zip(real, fake, strict=True):
        for weight, true, made in zip(weights, of_real, of_fake, strict=False):
            total = total + weight * functional.l1_loss(made, true.detach())
    return total / len(fake)


AdversarialKind = Literal["least_squares", "hinge", "cross_entropy"]


def discriminator_loss(
    real: Sequence[Tensor], fake: Sequence[Tensor], kind: AdversarialKind = "least_squares"
) -> Tensor:
    """Return what the discriminator minimizes, a scalar: the mean over scales, real and fake at half weight each.

    Parameters
    ----------
    real, fake : sequences of float (B, 1, h, w)
        Logits by scale.
    kind : str
    """
    per_scale = []
    for of_real, of_fake in zip(real, fake, strict=True):
        if kind == "hinge":
            parts = functional.relu(1 - of_real).mean(), functional.relu(1 + of_fake).mean()
        elif kind == "cross_entropy":
            parts = functional.softplus(-of_real).mean(), functional.softplus(of_fake).mean()
        else:
            parts = (of_real - 1).square().mean(), of_fake.square().mean()
        per_scale.append((parts[0] + parts[1]) / 2)
    return torch.stack(per_scale).mean()


def generator_loss(fake: Sequence[Tensor], kind: AdversarialKind = "least_squares") -> Tensor:
    """Return what the generator minimizes so that its pictures pass for real, a scalar: the mean over scales."""
    per_scale = []
    for logits in fake:
        if kind == "hinge":
            per_scale.append(-logits.mean())
        elif kind == "cross_entropy":
            per_scale.append(functional.softplus(-logits).mean())
        else:
            per_scale.append((logits - 1).square().mean())
    return torch.stack(per_scale).mean()
