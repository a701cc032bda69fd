"""From a photo to an avatar: the surfaces and textures of each part, of what is shown and what is hidden."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import torch

from motionwarp.avatar.arms_beyond import ARMS, CutArm, MadeArm, color_ramp, made_arm, made_part, skin_of
from motionwarp.avatar.atlas import AtlasBuilder, window_of
from motionwarp.avatar.avatar import FEET, Avatar, RestPose, near_parts, usable_joints
from motionwarp.avatar.backs import back_views
from motionwarp.avatar.body_surface import BodySurface, IntArray
from motionwarp.avatar.carried import Carried, before_clothes, carried_things, with_carried, with_solid_things
from motionwarp.avatar.completion import Completer
from motionwarp.avatar.crumbs import without_crumbs
from motionwarp.avatar.depth import Form
from motionwarp.avatar.extremities import foot_on_outline, hand_on_outline
from motionwarp.avatar.head_paint import with_painted_sides
from motionwarp.avatar.head_template import HeadFrame
from motionwarp.avatar.legs_beneath import with_legs_beneath
from motionwarp.avatar.regions import joints_at, person_regions
from motionwarp.avatar.sheets import Cover, Sheets, joined, part_sheets
from motionwarp.avatar.twins import HiddenParts, mirrored, within_person, without_parts
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.parsing import labels
from motionwarp.parsing.refine import spread_classes
from motionwarp.puppet import parts
from motionwarp.puppet.covered_trunk import TRUNK, trunk_beneath_arms
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.puppet.textures import PartTexture, continued_below, cut_textures
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

_LEGS: Final = (parts.RIGHT_THIGH, parts.RIGHT_SHIN, parts.LEFT_THIGH, parts.LEFT_SHIN)
_FORMS: Final = {
    parts.GARMENT: Form.CLOTH, parts.HEAD: Form.HEAD, parts.TORSO: Form.TRUNK, **dict.fromkeys(_LEGS, Form.LEG),
}  # fmt: skip
_RIM: Final = 9  # pixels of the photo
_ALIKE: Final = frozenset((parts.RIGHT_HAND, parts.LEFT_HAND, *FEET))  # hands and feet are seen from all sides
_HANDS: Final = (parts.RIGHT_HAND, parts.LEFT_HAND)
_FOREGROUND: Final = (
    labels.BACKGROUND, labels.HAT, labels.HAIR, labels.GLOVE, labels.SUNGLASSES, labels.LEFT_ARM, labels.RIGHT_ARM,
)  # fmt: skip
_CLASS_EDGE: Final = 0.8  # pixels of the photo over which a garment ends where other classes begin
_SHOWN_MARGIN: Final = -0.3  # nats; a part's own pixels, and the edge that it shares
_CPU: Final = torch.device("cpu")


def make_avatar(
    source: SourcePerson,
    body: BodySurface,
    pose: RestPose,
    shown_classes: Sequence[int] = (),
    completer: Completer | None = None,
) -> Avatar:
    """Make the avatar of a person, or of what they wear.

    Parameters
    ----------
    source : SourcePerson
    body : BodySurface
        Fitted to the photo.
    pose : RestPose
        Of that body.
    shown_classes : sequence of int
        Classes of the parsing to which textures are limited, such as those of a garment; empty for all.
    completer : Completer or None
        Repaints what rules make of the person's back; None leaves it as it is.

    Raises
    ------
    NoPersonError
        If the source's points show neither shoulders nor a neck with hips.
    """
    photo = _Photo.of(source, body, shown_classes)
    fronts, backs = photo.textures(completer)
    arms = photo.cut_arms(fronts)
    body = photo.with_ends(body, pose, fronts, {arm.limb.parts[2] for arm in arms if arm.cut == 2})
    assembly = _Assembly(photo, body, pose)
    for part, (front, back) in enumerate(zip(fronts, backs, strict=True)):
        # hands carry and hold: what seems to be cloth on them is what lies behind
        if front is not None and not (shown_classes and part in _HANDS):
            assembly.add_part(part, front, back or front)
    assembly.add_hidden()
    assembly.add_arms(arms)
    return assembly.finished()


@dataclass(frozen=True, eq=False)
class _Photo:
    """A person's photo taken apart.

    Attributes
    ----------
    source : SourcePerson
        Going on below the photo's edge.
    regions : PartRegions
        What textures show of each part.
    own : float32 (15, h, w)
        By how much each part's pixels are its own.
    held : mapping of int to bool (H, W)
        What hands and forearms carry, by part.
    hidden : HiddenParts
        Limbs' parts that are not seen.
    worn : bool (H, W) or None
        Where the classes are seen to which textures are limited; None if they are not limited.
    shown_classes : sequence of int
        These classes.
    rows : int
        Of the photo itself.
    torso : float
        In pixels.
    """

    source: SourcePerson
    regions: PartRegions
    own: FloatArray
    held: Mapping[int, BoolArray]
    hidden: HiddenParts
    worn: BoolArray | None
    shown_classes: Sequence[int]
    rows: int
    torso: float

    @classmethod
    def of(cls, source: SourcePerson, body: BodySurface, shown_classes: Sequence[int]) -> _Photo:
        joints = usable_joints(source.pose.points)
        torso, rows = float(joints.torso[0]), source.matte.shape[0]
        source = continued_below(source, torso, float(joints.hip_center[0, 0]))
        regions = person_regions(source, torso)
        things = carried_things(source, regions)
        source, regions = with_solid_things(source, things), with_carried(regions, things)
        small = joints_at(source, regions.own.shape[1:])
        classes = cv2.resize(source.parsing, regions.own.shape[:0:-1], interpolation=cv2.INTER_NEAREST)
        regions = with_legs_beneath(regions, small, np.asarray(classes, dtype=np.uint8))
        held = _held_over_photo(things, source.matte.shape)
        if not shown_classes:
            hidden = HiddenParts.of(source, regions, body, held, rows)
            regions = without_parts(regions, tuple(hidden), source)
            return cls(source, regions, regions.own, held, hidden, None, shown_classes, rows, torso)
        own = regions.own
        worn = np.isin(source.parsing, shown_classes)
        # cloth goes on beneath what lies before it: colors there are the cloth's already
        source = replace(source, parsing=_without_foreground(source.parsing))
        regions = PartRegions(regions.margins, regions.margins)
        return cls(source, regions, own, held, HiddenParts(), worn, shown_classes, rows, torso)

    def textures(
        self, completer: Completer | None
    ) -> tuple[Sequence[PartTexture | None], Sequence[PartTexture | None]]:
        """Return the parts' fronts and backs, by part."""
        source, regions, with_classes = self.source, self.regions, self.worn is not None
        behind = back_views(source, regions, self.torso)
        fronts = cut_textures(source.rgb, source.matte, source.parsing, regions, keep_parsing=with_classes, device=_CPU)
        beneath, owned = (source, regions) if self.worn is not None else trunk_beneath_arms(source, regions, self.torso)
        for part in TRUNK if self.held or beneath is not source else ():
            fronts[part] = self._beneath(part, beneath, owned, behind.torso)
        if completer is not None:
            behind = behind.repainted(completer.repainted(source, behind.rgb))
        backs = list(fronts)
        for part, front in enumerate(fronts):
            person = behind.of(part)
            if front is None or (person is source and completer is None) or part in _ALIKE:
                continue
            # of the trunk's back all is made up that something lies before
            shown = PartRegions(regions.margins, regions.margins) if part in TRUNK else regions
            backs[part] = cut_textures(
                person.rgb, person.matte, person.parsing, shown.only(part), keep_parsing=with_classes, device=_CPU
            )[part]
        return fronts, backs

    def _beneath(
        self, part: int, source: SourcePerson, regions: PartRegions, behind: SourcePerson
    ) -> PartTexture | None:
        """Return a part of the trunk, as given, with what its back shows where something is carried before it."""
        covered = np.logical_or.reduce([np.zeros(source.matte.shape, dtype=np.bool_), *self.held.values()])
        own = regions.own.copy()
        small = cv2.resize(covered.astype(np.uint8), own.shape[:0:-1], interpolation=cv2.INTER_AREA) > 0
        own[part][small] = np.maximum(own[part][small], regions.margins[part][small])
        rgb = np.where(covered[..., None], behind.rgb, source.rgb)
        parsing = np.where(covered, behind.parsing, source.parsing)
        shown = PartRegions(regions.margins, own).only(part)
        return cut_textures(rgb, source.matte, parsing, shown, keep_parsing=True, device=_CPU)[part]

    def cut_arms(self, fronts: Sequence[PartTexture | None]) -> list[CutArm]:
        """Return the arms that the photo's edge cuts; none of clothes alone."""
        if self.worn is not None:
            return []
        found = []
        for limb in ARMS:
            of_limb = [fronts[part] for part in limb.parts]
            alphas = [None if front is None else self.alpha_of(front)[: self.rows] for front in of_limb]
            arm = CutArm.of(limb, alphas, self.source.parsing[: self.rows], self.torso)
            found += [] if arm is None else [arm]
        return found

    def with_ends(
        self, body: BodySurface, pose: RestPose, fronts: Sequence[PartTexture | None], kept: Collection[int]
    ) -> BodySurface:
        """Return the body with hands and feet where the photo shows them, but those that are `kept` as they are."""
        for part, front in enumerate(fronts):
            if front is None or part in kept:
                continue
            alpha = self.alpha_of(front)
            if part in self.held:
                alpha = np.where(self.held[part], np.float32(0), alpha)
            if part in _HANDS:
                body = hand_on_outline(body, part, alpha)
            elif part in FEET:
                ankle = pose.joints[DRIVEN_BONES.index(FEET[part])] * pose.scale
                ankle[:2] += pose.shift
                body = foot_on_outline(body, part, alpha, ankle.astype(np.float32))
        return body

    def alpha_of(self, texture: PartTexture) -> FloatArray:
        """Return a texture's coverage over the whole photo, float32 (H, W)."""
        plane, (height, width) = texture.rgba[0, 3].numpy(), self.source.matte.shape
        placed = np.zeros((height, width), dtype=np.float32)
        top, left = max(texture.top, 0), max(texture.left, 0)
        bottom, right = min(texture.top + plane.shape[0], height), min(texture.left + plane.shape[1], width)
        placed[top:bottom, left:right] = plane[
            top - texture.top : bottom - texture.top, left - texture.left : right - texture.left
        ]
        return placed

    def shown(self, part: int) -> BoolArray:
        """Return where the photo shows a part, bool (H, W)."""
        margin = cv2.resize(self.own[part], self.source.matte.shape[::-1], interpolation=cv2.INTER_LINEAR)
        shown: BoolArray = np.asarray(margin > _SHOWN_MARGIN)
        shown[self.rows :] = False
        return shown

    def shown_of(self, part: int, front: PartTexture, back: PartTexture) -> tuple[PartTexture, PartTexture, BoolArray]:
        """Return a part's textures with what counts of them, and where the photo shows the part itself, bool (H, W)."""
        shown = self.shown(part)
        if self.worn is None:
            return front, back, shown
        margin = cv2.resize(self.own[part], self.source.matte.shape[::-1], interpolation=cv2.INTER_LINEAR)
        # arms and heads have no cloth but what the photo shows on them; trunk and legs go on with it
        alone = part == parts.HEAD or part in parts.ARM_PARTS
        seen = np.ones_like(self.worn) if alone else shown
        carried = self.held.get(part, np.zeros_like(self.worn))
        own_cloth = _without_rims(self.worn & (margin > 0) & ~carried) if alone else self.worn
        front = _only_worn(front, own_cloth, seen, self.shown_classes)
        return front, _only_worn(back, own_cloth, seen if alone else None, self.shown_classes), shown


@dataclass(frozen=True, eq=False)
class _Lender:
    """What another part is made of: a part's sheets, of which `count` vertices are the front, and its textures."""

    sheets: Sheets
    count: int
    front: PartTexture
    back: PartTexture


class _Assembly:
    """Puts parts together, one after the other.

    Parameters
    ----------
    photo : _Photo
    body : BodySurface
        Its hands and feet where the photo shows them.
    pose : RestPose
    """

    def __init__(self, photo: _Photo, body: BodySurface, pose: RestPose) -> None:
        self._photo, self._body, self._pose = photo, body, pose
        parsing = photo.source.parsing
        self._classes = spread_classes(parsing, parsing != labels.BACKGROUND)
        self._pieces: list[Sheets] = []
        self._atlas = AtlasBuilder()
        self._front_at: dict[int, tuple[int, int]] = {}
        self._lenders: dict[int, _Lender] = {}
        self._ramps: dict[int | None, tuple[int, int] | None] = {}
        self._clothes = np.zeros((0, 3), dtype=np.float32)

    def add_part(self, part: int, front: PartTexture, back: PartTexture) -> None:
        """Add a part's surfaces with their textures, unless nothing of it is seen."""
        photo = self._photo
        cover = Cover(photo.alpha_of(front), self._classes)
        form = Form.HOLDING if part in photo.held else _FORMS.get(part, Form.LIMB)
        made = part_sheets(part, cover, self._body, near_parts(part), photo.torso, form)
        if made is None:
            return
        sheets, count = without_crumbs(made[0]), made[1]
        if part in TRUNK:
            self._clothes = np.concatenate([self._clothes, sheets.positions[:count]])
        elif part in photo.held:
            sheets = before_clothes(sheets, count, self._clothes, photo.held[part], photo.torso)
        if part in {twin for _, twin in photo.hidden.lent}:
            self._lenders[part] = _Lender(_with_own_texels(sheets), count, front, back)
        first, painted = len(sheets.uv), None
        if part == parts.HEAD and photo.worn is None:
            frame = HeadFrame.of(self._body, self._pose.rotations)
            sheets, first, painted = with_painted_sides(sheets, count, photo.source, front, frame)
        front, back, shown = photo.shown_of(part, front, back)
        for texture, (left, top), rows in (
            (front, self._atlas.place(front, shown), np.r_[0:count, 2 * count : first]),
            (back, self._atlas.place(back, None), np.r_[count : 2 * count]),
        ):
            corner = left - texture.left, top - texture.top
            self._front_at.setdefault(part, corner)
            _move(sheets, rows, corner)
        if painted is not None:
            _move(sheets, np.s_[first:], self._atlas.paint(painted))
        self._pieces.append(sheets)

    def add_hidden(self) -> None:
        """Add what the photo hides of limbs: mirrored, or hands of plain skin."""
        for part, twin in self._photo.hidden.lent:
            lender = self._lenders.get(twin)
            if lender is None:
                continue
            sheets = self._within(_with_own_texels(mirrored(lender.sheets, part, self._pose)))
            # copies, which the photo shows nowhere
            for texture, rows in (
                (lender.front, np.r_[0 : lender.count, 2 * lender.count : len(sheets.uv)]),
                (lender.back, np.r_[lender.count : 2 * lender.count]),
            ):
                left, top = self._atlas.place(texture, None)
                _move(sheets, rows, (left - texture.left, top - texture.top))
            self._pieces.append(sheets)
        for part, color in self._photo.hidden.made:
            made = made_part(part, self._body)
            if made is not None:
                self._add_made(replace(made, sheets=self._within(made.sheets)), (0, 0), color)

    def _within(self, sheets: Sheets) -> Sheets:
        photo = self._photo
        return within_person(sheets, photo.source.matte[: photo.rows], photo.torso)

    def add_arms(self, arms: Sequence[CutArm]) -> None:
        """Add what goes on beyond the photo's edge of arms that it cuts."""
        for arm in arms:
            made = made_arm(arm, self._body, _arm_joints(arm.limb, self._pose), self._photo.torso)
            corner = self._front_at.get(arm.limb.parts[arm.cut])
            if made is not None and corner is not None:
                self._add_made(made, corner)

    def _add_made(self, made: MadeArm, corner: tuple[int, int], color: int | None = None) -> None:
        """Add what was made of the body, unless it needs a color that is not seen: of skin, or of a part."""
        ramp_at = self._ramp_at(color) if made.of_ramp.any() else (0, 0)
        if ramp_at is None:
            return
        moved = np.where(made.of_ramp[:, None], ramp_at, corner).astype(np.float32)
        sheets = made.sheets
        self._pieces.append(replace(sheets, uv=sheets.uv + moved, side_uv=sheets.side_uv + moved))

    def _ramp_at(self, color: int | None) -> tuple[int, int] | None:
        """Return where shades of a part's color lie in the atlas, or of skin; None where the photo shows none."""
        if color not in self._ramps:
            where = skin_of(self._photo.source) if color is None else self._photo.shown(color)
            ramp = color_ramp(self._photo.source, where)
            self._ramps[color] = None if ramp is None else self._atlas.place(ramp, None)
        return self._ramps[color]

    def finished(self) -> Avatar:
        """Return the avatar of all that was added."""
        whole, pose = joined(self._pieces), self._pose
        root = np.array([*pose.shift, 0.0], dtype=np.float32)
        in_meters = replace(whole, positions=(whole.positions - root) / np.float32(pose.scale))
        atlas = self._atlas.finished()
        return Avatar(in_meters, atlas, pose.rotations, pose.joints, pose.scale, pose.shift, pose.coefficients)


def _move(sheets: Sheets, rows: slice | IntArray, corner: tuple[int, int]) -> None:
    """Move some vertices' texture coordinates to where their texture lies in the atlas."""
    for places in (sheets.uv, sheets.side_uv):
        places[rows] += np.array(corner, dtype=np.float32)


def _with_own_texels(sheets: Sheets) -> Sheets:
    """Return sheets whose texture coordinates can be moved alone."""
    return replace(sheets, uv=sheets.uv.copy(), side_uv=sheets.side_uv.copy())


def _held_over_photo(things: Sequence[Carried], shape: tuple[int, ...]) -> dict[int, BoolArray]:
    """Return what hands and forearms carry, by part, bool (H, W) each."""
    return {
        thing.part: cv2.resize(thing.mask.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
        for thing in things
    }


def _arm_joints(limb: parts.Limb, pose: RestPose) -> FloatArray:
    """Return shoulder, elbow, wrist and tip of the hand of the body in the photo, float32 (4, 3) in pixels."""
    side = "R" if limb.is_right else "L"
    names = ("upperarm01", "lowerarm01", "wrist")
    places = [pose.joints[DRIVEN_BONES.index(f"{name}.{side}")] * pose.scale for name in names]
    places.append(places[2] + parts.HAND_SHARE * (places[2] - places[1]))
    return np.asarray(np.array(places) + np.array([*pose.shift, 0.0]), dtype=np.float32)


def _without_foreground(parsing: ByteArray) -> ByteArray:
    """Return a parsing in which arms, hair and what nobody wears have the classes of what is beside them."""
    return spread_classes(parsing, ~np.isin(parsing, _FOREGROUND))


def _only_worn(texture: PartTexture, worn: BoolArray, shown: BoolArray | None, classes: Sequence[int]) -> PartTexture:
    """Return a texture with what is worn of it alone.

    Parameters
    ----------
    texture : PartTexture
        With classes, continued beneath what lies before it.
    worn : bool (H, W)
        Where the photo shows something worn.
    shown : bool (H, W) or None
        Where the photo shows the part itself, so that what it shows counts; None for nowhere.
    classes : sequence of int
        Of what is worn.
    """
    assert texture.parsing is not None
    mask = np.isin(texture.parsing[0, 0].numpy(), classes)
    if shown is not None:
        mask = np.where(window_of(shown, texture), window_of(worn, texture), mask)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _CLASS_EDGE)
    return replace(texture, rgba=texture.rgba * torch.from_numpy(np.asarray(soft, dtype=np.float32)))


def _without_rims(mask: BoolArray) -> BoolArray:
    """Return a mask without what is thin: rims of what lies behind an arm."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_RIM, _RIM))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0)
