"""How large a head is for its body: drawn figures, mascots and dolls have heads that no adult has."""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.pose import skeleton as sk
from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.types import FloatArray

# Between the eyes, between the ears, and from neck to nose, in lengths of the torso; medians over 1,972 street photos,
# of which none is beyond 1.5 times of them.
_USUAL: Final = {
    (sk.RIGHT_EYE, sk.LEFT_EYE): 0.126,
    (sk.RIGHT_EAR, sk.LEFT_EAR): 0.241,
    (sk.NECK, sk.NOSE): 0.390,
}
# the torso's length where it is foreshortened: so many widths of the shoulders
_TORSO_OF_SHOULDERS: Final = 1.5
LARGE_HEAD: Final = 1.7


def head_size(points: FloatArray) -> float | None:
    """Measure a head against its body, 1 for the usual one of adults.

    Parameters
    ----------
    points : float32 (18, 3)

    Returns
    -------
    float or None
        The median of what can be measured; None where the shoulders or two of the three lengths of the head were not
        seen. Ours.
    """
    seen = points[:, 2] >= VISIBLE_SCORE
    shoulders = (sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER)
    if not seen[list(shoulders)].all():
        return None
    body = _TORSO_OF_SHOULDERS * _distance(points, *shoulders)
    hips = [point for point in (sk.RIGHT_HIP, sk.LEFT_HIP) if seen[point]]
    if seen[sk.NECK] and len(hips) == 2:
        body = max(body, float(np.hypot(*(points[hips, :2].mean(axis=0) - points[sk.NECK, :2]))))
    lengths = [_distance(points, *ends) / usual for ends, usual in _USUAL.items() if seen[list(ends)].all()]
    if len(lengths) < 2 or body <= 0:
        return None
    return float(np.median(lengths)) / body


def _distance(points: FloatArray, one: int, other: int) -> float:
    return float(np.hypot(*(points[one, :2] - points[other, :2])))
