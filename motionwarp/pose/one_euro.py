"""The One Euro filter: steadies points as they come, with little delay where they move fast."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from motionwarp.pose.smoothing import DoubleArray
from motionwarp.types import BoolArray

_SPEED_CUTOFF_HZ: Final = 1.0  # of the filter of the speed itself, as the paper has it
_SHORTEST_STEP_SECONDS: Final = 1e-3


class OneEuroFilter:
    """A low-pass filter of first order for each point, whose cut-off frequency rises with the point's speed.

    Parameters
    ----------
    least_cutoff_hz : float
        Cut-off frequency of a point at rest: lower is steadier, and later.
    speed_gain : float
        By how many Hz the cut-off rises with each unit of length a second.

    Notes
    -----
    Casiez, Roussel and Vogel: 1 Euro Filter, CHI 2012, equations 1 to 7. The speed of a point is that of both of its
    coordinates together, so that the filter does not depend on the direction. Ours: points may be missing for a while.
    """

    def __init__(self, least_cutoff_hz: float, speed_gain: float) -> None:
        if least_cutoff_hz <= 0 or speed_gain < 0:
            raise ValueError(f"OneEuroFilter needs a cut-off over 0 and a gain from 0 up, got {least_cutoff_hz}, "
                             f"{speed_gain}")  # fmt: skip
        self._least_cutoff, self._gain = least_cutoff_hz, speed_gain
        self._values: DoubleArray | None = None
        self._speeds: DoubleArray | None = None
        self._times: DoubleArray | None = None

    def reset(self) -> None:
        """Forget all points, so that the next ones are taken as they are."""
        self._values = self._speeds = self._times = None

    def __call__(self, values: DoubleArray, known: BoolArray, time_seconds: float, unit: float = 1.0) -> DoubleArray:
        """Filter the next values.

        Parameters
        ----------
        values : float64 (N, 2)
        known : bool (N,)
            Which of them were seen; the others keep what they were.
        time_seconds : float
            Later than the time before.
        unit : float
            The length that speeds are counted in, such as a torso in pixels, so that near and far are filtered alike.

        Returns
        -------
        float64 (N, 2)
        """
        if self._values is None or self._speeds is None or self._times is None:
            self._values, self._speeds = values.copy(), np.zeros_like(values)
            self._times = np.where(known, time_seconds, -np.inf)
            return values.copy()
        new = known & ~np.isfinite(self._times)  # seen for the first time
        old = known & ~new
        steps = np.maximum(time_seconds - self._times, _SHORTEST_STEP_SECONDS)[:, None]  # (N, 1)
        speeds = (values - self._values) / steps
        speeds = self._speeds + _share(_SPEED_CUTOFF_HZ, steps) * (speeds - self._speeds)
        cutoffs = self._least_cutoff + self._gain * np.linalg.norm(speeds, axis=1, keepdims=True) / unit
        moved = self._values + _share(cutoffs, steps) * (values - self._values)
        self._values = np.where(old[:, None], moved, np.where(new[:, None], values, self._values))
        self._speeds = np.where(old[:, None], speeds, self._speeds)
        self._times = np.where(known, time_seconds, self._times)
        return self._values.copy()


def _share(cutoff_hz: DoubleArray | float, steps: DoubleArray) -> DoubleArray:
    """Return what part of the way to the new value is gone in a step, in [0, 1]."""
    angle = 2 * math.pi * cutoff_hz * steps
    share: DoubleArray = np.asarray(1 - 1 / (angle + 1))
    return share
