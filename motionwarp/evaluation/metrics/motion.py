"""How steadily a person moves, told by points alone."""

from __future__ import annotations

import numpy as np

from motionwarp.types import FloatArray


def pose_jitter(points: FloatArray, body_size: float, threshold: float = 0.3) -> float:
    """Return the mean acceleration of points in body sizes a frame squared; lower is steadier, 0 for even motion.

    Quick motion accelerates too, so figures are to be read beside those of the poses that were asked for. Ours.

    Parameters
    ----------
    points : float32 (T, 18, 3)
        Of consecutive frames, in pixels.
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
    seen = points[..., 2] >= threshold
    counted = seen[2:] & seen[1:-1] & seen[:-2]  # (T - 2, 18)
    if not counted.any():
        return float("nan")
    xy = points[..., :2].astype(np.float64)
    bend = np.linalg.norm(xy[2:] - 2 * xy[1:-1] + xy[:-2], axis=-1)
    return float(bend[counted].mean() / body_size)
