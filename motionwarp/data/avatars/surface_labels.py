"""The LIP class of an avatar's triangles, where clothes are painted on: by their bones, and whether they are skin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.types import BoolArray, ByteArray, FloatArray

NO_DYE: Final = 0
TOP_DYE: Final = 1
BOTTOM_DYE: Final = 2
SHOE_DYE: Final = 3
HAIR_DYE: Final = 4
DYE_COUNT: Final = 5

_HEAD_BONES: Final = ("Head", "LeftEye", "RightEye")
_HEM: Final = (-0.03, 0.12)  # metres above the hips within which a top may end: not known there
_SKIN_DISTANCE: Final = 15.0  # in CIELAB, lightness counted less and color more: shaded skin is skin
_SKIN_SCALES: Final = (0.35, 1.5, 1.5)
_SKIN_RED: Final = 9.0  # least a* in CIELAB of any skin; brown trousers have less
_RING: Final = 0.02  # meters
_TWO_COLORS: Final = 25.0  # in CIELAB, between garments that color tells apart
_ONE_COLOR: Final = 14.0  # in CIELAB, between parts of one garment
_GOES_ON: Final = 0.12  # share of the thighs from which a garment of the top's color counts as long
_FACE_HALF_WIDTH: Final = 0.062
_FACE_REACH: Final = 0.045  # metres above the eyes where a forehead ends and hair may begin


def label_faces(
    vertices: FloatArray,
    faces: np.ndarray[tuple[int, ...], np.dtype[np.int32]],
    uv: FloatArray,
    face_texture: ByteArray,
    dominant: Sequence[str],
    textures: Sequence[ByteArray],
    points: FloatArray,
) -> tuple[ByteArray, ByteArray]:
    """Return the LIP class of every triangle, and what it is dyed with.

    Parameters
    ----------
    vertices : float32 (N, 3)
        At rest.
    faces : int32 (F, 3)
    uv : float32 (N, 2)
    face_texture : uint8 (F,)
        0 is body and clothes, 1 is hair.
    dominant : sequence of str
        The bone that moves each vertex most, by Mixamo's names.
    textures : sequence of uint8 (h, w, 3)
    points : float32 (18, 3)
        OpenPose's points at rest.

    Returns
    -------
    labels : uint8 (F,)
        255 where the class cannot be told: about the hem of a top, and tops of suits and uniforms.
    dyes : uint8 (F,)
        `NO_DYE` (skin), `TOP_DYE`, `BOTTOM_DYE`, `SHOE_DYE` or `HAIR_DYE`: things that may change their color together.
    """
    bone = np.array(dominant)[faces[:, 0]]
    middle = vertices[faces].mean(axis=1)  # (F, 3)
    color = _lab_colors(uv[faces].mean(axis=1), textures[0])
    is_head = np.isin(bone, _HEAD_BONES)
    hands = np.char.find(bone.astype(str), "Hand") >= 0
    hands |= np.char.find(bone.astype(str), "Finger") >= 0
    cheeks = is_head & _is_within(middle, points)
    skin = _is_near(color, np.median(color[cheeks], axis=0)) | _is_near(color, np.median(color[hands], axis=0))
    legs = np.isin(bone, ["LeftUpLeg", "RightUpLeg", "LeftLeg", "RightLeg"])
    skin[legs] = _has_skin_hue(color[legs])
    for limb, axis in (("Leg", 1), ("Arm", 0), ("ForeArm", 0)):
        for side in ("Left", "Right"):
            _agree_along(skin, bone == f"{side}{limb}", middle[:, axis])

    result = np.where(skin, labels.IGNORE, labels.UPPER_CLOTHES).astype(np.uint8)
    for side, arm, leg, shoe in (
        ("Left", labels.LEFT_ARM, labels.LEFT_LEG, labels.LEFT_SHOE),
        ("Right", labels.RIGHT_ARM, labels.RIGHT_LEG, labels.RIGHT_SHOE),
    ):
        of_arm = np.isin(bone, [f"{side}Arm", f"{side}ForeArm"])
        result[of_arm & skin] = arm
        result[hands & (np.char.startswith(bone.astype(str), side))] = arm
        of_leg = np.isin(bone, [f"{side}UpLeg", f"{side}Leg"])
        result[of_leg] = np.where(skin[of_leg], leg, labels.PANTS)
        result[np.isin(bone, [f"{side}Foot", f"{side}ToeBase", f"{side}ToeEnd"])] = shoe
    result[bone == "Hips"] = labels.PANTS
    above_hips = middle[:, 1] - points[[sk.LEFT_HIP, sk.RIGHT_HIP], 1].mean()
    hem = np.isin(bone, ["Hips", "Spine", "Spine1", "LeftUpLeg", "RightUpLeg"])
    hem &= (above_hips > _HEM[0]) & (above_hips < _HEM[1])
    dyes = _dyes_of(result, skin)
    _settle_hem(result, dyes, hem, bone, color)
    _settle_garment(result, dyes, bone, color, skin)
    neck = bone == "Neck"
    result[neck & skin] = labels.FACE
    nape = (points[sk.NECK, 1] + points[sk.NOSE, 1]) / 2
    result[neck & ~skin & (middle[:, 1] > nape)] = labels.IGNORE  # a collar, or hair
    result[is_head] = _head_labels(middle[is_head], color[is_head], color[cheeks], points)
    result[face_texture == 1] = labels.HAIR
    dyes[is_head | (face_texture == 1)] = NO_DYE
    dyes[result == labels.HAIR] = HAIR_DYE
    return result, dyes


def _dyes_of(result: ByteArray, skin: BoolArray) -> ByteArray:
    dyes = np.full(len(result), NO_DYE, dtype=np.uint8)
    for dye, classes in (
        (TOP_DYE, (labels.UPPER_CLOTHES,)),
        (BOTTOM_DYE, (labels.PANTS,)),
        (SHOE_DYE, (labels.LEFT_SHOE, labels.RIGHT_SHOE)),
    ):
        dyes[np.isin(result, classes) & ~skin] = dye
    return dyes


def _settle_hem(
    result: ByteArray,
    dyes: ByteArray,
    hem: BoolArray,
    bone: np.ndarray[tuple[int, ...], np.dtype[np.str_]],
    color: FloatArray,
) -> None:
    """Tell top from trousers about the hips by color, where the two differ enough."""
    result[hem] = labels.IGNORE
    top = np.isin(bone, ["Spine1", "Spine2"]) & ~hem
    thighs = np.isin(bone, ["LeftUpLeg", "RightUpLeg"]) & (result == labels.PANTS)
    if not top.any() or not thighs.any():
        return
    upper, lower = np.median(color[top], axis=0), np.median(color[thighs], axis=0)
    to_upper = np.linalg.norm(color[hem] - upper, axis=1)
    to_lower = np.linalg.norm(color[hem] - lower, axis=1)
    dyes[hem] = np.where(to_upper < to_lower, TOP_DYE, BOTTOM_DYE)
    if np.linalg.norm(upper - lower) > _TWO_COLORS:
        sure = np.where(to_upper < 0.5 * to_lower, labels.UPPER_CLOTHES, labels.IGNORE)
        result[hem] = np.where(to_lower < 0.5 * to_upper, labels.PANTS, sure)


def _settle_garment(
    result: ByteArray,
    dyes: ByteArray,
    bone: np.ndarray[tuple[int, ...], np.dtype[np.str_]],
    color: FloatArray,
    skin: BoolArray,
) -> None:
    """Tell dresses and long coats, which go on below the hips in one color, from tops and trousers.

    Of suits, overalls and uniforms, of one color down to the feet, it is not known what the top is.
    """
    trunk = np.isin(bone, ["Spine", "Spine1", "Spine2", "LeftShoulder", "RightShoulder"]) & ~skin
    thighs = np.isin(bone, ["LeftUpLeg", "RightUpLeg"])
    shins = np.isin(bone, ["LeftLeg", "RightLeg"])
    arms = np.isin(bone, ["LeftArm", "RightArm", "LeftForeArm", "RightForeArm"]) & ~skin
    thigh_cloth = thighs & ~skin
    if not trunk.any() or not thigh_cloth.any():
        return
    alike = np.linalg.norm(color - np.median(color[trunk], axis=0), axis=1) < _ONE_COLOR
    below = thigh_cloth & alike
    if below.sum() < _GOES_ON * thighs.sum():
        return
    # it goes on below the hips: what else is worn there is something else
    whole = trunk | arms | below | (np.isin(bone, ["Hips", "Spine", "Spine1"]) & alike & ~skin)
    dyes[whole] = TOP_DYE
    shins_skin = skin[shins].mean()
    if shins_skin > 0.5:
        result[whole] = labels.DRESS
    elif alike[shins & ~skin].mean() < 0.5:
        result[whole] = labels.COAT
    else:
        result[whole & (trunk | arms)] = labels.IGNORE
        dyes[dyes == BOTTOM_DYE] = TOP_DYE


def _lab_colors(uv: FloatArray, texture: ByteArray) -> FloatArray:
    """Return the texture's colors at places (F, 2) in CIELAB, float32 (F, 3)."""
    height, width = texture.shape[:2]
    columns = np.clip(uv[:, 0] * width, 0, width - 1).astype(int)
    rows = np.clip(uv[:, 1] * height, 0, height - 1).astype(int)
    colors = texture[rows, columns].astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(colors[None], cv2.COLOR_RGB2LAB)[0], dtype=np.float32)


def _is_near(color: FloatArray, reference: FloatArray) -> BoolArray:
    return np.asarray(np.linalg.norm((color - reference) * _SKIN_SCALES, axis=1) < _SKIN_DISTANCE)


def _has_skin_hue(color: FloatArray) -> BoolArray:
    """Return which colors have the hue of skin: legs are often darker than the face, and brown cloth is yellower."""
    red, yellow = color[:, 1], color[:, 2]
    return np.asarray((red > _SKIN_RED) & (yellow > 0.6 * red) & (yellow < 2 * red))


def _agree_along(skin: BoolArray, limb: BoolArray, place: FloatArray) -> None:
    """Make rings of a limb all skin or all cloth, as most of each is: sleeves and hems end squarely."""
    ring = np.floor(place[limb] / _RING).astype(int)
    ring -= ring.min() if len(ring) else 0
    total = np.maximum(np.bincount(ring), 1)
    skin[limb] = (np.bincount(ring, skin[limb]) / total)[ring] > 0.5


def _is_within(middle: FloatArray, points: FloatArray) -> BoolArray:
    """Return which places on the head belong to the face's front."""
    eyes = points[[sk.LEFT_EYE, sk.RIGHT_EYE]].mean(axis=0)
    return np.asarray(
        (np.abs(middle[:, 0]) < _FACE_HALF_WIDTH)
        & (middle[:, 1] < eyes[1] + _FACE_REACH)
        & (middle[:, 2] > eyes[2] - 0.06)
    )


def _head_labels(middle: FloatArray, color: FloatArray, face_colors: FloatArray, points: FloatArray) -> ByteArray:
    """Tell hair that is painted on from skin: what looks more like the crown than like the face."""
    eyes = points[[sk.LEFT_EYE, sk.RIGHT_EYE]].mean(axis=0)
    crown = (middle[:, 1] > eyes[1] + 0.06) & (middle[:, 2] < eyes[2] - 0.08)
    result = np.full(len(middle), labels.FACE, dtype=np.uint8)
    if not crown.any():
        return result
    hair, skin = np.median(color[crown], axis=0), np.median(face_colors, axis=0)
    if np.linalg.norm(hair - skin) < 12:
        return result  # bald, or below a wig of its own
    nearer = np.linalg.norm(color - hair, axis=1) < np.linalg.norm(color - skin, axis=1)
    result[nearer & ~_is_within(middle, points) & (middle[:, 1] > points[sk.NOSE, 1] - 0.09)] = labels.HAIR
    return result
