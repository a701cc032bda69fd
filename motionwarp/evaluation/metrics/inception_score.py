"""Inception Score (Salimans et al., NIPS 2016), and SwapGAN's use of it for both of its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motionwarp.evaluation.metrics.structural import ssim
from motionwarp.types import ByteArray, FloatArray


@dataclass(frozen=True)
class InceptionScore:
    """The score of a set of pictures.

    Attributes
    ----------
    mean : float
        Over the splits; from 1 to the number of classes, higher is better.
    deviation : float
        Standard deviation over the splits.
    """

    mean: float
    deviation: float


def inception_score(probabilities: FloatArray, splits: int = 10) -> InceptionScore:
    """Return exp(E KL(p(y|x) || p(y))) by splits.

    Parameters
    ----------
    probabilities : float32 (N, C)
        p(y|x) of every picture; rows sum to 1. Splits are taken in this order, as the published code takes them.
    splits : int
        10 in the paper.

    Raises
    ------
    ValueError
        If there are fewer pictures than splits, or rows do not sum to 1.
    """
    if not 1 <= splits <= len(probabilities):
        raise ValueError(f"{len(probabilities)} pictures cannot be split into {splits} parts")
    rows = probabilities.astype(np.float64)
    if not np.allclose(rows.sum(axis=1), 1, atol=1e-3) or rows.min() < 0:
        raise ValueError("every row of probabilities must sum to 1")
    scores = []
    for part in np.array_split(rows, splits):
        marginal = part.mean(axis=0)
        # 0 log 0 is 0: classes that nothing belongs to add nothing
        ratio = np.log(np.where(part > 0, part, 1)) - np.log(np.where(marginal > 0, marginal, 1))
        scores.append(float(np.exp((part * ratio).sum(axis=1).mean())))
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)))


@dataclass(frozen=True)
class SwapScore:
    """SwapGAN's figures (Liu, 2018, section 8.2.5).

    Attributes
    ----------
    is_reference, is_condition : InceptionScore
        Of the pictures in the reference's pose (its generator I or III) and of those that were brought back to the condition's.
    reconstruction_ssim : float
        Mean SSIM of the pictures brought back and the condition pictures that they should equal.
    """

    is_reference: InceptionScore
    is_condition: InceptionScore
    reconstruction_ssim: float


def swap_score(reference: FloatArray, condition: FloatArray, rebuilt: Sequence[tuple[ByteArray, ByteArray]], splits: int = 10) -> SwapScore:
    """Return SwapGAN's three figures.

    Parameters
    ----------
    reference, condition : float32 (N, C)
        Class probabilities of both sets of results.
    rebuilt : sequence of pairs of uint8 (H, W, 3)
        Condition picture and its reconstruction.
    splits : int

    Raises
    ------
    ValueError
        If there is no pair, or as for `inception_score`.
    """
    if not rebuilt:
        raise ValueError("SwapGAN's reconstruction needs at least one pair of pictures")
    similarity = float(np.mean([ssim(picture, again) for picture, again in rebuilt]))
    return SwapScore(inception_score(reference, splits), inception_score(condition, splits), similarity)
