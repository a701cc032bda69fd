"""How many people are in a picture who could be meant."""

from __future__ import annotations

from typing import Final

from motionwarp.errors import InputError
from motionwarp.perception.base import Estimator
from motionwarp.perception.detection import box_containment
from motionwarp.perception.framing import Box, visible_box
from motionwarp.types import ByteArray

# of the largest person's height: who is smaller is a passer-by, and never taken for the person by mistake
COMPARABLE_HEIGHT: Final = 0.5
# of the smaller one's box: who lies so far inside of another is more often a misreading of them, such as of bag and
# legs, than a person
INSIDE_ANOTHER: Final = 0.6


def count_people(estimator: Estimator, rgb: ByteArray) -> int | None:
    """Count the people of a picture who are at least half as high as the largest, and not inside of a larger one.

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
    boxes.sort(key=_height, reverse=True)
    apart: list[Box] = []
    for box in boxes:
        if _height(box) >= COMPARABLE_HEIGHT * _height(boxes[0]) and all(
            box_containment(box, other) < INSIDE_ANOTHER for other in apart
        ):
            apart.append(box)
    return len(apart)


def _height(box: Box) -> float:
    return box[3] - box[1]
