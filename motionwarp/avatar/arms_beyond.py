"""Arms that the photo's edge cuts off: what lies beyond it is made of the body and of what the photo shows. Ours.

A sleeve goes on to the wrist with its own pixels, mirrored over the edge; so does a bare arm. Hands have the body's
shape, in the arm's own color if that is bare, else in that of whatever skin the photo shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from motionwarp.avatar.body_surface import BodySurface, IntArray
from motionwarp.avatar.sheets import BONES_OF_VERTEX, Sheets, joined
from motionwarp.parsing import labels
from motionwarp.puppet import parts
from motionwarp.puppet.textures import SURE, PartTexture
from motionwarp.types import BoolArray, ByteArray, FloatArray, Pose, SourcePerson

ARMS: Final = (parts.RIGHT_ARM, parts.LEFT_ARM)
_SEEN: Final = 0.3  # score from which a point is where the picture says
_MADE_SCORE: Final = 0.5  # of points that are put beyond the edge
_FOREARM, _UPPER_ARM = 0.85, 0.6  # of the upper arm's length, of a torso
_SHORTEST: Final = 0.4  # torsos; an upper arm that seems shorter points at the camera
_BEYOND: Final = 0.1  # torsos outside of the picture where a wrist lies that is not seen in it
_NEAR: Final = 0.35  # torsos between where an arm should leave the picture and where the matte does
_ARM_BREADTH: Final = 0.2  # torsos; broader is not an arm alone
_EDGE: Final = 0.03  # torsos from the picture's edge within which an arm is cut by it
_LEAST_PIXELS: Final = 6
_OUTER_SHARE: Final = 0.4  # of the pixels of an inner part at the edge that make an outer one count instead
_NEXT_TO_NOTHING: Final = 0.01  # of a squared torso
_OVERLAP: Final = 0.05  # torsos by which what is made begins within the picture
_SECTION: Final = 0.08  # torsos around the edge, whose vertices tell where the body's arm crosses it
_LEAST_VERTICES: Final = 4
_BREADTH: Final = (0.8, 2.2)  # of sleeves against the body's arm, at least and at most
_CUFF: Final = 0.5  # of how much broader than the arm a sleeve is, what is left at the wrist
_INSIDE: Final = 0.85  # of a limb's breadth, whose colors are its own
_BARE: Final = (labels.LEFT_ARM, labels.RIGHT_ARM, labels.GLOVE)
# skin, surest first: skirts are taken for legs now and then
_SKIN: Final = ((labels.FACE,), (labels.LEFT_ARM, labels.RIGHT_ARM), (labels.LEFT_LEG, labels.RIGHT_LEG))
_RAMP, _SHADE = 32, 0.25  # shades of skin, and how much darker the last one is
_RAMP_EDGE: Final = 2
_NOWHERE: Final = -10_000  # pixels of the photo: what has no place in it is never at rest
_SIDES: Final = ((0.0, 1.0), (-1.0, 0.0), (1.0, 0.0))  # below, left, right


def wrists_beyond(source: SourcePerson, torso: float) -> SourcePerson:
    """Return a person whose arms go on to a wrist where the picture's edge cuts them off.

    Parameters
    ----------
    source : SourcePerson
    torso : float
        In pixels.

    Returns
    -------
    SourcePerson
        With elbows and wrists outside of the picture in place of those that are not seen; those that are hidden within
        it stay untold.
    """
    points = source.pose.points.copy()
    for limb in ARMS:
        shoulder, elbow, wrist = limb.points
        if points[wrist, 2] >= _SEEN or points[shoulder, 2] < _SEEN:
            continue
        if points[elbow, 2] < _SEEN:
            made = points[shoulder, :2] + np.array([0, _UPPER_ARM * torso], dtype=np.float32)
            if made[1] < len(source.matte):
                continue
            points[elbow] = (*made, _MADE_SCORE)
        upper = points[elbow, :2] - points[shoulder, :2]
        length = float(np.linalg.norm(upper))
        reach = _FOREARM * max(length, _SHORTEST * torso)
        there = _leaving(source.matte, points[elbow, :2], upper / max(length, 1e-6), reach, torso)
        if there is not None:
            points[wrist] = (*there, _MADE_SCORE)
    return replace(source, pose=Pose(points))


@dataclass(frozen=True, eq=False)
class BentBeyond:
    """How arms are bent in the photo whose wrists, or elbows too, lie beyond its edge.

    Attributes
    ----------
    limbs : tuple of Limb
    bends : complex128 (N, 2)
        From the other shoulder to this one, and from there to the elbow, over that; from shoulder to elbow, and from
        there to the wrist, over that; with x + i y for places. The first is NaN where the photo shows the elbow.
    """

    limbs: tuple[parts.Limb, ...]
    bends: npt.NDArray[np.complex128]

    @classmethod
    def of(cls, source: SourcePerson, torso: float) -> BentBeyond:
        """Find the arms of a photo whose wrists it does not show."""
        before, points = source.pose.points, wrists_beyond(source, torso).pose.points
        chosen, bends = [], []
        for limb, other in (ARMS, ARMS[::-1]):
            shoulder, elbow, wrist = limb.points
            if before[wrist, 2] >= _SEEN or points[wrist, 2] < _SEEN:
                continue
            below = complex(np.nan) if before[elbow, 2] >= _SEEN else _bend(points, other.points[0], shoulder, elbow)
            chosen.append(limb)
            bends.append((below, _bend(points, shoulder, elbow, wrist)))
        return cls(tuple(chosen), np.array(bends, dtype=np.complex128).reshape(-1, 2))

    def told(self, points: FloatArray) -> FloatArray:
        """Return points (T, 18, 3) with elbows and wrists where the photo's arms would have them, if nobody told them.

        A body that is fitted to the photo's own points has its arms where the avatar's are, then.
        """
        filled = points.copy()
        for limb, (below, beyond) in zip(self.limbs, self.bends, strict=True):
            other = ARMS[limb.is_right].points[0]
            shoulder, elbow, wrist = limb.points
            if not np.isnan(below):
                _continue(filled, (other, shoulder, elbow), below)
            _continue(filled, (shoulder, elbow, wrist), beyond)
        return filled


def _bend(points: FloatArray, first: int, second: int, third: int) -> complex:
    """Return the way from the second to the third point over that from the first to the second, as x + i y."""
    (x0, y0), (x1, y1), (x2, y2) = (points[point, :2].astype(float) for point in (first, second, third))
    before = complex(x1 - x0, y1 - y0)
    return complex(x2 - x1, y2 - y1) / before if abs(before) > 1 else 0j


def _continue(points: FloatArray, chain: tuple[int, int, int], bend: complex) -> None:
    """Put the third of three points where the first two are told and it is not, of all frames (T, 18, 3), in place."""
    first, second, third = chain
    untold = (points[:, [first, second], 2] >= _SEEN).all(axis=1) & (points[:, third, 2] < _SEEN)
    before = points[untold, second, :2] - points[untold, first, :2]
    way = (before[:, 0] + 1j * before[:, 1]) * bend
    points[untold, third, :2] = points[untold, second, :2] + np.stack([way.real, way.imag], axis=1)
    points[untold, third, 2] = _MADE_SCORE


def _leaving(
    matte: FloatArray, elbow: FloatArray, direction: FloatArray, reach: float, torso: float
) -> FloatArray | None:
    """Return where the wrist of an arm lies that goes straight on over the picture's edge; None if it stays within."""
    height, width = matte.shape
    wrist = elbow + reach * direction
    beyond = _BEYOND * torso
    if wrist[1] < height - 1 and 0 < wrist[0] < width - 1:
        return None
    if elbow[1] >= height - 1 or direction[1] <= 0.3:
        return np.asarray(wrist, dtype=np.float32) if not 0 <= wrist[0] < width or elbow[1] >= height - 1 else None
    leaves = float(elbow[0] + direction[0] / direction[1] * (height - 1 - elbow[1]))
    shown = _run_near(matte[height - 2] > 0.5, leaves, torso)
    if shown is None:
        return None
    way = np.array([shown - elbow[0], height - 1 - elbow[1]], dtype=np.float32)
    way *= max(reach, float(np.linalg.norm(way)) + beyond) / max(float(np.linalg.norm(way)), 1e-6)
    return np.asarray(elbow + way, dtype=np.float32)


def _run_near(row: BoolArray, x: float, torso: float) -> float | None:
    """Return the middle of the run of a row that is nearest to a place, or how far an arm can lie in a broad one."""
    steps = np.diff(np.concatenate([[0], row.astype(np.int8), [0]]))
    runs = list(zip(np.flatnonzero(steps > 0), np.flatnonzero(steps < 0), strict=True))
    away = [max(start - x, x - stop, 0.0) for start, stop in runs]
    if not runs or min(away) > _NEAR * torso:
        return None
    start, stop = runs[int(np.argmin(away))]
    half = 0.5 * min(_ARM_BREADTH * torso, float(stop - start))
    return float(np.clip(x, start + half, stop - half))


@dataclass(frozen=True, eq=False)
class CutArm:
    """An arm at the picture's edge.

    Attributes
    ----------
    limb : Limb
    cut : int
        Which of its parts the edge cuts.
    outward : (float, float)
        To where it leaves the picture.
    edge : float
        The last row, or column, in that direction.
    middles, halves : float32 (R,)
        Middle and half breadth of the part along the edge, from the edge inwards.
    is_bare : bool
        Whether the photo shows skin, or a glove, there.
    missing : tuple of int
        Parts of which the photo shows next to nothing.
    """

    limb: parts.Limb
    cut: int
    outward: tuple[float, float]
    edge: float
    middles: FloatArray
    halves: FloatArray
    is_bare: bool
    missing: tuple[int, ...]

    @classmethod
    def of(
        cls, limb: parts.Limb, alphas: Sequence[FloatArray | None], parsing: ByteArray, torso: float
    ) -> CutArm | None:
        """Find where an edge cuts an arm; None where none does.

        Parameters
        ----------
        limb : Limb
        alphas : sequence of float32 (H, W) or None
            Coverage of each of its parts.
        parsing : uint8 (H, W)
        torso : float
            In pixels.
        """
        band = max(round(_EDGE * torso), 2)
        found: tuple[int, int, tuple[float, float]] | None = None
        for number, alpha in enumerate(alphas):
            if alpha is None:
                continue
            for outward in _SIDES:
                count = int((_seen_from(alpha, outward)[:band] > 0.5).sum())
                # parts share the disc around their joint: of two that the edge cuts the outer one counts
                if count >= _LEAST_PIXELS * band // 2 and (found is None or count > _OUTER_SHARE * found[0]):
                    found = count, number, outward
        if found is None:
            return None
        _, number, outward = found
        alpha = alphas[number]
        assert alpha is not None
        rows = _seen_from(alpha, outward) > 0.5
        depth = int(np.argmin(rows.any(axis=1))) or len(rows)
        ends = np.array([np.percentile(np.flatnonzero(row), (3, 97)) for row in rows[:depth]])
        classes = _seen_from(parsing, outward)[:band][rows[:band]]
        edge = float(len(alpha) - 1 if outward[1] else (alpha.shape[1] - 1 if outward[0] > 0 else 0))
        return cls(
            limb, number, outward, edge, ends.mean(axis=1).astype(np.float32),
            np.maximum(0.5 * (ends[:, 1] - ends[:, 0]), 1).astype(np.float32),
            bool(np.isin(classes, _BARE).mean() > 0.5),
            tuple(
                part for part, shown in zip(limb.parts, alphas, strict=True)
                if shown is None or (shown > 0.5).sum() < _NEXT_TO_NOTHING * torso**2
            ),
        )  # fmt: skip

    def depth(self, places: FloatArray) -> FloatArray:
        """Return how far places (N, 2 or more) lie outside of the picture, in pixels, float32 (N,)."""
        away = places[:, 1] if self.outward[1] else places[:, 0]
        return np.asarray((away - self.edge) * (sum(self.outward)), dtype=np.float32)

    @property
    def along(self) -> int:
        """The axis of places that runs along the edge."""
        return 0 if self.outward[1] else 1

    def texels(self, across: FloatArray, depth: FloatArray) -> FloatArray:
        """Return the photo's pixels, float32 (N, 2), that stand mirrored for places outside of it.

        Parameters
        ----------
        across : float32 (N,)
            From -1 to 1 over the arm's breadth.
        depth : float32 (N,)
            Pixels outside of the picture.
        """
        last = len(self.middles) - 1
        folded = np.abs(depth) % max(2 * last, 1)
        inward = np.minimum(np.minimum(folded, np.maximum(2 * last - folded, 0)), last)
        rows = np.arange(len(self.middles))
        along = np.interp(inward, rows, self.middles) + _INSIDE * across.clip(-1, 1) * np.interp(
            inward, rows, self.halves
        )
        places = np.empty((len(depth), 2), dtype=np.float32)
        places[:, self.along] = along
        places[:, 1 - self.along] = self.edge - inward * sum(self.outward)
        return places


def _seen_from(
    plane: np.ndarray[tuple[int, ...], np.dtype[np.float32]] | ByteArray, outward: tuple[float, float]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return a plane (H, W) as rows from an edge inwards."""
    turned = plane[::-1] if outward[1] else (plane[:, ::-1].T if outward[0] > 0 else plane.T)
    return np.asarray(turned)


@dataclass(frozen=True, eq=False)
class MadeArm:
    """What is made of an arm.

    Attributes
    ----------
    sheets : Sheets
        Over the body, in pixels of the photo; texels are pixels of the photo, or of a ramp.
    of_ramp : bool (N,)
        Which vertices have texels of a ramp of one color.
    """

    sheets: Sheets
    of_ramp: BoolArray


def made_arm(arm: CutArm, body: BodySurface, joints: FloatArray, torso: float) -> MadeArm | None:
    """Make what the picture's edge cuts off an arm.

    Parameters
    ----------
    arm : CutArm
    body : BodySurface
        Fitted to the photo.
    joints : float32 (4, 3)
        Shoulder, elbow, wrist and the tip of the hand of that body, in pixels of the photo.
    torso : float
        In pixels.

    Returns
    -------
    MadeArm or None
        None where the body's arm is not beyond the edge.
    """
    cut = arm.limb.parts[arm.cut]
    depth, along = arm.depth(body.vertices), arm.along
    section = body.vertices[(body.parts == cut) & (np.abs(depth) < _SECTION * torso)]
    if len(section) < _LEAST_VERTICES:
        return None
    middle, half = (section[:, along].max() + section[:, along].min()) / 2, np.ptp(section[:, along]) / 2
    broader = float(np.clip(arm.halves[: max(len(arm.halves) // 4, 1)].mean() / max(half, 1.0), *_BREADTH))
    shift = float(arm.middles[0] - middle)
    pieces = []
    for number in range(arm.cut, 3):
        part = arm.limb.parts[number]
        if number > arm.cut and part not in arm.missing:
            break
        chosen = (body.parts[body.faces] == part).any(axis=1)
        chosen &= (depth[body.faces] > -_OVERLAP * torso).all(axis=1) & (depth[body.faces] > 0).any(axis=1)
        if not chosen.any():
            continue
        used, faces = _renumbered(body.faces[chosen])
        is_hand = number == 2
        growth = (broader, broader) if number < 1 else (broader, _at_wrist(broader, arm.is_bare))
        if is_hand:
            growth = (broader if arm.cut == 2 else 1.0, 1.0)
        positions, across = _fitted(body.vertices[used], joints[number], joints[number + 1], growth, along)
        positions[:, along] += shift
        skin = is_hand and not arm.is_bare and arm.cut < 2
        uv = _ramp_texels(body, used) if skin else arm.texels(across, depth[used])
        sheets = _body_sheets(part, body, used, faces, positions, uv)
        pieces.append((sheets, np.full(len(used), skin)))
    if not pieces:
        return None
    return MadeArm(joined([sheets for sheets, _ in pieces]), np.concatenate([skin for _, skin in pieces]))


def made_part(part: int, body: BodySurface) -> MadeArm | None:
    """Return a part of the body's own arm in one color, to be told by a ramp; None where the body has none.

    Parameters
    ----------
    part : int
    body : BodySurface
        Fitted to the photo.
    """
    chosen = (body.parts[body.faces] == part).any(axis=1)
    if not chosen.any():
        return None
    used, faces = _renumbered(body.faces[chosen])
    uv = _ramp_texels(body, used)
    sheets = _body_sheets(part, body, used, faces, body.vertices[used], uv)
    return MadeArm(sheets, np.ones(len(used), dtype=np.bool_))


def _renumbered(faces: IntArray) -> tuple[npt.NDArray[np.int64], IntArray]:
    """Return the vertices of triangles, ascending, and the triangles as numbers of these."""
    used, places = np.unique(faces, return_inverse=True)
    return used.astype(np.int64), places.reshape(-1, 3).astype(np.int32)


def _body_sheets(
    part: int, body: BodySurface, used: npt.NDArray[np.int64], faces: IntArray, positions: FloatArray, uv: FloatArray
) -> Sheets:
    """Return a surface over some vertices of the body, `used`, that moves as they do and is opaque."""
    bones = np.argsort(-body.weights[used], axis=1)[:, :BONES_OF_VERTEX].astype(np.int32)
    weights = np.take_along_axis(body.weights[used], bones, axis=1)
    return Sheets(
        positions, uv, uv.copy(), np.ones(len(used), dtype=np.float32), bones,
        (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32),
        faces, np.full(len(faces), 2 * part + 1, dtype=np.int32),
    )  # fmt: skip


def _at_wrist(broader: float, is_bare: bool) -> float:
    return 1.0 if is_bare else 1 + _CUFF * (broader - 1)


def _fitted(
    places: FloatArray, start: FloatArray, end: FloatArray, growth: tuple[float, float], along: int
) -> tuple[FloatArray, FloatArray]:
    """Return places (N, 3) farther from a bone, and how far across each lies along an axis, from -1 to 1, (N,)."""
    bone = end - start
    share = (places - start) @ bone / max(float(bone @ bone), 1e-6)
    beside = places - start - share[:, None] * bone
    grown = growth[0] + (growth[1] - growth[0]) * share.clip(0, 1)
    across = beside[:, along] / max(float(np.abs(beside[:, along]).max()), 1e-6)
    fitted = places + beside * (grown - 1)[:, None]
    return fitted.astype(np.float32), across.astype(np.float32)


def _ramp_texels(body: BodySurface, used: npt.NDArray[np.int64]) -> FloatArray:
    """Return places on the ramp of skin by how much each vertex faces the photo's camera, float32 (N, 2)."""
    corners = body.vertices[body.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(body.vertices)
    for corner in range(3):
        np.add.at(normals, body.faces[:, corner], across)
    facing = np.abs(normals[used, 2]) / np.maximum(np.linalg.norm(normals[used], axis=1), 1e-6)
    x = _RAMP_EDGE + (1 - facing) * (_RAMP - 1)
    return np.stack([x, np.full(len(used), _RAMP_EDGE)], axis=1).astype(np.float32)


def skin_of(source: SourcePerson) -> BoolArray:
    """Return where a photo shows skin, of the face if that is seen, else of arms, else of legs, bool (H, W)."""
    for classes in _SKIN:
        shown: BoolArray = np.isin(source.parsing, classes)
        if np.count_nonzero(shown & (source.matte > SURE)) >= _LEAST_PIXELS:
            break
    return shown


def color_ramp(source: SourcePerson, where: BoolArray) -> PartTexture | None:
    """Return shades of a color of a photo, light to dark from left to right.

    Parameters
    ----------
    source : SourcePerson
    where : bool (H, W)
        Whose median it is.

    Returns
    -------
    PartTexture or None
        None where next to nothing of it is surely the person's.
    """
    seen = where & (source.matte > SURE)
    if np.count_nonzero(seen) < _LEAST_PIXELS:
        return None
    color = np.median(source.rgb[seen], axis=0) / 255
    shades = 1 - _SHADE * np.linspace(0, 1, _RAMP)
    plane = np.pad(color[:, None] * shades, ((0, 0), (_RAMP_EDGE, _RAMP_EDGE)), mode="edge")
    rgba = np.concatenate([plane, np.ones((1, plane.shape[1]))])[:, None].repeat(2 * _RAMP_EDGE + 1, axis=1)
    texture = torch.from_numpy(rgba.astype(np.float32))[None]
    return PartTexture(texture, None, _NOWHERE, _NOWHERE, np.zeros((1, 2), dtype=np.float32))
