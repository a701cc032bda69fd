"""Hair is the head's, as far as it falls: over a shoulder or the chest too. Ours.

A lock that belonged to an arm in part would go up with the arm; one that belonged to the trunk would stay on the chest,
as if it were printed there, when the head turns.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from motionwarp.parsing import labels
from motionwarp.puppet import parts
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.segmentation import PartRegions, chest
from motionwarp.types import BoolArray, ByteArray, FloatArray

_BESIDE: Final = (parts.TORSO, parts.RIGHT_UPPER_ARM, parts.LEFT_UPPER_ARM)
_COVERED: Final = 0.8  # radii of an arm within which it goes on beneath hair
_GAP: Final = 5  # pixels of the regions: locks that are apart by less hang together
_NATS: Final = 1.0


def with_whole_hair(
    regions: PartRegions, distances: FloatArray, joints: Joints, parsing: ByteArray, solid: BoolArray
) -> PartRegions:
    """Return regions in which hair that hangs together with the head's is the head's alone.

    Trunk and upper arms go on beneath it, where they would be without it.

    Parameters
    ----------
    regions : PartRegions
    distances : float32 (P, h, w)
        As `part_distances` gives them.
    joints : Joints
        Points of the one source pose, in pixels of the regions.
    parsing : uint8 (h, w)
    solid : bool (h, w)
        Where the person is.
    """
    hair = (parsing == labels.HAIR) & solid
    owner = np.where(solid, regions.own.argmax(axis=0), -1)
    taken = hair & np.isin(owner, _BESIDE) & _hanging_together(hair, owner == parts.HEAD)
    if not taken.any():
        return regions
    margins, own = regions.margins.copy(), regions.own.copy()
    for plane in (margins, own):
        plane[parts.HEAD][taken] = np.maximum(plane[parts.HEAD][taken], _NATS)
    for part in _BESIDE:
        own[part][taken] = np.minimum(own[part][taken], -_NATS)
        beneath = chest(joints, parsing.shape) if part == parts.TORSO else distances[part] < _COVERED
        # what is no arm's already does not become one
        margins[part][taken & ~beneath] = np.minimum(margins[part][taken & ~beneath], -_NATS)
    return PartRegions(margins, own)


def _hanging_together(hair: BoolArray, head: BoolArray) -> BoolArray:
    """Return the pieces of hair, with what is a gap's breadth beside them, in which there is some of the head's."""
    near = cv2.dilate(hair.astype(np.uint8), np.ones((_GAP, _GAP), np.uint8))
    _, pieces = cv2.connectedComponents(near, connectivity=8)
    of_head = np.unique(np.asarray(pieces)[hair & head])
    return np.asarray(np.isin(pieces, of_head[of_head > 0]))
