"""Pulls a fitted body's surface to a person's outline: clothes and hair as offsets of its vertices.

Vertices on the silhouette's edge are moved along their normals to where the matte ends; all others follow smoothly
along the surface. What happens within the silhouette, such as an arm before the trunk, is left to the pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from scipy.sparse.linalg import cg
from torch import Tensor

from motionwarp.body.fitting import BodyFit
from motionwarp.body.model import BodyModel
from motionwarp.body.rasterizer import rasterize
from motionwarp.types import FloatArray

__all__ = ["OutlineFit", "OutlineFitter", "OutlineSettings"]

Doubles = npt.NDArray[np.float64]

_NEAR_EDGE: Final = 2.0  # pixels from the silhouette's edge within which a vertex lies on it
_STEEP: Final = 0.6  # part of the normal toward the camera beyond which a vertex is not on the rim


@dataclass(frozen=True)
class OutlineSettings:
    """How far and how smoothly the surface is pulled.

    Attributes
    ----------
    rounds : int
    reach : float
        How far from the body the outline is looked for, as a share of the person's height in the picture.
    smoothness : float
        Of the offsets, against the outline.
    """

    rounds: int = 5
    reach: float = 0.1
    smoothness: float = 0.3


@dataclass(frozen=True, eq=False)
class OutlineFit:
    """A body's surface pulled to an outline.

    Attributes
    ----------
    offsets : float tensor (V, 3)
        What is added to the vertices at rest, in meters.
    vertices : float32 (V, 3)
        The pulled vertices in the picture, in pixels.
    iou_before, iou_after : float
        Intersection over union of silhouette and matte.
    """

    offsets: Tensor
    vertices: FloatArray
    iou_before: float
    iou_after: float


class OutlineFitter:
    """Pulls bodies of one model to outlines.

    Parameters
    ----------
    body : BodyModel
    """

    def __init__(self, body: BodyModel) -> None:
        self._body = body
        self._faces = body.faces.numpy()

    @cached_property
    def _laplacian(self) -> Any:
        """How far each vertex leaves the mean of its neighbors, a sparse symmetric (V, V)."""
        edges = np.concatenate([self._faces[:, [0, 1]], self._faces[:, [1, 2]], self._faces[:, [2, 0]]])
        count = len(self._body.template)
        ones = np.ones(len(edges))
        ways = sparse.coo_matrix((ones, (edges[:, 0], edges[:, 1])), shape=(count, count))
        adjacency = (ways + ways.T).tocsr()
        adjacency.data[:] = 1
        return (sparse.diags(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency).tocsc()

    def fit(
        self, fit: BodyFit, matte: FloatArray, frame: int = 0, settings: OutlineSettings | None = None
    ) -> OutlineFit:
        """Pull the body of one frame to the person's outline there.

        Parameters
        ----------
        fit : BodyFit
        matte : float32 (H, W)
            Coverage in [0, 1].
        frame : int
        settings : OutlineSettings, optional

        Returns
        -------
        OutlineFit

        Raises
        ------
        ValueError
            If the matte is empty.
        """
        settings = OutlineSettings() if settings is None else settings
        inside = matte >= 0.5
        if not inside.any():
            raise ValueError("the matte is empty: there is no outline to pull a body to")
        shape = fit.shape(self._body)
        start = fit.vertices(self._body, frame, shape).numpy()
        vertices = start.copy()
        distance = _signed_distance(inside)
        reach = settings.reach * float(np.ptp(start[:, 1]))
        before = 0.0
        for number in range(settings.rounds):
            covered = rasterize(vertices, self._faces, *inside.shape).covered
            before = _iou(covered, inside) if number == 0 else before
            vertices = vertices + self._pull(vertices, covered, distance, reach, settings.smoothness)
        after = _iou(rasterize(vertices, self._faces, *inside.shape).covered, inside)
        offsets = torch.from_numpy(vertices - start) / fit.camera.scale[frame]
        linear = fit.posed(self._body, frame, shape).transforms(shape)[..., :3]
        blended = (self._body.dense_skinning @ linear.flatten(1)).unflatten(1, (3, 3))
        rest = torch.linalg.solve(blended, offsets.unsqueeze(-1)).squeeze(-1)
        return OutlineFit(rest, vertices, before, after)

    def _pull(
        self,
        vertices: FloatArray,
        covered: npt.NDArray[np.bool_],
        distance: FloatArray,
        reach: float,
        smoothness: float,
    ) -> FloatArray:
        """Return how far each vertex goes in the picture, (V, 3), its depth kept."""
        normals = _vertex_normals(vertices, self._faces)
        own = _signed_distance(covered)
        edge = np.abs(_sampled(own, vertices[:, :2]))
        rim = np.flatnonzero((edge < _NEAR_EDGE) & (np.abs(normals[:, 2]) < _STEEP))
        outward = normals[rim, :2] / np.linalg.norm(normals[rim, :2], axis=1, keepdims=True)
        steps, found = _way_to_outline(distance, own, vertices[rim, :2], outward, reach)
        weight = np.zeros(len(vertices))
        weight[rim] = found
        wanted = np.zeros((len(vertices), 2))
        wanted[rim] = outward * steps[:, None] * found[:, None]
        # a little weight on staying keeps what no outline reaches where it is
        system = smoothness * self._laplacian + sparse.diags(weight + 1e-3)
        moved = _solved(system, wanted)
        return np.concatenate([moved, np.zeros((len(moved), 1))], axis=1).astype(np.float32)


def _solved(system: Any, right: Doubles) -> Doubles:
    """Return the solution (V, 2) of a sparse positive definite system, to a hundredth of a pixel or so."""
    scale = sparse.diags(1 / system.diagonal())
    return np.stack([cg(system, column, rtol=1e-3, maxiter=200, M=scale)[0] for column in right.T], axis=1)


def _signed_distance(inside: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the distance in pixels to a mask's edge, positive outside.

    What lies outside of the picture counts as the mask's.
    """
    mask = inside.astype(np.uint8)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    within = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    return np.where(inside, 0.5 - within, outside - 0.5).astype(np.float32)


def _sampled(field: FloatArray, points: npt.NDArray[np.floating[Any]]) -> FloatArray:
    """Return a field's values at points (..., 2), linear between pixels; beyond the picture those of its edge."""
    x, y = (np.ascontiguousarray(points[..., axis], dtype=np.float32).reshape(1, -1) for axis in (0, 1))
    # one row of cv2.remap has at most 32,767 places
    parts = [
        cv2.remap(
            field, x[:, at : at + 30_000], y[:, at : at + 30_000], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        for at in range(0, x.shape[1], 30_000)
    ]
    return np.concatenate(parts, axis=1).reshape(points.shape[:-1]).astype(np.float32)


def _way_to_outline(
    matte: FloatArray, body: FloatArray, points: FloatArray, outward: FloatArray, reach: float
) -> tuple[FloatArray, FloatArray]:
    """Return how far along `outward` (R, 2) the matte's outline lies, negative inward, and whether it was found.

    Where the body begins anew within the matte, as the other leg does under a skirt, the outline is halfway to there.
    """
    places = np.linspace(-reach, reach, 2 * int(np.ceil(reach)) + 1, dtype=np.float32)
    ways = points[:, None] + places[None, :, None] * outward[:, None]
    along = _sampled(matte, ways)  # (R, S)
    leaves = (along[:, :-1] <= 0) & (along[:, 1:] > 0)
    gap = np.where(leaves, np.abs((places[:-1] + places[1:]) / 2), np.inf)
    nearest = gap.argmin(axis=1)
    rows = np.arange(len(points))
    below, above = along[rows, nearest], along[rows, nearest + 1]
    share = np.divide(-below, above - below, out=np.zeros_like(below), where=above > below)
    steps = places[nearest] + share * (places[1] - places[0])
    found = leaves.any(axis=1)
    middle = len(places) // 2
    ahead, own = places[middle + 3 :], _sampled(body, ways[:, middle + 3 :])
    enters = (own <= 0) & (np.maximum.accumulate(own, axis=1) > 1)
    first = enters.argmax(axis=1)
    all_inside = np.maximum.accumulate(along[:, middle + 3 :], axis=1)[rows, first] <= 0
    bridged = enters.any(axis=1) & all_inside
    steps = np.where(bridged, ahead[first] / 2 + 1, steps)  # a pixel more, so that both sides meet
    found |= bridged
    return np.where(found, steps, 0).astype(np.float32), found.astype(np.float32)


def _vertex_normals(vertices: FloatArray, faces: npt.NDArray[np.int32]) -> FloatArray:
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros_like(vertices)
    for corner in range(3):
        for axis in range(3):
            total[:, axis] += np.bincount(faces[:, corner], normals[:, axis], minlength=len(vertices))
    normals_there: FloatArray = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    return normals_there


def _iou(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))
