"""Who looks at us, from behind, which their photo does not show.

The same outline, with their own hair and cloth before face and chest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from motionwarp.parsing import labels
from motionwarp.parsing.refine import spread_classes
from motionwarp.pose import skeleton
from motionwarp.puppet.joints import LEAST_SCORE
from motionwarp.puppet.textures import spread_colors
from motionwarp.types import BoolArray, FloatArray, SourcePerson

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
# of the root of the face's area, or of the chest's: so far around it colors are mixed with its own
_EDGE: Final = 0.06
_TOPS: Final = (labels.UPPER_CLOTHES, labels.DRESS, labels.COAT, labels.JUMPSUITS)
# torsos from the neck's point downwards, where a neck ends at the back
_NAPE: Final = 0.02
_LEAST_CLOTH: Final = 0.5  # of the chest's pixels that are bare: with less cloth than that a back is bare too


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


def _without_strands(colors: FloatArray, known: BoolArray, sigma: float) -> FloatArray:
    """Return the mean colors around each pixel that is known, float32 (H, W, 3)."""
    weight = known.astype(np.float32)
    summed = cv2.GaussianBlur(np.dstack([colors * weight[..., None], weight]), (0, 0), max(sigma, 0.5))
    return np.asarray(summed[..., :3] / np.maximum(summed[..., 3:], np.float32(1e-6)), dtype=np.float32)


def with_covered_chest(source: SourcePerson) -> SourcePerson:
    """Return a source whose neckline is as high as at the back.

    What is bare below the neck has the colors of the cloth around it.

    Parameters
    ----------
    source : SourcePerson

    Returns
    -------
    SourcePerson
        The same where nothing is bare, or hardly anything is clothed.
    """
    points = source.pose.points
    neck, hips = points[skeleton.NECK], points[[skeleton.RIGHT_HIP, skeleton.LEFT_HIP]]
    if min(neck[2], hips[:, 2].min()) < LEAST_SCORE:
        return source
    down = hips[:, :2].mean(axis=0) - neck[:2]
    bare = np.isin(source.parsing, _FACE) & _beyond(source.parsing.shape, neck[:2], down, _NAPE)
    cloth = np.isin(source.parsing, _TOPS) & (source.matte > _SURE)
    if not bare.any() or cloth.sum() < _LEAST_CLOTH * bare.sum():
        return source
    covered = bare | (_grown(bare, _EDGE * float(np.sqrt(bare.sum()))) & np.isin(source.parsing, _TOPS))
    known = cloth & ~covered
    if not known.any():
        return source
    window = _window(covered | cloth)
    rgb, parsing = source.rgb.copy(), source.parsing.copy()
    colors = spread_colors(source.rgb[window].astype(np.float32), known[window])
    rgb[window] = np.where(covered[window][..., None], np.rint(colors).astype(np.uint8), rgb[window])
    parsing[window] = np.where(bare[window], spread_classes(source.parsing[window], known[window]), parsing[window])
    return replace(source, rgb=rgb, parsing=parsing)


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
