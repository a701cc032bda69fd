"""The Frechet distance of two sets of features: FID (Heusel et al., NIPS 2017), and the same over features of clips."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motionwarp.types import FloatArray

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
        centred = batch - mean
        shift = mean - self._mean
        self._scatter += centred.T @ centred + np.outer(shift, shift) * (self.count * len(batch) / count)
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

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). The last term's trace is the sum of the square roots of the eigenvalues of
    C1^(1/2) C2 C1^(1/2), which is symmetric: so, unlike with a general matrix square root, sets that are smaller than their
    features have dimensions need no small number added to the diagonals.

    Parameters
    ----------
    first, second : FeatureMoments
        Of the same dimension, with at least two features each.
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

    FVD (Unterthiner et al., 2018) takes them from I3D, whose weights are published as code that would have to be run. Instead:
    the mean of the frames' features over a window and the mean of their absolute changes, side by side. It tells frozen and
    flickering videos from fluent ones, and is not comparable with published FVD. Ours.

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
        raise ValueError(f"clips need windows of at least 2 frames and strides of at least 1, got {window} and {stride}")
    pieces = []
    for start in range(0, len(frame_features) - window + 1, stride):
        piece = frame_features[start : start + window].astype(np.float64)
        pieces.append(np.concatenate([piece.mean(axis=0), np.abs(np.diff(piece, axis=0)).mean(axis=0)]))
    if not pieces:
        return np.zeros((0, 2 * frame_features.shape[1]), dtype=np.float32)
    return np.stack(pieces).astype(np.float32)
