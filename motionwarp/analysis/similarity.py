"""How much two sets of points look like the same person in the same place."""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.analysis.framing import SEEN_SCORE, Box, torso_length
from motionwarp.types import FloatArray

# distance, in torso lengths, at which two points count as half the same; ours, about the 'hips' constant of COCO's OKS
_TOLERANCE: Final = 0.28
_FEWEST_SHARED: Final = 3


def pose_similarity(first: FloatArray, second: FloatArray) -> float:
    """Return the mean likeness of the points that both poses have, as in COCO's object keypoint similarity.

    A waist-up view and a whole view of one person are alike, since only shared points count.

    Parameters
    ----------
    first, second : float32 (18, 3)
        In pixels of one frame.

    Returns
    -------
    float
        1 for equal poses, towards 0 for poses apart; 0 if fewer than three points are shared.
    """
    shared = (first[:, 2] >= SEEN_SCORE) & (second[:, 2] >= SEEN_SCORE)
    if shared.sum() < _FEWEST_SHARED:
        return 0.0
    # the smaller one: a small person in front of a large one is another person
    size = max(min(torso_length(first), torso_length(second)), 1e-3)
    squares = ((first[shared, :2] - second[shared, :2]) ** 2).sum(axis=1) / (size * _TOLERANCE) ** 2
    return float(np.exp(-np.log(2.0) * squares).mean())


def box_containment(first: Box, second: Box) -> float:
    """Return the part of the smaller box that lies within the other one."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = (first[2] - first[0]) * (first[3] - first[1]), (second[2] - second[0]) * (second[3] - second[1])
    return width * height / max(min(areas), 1e-6)


def box_overlap(first: Box, second: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = (first[2] - first[0]) * (first[3] - first[1]) + (second[2] - second[0]) * (second[3] - second[1])
    return shared / (areas - shared)
