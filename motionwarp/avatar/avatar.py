"""An avatar: the surfaces and textures of one person, and how the bones of a body move them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch

from motionwarp.avatar.renderer import draw, moved_positions
from motionwarp.avatar.sheets import BodySurface, Sheets, joined, part_sheets
from motionwarp.puppet import parts
from motionwarp.puppet.back_view import seen_from_behind, with_covered_chest
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.segmentation import PartRegions, part_regions
from motionwarp.puppet.textures import PartTexture, cut_textures
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

_WORKING_TORSO: Final = 110
_ATLAS_WIDTH: Final = 2048
_GAP: Final = 2


@dataclass(frozen=True, eq=False)
class Avatar:
    """A person of a photo in space.

    Attributes
    ----------
    sheets : Sheets
        In pixels of the photo.
    atlas : uint8 (h, w, 4)
        Colors multiplied by alpha, and alpha.
    rotations : float32 (B, 3, 3)
        Of the driven bones in the photo.
    joints : float32 (B, 3)
        Where they begin there, in pixels.
    """

    sheets: Sheets
    atlas: ByteArray
    rotations: FloatArray
    joints: FloatArray

    def transforms(self, rotations: FloatArray, joints: FloatArray) -> FloatArray:
        """Return how every bone moves its surroundings from the photo to a pose, float32 (B, 3, 4).

        Parameters
        ----------
        rotations : float32 (B, 3, 3)
        joints : float32 (B, 3)
            In pixels of the photo's scale.
        """
        turn = rotations @ self.rotations.transpose(0, 2, 1)
        shift = joints - np.einsum("bij,bj->bi", turn, self.joints)
        return np.concatenate([turn, shift[..., None]], axis=2).astype(np.float32)

    def render(self, transforms: FloatArray, matrix: FloatArray, size: tuple[int, int]) -> FloatArray:
        """Draw the avatar in a pose.

        Parameters
        ----------
        transforms : float32 (B, 3, 4)
        matrix : float32 (2, 3)
            From pixels of the photo to those of the output: scale and shift.
        size : (int, int)
            Height and width of the output.
        """
        moved = moved_positions(self.sheets.positions, self.sheets.bones, self.sheets.bone_weights, transforms)
        flat = moved[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        moved[:, :2] = flat
        return draw(moved, self.sheets.uv, self.sheets.faces, self.sheets.layers, self.atlas, size)


def near_parts(part: int) -> tuple[int, ...]:
    """Return the body's parts that a part follows: itself and those joined to it."""
    if part == parts.GARMENT:
        return (parts.TORSO, parts.RIGHT_THIGH, parts.LEFT_THIGH)
    joined_to = {other for one, two, _, _ in parts.JOINTS for other in (one, two) if part in (one, two)}
    return tuple(sorted({part, *joined_to}))


def make_avatar(source: SourcePerson, body: BodySurface, rotations: FloatArray, joints: FloatArray) -> Avatar:
    """Make the avatar of a person.

    Parameters
    ----------
    source : SourcePerson
    body : BodySurface
        Fitted to the photo.
    rotations, joints
        As `Avatar`'s.
    """
    points = Joints(torch.from_numpy(source.pose.points)[None])
    torso = float(points.torso[0])
    regions = _regions(source, torso)
    cpu = torch.device("cpu")
    fronts = cut_textures(source.rgb, source.matte, source.parsing, regions, keep_parsing=False, device=cpu)
    covered = with_covered_chest(source)
    behind = seen_from_behind(covered)
    backs = list(fronts)
    for part, person in ((parts.TORSO, covered), (parts.HEAD, behind)):
        backs[part] = cut_textures(
            person.rgb, person.matte, person.parsing, regions.only(part), keep_parsing=False, device=cpu
        )[part]
    pieces: list[Sheets] = []
    atlas = _Atlas()
    height, width = source.matte.shape
    for part, (front, back) in enumerate(zip(fronts, backs, strict=True)):
        if front is None:
            continue
        alpha = _placed_alpha(front, height, width)
        made = part_sheets(part, alpha, body, near_parts(part), torso, loose=part == parts.GARMENT)
        if made is None:
            continue
        sheets, count = made
        for texture, rows in (
            (front, np.r_[0:count, 2 * count : len(sheets.uv)]),
            (back or front, np.r_[count : 2 * count]),
        ):
            left, top = atlas.place(texture)
            sheets.uv[rows] += np.array([left - texture.left, top - texture.top], dtype=np.float32)
        pieces.append(sheets)
    return Avatar(joined(pieces), atlas.picture(), rotations.astype(np.float32), joints.astype(np.float32))


def _regions(source: SourcePerson, torso: float) -> PartRegions:
    height, width = source.parsing.shape
    factor = min(1.0, _WORKING_TORSO / torso)
    size = max(round(width * factor), 8), max(round(height * factor), 8)
    small = np.asarray(cv2.resize(source.parsing, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    solid = cv2.resize(source.matte, size, interpolation=cv2.INTER_AREA) > 0.5
    shrink = np.array([size[0] / width, size[1] / height], dtype=np.float32)
    shrunk = source.pose.points.copy()
    shrunk[:, :2] = (shrunk[:, :2] + 0.5) * shrink - 0.5
    return _nothing_left_over(part_regions(Joints(torch.from_numpy(shrunk)[None]), small, solid), solid)


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


def _placed_alpha(texture: PartTexture, height: int, width: int) -> FloatArray:
    alpha = np.zeros((height, width), dtype=np.float32)
    own = texture.rgba[0, 3].numpy()
    top, left = max(texture.top, 0), max(texture.left, 0)
    bottom, right = min(texture.top + own.shape[0], height), min(texture.left + own.shape[1], width)
    alpha[top:bottom, left:right] = own[
        top - texture.top : bottom - texture.top, left - texture.left : right - texture.left
    ]
    return alpha


class _Atlas:
    """Textures side by side in one picture, in rows."""

    def __init__(self) -> None:
        self._placed: list[tuple[int, int, ByteArray]] = []
        self._known: dict[int, tuple[int, int]] = {}
        self._x = self._y = self._row = 0

    def place(self, texture: PartTexture) -> tuple[int, int]:
        if id(texture) in self._known:
            return self._known[id(texture)]
        pixels = np.rint(texture.rgba[0].numpy().transpose(1, 2, 0) * 255).astype(np.uint8)
        height, width = pixels.shape[:2]
        if self._x and self._x + width > _ATLAS_WIDTH:
            self._x, self._y, self._row = 0, self._y + self._row + _GAP, 0
        place = self._x, self._y
        self._placed.append((*place, pixels))
        self._known[id(texture)] = place
        self._x += width + _GAP
        self._row = max(self._row, height)
        return place

    def picture(self) -> ByteArray:
        height = max(y + pixels.shape[0] for _, y, pixels in self._placed) + _GAP
        width = max(x + pixels.shape[1] for x, _, pixels in self._placed) + _GAP
        picture = np.zeros((height, width, 4), dtype=np.uint8)
        for x, y, pixels in self._placed:
            picture[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
        return picture
