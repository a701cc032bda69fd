"""An avatar: the surfaces and textures of one person, and how the bones of a body move them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import cv2
import numpy as np
import torch

from motionwarp.avatar.arms_beyond import ARMS, CutArm, made_arm, skin_ramp
from motionwarp.avatar.backs import back_views
from motionwarp.avatar.body_surface import BodySurface
from motionwarp.avatar.carried import Carried, before_clothes, carried_things, with_carried, with_solid_things
from motionwarp.avatar.completion import Completer
from motionwarp.avatar.depth import Form
from motionwarp.avatar.extremities import camera_turn, foot_on_outline, hand_on_outline
from motionwarp.avatar.head_paint import PaintedTexture, with_painted_sides
from motionwarp.avatar.head_template import HeadFrame
from motionwarp.avatar.regions import person_regions
from motionwarp.avatar.renderer import Atlas, Drawing, SurfaceStack, draw, moved_positions, place_vertices
from motionwarp.avatar.rims import SoftRims
from motionwarp.avatar.sheets import Cover, Sheets, facing, joined, part_sheets
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.compiled import compiled
from motionwarp.errors import NoPersonError
from motionwarp.parsing import labels
from motionwarp.parsing.refine import spread_classes
from motionwarp.puppet import parts
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.puppet.textures import PartTexture, continued_below, cut_textures
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

_ATLAS_WIDTH: Final = 2048
_GAP: Final = 2
_BEYOND: Final = 4  # pixels by which textures may begin outside of the photo
_SIDE_BEGINS: Final = 0.1  # of the cosine more than in the photo, from which on the sides' own colors come in
_SIDE_FADE: Final = 0.35
_LEGS: Final = (parts.RIGHT_THIGH, parts.RIGHT_SHIN, parts.LEFT_THIGH, parts.LEFT_SHIN)
_FORMS: Final = {
    parts.GARMENT: Form.CLOTH, parts.HEAD: Form.HEAD, parts.TORSO: Form.TRUNK, **dict.fromkeys(_LEGS, Form.LEG),
}  # fmt: skip
_CAMERA_PITCH: Final = np.deg2rad(18.0)  # at the feet of who is seen whole from a few steps away
_SEEN_FROM_ABOVE: Final = camera_turn(0.0, float(_CAMERA_PITCH))
_FEET: Final = {parts.RIGHT_FOOT: "foot.R", parts.LEFT_FOOT: "foot.L"}
_FOOT_BONES: Final = [DRIVEN_BONES.index(name) for name in _FEET.values()]
_RIM: Final = 9  # pixels of the photo
_ALIKE: Final = frozenset((parts.RIGHT_HAND, parts.LEFT_HAND, *_FEET))  # hands and feet are seen from all sides
_WHOLE_BACKS: Final = (parts.TORSO, parts.GARMENT)
_HANDS: Final = (parts.RIGHT_HAND, parts.LEFT_HAND)
_ARM_PARTS: Final = frozenset((*parts.RIGHT_ARM.parts, *parts.LEFT_ARM.parts))
_BENEATH: Final = (parts.TORSO, *_LEGS)
_CLOTH_METERS: Final = 0.03  # by which what hangs is nearer to a camera than the body beneath it
_FOREGROUND: Final = (
    labels.BACKGROUND, labels.HAT, labels.HAIR, labels.GLOVE, labels.SUNGLASSES, labels.LEFT_ARM, labels.RIGHT_ARM,
)  # fmt: skip
_CLASS_EDGE: Final = 0.8  # pixels of the photo over which a garment ends where other classes begin
_SHOWN_MARGIN: Final = -0.3  # nats; a part's own pixels, and the edge that it shares


@dataclass(frozen=True, eq=False)
class Avatar:
    """A person of a photo in space.

    Attributes
    ----------
    sheets : Sheets
        In meters, the body's root at the origin, in the photo's pose and seen by its camera.
    atlas : Atlas
    rotations : float32 (B, 3, 3)
        Of the driven bones in the photo, against the camera.
    joints : float32 (B, 3)
        Where they begin there, in meters from the root.
    scale : float
        Pixels of the photo for a meter.
    shift : (float, float)
        Where the root lies in the photo, in pixels.
    coefficients : float32 (K,)
        Of the body's shape.
    """

    sheets: Sheets
    atlas: Atlas
    rotations: FloatArray
    joints: FloatArray
    scale: float
    shift: tuple[float, float]
    coefficients: FloatArray

    @cached_property
    def _depth_beneath(self) -> FloatArray:
        """How much farther away than it is each vertex counts, in meters, float32 (N,): a skirt hides its legs.

        A fitted leg is never quite within the cloth over it; cameras of weak perspective do not see the difference.
        """
        behind = np.zeros(len(self.sheets.positions), dtype=np.float32)
        part_of_face = self.sheets.layers // 2
        if (part_of_face == parts.GARMENT).any():
            behind[self.sheets.faces[np.isin(part_of_face, _BENEATH)]] = _CLOTH_METERS
        return behind

    @cached_property
    def _rims(self) -> SoftRims:
        return SoftRims.of(self.sheets)

    @property
    def rest(self) -> RestPose:
        """The body and its pose in the photo."""
        return RestPose(self.rotations, self.joints, self.scale, self.shift, self.coefficients)

    def resized(self, across: float, down: float) -> Avatar:
        """Return the avatar of the same photo at another size, with textures to match.

        Parameters
        ----------
        across, down : float
            Columns and rows of the other photo for one of this, in (0, 1].
        """
        if across == down == 1:
            return self
        factor = np.array([across, down], dtype=np.float32)
        x, y = (np.asarray(self.shift) + 0.5) * factor - 0.5
        return replace(
            self,
            sheets=replace(
                self.sheets,
                uv=(self.sheets.uv + np.float32(0.5)) * factor - np.float32(0.5),
                side_uv=(self.sheets.side_uv + np.float32(0.5)) * factor - np.float32(0.5),
            ),
            atlas=self.atlas.resized(across, down),
            scale=self.scale * float(np.sqrt(across * down)),
            shift=(float(x), float(y)),
        )

    def transforms(self, rotations: FloatArray, joints: FloatArray) -> FloatArray:
        """Return how every bone moves its surroundings from the photo to a pose, float32 (B, 3, 4).

        Parameters
        ----------
        rotations : float32 (B, 3, 3)
        joints : float32 (B, 3)
            In meters from the root.
        """
        turn = rotations @ self.rotations.transpose(0, 2, 1)
        # a camera before the chest looks down at feet, from whatever side: their turns are those that it sees
        turn[_FOOT_BONES] = _SEEN_FROM_ABOVE @ turn[_FOOT_BONES] @ _SEEN_FROM_ABOVE.T
        shift = joints - np.einsum("bij,bj->bi", turn, self.joints)
        return np.concatenate([turn, shift[..., None]], axis=2).astype(np.float32)

    def render(
        self, transforms: FloatArray, camera: FloatArray, size: tuple[int, int], rest: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Draw the avatar in a pose.

        Parameters
        ----------
        transforms : float32 (B, 3, 4)
        camera : float32 (3,)
            Pixels for a meter, and where the root lies in the picture.
        size : (int, int)
            Height and width of the picture.
        rest : float32 (2, 3) or None
            From pixels of the photo to those of the picture, where the photo lies behind the person.

        Returns
        -------
        picture : float32 (H, W, 4)
            Colors multiplied by alpha, and alpha, in 0..255.
        still : float32 (H, W)
            Which share of each pixel is where the photo has it, in [0, 1].
        """
        return self.drawing(transforms, camera, size, rest).whole()

    def drawing(
        self, transforms: FloatArray, camera: FloatArray, size: tuple[int, int], rest: FloatArray | None = None
    ) -> Drawing:
        """Draw the avatar in a pose, in its box of the picture; arguments as for `render`."""
        nowhere = np.zeros((2, 3), dtype=np.float32)
        moved, uv = self._posed(transforms, camera)
        return draw(moved, uv, self.sheets, self.atlas, nowhere if rest is None else rest, size, self._solid)

    @cached_property
    def _solid(self) -> BoolArray:
        return self.atlas.solid(self.sheets, self.sheets.uv)

    def surfaces(self, transforms: FloatArray, camera: FloatArray, size: tuple[int, int]) -> SurfaceStack:
        """Return the avatar's surfaces in a pose, pixel by pixel, not yet laid over each other; see `render`."""
        moved, uv = self._posed(transforms, camera)
        return SurfaceStack.of(moved, uv, self.sheets, size)

    def _posed(self, transforms: FloatArray, camera: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return where the vertices lie in the picture (N, 3), and their texture coordinates there (N, 4)."""
        sheets = self.sheets
        moved = moved_positions(sheets.positions, sheets.bones, sheets.bone_weights, transforms)
        uv = side_texels(sheets, facing(moved, sheets.faces))
        self._rims.draw_back(moved, transforms, sheets)
        place_vertices(moved, self._depth_beneath, np.asarray(camera, dtype=np.float32))
        return moved, uv


def side_texels(sheets: Sheets, cosine: FloatArray) -> FloatArray:
    """Return the texture coordinates of sheets that face the camera by so much, float32 (N, 4), as `draw` takes them.

    Where that is much more than the photo's camera saw, few pixels would be drawn out: others go over into them.
    """
    texels: FloatArray = _texels(sheets.uv, sheets.side_uv, sheets.facing, cosine)
    return texels


@compiled
def _texels(uv: FloatArray, side_uv: FloatArray, facing: FloatArray, cosine: FloatArray) -> FloatArray:
    texels = np.empty((len(uv), 4), dtype=np.float32)
    for vertex in range(len(uv)):
        way = (cosine[vertex] - facing[vertex] - np.float32(_SIDE_BEGINS)) / np.float32(_SIDE_FADE)
        share = min(max(way, np.float32(0.0)), np.float32(1.0))
        for axis in range(2):
            texels[vertex, axis] = uv[vertex, axis]
            texels[vertex, axis + 2] = share * (side_uv[vertex, axis] - uv[vertex, axis])
    return texels


@dataclass(frozen=True, eq=False)
class RestPose:
    """The body in the photo and its pose: `Avatar`'s attributes of the same names."""

    rotations: FloatArray
    joints: FloatArray
    scale: float
    shift: tuple[float, float]
    coefficients: FloatArray


def near_parts(part: int) -> tuple[int, ...]:
    """Return the body's parts that a part follows: itself and those joined to it.

    Trunk and arms do not follow each other, however near they hang in the photo: a jacket would open like wings with
    arms that are raised. Where they meet, the trunk's own skin moves with the arm already.
    """
    if part == parts.GARMENT:
        return (parts.TORSO, parts.RIGHT_THIGH, parts.LEFT_THIGH)
    joined_to = {other for one, two, _, _ in parts.JOINTS for other in (one, two) if part in (one, two)}
    apart = _ARM_PARTS if part == parts.TORSO else {parts.TORSO} if part in _ARM_PARTS else frozenset()
    return tuple(sorted({part, *joined_to} - apart))


def usable_joints(points: FloatArray) -> Joints:
    """Return a person's joints, of points (18, 3).

    Raises
    ------
    NoPersonError
        If the points show neither shoulders nor a neck with hips.
    """
    joints = Joints(torch.from_numpy(points)[None])
    if not bool(joints.usable[0]):
        raise NoPersonError(
            "the source's points have neither both shoulders nor a neck and both hips",
            remedy="Use a picture that shows the person's upper body, or give better points.",
        )
    return joints


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
    joints = usable_joints(source.pose.points)
    torso, photo_rows = float(joints.torso[0]), source.matte.shape[0]
    source = continued_below(source, torso, float(joints.hip_center[0, 0]))
    regions = person_regions(source, torso)
    things = carried_things(source, regions)
    source, regions = with_solid_things(source, things), with_carried(regions, things)
    cpu, keep_parsing = torch.device("cpu"), len(shown_classes) > 0
    worn = np.isin(source.parsing, shown_classes) if keep_parsing else None
    own = regions.own
    if keep_parsing:
        # cloth goes on beneath what lies before it: colors there are the cloth's already
        source = replace(source, parsing=_without_foreground(source.parsing))
        regions = PartRegions(regions.margins, regions.margins)
    behind = back_views(source, regions, torso)
    fronts = cut_textures(source.rgb, source.matte, source.parsing, regions, keep_parsing=keep_parsing, device=cpu)
    held = _held_over_photo(things, source.matte.shape)
    for part in _WHOLE_BACKS if held else ():
        fronts[part] = _beneath(part, source, behind.torso, regions, held)
    if completer is not None:
        behind = behind.repainted(completer.repainted(source, behind.rgb))
    backs = list(fronts)
    for part, front in enumerate(fronts):
        person = behind.of(part)
        if front is None or (person is source and completer is None) or part in _ALIKE:
            continue
        # of the trunk's back all is made up that something lies before
        shown = PartRegions(regions.margins, regions.margins) if part in _WHOLE_BACKS else regions
        backs[part] = cut_textures(
            person.rgb, person.matte, person.parsing, shown.only(part), keep_parsing=keep_parsing, device=cpu
        )[part]
    cut_arms = [] if keep_parsing else _cut_arms(fronts, source, photo_rows, torso)
    kept = {arm.limb.parts[2] for arm in cut_arms if arm.cut == 2}
    body = _with_ends(body, pose, fronts, held, source.matte.shape, kept)
    classes = spread_classes(source.parsing, source.parsing != labels.BACKGROUND)
    pieces: list[Sheets] = []
    atlas = _AtlasBuilder(source.matte.shape)
    front_at: dict[int, tuple[int, int]] = {}
    clothes = np.zeros((0, 3), dtype=np.float32)
    for part, (front, back) in enumerate(zip(fronts, backs, strict=True)):
        # hands carry and hold: what seems to be cloth on them is what lies behind
        if front is None or (worn is not None and part in _HANDS):
            continue
        alpha = _placed(front, front.rgba[0, 3].numpy(), source.matte.shape)
        form = Form.HOLDING if part in held else _FORMS.get(part, Form.LIMB)
        made = part_sheets(part, Cover(alpha, classes), body, near_parts(part), torso, form)
        if made is None:
            continue
        sheets, count = made
        if part in _WHOLE_BACKS:
            clothes = np.concatenate([clothes, sheets.positions[:count]])
        elif part in held:
            sheets = before_clothes(sheets, count, clothes, held[part], torso)
        first, painted = len(sheets.uv), None
        if part == parts.HEAD and worn is None:
            sheets, first, painted = with_painted_sides(
                sheets, count, source, front, HeadFrame.of(body, pose.rotations)
            )
        margin = cv2.resize(own[part], source.matte.shape[::-1], interpolation=cv2.INTER_LINEAR)
        shown = margin > _SHOWN_MARGIN
        shown[photo_rows:] = False
        back = back or front
        if worn is not None:
            # arms and heads have no cloth but what the photo shows on them; trunk and legs go on with it
            alone = part == parts.HEAD or part in _ARM_PARTS
            seen = np.ones_like(worn) if alone else shown
            carried = held.get(part, np.zeros_like(worn))
            own_cloth = _without_rims(worn & (margin > 0) & ~carried) if alone else worn
            front = _only_worn(front, own_cloth, seen, shown_classes)
            back = _only_worn(back, own_cloth, seen if alone else None, shown_classes)
        for texture, (left, top), rows in (
            (front, atlas.place(front, shown), np.r_[0:count, 2 * count : first]),
            (back, atlas.place(back, None), np.r_[count : 2 * count]),
        ):
            front_at.setdefault(part, (left - texture.left, top - texture.top))
            for places in (sheets.uv, sheets.side_uv):
                places[rows] += np.array([left - texture.left, top - texture.top], dtype=np.float32)
        if painted is not None:
            corner = np.array(atlas.paint(painted), dtype=np.float32)
            for places in (sheets.uv, sheets.side_uv):
                places[first:] += corner
        pieces.append(sheets)
    ramp = skin_ramp(source) if cut_arms else None
    ramp_at = (0, 0) if ramp is None else atlas.place(ramp, None)
    for arm in cut_arms:
        made_of_arm = made_arm(arm, body, _arm_joints(arm.limb, pose), torso)
        if made_of_arm is None or arm.limb.parts[arm.cut] not in front_at:
            continue
        if ramp is None and made_of_arm.of_skin.any():
            continue
        moved = np.where(made_of_arm.of_skin[:, None], ramp_at, front_at[arm.limb.parts[arm.cut]]).astype(np.float32)
        sheets = made_of_arm.sheets
        pieces.append(replace(sheets, uv=sheets.uv + moved, side_uv=sheets.side_uv + moved))
    whole = joined(pieces)
    root = np.array([*pose.shift, 0.0], dtype=np.float32)
    in_meters = replace(whole, positions=(whole.positions - root) / np.float32(pose.scale))
    return Avatar(in_meters, atlas.finished(), pose.rotations, pose.joints, pose.scale, pose.shift, pose.coefficients)


def _held_over_photo(things: Sequence[Carried], shape: tuple[int, ...]) -> dict[int, BoolArray]:
    """Return what hands and forearms carry, by part, bool (H, W) each."""
    return {
        thing.part: cv2.resize(thing.mask.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
        for thing in things
    }


def _beneath(
    part: int, source: SourcePerson, behind: SourcePerson, regions: PartRegions, held: Mapping[int, BoolArray]
) -> PartTexture | None:
    """Return a part of the trunk with what its back shows where something is carried before it."""
    covered = np.logical_or.reduce(list(held.values()))
    own = regions.own.copy()
    small = cv2.resize(covered.astype(np.uint8), own.shape[:0:-1], interpolation=cv2.INTER_AREA) > 0
    own[part][small] = np.maximum(own[part][small], regions.margins[part][small])
    rgb = np.where(covered[..., None], behind.rgb, source.rgb)
    parsing = np.where(covered, behind.parsing, source.parsing)
    shown = PartRegions(regions.margins, own).only(part)
    return cut_textures(rgb, source.matte, parsing, shown, keep_parsing=True, device=torch.device("cpu"))[part]


def _cut_arms(
    fronts: Sequence[PartTexture | None], source: SourcePerson, photo_rows: int, torso: float
) -> list[CutArm]:
    """Return the arms that the photo's edge cuts; `source` may go on below it."""
    found = []
    for limb in ARMS:
        of_limb = [fronts[part] for part in limb.parts]
        alphas = [
            None if front is None else _placed(front, front.rgba[0, 3].numpy(), source.matte.shape)[:photo_rows]
            for front in of_limb
        ]
        arm = CutArm.of(limb, alphas, source.parsing[:photo_rows], torso)
        found += [] if arm is None else [arm]
    return found


def _arm_joints(limb: parts.Limb, pose: RestPose) -> FloatArray:
    """Return shoulder, elbow, wrist and tip of the hand of the body in the photo, float32 (4, 3) in pixels."""
    side = "R" if limb.is_right else "L"
    names = ("upperarm01", "lowerarm01", "wrist")
    places = [pose.joints[DRIVEN_BONES.index(f"{name}.{side}")] * pose.scale for name in names]
    places.append(places[2] + parts.HAND_SHARE * (places[2] - places[1]))
    return np.asarray(np.array(places) + np.array([*pose.shift, 0.0]), dtype=np.float32)


def _with_ends(
    body: BodySurface,
    pose: RestPose,
    fronts: Sequence[PartTexture | None],
    held: Mapping[int, BoolArray],
    shape: tuple[int, ...],
    kept: Collection[int],
) -> BodySurface:
    """Return the body with hands and feet where the photo shows them, but those that are `kept` as they are."""
    for part, front in enumerate(fronts):
        if front is None or part in kept:
            continue
        alpha = _placed(front, front.rgba[0, 3].numpy(), shape)
        if part in held:
            alpha = np.where(held[part], np.float32(0), alpha)
        if part in _HANDS:
            body = hand_on_outline(body, part, alpha)
        elif part in _FEET:
            ankle = pose.joints[DRIVEN_BONES.index(_FEET[part])] * pose.scale
            ankle[:2] += pose.shift
            body = foot_on_outline(body, part, alpha, ankle.astype(np.float32))
    return body


def _without_foreground(parsing: ByteArray) -> ByteArray:
    """Return a parsing in which arms, hair and what nobody wears have the classes of what is beside them."""
    return spread_classes(parsing, ~np.isin(parsing, _FOREGROUND))


def _placed(texture: PartTexture, plane: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return a texture's plane over the whole photo."""
    height, width = shape
    placed = np.zeros((height, width), dtype=np.float32)
    top, left = max(texture.top, 0), max(texture.left, 0)
    bottom, right = min(texture.top + plane.shape[0], height), min(texture.left + plane.shape[1], width)
    placed[top:bottom, left:right] = plane[
        top - texture.top : bottom - texture.top, left - texture.left : right - texture.left
    ]
    return placed


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
        mask = np.where(_window_of(shown, texture), _window_of(worn, texture), mask)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _CLASS_EDGE)
    return replace(texture, rgba=texture.rgba * torch.from_numpy(np.asarray(soft, dtype=np.float32)))


def _without_rims(mask: BoolArray) -> BoolArray:
    """Return a mask without what is thin: rims of what lies behind an arm."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_RIM, _RIM))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0)


def _window_of(plane: BoolArray, texture: PartTexture) -> BoolArray:
    """Return the part of a plane over the photo that a texture covers, False beyond the photo."""
    rows, columns = texture.rgba.shape[2:]
    found = np.pad(plane, _BEYOND)[texture.top + _BEYOND :, texture.left + _BEYOND :][:rows, :columns]
    window = np.zeros((rows, columns), dtype=np.bool_)
    window[: found.shape[0], : found.shape[1]] = found
    return window


class _AtlasBuilder:
    """Textures side by side in one picture, in rows."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._placed: list[tuple[int, int, PartTexture, BoolArray | None]] = []
        self._painted: list[tuple[int, int, PaintedTexture]] = []
        self._x = self._y = self._row = 0
        self._width = self._height = 0

    def place(self, texture: PartTexture, shown: BoolArray | None) -> tuple[int, int]:
        """Add a texture, return its left and top; `shown` (H, W) where the photo shows the part, None for nowhere."""
        height, width = texture.rgba.shape[2:]
        place = self._room(height, width)
        self._placed.append((*place, texture, shown))
        return place

    def paint(self, texture: PaintedTexture) -> tuple[int, int]:
        """Add a texture that was painted, return its left and top."""
        place = self._room(*texture.shown.shape)
        self._painted.append((*place, texture))
        return place

    def _room(self, height: int, width: int) -> tuple[int, int]:
        if self._x and self._x + width > _ATLAS_WIDTH:
            self._x, self._y, self._row = 0, self._y + self._row + _GAP, 0
        place = self._x, self._y
        self._x += width + _GAP
        self._row = max(self._row, height)
        self._width, self._height = max(self._width, self._x), max(self._height, self._y + height + _GAP)
        return place

    def finished(self) -> Atlas:
        """Return all of them."""
        texels = np.zeros((self._height, self._width, 5), dtype=np.uint8)
        home = np.zeros((self._height, self._width, 2), dtype=np.float32)
        for x, y, texture, shown in self._placed:
            rows, columns = texture.rgba.shape[2:]
            window = slice(y, y + rows), slice(x, x + columns)
            texels[window][..., :4] = np.rint(texture.rgba[0].numpy().transpose(1, 2, 0) * 255)
            home[window] = texture.left - x, texture.top - y
            if shown is not None:
                inside = np.pad(shown, _BEYOND)[texture.top + _BEYOND :, texture.left + _BEYOND :][:rows, :columns]
                texels[window][: inside.shape[0], : inside.shape[1], 4] = 255 * inside
        for x, y, painted in self._painted:
            rows, columns = painted.shown.shape
            window = slice(y, y + rows), slice(x, x + columns)
            texels[window][..., :3] = painted.rgb
            texels[window][..., 3] = 255
            texels[window][..., 4] = 255 * painted.shown
            home[window] = painted.home - np.array([x, y], dtype=np.float32)
        return Atlas(texels, home)
