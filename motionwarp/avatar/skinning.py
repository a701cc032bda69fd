"""How the bones of the body move an avatar's sheets."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial import cKDTree

from motionwarp.avatar.body_surface import BodySurface, Lattice
from motionwarp.types import BoolArray, FloatArray


def skinning_weights(
    body: BodySurface, chosen: BoolArray, lattice: Lattice, middle: FloatArray, used: BoolArray, rounds: int
) -> FloatArray:
    """Return the bones' weights of every vertex: those of the nearest vertices of the body, smoothed.

    Parameters
    ----------
    body : BodySurface
    chosen : bool (V,)
        Which of its vertices count.
    lattice : Lattice
    middle : float32 (rows, columns)
        Depth between the two sheets, in pixels.
    used : bool (rows, columns)
        Vertices that there are.
    rounds : int
        Of smoothing, each over a vertex and its eight neighbors.

    Returns
    -------
    float32 (rows, columns, B)
        Sums to 1 where there is a vertex, zeros elsewhere.
    """
    surface = body.vertices[chosen]
    xyz = np.dstack([lattice.xy, middle])[used]
    # depth counts less than what is seen
    flat = np.array([1.0, 1.0, 0.5], dtype=np.float32)
    distances, nearest = cKDTree(surface * flat).query(xyz * flat, k=6)
    share = 1 / np.square(np.asarray(distances) + 0.5 * lattice.step)
    share /= share.sum(axis=1, keepdims=True)
    found = np.einsum("nk,nkb->nb", share, body.weights[chosen][nearest])
    field = np.zeros((lattice.rows, lattice.columns, found.shape[1]), dtype=np.float32)
    field[used] = found
    mask = used.astype(np.float32)
    for _ in range(rounds):
        total = cv2.blur(mask, (3, 3))[..., None]
        planes = [cv2.blur(field[..., bone] * mask, (3, 3)) for bone in range(field.shape[2])]
        field = np.where(used[..., None], np.stack(planes, axis=-1) / np.maximum(total, 1e-6), 0.0).astype(np.float32)
    return field
