"""What is known of a followed person from the frames so far, and where they should be next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motionwarp.analysis.appearance import Appearance
from motionwarp.analysis.framing import SEEN_SCORE, View, view_around, visible_box
from motionwarp.types import FloatArray


@dataclass
class Track:
    """What is known of the followed person."""

    points: FloatArray
    time_seconds: float
    turns: int
    appearance: Appearance
    velocity: FloatArray  # (2,) pixels a second
    missing: int = 0  # frames since the person was last seen
    sightings: int = 1  # frames in which the person was seen where they were expected, the first included

    def expected_points(self, time_seconds: float) -> FloatArray:
        """Return the last points, moved on for at most a quarter of a second and rather too little than too much."""
        moved = self.points.copy()
        moved[:, :2] += self.velocity * 0.8 * min(time_seconds - self.time_seconds, 0.25)
        return moved

    def expected_view(self, time_seconds: float) -> View:
        """Return the canonical view of where the person should be."""
        return view_around(visible_box(self.expected_points(time_seconds)), self.turns)

    def see(self, points: FloatArray, time_seconds: float, turns: int) -> None:
        """Take over a new sighting that follows the last one without a gap."""
        elapsed = max(time_seconds - self.time_seconds, 1e-3)
        travelled = np.median(moves_between(self.points, points), axis=0) if len(moves_between(self.points, points)) else np.zeros(2)
        self.velocity = (0.5 * self.velocity + 0.5 * travelled / elapsed).astype(np.float32)
        self.points, self.time_seconds, self.turns, self.missing = points, time_seconds, turns, 0
        self.sightings += 1

    def restart(self, points: FloatArray, time_seconds: float, turns: int) -> None:
        """Take over a sighting after a gap: nothing is known of the speed."""
        self.velocity = np.zeros(2, dtype=np.float32)
        self.points, self.time_seconds, self.turns, self.missing = points, time_seconds, turns, 0


def moves_between(before: FloatArray, now: FloatArray) -> FloatArray:
    """Return the displacements of the points seen in both, float32 (n, 2)."""
    both = (before[:, 2] >= SEEN_SCORE) & (now[:, 2] >= SEEN_SCORE)
    return now[both, :2] - before[both, :2]
