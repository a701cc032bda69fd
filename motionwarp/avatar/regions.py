"""Which pixels of a photo are which part's for an avatar: whatever belongs to the person belongs to a part.

Ours.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import torch

from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.puppet.arms_before import with_arms_before
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.segmentation import PartRegions, part_distances, part_regions
from motionwarp.types import BoolArray, SourcePerson

_WORKING_TORSO: Final = 110
_IN_ONE_PIECE: Final = (
    parts.HEAD, *sorted((*parts.RIGHT_ARM.parts, *parts.LEFT_ARM.parts)), parts.RIGHT_FOOT, parts.LEFT_FOOT,
)  # fmt: skip
_ISLAND: Final = 0.15  # of a part's largest piece: less than that is not the part
_BRIDGE: Final = 3  # pixels of the regions: what hangs on a part by less than that is an island too
_STUB_TORSOS: Final = 0.05  # outside of the trunk within which a shoulder is the trunk's too


def person_regions(source: SourcePerson, torso: float) -> PartRegions:
    """Return which pixels of a photo are which part's; all that belongs to the matte is some part's.

    Parameters
    ----------
    source : SourcePerson
    torso : float
        In pixels.
    """
    height, width = source.parsing.shape
    factor = min(1.0, _WORKING_TORSO / torso)
    size = max(round(width * factor), 8), max(round(height * factor), 8)
    small = np.asarray(cv2.resize(source.parsing, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    solid = cv2.resize(source.matte, size, interpolation=cv2.INTER_AREA) > 0.5
    shrink = np.array([size[0] / width, size[1] / height], dtype=np.float32)
    shrunk = source.pose.points.copy()
    shrunk[:, :2] = (shrunk[:, :2] + 0.5) * shrink - 0.5
    joints = Joints(torch.from_numpy(shrunk)[None])
    regions = _nothing_left_over(part_regions(joints, small, solid), solid)
    picture = np.asarray(cv2.resize(source.rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    regions = with_arms_before(regions, part_distances(joints, small.shape), picture, solid)
    regions = _without_stubs(regions, joints)
    return _without_rims_of_others(_without_islands(regions, solid), solid).with_smooth_borders()


def _without_stubs(regions: PartRegions, joints: Joints) -> PartRegions:
    """Take from the trunk what both have of an arm at its shoulder, where that is outside of the trunk.

    Of an arm that is raised a stub would stay there when it goes down.
    """
    outline = joints.xy[0, [sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER, sk.LEFT_HIP, sk.RIGHT_HIP]].numpy()
    trunk = np.zeros(regions.own.shape[1:], dtype=np.uint8)
    cv2.fillConvexPoly(trunk, cv2.convexHull(np.round(outline).astype(np.int32)), 1)
    outside = cv2.distanceTransform(1 - trunk, cv2.DIST_L2, 5) > _STUB_TORSOS * float(joints.torso[0])
    arms = regions.own[[parts.RIGHT_UPPER_ARM, parts.LEFT_UPPER_ARM]].max(axis=0)
    stub = outside & (arms > regions.own[parts.TORSO])
    margins, own = regions.margins.copy(), regions.own.copy()
    for plane in (margins, own):
        plane[parts.TORSO][stub] = np.minimum(plane[parts.TORSO][stub], -1.0)
    return PartRegions(margins, own)


def _without_islands(regions: PartRegions, solid: BoolArray) -> PartRegions:
    """Give small pieces of heads, arms and feet that lie apart from them to the part that they touch most.

    A hand beside the head would stay in the air with the head when the arm goes down.
    """
    margins, own = regions.margins.copy(), regions.own.copy()
    owner = np.where(solid, regions.own.argmax(axis=0), -1)
    for part in _IN_ONE_PIECE:
        here = owner == part
        whole = _largest_piece(here)
        count, pieces, facts, _ = cv2.connectedComponentsWithStats((here & ~whole).astype(np.uint8), connectivity=8)
        areas = np.asarray(facts)[:, cv2.CC_STAT_AREA]
        for piece in range(1, count):
            if areas[piece] >= _ISLAND * float(whole.sum()):
                continue
            island = np.asarray(pieces) == piece
            around = cv2.dilate(island.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            beside = owner[around & ~island & solid & ~here]
            if not len(beside):
                continue
            taker = int(np.bincount(beside).argmax())
            for plane in (margins, own):
                plane[taker, island] = np.maximum(plane[taker, island], 1.0)
                plane[part, island] = -1.0
            owner[island] = taker
    return PartRegions(margins, own)


def _largest_piece(mask: BoolArray) -> BoolArray:
    """Return a mask's largest piece with what is within a bridge's breadth of it, without what hangs on farther off."""
    kernel = np.ones((_BRIDGE, _BRIDGE), np.uint8)
    count, pieces, facts, _ = cv2.connectedComponentsWithStats(
        cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel), connectivity=4
    )
    if count < 2:
        return mask
    largest = 1 + int(np.asarray(facts)[1:, cv2.CC_STAT_AREA].argmax())
    grown = cv2.dilate((np.asarray(pieces) == largest).astype(np.uint8), kernel)
    return np.asarray(mask & (grown > 0))


def _without_rims_of_others(regions: PartRegions, solid: BoolArray) -> PartRegions:
    """Take from the head the soft rims of what is beside it: they go with the nearest part that is opaque."""
    _, numbers = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    owners = np.zeros(int(numbers.max()) + 1, dtype=np.int64)
    owners[numbers[solid]] = regions.own.argmax(axis=0)[solid]
    nearest = owners[numbers]
    rims = ~solid & (nearest != parts.HEAD) & (regions.margins[parts.HEAD] > -1)
    margins, own = regions.margins.copy(), regions.own.copy()
    ys, xs = np.nonzero(rims)
    for plane in (margins, own):
        plane[parts.HEAD][rims] = -1.0
        plane[nearest[ys, xs], ys, xs] = np.maximum(plane[nearest[ys, xs], ys, xs], 1.0)
    return PartRegions(margins, own)


def _nothing_left_over(regions: PartRegions, solid: BoolArray) -> PartRegions:
    """Give the person's pixels that are no part's to the nearest part: whatever belongs to the matte comes along."""
    owner = regions.own.argmax(axis=0)
    owned = (regions.own.max(axis=0) > 0) & solid
    left = solid & ~owned
    if not left.any() or not owned.any():
        return regions
    _, labels = cv2.distanceTransformWithLabels(
        (~owned).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    table[labels[owned]] = owner[owned]
    nearest = table[labels]
    margins, own = regions.margins.copy(), regions.own.copy()
    ys, xs = np.nonzero(left)
    for plane in (margins, own):
        plane[nearest[ys, xs], ys, xs] = np.maximum(plane[nearest[ys, xs], ys, xs], 1.0)
    return PartRegions(margins, own)
