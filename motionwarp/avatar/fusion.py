"""Several photos on one avatar: each texel from the photo in which it is seen best. Ours.

The avatar is moved into the pose of a further photo. Where a surface faces that photo's camera more than it faced the
first one's, and nothing is before it, it takes over what that photo shows of its part. Of the frames of a clip, which
are many and of which none is right everywhere, it takes the middle of the few that show it best.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import torch

from motionwarp.avatar.avatar import Avatar, RestPose, usable_joints
from motionwarp.avatar.body_surface import IntArray
from motionwarp.avatar.regions import person_regions
from motionwarp.avatar.renderer import Atlas, moved_positions
from motionwarp.avatar.sheets import facing
from motionwarp.body.rasterizer import rasterize
from motionwarp.compiled import compiled
from motionwarp.puppet.textures import PartTexture, cut_textures
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

_HIDDEN_TORSOS: Final = 0.1  # by which something must be nearer to hide a surface
_BETTER: Final = 0.1  # more of the cosine that a further photo must show
_FADE: Final = 0.25  # of the cosine, over which one photo goes over into the other
_SOFT_TEXELS: Final = 2.0
_LEAST_SHARED: Final = 400  # texels seen well in both photos, to compare their light by
_SEEN_WELL: Final = 0.4
_MOST_GAIN: Final = 1.3
_SEEN_FAIRLY: Final = 0.55  # cosine to the photo over which frames of a clip change nothing
_KEPT_FRAMES: Final = 5
_NEARLY_AS_GOOD: Final = 0.8  # of the best cosine: worse frames have no say
_NO_AREA: Final = 1e-6  # texels


@dataclass(frozen=True, eq=False)
class PhotoView:
    """The same person in a further photo.

    Attributes
    ----------
    person : SourcePerson
    rest : RestPose
        The pose there, of a body of the same shape.
    """

    person: SourcePerson
    rest: RestPose


@dataclass(frozen=True, eq=False)
class Seen:
    """What a photo shows of every texel: colors, coverage 1, in [0, 1]; and the cosine to its camera, 0 for hidden."""

    colors: FloatArray
    cosine: FloatArray


def fused(avatar: Avatar, views: Sequence[PhotoView]) -> Avatar:
    """Return the avatar with textures from further photos where these show it better.

    Parameters
    ----------
    avatar : Avatar
        Of the first photo, which stays as it is at rest.
    views : sequence of PhotoView
    """
    if not views:
        return avatar
    surface = TexelSurface(avatar)
    for view in views:
        surface.take(surface.seen_in(view))
    return surface.finished()


def fused_frames(avatar: Avatar, views: Iterable[PhotoView]) -> Avatar:
    """Return the avatar with textures from the frames of a clip where these show it better.

    Parameters
    ----------
    avatar : Avatar
        Of a photo, which stays as it is at rest.
    views : iterable of PhotoView
    """
    surface = TexelSurface(avatar)
    best: BestSeen | None = None
    for view in views:
        seen = surface.seen_in(view)
        lit = replace(seen, colors=np.clip(seen.colors * surface.gain(seen), 0, 1).astype(np.float32))
        best = BestSeen(lit.cosine.shape) if best is None else best
        best.add(lit)
    if best is None:
        return avatar
    surface.take(best.middle(), of_frames=True)
    return surface.finished()


class TexelSurface:
    """An avatar's texels, each with what is known of it so far.

    Parameters
    ----------
    avatar : Avatar
    """

    def __init__(self, avatar: Avatar) -> None:
        self._avatar = avatar
        sheets, atlas = avatar.sheets, avatar.atlas
        height, width = atlas.home.shape[:2]
        own_facing = facing(sheets.positions, sheets.faces)
        self._part_of = np.full((height, width), -1, dtype=np.int32)
        attributes = np.column_stack([np.maximum(own_facing, 0), np.zeros((len(own_facing), 3))]).astype(np.float32)
        carried = np.zeros((height, width, 4), dtype=np.float32)
        _spread_over_texels(sheets.uv, attributes, sheets.faces, sheets.layers, carried, self._part_of)
        self._own = carried[..., 0] * (atlas.texels[..., 4] / np.float32(255))
        self._alpha = atlas.texels[..., 3:4] / np.float32(255)
        colors = atlas.texels[..., :3] / np.maximum(self._alpha, np.float32(1 / 255)) / np.float32(255)
        self._colors = np.asarray(colors, dtype=np.float32)
        self._cosine = np.asarray(self._own, dtype=np.float32)
        self._shown = atlas.texels[..., 4].astype(np.float32)

    def seen_in(self, view: PhotoView) -> Seen:
        """Return what a further photo shows of the texels."""
        return _seen(self._avatar, view, self._part_of)

    def gain(self, seen: Seen) -> FloatArray:
        """Return by what a photo's colors are multiplied to have the first one's light, float32 (3,)."""
        return _gain(self._colors, self._cosine, seen)

    def take(self, seen: Seen, *, of_frames: bool = False) -> None:
        """Take over what a photo shows better, in the first one's light.

        Those `of_frames` have that light already; they never lie exactly where the photo's pixels do, and leave alone
        what it shows well.
        """
        light = np.ones(3, dtype=np.float32) if of_frames else self.gain(seen)
        better = np.clip((seen.cosine - self._cosine - _BETTER) / _FADE, 0, 1)
        if of_frames:
            better *= np.clip((_SEEN_FAIRLY - self._own) / _FADE, 0, 1)
        # no hard seams, and no islands: what goes over is as soft as it is broad
        share = cv2.GaussianBlur(better, (0, 0), _SOFT_TEXELS) * (seen.cosine > self._cosine)
        self._colors = self._colors + share[..., None] * (np.clip(seen.colors * light, 0, 1) - self._colors)
        self._cosine = np.maximum(self._cosine, seen.cosine * (share > 0.5))
        self._shown = self._shown * (1 - share)

    def finished(self) -> Avatar:
        """Return the avatar with these textures.

        Where they are known from the side, the sides' own colors are drawn there, and not those of what lies beside.
        """
        avatar, alpha = self._avatar, self._alpha
        texels = np.dstack([np.clip(self._colors, 0, 1) * alpha * 255, 255 * alpha, self._shown])
        atlas = Atlas(np.rint(texels).astype(np.uint8), avatar.atlas.home)
        sheets = avatar.sheets
        known = np.asarray(self._cosine * (self._cosine > self._own), dtype=np.float32)
        columns, rows = (np.rint(sheets.uv[:, axis]).astype(np.int64) for axis in (0, 1))
        height, width = known.shape
        of_vertex = known[rows.clip(0, height - 1), columns.clip(0, width - 1)]
        # walls have no texels of their own
        of_vertex[~_with_texels(sheets.uv, sheets.faces)] = 0
        return replace(avatar, atlas=atlas, sheets=replace(sheets, facing=np.maximum(sheets.facing, of_vertex)))


class BestSeen:
    """Of many frames those few in which each texel is seen best.

    Parameters
    ----------
    shape : (int, int)
        Of the textures.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._colors = np.zeros((_KEPT_FRAMES, *shape, 3), dtype=np.uint8)
        self._cosine = np.zeros((_KEPT_FRAMES, *shape), dtype=np.float32)

    def add(self, seen: Seen) -> None:
        """Keep a frame where it shows a texel better than the worst of those that are kept."""
        colors = np.rint(seen.colors * 255).astype(np.uint8)
        _keep_best(self._colors, self._cosine, colors, seen.cosine)

    def middle(self) -> Seen:
        """Return the middle color of what was kept, by each channel, and how surely it is known."""
        best = self._cosine.max(axis=0)
        result = np.zeros((*best.shape, 3), dtype=np.float32)
        _middle_colors(self._colors, self._cosine, np.float32(_NEARLY_AS_GOOD), result)
        return Seen(result, best)


def _with_texels(uv: FloatArray, faces: IntArray) -> BoolArray:
    """Return which vertices belong to a triangle that has texels, bool (N,)."""
    a, b, c = (uv[faces[:, corner]] for corner in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    found = np.zeros(len(uv), dtype=np.bool_)
    found[faces[np.abs(area) > _NO_AREA].ravel()] = True
    return found


@compiled
def _keep_best(colors: ByteArray, cosines: FloatArray, new: ByteArray, cosine: FloatArray) -> None:
    for y in range(cosine.shape[0]):
        for x in range(cosine.shape[1]):
            if cosine[y, x] <= 0:
                continue
            worst = 0
            for slot in range(1, cosines.shape[0]):
                if cosines[slot, y, x] < cosines[worst, y, x]:
                    worst = slot
            if cosine[y, x] > cosines[worst, y, x]:
                cosines[worst, y, x] = cosine[y, x]
                for channel in range(3):
                    colors[worst, y, x, channel] = new[y, x, channel]


@compiled
def _middle_colors(colors: ByteArray, cosines: FloatArray, share: np.float32, result: FloatArray) -> None:
    kept = np.empty(cosines.shape[0], dtype=np.float32)
    for y in range(cosines.shape[1]):
        for x in range(cosines.shape[2]):
            best = np.float32(0.0)
            for slot in range(cosines.shape[0]):
                best = max(best, cosines[slot, y, x])
            if best <= 0:
                continue
            for channel in range(3):
                count = 0
                for slot in range(cosines.shape[0]):
                    if cosines[slot, y, x] >= share * best:
                        kept[count] = np.float32(colors[slot, y, x, channel])
                        count += 1
                ordered = np.sort(kept[:count])
                middle = np.float32(0.5) * (ordered[(count - 1) // 2] + ordered[count // 2])
                result[y, x, channel] = middle / np.float32(255.0)


def _seen(avatar: Avatar, view: PhotoView, part_of: IntArray) -> Seen:
    """Return what a further photo shows of an avatar's texels."""
    sheets, rest, person = avatar.sheets, view.rest, view.person
    moved = moved_positions(
        sheets.positions, sheets.bones, sheets.bone_weights, avatar.transforms(rest.rotations, rest.joints)
    )
    moved = moved * np.float32(rest.scale) + np.array([*rest.shift, 0], dtype=np.float32)
    height, width = person.matte.shape
    toward = facing(moved, sheets.faces)
    attributes = np.column_stack([moved, toward]).astype(np.float32)
    carried = np.zeros((*part_of.shape, 4), dtype=np.float32)
    found = np.full_like(part_of, -1)
    _spread_over_texels(sheets.uv, attributes, sheets.faces, sheets.layers, carried, found)
    x, y, z, cosine = (np.ascontiguousarray(carried[..., index]) for index in range(4))
    solid = sheets.faces[sheets.layers % 2 == 1]
    depth = np.asarray(rasterize(moved, solid, height, width).depth, dtype=np.float32)
    depth[np.isinf(depth)] = 1e9
    nearest = cv2.remap(depth, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=-1e9)
    torso = float(usable_joints(person.pose.points).torso[0])
    visible = (found >= 0) & (z < nearest + _HIDDEN_TORSOS * torso) & (cosine > 0)
    textures = cut_textures(
        person.rgb, person.matte, person.parsing, person_regions(person, torso), keep_parsing=False,
        device=torch.device("cpu"),
    )  # fmt: skip
    colors = np.zeros((*part_of.shape, 3), dtype=np.float32)
    for part, texture in enumerate(textures):
        own = visible & (found == part)
        if texture is None:
            visible &= ~own
            continue
        found_colors, there = _sampled(texture, x[own], y[own])
        colors[own] = found_colors
        visible[own] &= there
    return Seen(colors, np.where(visible, cosine, 0).astype(np.float32))


def _sampled(texture: PartTexture, x: FloatArray, y: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return a part's colors at pixels of the photo, float32 (N, 3), and where it has any, bool (N,)."""
    rgba = np.ascontiguousarray(texture.rgba[0].numpy().transpose(1, 2, 0))
    at = np.stack([x - texture.left, y - texture.top], axis=-1).astype(np.float32)
    # remap takes pictures: rows of so many pixels
    columns = 1024
    padded = np.zeros((-(-max(len(at), 1) // columns) * columns, 2), dtype=np.float32)
    padded[: len(at)] = at
    grid = padded.reshape(-1, columns, 2)
    found = cv2.remap(rgba, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    flat = found.reshape(-1, 4)[: len(at)]
    return (flat[:, :3] / np.maximum(flat[:, 3:], np.float32(1e-3))).clip(0, 1), flat[:, 3] > 0.2


def _gain(colors: FloatArray, cosine: FloatArray, seen: Seen) -> FloatArray:
    """Return by what a further photo's colors are multiplied to have the first one's light, float32 (3,)."""
    both = (cosine > _SEEN_WELL) & (seen.cosine > _SEEN_WELL)
    if both.sum() < _LEAST_SHARED:
        return np.ones(3, dtype=np.float32)
    ratio = colors[both].mean(axis=0) / np.maximum(seen.colors[both].mean(axis=0), 1e-3)
    return np.asarray(ratio.clip(1 / _MOST_GAIN, _MOST_GAIN), dtype=np.float32)


@compiled
def _spread_over_texels(
    uv: FloatArray, attributes: FloatArray, faces: IntArray, layers: IntArray, result: FloatArray, part: IntArray
) -> None:
    """Fill what vertices carry into the texels of their triangles: `result` (h, w, C), and the part (h, w)."""
    height, width, count = result.shape
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        ax, ay, bx, by, cx, cy = uv[a, 0], uv[a, 1], uv[b, 0], uv[b, 1], uv[c, 0], uv[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        # walls have no texels of their own
        if abs(area) < _NO_AREA:
            continue
        left, right = max(0, int(np.ceil(min(ax, bx, cx)))), min(width - 1, int(np.floor(max(ax, bx, cx))))
        top, bottom = max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy))))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                wa = 1 - wb - wc
                if wa < -1e-4 or wb < -1e-4 or wc < -1e-4:
                    continue
                part[y, x] = layers[face] // 2
                for channel in range(count):
                    result[y, x, channel] = (
                        wa * attributes[a, channel] + wb * attributes[b, channel] + wc * attributes[c, channel]
                    )
