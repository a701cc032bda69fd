"""Left and right kept apart from frame to frame: a network now and then swaps the arms or the legs of one frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.parsing import labels
from motionwarp.perception.framing import VISIBLE_SCORE, torso_length
from motionwarp.pose import skeleton
from motionwarp.types import ByteArray, FloatArray, Person, Pose

# pairs of points that swap together, the least gain in torso lengths that shows a swap, and the classes that go with
# them
_GROUPS: Final = (
    (
        (skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST),
        (skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST),
        0.3,
        (labels.LEFT_ARM,),
    ),
    (
        (skeleton.RIGHT_HIP, skeleton.RIGHT_KNEE, skeleton.RIGHT_ANKLE),
        (skeleton.LEFT_HIP, skeleton.LEFT_KNEE, skeleton.LEFT_ANKLE),
        0.2,
        (labels.LEFT_LEG, labels.LEFT_SHOE),
    ),
    ((skeleton.RIGHT_EYE, skeleton.RIGHT_EAR), (skeleton.LEFT_EYE, skeleton.LEFT_EAR), 0.12, ()),
)
_CLEARLY: Final = 0.4  # a swap must leave no more than this part of the distance to the frame before


@dataclass
class LeftRightCorrector:
    """Undoes swaps against the frame before, but yields to a network that insists.

    Attributes
    ----------
    patience_seconds : float
        After so long the network is believed: then the mistake was in the frames before.
    """

    patience_seconds: float = 0.5
    _swapped_since: list[float | None] = field(default_factory=lambda: [None] * len(_GROUPS))

    def settle(self, person: Person, previous: FloatArray, time_seconds: float) -> Person:
        """Return the person with sides that agree with the frame before.

        Parameters
        ----------
        person : Person
        previous : float32 (18, 3)
            Points of the frame before, in the same pixels.
        time_seconds : float
            Time of this frame.
        """
        points, parsing = person.pose.points, person.parsing
        for index, (right, left, least_gain, classes) in enumerate(_GROUPS):
            if not _is_swapped(points, previous, right, left, least_gain):
                self._swapped_since[index] = None
                continue
            since = self._swapped_since[index]
            if since is None:
                since = self._swapped_since[index] = time_seconds
            if time_seconds - since > self.patience_seconds:
                self._swapped_since[index] = None
                continue
            points = _exchanged(points, right, left)
            parsing = None if parsing is None else _exchanged_classes(parsing, classes)
        return person if points is person.pose.points else replace(person, pose=Pose(points), parsing=parsing)


def _is_swapped(
    points: FloatArray, previous: FloatArray, right: tuple[int, ...], left: tuple[int, ...], least_gain: float
) -> bool:
    """Return whether exchanging a group's sides brings it clearly nearer to where it was."""
    kept, exchanged = _distances(points, previous, right, left)
    if not len(kept):
        return False
    unit = max(torso_length(previous), 1e-3)
    gain = float(kept.mean() - exchanged.mean()) / unit
    return gain > least_gain and float(exchanged.mean()) < _CLEARLY * float(kept.mean())


def _distances(
    points: FloatArray, previous: FloatArray, right: tuple[int, ...], left: tuple[int, ...]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return how far pairs seen in both frames moved, as they are and with sides exchanged, each float64 (pairs,)."""
    pairs = np.array([right, left]).T  # (pairs, 2)
    visible = (points[pairs, 2] >= VISIBLE_SCORE).all(axis=1) & (previous[pairs, 2] >= VISIBLE_SCORE).all(axis=1)
    now = points[pairs[visible], :2].astype(np.float64)  # (pairs, 2, 2)
    before = previous[pairs[visible], :2].astype(np.float64)
    kept = np.linalg.norm(now - before, axis=-1).sum(axis=1) / 2
    exchanged = np.linalg.norm(now[:, ::-1] - before, axis=-1).sum(axis=1) / 2
    return kept, exchanged


def _exchanged(points: FloatArray, right: tuple[int, ...], left: tuple[int, ...]) -> FloatArray:
    exchanged = points.copy()
    exchanged[list(right)], exchanged[list(left)] = points[list(left)], points[list(right)]
    return exchanged


def _exchanged_classes(parsing: ByteArray, classes: tuple[int, ...]) -> ByteArray:
    table = np.arange(256, dtype=np.uint8)
    for left in classes:
        right = labels.MIRROR[left]
        table[left], table[right] = right, left
    return table[parsing]
