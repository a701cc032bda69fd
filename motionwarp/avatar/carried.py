"""Bags and other things that hang from an arm, told from the clothes beside them. Ours.

Parsings have no class for them and call them dress or coat. What stands out at one side of somebody's lower half, much
farther than anything does at the other side, near a hand or forearm, hangs from it; where it lies before the clothes
its colors tell how far it goes on (GrabCut, Rother et al. 2004).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from scipy.spatial import cKDTree

from motionwarp.avatar.regions import matte_at
from motionwarp.avatar.sheets import Sheets
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.puppet.joints import LEAST_SCORE
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

# lengths in torsos
_ABOVE_HIPS: Final = 0.25  # things are looked for from there down
_LESS_SURE: Final = 1.15  # times what the other side shows, and a little more: as far clothes may reach
_MARGIN: Final = 0.04
_LEAST_OUT: Final = 0.14  # by which something stands out at least
_LEAST_AREA: Final = 0.025  # squared
_NEAR: Final = 0.4  # from a hand or forearm to what hangs from it
_GOES_ON: Final = 0.25  # before the clothes, beyond what stands out
_FRINGE: Final = 0.08
_EVEN: Final = 0.06  # up and down, over which outlines beneath it are even
_HANGS: Final = 0.15  # of cloth in a row
_OVER: Final = 0.03  # from a vertex of clothes that is beneath
_BEFORE: Final = 0.015  # by which its front is nearer than they are
_AROUND: Final = 5  # vertices of clothes that are nearest, whose nearest counts
_CROPPED: Final = 0.3  # around it, where colors of clothes are learned
_CLOSED: Final = 7  # pixels: studs and buckles of a bag are its own
_ROUNDS: Final = 2
_LEGS: Final = (labels.LEFT_LEG, labels.RIGHT_LEG, labels.LEFT_SHOE, labels.RIGHT_SHOE, labels.SOCKS)
_BROAD: Final = 0.8  # of its broadest row, where a bag itself begins below its handles
_UNLIKE: Final = 40.0  # of 255, in CIELAB
_HANDS: Final = (parts.RIGHT_HAND, parts.LEFT_HAND)
_CLEARLY: Final = 2.0  # nats


@dataclass(frozen=True, eq=False)
class Carried:
    """What hangs from an arm.

    Attributes
    ----------
    part : int
        The hand or forearm.
    mask : bool (h, w)
        At the regions' resolution.
    beneath : bool (h, w)
        Where of it legs go on beneath, and cloth that hangs where `hangs`.
    hangs : bool (h, w)
        Rows in which cloth hangs beside it: it ends at one height all around.
    """

    part: int
    mask: BoolArray
    beneath: BoolArray
    hangs: BoolArray


def carried_things(source: SourcePerson, regions: PartRegions) -> tuple[Carried, ...]:
    """Find what hangs from a person's arms, at most one thing at each side.

    Parameters
    ----------
    source : SourcePerson
    regions : PartRegions
        Of that person.
    """
    height, width = regions.own.shape[1:]
    shrink = np.array([width / source.matte.shape[1], height / source.matte.shape[0]], dtype=np.float32)
    points = source.pose.points.copy()
    points[:, :2] = (points[:, :2] + 0.5) * shrink - 0.5
    hips = points[[sk.RIGHT_HIP, sk.LEFT_HIP]]
    if min(hips[:, 2].min(), points[sk.NECK, 2]) < LEAST_SCORE:
        return ()
    solid = matte_at(source, (height, width)) > 0.5
    owner = np.where(solid & (regions.own.max(axis=0) > 0), regions.own.argmax(axis=0), -1)
    classes = cv2.resize(source.parsing, (width, height), interpolation=cv2.INTER_NEAREST)
    torso = float(np.linalg.norm(hips[:, :2].mean(axis=0) - points[sk.NECK, :2]))
    body = solid & ~np.isin(owner, (*parts.ARM_PARTS, parts.HEAD))
    body[: max(round(float(hips[:, 1].mean()) - _ABOVE_HIPS * torso), 0)] = False
    middle = _middles(points, height)
    columns = np.arange(width)[None, :]
    left, right = (
        np.where(body, away, 0).max(axis=1) for away in (middle[:, None] - columns, columns - middle[:, None])
    )
    picture = np.asarray(cv2.resize(source.rgb, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    found = []
    for away, reach, other in ((middle[:, None] - columns, left, right), (columns - middle[:, None], right, left)):
        expected = _LESS_SURE * other + _MARGIN * torso
        out = body & (away > expected[:, None]) & ~np.isin(classes, _LEGS)
        thing = _standing_out(out, (reach - expected)[:, None] * np.ones_like(away), torso)
        if thing is None:
            continue
        part = _holder(thing, owner, torso)
        if part is None:
            continue
        mask = _whole_thing(thing, picture, body, away > 0, torso)
        if part in _HANDS:
            between = _between(mask, owner == part) & body
            # what is as far out at the other side, and in the clothes' color, is seen between handles
            mask |= between & ((away > other[:, None]) | _unlike_clothes(picture, body & ~mask & ~between, between))
        # its soft rim comes along
        size = 2 * round(_FRINGE * torso) + 1
        fringe = cv2.dilate(mask.astype(np.uint8), np.ones((size, size), np.uint8)) > 0
        mask |= fringe & (away > expected[:, None]) & ~np.isin(owner, parts.ARM_PARTS)
        hangs = ((owner == parts.GARMENT) & ~mask).sum(axis=1, keepdims=True) > _HANGS * torso
        outline = _outline(np.where(body & ~mask, away, 0).max(axis=1), other, np.asarray(mask.any(axis=1)), torso)
        found.append(Carried(part, mask, mask & (away <= np.minimum(outline, expected)[:, None]), mask & hangs))
    return tuple(found)


def with_carried(regions: PartRegions, things: tuple[Carried, ...]) -> PartRegions:
    """Return regions in which what hangs from arms is their hands' or forearms'; clothes go on beneath it."""
    margins, own = regions.margins.copy(), regions.own.copy()
    others = [part for part in range(parts.PART_COUNT) if part not in parts.ARM_PARTS]
    for thing in things:
        own[others] = np.where(thing.mask, np.minimum(own[others], -_CLEARLY), own[others])
        beside = thing.mask & ~thing.beneath
        margins[others] = np.where(beside, np.minimum(margins[others], -_CLEARLY), margins[others])
        below = thing.mask & ~thing.hangs
        margins[parts.GARMENT][below] = np.minimum(margins[parts.GARMENT][below], -_CLEARLY)
        for plane in (margins, own):
            plane[thing.part][thing.mask] = np.maximum(plane[thing.part][thing.mask], _CLEARLY)
    return PartRegions(margins, own)


def with_solid_things(source: SourcePerson, things: tuple[Carried, ...]) -> SourcePerson:
    """Return a source whose matte is opaque within what is carried, where networks are in doubt whose it is."""
    matte = source.matte
    for thing in things:
        within = cv2.erode((thing.mask & (matte_at(source, thing.mask.shape) > 0.5)).astype(np.uint8), np.ones((5, 5)))
        soft = cv2.resize(within.astype(np.float32), matte.shape[::-1], interpolation=cv2.INTER_LINEAR)
        matte = np.maximum(matte, soft)
    return source if matte is source.matte else replace(source, matte=matte)


def before_clothes(sheets: Sheets, count: int, clothes: FloatArray, thing: BoolArray, torso: float) -> Sheets:
    """Return the sheets of a hand or forearm with the front of what it carries before the clothes over which it hangs.

    Parameters
    ----------
    sheets : Sheets
        In pixels of the photo, the first `count` vertices of the front and as many of the back after them.
    count : int
    clothes : float32 (M, 3)
        Vertices of the fronts of trunk and garment.
    thing : bool (H, W)
        What is carried, over the photo.
    torso : float
        In pixels.
    """
    x, y = np.rint(sheets.positions[:, :2]).astype(np.int64).T
    there = thing[y.clip(0, thing.shape[0] - 1), x.clip(0, thing.shape[1] - 1)]
    front = np.flatnonzero(there[:count])
    if not len(front) or not len(clothes):
        return sheets
    away, found = cKDTree(clothes[:, :2]).query(sheets.positions[front, :2], k=min(_AROUND, len(clothes)))
    found = np.asarray(found, dtype=np.int64).reshape(len(front), -1)
    over = np.asarray(away).reshape(len(front), -1)[:, 0] < _OVER * torso
    positions = sheets.positions.copy()
    before = clothes[found[over], 2].min(axis=1) - _BEFORE * torso
    positions[front[over], 2] = np.minimum(positions[front[over], 2], before)
    return replace(sheets, positions=positions)


def _middles(points: FloatArray, height: int) -> FloatArray:
    """Return x of the middle between the legs in each row, float64 (h,)."""
    sides = []
    for chain in ((sk.RIGHT_HIP, sk.RIGHT_KNEE, sk.RIGHT_ANKLE), (sk.LEFT_HIP, sk.LEFT_KNEE, sk.LEFT_ANKLE)):
        leg = points[list(chain)]
        leg = leg[leg[:, 2] >= LEAST_SCORE]
        order = np.argsort(leg[:, 1])
        sides.append(np.interp(np.arange(height), leg[order, 1], leg[order, 0]))
    return np.asarray((sides[0] + sides[1]) / 2)


def _standing_out(out: BoolArray, depth: FloatArray, torso: float) -> BoolArray | None:
    """Return the largest piece of what stands out, None if it is too small to be a thing."""
    count, pieces, facts, _ = cv2.connectedComponentsWithStats(out.astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    largest = 1 + int(np.asarray(facts)[1:, cv2.CC_STAT_AREA].argmax())
    thing = np.asarray(pieces) == largest
    if np.count_nonzero(thing) < _LEAST_AREA * torso**2 or depth[thing].max() < _LEAST_OUT * torso:
        return None
    return np.asarray(thing)


def _between(thing: BoolArray, hand: BoolArray) -> BoolArray:
    """Return what lies between a thing and the hand that holds it: handles, and what is seen between them."""
    hull = cv2.convexHull(cv2.findNonZero((thing | hand).astype(np.uint8)))
    filled = np.zeros(thing.shape, dtype=np.uint8)
    cv2.fillConvexPoly(filled, hull, 1)
    breadth = thing.sum(axis=1)
    # beside what is broad of it clothes are seen
    filled[int((breadth > _BROAD * breadth.max()).argmax()) :] = 0
    return np.asarray(filled > 0)


def _unlike_clothes(picture: ByteArray, clothes: BoolArray, where: BoolArray) -> BoolArray:
    """Return which pixels have another color than clothes have in the same rows, bool (h, w)."""
    beside = clothes & where.any(axis=1, keepdims=True)
    if not beside.any():
        return np.zeros_like(where)
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    away = np.linalg.norm(lab - np.median(lab[beside], axis=0), axis=2)
    return np.asarray(away > _UNLIKE)


def _outline(shown: FloatArray, other: FloatArray, covered: BoolArray, torso: float) -> FloatArray:
    """Return how far clothes and legs reach from the middle in each row beneath a thing, (h,).

    As far as at the other side, or as they are seen beside the thing; changing slowly from where they are seen whole.

    Parameters
    ----------
    shown, other : (h,)
        How far what is not the thing reaches at this side, and at the other one.
    covered : bool (h,)
        Rows with the thing in them.
    torso : float
    """
    reach = np.where(covered, np.maximum(shown, other), shown).astype(np.float32)
    smooth = cv2.GaussianBlur(reach[:, None], (1, 0), 0, sigmaY=_EVEN * torso, borderType=cv2.BORDER_REPLICATE)[:, 0]
    return np.asarray(np.maximum(smooth, shown), dtype=np.float32)


def _holder(thing: BoolArray, owner: FloatArray, torso: float) -> int | None:
    """Return the hand or forearm that is nearest to a thing, a hand rather than its forearm; None if none is near."""
    away = cv2.distanceTransform((~thing).astype(np.uint8), cv2.DIST_L2, 5)
    nearest = {
        part: float(away[owner == part].min()) if (owner == part).any() else np.inf
        for limb in (parts.RIGHT_ARM, parts.LEFT_ARM)
        for part in limb.parts[1:]
    }
    for group in ((parts.RIGHT_HAND, parts.LEFT_HAND), (parts.RIGHT_FOREARM, parts.LEFT_FOREARM)):
        part = min(group, key=lambda each: nearest[each])
        if nearest[part] < _NEAR * torso:
            return part
    return None


def _whole_thing(thing: BoolArray, picture: ByteArray, body: BoolArray, side: BoolArray, torso: float) -> BoolArray:
    """Return a thing with what of it lies before the clothes, by its colors."""
    rows, columns = np.flatnonzero(thing.any(axis=1)), np.flatnonzero(thing.any(axis=0))
    around = round(_CROPPED * torso)
    crop = np.s_[
        max(rows[0] - around, 0) : rows[-1] + around, max(columns[0] - 2 * around, 0) : columns[-1] + 2 * around
    ]
    size = 2 * round(_GOES_ON * torso) + 1
    near = cv2.dilate(thing.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0
    maybe = near & body & side
    marks = np.where(thing, cv2.GC_FGD, np.where(maybe, cv2.GC_PR_BGD, cv2.GC_BGD)).astype(np.uint8)[crop]
    # clothes alone tell what is none of it
    shown = np.where(body[crop][..., None], picture[crop], 0).astype(np.uint8)
    if not (marks == cv2.GC_BGD).any() or not (marks == cv2.GC_PR_BGD).any():
        return thing
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(shown, marks, (0, 0, 0, 0), background, foreground, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    taken = np.zeros_like(thing)
    taken[crop] = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))
    taken = cv2.morphologyEx((taken & (maybe | thing)).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    _, pieces = cv2.connectedComponents((taken | thing).astype(np.uint8), connectivity=4)
    joined = np.unique(np.asarray(pieces)[thing])
    whole = np.isin(pieces, joined[joined > 0]).astype(np.uint8)
    closed = cv2.morphologyEx(whole, cv2.MORPH_CLOSE, np.ones((_CLOSED, _CLOSED), np.uint8)) > 0
    return np.asarray(closed & (maybe | thing))
