"""How many people are in a picture who could be meant."""

from __future__ import annotations

from typing import Final

from motionwarp.analysis.base import Estimator
from motionwarp.analysis.framing import visible_box
from motionwarp.errors import InputError
from motionwarp.types import ByteArray

# of the largest person's height: who is smaller is a passer-by, and never taken for the person by mistake
COMPARABLE_HEIGHT: Final = 0.5


def count_people(estimator: Estimator, rgb: ByteArray) -> int | None:
    """Count the people of a picture who are at least half as high as the largest.

    Parameters
    ----------
    estimator : Estimator
    rgb : uint8 (H, W, 3)

    Returns
    -------
    int or None
        None where the estimator reads a file, which holds no people of this very picture.
    """
    try:
        boxes = [visible_box(person.pose.points) for person in estimator.find_people(rgb)]
    except InputError:
        return None
    heights = [bottom - top for _, top, _, bottom in boxes]
    return sum(height >= COMPARABLE_HEIGHT * max(heights) for height in heights)
