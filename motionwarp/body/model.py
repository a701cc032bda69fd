"""The body: people of all shapes at rest, and posed by turning their bones.

x goes to the right, y down and z away from the camera, in meters, as in pictures; the body at rest faces the camera, so
that its left is on the right. A bone's rotation is told in these axes, against the bone above it: with all rotations at
identity every body, whatever its shape, has the same directions of its bones (anny's reference pose, arms lowered by 45
degrees).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np  # its broadcast_shapes: that of torch imports SymPy, two seconds
import torch
from torch import Tensor

from motionwarp.body.layout import ARCHITECTURE, DRIVEN_BONES, FORMAT, MEASURES, PHENOTYPE_ANCHORS, bone_mirror
from motionwarp.body.rotations import matrix_from_vector
from motionwarp.errors import WeightsError

__all__ = ["BodyModel", "BodyShape", "PosedBones"]

_AVERAGE: Final = 0.5


@dataclass(frozen=True, eq=False)
class BodyShape:
    """People at rest.

    Attributes
    ----------
    vertices : float tensor (..., V, 3)
        As they were modelled, where directions of bones differ a little from person to person.
    joints : float tensor (..., J, 3)
        Where each bone begins.
    alignments : float tensor (..., J, 3, 3)
        Rotations of the bones from there to the pose that all people share.
    """

    vertices: Tensor
    joints: Tensor
    alignments: Tensor

    def __post_init__(self) -> None:
        batch, bones = self.joints.shape[:-2], self.joints.shape[-2]
        if (
            self.vertices.shape[:-2] != batch
            or self.vertices.shape[-1] != 3
            or self.alignments.shape != (*batch, bones, 3, 3)
        ):
            raise ValueError(
                f"a body has vertices (..., V, 3), joints (..., J, 3) and alignments (..., J, 3, 3), got "
                f"{tuple(self.vertices.shape)}, {tuple(self.joints.shape)} and {tuple(self.alignments.shape)}"
            )

    def unsqueezed(self) -> BodyShape:
        """Return the same with an axis for frames before the last ones."""
        return BodyShape(self.vertices.unsqueeze(-3), self.joints.unsqueeze(-3), self.alignments.unsqueeze(-4))


@dataclass(frozen=True, eq=False)
class PosedBones:
    """Bones in a pose.

    Attributes
    ----------
    rotations : float tensor (..., J, 3, 3)
        Of each bone from the shared pose to here.
    joints : float tensor (..., J, 3)
        Where each bone begins.
    """

    rotations: Tensor
    joints: Tensor

    def transforms(self, shape: BodyShape) -> Tensor:
        """Return the maps (..., J, 3, 4) of vertices from rest to here, one for each bone."""
        linear = self.rotations @ shape.alignments
        shift = self.joints - (linear @ shape.joints.unsqueeze(-1)).squeeze(-1)
        return torch.cat([linear, shift.unsqueeze(-1)], dim=-1)


@dataclass(frozen=True, eq=False)
class BodyModel:
    """The body model that ships with the project, or another file of the same form.

    Attributes
    ----------
    bones : tuple of str
        Names; of J bones, `.L` and `.R` for the person's left and right.
    parents : tuple of int
        Bone above each, before it in order; -1 for the root.
    template, basis : float tensors (V, 3), (K, V, 3)
        Vertices of the middle body and what the shape's coefficients add.
    joint_template, joint_basis : float tensors (J, 3), (K, J, 3)
    orientation_template, orientation_basis : float tensors (J, 3, 3), (K, J, 3, 3)
        Matrices whose nearest rotations are the bones' orientations at rest.
    reference_orientations : float tensor (J, 3, 3)
        The same in the pose that all people share.
    phenotype_coefficients : float tensor (2, 4, 3, 3, 2, 2, 3, K)
        Coefficients at the combinations of `layout.PHENOTYPE_ANCHORS`.
    measure_coefficients : float tensor (M, 2, K)
        What less and more of each of `layout.MEASURES` adds.
    skinning_indices, skinning_weights : tensors (V, 9)
        Bones that move a vertex, and by how much; weights sum to 1.
    faces : int tensor (F, 3)
    uv, face_uv : float tensor (U, 2), int tensor (F, 3)
        Texture coordinates in [0, 1], v down, and those of every triangle's corners.
    mirror : int tensor (V,)
        The vertex on the other side.
    parts : int tensor (V,)
        Index of `layout.PART_NAMES`.
    point_indices, point_weights : tensors (18, P)
        Vertices whose weighted mean is one of the 18 points.
    low_vertices, low_faces : int tensors (L,), (G, 3)
        A coarser mesh: which vertices it keeps, and its triangles, in numbers of those.
    """

    bones: tuple[str, ...]
    parents: tuple[int, ...]
    template: Tensor
    basis: Tensor
    joint_template: Tensor
    joint_basis: Tensor
    orientation_template: Tensor
    orientation_basis: Tensor
    reference_orientations: Tensor
    phenotype_coefficients: Tensor
    measure_coefficients: Tensor
    skinning_indices: Tensor
    skinning_weights: Tensor
    faces: Tensor
    uv: Tensor
    face_uv: Tensor
    mirror: Tensor
    parts: Tensor
    point_indices: Tensor
    point_weights: Tensor
    low_vertices: Tensor
    low_faces: Tensor

    @classmethod
    def load(cls, name_or_path: str | Path = "body", *, device: torch.device | str = "cpu") -> BodyModel:
        """Read the model.

        Parameters
        ----------
        name_or_path : str or Path
            A registered name or a file.
        device : torch.device or str

        Raises
        ------
        WeightsError
            If there is no such file, or it is damaged, of another kind or of another version.
        """
        from motionwarp.checkpoints.checkpoint import load_checkpoint

        checkpoint = load_checkpoint(name_or_path, ARCHITECTURE)
        config = checkpoint.config
        if config.get("format") != FORMAT or config.get("measures") != list(MEASURES):
            raise WeightsError(
                f"is a body model of format {config.get('format')!r}, and format {FORMAT} is needed",
                subject=checkpoint.path,
                remedy="Make it anew with `motionwarp body bake`, or use the one that ships.",
            )
        names = {field.name for field in fields(cls)} - {"bones", "parents"}
        if missing := names - set(checkpoint.tensors):
            raise WeightsError(f"lacks the tensor '{min(missing)}' of a body model", subject=checkpoint.path)
        tensors = {name: _widened(checkpoint.tensors[name]).to(device) for name in names}
        return cls(bones=tuple(config["bones"]), parents=tuple(config["parents"]), **tensors)

    def to(self, device: torch.device | str) -> BodyModel:
        """Return the model on another device."""
        names = {field.name for field in fields(self)} - {"bones", "parents"}
        moved: dict[str, Any] = {name: getattr(self, name).to(device) for name in names}
        return replace(self, **moved)

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        return self.template.device

    @cached_property
    def driven(self) -> tuple[int, ...]:
        """Numbers of the bones that poses turn, in `layout.DRIVEN_BONES`' order."""
        return tuple(self.bones.index(name) for name in DRIVEN_BONES)

    @cached_property
    def bone_mirror(self) -> tuple[int, ...]:
        """Of each bone the number of the one on the other side."""
        return bone_mirror(self.bones)

    @cached_property
    def dense_skinning(self) -> Tensor:
        """How much each bone moves each vertex, float (V, J)."""
        dense = torch.zeros(len(self.template), len(self.bones), device=self.device)
        return dense.scatter_add_(1, self.skinning_indices.long(), self.skinning_weights)

    @cached_property
    def levels(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """The bones below the root by their depth, as numbers of bones and of the bones above them."""
        depths = [0] * len(self.parents)
        for bone, parent in enumerate(self.parents):
            depths[bone] = depths[parent] + 1 if parent >= 0 else 0
        levels = []
        for depth in range(1, max(depths) + 1):
            own = [bone for bone, found in enumerate(depths) if found == depth]
            levels.append((torch.tensor(own), torch.tensor([self.parents[bone] for bone in own])))
        return tuple(levels)

    def coefficients(
        self,
        phenotypes: Mapping[str, float] | Tensor | None = None,
        measures: Mapping[str, float] | Tensor | None = None,
    ) -> Tensor:
        """Return a shape's coefficients in the basis.

        Parameters
        ----------
        phenotypes : mapping of name to value, or float tensor (..., 7), optional
            Each in [0, 1], in `layout.PHENOTYPE_ANCHORS`' order; 0.5 for what is not given. Differentiable.
        measures : mapping of name to value, or float tensor (..., 20), optional
            Each in [-1, 1], in `layout.MEASURES`' order; 0 for what is not given.

        Returns
        -------
        float tensor (..., K)

        Raises
        ------
        ValueError
            If a name is unknown or a value out of range.
        """
        values = self._values(phenotypes, tuple(PHENOTYPE_ANCHORS), _AVERAGE, 0.0)
        changes = self._values(measures, tuple(MEASURES), 0.0, -1.0)
        shares = torch.ones_like(values[..., :1])  # (..., 1), then of every combination of anchors
        for index, anchors in enumerate(PHENOTYPE_ANCHORS.values()):
            shares = (shares.unsqueeze(-1) * _hat_weights(values[..., index], anchors).unsqueeze(-2)).flatten(-2)
        result = shares @ self.phenotype_coefficients.flatten(0, -2)
        less, more = (-changes).clamp(min=0), changes.clamp(min=0)
        changed: Tensor = result + less @ self.measure_coefficients[:, 0] + more @ self.measure_coefficients[:, 1]
        return changed

    def _values(
        self, given: Mapping[str, float] | Tensor | None, names: tuple[str, ...], default: float, least: float
    ) -> Tensor:
        if isinstance(given, Tensor):
            values = given.to(self.device)
        else:
            chosen = dict(given or {})
            if unknown := set(chosen) - set(names):
                raise ValueError(f"a body has no '{min(unknown)}', only {', '.join(names)}")
            values = torch.tensor([chosen.get(name, default) for name in names], device=self.device)
        if values.shape[-1] != len(names):
            raise ValueError(f"{len(names)} values are needed ({', '.join(names)}), got {values.shape[-1]}")
        if not bool(((values >= least) & (values <= 1)).all()):
            raise ValueError(f"{', '.join(names)} lie in [{least:g}, 1], got {values.detach().tolist()}")
        return values.float()

    def shape(
        self,
        phenotypes: Mapping[str, float] | Tensor | None = None,
        measures: Mapping[str, float] | Tensor | None = None,
    ) -> BodyShape:
        """Return people at rest; see `coefficients` for the parameters."""
        return self.shape_of(self.coefficients(phenotypes, measures))

    def shape_of(self, coefficients: Tensor) -> BodyShape:
        """Return people at rest by their coefficients (..., K)."""
        vertices = self.template + torch.tensordot(coefficients, self.basis, dims=1)
        joints = self.joint_template + torch.tensordot(coefficients, self.joint_basis, dims=1)
        matrices = self.orientation_template + torch.tensordot(coefficients, self.orientation_basis, dims=1)
        alignments = self.reference_orientations @ nearest_rotation(matrices).transpose(-1, -2)
        return BodyShape(vertices, joints, alignments)

    def expand(self, rotations: Tensor) -> Tensor:
        """Return rotations of all bones (..., J, 3, 3) from those of the driven ones (..., 20, 3, 3)."""
        count = len(self.bones)
        everything = torch.eye(3, dtype=rotations.dtype, device=rotations.device).expand(
            *rotations.shape[:-3], count, 3, 3
        )
        index = torch.tensor(self.driven, device=rotations.device)
        return everything.index_copy(-3, index, rotations)

    def pose(self, shape: BodyShape, rotations: Tensor, translation: Tensor | None = None) -> PosedBones:
        """Turn the bones.

        Parameters
        ----------
        shape : BodyShape
            Its batch must broadcast with the rotations' one.
        rotations : float tensor (..., J, 3, 3)
            Of each bone against the one above it; the first one turns the whole body about the root.
        translation : float tensor (..., 3), optional
            Where the root, the middle of the hips, shall lie; the origin if not given.

        Returns
        -------
        PosedBones
        """
        joints, alignments, rotations = _broadcast(shape.joints, shape.alignments, rotations)
        turned = [rotations[..., 0, :, :]] + [rotations[..., 0, :, :]] * (len(self.bones) - 1)
        root = torch.zeros_like(joints[..., 0, :]) if translation is None else translation.expand_as(joints[..., 0, :])
        places = [root] * len(self.bones)
        for own, above in self.levels:
            parent = torch.stack([turned[index] for index in above.tolist()], dim=-3)
            start = torch.stack([places[index] for index in above.tolist()], dim=-2)
            step = joints[..., own, :] - joints[..., above, :]
            offset = (alignments[..., above, :, :] @ step.unsqueeze(-1)).squeeze(-1)
            now = parent @ rotations[..., own, :, :]
            place = start + (parent @ offset.unsqueeze(-1)).squeeze(-1)
            for position, bone in enumerate(own.tolist()):
                turned[bone], places[bone] = now[..., position, :, :], place[..., position, :]
        return PosedBones(torch.stack(turned, dim=-3), torch.stack(places, dim=-2))

    def skin(self, shape: BodyShape, posed: PosedBones, vertices: Tensor | None = None) -> Tensor:
        """Return the vertices (..., V, 3) of a posed body by linear blend skinning.

        Parameters
        ----------
        shape : BodyShape
        posed : PosedBones
        vertices : int tensor (L,), optional
            Numbers of the vertices that are wanted, such as `low_vertices`; all if not given.
        """
        transforms = posed.transforms(shape).flatten(-2)  # (..., J, 12)
        weights, rest = self.dense_skinning, shape.vertices
        if vertices is not None:
            weights, rest = weights[vertices.long()], rest[..., vertices.long(), :]
        blended = (weights @ transforms).unflatten(-1, (3, 4))  # (..., V, 3, 4)
        vertices_there: Tensor = (blended[..., :3] * rest.unsqueeze(-2)).sum(dim=-1) + blended[..., 3]
        return vertices_there

    def points18(self, vertices: Tensor) -> Tensor:
        """Return the 18 points (..., 18, 3) of a body's vertices (..., V, 3)."""
        return (vertices[..., self.point_indices.long(), :] * self.point_weights.unsqueeze(-1)).sum(dim=-2)


def _widened(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _broadcast(joints: Tensor, alignments: Tensor, rotations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    batch = np.broadcast_shapes(joints.shape[:-2], rotations.shape[:-3])
    return (
        joints.expand(*batch, *joints.shape[-2:]),
        alignments.expand(*batch, *alignments.shape[-3:]),
        rotations.expand(*batch, *rotations.shape[-3:]),
    )


def _hat_weights(values: Tensor, anchors: tuple[float, ...]) -> Tensor:
    """Return the weights (..., A) of anchors for a value between them, linear between neighbours."""
    places = torch.tensor(anchors, dtype=values.dtype, device=values.device)
    gaps = places[1:] - places[:-1]
    share = ((values.unsqueeze(-1) - places[:-1]) / gaps).clamp(0, 1)  # (..., A - 1), 1 for gaps that are passed
    one = torch.ones_like(values).unsqueeze(-1)
    passed = torch.cat([one, share], dim=-1)
    ahead = torch.cat([share, torch.zeros_like(one)], dim=-1)
    return passed - ahead


def nearest_rotation(matrices: Tensor) -> Tensor:
    """Return the rotations (..., 3, 3) nearest to matrices (..., 3, 3) in the sense of least squares.

    The gradient is that of the solution, also where singular values are equal, which the decomposition's own gradient
    is not.
    """
    fixed = matrices.detach()
    left, _, right = torch.linalg.svd(fixed)
    sign = torch.det(left @ right)
    flip = torch.ones_like(fixed[..., 0])
    flip = torch.cat([flip[..., :2], sign.unsqueeze(-1)], dim=-1)
    rotation: Tensor = (left * flip.unsqueeze(-2)) @ right
    if not matrices.requires_grad:
        return rotation
    # R^T M is symmetric at the solution; a change of M is answered by the small turn that keeps it so
    skew = rotation.transpose(-1, -2) @ matrices
    symmetric = rotation.transpose(-1, -2) @ fixed
    system = (
        symmetric.diagonal(dim1=-2, dim2=-1).sum(dim=-1)[..., None, None] * torch.eye(3, device=fixed.device)
        - symmetric
    )
    axis = skew - skew.transpose(-1, -2)
    turn = torch.linalg.solve(system, torch.stack([axis[..., 2, 1], axis[..., 0, 2], axis[..., 1, 0]], dim=-1))
    turned: Tensor = rotation @ matrix_from_vector(turn)
    return turned
