"""One person's motion for another body while it happens: what `retargeting` does for a clip, from the past alone."""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.pose.completion import complete_pose
from motionwarp.pose.kinematics import VISIBLE_SCORE, with_mid_hip
from motionwarp.pose.proportions import BoneRatios
from motionwarp.pose.retargeting import (
    bone_factors,
    bone_ratios,
    choose_anchor,
    joints_of_driving,
    plant_feet,
    retargeted_scores,
    walk_bones,
)
from motionwarp.pose.root_alignment import anchor_points, resting_place
from motionwarp.pose.smoothing import DoubleArray
from motionwarp.types import POINT_COUNT, FloatArray, Pose

# poses that proportions and the place at rest are measured on: one every so often, so that five seconds tell both
_REFERENCE_STEP_SECONDS: Final = 0.2
_MOST_REFERENCES: Final = 25
# what has been measured anew is taken over within about this time, so that nobody jumps
_SETTLING_SECONDS: Final = 0.6


class CausalRetargeter:
    """Lets the person of a picture move like somebody who is being watched.

    Proportions, and where the driving person stands at rest, are measured on the first seconds; then they are kept.

    Parameters
    ----------
    source : Pose
        The person to be moved, in the picture's pixels.

    Raises
    ------
    NoPersonError
        If the source shows too few points.
    """

    def __init__(self, source: Pose) -> None:
        self._source, self._completion = source, complete_pose(source)
        self._joints = with_mid_hip(self._completion.pose.points)[:, :2].astype(np.float64)
        self.forget()

    def forget(self) -> None:
        """Measure anew: another person has come, or the camera was moved."""
        self._references: list[FloatArray] = []
        self._referred_seconds = -np.inf
        self._time_seconds = -np.inf
        self._anchor = "neck"
        self._ratios: BoneRatios | None = None
        # both settle towards what is measured: factors of the bones (19, 1), then scale, then the resting place (2,)
        self._factors: DoubleArray | None = None
        self._scale = 1.0
        self._rest = np.zeros(2)

    def __call__(self, points: FloatArray, time_seconds: float) -> FloatArray | None:
        """Return where the source's points are for the next pose of the driving person.

        Parameters
        ----------
        points : float32 (18, 3)
            In the camera's pixels, best filtered.
        time_seconds : float
            Later than the time before.

        Returns
        -------
        float32 (18, 3) or None
            In the source picture's pixels, with scores as `retarget_track` gives them; None while too little is seen.
        """
        if not (points[:, 2] >= VISIBLE_SCORE).any():
            return None
        measured = self._refer(points, time_seconds)
        self._settle(time_seconds, anew=measured)
        if self._ratios is None or self._factors is None:
            return None
        joints, known, shown = joints_of_driving(points[None], self._joints, self._factors)
        walked = walk_bones(joints, self._factors)
        torso = self._completion.torso_length
        place = anchor_points(joints, self._anchor, torso / self._scale)
        own = anchor_points(walked, self._anchor, torso / self._scale, like=joints)
        home = anchor_points(self._joints[None], self._anchor, torso)[0]
        stood = walked + (home + self._scale * (place - self._rest) - own)[:, None]
        plant_feet(stood, self._joints, shown, torso)
        result = np.zeros_like(points)
        result[:, :2] = stood[0, :POINT_COUNT]
        result[:, 2] = retargeted_scores(points[None], known[:, :POINT_COUNT], shown, self._source, self._completion)[0]
        return result

    def _refer(self, points: FloatArray, time_seconds: float) -> bool:
        """Keep a pose to measure on, while there are too few; tell whether what was measured holds at once."""
        if len(self._references) >= _MOST_REFERENCES:
            return False
        if time_seconds - self._referred_seconds < _REFERENCE_STEP_SECONDS:
            return False
        self._referred_seconds = time_seconds
        self._references.append(points.copy())
        seen = np.stack(self._references)
        ratios = bone_ratios(seen, self._source, keep_proportions=False)
        if ratios is None:
            return False
        anchor, first = choose_anchor(seen, self._source), self._ratios is None
        other = anchor != self._anchor
        self._ratios, self._anchor = ratios, anchor
        return first or other

    def _settle(self, time_seconds: float, *, anew: bool) -> None:
        """Bring factors, scale and resting place nearer to what is measured, or there at once if `anew`."""
        step, self._time_seconds = time_seconds - self._time_seconds, time_seconds
        if self._ratios is None:
            return
        factors = bone_factors(self._ratios)
        seen = np.stack(self._references)
        joints, _, _ = joints_of_driving(seen, self._joints, factors)
        torso = self._completion.torso_length
        places = anchor_points(joints, self._anchor, torso / self._ratios.scale)
        rest = np.asarray(resting_place(places, self._anchor))
        share = 1.0 if anew or self._factors is None else 1 - float(np.exp(-step / _SETTLING_SECONDS))
        before = factors if self._factors is None else self._factors
        self._factors = before + share * (factors - before)
        self._scale += share * (self._ratios.scale - self._scale)
        self._rest = self._rest + share * (rest - self._rest)
