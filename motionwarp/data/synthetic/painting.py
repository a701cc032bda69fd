"""Colors and labels of what the pixels see: cloth, skin, hair and the face, and the light on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from motionwarp.data.synthetic.body import Skeleton
from motionwarp.data.synthetic.camera import Camera
from motionwarp.data.synthetic.figure import Material
from motionwarp.data.synthetic.primitives import Primitive, Surface
from motionwarp.data.synthetic.wardrobe import Outfit, Pattern
from motionwarp.parsing import labels
from motionwarp.types import BoolArray, ByteArray, FloatArray

_SKINS: Final = (
    Material.HEAD, Material.NECK, Material.RIGHT_ARM, Material.LEFT_ARM, Material.RIGHT_LEG, Material.LEFT_LEG
)  # fmt: skip
_FIXED_LABELS: Final = {
    Material.HEAD: labels.FACE, Material.NECK: labels.FACE, Material.RIGHT_ARM: labels.RIGHT_ARM,
    Material.LEFT_ARM: labels.LEFT_ARM,
    Material.RIGHT_LEG: labels.RIGHT_LEG, Material.LEFT_LEG: labels.LEFT_LEG, Material.HAIR: labels.HAIR,
    Material.LAYER: labels.COAT,
    Material.RIGHT_SHOE: labels.RIGHT_SHOE, Material.LEFT_SHOE: labels.LEFT_SHOE, Material.SOCK: labels.SOCKS,
    Material.HAT: labels.HAT,
    Material.SCARF: labels.SCARF, Material.GLOVE: labels.GLOVE, Material.BAG: labels.BACKGROUND,
}  # fmt: skip


@dataclass(frozen=True)
class Light:
    """A lamp far away and soft light from everywhere.

    Attributes
    ----------
    direction : (x, y, z)
        Towards the lamp in camera coordinates, of length 1.
    lamp, fill : float
        Brightness of a surface that faces the lamp, and of every surface.
    tint : (r, g, b)
        Color of the lamp about 1.
    """

    direction: tuple[float, float, float] = (-0.4, -0.6, -0.69)
    lamp: float = 0.6
    fill: float = 0.45
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)


def sample_light(rng: np.random.Generator) -> Light:
    """Draw a light from above and somewhere before the body."""
    direction = np.array([rng.normal(0, 0.7), -abs(rng.normal(0.6, 0.4)), -abs(rng.normal(0.8, 0.3))])
    direction /= np.linalg.norm(direction)
    fill = float(rng.uniform(0.3, 0.75))
    warm = float(rng.normal(0, 0.05))
    x, y, z = (float(v) for v in direction)
    return Light((x, y, z), float(rng.uniform(0.85, 1.15) - fill), fill, (1 + warm, 1.0, 1 - warm))


def label_of(material: Material, outfit: Outfit) -> int:
    """Return the LIP class of a material."""
    if material == Material.UPPER:
        return {"none": labels.UPPER_CLOTHES, "dress": labels.DRESS, "jumpsuit": labels.JUMPSUITS}[outfit.whole]
    if material == Material.LOWER:
        return labels.SKIRT if outfit.lower == "skirt" else labels.PANTS
    return int(_FIXED_LABELS[material])


def paint(
    surface: Surface,
    primitives: Sequence[Primitive],
    outfit: Outfit,
    skeleton: Skeleton,
    head_radius: float,
    camera: Camera,
    light: Light,
) -> tuple[FloatArray, ByteArray]:
    """Return what the pixels that see the body look like and are.

    Parameters
    ----------
    surface : Surface
        The visible surface of `primitives`, which dress `skeleton` in `outfit`.
    primitives : sequence of Primitive
    outfit : Outfit
    skeleton : Skeleton
    head_radius : float
        In meters.
    camera : Camera
    light : Light

    Returns
    -------
    colors : float32 (N, 3)
        RGB in [0, 1], in the order of the surface's rows.
    classes : uint8 (N,)
        LIP classes.
    """
    owners = np.array([int(primitive.material) for primitive in primitives], dtype=np.uint8)
    material = owners[surface.index[surface.mask]]
    classes = np.array([label_of(m, outfit) for m in Material], dtype=np.uint8)[material]
    albedo = np.zeros((len(material), 3), dtype=np.float32)
    cloth = {
        Material.UPPER: outfit.upper_pattern, Material.LOWER: outfit.lower_pattern,
        Material.LAYER: outfit.layer_pattern,
        Material.RIGHT_SHOE: outfit.shoe_pattern, Material.LEFT_SHOE: outfit.shoe_pattern,
        Material.SOCK: outfit.sock_pattern,
        Material.HAT: outfit.accent, Material.SCARF: outfit.accent, Material.GLOVE: outfit.accent,
        Material.BAG: outfit.accent,
    }  # fmt: skip
    for kind in np.unique(material):
        chosen = np.flatnonzero(material == kind)
        if kind in cloth:
            pattern = cloth[Material(kind)]
            albedo[chosen] = _cloth(pattern, surface.along[chosen], surface.around[chosen], surface.angle[chosen])
        elif kind in _SKINS:
            albedo[chosen] = np.asarray(outfit.skin, dtype=np.float32)
        else:
            strands = 1 + 0.13 * np.sin(55 * surface.angle[chosen] + 9 * np.sin(40 * surface.along[chosen]))
            albedo[chosen] = np.asarray(outfit.hair_color, dtype=np.float32) * strands[:, None]
    face = np.flatnonzero(material == Material.HEAD)
    if len(face):
        turn = (camera.rotation() @ skeleton.head_axes / head_radius).astype(np.float32)
        positions = (surface.points[face] - camera.seen(skeleton.head_center).astype(np.float32)) @ turn
        albedo[face], classes[face] = _face(positions, albedo[face], classes[face], outfit)
    shade = _shade(surface, light)
    return np.clip(albedo * shade, 0, 1).astype(np.float32), classes


def _cloth(pattern: Pattern, along: FloatArray, around: FloatArray, angle: FloatArray) -> FloatArray:
    folds = 1 + 0.05 * np.sin(34 * along + 2.5 * np.sin(2 * angle) + 3) + 0.04 * np.sin(7 * angle + 11 * along)
    return np.asarray(pattern.painted(along, around) * folds[:, None], dtype=np.float32)


def _face(
    positions: FloatArray, albedo: FloatArray, classes: ByteArray, outfit: Outfit
) -> tuple[FloatArray, ByteArray]:
    """Paint eyes, brows, mouth, hairline and sunglasses at places (N, 3): left, up and forward in radii of the head."""
    left, up, forward = positions.T
    across = np.abs(left)
    before = forward > 0.3

    def spot(x: float, y: float, wide: float, tall: float) -> BoolArray:
        inside: BoolArray = before & (((across - x) / wide) ** 2 + ((up - y) / tall) ** 2 < 1)
        return inside

    skin, hair = np.asarray(outfit.skin, np.float32), np.asarray(outfit.hair_color, np.float32)
    albedo[spot(0.45, -0.25, 0.22, 0.18)] = skin * np.array([1.02, 0.93, 0.93], np.float32)
    albedo[spot(0.36, 0.12, 0.19, 0.1)] = 0.35 * skin
    albedo[spot(0.36, 0.11, 0.16, 0.07)] = np.array([0.93, 0.93, 0.92], np.float32)
    albedo[spot(0.36, 0.11, 0.07, 0.075)] = np.array([0.16, 0.11, 0.08], np.float32)
    albedo[spot(0.37, 0.33, 0.22, 0.045)] = 0.5 * hair + 0.2 * skin
    albedo[spot(0.0, -0.56, 0.28, 0.075)] = np.asarray(outfit.lips, np.float32)
    albedo[spot(0.0, -0.56, 0.26, 0.015)] = 0.45 * skin
    albedo[spot(0.08, -0.26, 0.05, 0.03)] = 0.5 * skin
    if outfit.hair != "bald":
        grown = up > 0.62 + 0.35 * np.maximum(forward, -0.8) * (forward < 0) - 0.12 * across
        albedo[grown] = hair
        classes[grown] = labels.HAIR
    if outfit.sunglasses:
        # two panes, the bridge between them, and the temples to the ears
        panes = spot(0.36, 0.1, 0.27, 0.19)
        frame = (np.abs(up - 0.16) < 0.05) & (forward > -0.1)
        albedo[panes | frame] = np.array([0.05, 0.05, 0.06], np.float32)
        classes[panes | frame] = labels.SUNGLASSES
    return albedo, classes


def _shade(surface: Surface, light: Light) -> FloatArray:
    """Return the factor on the albedo, float32 (N, 3).

    Lambert's law, soft light from above, and less light in recesses.
    """
    lit = np.clip(surface.normal @ np.asarray(light.direction, dtype=np.float32), 0, 1)
    soft = light.fill * (0.85 - 0.15 * surface.normal[:, 1])
    tint = np.asarray(light.tint, dtype=np.float32)
    shade = light.lamp * lit[:, None] * tint + soft[:, None]
    shade[surface.inside] *= 0.5
    return np.asarray(shade * _openness(surface)[:, None], dtype=np.float32)


def _openness(surface: Surface) -> FloatArray:
    """Return how little the surroundings stand out before a pixel, float32 (N,) in [0.55, 1]."""
    mask = surface.mask.astype(np.float32)
    depth = np.where(surface.mask, surface.depth, 0).astype(np.float32)
    side = max(int(0.035 * surface.depth.shape[0]) | 1, 3)
    near = cv2.blur(depth, (side, side)) / np.maximum(cv2.blur(mask, (side, side)), 1e-3)
    behind = (depth - near)[surface.mask]
    return np.clip(1 - 3.5 * np.maximum(behind, 0), 0.55, 1).astype(np.float32)
