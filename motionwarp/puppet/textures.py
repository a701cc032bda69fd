"""The source's pixels cut into one picture for each part, with clean edges and without holes.

Under the soft edge of the matte, colors are mixed with the background; under an arm, a torso has the arm's colors.
Both are replaced by the part's own reliable colors, spread outwards from where they are sure (push and pull over a
pyramid, after Gortler et al. 1996), before anything is warped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
import torch
from torch import Tensor

from motionwarp.parsing import labels
from motionwarp.parsing.refine import spread_classes
from motionwarp.pose import skeleton
from motionwarp.puppet import parts
from motionwarp.puppet.joints import LEAST_SCORE
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

_FEATHER: Final = 0.7  # nats over which a part fades out beyond what it owns
SURE: Final = 0.92  # matte above which a color is the person's own
_MATTE_LOW: Final = 0.25  # mattes of networks are blurred: what lies below is background
_MATTE_HIGH: Final = 0.8
CONTINUED: Final = 0.5  # torsos by which a person goes on below the picture's end
_WEAVE_SHARE: Final = 0.06  # of that length: what is finer than this is weave
_WEAVE_LEVELS: Final = 8
_TRUNK_REACH: Final = 0.42  # torsos from the middle of the hips within which cloth at the picture's end is the trunk's
_EDGE: Final = 2.0  # pixels of the regions around what lies before a part, whose colors that does not take
_SHOWN: Final = -0.3  # nats: a part's own pixels, and the edge that it shares
_PAD: Final = 2  # empty pixels around each texture, so that its edge is sampled to zero


@dataclass(frozen=True, eq=False)
class PartTexture:
    """One part's pixels in a box of the source.

    Attributes
    ----------
    rgba : float32 tensor (1, 4, h, w)
        Colors in [0, 1] multiplied by alpha, and alpha.
    parsing : float32 tensor (1, 1, h, w) or None
        Classes of the part's pixels, spread over what was filled.
    left, top : int
        The box's first pixel in the source; may be negative.
    outline : float32 (N, 2)
        Convex hull of the pixels that are not empty, in source pixels.
    """

    rgba: Tensor
    parsing: Tensor | None
    left: int
    top: int
    outline: FloatArray


def continued_below(source: SourcePerson, torso: float, middle_x: float) -> SourcePerson:
    """Return a source whose person, if the picture cuts them off below, goes on a little with the last row's pixels.

    When somebody who was cut at the waist moves up, cloth shows at the frame's edge rather than an end. Arms that leave
    the picture do not go on: they end in hands, not in longer arms.

    Parameters
    ----------
    source : SourcePerson
    torso : float
        In pixels.
    middle_x : float
        Middle of the hips, in pixels.

    Returns
    -------
    SourcePerson
        The same if the person ends inside the picture, or stands in it.
    """
    ankles = source.pose.points[[skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE], 2]
    if ankles.max() >= LEAST_SCORE or source.matte[-1].max() < SURE:
        return source
    rows = max(round(CONTINUED * torso), 1)

    def longer(plane: ByteArray | FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[Any]]:
        return np.pad(plane, ((0, rows), (0, 0)) if plane.ndim == 2 else ((0, rows), (0, 0), (0, 0)), mode="edge")

    rgb = np.concatenate([source.rgb, _continued_colors(source.rgb, rows)])
    continued = replace(source, rgb=rgb, matte=longer(source.matte), parsing=longer(source.parsing))
    continued.matte[-rows:, ~continued_columns(source, torso, middle_x)] = 0
    return continued


def continued_columns(source: SourcePerson, torso: float, middle_x: float) -> BoolArray:
    """Return in which columns `continued_below`, of the same arguments, lets a person go on, bool (W,)."""
    columns = np.arange(source.matte.shape[1], dtype=np.float32)
    of_arms = np.isin(source.parsing[-1], (labels.LEFT_ARM, labels.RIGHT_ARM))
    return np.asarray(~of_arms & (np.abs(columns - middle_x) <= _TRUNK_REACH * torso))


def _continued_colors(rgb: ByteArray, rows: int) -> ByteArray:
    """Return how a picture goes on below its end, uint8 (rows, W, 3).

    The colors of its end go straight on, so that no belt comes twice; what is fine, folds and weave, is mirrored over
    them, so that there are no streaks.
    """
    end = rgb[-rows:].astype(np.float32)
    smooth = cv2.GaussianBlur(end, (1, 0), 0, sigmaY=_WEAVE_SHARE * rows, borderType=cv2.BORDER_REPLICATE)
    # what stands out more, such as a hand, is none
    fine = (end - smooth).clip(-_WEAVE_LEVELS, _WEAVE_LEVELS)
    weave = np.pad(fine[::-1], ((0, rows - len(end)), (0, 0), (0, 0)), mode="reflect")
    lasting = smooth[-1:]
    return np.asarray(np.rint(lasting + weave).clip(0, 255), dtype=np.uint8)


def cleaned_matte(matte: FloatArray) -> FloatArray:
    """Return a matte with the blur of its edge narrowed, float32 in [0, 1]."""
    cleaned: FloatArray = np.clip((matte - _MATTE_LOW) / np.float32(_MATTE_HIGH - _MATTE_LOW), 0, 1)
    return cleaned


def cut_textures(
    rgb: ByteArray,
    matte: FloatArray,
    parsing: ByteArray,
    regions: PartRegions,
    *,
    keep_parsing: bool,
    device: torch.device,
) -> list[PartTexture | None]:
    """Cut a person into the textures of its parts.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    matte : float32 (H, W)
        As given; it is cleaned here.
    parsing : uint8 (H, W)
    regions : PartRegions
        At any resolution of the picture's aspect.
    keep_parsing : bool
        Whether to carry the classes along.
    device : torch.device
        Where the textures go.

    Returns
    -------
    list of P textures, None for parts without a pixel
    """
    alpha = cleaned_matte(matte)
    sure = matte > SURE
    edge = _EDGE * len(parsing) / regions.own.shape[1]
    sure_of_others = sure & ~_near_classes(parsing, (labels.LEFT_ARM, labels.RIGHT_ARM), edge)
    # hair that hangs over a shoulder does not go down with the arm
    sure_of_arms = sure & ~_near_classes(parsing, (labels.HAIR,), edge)
    return [
        _cut(
            rgb,
            alpha,
            sure_of_arms if part in parts.ARM_PARTS else sure_of_others,
            parsing if keep_parsing else None,
            margin,
            own,
            device,
        )
        for part, (margin, own) in enumerate(zip(regions.margins, regions.own, strict=True))
    ]


def _near_classes(parsing: ByteArray, classes: tuple[int, ...], radius: float) -> BoolArray:
    """Return where classes are, and so many pixels around: the colors there are theirs, or mixed with theirs."""
    return _grown(np.isin(parsing, classes), radius)


def _grown(mask: BoolArray, radius: float) -> BoolArray:
    size = 2 * max(round(radius), 1) + 1
    return np.asarray(cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0)


def _cut(
    rgb: ByteArray,
    matte: FloatArray,
    sure: BoolArray,
    parsing: ByteArray | None,
    margin: FloatArray,
    own: FloatArray,
    device: torch.device,
) -> PartTexture | None:
    height, width = matte.shape
    box = _box_of(margin > -_FEATHER, height, width)
    if box is None:
        return None
    top, bottom, left, right = box
    window = slice(top, bottom), slice(left, right)
    edge = _EDGE * height / len(own)
    margin, own = (_magnified(plane, box, matte.shape) for plane in (margin, own))
    alpha = np.clip(1 + margin / _FEATHER, 0, 1) * matte[window]
    if alpha.max() < 0.1:
        return None
    shown = own > _SHOWN
    reliable = sure[window] & shown
    if not reliable.any():
        reliable = alpha > 0.5 * alpha.max()
    # beside what lies before a part its colors are shaded, or mixed with that: it goes on beneath from farther inside
    inner = reliable & ~_grown((margin > 0) & ~shown, edge)
    picture = rgb[window].astype(np.float32) * np.float32(1 / 255)
    colors = np.where(reliable[..., None], picture, spread_colors(picture, inner if inner.any() else reliable))
    texture = np.dstack([colors * alpha[..., None], alpha])
    texture = np.pad(texture, ((_PAD, _PAD), (_PAD, _PAD), (0, 0)))
    outline = cv2.convexHull(cv2.findNonZero((alpha > 0.02).astype(np.uint8)))[:, 0].astype(np.float32)
    classes = None
    if parsing is not None:
        spread = np.pad(spread_classes(parsing[window], reliable), _PAD, mode="edge")
        classes = torch.from_numpy(spread.astype(np.float32))[None, None].to(device)
    return PartTexture(
        torch.from_numpy(np.ascontiguousarray(texture.transpose(2, 0, 1), dtype=np.float32))[None].to(device),
        classes,
        left - _PAD,
        top - _PAD,
        outline + np.array([left, top], dtype=np.float32),
    )


def _box_of(mask: BoolArray, height: int, width: int) -> tuple[int, int, int, int] | None:
    """Return top, bottom, left, right of a mask, scaled to a picture of `height` x `width`."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    down, across = height / mask.shape[0], width / mask.shape[1]
    top, bottom = int(rows[0] * down - down), int(np.ceil((rows[-1] + 2) * down))
    left, right = int(columns[0] * across - across), int(np.ceil((columns[-1] + 2) * across))
    return max(top, 0), min(bottom, height), max(left, 0), min(right, width)


def _magnified(field: FloatArray, box: tuple[int, int, int, int], shape: tuple[int, ...]) -> FloatArray:
    """Return the box of a small field at the picture's resolution."""
    top, bottom, left, right = box
    if field.shape == shape:
        return field[top:bottom, left:right]
    down, across = field.shape[0] / shape[0], field.shape[1] / shape[1]
    matrix = np.array([[across, 0, (left + 0.5) * across - 0.5], [0, down, (top + 0.5) * down - 0.5]])
    return np.asarray(
        cv2.warpAffine(
            field,
            matrix,
            (right - left, bottom - top),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        dtype=np.float32,
    )


def spread_colors(colors: FloatArray, reliable: BoolArray) -> FloatArray:
    """Replace all colors that are not reliable by smooth continuations of those that are.

    Parameters
    ----------
    colors : float32 (H, W, 3)
    reliable : bool (H, W)
        At least one pixel.

    Returns
    -------
    float32 (H, W, 3)
        Reliable pixels unchanged.
    """
    weight = reliable.astype(np.float32)
    pulled = _push_pull(colors * weight[..., None], weight)
    return np.where(reliable[..., None], colors, pulled)


def _push_pull(weighted: FloatArray, weight: FloatArray) -> FloatArray:
    height, width = weight.shape
    known = weighted / np.maximum(weight, 1e-6)[..., None]
    if min(height, width) <= 1 or weight.min() > 0.999:
        total = max(float(weight.sum()), 1e-6)
        mean = weighted.reshape(-1, 3).sum(axis=0) / np.float32(total)
        return np.where(weight[..., None] > 0, known, mean).astype(np.float32)
    half = ((width + 1) // 2, (height + 1) // 2)
    packed = cv2.resize(np.dstack([weighted, weight]), half, interpolation=cv2.INTER_AREA)
    mass = packed[..., 3]
    # a coarse pixel that is known in part counts as known: the mean of what is there
    certainty = np.minimum(4 * mass, 1)
    share_of_mass = (certainty / np.maximum(mass, 1e-6)).astype(np.float32)
    coarse = _push_pull(packed[..., :3] * share_of_mass[..., None], certainty)
    guess = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    share = weight[..., None]
    return np.asarray(share * known + (1 - share) * guess, dtype=np.float32)
