"""The body reduced to what its 18 points need: twenty turning bones and, for every point, where it hangs on them.

Of a fixed shape every point under linear blend skinning is a sum over bones of a rotated constant and a share of the
bone's place. These constants replace 12,000 vertices, exactly, so that fitting and training run on small batched
products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.model import BodyModel, BodyShape

_ABOVE: Final = {
    "root": "", "spine04": "root", "spine02": "spine04", "spine01": "spine02", "neck02": "spine01", "head": "neck02",
    "clavicle": "spine01", "upperarm01": "clavicle", "lowerarm01": "upperarm01", "wrist": "lowerarm01",
    "upperleg01": "root", "lowerleg01": "upperleg01", "foot": "lowerleg01",
}  # fmt: skip


def _above(bone: str) -> int:
    stem, dot, side = bone.partition(".")
    above = _ABOVE[stem]
    if not above:
        return -1
    return DRIVEN_BONES.index(above) if above in DRIVEN_BONES else DRIVEN_BONES.index(above + dot + side)


DRIVEN_PARENTS: Final = tuple(_above(bone) for bone in DRIVEN_BONES)
"""Of each driven bone the driven bone above it; -1 for the root."""


_PARENT_OR_SELF: Final = [max(parent, 0) for parent in DRIVEN_PARENTS]


def _paths() -> list[list[float]]:
    """Return for every bone which bones' steps lead to it from the root; the root itself is not stepped to."""
    paths = [[0.0] * len(DRIVEN_BONES) for _ in DRIVEN_BONES]
    for bone, parent in enumerate(DRIVEN_PARENTS):
        if parent >= 0:
            paths[bone] = list(paths[parent])
            paths[bone][bone] = 1.0
    return paths


_PATHS: Final = _paths()


def _mirrored(bone: str) -> str:
    return bone[:-1] + {"L": "R", "R": "L"}[bone[-1]] if bone[-2:] in (".L", ".R") else bone


DRIVEN_MIRROR: Final = tuple(DRIVEN_BONES.index(_mirrored(bone)) for bone in DRIVEN_BONES)
"""Of each driven bone the one on the other side."""


@dataclass(frozen=True, eq=False)
class PointRig:
    """People of fixed shapes, for their points alone.

    Attributes
    ----------
    offsets : float tensor (..., D, 3)
        From the driven bone above to each driven bone, in the pose that all people share; meters.
    anchors : float tensor (..., 18, D, 4)
        What each point has of each bone: a vector that turns with it, and a share of its place.
    """

    offsets: Tensor
    anchors: Tensor

    def __post_init__(self) -> None:
        count = len(DRIVEN_BONES)
        if self.offsets.shape[-2:] != (count, 3) or self.anchors.shape[-3:] != (18, count, 4):
            raise ValueError(
                f"a rig has offsets (..., {count}, 3) and anchors (..., 18, {count}, 4), got "
                f"{tuple(self.offsets.shape)} and {tuple(self.anchors.shape)}"
            )

    @classmethod
    def of(cls, body: BodyModel, shape: BodyShape) -> PointRig:
        """Return the rig of people at rest (any batch)."""
        identity = torch.eye(3, device=body.device).expand(len(body.bones), 3, 3)
        joints = body.pose(shape, identity).joints  # (..., J, 3)
        owner = torch.tensor(_owners(body), device=body.device)
        driven = torch.tensor(body.driven, device=body.device)
        vertices = body.point_indices.long()  # (18, P)
        shares = body.point_weights.unsqueeze(-1) * body.dense_skinning[vertices]  # (18, P, J)
        rest = shape.vertices[..., vertices, :]  # (..., 18, P, 3)
        # of each bone: A (x - h) + q, summed over the vertices of a point
        mean = torch.einsum("kpj,...kpd->...kjd", shares, rest)
        total = shares.sum(dim=1)  # (18, J)
        turned = torch.einsum(
            "...jab,...kjb->...kja", shape.alignments, mean - total.unsqueeze(-1) * shape.joints.unsqueeze(-3)
        )
        hanging = turned + total.unsqueeze(-1) * (joints - joints[..., driven[owner], :]).unsqueeze(-3)
        parts = torch.cat([hanging, total.unsqueeze(-1).expand(*hanging.shape[:-1], 1)], dim=-1)  # (..., 18, J, 4)
        anchors = torch.zeros(*parts.shape[:-2], len(DRIVEN_BONES), 4, device=body.device).index_add(-2, owner, parts)
        above = driven[[max(parent, 0) for parent in DRIVEN_PARENTS]]
        return cls(joints[..., driven, :] - joints[..., above, :], anchors)

    def indexed(self, index: Tensor) -> PointRig:
        """Return the rigs of some people of a batch, with an axis for frames: offsets (B, 1, D, 3)."""
        return PointRig(self.offsets[index].unsqueeze(1), self.anchors[index].unsqueeze(1))

    def places(self, turns: Tensor) -> Tensor:
        """Return where the bones begin, (..., D, 3), the root at the origin.

        Parameters
        ----------
        turns : float tensor (..., D, 3, 3)
            How each bone is turned in the world, from the pose that all people share.
        """
        above = turns[..., _PARENT_OR_SELF, :, :]
        steps = (above @ self.offsets.unsqueeze(-1)).squeeze(-1)  # (..., D, 3)
        return torch.as_tensor(_PATHS, dtype=turns.dtype, device=turns.device) @ steps

    def points(self, turns: Tensor, places: Tensor | None = None) -> Tensor:
        """Return the 18 points (..., 18, 3), the root at the origin; see `places` for the parameters."""
        places = self.places(turns) if places is None else places
        hanging = self.anchors[..., :3].flatten(-2) @ turns.transpose(-1, -2).flatten(-3, -2)  # (..., 18, 3)
        points: Tensor = hanging + self.anchors[..., 3] @ places
        return points


def _owners(body: BodyModel) -> list[int]:
    """Return for every bone the driven bone that it moves with, as an index of `DRIVEN_BONES`."""
    owners: list[int] = []
    for bone, parent in enumerate(body.parents):
        owners.append(body.driven.index(bone) if bone in body.driven else owners[parent])
    return owners


def world_turns(local: Tensor) -> Tensor:
    """Return turns in the world (..., D, 3, 3) of driven bones turned against those above them."""
    turns = [local[..., 0, :, :]]
    for bone, parent in list(enumerate(DRIVEN_PARENTS))[1:]:
        turns.append(turns[parent] @ local[..., bone, :, :])
    return torch.stack(turns, dim=-3)


def local_turns(world: Tensor) -> Tensor:
    """Return turns against the driven bone above (..., D, 3, 3) of turns in the world; undoes `world_turns`."""
    above = world[..., [max(parent, 0) for parent in DRIVEN_PARENTS], :, :]
    local = above.transpose(-1, -2) @ world
    return torch.cat([world[..., :1, :, :], local[..., 1:, :, :]], dim=-3)
