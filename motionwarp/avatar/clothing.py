"""A garment as surfaces of an avatar, worn by another body: moved over the surface that all bodies share. Ours.

Every body has the same vertices. What hangs near a vertex of one body hangs as near to that vertex of another one, in
the same pose; from there the bones carry it into any pose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from motionwarp.avatar.avatar import Avatar, near_parts
from motionwarp.avatar.renderer import moved_positions
from motionwarp.avatar.sheets import Sheets, joined
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.rig import DRIVEN_MIRROR
from motionwarp.puppet import parts
from motionwarp.types import BoolArray, ByteArray, FloatArray

_NEIGHBORS: Final = 24
_LANDMARKS: Final = 1500  # of a part's vertices of the body: bodies differ smoothly
_REACH: Final = 0.05  # meters over which the body's vertices are averaged
_LEAST_VERTICES: Final = 20  # of a limb's surfaces that tell where it lies
_FARTHEST: Final = 0.08  # meters by which a limb's surfaces are moved to its bone


@dataclass(frozen=True, eq=False)
class PosedBody:
    """A body in the pose of an avatar's photo.

    Attributes
    ----------
    vertices : float32 (V, 3)
        In meters from the root.
    joints : float32 (B, 3)
        Where the driven bones begin, likewise.
    """

    vertices: FloatArray
    joints: FloatArray

    def __post_init__(self) -> None:
        if self.vertices.ndim != 2 or self.joints.ndim != 2 or self.vertices.shape[1] != 3 or self.joints.shape[1] != 3:
            raise ValueError(
                f"PosedBody needs vertices (V, 3) and joints (B, 3), got {self.vertices.shape}, {self.joints.shape}"
            )


def worn_by(avatar: Avatar, own: PosedBody, other: PosedBody, body_parts: ByteArray) -> Avatar:
    """Return an avatar, such as that of a garment, whose surfaces fit another body in the same pose.

    Parameters
    ----------
    avatar : Avatar
    own, other : PosedBody
        The body it was made over, and the one that shall wear it.
    body_parts : uint8 (V,)
        Part of each vertex of the body.
    """
    if own.vertices.shape != other.vertices.shape:
        raise ValueError(f"bodies need the same vertices, got {own.vertices.shape} and {other.vertices.shape}")
    sheets = avatar.sheets
    moves = other.vertices - own.vertices
    positions = sheets.positions.copy()
    part_of_vertex = np.zeros(len(positions), dtype=np.int32)
    part_of_vertex[sheets.faces.ravel()] = np.repeat(sheets.layers // 2, 3)
    for part in np.unique(part_of_vertex):
        near = np.flatnonzero(np.isin(body_parts, near_parts(int(part))))
        near = near[:: max(1, len(near) // _LANDMARKS)]
        rows = np.flatnonzero(part_of_vertex == part)
        found, nearest = cKDTree(own.vertices[near]).query(positions[rows], k=min(_NEIGHBORS, len(near)))
        distances = np.asarray(found)
        excess = np.square(distances) - np.square(distances[:, :1])
        share = np.exp(-excess / (2 * _REACH**2))
        share /= share.sum(axis=1, keepdims=True)
        positions[rows] += np.einsum("nk,nkd->nd", share, moves[near][nearest]).astype(np.float32)
    for limb in parts.LIMBS:
        for part, start, end, begins in _bones(limb, other.joints):
            rows = part_of_vertex == part
            positions[rows] -= _eccentricity(positions[rows], start, end, begins)
    return replace(avatar, sheets=replace(sheets, positions=positions), joints=other.joints)


def unposed(avatar: Avatar, joints: FloatArray) -> Avatar:
    """Return an avatar in the pose that all people share, whose `rotations` are none.

    Parameters
    ----------
    avatar : Avatar
    joints : float32 (B, 3)
        Where the driven bones of its body begin in that pose, in meters from the root.
    """
    sheets = avatar.sheets
    rotations = np.broadcast_to(np.eye(3, dtype=np.float32), avatar.rotations.shape).copy()
    transforms = avatar.transforms(rotations, joints)
    positions = moved_positions(sheets.positions, sheets.bones, sheets.bone_weights, transforms)
    return replace(avatar, sheets=replace(sheets, positions=positions), rotations=rotations, joints=joints)


def mirrored_limbs(avatar: Avatar, limbs: Sequence[parts.Limb]) -> Avatar:
    """Return an avatar in which limbs are the mirror images of those on the other side.

    Parameters
    ----------
    avatar : Avatar
        In the pose that all people share.
    limbs : sequence of Limb
        Those that are replaced.
    """
    sheets = avatar.sheets
    part_of_face = sheets.layers // 2
    replaced = [part for limb in limbs for part in limb.parts]
    pieces = [_only(sheets, ~np.isin(part_of_face, replaced))]
    mirror = np.array(DRIVEN_MIRROR, dtype=np.int32)
    for part in replaced:
        twin = _only(sheets, part_of_face == parts.TWIN[part])
        positions = twin.positions * np.array([-1, 1, 1], dtype=np.float32)
        layers = (2 * part + twin.layers % 2).astype(np.int32)
        pieces.append(replace(twin, positions=positions, bones=mirror[twin.bones], layers=layers))
    return replace(avatar, sheets=joined(pieces))


def _only(sheets: Sheets, chosen: BoolArray) -> Sheets:
    """Return some of the triangles, bool (F,), over all vertices."""
    return replace(sheets, faces=sheets.faces[chosen], layers=sheets.layers[chosen])


def _bones(limb: parts.Limb, joints: FloatArray) -> Iterator[tuple[int, FloatArray, FloatArray, bool]]:
    """Yield upper and lower part of a limb: the part, where its bone begins and ends, and whether it is the upper."""
    names = ("upperarm01", "lowerarm01", "wrist") if limb.is_arm else ("upperleg01", "lowerleg01", "foot")
    side = "R" if limb.is_right else "L"
    places = [joints[DRIVEN_BONES.index(f"{name}.{side}")] for name in names]
    for index in range(2):
        yield limb.parts[index], places[index], places[index + 1], index == 0


def _eccentricity(positions: FloatArray, start: FloatArray, end: FloatArray, begins: bool) -> FloatArray:
    """Return how far surfaces lie beside the bone that they are about, along which it changes linearly, (N, 3).

    A photo's arm never lies quite where the fitted body has it. Turned about its bone, what lies beside it would go
    round it.
    """
    along = end - start
    share = (positions - start) @ along / max(float(along @ along), 1e-6)
    beside = positions - start - share[:, None] * along
    within = (share > 0) & (share < 1)
    if np.count_nonzero(within) < _LEAST_VERTICES:
        return np.zeros_like(positions)
    basis = np.column_stack([np.ones_like(share), np.clip(share, 0, 1)])
    line = np.linalg.lstsq(basis[within], beside[within], rcond=None)[0]
    off = basis @ line
    length = np.linalg.norm(off, axis=1, keepdims=True)
    off = off * np.minimum(1, _FARTHEST / np.maximum(length, 1e-6))
    # at the trunk nothing moves, or a gap would open
    ramp = np.clip(share, 0, 1)[:, None] if begins else 1.0
    return np.asarray(ramp * off, dtype=np.float32)
