"""The Frechet distance of two sets of features: FID (Heusel et al., NIPS 2017), and the same over features of clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motionwarp.evaluation.metrics.ssim import ssim
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
    """SwapGAN's metrics (Liu, 2018, section 8.2.5).

    Attributes
    ----------
    is_reference, is_condition : InceptionScore
        Scores of the pictures in the reference's pose (its generator I or III) and of those that were brought back to
        the condition's.
    reconstruction_ssim : float
        Mean SSIM of the pictures brought back and the condition pictures that they should equal.
    """

    is_reference: InceptionScore
    is_condition: InceptionScore
    reconstruction_ssim: float


def swap_score(
    reference: FloatArray, condition: FloatArray, rebuilt: Sequence[tuple[ByteArray, ByteArray]], splits: int = 10
) -> SwapScore:
    """Return SwapGAN's three metrics.

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


Doubles = npt.NDArray[np.float64]


class FeatureMoments:
    """Mean and covariance of features that come in batches; memory does not grow with their number.

    Parameters
    ----------
    dimensions : int
    """

    def __init__(self, dimensions: int) -> None:
        self.count = 0
        self._mean: Doubles = np.zeros(dimensions)
        self._scatter: Doubles = np.zeros((dimensions, dimensions))

    def add(self, features: FloatArray) -> None:
        """Take more features.

        Parameters
        ----------
        features : float32 (N, D)

        Raises
        ------
        ValueError
            If they have another dimension or are not finite.
        """
        if features.ndim != 2 or features.shape[1] != len(self._mean):
            raise ValueError(f"features must be (N, {len(self._mean)}), got {features.shape}")
        if not np.isfinite(features).all():
            raise ValueError("features that are not finite have no distance")
        if len(features) == 0:
            return
        batch = features.astype(np.float64)
        count = self.count + len(batch)
        # Chan et al.'s update: stable where the plain sum of squares is not
        mean = batch.mean(axis=0)
        centered = batch - mean
        shift = mean - self._mean
        self._scatter += centered.T @ centered + np.outer(shift, shift) * (self.count * len(batch) / count)
        self._mean = self._mean + shift * (len(batch) / count)
        self.count = count

    @property
    def mean(self) -> Doubles:
        """Mean, float64 (D,)."""
        return self._mean

    @property
    def covariance(self) -> Doubles:
        """Covariance with n - 1, as numpy's `cov`; float64 (D, D)."""
        if self.count < 2:
            raise ValueError(f"a covariance needs two features or more, got {self.count}")
        covariance: Doubles = self._scatter / (self.count - 1)
        return covariance


def frechet_distance(first: FeatureMoments, second: FeatureMoments) -> float:
    """Return the squared Frechet distance of two normal distributions: at least 0, lower is better, no upper bound.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). The last term's trace is the sum of the square roots of the eigenvalues
    of C1^(1/2) C2 C1^(1/2), which is symmetric: so, unlike with a general matrix square root, sets that are smaller
    than their features have dimensions need no small number added to the diagonals.

    Parameters
    ----------
    first, second : FeatureMoments
        Moments of the same dimension, with at least two features each.
    """
    root = _symmetric_root(first.covariance)
    product = root @ second.covariance @ root
    eigenvalues = np.linalg.eigvalsh((product + product.T) / 2)
    overlap = float(np.sqrt(np.clip(eigenvalues, 0, None)).sum())
    apart = float(np.square(first.mean - second.mean).sum())
    distance = apart + float(np.trace(first.covariance)) + float(np.trace(second.covariance)) - 2 * overlap
    return max(distance, 0.0)  # rounding may leave equal sets a hair below


def _symmetric_root(matrix: Doubles) -> Doubles:
    values, vectors = np.linalg.eigh(matrix)
    root: Doubles = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    return root


def clip_features(frame_features: FloatArray, window: int = 16, stride: int = 16) -> FloatArray:
    """Return features of pieces of a clip, for a Frechet distance of videos.

    FVD (Unterthiner et al., 2018) takes them from I3D, whose weights are published as code that would have to be run.
    Instead: the mean of the frames' features over a window and the mean of their absolute changes, side by side. It
    tells frozen and flickering videos from fluent ones, and is not comparable with published FVD. Ours.

    Parameters
    ----------
    frame_features : float32 (T, D)
        In order.
    window, stride : int
        In frames; what is left over at the end is not used.

    Returns
    -------
    float32 (N, 2 D)
        N is 0 for clips shorter than the window.

    Raises
    ------
    ValueError
        If the window is shorter than two frames or the stride than one.
    """
    if window < 2 or stride < 1:
        raise ValueError(
            f"clips need windows of at least 2 frames and strides of at least 1, got {window} and {stride}"
        )
    pieces = []
    for start in range(0, len(frame_features) - window + 1, stride):
        piece = frame_features[start : start + window].astype(np.float64)
        pieces.append(np.concatenate([piece.mean(axis=0), np.abs(np.diff(piece, axis=0)).mean(axis=0)]))
    if not pieces:
        return np.zeros((0, 2 * frame_features.shape[1]), dtype=np.float32)
    return np.stack(pieces).astype(np.float32)
