"""The trunk beneath arms that lie before it: its own cloth, in patches of what is seen beside them. Ours.

Smooth colors are good enough beneath a wrist; beneath arms that are crossed they would be a gray cloud on a shirt once
the arms go up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.inpainting.patch_match import filled_by_patches
from motionwarp.parsing import labels
from motionwarp.parsing.refine import spread_classes
from motionwarp.puppet import parts
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.puppet.textures import SURE, spread_colors
from motionwarp.types import BoolArray, ByteArray, SourcePerson

Scalar = TypeVar("Scalar", bound=np.generic)

TRUNK: Final = (parts.TORSO, parts.GARMENT)
# upper arms lie beside it
_BEFORE: Final = tuple(part for limb in (parts.RIGHT_ARM, parts.LEFT_ARM) for part in limb.parts[1:])
_OF_OTHERS: Final = (labels.LEFT_ARM, labels.RIGHT_ARM, labels.GLOVE, labels.HAIR, labels.FACE)
_BELOW: Final = (labels.PANTS, labels.SKIRT, labels.SOCKS)
# lengths in torsos, areas in squared torsos
_WORKING_TORSO: Final = 220.0  # pixels, at most, of the size at which patches are copied
_FINEST: Final = 96  # pixels: long side of the size at which patches are looked for
_LEAST_HIDDEN: Final = 0.03
_LEAST_SEEN: Final = 0.06
_EDGE: Final = 0.02  # around others, where colors are mixed with theirs
_RIM: Final = 0.03  # around what is hidden: borders of parts are not told better
_AROUND: Final = 0.45  # of what is hidden: so far away patches are looked for


def trunk_beneath_arms(source: SourcePerson, regions: PartRegions, torso: float) -> tuple[SourcePerson, PartRegions]:
    """Return a person whose trunk goes on beneath their arms, and regions in which it owns what was made up.

    Parameters
    ----------
    source : SourcePerson
    regions : PartRegions
        Which pixels are which part's.
    torso : float
        In pixels.

    Returns
    -------
    SourcePerson, PartRegions
        For the textures of `TRUNK` alone: colors and classes of arms are gone there. The same where arms hide little of
        it, or nearly all.
    """
    shape, trunk = regions.own.shape[1:], list(TRUNK)
    full = source.matte.shape[::-1]
    arms = regions.own[list(_BEFORE)].max(axis=0)
    hidden = (arms > regions.own[trunk].max(axis=0)) & (regions.margins[trunk].max(axis=0) > 0)
    hidden &= cv2.resize(source.matte, shape[::-1], interpolation=cv2.INTER_AREA) > 0.5
    if np.count_nonzero(hidden) < _LEAST_HIDDEN * (shape[0] / full[1] * torso) ** 2:
        return source, regions
    others = _grown(np.isin(source.parsing, _OF_OTHERS), _EDGE * torso)
    wanted = _grown(_at(hidden, full), _RIM * torso)
    all_arms = regions.own[list(parts.ARM_PARTS)].max(axis=0)
    seen = _at(regions.own[trunk].max(axis=0) > np.maximum(all_arms, 0), full) & ~others & ~wanted
    seen &= source.matte > SURE
    window = _window_of(wanted, round(_AROUND * torso))
    if np.count_nonzero(seen[window]) < _LEAST_SEEN * torso**2:
        return source, regions
    rgb, parsing = source.rgb.copy(), source.parsing.copy()
    classes = spread_classes(parsing[window], seen[window])
    parsing[window] = np.where(wanted[window], classes, parsing[window])
    below = np.isin(classes, _BELOW)
    for garment in (below, ~below):
        known, hole = seen[window] & garment, wanted[window] & garment
        if not hole.any():
            continue
        rgb[window] = np.where(hole[..., None], _filled(rgb[window], known, torso), rgb[window])
    own = regions.own.copy()
    for part in TRUNK:
        own[part][hidden] = np.maximum(own[part][hidden], regions.margins[part][hidden])
    return replace(source, rgb=rgb, parsing=parsing), PartRegions(regions.margins, own)


def _filled(rgb: ByteArray, known: BoolArray, torso: float) -> ByteArray:
    """Return a picture that goes on in patches of what is known of it, uint8 (H, W, 3)."""
    full, scale = known.shape[::-1], min(1.0, _WORKING_TORSO / torso)
    size = max(round(full[0] * scale), 1), max(round(full[1] * scale), 1)
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    told = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 1 - 1e-3
    if not told.any():
        return rgb
    guess = np.rint(spread_colors(small.astype(np.float32), told)).clip(0, 255).astype(np.uint8)
    # on its side: clothes go on downwards as pictures do across
    filled = _on_side(filled_by_patches(_on_side(guess), _on_side(~told), finest=_FINEST))
    return np.asarray(cv2.resize(filled, full, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _on_side(plane: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Return a picture or mask with rows for columns."""
    return np.ascontiguousarray(plane.swapaxes(0, 1))


def _grown(mask: BoolArray, radius: float) -> BoolArray:
    side = 2 * max(round(radius), 1) + 1
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0)


def _at(mask: BoolArray, size: tuple[int, ...]) -> BoolArray:
    """Return a mask at another size, (width, height)."""
    return np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) > 0.5)


def _window_of(mask: BoolArray, around: int) -> tuple[slice, slice]:
    """Return rows and columns of a mask and so many pixels around it."""
    first, last = (np.maximum([np.flatnonzero(mask.any(axis=axis))[end] for axis in (1, 0)], 0) for end in (0, -1))
    (top, left), (bottom, right) = np.maximum(first - around, 0), last + around + 1
    return slice(top, bottom), slice(left, right)
