"""How well two mattes agree."""

from __future__ import annotations

import numpy as np

from motionwarp.types import FloatArray


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
