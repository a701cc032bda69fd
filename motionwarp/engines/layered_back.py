"""The head from behind, which a photo of somebody who looks at us does not show: the same outline, full of the person's own hair."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from motionwarp.engines.layered_skeleton import LEAST_SCORE
from motionwarp.engines.layered_textures import spread_colours
from motionwarp.parsing import labels
from motionwarp.pose import skeleton
from motionwarp.types import BoolArray, SourcePerson

_FACE: Final = (labels.FACE, labels.SUNGLASSES)
_HAIR: Final = (labels.HAIR, labels.HAT)
_SURE: Final = 0.92  # matte above which a colour is the person's own
# of the face's pixels: less hair than that is none that could go on behind the head
_LEAST_HAIR: Final = 0.1
# from the nose towards the neck, where the chin ends; hair of which more than a share lies below hides the neck too
_CHIN: Final = 0.5
_LONG_HAIR: Final = 0.1
# of the root of the face's area: so far around it colours are mixed with its own
_EDGE: Final = 0.06


def seen_from_behind(source: SourcePerson) -> SourcePerson:
    """Return a source whose face is covered by their hair, or by plain skin where there is none; outline and points stay.

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
    bald = bool(hair.sum() < _LEAST_HAIR * face.sum())
    hidden = face if bald else face & ~_bare_neck(source, hair)
    if not hidden.any():
        return source
    covered = hidden | (_grown(hidden, _EDGE * float(np.sqrt(face.sum()))) & np.isin(source.parsing, _HAIR))
    rgb, parsing = source.rgb.copy(), source.parsing.copy()
    if bald or not (hair & ~covered).any():
        rgb[hidden] = np.median(source.rgb[face], axis=0).astype(np.uint8)
        return replace(source, rgb=rgb)
    rows, columns = (np.flatnonzero((covered | hair).any(axis=axis)) for axis in (1, 0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    colours = spread_colours(source.rgb[window].astype(np.float32), (hair & ~covered)[window])
    rgb[window] = np.where(covered[window][..., None], np.rint(colours).astype(np.uint8), rgb[window])
    parsing[hidden] = labels.HAIR
    return replace(source, rgb=rgb, parsing=parsing)


def _bare_neck(source: SourcePerson, hair: BoolArray) -> BoolArray:
    """Return what lies below the chin, if hair does not hang down there, bool (H, W)."""
    nose, neck = source.pose.points[skeleton.NOSE], source.pose.points[skeleton.NECK]
    height, width = hair.shape
    if min(nose[2], neck[2]) < LEAST_SCORE:
        return np.zeros_like(hair)
    down = neck[:2] - nose[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    below = (x - nose[0]) * down[0] + (y - nose[1]) * down[1] > _CHIN * (down @ down)
    return below if (hair & below).sum() < _LONG_HAIR * hair.sum() else np.zeros_like(hair)


def _grown(mask: BoolArray, radius: float) -> BoolArray:
    size = 2 * max(round(radius), 1) + 1
    return np.asarray(cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0)
