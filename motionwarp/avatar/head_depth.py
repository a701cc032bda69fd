"""The depth of a head with its hair: a dome over the fitted skull, a face, and hair that falls before the trunk. Ours.

The photo tells how far hair stands off the skull at the sides and above; behind it stands off as far. A head's outline
from the side is then told row by row, and each row's section is an ellipse. What lies over the trunk, hair and the ends
of collars, is a thin sheet on its front, so that nothing of it shows behind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from motionwarp.avatar.body_surface import BodySurface, Lattice
from motionwarp.avatar.depth import DoubleArray, SheetDepths, body_depths, harmonic, rounded
from motionwarp.parsing import labels
from motionwarp.puppet import parts
from motionwarp.types import BoolArray, ByteArray, FloatArray

_EARS: Final = 0.5  # of the body's head, from its top to the lowest point of its throat
_BROWS: Final = 0.36
_CHIN: Final = 0.8
_NAPE: Final = 0.85
_THROAT: Final = 1.0
_HAIR: Final = (0.012, 0.1)  # torsos by which hair stands off the skull at least and at most
_FRINGE: Final = 0.4  # of that, before the forehead
_ABOVE: Final = 0.6  # of what is seen above the skull counts for its back
_BUN: Final = 0.4  # of the head's breadth: what is narrower at the top is no skull
_FALL: Final = 0.12  # by which falling hair comes forward for what it falls
_CURTAIN: Final = 0.75  # how far hair beside a forehead comes forward, against the forehead
_BESIDE_CHEEKS: Final = 0.35  # the same beside cheeks, which it would hide from the side
_BOTH: Final = 0.8  # share of both sides that is hair, from which on hair falls behind what is between them
_SMOOTH_CELLS: Final = 1.5
_KNOWN_CELLS: Final = 1.5  # cells from the outline within which the body's depth is not taken over
_CLOTH: Final = 0.035  # torsos of cloth between the body and what lies before it
_SHEET: Final = 0.03  # torsos: thickness of hair on the chest
_AXIS: Final = 0.05  # torsos around the middle of a head that tell its outline from the side
_LIPS: Final = 0.06  # torsos by which a mouth is open
_ROUND: Final = 0.8  # cells
_CROWN: Final = (0.3, 0.85)  # of a crown's depth one and two cells below where it begins to be opaque


@dataclass(frozen=True, eq=False)
class _Rows:
    """What is known of each row of a head's lattice, float64 (rows,) each.

    Attributes
    ----------
    height : of the row, 0 at the top of the body's head and 1 at the end of its throat
    middle, radius : column and half the breadth of the outline, in cells
    near, far : depth of the body's face and of the back of its head at the axis
    long : share of both sides where the outline is hair
    top : float, the height of the first row that is not that of a bun
    tip : float, half the breadth of the very first row
    """

    height: DoubleArray
    middle: DoubleArray
    radius: DoubleArray
    near: DoubleArray
    far: DoubleArray
    long: DoubleArray
    top: float
    tip: float


def head_depths(
    body: BodySurface, lattice: Lattice, inside: FloatArray, used: BoolArray, solid: BoolArray,
    torso: float, classes: ByteArray,
) -> SheetDepths:  # fmt: skip
    """Return where the sheets of a head lie.

    Parameters
    ----------
    body : BodySurface
    lattice : Lattice
    inside : float32 (rows, columns)
        How far each vertex lies within the outline, in pixels.
    used : bool (rows, columns)
        Vertices that there are.
    solid : bool (rows, columns)
        Those in the opaque part.
    torso : float
        Length of the torso in pixels.
    classes : uint8 (rows, columns)
        Of the parsing.
    """
    hair, cloth = np.isin(classes, (labels.HAIR, labels.HAT)), ~np.isin(classes, _HEAD_CLASSES)
    skull, trunk = (np.isin(body.parts, own) for own in ((parts.HEAD,), _TRUNK))
    if not skull.any():
        skull = np.ones_like(skull)
    front, back = body_depths(body, skull | (body.parts == parts.TORSO), lattice)
    front = _with_closed_lips(front, _LIPS * torso)
    known = ~np.isnan(front)
    if not known.any():
        flat = np.zeros_like(front)
        return SheetDepths(flat, flat, flat)
    rows = _rows(body.vertices[skull], lattice, (front, back), solid if solid.any() else inside > 0.5, hair, torso)
    middle = harmonic(np.where(known, (front + back) / 2, 0.0), known, used | known)
    stands_off = _stands_off(body.vertices[skull], lattice, rows, hair, torso)
    near, far = _side_outline(rows, stands_off, bool(hair.any()))
    across = (np.arange(lattice.columns) - rows.middle[:, None]) / np.maximum(rows.radius[:, None], 1.0)
    section = np.sqrt(np.clip(1 - across**2, 0, 1))
    outline = used & (inside <= 0.5)
    deep = known & (inside > _KNOWN_CELLS * lattice.step)
    crown = _rounded_crown(solid, rows.height)
    forward = _forward(rows.height, hair, deep)
    sides: list[DoubleArray] = []
    for depth, sign, dome in ((front, -1.0, near), (back, 1.0, far)):
        square = np.maximum(np.where(known, sign * (depth - middle), 0.0), 0.0) ** 2
        filled = np.sqrt(np.maximum(harmonic(np.where(deep, square, 0.0), deep | outline, used | deep | outline), 0.0))
        if sign < 0:
            # hair beside cheeks hangs on where the throat recedes
            hangs = np.minimum.accumulate(np.where(rows.height > _EARS, dome, np.inf))
            dome = np.where(hair, np.minimum(hangs, dome)[:, None], dome[:, None])
        else:
            dome = dome[:, None]
        domed = np.maximum(sign * (dome - middle), 0) * section
        # a face is the body's own; beside it hair comes forward less than it
        bare = deep & ~hair & (sign < 0)
        filled = np.where(bare, filled, np.maximum(filled, domed * (forward if sign < 0 else 1.0)))
        soft = rounded(np.where(outline, 0.0, filled), _ROUND)
        sides.append(np.where(outline, 0.0, crown * soft))
    if trunk.any():
        chest = body_depths(body, trunk, lattice)[0]
        middle, sides = _before_the_chest(middle, sides, chest, rows, (hair, cloth), torso)
        sides = [np.where(outline, 0.0, side) for side in sides]
    return SheetDepths(middle.astype(np.float32), *(side.astype(np.float32) for side in sides))


_HEAD_CLASSES: Final = (labels.HAIR, labels.HAT, labels.FACE, labels.SUNGLASSES, labels.BACKGROUND)
_TRUNK: Final = (parts.TORSO, parts.RIGHT_UPPER_ARM, parts.LEFT_UPPER_ARM)


def _rounded_crown(solid: BoolArray, height: DoubleArray) -> DoubleArray:
    """Return which share of its depth a crown keeps, (rows, columns): blurred, it would end in a plateau."""
    share = np.ones(solid.shape)
    within = solid
    for kept in _CROWN:
        inner = within.copy()
        inner[0] = False
        inner[1:] &= within[:-1]
        share[within & ~inner] = kept
        within = inner
    return np.where(solid & (height < _BROWS)[:, None], share, 1.0)


def _forward(height: DoubleArray, hair: BoolArray, deep: BoolArray) -> DoubleArray:
    """Return which share of the dome before a head is filled, (rows, columns): a fringe's, not that beside cheeks."""
    below = np.clip((height - _BROWS) / (_EARS - _BROWS), 0, 1)[:, None]
    above = np.where(deep, 1.0, _CURTAIN)
    return np.where(hair, above + below * (_BESIDE_CHEEKS - above), 1.0)


def _with_closed_lips(front: FloatArray, least: float) -> FloatArray:
    """Return a body's front without rows of which one looks through its mouth at the back of its head."""
    above, below = np.roll(front, 1, axis=0), np.roll(front, -1, axis=0)
    beside = np.maximum(above, below)
    with np.errstate(invalid="ignore"):
        return np.where(front - beside > least, (above + below) / 2, front).astype(np.float32)


def _rows(
    skull: FloatArray, lattice: Lattice, depths: tuple[FloatArray, FloatArray], solid: BoolArray,
    hair: BoolArray, torso: float,
) -> _Rows:  # fmt: skip
    """Measure an outline and the body's head within it, row by row."""
    top, bottom = float(skull[:, 1].min()), float(skull[:, 1].max())
    ys = np.asarray(lattice.top + lattice.step * np.arange(lattice.rows), dtype=np.float64)
    axis = (float(np.median(skull[:, 0])) - lattice.left) / lattice.step
    reach = max(_AXIS * torso / lattice.step, 1.0)
    around = np.abs(np.arange(lattice.columns) - axis) <= reach
    near, far = (
        _filled(np.array([pick(row[around]) for row in plane]), ys)
        for plane, pick in ((depths[0], _least), (depths[1], _most))
    )
    middle, radius = np.full(lattice.rows, axis), np.zeros(lattice.rows)
    long = np.zeros(lattice.rows)
    for row in range(lattice.rows):
        own = _run(solid[row], axis)
        if len(own) < 2:
            continue
        middle[row], radius[row] = (own[0] + own[-1]) / 2, (own[-1] - own[0]) / 2
        long[row] = (float(hair[row, own[:3]].any()) + float(hair[row, own[-3:]].any())) / 2
    wide, height = radius > 0, (ys - top) / max(bottom - top, 1.0)
    if wide.any():
        middle = np.interp(ys, ys[wide], middle[wide])
    within = (height > 0) & (height < _THROAT)
    breadth = float(radius[within].max()) if within.any() else float(radius.max())
    full = np.flatnonzero(radius > max(_BUN * breadth, 0.5))
    first = float(height[full[0]]) if len(full) else 0.0
    soft = np.sqrt(_smooth(radius**2))
    tip = float(soft[wide.argmax()])
    return _Rows(np.asarray(height), _smooth(middle), soft, near, far, _smooth(long), first, tip)


def _run(solid: BoolArray, axis: float) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the columns of a row's piece that is nearest to a column."""
    columns = np.flatnonzero(solid)
    if not len(columns):
        return columns
    pieces = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
    return min(pieces, key=lambda piece: float(np.abs(piece - axis).min()))


def _least(values: FloatArray) -> float:
    return float(np.nanmin(values)) if not np.isnan(values).all() else np.nan


def _most(values: FloatArray) -> float:
    return float(np.nanmax(values)) if not np.isnan(values).all() else np.nan


def _filled(values: DoubleArray, at: DoubleArray) -> DoubleArray:
    known = ~np.isnan(values)
    if not known.any():
        return np.zeros_like(values)
    return np.asarray(np.interp(at, at[known], values[known]))


def _smooth(values: DoubleArray) -> DoubleArray:
    return np.asarray(
        cv2.GaussianBlur(values[None].astype(np.float64), (0, 0), _SMOOTH_CELLS, borderType=cv2.BORDER_REPLICATE)[0]
    )


def _stands_off(skull: FloatArray, lattice: Lattice, rows: _Rows, hair: BoolArray, torso: float) -> float:
    """Return how far hair stands off the skull, in pixels, as it is seen to do at both sides and above."""
    low, high = (limit * torso for limit in _HAIR)
    if not hair.any():
        return low
    ys = np.asarray(lattice.top + lattice.step * np.arange(lattice.rows), dtype=np.float64)
    excess = []
    for row in np.flatnonzero((rows.height > 0.1) & (rows.height < _EARS) & (rows.long > 0.5)):
        own = skull[np.abs(skull[:, 1] - ys[row]) < lattice.step, 0]
        if len(own):
            excess.append(rows.radius[row] * lattice.step - (own.max() - own.min()) / 2)
    # a bun is no thickness
    above = -rows.top * float(np.ptp(skull[:, 1]))
    return float(np.clip(max(float(np.median(excess)) if excess else 0.0, _ABOVE * above), low, high))


def _side_outline(rows: _Rows, stands_off: float, has_hair: bool) -> tuple[DoubleArray, DoubleArray]:
    """Return a head's outline from the side: the depth of its front and of its back in each row."""
    height, far, near = rows.height, rows.far, rows.near
    top = min(rows.top, _BROWS / 2)
    # hair lies on the nape where it is short, and falls where it is long
    both = _smooth(np.clip(2 * rows.long - 1, 0, 1))
    hanging = np.minimum.accumulate(np.where(height > _EARS, both, 1.0))
    on_nape = np.clip((_NAPE - height) / (_NAPE - _EARS), 0, 1)
    back = far + stands_off * (np.maximum(hanging, on_nape) if has_hair else 1.0)
    at_ears = float(np.interp(_EARS, height, back))
    per_height = (float(np.interp(_EARS, height, far)) - float(np.interp(_BROWS, height, near))) / 2
    falling = at_ears - _FALL * np.maximum(height - _EARS, 0) * per_height
    back = np.where(height > _EARS, back + hanging * np.maximum(falling - back, 0), back)
    center = float(np.interp(_EARS, height, (near + far) / 2))
    domes = []
    crown = center * np.ones(1)
    for outline, own, begins, off in ((near, near, _BROWS, -_FRINGE * stands_off), (back, far, _EARS, stands_off)):
        # the body's own skull, drawn out as high and as deep as the hair is
        within = (height > 0) & (height < begins)
        at, depth = np.concatenate([[0.0], height[within]]), np.concatenate([crown, own[within]])
        of_body = np.interp((height - top) / (begins - top) * begins, at, depth) - center
        full = float(np.interp(begins, height, own)) - center
        # or as round as the outline is, whose top is not opaque and counts as flat
        broad = max(float(np.interp(begins, height, rows.radius)), rows.tip + 1.0)
        as_seen = np.sqrt(np.clip((rows.radius**2 - rows.tip**2) / (broad**2 - rows.tip**2), 0, 1))
        share = np.maximum(of_body / _apart_from_0(full), as_seen)
        domes.append(np.where(height < begins, center + share * (full + off), outline))
    return domes[0], domes[1]


def _apart_from_0(value: float) -> float:
    return value if abs(value) > 1 else math.copysign(1.0, value)


def _before_the_chest(
    middle: DoubleArray,
    sides: list[DoubleArray],
    chest: FloatArray,
    rows: _Rows,
    kinds: tuple[BoolArray, BoolArray],
    torso: float,
) -> tuple[DoubleArray, list[DoubleArray]]:
    """Return middle and sides in which what lies over the trunk is a thin sheet before it."""
    (hair, cloth), height = kinds, rows.height
    # what lies between hair that falls at both sides has hair behind it
    cloth = cloth & (rows.long < _BOTH)[:, None]
    there = ~np.isnan(chest)
    near, far = middle - sides[0], middle + sides[1]
    before = np.where(there, chest, 0.0) - (_CLOTH + _SHEET) * torso
    before = np.where(hair, np.minimum(before, near), near)
    share_near, share_far = (
        np.clip((height - begins) / (ends - begins), 0, 1)[:, None] * there
        for begins, ends in ((_CHIN, 1.1), (0.95, 1.15))
    )
    covered = ~cloth & (hair | (rows.long >= _BOTH)[:, None])
    for own, begins, ends in ((covered, _CHIN + 0.2, 1.3), (cloth, _CHIN + 0.05, 1.0)):
        share_far = np.where(own, np.clip((height - begins) / (ends - begins), 0, 1)[:, None] * there, share_far)
    near = near + share_near * (before - near)
    behind = np.minimum(np.maximum(near + _SHEET * torso, np.where(there, chest, 0.0)), far)
    far = far + share_far * (behind - far)
    middle = middle + share_far * ((near + far) / 2 - middle)
    return middle, [np.maximum(middle - near, 0), np.maximum(far - middle, 0)]
