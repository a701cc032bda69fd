"""How well a result takes the target's pose: distances between points seen in it and points of the ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from motionwarp.pose import skeleton as sk
from motionwarp.types import BoolArray, FloatArray

# MPII calls a point right within half of the head's size (Andriluka et al., CVPR 2014)
PCKH_SHARE: Final = 0.5


@dataclass(frozen=True)
class PoseAgreement:
    """Figures of one result's points.

    Attributes
    ----------
    average_distance : float
        Average keypoint distance in pixels over the points seen in both (AKD, Siarohin et al., CVPR 2019); lower is better. NaN
        if there are none.
    missing_rate : float
        Share of the truth's points that are not seen in the result (MKR, the same); in [0, 1], lower is better. NaN if the truth
        has no points.
    pckh : float
        Share of the truth's points that the result has within half the head's size; in [0, 1], higher is better. NaN where the
        truth shows no head to measure.
    """

    average_distance: float
    missing_rate: float
    pckh: float


def pose_agreement(result: FloatArray | None, truth: FloatArray, threshold: float = 0.3) -> PoseAgreement:
    """Compare the points seen in a result with those of the ground truth.

    Parameters
    ----------
    result : float32 (18, 3) or None
        In the truth's pixels; None where nobody was found: all points are then missing.
    truth : float32 (18, 3)
    threshold : float
        Points below this score are not seen.

    Returns
    -------
    PoseAgreement
    """
    wanted = truth[:, 2] >= threshold
    if not wanted.any():
        return PoseAgreement(float("nan"), float("nan"), float("nan"))
    found: BoolArray = wanted & (result[:, 2] >= threshold) if result is not None else np.zeros_like(wanted)
    distance = np.full(len(truth), np.inf)
    if result is not None:
        distance[found] = np.linalg.norm(result[found, :2].astype(np.float64) - truth[found, :2], axis=1)
    head = head_size(truth, threshold)
    return PoseAgreement(
        float(distance[found].mean()) if found.any() else float("nan"),
        1.0 - np.count_nonzero(found) / np.count_nonzero(wanted),
        float("nan") if head is None else float((distance[wanted] <= PCKH_SHARE * head).mean()),
    )


def head_size(points: FloatArray, threshold: float = 0.3) -> float | None:
    """Return the length in pixels that PCKh measures by, or None where the points do not tell it.

    MPII takes 0.6 of the diagonal of a box drawn round the head, which 18 points do not have. Nose to neck is nearly as long
    (about 0.9 of it on upright people) and is seen from all sides; without it, the distance of the ears. Ours.

    Parameters
    ----------
    points : float32 (18, 3)
    threshold : float
    """
    for start, end in ((sk.NOSE, sk.NECK), (sk.RIGHT_EAR, sk.LEFT_EAR)):
        if points[start, 2] >= threshold and points[end, 2] >= threshold:
            length = float(np.linalg.norm(points[start, :2].astype(np.float64) - points[end, :2]))
            if length > 0:
                return length
    return None
