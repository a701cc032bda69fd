"""How well a result takes the target's pose: distances between points seen in it and points of the ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from motionwarp.evaluation.metrics.image import paired
from motionwarp.geometry.optical_flow import warped_by
from motionwarp.pose import skeleton as sk
from motionwarp.types import BoolArray, ByteArray, FloatArray


def flicker(before: ByteArray, now: ByteArray, flow: FloatArray) -> float:
    """Return the mean absolute difference of a frame and the one before moved onto it, in [0, 1].

    Parameters
    ----------
    before, now : uint8 (H, W, 3)
        Consecutive frames of the result, or of the driving clip itself.
    flow : float32 (H, W, 2)
        Optical flow of the driving clip, as from `backward_flow`.

    Returns
    -------
    float
        Over the pixels whose flow stays inside the frame; 0 if there are none.
    """
    warped, inside = warped_by(before, flow)
    if not inside.any():
        return 0.0
    one, other = paired(now[inside], warped[inside])
    return float(np.abs(one - other).mean())


def pose_jitter(points: FloatArray, body_size: float, threshold: float = 0.3) -> float:
    """Return the mean acceleration of points in body sizes a frame squared; lower is steadier, 0 for even motion.

    Quick motion accelerates too, so metrics are to be read beside those of the poses that were asked for. Ours.

    Parameters
    ----------
    points : float32 (T, 18, 3)
        Points of consecutive frames, in pixels.
    body_size : float
        Such as the torso's length, in pixels.
    threshold : float
        Points below this score are not seen; a point counts where it is seen in three frames in a row.

    Returns
    -------
    float
        NaN if no point counts.

    Raises
    ------
    ValueError
        If the body size is not over 0.
    """
    if not body_size > 0:
        raise ValueError(f"jitter is measured in body sizes over 0, got {body_size}")
    visible = points[..., 2] >= threshold
    counted = visible[2:] & visible[1:-1] & visible[:-2]  # (T - 2, 18)
    if not counted.any():
        return float("nan")
    xy = points[..., :2].astype(np.float64)
    bend = np.linalg.norm(xy[2:] - 2 * xy[1:-1] + xy[:-2], axis=-1)
    return float(bend[counted].mean() / body_size)


# MPII calls a point right within half of the head's size (Andriluka et al., CVPR 2014)
PCKH_SHARE: Final = 0.5


@dataclass(frozen=True)
class PoseAgreement:
    """Metrics of one result's points.

    Attributes
    ----------
    average_distance : float
        Average keypoint distance in pixels over the points seen in both (AKD, Siarohin et al., CVPR 2019); lower is
        better. NaN if there are none.
    missing_rate : float
        Share of the truth's points that are not seen in the result (MKR, the same); in [0, 1], lower is better. NaN if
        the truth has no points.
    pckh : float
        Share of the truth's points that the result has within half the head's size; in [0, 1], higher is better. NaN
        where the truth shows no head to measure.
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

    MPII takes 0.6 of the diagonal of a box drawn round the head, which 18 points do not have. Nose to neck is nearly as
    long (about 0.9 of it on upright people) and is seen from all sides; without it, the distance of the ears. Ours.

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
