"""How legs go on beneath what hides them: skirts, and things carried. Ours.

Regions let a leg go on beneath a skirt as far as the skirt goes, with the skirt's pixels. When the leg moves, that
would hang out of the hem like bloomers. A leg is as broad there as legs are, and a shin that is seen has its own color.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from motionwarp.parsing import labels
from motionwarp.puppet import parts
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.segmentation import PartRegions, part_distances
from motionwarp.types import BoolArray, ByteArray

_LEGS: Final = (parts.RIGHT_THIGH, parts.RIGHT_SHIN, parts.LEFT_THIGH, parts.LEFT_SHIN)
_NO_LEG: Final = (labels.BACKGROUND, labels.IGNORE, *parts.HANGING)
_REACH: Final = (1.0, 0.8)  # radii from the middle of a thigh and a shin, beneath what hides them
_NATS_A_RADIUS: Final = 3.0
_SURELY: Final = 1.0  # nats
_SEEN: Final = 0.006  # squared torsos of a shin without cloth over it, from which it has its own color
_SKIRT_RIM: Final = 0.04  # torsos


def with_legs_beneath(regions: PartRegions, joints: Joints, parsing: ByteArray) -> PartRegions:
    """Return regions whose legs are as broad as legs beneath what hides them, shins in their own color.

    Legs that a skirt hides down to the ground are what is seen of it: else it would stay like a board.
    Rims of skirts, which parsings call nothing, are the skirt's: with a leg they would hang beside it.

    Parameters
    ----------
    regions : PartRegions
    joints : Joints
        At their resolution.
    parsing : uint8 (h, w)
        Likewise.
    """
    margins, own = regions.margins.copy(), regions.own.copy()
    distances, torso = part_distances(joints, parsing.shape), float(joints.torso[0])
    owner = np.where(own.max(axis=0) > 0, own.argmax(axis=0), -1)
    cloth = owner == parts.GARMENT
    beside = _grown(cloth, _SKIRT_RIM * torso) & np.isin(parsing, _NO_LEG)
    rims = beside & np.isin(owner, _LEGS)
    # in the skirt's color: what parsings call nothing may be the ground
    margins[parts.GARMENT][rims] = np.maximum(margins[parts.GARMENT][rims], _SURELY)
    hidden = cloth | beside | np.isin(owner, parts.ARM_PARTS)
    for limb in (parts.RIGHT_LEG, parts.LEFT_LEG):
        shin = limb.parts[1]
        is_seen = np.count_nonzero((owner == shin) & ~np.isin(parsing, _NO_LEG)) > _SEEN * torso**2
        for part, reach in zip(limb.parts[:2], _REACH, strict=True):
            own[part][rims] = np.minimum(own[part][rims], -_SURELY)
            if is_seen:
                most = _NATS_A_RADIUS * (reach - distances[part])
                margins[part] = np.where(hidden, np.minimum(margins[part], most), margins[part])
        if is_seen:
            own[shin][cloth] = np.minimum(own[shin][cloth], -_SURELY)
    return PartRegions(margins, own)


def _grown(mask: BoolArray, radius: float) -> BoolArray:
    size = 2 * max(round(radius), 1) + 1
    return np.asarray(cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0)
