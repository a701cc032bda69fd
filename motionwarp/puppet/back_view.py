"""Who looks at us, from behind, which their photo does not show.

The same outline, with their own hair and cloth before face and chest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from motionwarp.inpainting.patch_match import filled_by_patches
from motionwarp.parsing import labels
from motionwarp.pose import skeleton
from motionwarp.puppet.joints import LEAST_SCORE
from motionwarp.puppet.textures import spread_colors
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

_FACE: Final = (labels.FACE, labels.SUNGLASSES)
_HAIR: Final = (labels.HAIR, labels.HAT)
_SURE: Final = 0.92  # matte above which a color is the person's own
# of the face's pixels: less hair than that is none that could go on behind the head
_LEAST_HAIR: Final = 0.1
# from the nose towards the neck: how far down short hair grows at the back, and where the chin ends; hair of which more
# than a share lies below that hides the neck too
_HAIRLINE: Final = 0.33
_CHIN: Final = 0.5
_LONG_HAIR: Final = 0.1
# of the root of the face's area: strands are finer than this, and would be drawn out into stripes
_STRANDS: Final = 0.2
_LEAST_STRANDS: Final = 0.15  # of the hair that is made up: less than that shows no strands
# of the root of the face's area, or of the chest's: so far around it colors are mixed with its own
_EDGE: Final = 0.06


def seen_from_behind(source: SourcePerson) -> SourcePerson:
    """Return a source whose face is covered by their hair, or by plain skin where there is none.

    Outline and points stay.

    Parameters
    ----------
    source : SourcePerson

    Returns
    -------
    SourcePerson
        The same where no face is seen.
    """
    face = np.isin(source.parsing, _FACE)
    hair = np.isin(source.parsing, _HAIR) & (source.matte > _SURE)
    if not face.any():
        return source
    size = float(np.sqrt(face.sum()))
    bald = bool(hair.sum() < _LEAST_HAIR * face.sum())
    neck = np.zeros_like(face) if bald else _bare_below(source, hair, _CHIN)
    nape = np.zeros_like(face) if bald else _bare_below(source, hair, _HAIRLINE) & ~neck
    rgb, parsing = source.rgb.copy(), source.parsing.copy()
    skin = face & neck
    rgb[face & nape] = np.median(source.rgb[skin if skin.any() else face], axis=0).astype(np.uint8)
    hidden = face & ~neck & ~nape
    covered = hidden | (_grown(hidden, _EDGE * size) & np.isin(source.parsing, _HAIR))
    known = hair & ~covered
    if bald or not known.any():
        rgb[hidden] = np.median(source.rgb[face], axis=0).astype(np.uint8)
        return replace(source, rgb=rgb)
    window = _window(covered | hair)
    smooth = _without_strands(source.rgb[window].astype(np.float32), known[window], _STRANDS * size)
    colors = spread_colors(smooth, known[window])
    rgb[window] = np.where(covered[window][..., None], np.rint(colors).astype(np.uint8), rgb[window])
    parsing[hidden] = labels.HAIR
    return replace(source, rgb=rgb, parsing=parsing)


def with_strands(behind: SourcePerson, before: ByteArray, sigma: float) -> SourcePerson:
    """Return a person seen from behind whose hair has strands, where it was made up, like that which the photo shows.

    Parameters
    ----------
    behind : SourcePerson
        As `seen_from_behind` made them, smooth there.
    before : uint8 (H, W, 3)
        The same person's colors before it: what differs was made up.
    sigma : float
        What is finer than a blur of this is strands, in pixels.

    Returns
    -------
    SourcePerson
        The same where the photo shows too little hair to take strands from.
    """
    hair = np.isin(behind.parsing, _HAIR)
    made_up = hair & (behind.rgb != before).any(axis=2)
    shown = hair & ~made_up & (behind.matte > _SURE)
    if not made_up.any() or np.count_nonzero(shown) < _LEAST_STRANDS * np.count_nonzero(made_up):
        return behind
    window = _window(hair)
    colors, known = behind.rgb[window], shown[window]
    guess = np.where(known[..., None], colors, spread_colors(colors.astype(np.float32), known)).astype(np.uint8)
    filled = filled_by_patches(guess, ~known).astype(np.float32)
    strands = filled - _without_strands(filled, hair[window], sigma)
    rgb = behind.rgb.copy()
    mixed = np.rint(colors + strands).clip(0, 255).astype(np.uint8)
    rgb[window] = np.where(made_up[window][..., None], mixed, colors)
    return replace(behind, rgb=rgb)


def _without_strands(colors: FloatArray, known: BoolArray, sigma: float) -> FloatArray:
    """Return the mean colors around each pixel that is known, float32 (H, W, 3)."""
    weight = known.astype(np.float32)
    summed = cv2.GaussianBlur(np.dstack([colors * weight[..., None], weight]), (0, 0), max(sigma, 0.5))
    return np.asarray(summed[..., :3] / np.maximum(summed[..., 3:], np.float32(1e-6)), dtype=np.float32)


def _window(mask: BoolArray) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _beyond(shape: tuple[int, ...], start: FloatArray, along: FloatArray, share: float) -> BoolArray:
    """Return the pixels that lie more than a share of a vector beyond its start, bool (H, W)."""
    x, y = (np.arange(size, dtype=np.float32) for size in (shape[1], shape[0]))
    return np.asarray(
        ((x - start[0]) * along[0])[None, :] + ((y - start[1]) * along[1])[:, None] > share * (along @ along)
    )


def _bare_below(source: SourcePerson, hair: BoolArray, share: float) -> BoolArray:
    """Return what lies below a share of the way from nose to neck, if no hair hangs below the chin, bool (H, W)."""
    nose, neck = source.pose.points[skeleton.NOSE], source.pose.points[skeleton.NECK]
    if min(nose[2], neck[2]) < LEAST_SCORE:
        return np.zeros_like(hair)
    down = neck[:2] - nose[:2]
    long = (hair & _beyond(hair.shape, nose[:2], down, _CHIN)).sum() >= _LONG_HAIR * hair.sum()
    return np.zeros_like(hair) if long else _beyond(hair.shape, nose[:2], down, share)


def _grown(mask: BoolArray, radius: float) -> BoolArray:
    size = 2 * max(round(radius), 1) + 1
    return np.asarray(cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0)
