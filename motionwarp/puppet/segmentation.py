"""Which pixels of the source belong to which part: soft regions from distances to limbs, sharpened by the parsing.

Each part has a score at each pixel, in nats: minus 3 times the distance from its limb over its radius, plus how well
the pixel's class goes with the part. A part owns a pixel by the margin of its score over those of all others. Parts
that are joined share the disc around their joint, so that bending opens no gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import cv2
import numpy as np

from motionwarp.parsing import labels
from motionwarp.pose import skeleton
from motionwarp.puppet import parts
from motionwarp.puppet.joints import Joints
from motionwarp.types import BoolArray, ByteArray, FloatArray

_NATS_A_RADIUS: Final = 3.0
_REACH: Final = 3.2  # radii beyond which a pixel is no part's: bags, umbrellas, other people
_JOINT_BONUS: Final = 8.0
_GARMENT_SCORE: Final = -1.0  # of the garment's own pixels: an arm in front of it wins near its own axis
_GARMENT_LEAST: Final = 0.06  # area of hanging cloth below the hips, in squared torsos, that makes a garment
# a head's radius in halves of the ears' distance: a drawn figure's is larger than any adult's, who keep theirs
_HEAD_OF_EARS: Final = 1.1
_WAIST: Final = 0.10  # torsos above and below the hips that torso and garment share
_CLEAR: Final = 2.0  # nats: a margin over which it is no matter how much a part owns a pixel
_ROUNDING: Final = 0.9  # pixels over which borders are rounded
_CORE: Final = 0.5  # radii from the middle of an arm, where it is told whether that is bare
_BARE: Final = 0.75
_FROM_THE_SIDE: Final = 0.35  # torsos that an upper arm or forearm is long at least that is seen from the side
_BESIDE_BARE: Final = 2.5  # nats by which cloth goes worse with a bare arm than with one in a sleeve
_COVERED: Final = 0.8  # radii of a part's limb within which it goes on beneath what covers it


@dataclass(frozen=True, eq=False)
class PartRegions:
    """How clearly each part owns each pixel of a picture.

    Attributes
    ----------
    margins : float32 (P, h, w)
        In nats; positive where the part owns the pixel, also where the pixel is hidden under another part.
    own : float32 (P, h, w)
        The same without what is hidden: where positive, the pixel's color is the part's.
    """

    margins: FloatArray
    own: FloatArray

    def only(self, part: int) -> PartRegions:
        """Return regions in which the other parts own nothing."""
        others = np.arange(len(self.margins)) != part
        margins, own = self.margins.copy(), self.own.copy()
        margins[others] = own[others] = -np.inf
        return PartRegions(margins, own)

    def with_smooth_borders(self) -> PartRegions:
        """Return regions whose borders are curves: at a picture's size the pixels of these would be stairs."""
        margins, own = (
            np.stack([cv2.GaussianBlur(plane.clip(-_CLEAR, _CLEAR), (0, 0), _ROUNDING) for plane in planes])
            for planes in (self.margins, self.own)
        )
        return PartRegions(margins.astype(np.float32), own.astype(np.float32))


def part_regions(points: Joints, parsing: ByteArray, solid: BoolArray) -> PartRegions:
    """Divide a picture among the parts.

    Parameters
    ----------
    points : Joints
        Points of the one source pose, in pixels of `parsing`.
    parsing : uint8 (h, w)
        LIP classes; 0 and 255 say nothing.
    solid : bool (h, w)
        Where the person is.

    Returns
    -------
    PartRegions
    """
    torso = float(points.torso[0])
    present = points.present_parts()[0].numpy()
    distances = part_distances(points, parsing.shape)
    fall = _below_hips(points, parsing.shape) / torso
    garment = _garment_mask(parsing, fall, solid, distances, torso)
    scores = parts.AFFINITY[:, parsing] - _NATS_A_RADIUS * distances
    _take_clothes_from_bare_arms(scores, distances, points, parsing, solid)
    scores[distances > _REACH] = -40.0
    scores[parts.GARMENT] = np.where(garment, _GARMENT_SCORE - 3 * np.maximum(-fall, 0) / _WAIST, -40.0)
    scores[~present] = -60.0
    own = _margins(scores, points, fall)
    margins = own.copy()
    _extend_beneath(margins, own, distances, points, parsing)
    return PartRegions(margins, own)


def part_distances(points: Joints, shape: tuple[int, ...]) -> FloatArray:
    """Return how far each pixel lies from the middle of each part, in radii of the part, float32 (P, h, w)."""
    torso = float(points.torso[0])
    distances = np.stack([_distance(shape, chain) for chain in _segments(points)])
    radii = np.array(parts.RADIUS, dtype=np.float32) * torso
    radii[parts.HEAD] = max(radii[parts.HEAD], _HEAD_OF_EARS * float(points.half_ears()[0]))
    distances /= radii[:, None, None]
    return distances


def chest(points: Joints, shape: tuple[int, ...]) -> BoolArray:
    """Return what lies between the shoulders and hips of the one source pose, bool (h, w)."""
    outline = points.xy[0, [skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER, skeleton.LEFT_HIP, skeleton.RIGHT_HIP]]
    within = np.zeros(shape, dtype=np.uint8)
    cv2.fillConvexPoly(within, cv2.convexHull(np.round(outline.numpy()).astype(np.int32)), 1)
    return np.asarray(within > 0)


def bare_hands(regions: PartRegions, parsing: ByteArray, solid: BoolArray) -> dict[int, float]:
    """Return which share of each hand's pixels shows a hand, bare or in a glove; 0 where it has no pixel.

    Parameters
    ----------
    regions : PartRegions
    parsing : uint8 (h, w)
        As given to `part_regions`.
    solid : bool (h, w)
    """
    classes = np.isin(parsing, (labels.LEFT_ARM, labels.RIGHT_ARM, labels.GLOVE))
    shares = {}
    for hand in (parts.RIGHT_HAND, parts.LEFT_HAND):
        shown = classes[(regions.own[hand] > 0) & solid]
        shares[hand] = float(shown.mean()) if shown.size else 0.0
    return shares


def _segments(points: Joints) -> list[list[FloatArray]]:
    """Return each part's chain of points; the garment's is the thighs'."""
    xy = points.xy[0].numpy()
    hips = points.hip_center[0].numpy()
    neck = xy[skeleton.NECK]
    visible = [point for point in skeleton.HEAD_POINTS if bool(points.visible[0, point])]
    face = xy[visible].mean(axis=0) if visible else neck
    chains: list[list[FloatArray]] = [[] for _ in range(parts.PART_COUNT)]
    chains[parts.HEAD] = [neck + 0.35 * (face - neck), face + 0.45 * (face - neck)]
    chains[parts.TORSO] = [
        neck, hips, xy[skeleton.RIGHT_HIP], xy[skeleton.RIGHT_SHOULDER], xy[skeleton.LEFT_SHOULDER],
        xy[skeleton.LEFT_HIP], hips,
    ]  # fmt: skip
    chains[parts.GARMENT] = [
        xy[skeleton.RIGHT_KNEE],
        xy[skeleton.RIGHT_HIP],
        xy[skeleton.LEFT_HIP],
        xy[skeleton.LEFT_KNEE],
    ]
    for limb in parts.LIMBS:
        near, middle, far = (xy[point] for point in limb.points)
        tip = points.tip(limb)[0].numpy()
        for part, (start, end) in zip(limb.parts, pairwise([near, middle, far, tip]), strict=True):
            chains[part] = [start, end]
    return chains


def _distance(shape: tuple[int, ...], chain: list[FloatArray]) -> FloatArray:
    """Return the distance of every pixel to the nearest segment of a chain, float32 (h, w)."""
    y = np.arange(shape[0], dtype=np.float32)[:, None]
    x = np.arange(shape[1], dtype=np.float32)[None, :]
    nearest = np.full(shape[:2], np.inf, dtype=np.float32)
    for start, end in pairwise(chain):
        along_x, along_y = (float(value) for value in end - start)
        squared = max(along_x**2 + along_y**2, 1e-6)
        from_x, from_y = x - np.float32(start[0]), y - np.float32(start[1])
        share = np.clip(from_x * np.float32(along_x / squared) + from_y * np.float32(along_y / squared), 0, 1)
        away_x = from_x - share * np.float32(along_x)
        away_y = from_y - share * np.float32(along_y)
        np.minimum(nearest, away_x * away_x + away_y * away_y, out=nearest)
    return np.sqrt(nearest)


def _below_hips(points: Joints, shape: tuple[int, ...]) -> FloatArray:
    """Return how far each pixel lies below the hips along the torso's axis, in pixels, float32 (h, w)."""
    hips = points.hip_center[0].numpy()
    down = hips - points.xy[0, skeleton.NECK].numpy()
    down = down / max(float(np.linalg.norm(down)), 1e-6)
    y = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(hips[1])
    x = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32(hips[0])
    return np.asarray(x * np.float32(down[0]) + y * np.float32(down[1]), dtype=np.float32)


def _garment_mask(
    parsing: ByteArray, fall: FloatArray, solid: BoolArray, distances: FloatArray, torso: float
) -> BoolArray:
    """Return where cloth hangs from the hips, bool (h, w); empty where there is too little to matter."""
    hanging = np.isin(parsing, parts.HANGING) & solid
    garment = hanging & (fall > -_WAIST) & (distances[parts.GARMENT] < 2 * _REACH)
    # sleeves beside the hips have the same class as the coat
    arms = np.minimum.reduce([distances[list(limb.parts)].min(axis=0) for limb in (parts.RIGHT_ARM, parts.LEFT_ARM)])
    garment &= (arms > 1.0) | (distances[parts.GARMENT] < 0.6)
    if np.count_nonzero(garment & (fall > _WAIST)) < _GARMENT_LEAST * torso**2:
        return np.zeros_like(garment)
    # hands and bags before the cloth leave holes in it
    size = max(3, round(0.18 * torso)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    closed: BoolArray = cv2.morphologyEx(garment.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0
    legs = np.isin(
        parsing, (labels.PANTS, labels.LEFT_LEG, labels.RIGHT_LEG, labels.SOCKS, labels.LEFT_SHOE, labels.RIGHT_SHOE)
    )
    covered: BoolArray = garment | (closed & solid & ~legs)
    return covered


def _take_clothes_from_bare_arms(
    scores: FloatArray, distances: FloatArray, points: Joints, parsing: ByteArray, solid: BoolArray
) -> None:
    """Lower the scores of cloth beside arms that are bare, in place: it would be a stripe along them.

    Of an arm that points at the camera the hand is seen before the sleeve: that tells nothing.
    """
    xy, torso = points.xy[0].numpy(), float(points.torso[0])
    bare = np.isin(parsing, (labels.LEFT_ARM, labels.RIGHT_ARM))
    cloth = solid & ~bare & (parsing != labels.BACKGROUND) & (parsing != labels.IGNORE)
    for limb in (parts.RIGHT_ARM, parts.LEFT_ARM):
        shoulder, elbow, wrist = (xy[point] for point in limb.points)
        for part, way in zip(limb.parts, (elbow - shoulder, wrist - elbow, wrist - elbow), strict=True):
            core = solid & (distances[part] < _CORE)
            if np.linalg.norm(way) > _FROM_THE_SIDE * torso and core.any() and bare[core].mean() > _BARE:
                scores[part][cloth] -= _BESIDE_BARE


def _margins(scores: FloatArray, points: Joints, fall: FloatArray) -> FloatArray:
    """Return by how much each part's score exceeds the best of the others, float32 (P, h, w)."""
    torso = float(points.torso[0])
    joined: dict[tuple[int, int], FloatArray] = {}
    for one, other, point, radius in parts.JOINTS:
        disc = _JOINT_BONUS * np.clip(
            1.5 - _distance(fall.shape, [points.xy[0, point].numpy()] * 2) / (radius * torso), 0, 1
        )
        joined[one, other] = joined[other, one] = disc
    waist = (_JOINT_BONUS * np.clip(1.5 - np.abs(fall) / _WAIST, 0, 1)).astype(np.float32)
    joined[parts.TORSO, parts.GARMENT] = joined[parts.GARMENT, parts.TORSO] = waist
    # legs go on under a skirt with the skirt's pixels, so that a leg that is kicked out of it shows cloth rather than
    # nothing
    free = {(leg, parts.GARMENT) for limb in (parts.RIGHT_LEG, parts.LEFT_LEG) for leg in limb.parts[:2]}
    margins = np.empty_like(scores)
    for part in range(parts.PART_COUNT):
        best = np.full(fall.shape, -20.0, dtype=np.float32)
        for other in range(parts.PART_COUNT):
            if other == part or (part, other) in free or (other, part) in free:
                continue
            bonus = joined.get((part, other))
            np.maximum(best, scores[other] if bonus is None else scores[other] - bonus, out=best)
        np.subtract(scores[part], best, out=margins[part])
    return margins


def _extend_beneath(
    margins: FloatArray, own: FloatArray, distances: FloatArray, points: Joints, parsing: ByteArray
) -> None:
    """Let torso and legs go on beneath arms, a leg beneath one that crosses it, and the torso beneath hair."""
    arm_parts = [part for limb in (parts.RIGHT_ARM, parts.LEFT_ARM) for part in limb.parts]
    covering = own[arm_parts].max(axis=0) > 0
    hair = (parsing == labels.HAIR) & (own[parts.HEAD] > 0)
    hidden = chest(points, parsing.shape) & (covering | hair)
    margins[parts.TORSO][hidden] = np.maximum(margins[parts.TORSO][hidden], 3.0)
    for part in (parts.RIGHT_THIGH, parts.LEFT_THIGH, parts.RIGHT_SHIN, parts.LEFT_SHIN):
        hidden = covering & (distances[part] < _COVERED) & (own[part] > -20)
        margins[part][hidden] = np.maximum(margins[part][hidden], 3.0)
    for leg, other in ((parts.RIGHT_LEG, parts.LEFT_LEG), (parts.LEFT_LEG, parts.RIGHT_LEG)):
        before = own[list(other.parts)].max(axis=0) > 0
        for part in leg.parts[:2]:
            hidden = before & (distances[part] < _COVERED)
            margins[part][hidden] = np.maximum(margins[part][hidden], 3.0)
    # the garment closes over the holes that hands leave in it
    hidden = covering & (own[parts.GARMENT] > -8) & (own[parts.GARMENT] < 0)
    margins[parts.GARMENT][hidden] = 3.0
