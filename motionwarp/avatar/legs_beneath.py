"""How legs go on beneath what hides them: skirts, things carried, the other leg. Ours.

Regions let a leg go on beneath a skirt as far as the skirt goes, with the skirt's pixels. When the leg moves, that would
hang out of the hem like bloomers. A leg is as broad there as legs are, and a shin that is seen has its own color.
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
_SEEN: Final = 0.02  # squared torsos of a shin without cloth over it, from which it has its own color
_SKIRT_RIM: Final = 0.04  # torsos
_RIM: Final = 0.025  # torsos: edges that touch are in each other's shade, and mixed with each other


def with_legs_beneath(regions: PartRegions, joints: Joints, parsing: ByteArray) -> PartRegions:
    """Return regions whose legs are as broad as legs beneath what hides them, shins in their own color.

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
    rims = _grown(cloth, _SKIRT_RIM * torso) & np.isin(owner, _LEGS) & np.isin(parsing, _NO_LEG)
    for plane in (margins, own):
        plane[parts.GARMENT][rims] = np.maximum(plane[parts.GARMENT][rims], _SURELY)
    hidden = cloth | rims | np.isin(owner, parts.ARM_PARTS)
    for limb in (parts.RIGHT_LEG, parts.LEFT_LEG):
        for part, reach in zip(limb.parts[:2], _REACH, strict=True):
            most = _NATS_A_RADIUS * (reach - distances[part])
            margins[part] = np.where(hidden, np.minimum(margins[part], most), margins[part])
            own[part][rims] = np.minimum(own[part][rims], -_SURELY)
        shin = limb.parts[1]
        if np.count_nonzero(owner == shin) > _SEEN * torso**2:
            own[shin][cloth] = np.minimum(own[shin][cloth], -_SURELY)
    return PartRegions(margins, own)


def with_sure_colors(regions: PartRegions, torso: float) -> PartRegions:
    """Return regions in which the rims of what goes on beneath something else are not the part's own.

    Where a leg goes on beneath the other one, or cloth beneath an arm or a bag, colors begin a little inside: rims are
    in the shade of what lies before them, and mixed with it.

    Parameters
    ----------
    regions : PartRegions
    torso : float
        In pixels of the regions.
    """
    own = regions.own.copy()
    owner = np.where(own.max(axis=0) > 0, own.argmax(axis=0), -1)
    arms = np.isin(owner, parts.ARM_PARTS)
    before = {parts.TORSO: arms, parts.GARMENT: arms}
    for leg, other in ((parts.RIGHT_LEG, parts.LEFT_LEG), (parts.LEFT_LEG, parts.RIGHT_LEG)):
        before |= dict.fromkeys(leg.parts[:2], arms | np.isin(owner, other.parts))
    for part, covering in before.items():
        rim = _grown(covering & (regions.margins[part] > 0), _RIM * torso)
        own[part][rim] = np.minimum(own[part][rim], -_SURELY)
    return PartRegions(regions.margins, own)


def _grown(mask: BoolArray, radius: float) -> BoolArray:
    size = 2 * max(round(radius), 1) + 1
    return np.asarray(cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0)
