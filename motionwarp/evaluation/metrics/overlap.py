"""Overlap of label maps: parsing mIoU of a result, and the FCN-score of translation between labels and photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motionwarp.parsing.labels import IGNORE
from motionwarp.types import ByteArray

Confusion = npt.NDArray[np.int64]


def confusion_of(predicted: ByteArray, truth: ByteArray, classes: int) -> Confusion:
    """Count pixels by truth and prediction.

    Parameters
    ----------
    predicted, truth : uint8 (H, W)
        Classes from 0; pixels whose truth is 255 do not count.
    classes : int

    Returns
    -------
    int64 (classes, classes)
        Truth by prediction; such tables of several pictures are added.

    Raises
    ------
    ValueError
        If shapes differ or a label is no class.
    """
    if predicted.shape != truth.shape:
        raise ValueError(f"label maps to be compared need one shape, got {predicted.shape} and {truth.shape}")
    known = truth != IGNORE
    one, other = truth[known].astype(np.int64), predicted[known].astype(np.int64)
    if one.size and max(one.max(), other.max()) >= classes:
        raise ValueError(f"label {max(one.max(), other.max())} is none of {classes} classes")
    return np.bincount(one * classes + other, minlength=classes**2).reshape(classes, classes)


@dataclass(frozen=True)
class FcnScore:
    """The three figures of the FCN-score (Isola et al., CVPR 2017); all in [0, 1], higher is better.

    Attributes
    ----------
    pixel_accuracy : float
        Share of pixels with the right class.
    class_accuracy : float
        Mean over the truth's classes of the share of their pixels that are right.
    class_iou : float
        Mean over the truth's classes of intersection over union.
    """

    pixel_accuracy: float
    class_accuracy: float
    class_iou: float


def fcn_score(confusion: Confusion) -> FcnScore:
    """Return the FCN-score of a table of counts; classes that the truth never has are left out, as in the published code's mean.

    Parameters
    ----------
    confusion : int64 (C, C)
        Truth by prediction.

    Raises
    ------
    ValueError
        If the table is empty.
    """
    total = confusion.sum()
    if total == 0:
        raise ValueError("an FCN-score needs at least one labelled pixel")
    hits = np.diag(confusion).astype(np.float64)
    of_truth, of_prediction = confusion.sum(axis=1), confusion.sum(axis=0)
    there = of_truth > 0
    return FcnScore(
        float(hits.sum() / total),
        float((hits[there] / of_truth[there]).mean()),
        float((hits[there] / (of_truth + of_prediction - hits)[there]).mean()),
    )


def mean_iou(predicted: ByteArray, truth: ByteArray, classes: int) -> float:
    """Return the mean intersection over union of the classes that the truth of one picture has, in [0, 1]; NaN for none.

    Parameters
    ----------
    predicted, truth : uint8 (H, W)
    classes : int
    """
    confusion = confusion_of(predicted, truth, classes)
    return fcn_score(confusion).class_iou if confusion.any() else float("nan")
