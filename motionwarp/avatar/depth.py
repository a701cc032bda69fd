"""The depth of an avatar's sheets: the body's own, and from there to the outline like the edge of a cushion. Ours.

Where the fitted body is seen through a pixel, its surface tells the depth. From there to the outline the square of the
distance from the middle falls harmonically to zero, so that dresses, coats, bags and hair have a thickness although
the body knows nothing of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from motionwarp.avatar.body_surface import BodySurface, Lattice
from motionwarp.body.rasterizer import rasterize
from motionwarp.types import BoolArray, FloatArray

DoubleArray = npt.NDArray[np.float64]

_BREADTH: Final = 0.75  # thickness of hanging cloth over its breadth
_BAG_BREADTH: Final = 0.4
_KNOWN_CELLS: Final = 1.5  # cells from the outline within which the body's depth is not taken over
_LEAST_THICKNESS: Final = 0.02  # torsos from the middle to a sheet


@dataclass(frozen=True, eq=False)
class SheetDepths:
    """Where the two sheets of a part lie, over a lattice.

    Attributes
    ----------
    middle : float32 (rows, columns)
        In pixels, away from the camera.
    to_front, to_back : float32 (rows, columns)
        Distances from the middle, at least 0, and 0 at the outline.
    """

    middle: FloatArray
    to_front: FloatArray
    to_back: FloatArray


def depth_within(mask: BoolArray) -> FloatArray:
    """Return how far each pixel of a mask lies from its outside, in pixels, float32 (H, W)."""
    # the picture's border is no outline: people go on beyond it
    padded = np.pad(mask.astype(np.uint8), 1, mode="edge")
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1], dtype=np.float32)


def body_depths(body: BodySurface, chosen: BoolArray, lattice: Lattice) -> tuple[FloatArray, FloatArray]:
    """Return the nearest and the farthest depth of the body's chosen vertices.

    Parameters
    ----------
    body : BodySurface
    chosen : bool (V,)
    lattice : Lattice

    Returns
    -------
    front, back : float32 (rows, columns)
        In pixels; NaN where the body is not.
    """
    faces = body.faces[chosen[body.faces].all(axis=1)]
    origin, cell = np.array([[lattice.left, lattice.top, 0], [lattice.step, lattice.step, 1]], dtype=np.float32)
    placed = np.asarray((body.vertices - origin) / cell, dtype=np.float32)
    flipped = placed * np.array([1, 1, -1], dtype=np.float32)
    front: FloatArray = rasterize(placed, faces, lattice.rows, lattice.columns).depth
    back: FloatArray = -rasterize(flipped, faces, lattice.rows, lattice.columns).depth
    lost = np.isinf(front) | np.isinf(back)
    front[lost] = back[lost] = np.nan
    return front, back


class Form(Enum):
    """How a part is shaped where the body says nothing of it."""

    LIMB = "limb"
    LEG = "a leg, whose cloth may be wider than the leg"
    TRUNK = "a trunk, whose cloth lies smooth over the body"
    CLOTH = "cloth that hangs, about as thick as it is broad"
    HOLDING = "a limb with a bag or the like that hangs from it"
    HEAD = "a head, round with its hair; see `head_depth`"


_SHOULDER_CELLS: Final = 4.0
_LOOSE: Final = frozenset((Form.LEG,))
_AS_LOOSE: Final = 0.8  # before and behind a body, of what cloth is wider than it at its sides
_LOOSEST_TORSOS: Final = 0.08
_LOOSE_CELLS: Final = 4.0  # up and down, over which looseness is told
_FLARE: Final = 0.6  # cells that cloth may stand off more for each farther down
_WAIST_CELLS: Final = 3
_MIDDLE_CELLS: Final = 6.0  # up and down, over which the middle of cloth is told
_ASIDE: Final = 1.2  # times what is at the other side of the body: more than that is no cloth around it
_NARROWS: Final = 0.3  # cells a row at most: what ends more quickly is a hem that is curved
_ROUNDED_CELLS: Final = {Form.TRUNK: 3.0, Form.CLOTH: 1.5}


def cushion(
    body: tuple[FloatArray, FloatArray], inside: FloatArray, used: BoolArray, step: float, torso: float, *, form: Form
) -> SheetDepths:
    """Return where the sheets of a part lie.

    Parameters
    ----------
    body : pair of float32 (rows, columns)
        Nearest and farthest depth, as `body_depths` gives them.
    inside : float32 (rows, columns)
        How far each vertex lies within the outline, in pixels.
    used : bool (rows, columns)
        Vertices that there are.
    step : float
        Between neighbors, in pixels.
    torso : float
        Length of the torso in pixels.
    form : Form
    """
    front, back = body
    known = ~np.isnan(front)
    if not known.any():
        flat = np.zeros_like(front)
        return SheetDepths(flat, flat, flat)
    hanging = _Hanging.of(inside > 0.5, known) if form is Form.CLOTH and (inside > 0.5).any() else None
    if hanging is not None:
        inside = hanging.inside(known.shape[1], step)
    middle = harmonic(np.where(known, (front + back) / 2, 0.0), known, used | known)
    if form is Form.CLOTH:
        middle = _blurred(middle, 4.0)
    deep = known & (inside > _KNOWN_CELLS * step)
    outline = used & (inside <= 0.5)
    least = (_LEAST_THICKNESS * torso) ** 2
    breadth = np.zeros_like(middle)
    if hanging is not None:
        waist = (back - front)[: int(hanging.top) + _WAIST_CELLS]
        waist = waist[known[: len(waist)]]
        highest = float(waist.max()) / 2 if len(waist) else 0.0
        breadth = hanging.ellipses(known.shape[1], step, _BREADTH, highest)
    elif form is Form.HOLDING:
        breadth = np.where(known, 0.0, _row_ellipses(inside > 0.5, step, _BAG_BREADTH))
    loose = _looseness(inside > 0.5, known, step, torso) if form in _LOOSE else np.zeros_like(middle)
    sides: list[FloatArray] = []
    for depth, sign in ((front, -1.0), (back, 1.0)):
        square = np.maximum(np.where(known, sign * (depth - middle), 0.0), 0.0) ** 2
        values = np.where(deep, np.maximum(square, least), 0.0)
        filled = np.sqrt(np.maximum(harmonic(values, deep | outline, used | deep | outline), 0.0))
        filled += loose
        filled = np.where(outline, 0.0, np.maximum(filled, breadth if form in (Form.CLOTH, Form.HOLDING) else 0.0))
        if form in _ROUNDED_CELLS:
            soft = np.where(outline, 0.0, rounded(filled, _ROUNDED_CELLS[form]))
            # shoulders stay as thin as they are
            share = np.clip(inside / (_SHOULDER_CELLS * step) - 1, 0, 1) if form is Form.TRUNK else 1.0
            filled = filled + share * (soft - filled)
        sides.append(filled.astype(np.float32))
    return SheetDepths(middle.astype(np.float32), *sides)


def _blurred(field: DoubleArray, sigma: float) -> DoubleArray:
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma), dtype=np.float64)


def rounded(field: DoubleArray, sigma: float) -> DoubleArray:
    """Return heights blurred by their squares, so that what is round stays round up to its outline."""
    return np.asarray(np.sqrt(_blurred(np.square(field), sigma)), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Hanging:
    """Cloth that hangs, row by row: float64 (rows,) each, in cells.

    Attributes
    ----------
    top : float
        Its first row.
    middle, radius : float64 (rows,)
        Of what hangs around the body. Bags at one side are not, and hems are open: below them it is as broad as there.
    """

    top: float
    middle: DoubleArray
    radius: DoubleArray

    @classmethod
    def of(cls, mask: BoolArray, known: BoolArray) -> _Hanging:
        """Return what a mask with something in it shows, with where the body is known."""
        columns = np.arange(mask.shape[1], dtype=np.float64)
        rows = np.flatnonzero(mask.any(axis=1))
        first, last = mask.argmax(axis=1)[rows], mask.shape[1] - 1.0 - mask[:, ::-1].argmax(axis=1)[rows]
        counts = known.sum(axis=1)
        body = np.flatnonzero(counts)
        middle = np.interp(rows, body, (known @ columns)[body] / counts[body])
        middle = cv2.GaussianBlur(middle[:, None], (1, 0), 0, sigmaY=_MIDDLE_CELLS, borderType=cv2.BORDER_REPLICATE)[
            :, 0
        ]
        left, right = np.maximum(middle - first, 1), np.maximum(last - middle, 1)
        left, right = np.minimum(left, _ASIDE * right), np.minimum(right, _ASIDE * left)
        radius = (left + right) / 2
        for row in range(1, len(radius)):
            radius[row] = max(radius[row], radius[row - 1] - _NARROWS)
        every = np.arange(len(mask))
        return cls(float(rows[0]), np.interp(every, rows, middle + (right - left) / 2), np.interp(every, rows, radius))

    def across(self, columns: int) -> DoubleArray:
        """Return how far each vertex is from the middle of its row, of the way to the outline, (rows, columns)."""
        return np.asarray(np.abs(np.arange(columns) - self.middle[:, None]) / self.radius[:, None])

    def inside(self, columns: int, step: float) -> FloatArray:
        """Return how far each vertex lies within, from the top and the sides, in pixels, (rows, columns)."""
        aside = (1 - self.across(columns)) * self.radius[:, None] + 1
        below = np.arange(len(self.radius))[:, None] - self.top + 1
        return np.asarray(np.maximum(np.minimum(aside, below) * step, 0), dtype=np.float32)

    def ellipses(self, columns: int, step: float, share: float, waist: float) -> DoubleArray:
        """Return how high ellipses stand over the middle, in pixels, (rows, columns); see `_row_ellipses`.

        At the top no higher than the `waist`, in pixels, and not at once higher below.
        """
        below = np.arange(len(self.radius)) - self.top
        highest = np.minimum(share * step * self.radius, waist + _FLARE * step * below)
        height = np.sqrt(np.clip(1 - np.square(self.across(columns)), 0, 1)) * highest[:, None]
        height[: int(self.top)] = 0
        return rounded(height, 1.5)


def _looseness(mask: BoolArray, known: BoolArray, step: float, torso: float) -> DoubleArray:
    """Return by how much cloth stands off a body before and behind it, in pixels, (rows, columns).

    As far as it is wider than the body at the same height; less and less towards the outline.
    """
    wider = (mask.sum(axis=1) - (mask & known).sum(axis=1)) * step / 2
    there = mask.any(axis=1).astype(np.float64)
    total = cv2.GaussianBlur(np.column_stack([wider * there, there]), (1, 0), 0, sigmaY=_LOOSE_CELLS)
    loose = np.minimum(_AS_LOOSE * total[:, 0] / np.maximum(total[:, 1], 1e-6), _LOOSEST_TORSOS * torso)
    across = _row_ellipses(mask, 1.0, 1.0)
    return np.asarray(loose[:, None] * across / np.maximum(across.max(axis=1, keepdims=True), 1e-6))


def _row_ellipses(mask: BoolArray, step: float, share: float) -> DoubleArray:
    """Return how high ellipses as broad as each row of a mask stand over its middle, in pixels, (rows, columns).

    They are `share` times as high as half their breadth.
    """
    result = np.zeros(mask.shape)
    columns = np.arange(mask.shape[1])
    for row in range(len(mask)):
        own = np.flatnonzero(mask[row])
        if len(own) < 2:
            continue
        radius = (own[-1] - own[0]) / 2
        across = np.clip(1 - ((columns - (own[0] + own[-1]) / 2) / max(radius, 1)) ** 2, 0, 1)
        result[row] = share * radius * step * np.sqrt(across)
    return rounded(result, 1.5)


def harmonic(values: npt.NDArray[np.floating[Any]], fixed: BoolArray, domain: BoolArray) -> DoubleArray:
    """Return the harmonic continuation of fixed values over a domain, free at its border, float64 (rows, columns)."""
    number = np.full(domain.shape, -1, dtype=np.int64)
    free = domain & ~fixed
    number[free] = np.arange(np.count_nonzero(free))
    result: DoubleArray = np.where(fixed, values, 0.0).astype(np.float64)
    count = int(free.sum())
    if not count:
        return result
    rows, columns, entries = [], [], []
    right = np.zeros(count)
    degree = np.zeros(count)
    ys, xs = np.nonzero(free)
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        y, x = ys + dy, xs + dx
        within = (y >= 0) & (x >= 0) & (y < domain.shape[0]) & (x < domain.shape[1])
        own = number[ys, xs][within]
        y, x = y[within], x[within]
        there = domain[y, x]
        own, y, x = own[there], y[there], x[there]
        degree[own] += 1
        of_fixed = fixed[y, x]
        np.add.at(right, own[of_fixed], result[y[of_fixed], x[of_fixed]])
        rows.append(own[~of_fixed])
        columns.append(number[y[~of_fixed], x[~of_fixed]])
        entries.append(np.full(np.count_nonzero(~of_fixed), -1.0))
    rows.append(np.arange(count))
    columns.append(np.arange(count))
    # islands without any fixed value stay near zero rather than being singular
    entries.append(degree + 1e-6)
    matrix = coo_matrix(
        (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns))), shape=(count, count)
    ).tocsr()
    result[free] = spsolve(matrix, right)
    return result
