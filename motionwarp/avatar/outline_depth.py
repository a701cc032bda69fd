"""How deep an avatar is, told by its outlines from the side. Ours.

Seen from the photo's own side, depth does not show; from another side it is the outline. Vertices on the outline of the
avatar in that pose say how far they lie from the matte's edge, and so by how much their depth is wrong; all others
follow smoothly along their sheet. What a whole part is shifted by is the pose's fault and is taken out first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import cg

from motionwarp.avatar.avatar import Avatar
from motionwarp.avatar.fusion import PhotoView
from motionwarp.avatar.renderer import moved_positions
from motionwarp.body.rasterizer import rasterize
from motionwarp.types import BoolArray, FloatArray

Doubles = npt.NDArray[np.float64]

_RIM: Final = 2.5  # pixels from the outline within which a vertex lies on it
_ALONG: Final = 0.45  # of a step in depth, which shows across the outline: less tells nothing
_ALIKE: Final = 0.6  # cosine between both outlines' directions
_LEAST_RIM: Final = 12  # vertices of a part on an outline
_NO_AREA: Final = 1e-6


@dataclass(frozen=True)
class DepthSettings:
    """How far and how smoothly depth is corrected.

    Attributes
    ----------
    rounds : int
    reach : float
        How far from the avatar's outline the matte's is believed, in torsos.
    smoothness : float
        Of the corrections along a sheet, against the outlines.
    stiffness : float
        Of the depths as they are.
    """

    rounds: int = 3
    reach: float = 0.15
    smoothness: float = 3.0
    stiffness: float = 0.02


def with_outlined_depth(avatar: Avatar, views: Sequence[PhotoView], settings: DepthSettings | None = None) -> Avatar:
    """Return the avatar with depths that fit its outlines from other sides; from its own side nothing changes.

    Parameters
    ----------
    avatar : Avatar
    views : sequence of PhotoView
        Of these those from the side tell most; others do no harm.
    settings : DepthSettings, optional
    """
    settings = DepthSettings() if settings is None else settings
    mesh = _SheetGraph.of(avatar)
    for _ in range(settings.rounds if views else 0):
        weight, pull = np.zeros(mesh.count), np.zeros(mesh.count)
        for view in views:
            for vertex, amount, sure in _wanted_depths(avatar, view, settings):
                np.add.at(weight, mesh.node[vertex], sure)
                np.add.at(pull, mesh.node[vertex], sure * amount)
        if not weight.any():
            break
        system = sparse.diags(weight + settings.stiffness) + settings.smoothness * mesh.laplacian
        change, _ = cg(system, pull, rtol=1e-4, maxiter=400)
        positions = avatar.sheets.positions.copy()
        positions[:, 2] += change[mesh.node].astype(np.float32)
        avatar = replace(avatar, sheets=replace(avatar.sheets, positions=positions))
    return avatar


@dataclass(frozen=True, eq=False)
class _SheetGraph:
    """Which vertices move together: `node` (N,) names one for all at one place, which `laplacian` (C, C) joins."""

    node: npt.NDArray[np.int64]
    count: int
    laplacian: Any

    @classmethod
    def of(cls, avatar: Avatar) -> _SheetGraph:
        sheets = avatar.sheets
        # a wall's far edge lies on the back sheet and stays there; fronts and backs are not tied by walls
        part = np.zeros(len(sheets.positions), dtype=np.int64)
        part[sheets.faces] = (sheets.layers // 2)[:, None]
        keys = np.column_stack([np.rint(sheets.positions * 1e6).astype(np.int64), part])
        _, node = np.unique(keys, axis=0, return_inverse=True)
        node = node.ravel()
        count = int(node.max()) + 1
        a, b, c = (sheets.uv[sheets.faces[:, corner]] for corner in range(3))
        area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
        faces = node[sheets.faces[np.abs(area) > _NO_AREA]]
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        edges = edges[edges[:, 0] != edges[:, 1]]
        ways = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
        joined = (ways + ways.T).tocsr()
        joined.data[:] = 1
        degree = np.asarray(joined.sum(axis=1)).ravel()
        return cls(node, count, (sparse.diags(degree) - joined).tocsr())


def _wanted_depths(
    avatar: Avatar, view: PhotoView, settings: DepthSettings
) -> list[tuple[npt.NDArray[np.int64], Doubles, Doubles]]:
    """Return, part by part, vertices on a view's outline, by what their depth is to grow, and how sure that is."""
    sheets, rest = avatar.sheets, view.rest
    transforms = avatar.transforms(rest.rotations, rest.joints)
    moved = moved_positions(sheets.positions, sheets.bones, sheets.bone_weights, transforms)
    moved = moved * np.float32(rest.scale) + np.array([*rest.shift, 0], dtype=np.float32)
    turns = np.einsum("nk,nkij->nij", sheets.bone_weights, transforms[sheets.bones][..., :3])
    across = rest.scale * turns[:, :2, 2]  # (N, 2): where a meter of depth goes in this picture
    height, width = view.person.matte.shape
    solid = sheets.layers % 2 == 1
    drawn = rasterize(moved, np.ascontiguousarray(sheets.faces[solid]), height, width)
    own, wanted = (_signed_distance(inside) for inside in (np.asarray(drawn.face) >= 0, view.person.matte > 0.5))
    rim, outward = _on_outline(moved, own)
    rim &= np.isin(np.arange(len(rim)), sheets.faces[solid])
    there, toward = _sampled(wanted, moved), _directions(wanted, moved)
    along = (across * outward).sum(axis=1)
    torso = _torso_pixels(rest.scale, avatar)
    usable = rim & (np.abs(there) < settings.reach * torso) & ((outward * toward).sum(axis=1) > _ALIKE)
    usable &= (moved[:, 0] > 2) & (moved[:, 0] < width - 3) & (moved[:, 1] > 2) & (moved[:, 1] < height - 3)
    part = np.zeros(len(rim), dtype=np.int64)
    part[sheets.faces] = (sheets.layers // 2)[:, None]
    found = []
    for number in np.unique(part[usable]):
        chosen = np.flatnonzero(usable & (part == number))
        if len(chosen) < _LEAST_RIM:
            continue
        missing = there[chosen] - np.maximum(_sampled(own, moved[chosen]), 0)
        missing = missing - outward[chosen] @ _shift_of(missing, outward[chosen])
        telling = np.abs(along[chosen]) > _ALONG * rest.scale
        kept, slope = chosen[telling], along[chosen][telling]
        sure = (slope / rest.scale) ** 2
        found.append((kept, missing[telling] / slope, sure))
    return found


def _shift_of(missing: Doubles, outward: Doubles) -> Doubles:
    """Return by what a whole part seems to be shifted in the picture, (2,): that is no matter of depth."""
    if _is_one_sided(outward):
        return np.zeros(2)
    shift, *_ = np.linalg.lstsq(np.column_stack([outward, np.ones(len(outward))]), missing, rcond=None)
    return np.asarray(shift[:2])


def _is_one_sided(outward: Doubles) -> bool:
    """Return whether only one side of a part is on the outline, so that shift and depth cannot be told apart."""
    return bool(np.linalg.norm(outward.mean(axis=0)) > 0.7)


def _torso_pixels(scale: float, avatar: Avatar) -> float:
    """Return about how long a torso is in a picture, in pixels: three tenths of the person's height."""
    positions = avatar.sheets.positions
    return 0.3 * scale * float(np.ptp(positions[:, 1]))


def _signed_distance(inside: BoolArray) -> FloatArray:
    """Return how far every pixel lies within an outline, float32 (H, W); outside of it below 0."""
    mask = inside.astype(np.uint8)
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    return np.asarray(cv2.GaussianBlur(depth, (0, 0), 1.0), dtype=np.float32)


def _on_outline(moved: FloatArray, own: FloatArray) -> tuple[BoolArray, Doubles]:
    """Return which vertices lie on the outline (N,), and which way is out of it there (N, 2)."""
    distance = _sampled(own, moved)
    return np.asarray((np.abs(distance) < _RIM) & (distance > -_RIM)), _directions(own, moved)


def _directions(field: FloatArray, moved: FloatArray) -> Doubles:
    """Return the direction in which a signed distance falls, unit vectors (N, 2)."""
    down, across = np.gradient(field)
    way = -np.column_stack([_sampled(np.asarray(plane, dtype=np.float32), moved) for plane in (across, down)])
    return np.asarray(way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6))


def _sampled(field: FloatArray, moved: FloatArray) -> Doubles:
    """Return a field (H, W) at the vertices (N, 3), (N,)."""
    columns = 1024
    count = len(moved)
    padded = np.zeros((-(-max(count, 1) // columns) * columns, 2), dtype=np.float32)
    padded[:count] = moved[:, :2]
    grid = padded.reshape(-1, columns, 2)
    found = cv2.remap(field, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, dtype=np.float64).ravel()[:count]
