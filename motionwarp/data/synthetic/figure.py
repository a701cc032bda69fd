"""A dressed body in a pose as a list of solids, each with the material that it shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from motionwarp.data.synthetic.body import BodyProportions, DoubleArray, Skeleton
from motionwarp.data.synthetic.primitives import Primitive
from motionwarp.data.synthetic.wardrobe import Outfit
from motionwarp.pose import skeleton as sk

_DEPTH_OF_TORSO: Final = 0.68  # of its width


class Material(IntEnum):
    """What a solid's surface is; sides are the person's own."""

    HEAD = 0
    NECK = 1
    RIGHT_ARM = 2
    LEFT_ARM = 3
    RIGHT_LEG = 4
    LEFT_LEG = 5
    HAIR = 6
    UPPER = 7
    LOWER = 8
    LAYER = 9
    RIGHT_SHOE = 10
    LEFT_SHOE = 11
    SOCK = 12
    HAT = 13
    SCARF = 14
    GLOVE = 15
    BAG = 16


@dataclass(frozen=True, eq=False)
class _Frame:
    """The body's parts in the pose and its measures; `thick` scales all radii."""

    body: BodyProportions
    outfit: Outfit
    skeleton: Skeleton
    waist: DoubleArray
    pelvis: DoubleArray
    thick: float

    @property
    def joints(self) -> DoubleArray:
        return self.skeleton.joints

    @property
    def chest(self) -> DoubleArray:
        return self.skeleton.torso_axes


def dress(body: BodyProportions, outfit: Outfit, skeleton: Skeleton) -> list[Primitive]:
    """Return the solids of a dressed body.

    Parameters
    ----------
    body : BodyProportions
    outfit : Outfit
    skeleton : Skeleton
        The body in its pose.
    """
    chest = skeleton.torso_axes
    waist = skeleton.joints[sk.NECK] - 0.6 * body.spine * chest[:, 1]
    up = waist / np.linalg.norm(waist)
    left = skeleton.joints[sk.LEFT_HIP] - skeleton.joints[sk.RIGHT_HIP]
    left = left / np.linalg.norm(left)
    pelvis = np.stack([left, up, np.cross(left, up)], axis=1)
    frame = _Frame(body, outfit, skeleton, waist, pelvis, body.height / 1.72 * body.girth)
    solids = [*_head(frame), *_torso(frame), *_hips(frame)]
    for side in (0, 1):
        solids += [*_arm(frame, side), *_leg(frame, side)]
    return [*solids, *_accessories(frame)]


def _ball(
    center: DoubleArray, radius: float, material: Material, axes: DoubleArray, stretch: tuple[float, ...]
) -> Primitive:
    matrix = axes @ np.diag(stretch) @ axes.T
    return Primitive(center, center, radius, radius, material, axes[:, 2], matrix)


def _squashed(axes: DoubleArray, depth: float) -> DoubleArray:
    return np.asarray(axes @ np.diag([1.0, 1.0, depth]) @ axes.T, dtype=np.float64)


def _head(frame: _Frame) -> list[Primitive]:
    skeleton, outfit = frame.skeleton, frame.outfit
    axes, center, size = skeleton.head_axes, skeleton.head_center, frame.body.head_radius

    def at(*offset: float) -> DoubleArray:
        return np.asarray(center + size * axes @ np.array(offset), dtype=np.float64)

    neck = frame.joints[sk.NECK]
    width = 0.056 * frame.thick
    solids = [
        _ball(center, size, Material.HEAD, axes, (0.79, 1.1, 0.95)),
        _ball(at(0, -0.5, 0.22), 0.6 * size, Material.HEAD, axes, (0.95, 1.0, 1.0)),
        Primitive(at(0, 0.05, 0.88), at(0, -0.16, 1.0), 0.05 * size, 0.12 * size, Material.HEAD, axes[:, 0]),
        Primitive(at(0, -0.35, -0.25), neck - 0.01 * frame.chest[:, 1], width, 1.12 * width, Material.NECK, axes[:, 2]),
        # the skin that a neckline shows
        Primitive(
            neck, neck + frame.chest @ np.array([0, -0.055, 0.045]), width, 0.6 * width, Material.NECK, axes[:, 2]
        ),
    ]
    solids += [
        _ball(at(side * 0.82, -0.02, 0.0), 0.2 * size, Material.HEAD, axes, (0.45, 1.1, 0.7)) for side in (-1, 1)
    ]
    if outfit.hair != "bald":
        volume = outfit.hair_volume
        solids.append(
            _ball(
                at(0, 0.33, -0.14), size, Material.HAIR, axes, (0.86 * volume**0.5, 0.86 * volume, 0.93 * volume**0.5)
            )
        )
    if outfit.hair == "bun":
        solids.append(_ball(at(0, 0.75, -0.95), 0.42 * size, Material.HAIR, axes, (1.0, 1.0, 0.9)))
    if outfit.hair == "long":
        ends = neck - (0.03 + 0.12 * (outfit.hair_volume - 0.9) / 0.35) * frame.chest[:, 1] - 0.085 * frame.chest[:, 2]
        solids.append(
            Primitive(
                at(0, 0.15, -0.35), ends, 0.78 * size, 0.68 * size, Material.HAIR, axes[:, 2], _squashed(axes, 0.65)
            )
        )
        for side in (-1, 1):
            tip = at(side * 0.85, -1.3, -0.2)
            solids.append(
                Primitive(at(side * 0.68, 0.25, -0.15), tip, 0.24 * size, 0.2 * size, Material.HAIR, axes[:, 2])
            )
    if outfit.hat:
        solids.append(_ball(at(0, 0.48, -0.06), size, Material.HAT, axes, (0.96, 0.86, 1.06)))
        solids.append(_ball(at(0, 0.5, 0.35), size, Material.HAT, axes, (1.0, 0.09, 1.15)))
    return solids


def _torso(frame: _Frame) -> list[Primitive]:
    outfit, chest, thick = frame.outfit, frame.chest, frame.thick
    loose = outfit.looseness
    neck = frame.joints[sk.NECK]
    front = chest[:, 2]
    stretch = _squashed(chest, _DEPTH_OF_TORSO)
    top = neck - 0.125 * frame.body.height / 1.72 * chest[:, 1]
    broad, narrow = 0.86 * frame.body.shoulder + 0.012 * thick + loose, 0.125 * thick + loose

    def shell(material: Material, extra: float, opening: float) -> list[Primitive]:
        solids = [
            Primitive(top, frame.waist, broad + extra, narrow + extra, material, front, stretch, opening > 0, opening),
        ]
        for shoulder in (frame.joints[sk.RIGHT_SHOULDER], frame.joints[sk.LEFT_SHOULDER]):
            inner = neck - 0.012 * chest[:, 1] + 0.25 * (shoulder - neck)
            radius = 0.055 * thick + 0.3 * loose + extra
            solids.append(Primitive(inner, shoulder - 0.008 * chest[:, 1], 0.95 * radius, radius, material, front))
            # the side of the chest under the arm
            below = 0.72 * shoulder + 0.28 * neck - 0.16 * frame.body.height / 1.72 * chest[:, 1]
            solids.append(Primitive(0.8 * shoulder + 0.2 * neck, below, radius, 1.1 * radius, material, front))
        return solids

    solids = shell(Material.UPPER, 0.0, 0.0)
    if outfit.layer != "none":
        solids += shell(Material.LAYER, 0.014, outfit.open_front)
        # an open layer leaves the middle of the chest free, so that only the outer part of its shoulders may cover it
    return solids


def _hips(frame: _Frame) -> list[Primitive]:
    outfit, pelvis, thick = frame.outfit, frame.pelvis, frame.thick
    loose = outfit.looseness
    middle = np.zeros(3)
    wide, narrow = frame.body.hip + 0.062 * thick, 0.125 * thick
    stretch = _squashed(pelvis, 0.74)
    lower = Material.UPPER if outfit.whole != "none" else Material.LOWER
    solids = [Primitive(frame.waist, middle, narrow + 0.005, wide + 0.005, lower, pelvis[:, 2], stretch)]
    if outfit.whole == "none" and not outfit.tucked:
        hem = -0.03 * pelvis[:, 1]
        solids.append(
            Primitive(
                frame.waist, hem, narrow + loose, wide + loose + 0.012, Material.UPPER, pelvis[:, 2], stretch, True
            )
        )
    if outfit.whole == "dress" or (outfit.whole == "none" and outfit.lower == "skirt"):
        solids.append(_skirt(frame, lower, outfit.leg_length, narrow + 0.008, outfit.flare, 0.0))
    if outfit.layer != "none":
        share = 0.12 if outfit.layer == "jacket" else 0.5
        solids.append(_skirt(frame, Material.LAYER, share, narrow + loose + 0.016, 0.03, outfit.open_front))
    return solids


def _along_leg(frame: _Frame, side: int, share: float) -> DoubleArray:
    """Return the point at a share of the leg's length from the hip."""
    hip, knee, ankle = (frame.joints[point] for point in _LEGS[side])
    thigh = frame.body.thigh / (frame.body.thigh + frame.body.shin)
    if share <= thigh:
        return np.asarray(hip + (knee - hip) * share / thigh, dtype=np.float64)
    return np.asarray(knee + (ankle - knee) * (share - thigh) / (1 - thigh), dtype=np.float64)


def _skirt(frame: _Frame, material: Material, share: float, top: float, flare: float, opening: float) -> Primitive:
    """Return cloth that hangs from the waist round both legs, as wide at the hem as they are apart."""
    right, left = _along_leg(frame, 0, share), _along_leg(frame, 1, share)
    hem = (right + left) / 2
    axis = hem - frame.waist
    axis = axis / max(float(np.linalg.norm(axis)), 1e-6)
    across = frame.pelvis[:, 0] - axis * (axis @ frame.pelvis[:, 0])
    across = across / max(float(np.linalg.norm(across)), 1e-6)
    axes = np.stack([across, -axis, np.cross(across, -axis)], axis=1)
    apart = np.abs((left - right) @ axes) / 2
    flesh = 0.075 * frame.thick + frame.outfit.looseness
    wide = max(float(apart[0]) + flesh + flare, frame.body.hip + 0.07 * frame.thick)
    deep = float(apart[2]) + flesh + flare + 0.02
    stretch = axes @ np.diag([1.0, 1.0, np.clip(deep / wide, 0.7, 1.6)]) @ axes.T
    return Primitive(frame.waist, hem, top, wide, material, axes[:, 2], np.asarray(stretch), True, opening)


_LEGS: Final = ((sk.RIGHT_HIP, sk.RIGHT_KNEE, sk.RIGHT_ANKLE), (sk.LEFT_HIP, sk.LEFT_KNEE, sk.LEFT_ANKLE))
_ARMS: Final = ((sk.RIGHT_SHOULDER, sk.RIGHT_ELBOW, sk.RIGHT_WRIST), (sk.LEFT_SHOULDER, sk.LEFT_ELBOW, sk.LEFT_WRIST))


def _sleeve(
    frame: _Frame,
    chain: tuple[int, int, int],
    radii: tuple[float, float, float],
    share: float,
    extra: float,
    material: Material,
) -> list[Primitive]:
    """Return cloth round a limb from its root to a share of its length, open at the end."""
    root, middle, tip = (frame.joints[point] for point in chain)
    upper, lower = float(np.linalg.norm(middle - root)), float(np.linalg.norm(tip - middle))
    length = share * (upper + lower)
    front = frame.chest[:, 2]
    first = min(length / upper, 1.0)
    end_radius = radii[0] + (radii[1] - radii[0]) * first
    solids = [
        Primitive(
            root, root + (middle - root) * first, radii[0] + extra, end_radius + extra, material, front, None, first < 1
        ),
    ]
    if length > upper + 0.01:
        second = min((length - upper) / lower, 1.0)
        end_radius = radii[1] + (radii[2] - radii[1]) * second
        # cloth hangs wider than the limb's end
        end = middle + (tip - middle) * second
        solids.append(Primitive(middle, end, radii[1] + extra, end_radius + 1.3 * extra, material, front, None, True))
    return solids


def _arm(frame: _Frame, side: int) -> list[Primitive]:
    outfit, thick = frame.outfit, frame.thick**0.5
    shoulder, elbow, wrist = (frame.joints[point] for point in _ARMS[side])
    skin = (Material.RIGHT_ARM, Material.LEFT_ARM)[side]
    front = frame.chest[:, 2]
    radii = (0.048 * thick, 0.038 * thick, 0.026 * thick)
    hand = Material.GLOVE if outfit.gloves else skin
    tip = frame.skeleton.hands[side]
    knuckles = wrist + 0.55 * (tip - wrist)
    solids = [
        Primitive(shoulder, elbow, radii[0], radii[1], skin, front),
        Primitive(elbow, wrist, radii[1] * 1.05, radii[2], skin, front),
        Primitive(wrist, knuckles, 0.026 * thick, 0.038 * thick, hand, front),
        Primitive(knuckles, tip, 0.036 * thick, 0.016 * thick, hand, front),
    ]
    loose = 0.6 * outfit.looseness + 0.004
    if outfit.sleeve > 0:
        solids += _sleeve(frame, _ARMS[side], radii, outfit.sleeve, loose, Material.UPPER)
    if outfit.layer != "none":
        solids += _sleeve(frame, _ARMS[side], radii, 0.96, loose + 0.008, Material.LAYER)
    return solids


def _leg(frame: _Frame, side: int) -> list[Primitive]:
    outfit, thick = frame.outfit, frame.thick**0.7
    hip, knee, ankle = (frame.joints[point] for point in _LEGS[side])
    skin = (Material.RIGHT_LEG, Material.LEFT_LEG)[side]
    front = frame.pelvis[:, 2]
    radii = (0.08 * thick, 0.053 * thick, 0.036 * thick)
    calf = knee + 0.3 * (ankle - knee)
    solids = [
        Primitive(hip, knee, radii[0], radii[1], skin, front),
        Primitive(knee, calf, radii[1], 0.056 * thick, skin, front),
        Primitive(calf, ankle, 0.056 * thick, radii[2], skin, front),
    ]
    solids += _foot(frame, side, calf, knee)
    loose = outfit.looseness + 0.004
    if outfit.whole == "jumpsuit" or (outfit.whole == "none" and outfit.lower != "skirt"):
        material = Material.UPPER if outfit.whole == "jumpsuit" else Material.LOWER
        solids += _sleeve(
            frame, _LEGS[side], (radii[0], 0.058 * thick, 0.04 * thick), outfit.leg_length, loose, material
        )
    else:
        # a skirt's cloth also lies on a thigh that is lifted out of it
        material = Material.UPPER if outfit.whole == "dress" else Material.LOWER
        solids += _sleeve(
            frame, _LEGS[side], (radii[0], 0.058 * thick, 0.05 * thick), outfit.leg_length * 0.93, 0.006, material
        )
    return solids


def _foot(frame: _Frame, side: int, calf: DoubleArray, knee: DoubleArray) -> list[Primitive]:
    outfit, thick = frame.outfit, frame.body.height / 1.72
    ankle, tip = frame.joints[_LEGS[side][2]], frame.skeleton.feet[side]
    front = frame.pelvis[:, 2]
    down = (ankle - knee) / max(float(np.linalg.norm(ankle - knee)), 1e-6)
    heel = ankle + 0.045 * thick * down
    ball = tip - 0.2 * (tip - ankle)
    bare = (Material.RIGHT_LEG, Material.LEFT_LEG)[side]
    shoe = bare if outfit.foot == "barefoot" else (Material.RIGHT_SHOE, Material.LEFT_SHOE)[side]
    puff = 0.0 if outfit.foot == "barefoot" else 0.006
    solids = [
        Primitive(heel, ball, 0.036 * thick + puff, 0.034 * thick + puff, shoe, front),
        Primitive(ankle, ball, 0.036 * thick + puff, 0.03 * thick + puff, shoe, front),
        Primitive(ball, tip, 0.034 * thick + puff, 0.022 * thick + puff, shoe, front),
    ]
    if outfit.foot == "boots":
        solids.append(Primitive(ankle + 0.35 * (calf - ankle), ankle, 0.05 * thick, 0.045 * thick, shoe, front))
    elif outfit.foot == "shoes" and outfit.socks:
        solids.append(
            Primitive(ankle + 0.3 * (calf - ankle), ankle, 0.049 * thick, 0.042 * thick, Material.SOCK, front)
        )
    return solids


def _accessories(frame: _Frame) -> list[Primitive]:
    outfit, chest, thick = frame.outfit, frame.chest, frame.thick
    neck = frame.joints[sk.NECK]
    front = chest[:, 2]
    solids = []
    if outfit.scarf:
        ring = _ball(neck + chest @ np.array([0, 0.035, 0.015]), 0.095 * thick, Material.SCARF, chest, (1.0, 0.55, 1.0))
        tail = neck + chest @ np.array([0.05, -0.04, 0.1 * thick])
        solids += [
            ring,
            Primitive(tail, tail + chest @ np.array([0.01, -0.26, 0.02]), 0.035, 0.03, Material.SCARF, front),
        ]
    if outfit.bag:
        hang = frame.joints[sk.LEFT_HIP] + frame.pelvis @ np.array([0.13 * thick, 0.03, 0.02])
        bag = _ball(hang, 0.15, Material.BAG, frame.pelvis, (0.42, 0.8, 1.0))
        over = frame.joints[sk.RIGHT_SHOULDER] * 0.6 + neck * 0.4 + chest @ np.array([0, 0.05, 0.04]) * thick
        breast = (over + hang) / 2 + front * 0.09 * thick
        strap = [Primitive(a, b, 0.014, 0.014, Material.BAG, front) for a, b in ((over, breast), (breast, hang))]
        solids += [bag, *strap]
    return solids
