"""How bones turn and grow while a point beyond them is not seen, so that it can be carried along.

Who walks towards the camera until the ankles leave the picture would keep the small shins of before, and a thigh that
swings would leave its shin hanging: stumps. The method is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from motionwarp.pose.skeleton import BONES
from motionwarp.pose.smoothing import DoubleArray
from motionwarp.types import BoolArray, FloatArray

# frames around one whose bones are measured together, so that one that is seen askew does not count for much
_MEASURED_FRAMES: Final = 5
_LEAST_BONES: Final = 3
_GROWTH_LIMITS: Final = (0.4, 3.0)
# a bone that points at the camera has no direction in the picture: shorter than this share of its full length it does
# not turn what hangs on it
_SHORT_SHARE: Final = 0.35


@dataclass(frozen=True, eq=False)
class Carrier:
    """What a bone and the body did in the frames of a gap.

    Attributes
    ----------
    angles : float64 (T,)
        Direction of the bone before the point, in radians, without leaps.
    sizes : dict of int to float64 (n,)
        How much larger the body is in the gap's frames than in the frame before it or after it, by that frame.
    inside : slice
        The gap's frames.
    """

    angles: DoubleArray
    sizes: dict[int, DoubleArray]
    inside: slice

    def carry(self, offset: FloatArray | DoubleArray, reference: int) -> DoubleArray:
        """Return a point's offsets from the one before it, float64 (n, 2), by that in a frame next to the gap, (2,)."""
        turned = self.angles[self.inside] - self.angles[reference]
        cosine, sine = np.cos(turned), np.sin(turned)
        x, y = float(offset[0]), float(offset[1])
        moved = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=1)
        return np.asarray(self.sizes[reference][:, None] * moved)


class BoneMotion:
    """The bones of one shot as they were seen, before gaps are filled.

    Parameters
    ----------
    points : float32 (T, 18, 3)
    seen : bool (T, 18)
        Where points were seen.
    """

    def __init__(self, points: FloatArray, seen: BoolArray) -> None:
        parents, children = (np.array([bone[end] for bone in BONES]) for end in (0, 1))
        places = points[..., :2].astype(np.float64)
        lengths = np.linalg.norm(places[:, children] - places[:, parents], axis=2)
        self._lengths = np.where(seen[:, parents] & seen[:, children], lengths, np.nan)  # (T, bones)

    def carrier(self, points: FloatArray, parent: int | None, grandparent: int | None, gap: tuple[int, int]) -> Carrier:
        """Return how to carry a point of the shot through a gap.

        Parameters
        ----------
        points : float32 (T, 18, 3)
            With places of `parent` and `grandparent` in every frame.
        parent, grandparent : int or None
            The point before the one that is carried, and the one before that.
        gap : tuple of int
            First and last frame.
        """
        first, last = gap
        inside = slice(first, last + 1)
        references = [frame for frame in (first - 1, last + 1) if 0 <= frame < len(points)]
        if parent is None or grandparent is None:
            angles = np.zeros(len(points))
        else:
            angles = _bone_angles(points[:, parent, :2].astype(np.float64) - points[:, grandparent, :2])
        return Carrier(angles, {frame: self._growth(frame, inside) for frame in references}, inside)

    def _growth(self, reference: int, inside: slice) -> DoubleArray:
        """Return how much larger the body is in some frames than in one, by the bones seen in both; float64 (n,)."""
        before = _middle(self._lengths[max(reference - _MEASURED_FRAMES, 0) : reference + _MEASURED_FRAMES])
        half = _MEASURED_FRAMES // 2
        growth = np.full(inside.stop - inside.start, np.nan)
        for place, frame in enumerate(range(inside.start, inside.stop)):
            ratios = _middle(self._lengths[max(frame - half, 0) : frame + half + 1]) / before
            ratios = ratios[np.isfinite(ratios)]
            if len(ratios) >= _LEAST_BONES:
                growth[place] = np.median(ratios)
        known = np.flatnonzero(np.isfinite(growth))
        if not len(known):
            return np.ones(len(growth))
        # where too little is seen the body is as large as in the nearest frame that tells
        return np.asarray(np.clip(np.interp(np.arange(len(growth)), known, growth[known]), *_GROWTH_LIMITS))


def _middle(lengths: DoubleArray) -> DoubleArray:
    """Return the median of each bone over frames (T, bones); NaN where never seen and for bones without length."""
    seen = np.isfinite(lengths).any(axis=0)
    middle = np.full(lengths.shape[1], np.nan)
    middle[seen] = np.nanmedian(lengths[:, seen], axis=0)
    middle[middle < 1e-6] = np.nan
    return middle


def _bone_angles(bones: DoubleArray) -> DoubleArray:
    """Return the direction of a bone (T, 2) in every frame without leaps; where too short, from the frames around."""
    lengths = np.linalg.norm(bones, axis=1)
    told = np.flatnonzero(lengths >= max(_SHORT_SHARE * float(np.quantile(lengths, 0.9)), 1e-6))
    if not len(told):
        return np.zeros(len(bones))
    angles = np.unwrap(np.arctan2(bones[told, 1], bones[told, 0]))
    return np.asarray(np.interp(np.arange(len(bones)), told, angles))
