"""People whom the photo's edges cut off below, or below and above: their cut is never seen. Ours.

An avatar's trunk goes on a little below the photo's edge (`puppet.textures.continued_below`). Where motion would lift
the person farther than that, they are held down so far that no end is seen. Legs of which the photo shows only a part
keep what they do in the photo, since nothing is known of where they end. Heads that the upper edge cuts too are held up
so far that their cut stays at the frame's edge, but no farther than the lower one allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from motionwarp.avatar.avatar import Avatar, usable_joints
from motionwarp.avatar.body_surface import IntArray
from motionwarp.avatar.renderer import moved_positions
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.rig import local_turns, world_turns
from motionwarp.body.rotations import matrix_from_vector, vector_from_matrix
from motionwarp.engines.avatar.posing import PoseParams
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.puppet.textures import CONTINUED, SURE, continued_columns
from motionwarp.types import BoolArray, FloatArray, SourcePerson

_SEEN: Final = 0.3
_COVERED: Final = 0.5
_SHOWN_BELOW: Final = 0.6 * CONTINUED  # torsos below the photo that may be shown: their end is ragged
_STRICTLY: Final = np.float32(0.05)  # meters of that, where nothing but a head's cut asks for it
_MOST: Final = 0.8
_REACH: Final = 0.02  # of the photo's height over its edge: what lies there is cut
_OF_TRUNK: Final = (
    parts.TORSO, parts.GARMENT, parts.RIGHT_THIGH, parts.RIGHT_SHIN, parts.LEFT_THIGH, parts.LEFT_SHIN,
)  # fmt: skip
_LEGS: Final = (
    (sk.RIGHT_KNEE, sk.RIGHT_ANKLE, ("upperleg01.R", "lowerleg01.R", "foot.R")),
    (sk.LEFT_KNEE, sk.LEFT_ANKLE, ("upperleg01.L", "lowerleg01.L", "foot.L")),
)
_THIGH_SHARE: Final = 0.35  # of its motion that a thigh keeps whose shin is cut
_NOTED: Final = 0.01  # of the frame's height by which a person is held down before a user is told
HELD: Final = (
    "the photo cuts the source person off, who is held where the motion would show the cut; a whole person moves freely"
)


@dataclass(frozen=True, eq=False)
class CutEdge:
    """Where an avatar is cut off below.

    Attributes
    ----------
    positions : float32 (C, 3)
        Of the vertices at the cut, in meters.
    bones, weights : int32, float32 (C, K)
        How they are moved.
    above : float32 (C,)
        How far each lies above the lowest row at rest that may be shown there, in meters: the photo's last one, or one
        below it where the avatar goes on.
    shares : float32 (D,)
        How much of its motion against its parent each driven bone keeps.
    """

    positions: FloatArray
    bones: IntArray
    weights: FloatArray
    above: FloatArray
    shares: FloatArray

    @classmethod
    def of(cls, source: SourcePerson, avatar: Avatar) -> CutEdge | None:
        """Return the cut of a photo's person; None where the photo shows their feet, or they end within it.

        Parameters
        ----------
        source : SourcePerson
        avatar : Avatar
            At the photo's size.
        """
        height = len(source.matte)
        scores = source.pose.points[:, 2] * (source.pose.points[:, 1] < height)
        ankles = scores[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE]]
        if ankles.max() >= _SEEN or source.matte[-1].max() < _COVERED:
            return None
        sheets = avatar.sheets
        cut, columns, y = _vertices_at(source.matte[-1], avatar, _OF_TRUNK, ((1 - _REACH) * height, height))
        if not cut.any():
            return None
        shares = np.ones(len(DRIVEN_BONES), dtype=np.float32)
        for knee, _, (thigh, shin, foot) in _LEGS:
            shares[[DRIVEN_BONES.index(shin), DRIVEN_BONES.index(foot)]] = 0
            shares[DRIVEN_BONES.index(thigh)] = _THIGH_SHARE if scores[knee] >= _SEEN else 0
        joints = usable_joints(source.pose.points)
        torso, middle_x = float(joints.torso[0]), float(joints.hip_center[0, 0])
        going_on = continued_columns(source, torso, middle_x)[columns[cut]].mean() * (source.matte[-1].max() >= SURE)
        below = _SHOWN_BELOW * torso if going_on > _MOST else 0.0
        above = ((height - 1 + below - y[cut]) / avatar.scale).astype(np.float32)
        return cls(sheets.positions[cut], sheets.bones[cut], sheets.bone_weights[cut], above, shares)

    def calmed(self, poses: PoseParams, rest: FloatArray) -> PoseParams:
        """Return poses whose cut legs do less, or nothing, against the hips.

        Parameters
        ----------
        poses : PoseParams
        rest : float32 (D, 3, 3)
            Turns against the camera in the photo.
        """
        own, photo = local_turns(poses.turns), local_turns(torch.from_numpy(rest)[None])
        apart = vector_from_matrix(photo.transpose(-1, -2) @ own)
        shares = torch.from_numpy(self.shares)[None, :, None]
        calmed = torch.where(shares[..., None] < 1, photo @ matrix_from_vector(apart * shares), own)
        return PoseParams(world_turns(calmed), poses.camera)

    def lift(self, transforms: FloatArray, camera: FloatArray, edge: float, *, strictly: bool = False) -> float:
        """Return by how many pixels of the frame the cut lies above an edge of it; 0 if it does not.

        Parameters
        ----------
        transforms : float32 (D, 3, 4)
        camera : float32 (3,)
        edge : float
            The last row that may show it.
        strictly : bool
            Whether little of what was made up below the photo may be seen.
        """
        moved = moved_positions(self.positions, self.bones, self.weights, transforms)
        above = np.minimum(self.above, _STRICTLY) if strictly else self.above
        rows = (moved[:, 1] + above) * camera[0] + camera[2]
        return max(0.0, edge - float(rows.min()))


@dataclass(frozen=True, eq=False)
class CutHead:
    """Where the photo's upper edge cuts a head off: nothing is known of what would be above it.

    Attributes
    ----------
    positions : float32 (C, 3)
        Of the vertices at the cut, in meters.
    bones, weights : int32, float32 (C, K)
        How they are moved.
    """

    positions: FloatArray
    bones: IntArray
    weights: FloatArray

    @classmethod
    def of(cls, source: SourcePerson, avatar: Avatar) -> CutHead | None:
        """Return the cut of a photo's person; None where the head ends within the photo."""
        if source.matte[0].max() < _COVERED:
            return None
        sheets = avatar.sheets
        cut, _, _ = _vertices_at(source.matte[0], avatar, (parts.HEAD,), (-np.inf, _REACH * len(source.matte)))
        return cls(sheets.positions[cut], sheets.bones[cut], sheets.bone_weights[cut]) if cut.any() else None

    def drop(self, transforms: FloatArray, camera: FloatArray, edge: float) -> float:
        """Return by how many pixels of the frame the cut lies below an edge of it; 0 if it does not.

        Parameters
        ----------
        transforms : float32 (D, 3, 4)
        camera : float32 (3,)
        edge : float
            The first row that may show it.
        """
        moved = moved_positions(self.positions, self.bones, self.weights, transforms)
        return max(0.0, float(np.median(moved[:, 1])) * float(camera[0]) + float(camera[2]) - edge)


def held(poses: PoseParams, lifts: FloatArray) -> PoseParams:
    """Return poses moved down by so many pixels, float32 (B,)."""
    down = torch.zeros_like(poses.camera)
    down[:, 2] = torch.from_numpy(lifts)
    return replace(poses, camera=poses.camera + down)


def is_noted(lifts: FloatArray, height: int) -> bool:
    """Return whether people are held down by so much that a user should know."""
    return bool(np.abs(lifts).max(initial=0.0) > _NOTED * height)


def _vertices_at(
    edge: FloatArray, avatar: Avatar, of_parts: tuple[int, ...], rows: tuple[float, float]
) -> tuple[BoolArray, npt.NDArray[np.int64], FloatArray]:
    """Return which vertices of some parts lie at rest between rows beside a covered pixel of the photo's edge (W,).

    Returns
    -------
    cut : bool (V,)
    columns : int64 (V,)
    y : float32 (V,)
        Of all vertices, in the photo.
    """
    sheets = avatar.sheets
    x, y = (sheets.positions[:, axis] * avatar.scale + avatar.shift[axis] for axis in (0, 1))
    columns = np.rint(x).astype(np.int64)
    cut = np.zeros(len(x), dtype=np.bool_)
    cut[sheets.faces[np.isin(sheets.layers // 2, of_parts)].ravel()] = True
    cut &= (y > rows[0]) & (y <= rows[1]) & (columns >= 0) & (columns < len(edge))
    cut[cut] = edge[columns[cut]] > _COVERED
    return cut, columns, y
