"""The area of a person told by points alone, for metrics that must not count the background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.parsing.labels import IGNORE
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray


def matte_iou(first: FloatArray, second: FloatArray, threshold: float = 0.5) -> float:
    """Return intersection over union of what two mattes cover.

    Parameters
    ----------
    first, second : float32 (H, W)
        Coverage in [0, 1].
    threshold : float
        A pixel is covered where its value is above.

    Returns
    -------
    float
        In [0, 1]; 1 if neither covers anything.

    Raises
    ------
    ValueError
        If shapes differ.
    """
    if first.shape != second.shape:
        raise ValueError(f"mattes to be compared need one shape, got {first.shape} and {second.shape}")
    one, other = first > threshold, second > threshold
    union = np.count_nonzero(one | other)
    return 1.0 if union == 0 else np.count_nonzero(one & other) / union


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
    """The three metrics of the FCN-score (Isola et al., CVPR 2017); all in [0, 1], higher is better.

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
    """Return the FCN-score of a table of counts.

    Classes that the truth never has are left out, as in the published code's mean.

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
        raise ValueError("an FCN-score needs at least one labeled pixel")
    hits = np.diag(confusion).astype(np.float64)
    of_truth, of_prediction = confusion.sum(axis=1), confusion.sum(axis=0)
    there = of_truth > 0
    return FcnScore(
        float(hits.sum() / total),
        float((hits[there] / of_truth[there]).mean()),
        float((hits[there] / (of_truth + of_prediction - hits)[there]).mean()),
    )


def mean_iou(predicted: ByteArray, truth: ByteArray, classes: int) -> float:
    """Return the mean intersection over union of the classes that the truth of one picture has, in [0, 1].

    NaN for none.

    Parameters
    ----------
    predicted, truth : uint8 (H, W)
    classes : int
    """
    confusion = confusion_of(predicted, truth, classes)
    return fcn_score(confusion).class_iou if confusion.any() else float("nan")


# half widths of the limbs as shares of the torso (neck to the middle of the hips), arms to legs; ours
_HALF_WIDTHS: Final = (
    (0.16, (sk.RIGHT_SHOULDER, sk.RIGHT_ELBOW), (sk.RIGHT_ELBOW, sk.RIGHT_WRIST)),
    (0.16, (sk.LEFT_SHOULDER, sk.LEFT_ELBOW), (sk.LEFT_ELBOW, sk.LEFT_WRIST)),
    (0.20, (sk.RIGHT_HIP, sk.RIGHT_KNEE), (sk.RIGHT_KNEE, sk.RIGHT_ANKLE)),
    (0.20, (sk.LEFT_HIP, sk.LEFT_KNEE), (sk.LEFT_KNEE, sk.LEFT_ANKLE)),
    (0.24, (sk.NECK, sk.NOSE), (sk.NECK, sk.RIGHT_SHOULDER), (sk.NECK, sk.LEFT_SHOULDER)),
    (0.24, (sk.NECK, sk.RIGHT_HIP), (sk.NECK, sk.LEFT_HIP), (sk.RIGHT_HIP, sk.LEFT_HIP)),
)
_HEAD_RADIUS: Final = 0.30
# without a torso, of the diagonal of all points: a torso is about a third of a standing person
_TORSO_OF_ALL: Final = 0.3
_TORSO: Final = (sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER, sk.LEFT_HIP, sk.RIGHT_HIP)
_SUBPIXEL_BITS: Final = 4


def pose_mask(points: FloatArray, height: int, width: int) -> FloatArray:
    """Return the area that a person covers, as thick limbs, head and torso round the points.

    PG2 (Ma et al., NeurIPS 2017) makes such a mask by joining the points and closing the gaps with dilation and
    erosion; limbs as capsules in proportion to the torso do the same at any size.

    Parameters
    ----------
    points : float32 (18, 3)
        x, y in pixels and score; a score of 0 means missing.
    height, width : int
        Size of the picture.

    Returns
    -------
    float32 (height, width)
        1 on the person and 0 elsewhere; all zeros if no two points are seen.
    """
    mask = np.zeros((height, width), dtype=np.uint8)
    visible = points[:, 2] > 0
    torso = _torso_length(points, visible)
    if torso > 0:
        for share, *bones in _HALF_WIDTHS:
            for start, end in bones:
                if visible[start] and visible[end]:
                    _draw_line(mask, points[start], points[end], 2 * share * torso)
        if visible[list(_TORSO)].all():
            cv2.fillConvexPoly(mask, _fixed(points[list(_TORSO), :2]), 1, shift=_SUBPIXEL_BITS)
        head = [index for index in sk.HEAD_POINTS if visible[index]]
        if head:
            column, row = _fixed(points[head, :2].mean(axis=0)).tolist()
            radius = round(_HEAD_RADIUS * torso * (1 << _SUBPIXEL_BITS))
            cv2.circle(mask, (column, row), radius, 1, cv2.FILLED, shift=_SUBPIXEL_BITS)
    return mask.astype(np.float32)


def _torso_length(points: FloatArray, visible: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    hips = [index for index in (sk.RIGHT_HIP, sk.LEFT_HIP) if visible[index]]
    if visible[sk.NECK] and hips:
        length = float(np.linalg.norm(points[sk.NECK, :2] - points[hips, :2].mean(axis=0)))
        if length >= 1:
            return length
    if np.count_nonzero(visible) < 2:
        return 0.0
    return _TORSO_OF_ALL * float(np.linalg.norm(np.ptp(points[visible, :2], axis=0)))


def _draw_line(
    mask: np.ndarray[tuple[int, int], np.dtype[np.uint8]], start: FloatArray, end: FloatArray, thickness: float
) -> None:
    # thick lines of OpenCV have round ends
    one, other = _fixed(start[:2]).tolist(), _fixed(end[:2]).tolist()
    cv2.line(mask, (one[0], one[1]), (other[0], other[1]), 1, max(round(thickness), 1), cv2.LINE_8, _SUBPIXEL_BITS)


def _fixed(xy: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return np.rint(xy * (1 << _SUBPIXEL_BITS)).astype(np.int32)
