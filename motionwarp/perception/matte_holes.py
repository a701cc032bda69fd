"""A hole in a matte where the person's trunk is: filled as far as the picture's own colors go. Ours.

Who is drawn in flat colors has large areas without any texture, in which a network sees nobody now and then. Of a trunk
whose shoulders and hips are seen nothing can be missing: what is there belongs to the person, and so does what has its
colors around it (GrabCut, Rother, Kolmogorov and Blake 2004).
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from motionwarp.pose import skeleton as sk
from motionwarp.types import BoolArray, ByteArray, FloatArray, Pose

_CORNERS: Final = [sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER, sk.LEFT_HIP, sk.RIGHT_HIP]
_LEAST_SCORE: Final = 0.5
_LEAST_HOLE: Final = 0.05  # of the trunk: photos have a hundredth at most
_NOBODY, _SOMEBODY = 0.1, 0.9  # coverage that is believed
# in torsos: how far from its corners' outline the trunk is sure, and how far around it colors are looked at
_WITHIN: Final = 0.05
_AROUND: Final = 0.6
_WORKING_TORSO: Final = 128.0  # pixels, at most
_ROUNDS: Final = 4
_SOFT: Final = 0.8  # pixels of the working size over which the new outline is soft


def with_whole_trunk(rgb: ByteArray, matte: FloatArray, pose: Pose) -> FloatArray:
    """Return a matte without a hole in the trunk.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    matte : float32 (H, W)
        In [0, 1].
    pose : Pose
        In the picture's pixels.

    Returns
    -------
    float32 (H, W)
        Nowhere less than before; the same where the trunk has no hole, or is not seen.
    """
    if pose.scores[_CORNERS].min() < _LEAST_SCORE:
        return matte
    corners = pose.xy[_CORNERS]
    torso = float(np.linalg.norm(corners[:2].mean(axis=0) - corners[2:].mean(axis=0)))
    hull = np.zeros(matte.shape, dtype=np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.rint(corners).astype(np.int32)), 1)
    trunk = cv2.distanceTransform(hull, cv2.DIST_L2, 5) > _WITHIN * torso
    hole = trunk & (matte < 0.5)
    if not trunk.any() or np.count_nonzero(hole) < _LEAST_HOLE * np.count_nonzero(trunk):
        return matte
    scale = min(1.0, _WORKING_TORSO / torso)
    height, width = (max(round(side * scale), 1) for side in matte.shape)
    small = np.asarray(cv2.resize(matte, (width, height), interpolation=cv2.INTER_AREA), dtype=np.float32)
    core = cv2.resize(trunk.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5
    picture = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    person = _cut_out(picture, small, core, _AROUND * scale * torso)
    soft = cv2.GaussianBlur(person.astype(np.float32), (0, 0), _SOFT)
    filled = cv2.resize(soft, matte.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.maximum(matte, filled.clip(0, 1)), dtype=np.float32)


def _cut_out(picture: ByteArray, matte: FloatArray, core: BoolArray, reach: float) -> BoolArray:
    """Return what is the person's near the core of their trunk, bool (h, w)."""
    near = cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 5) < reach
    classes = np.where(matte > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    classes[(matte < _NOBODY) & ~near] = cv2.GC_BGD
    classes[core | (matte > _SOMEBODY)] = cv2.GC_FGD
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    # with a mask the rectangle counts for nothing
    everywhere = (0, 0, *picture.shape[1::-1])
    cv2.grabCut(np.ascontiguousarray(picture), classes, everywhere, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    person = ((classes == cv2.GC_FGD) | (classes == cv2.GC_PR_FGD)) & near
    # what does not hang together with the trunk is not of it
    _, pieces = cv2.connectedComponents((person | core).astype(np.uint8), connectivity=4)
    return np.asarray(np.isin(pieces, np.unique(np.asarray(pieces)[core])) & person)
