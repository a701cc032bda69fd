"""What is known of the person who is followed, and where that says they are next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motionwarp.perception.framing import VISIBLE_SCORE, CropView, view_around, visible_box
from motionwarp.perception.passing_over import Reading
from motionwarp.perception.reid import ReidDescriptor
from motionwarp.types import FloatArray, Person


@dataclass
class TrackPrediction:
    """What is known of the followed person."""

    points: FloatArray
    time_seconds: float
    turns: int
    appearance: ReidDescriptor
    velocity: FloatArray  # (2,) pixels a second
    earlier: Reading | None = None  # the sighting before the last one, if no gap lies between
    person: Person | None = None  # of the last one
    missing: int = 0  # frames since the person was last seen
    detections: int = 1  # frames in which the person was seen where they were expected, the first included

    def expected_points(self, time_seconds: float) -> FloatArray:
        """Return the last points, moved on for at most a quarter of a second and rather too little than too much."""
        moved = self.points.copy()
        moved[:, :2] += self.velocity * 0.8 * min(time_seconds - self.time_seconds, 0.25)
        return moved

    def expected_view(self, time_seconds: float) -> CropView:
        """Return the canonical view of where the person should be."""
        return view_around(visible_box(self.expected_points(time_seconds)), self.turns)

    def see(self, points: FloatArray, time_seconds: float, turns: int) -> None:
        """Take over a new sighting that follows the last one without a gap."""
        elapsed = max(time_seconds - self.time_seconds, 1e-3)
        traveled = (
            np.median(moves_between(self.points, points), axis=0)
            if len(moves_between(self.points, points))
            else np.zeros(2)
        )
        self.velocity = (0.5 * self.velocity + 0.5 * traveled / elapsed).astype(np.float32)
        self.earlier = Reading(self.points, self.time_seconds)
        self.points, self.time_seconds, self.turns, self.missing = points, time_seconds, turns, 0
        self.detections += 1

    def restart(self, points: FloatArray, time_seconds: float, turns: int) -> None:
        """Take over a sighting after a gap: nothing is known of the speed."""
        self.velocity = np.zeros(2, dtype=np.float32)
        self.earlier = self.person = None
        self.points, self.time_seconds, self.turns, self.missing = points, time_seconds, turns, 0


def moves_between(before: FloatArray, now: FloatArray) -> FloatArray:
    """Return the displacements of the points seen in both, float32 (n, 2)."""
    both = (before[:, 2] >= VISIBLE_SCORE) & (now[:, 2] >= VISIBLE_SCORE)
    return now[both, :2] - before[both, :2]
