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
from motionwarp.parsing.refine import spread_classes
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
_TOPS: Final = (labels.UPPER_CLOTHES, labels.DRESS, labels.COAT, labels.JUMPSUITS)
# torsos from the neck's point downwards, where a neck ends at the back
_NAPE: Final = 0.02
_LEAST_TRUNK: Final = 50  # pixels
_LEAST_COAT: Final = 0.25  # of a trunk's cloth: it has something under it
_SIDE_BAND: Final = 0.22  # of a trunk's breadth: colors there go round to the back
_UNLIKE: Final = 42.0  # of 255, between colors
_PATTERN: Final = 1.5  # deviations of a cloth's own colors
_MIRRORED_TORSOS: Final = 0.1
_BLUR_TORSOS: Final = 0.08  # around which colors are compared
_SEAM_TORSOS: Final = 0.03  # edges are taken out with what they edge
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


def with_plain_back(source: SourcePerson) -> SourcePerson:
    """Return a source whose trunk shows what its back does: one cloth, without what an open jacket or a print shows.

    What lies between both sides and has other colors than either is taken out, and a shirt under a coat is too.

    Parameters
    ----------
    source : SourcePerson

    Returns
    -------
    SourcePerson
        The same where the points do not tell where the trunk is, or it is plain already.
    """
    points = source.pose.points
    neck, hips = points[skeleton.NECK], points[[skeleton.RIGHT_HIP, skeleton.LEFT_HIP]]
    if min(neck[2], hips[:, 2].min()) < LEAST_SCORE:
        return source
    torso = float(np.linalg.norm(hips[:, :2].mean(axis=0) - neck[:2]))
    cloth = np.isin(source.parsing, (*_TOPS, labels.SCARF)) & (source.matte > _SURE)
    top, bottom = round(float(neck[1]) - 0.3 * torso), round(float(hips[:, 1].mean()) + 0.4 * torso)
    cloth[: max(top, 0)] = cloth[max(bottom, 0) :] = False
    if np.count_nonzero(cloth) < _LEAST_TRUNK:
        return source
    coat = cloth & (source.parsing == labels.COAT)
    hidden = cloth & (source.parsing == labels.SCARF)
    if _LEAST_COAT * cloth.sum() < coat.sum():
        hidden |= cloth & ~coat
    hidden |= _unlike_both_sides(source.rgb, cloth & ~hidden, _BLUR_TORSOS * torso)
    if not hidden.any() or (cloth & ~hidden).sum() < _LEAST_CLOTH * hidden.sum():
        return source
    covered = _grown(hidden, _SEAM_TORSOS * torso) & cloth
    known = cloth & ~covered
    if not known.any():
        return source
    window = _window(cloth)
    rgb = source.rgb.copy()
    colors = _mirrored(source.rgb[window], known[window], _MIRRORED_TORSOS * torso)
    rgb[window] = np.where(covered[window][..., None], colors, rgb[window])
    return replace(source, rgb=rgb)


def _mirrored(rgb: ByteArray, known: BoolArray, reach: float) -> ByteArray:
    """Return a picture whose unknown pixels are what is known beside them, mirrored back and forth over a length."""
    distance, labels_of = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    ys, xs = np.nonzero(known)
    places = np.zeros((int(labels_of.max()) + 1, 2), dtype=np.float32)
    places[labels_of[ys, xs]] = np.column_stack([xs, ys])
    nearest = places[labels_of]
    y, x = np.mgrid[0 : known.shape[0], 0 : known.shape[1]].astype(np.float32)
    outward = (nearest - np.dstack([x, y])) / np.maximum(distance, 1e-3)[..., None]
    turns = np.mod(distance, 2 * reach)
    at = (nearest + outward * np.minimum(turns, 2 * reach - turns)[..., None]).astype(np.float32)
    plain = spread_colors(rgb.astype(np.float32), known)
    found = cv2.remap(plain, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(known[..., None], rgb, np.rint(found).clip(0, 255).astype(np.uint8))


def _unlike_both_sides(rgb: ByteArray, cloth: BoolArray, sigma: float) -> BoolArray:
    """Return the pixels of a trunk whose colors are neither like its left side's nor like its right side's."""
    smooth = _without_strands(rgb.astype(np.float32), cloth, sigma)
    # a pattern is unlike itself
    least = max(_UNLIKE, _PATTERN * float(np.linalg.norm(smooth[cloth].std(axis=0))))
    unlike = np.zeros_like(cloth)
    for row in np.flatnonzero(cloth.any(axis=1)):
        own = np.flatnonzero(cloth[row])
        first, last = own[0], own[-1]
        band = max(round(_SIDE_BAND * (last - first)), 1)
        sides = [np.median(smooth[row, side], axis=0) for side in (own[own <= first + band], own[own >= last - band])]
        apart = [np.linalg.norm(smooth[row, own] - side, axis=1) for side in sides]
        within = (own > first + band) & (own < last - band)
        unlike[row, own] = within & (np.minimum(*apart) > least)
    return np.asarray(cv2.morphologyEx(unlike.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0)


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
