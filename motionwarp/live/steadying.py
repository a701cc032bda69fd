"""The watched person's points, steadied as they come, and held while the person is lost."""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.pose.completion import torso_length
from motionwarp.pose.kinematics import MID_HIP, VISIBLE_SCORE, with_mid_hip
from motionwarp.pose.one_euro import OneEuroFilter
from motionwarp.pose.skeleton import NECK
from motionwarp.types import FloatArray

# in torso lengths: a hand at rest is steadied over a tenth of a second, one in a quick gesture hardly at all
_LEAST_CUTOFF_HZ: Final = 3.0
_SPEED_GAIN: Final = 1.6
# points that are not seen for a moment stay where they were on the body
_HOLD_SECONDS: Final = 0.4
# after so long it is unknown how the person came where they are
_RESTART_SECONDS: Final = 0.5
_EASE_SECONDS: Final = 0.3
_TORSO_SHARE: Final = 0.1


class SteadyPose:
    """Filters points, and keeps those that are hidden for a moment where they were on the body.

    Parameters
    ----------
    strength : float
        From 0, points as they are seen, to 1, twice as steady as usual.
    """

    def __init__(self, strength: float = 0.5) -> None:
        self._filter = None if strength == 0 else OneEuroFilter(_LEAST_CUTOFF_HZ * 0.5 / strength, _SPEED_GAIN)
        self._seen_seconds = np.full(18, -np.inf)
        self._offsets = np.zeros((18, 2))
        self._torso: float | None = None
        self._last_seconds = -np.inf

    def __call__(self, points: FloatArray, time_seconds: float) -> FloatArray:
        """Return the next points, float32 (18, 3); `points` (18, 3) are in pixels of the camera."""
        if time_seconds - self._last_seconds > _RESTART_SECONDS:
            if self._filter is not None:
                self._filter.reset()
            self._seen_seconds[:] = -np.inf
        self._last_seconds = time_seconds
        known = points[:, 2] >= VISIBLE_SCORE
        joints = with_mid_hip(points)
        size = torso_length(joints, joints[:, 2] >= VISIBLE_SCORE)
        if size > 0:  # slowly, or its own trembling would become the points'
            self._torso = size if self._torso is None else self._torso + _TORSO_SHARE * (size - self._torso)
        steady = points.copy()
        if self._filter is not None:
            filtered = self._filter(points[:, :2].astype(np.float64), known, time_seconds, self._torso or 1.0)
            steady[known, :2] = filtered[known]
        self._hold(steady, known, time_seconds)
        return steady

    def _hold(self, points: FloatArray, known: np.ndarray[tuple[int], np.dtype[np.bool_]], now: float) -> None:
        """Put points that are hidden for a moment where they were beside the neck, or the middle of the hips."""
        joints = with_mid_hip(points)
        root = next((joints[place, :2] for place in (NECK, MID_HIP) if joints[place, 2] >= VISIBLE_SCORE), None)
        if root is None:
            return
        held = ~known & (now - self._seen_seconds <= _HOLD_SECONDS)
        points[held, :2] = root + self._offsets[held] * (self._torso or 1.0)
        points[held, 2] = VISIBLE_SCORE
        self._offsets[known] = (points[known, :2] - root) / (self._torso or 1.0)
        self._seen_seconds[known] = now


class EasedPose:
    """Keeps a pose while there is no new one, and goes over to the next one without a jump.

    Parameters
    ----------
    rest : float32 (18, 3)
        The pose until the first one comes.
    """

    def __init__(self, rest: FloatArray) -> None:
        self._shown = rest.copy()
        self._from = rest.copy()
        self._last_seconds = -np.inf
        self._began_seconds = -np.inf

    def __call__(self, points: FloatArray | None, time_seconds: float) -> FloatArray:
        """Return what to show, float32 (18, 3): `points`, on the way to them, or the last pose if they are None."""
        if points is None:
            return self._shown
        if time_seconds - self._last_seconds > _RESTART_SECONDS:
            self._from, self._began_seconds = self._shown.copy(), time_seconds
        self._last_seconds = time_seconds
        share = min((time_seconds - self._began_seconds) / _EASE_SECONDS, 1.0)
        share = share * share * (3 - 2 * share)
        self._shown = points.copy()
        both = (points[:, 2] > 0) & (self._from[:, 2] > 0)
        self._shown[both, :2] += (1 - share) * (self._from[both, :2] - points[both, :2])
        return self._shown
