"""Where a person stands: the point by which a walked skeleton is put on the ground."""

from __future__ import annotations

import numpy as np

from motionwarp.pose import skeleton as sk
from motionwarp.pose.kinematics import MID_HIP
from motionwarp.pose.smoothing import DoubleArray, whittaker_smooth

ANKLES = [sk.RIGHT_ANKLE, sk.LEFT_ANKLE]
# how much lower, in torso lengths, an ankle has to be to carry most of the weight; ankles of someone who stands turned
# away differ in height without either being off the ground
SUPPORT_SOFTNESS = 0.08
# percentiles of an anchor's height, counted downwards: the ground is where the lower foot is for most of the time, and
# jumps lie above it; hips and neck are at rest where they are highest for a good while, and who squats or bends goes
# below
GROUND_PERCENTILE, UPRIGHT_PERCENTILE = 75.0, 25.0
# the anchor's correction against plain displacement is steadied by this much, so that trembling feet do not shake the
# body
STEADY_WIDTH_SECONDS = 0.1


def anchor_points(joints: DoubleArray, anchor: str, torso: float, like: DoubleArray | None = None) -> DoubleArray:
    """Find the point that a person stands by.

    Parameters
    ----------
    joints : float64 (T, 19, 2)
    anchor : str
        'feet', 'hips' or 'neck'.
    torso : float
        Torso length in the pixels of the joints that the weight is read from.
    like : float64 (T, 19, 2), optional
        Joints by which the feet share the weight; `joints` themselves by default.

    Returns
    -------
    float64 (T, 2)
        For 'feet': between the ankles, nearer to the one that carries the weight.
    """
    if anchor == "feet":
        weights = support_weights(joints if like is None else like, torso)
        return np.asarray(np.einsum("tf,tfc->tc", weights, joints[:, ANKLES]))
    return joints[:, MID_HIP if anchor == "hips" else sk.NECK].copy()


def support_weights(joints: DoubleArray, torso: float) -> DoubleArray:
    """Share the weight between the right and the left foot by height, float64 (T, 2), rows summing to 1."""
    heights = joints[:, ANKLES, 1] / (SUPPORT_SOFTNESS * torso)
    weights = np.exp(heights - heights.max(axis=1, keepdims=True))
    result: DoubleArray = weights / weights.sum(axis=1, keepdims=True)
    return result


def resting_place(anchors: DoubleArray, anchor: str) -> DoubleArray:
    """Return where an anchor is while the person stands.

    Parameters
    ----------
    anchors : float64 (T, 2)
        Its places over a shot, as of `anchor_points`.
    anchor : str
        'feet', 'hips' or 'neck'.

    Returns
    -------
    float64 (2,)
        The middle of its places across; down, the ground for feet and the height of someone upright for hips and neck.
    """
    height = np.percentile(anchors[:, 1], GROUND_PERCENTILE if anchor == "feet" else UPRIGHT_PERCENTILE)
    return np.array([np.median(anchors[:, 0]), height])


def stand(
    walked: DoubleArray,
    own_anchors: DoubleArray,
    wanted_anchors: DoubleArray,
    plain_roots: DoubleArray,
    times_seconds: DoubleArray,
) -> DoubleArray:
    """Move skeletons so that their anchors come to where they are wanted.

    Parameters
    ----------
    walked : float64 (T, 19, 2)
        Skeletons walked from a neck at (0, 0).
    own_anchors : float64 (T, 2)
        Their anchors, in the same coordinates.
    wanted_anchors : float64 (T, 2)
        Where these should be.
    plain_roots : float64 (T, 2)
        The neck's path but for a slowly varying difference; what follows it is not steadied, and so stays sharp.
    times_seconds : float64 (T,)
        Times of one shot.

    Returns
    -------
    float64 (T, 19, 2)
    """
    correction = wanted_anchors - own_anchors - plain_roots
    roots = plain_roots + whittaker_smooth(correction, times_seconds, STEADY_WIDTH_SECONDS)
    return walked + roots[:, None]
