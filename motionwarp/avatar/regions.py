"""Which pixels of a photo are which part's for an avatar: whatever belongs to the person belongs to a part.

Ours.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import torch

from motionwarp.avatar.hair_regions import with_whole_hair
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.puppet.arms_before import with_arms_before
from motionwarp.puppet.joints import LEAST_SCORE, Joints
from motionwarp.puppet.segmentation import PartRegions, chest, part_distances, part_regions
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

_WORKING_TORSO: Final = 110
_IN_ONE_PIECE: Final = (
    parts.HEAD, *sorted((*parts.RIGHT_ARM.parts, *parts.LEFT_ARM.parts)), parts.RIGHT_FOOT, parts.LEFT_FOOT,
)  # fmt: skip
_ISLAND: Final = 0.15  # of a part's largest piece: less than that is not the part
_BRIDGE: Final = 3  # pixels of the regions: what hangs on a part by less than that is an island too
# rows between knees and hem tell a skirt from trousers: no gap, legs nearer than the halves of what is seen of them,
# and breadth, in torsos and as a share of the hips'
_NO_GAP: Final = 0.01
_LEGS_NEAR: Final = 0.36
_SKIRT_BREADTHS: Final = (0.55, 0.75)
_FROM_HIPS: Final = 0.35  # of the way to the knees, where legs part that are apart
_TRUNK: Final = (
    parts.TORSO, parts.GARMENT, parts.RIGHT_THIGH, parts.RIGHT_SHIN, parts.LEFT_THIGH, parts.LEFT_SHIN,
)  # fmt: skip
_SCRAP: Final = 0.03  # of a part of the trunk or of a leg, beside an arm: less than that was taken from the arm
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
    solid = matte_at(source, size[::-1]) > 0.5
    points = _points_at(source, size[::-1])
    joints = Joints(torch.from_numpy(points)[None])
    regions = nothing_left_over(part_regions(joints, _with_whole_skirts(small, points, solid), solid), solid)
    picture = np.asarray(cv2.resize(source.rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    distances = part_distances(joints, small.shape)
    regions = with_arms_before(regions, distances, picture, solid)
    regions = with_whole_hair(regions, distances, joints, small, solid)
    regions = _without_stubs(regions, joints)
    regions = _without_scraps(_without_islands(regions, solid), solid)
    return _without_rims_of_others(regions, solid).with_smooth_borders()


def joints_at(source: SourcePerson, shape: tuple[int, ...]) -> Joints:
    """Return a person's joints at the resolution of their regions, (h, w)."""
    return Joints(torch.from_numpy(_points_at(source, shape))[None])


def _points_at(source: SourcePerson, shape: tuple[int, ...]) -> FloatArray:
    (height, width), (rows, columns) = source.matte.shape, shape
    shrink = np.array([columns / width, rows / height], dtype=np.float32)
    points = source.pose.points.copy()
    points[:, :2] = (points[:, :2] + 0.5) * shrink - 0.5
    return points


def matte_at(source: SourcePerson, shape: tuple[int, ...]) -> FloatArray:
    """Return a person's matte at the resolution of their regions, (h, w)."""
    return np.asarray(cv2.resize(source.matte, shape[::-1], interpolation=cv2.INTER_AREA), dtype=np.float32)


def _with_whole_skirts(parsing: ByteArray, points: FloatArray, solid: BoolArray) -> ByteArray:
    """Return a parsing whose trousers are a skirt where no legs are seen apart in them.

    Long narrow skirts are taken for trousers now and then, whose legs would go apart. Each leg of trousers lies about
    the middle of a half of them; legs in a skirt are nearer.
    """
    hips, knees, ankles = (
        points[[right, left]]
        for right, left in (
            (sk.RIGHT_HIP, sk.LEFT_HIP), (sk.RIGHT_KNEE, sk.LEFT_KNEE), (sk.RIGHT_ANKLE, sk.LEFT_ANKLE)
        )
    )  # fmt: skip
    if min(hips[:, 2].min(), knees[:, 2].min(), points[sk.NECK, 2]) < LEAST_SCORE:
        return parsing
    hip, knee = float(hips[:, 1].mean()), float(knees[:, 1].mean())
    torso = float(np.linalg.norm(hips[:, :2].mean(axis=0) - points[sk.NECK, :2]))
    cloth = (parsing == labels.PANTS) & solid
    counts = cloth.sum(axis=1)
    broad = np.flatnonzero(counts > 0.1 * torso)
    rows = np.arange(max(round(hip + _FROM_HIPS * (knee - hip)), 0), broad[-1] - 1 if len(broad) else 0)
    if knee <= hip or len(rows) < _FROM_HIPS * (knee - hip):
        return parsing
    columns = np.arange(cloth.shape[1])
    first = np.where(cloth, columns, len(columns)).min(axis=1)[rows]
    breadth = np.where(cloth, columns, -1).max(axis=1)[rows] - first + 1
    if breadth.min() < 2 or (1 - counts[rows] / breadth).mean() > _NO_GAP:
        return parsing
    sides = [
        np.interp(rows, *np.array([point[[1, 0]] for point in leg if point[2] >= LEAST_SCORE]).T)
        for leg in zip(hips, knees, ankles, strict=True)
    ]
    apart = float((np.abs(sides[0] - sides[1]) / breadth).mean())
    at_hips = counts[max(round(hip), 0) : round(hip + 0.3 * torso)]
    least = max(_SKIRT_BREADTHS[0] * torso, _SKIRT_BREADTHS[1] * float(np.percentile(at_hips, 80)))
    if apart > _LEGS_NEAR or breadth.mean() < least:
        return parsing
    return np.where(cloth, np.uint8(labels.SKIRT), parsing)


def _without_stubs(regions: PartRegions, joints: Joints) -> PartRegions:
    """Take from the trunk what both have of an arm at its shoulder, where that is outside of the trunk.

    Of an arm that is raised a stub would stay there when it goes down.
    """
    trunk = chest(joints, regions.own.shape[1:])
    outside = cv2.distanceTransform((~trunk).astype(np.uint8), cv2.DIST_L2, 5) > _STUB_TORSOS * float(joints.torso[0])
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


def _without_scraps(regions: PartRegions, solid: BoolArray) -> PartRegions:
    """Give forearms and hands the small pieces of trunk and legs that lie on their outer side.

    They would stay in the air where an arm hung. What arms enclose before the trunk is the trunk's: it does not touch
    what is behind the person.
    """
    margins, own = regions.margins.copy(), regions.own.copy()
    owner = np.where(solid, regions.own.argmax(axis=0), -1)
    behind = cv2.dilate((~solid).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    for part in _TRUNK:
        here = owner == part
        count, pieces, facts, _ = cv2.connectedComponentsWithStats(
            (here & ~_largest_piece(here)).astype(np.uint8), connectivity=8
        )
        for piece in range(1, count):
            scrap = np.asarray(pieces) == piece
            if facts[piece, cv2.CC_STAT_AREA] >= _SCRAP * float(here.sum()) or not (scrap & behind).any():
                continue
            around = cv2.dilate(scrap.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            beside = owner[around & ~scrap & solid]
            beside = beside[beside != part]
            if not len(beside) or not np.isin(beside, parts.FOREARMS_AND_HANDS).mean() > 0.5:
                continue
            taker = int(np.bincount(beside[np.isin(beside, parts.FOREARMS_AND_HANDS)]).argmax())
            for plane in (margins, own):
                plane[taker, scrap] = np.maximum(plane[taker, scrap], 1.0)
                plane[list(_TRUNK), :, :] = np.where(scrap, np.minimum(plane[list(_TRUNK)], -1.0), plane[list(_TRUNK)])
            owner[scrap] = taker
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
    """Give soft rims to the nearest part that is opaque: beside a head, and of forearms and hands beside all else.

    A rim that stayed with them would hang in the air when the arm goes away.
    """
    _, numbers = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    owners = np.zeros(int(numbers.max()) + 1, dtype=np.int64)
    owners[numbers[solid]] = regions.own.argmax(axis=0)[solid]
    nearest = owners[numbers]
    of_forearms = np.isin(nearest, parts.FOREARMS_AND_HANDS)
    margins, own = regions.margins.copy(), regions.own.copy()
    for part in (parts.HEAD, *_TRUNK):
        rims = ~solid & (nearest != part) & (regions.margins[part] > -1)
        if part != parts.HEAD:
            rims &= of_forearms
        ys, xs = np.nonzero(rims)
        for plane in (margins, own):
            plane[part][rims] = -1.0
            plane[nearest[ys, xs], ys, xs] = np.maximum(plane[nearest[ys, xs], ys, xs], 1.0)
    return PartRegions(margins, own)


def nothing_left_over(regions: PartRegions, solid: BoolArray) -> PartRegions:
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
