"""Clothes of one photo on the person of another one, over the surface that all bodies share.

The avatar of who wears the clothes is limited to the garments' texels, fitted to the other person's body
(`motionwarp.avatar.clothing`), posed as that person and drawn over their photo, from which the old clothes were taken
(`motionwarp.avatar.undressing`). Ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.avatar.assembly import make_avatar
from motionwarp.avatar.avatar import Avatar, near_parts, usable_joints
from motionwarp.avatar.body_surface import IntArray
from motionwarp.avatar.clothing import mirrored_limbs, unposed, worn_by
from motionwarp.avatar.regions import person_regions
from motionwarp.avatar.renderer import SurfaceStack
from motionwarp.avatar.undressing import NOBODY, UndressedPerson
from motionwarp.body.rasterizer import rasterize
from motionwarp.engines.avatar.posing import SourceBody
from motionwarp.engines.swapping import ClothesSwapper, DressedPicture
from motionwarp.inpainting.patch_match import filled_by_patches
from motionwarp.parsing import labels
from motionwarp.parsing.carried import carried_things
from motionwarp.parsing.garments import (
    GARMENT_CLASSES,
    LOWER,
    UPPER,
    GarmentChoice,
    divided_at_waist,
    limbs_by_color,
    long_skirts,
)
from motionwarp.pose import skeleton
from motionwarp.puppet import parts
from motionwarp.puppet.textures import spread_colors
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

Indices = npt.NDArray[np.intp]
_COVERED: Final = 0.5
_LEAST_SURE, _SURE = 0.5, 0.92  # coverage that says nothing of clothes, and that is surely theirs
_DEPTH_TOLERANCE: Final = 0.03  # meters by which cloth may lie behind the skin that it covers
_CLOTH_ROOM: Final = 0.08  # torsos by which clothes stand away from the body mostly
_STRANDS: Final = 0.035  # torsos around hair in which strands lie on clothes
_SHOULDER: Final = 0.2  # torsos around the shoulder where a top may cover the upper arm
_MUCH_LESS: Final = 0.55  # of one sleeve's area against the other's
_HIDDEN: Final = 61  # pixels across of what lies before clothes
_LEAST_HIDDEN: Final = 0.02  # of the clothes' area, from which on pieces of cloth are looked for
_BINS: Final = 24  # along a bone
_CHIN: Final = 0.5  # of the way from the nose to the neck
_WAIST_GAP: Final = 0.3  # torsos of a gap between two garments that is closed with cloth
_HEAD_ON_TOP: Final = (labels.HAT, labels.HAIR, labels.SUNGLASSES)


class AvatarSwapper(ClothesSwapper):
    """Changes clothes by avatars: textures stay as sharp as the photo, and nothing is trained."""

    name = "avatar"

    def dress(self, person: SourcePerson, clothes: SourcePerson, choice: GarmentChoice) -> DressedPicture:
        """Dress a person in what another one wears; see `ClothesSwapper.dress`."""
        usable_joints(person.pose.points)
        usable_joints(clothes.pose.points)
        body, other = SourceBody.of_photo(person.pose.points), SourceBody.of_photo(clothes.pose.points)
        undressed = UndressedPerson(_divided(person), body.surface, choice)
        garment = _garment(_divided(clothes), other, choice)
        fitted = worn_by(garment, other.wearing(other.shape), other.wearing(body.shape), other.surface.parts)
        fitted = mirrored_limbs(unposed(fitted, other.at_ease(body.shape)), hidden_sleeves(_divided(clothes)))
        camera = np.array([body.rest.scale, *body.rest.shift], dtype=np.float32)
        surfaces = fitted.surfaces(fitted.transforms(body.rest.rotations, body.rest.joints), camera, person.matte.shape)
        fitting = _Fitting(undressed, surfaces, body.rest.scale)
        first = surfaces.without(fitting.hidden(undressed.kept)).drawn(garment.atlas, _NOT_AT_REST)[0]
        taken = fitting.beside_sleeves(np.asarray(first[..., 3] / 255, dtype=np.float32))
        worn = surfaces.without(fitting.hidden(undressed.kept & ~taken)).drawn(garment.atlas, _NOT_AT_REST)[0]
        return fitting.composed(worn, taken)


def _divided(person: SourcePerson) -> SourcePerson:
    """Return a person whose parsing has an upper and a lower garment, and limbs that are bare only where they are."""
    points = person.pose.points
    parsing = limbs_by_color(divided_at_waist(person.parsing, points), person.rgb)
    return replace(person, parsing=long_skirts(parsing, points))


def _garment(clothes: SourcePerson, body: SourceBody, choice: GarmentChoice) -> Avatar:
    """Return the avatar of clothes alone, without the colors of hands, hair and bags that lie before them."""
    classes = GARMENT_CLASSES[choice]
    beneath = rasterize(body.surface.vertices, body.surface.faces, *clothes.matte.shape).covered
    things = _carried_before(clothes, beneath, choice)
    own = np.isin(clothes.parsing, classes) & (clothes.matte > _SURE) & ~things
    hair = _grown(clothes.parsing == labels.HAIR, _STRANDS * float(usable_joints(clothes.pose.points).torso[0]))
    inner = (cv2.erode(own.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~hair
    if inner.any():
        clothes = replace(clothes, rgb=_continued(clothes.rgb, inner, clothes.matte > 0.02, hair))
    # where a matte is in doubt there are bags and shadows
    sure = np.clip((clothes.matte - _LEAST_SURE) / (_SURE - _LEAST_SURE), 0, 1).astype(np.float32)
    # before the body cloth goes on behind things that are carried; beside it nothing is left of them
    sure = np.where(things & ~beneath, 0, sure).astype(np.float32)
    return make_avatar(replace(clothes, matte=sure), body.surface, body.rest, classes)


def _carried_before(clothes: SourcePerson, body: BoolArray, choice: GarmentChoice) -> BoolArray:
    """Return pixels of clothes, bool (H, W), that are bags' and the like, given where the body beneath them is."""
    around = _grown(body, _CLOTH_ROOM * float(usable_joints(clothes.pose.points).torso[0]))
    found = np.zeros_like(body)
    for kind in ("upper", "lower") if choice == "all" else (choice,):
        for worn in (np.isin(clothes.parsing, (label,)) for label in GARMENT_CLASSES[kind]):
            found |= carried_things(worn & (clothes.matte > _LEAST_SURE), clothes.rgb, around)
    return found


def _grown(mask: BoolArray, pixels: float) -> BoolArray:
    size = 2 * round(pixels) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel) > 0)


def _continued(rgb: ByteArray, known: BoolArray, person: BoolArray, hair: BoolArray) -> ByteArray:
    """Return a picture with cloth everywhere: pieces of it before which something lay, smooth continuations around."""
    smooth = np.rint(spread_colors(rgb.astype(np.float32), known)).astype(np.uint8)
    smooth = np.where(known[..., None], rgb, smooth)
    left, top, width, height = cv2.boundingRect(known.astype(np.uint8))
    window = slice(top, top + height), slice(left, left + width)
    closed = cv2.morphologyEx(known.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((_HIDDEN, _HIDDEN), np.uint8)) > 0
    hidden = (closed | hair) & person & ~known
    if np.count_nonzero(hidden) > _LEAST_HIDDEN * np.count_nonzero(known):
        pieces = filled_by_patches(np.ascontiguousarray(smooth[window]), ~known[window])
        smooth[window] = np.where(hidden[window][..., None], pieces, smooth[window])
    return smooth


def hidden_sleeves(clothes: SourcePerson) -> list[parts.Limb]:
    """Return the arms whose sleeves the photo hardly shows, bent before the trunk or behind it, where the other shows.

    Parameters
    ----------
    clothes : SourcePerson
        Dresses divided at the waist.
    """
    regions = person_regions(clothes, float(usable_joints(clothes.pose.points).torso[0]))
    size = regions.own.shape[2], regions.own.shape[1]
    worn = cv2.resize(np.isin(clothes.parsing, UPPER).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    areas = [
        sum(int(np.count_nonzero((regions.own[part] > 0) & worn)) for part in arm.parts[:2])
        for arm in (parts.RIGHT_ARM, parts.LEFT_ARM)
    ]
    if areas[0] < _MUCH_LESS * areas[1]:
        return [parts.RIGHT_ARM]
    return [parts.LEFT_ARM] if areas[1] < _MUCH_LESS * areas[0] else []


_NOT_AT_REST: Final = np.zeros((2, 3), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class _Fitting:
    """New clothes over a person who took the old ones off.

    Attributes
    ----------
    person : UndressedPerson
    surfaces : SurfaceStack
        The new clothes in the person's photo, where they lie before and behind the body alike.
    scale : float
        Pixels for a meter.
    """

    person: UndressedPerson
    surfaces: SurfaceStack
    scale: float

    def hidden(self, kept: BoolArray) -> BoolArray:
        """Return which surfaces are not seen since something of the person is in front, bool (H, W, K)."""
        person, stack = self.person, self.surfaces
        there = stack.layer >= 0
        y, x, _ = np.nonzero(there)
        worn, stays = stack.layer[there] // 2, kept[y, x]
        taken_off = ~stays & (person.removed | (person.source.matte > _COVERED))[y, x]
        shown = np.where(stays, person.part[y, x], np.where(taken_off, person.bare_part[y, x], NOBODY))
        behind = stack.depth[there] > person.bare.depth[y, x] + _DEPTH_TOLERANCE * self.scale
        covered = (shown != NOBODY) & behind & ~_NEAR[shown, worn]
        hidden = np.zeros(stack.layer.shape, dtype=np.bool_)
        hidden[there] = np.where(stays, ~self._over_kept(worn, behind, (y, x)), covered)
        return hidden

    def _over_kept(self, worn: IntArray, behind: BoolArray, at: tuple[Indices, Indices]) -> BoolArray:
        """Return which surfaces (N,) at rows and columns cover pixels that stay as they are, bool (N,)."""
        person = self.person
        parsing, part = person.parsing[at], person.part[at]
        trunk = np.isin(worn, (parts.TORSO, parts.GARMENT))
        over = (parsing == labels.FACE) & self._below_chin[at] & np.isin(worn, (parts.HEAD, parts.TORSO))
        for limb in parts.LIMBS:
            own_limb = np.isin(part, limb.parts) & np.isin(parsing, _LIMB_CLASSES)
            over |= own_limb & np.isin(worn, limb.parts)
            if limb.is_arm:
                near_shoulder = self._near(limb.points[0], _SHOULDER)[at]
                over |= own_limb & (part == limb.parts[0]) & near_shoulder & (worn == parts.TORSO)
            else:
                over |= own_limb & trunk
        if person.choice == "upper":
            over |= np.isin(parsing, LOWER) & (trunk | ~behind)
        return np.asarray(over & ~np.isin(parsing, _HEAD_ON_TOP), dtype=np.bool_)

    @cached_property
    def _below_chin(self) -> BoolArray:
        points = self.person.source.pose.points
        nose, neck = points[skeleton.NOSE], points[skeleton.NECK]
        shape = self.person.source.matte.shape
        y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
        if min(nose[2], neck[2]) <= 0:
            return np.asarray(y > neck[1] - 0.1 * self.person.torso, dtype=np.bool_)
        down = neck[:2] - nose[:2]
        share = ((x - nose[0]) * down[0] + (y - nose[1]) * down[1]) / max(float(down @ down), 1e-6)
        return np.asarray(share > _CHIN, dtype=np.bool_)

    def _near(self, point: int, torsos: float) -> BoolArray:
        """Return where the picture is near one of the person's points, bool (H, W)."""
        x0, y0, _ = self.person.source.pose.points[point]
        shape = self.person.source.matte.shape
        y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
        return np.asarray(np.hypot(x - x0, y - y0) < torsos * self.person.torso, dtype=np.bool_)

    def beside_sleeves(self, coverage: FloatArray) -> BoolArray:
        """Return the person's bare pixels of limbs that are dressed there, bool (H, W): a sleeve hides them wholly."""
        taken = np.zeros(coverage.shape, dtype=np.bool_)
        person = self.person
        bare = person.kept & np.isin(person.parsing, _BARE_LIMBS)
        for part, start, end in self._bones():
            rows, columns = np.nonzero(bare & (person.part == part))
            if not len(rows):
                continue
            along = end - start
            share = ((columns - start[0]) * along[0] + (rows - start[1]) * along[1]) / max(float(along @ along), 1e-6)
            bins = np.minimum((np.clip(share, 0, 1) * _BINS).astype(np.int64), _BINS - 1)
            there = np.bincount(bins, minlength=_BINS)
            clothed = np.bincount(bins, coverage[rows, columns] > _COVERED, minlength=_BINS)
            share_clothed = np.convolve(clothed / np.maximum(there, 1), (0.25, 0.5, 0.25), mode="same")
            dressed = (share_clothed > _COVERED)[bins]
            taken[rows[dressed], columns[dressed]] = True
        return taken

    def _bones(self) -> Iterator[tuple[int, FloatArray, FloatArray]]:
        points = self.person.source.pose.points
        for limb in parts.LIMBS:
            for part, (one, two) in zip(
                limb.parts[:2], zip(limb.points[:2], limb.points[1:], strict=True), strict=True
            ):
                if min(points[one, 2], points[two, 2]) > 0:
                    yield part, points[one, :2], points[two, :2]

    def composed(self, worn: FloatArray, taken: BoolArray) -> DressedPicture:
        """Lay the clothes over the person."""
        person = self.person
        alpha = worn[..., 3:] / 255
        under = person.without_clothes(self._cloth_between(worn, taken), taken)
        made = worn[..., :3] + (1 - alpha) * under
        changed = np.maximum(alpha[..., 0], person.soft(person.removed | taken))
        rgb = np.where(changed[..., None] > 1 / 255, np.rint(made).clip(0, 255).astype(np.uint8), person.source.rgb)
        changed = np.where(changed > 1 / 255, changed, 0).astype(np.float32)
        return DressedPicture(rgb, changed, np.asarray(alpha[..., 0], dtype=np.float32))

    def _cloth_between(self, worn: FloatArray, taken: BoolArray) -> FloatArray:
        """Return colors of cloth that goes on at the waist and in gaps of sleeves, and where, float32 (H, W, 4)."""
        person = self.person
        alpha = worn[..., 3] / 255
        solid = alpha > 0.95
        colors = np.where(solid[..., None], worn[..., :3], person.source.rgb.astype(np.float32))
        if person.choice == "upper":
            # trousers go on beneath where a longer top was
            known = np.isin(person.parsing, LOWER) & (person.source.matte > 0.9)
            where = person.below_waist
        else:
            where = self._closed(solid | (np.isin(person.parsing, UPPER) & person.kept))
            known = solid
        where &= np.isin(person.bare_part, (parts.TORSO, parts.RIGHT_THIGH, parts.LEFT_THIGH))
        if not known.any():
            return np.zeros((*alpha.shape, 4), dtype=np.float32)
        in_sleeves = taken & self._closed(solid)
        if in_sleeves.any():
            known, where = known | solid, where | in_sleeves
        soft = cv2.GaussianBlur(where.astype(np.float32), (0, 0), 1.0)
        return np.dstack([spread_colors(colors, known), soft]).astype(np.float32)

    def _closed(self, mask: BoolArray) -> BoolArray:
        """Return a mask (H, W) without gaps that are narrower than those between two garments."""
        size = 2 * max(round(_WAIST_GAP * self.person.torso / 2), 1) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0)


_LIMB_CLASSES: Final = (
    labels.LEFT_ARM, labels.RIGHT_ARM, labels.GLOVE, labels.LEFT_LEG, labels.RIGHT_LEG, labels.SOCKS,
    labels.LEFT_SHOE, labels.RIGHT_SHOE,
)  # fmt: skip
_BARE_LIMBS: Final = (labels.LEFT_ARM, labels.RIGHT_ARM, labels.LEFT_LEG, labels.RIGHT_LEG, labels.SOCKS)


def _near_table() -> BoolArray:
    """Return which parts of clothes lie on which part of the body, bool (P, P); clothes that hang lie on all legs."""
    near = np.zeros((parts.PART_COUNT, parts.PART_COUNT), dtype=np.bool_)
    for part in range(parts.PART_COUNT):
        near[part, list(near_parts(part))] = True
    legs = [part for limb in parts.LIMBS if not limb.is_arm for part in limb.parts]
    near[legs, parts.GARMENT] = near[parts.TORSO, parts.GARMENT] = True
    return near


_NEAR: Final = _near_table()
