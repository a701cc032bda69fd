"""What has not moved is the photo: the layer of a person at rest takes over the photo's own pixels, edges included.

Ours. Where a person stands still before their own photo, alpha and an invented background could only make it worse. The
nearer a surface is to its place in the photo the more the pixel is the photo's, until at rest nothing else is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.avatar.renderer import Drawing
from motionwarp.compiled import compiled_loosely
from motionwarp.types import BoolArray, ByteArray, FloatArray, PersonLayer

Planes = tuple[FloatArray, FloatArray, FloatArray]

_HALO: Final = 14  # pixels around a person who rests that are the photo's too: what a matte misses of hair and shadow
_FAR_HALO: Final = 42  # the same where the matte has something that the avatar has not
_NOTHING: Final = np.float32(1e-4)
_SEEN_ALPHA: Final = 5.0  # of 255: a lower one shows nobody
_LEAST_COVERAGE: Final = np.float32(0.02)
_LEAST_STILLNESS: Final = np.float32(0.25)
_NEAR: Final = 6  # pixels around what was made up that tell whether it has moved
_VACATED: Final = np.float32(0.3)  # coverage in the photo over which an empty pixel is one that somebody has left


@dataclass(frozen=True, eq=False)
class PhotoBehind:
    """The source's photo where it lies behind the person, and how the avatar at rest covers it.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    matte : float32 (H, W)
        The person's coverage there; 0 where the avatar has nothing even at rest, so that nobody can have left.
    stillness : float32 (H, W)
        The share of each pixel that counts as unmoved while nothing has: less than 1 where textures were made up.
    lost : bool (H, W)
        What the matte has and the avatar does not even at rest, farther from it than what is around an avatar at rest
        is the photo's: what was taken for the person, and would float beside them.
    """

    rgb: ByteArray
    matte: FloatArray
    stillness: FloatArray
    lost: BoolArray

    @classmethod
    def of(cls, rgb: ByteArray, matte: FloatArray, drawing: Drawing) -> PhotoBehind:
        """Return the photo behind an avatar that was drawn at rest."""
        own = np.s_[drawing.top : drawing.bottom, drawing.left : drawing.right]
        covered, stillness = np.zeros_like(matte), np.zeros_like(matte)
        covered[own] = np.where(drawing.rgba[..., 3] < _SEEN_ALPHA, 0, matte[own])
        stillness[own] = _share(drawing.rgba, drawing.still)
        near = cv2.blur((covered > 0).astype(np.float32), (2 * _HALO + 1, 2 * _HALO + 1)) > _NOTHING
        return cls(rgb, covered, stillness, (matte >= _VACATED) & ~near)

    def within(self, left: int, top: int, right: int, bottom: int) -> PhotoBehind:
        """Return what lies in a box."""
        own = np.s_[top:bottom, left:right]
        return PhotoBehind(self.rgb[own], self.matte[own], self.stillness[own], self.lost[own])


def _share(picture: FloatArray, still: FloatArray) -> FloatArray:
    coverage = picture[..., 3] / np.float32(255)
    return np.asarray(np.clip(still / np.maximum(coverage, _LEAST_COVERAGE), 0, 1), dtype=np.float32)


def rested(drawing: Drawing, photo: PhotoBehind) -> Drawing:
    """Return a drawing with the photo's pixels where nothing has moved, in a box that holds these too."""
    place = _near_rest(drawing)
    if place is None:
        return drawing
    left, top, right, bottom = place
    grown = drawing.within(
        min(left, drawing.left), min(top, drawing.top), max(right, drawing.right), max(bottom, drawing.bottom)
    )
    own = np.s_[top - grown.top : bottom - grown.top, left - grown.left : right - grown.left]
    alpha = grown.rgba[own][..., 3].copy()
    _rest_in_place(grown.rgba[own], alpha, grown.still[own], photo.within(left, top, right, bottom))
    return grown


def layer_at_rest(layer: PersonLayer, drawing: Drawing, photo: PhotoBehind) -> PersonLayer:
    """Return a layer with the photo's pixels where nothing has moved; its classes stay as they are.

    Parameters
    ----------
    layer : PersonLayer
    drawing : Drawing
        The avatar in the same picture, which says what has not moved.
    photo : PhotoBehind
    """
    place = _near_rest(drawing)
    if place is None:
        return layer
    left, top, right, bottom = place
    height, width = layer.rgba.shape[:2]
    corner = min(left, layer.left), min(top, layer.top)
    grown_width = max(right, layer.left + width) - corner[0]
    grown_height = max(bottom, layer.top + height) - corner[1]
    rgba = np.zeros((grown_height, grown_width, 4), dtype=np.uint8)
    before = np.s_[layer.top - corner[1] :, layer.left - corner[0] :]
    rgba[before][:height, :width] = layer.rgba
    own = np.s_[top - corner[1] : bottom - corner[1], left - corner[0] : right - corner[0]]
    alpha, still = drawing.alpha_within(*place), drawing.still_within(*place)
    _rest_in_place(rgba[own], alpha, still, photo.within(*place))
    classes = None
    if layer.parsing is not None:
        classes = np.zeros(rgba.shape[:2], dtype=np.uint8)
        classes[before][:height, :width] = layer.parsing
    return cut_to_shown(PersonLayer(rgba, *corner, classes))


def cut_to_shown(layer: PersonLayer) -> PersonLayer:
    """Return the box of a layer in which anything shows."""
    left, top, width, height = cv2.boundingRect((layer.rgba[..., 3] > 0).astype(np.uint8))
    if width == 0:
        return PersonLayer(np.zeros((1, 1, 4), dtype=np.uint8), 0, 0)
    own = np.s_[top : top + height, left : left + width]
    classes = None if layer.parsing is None else np.ascontiguousarray(layer.parsing[own])
    return PersonLayer(np.ascontiguousarray(layer.rgba[own]), layer.left + left, layer.top + top, classes)


def _near_rest(drawing: Drawing) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom of where what rests may change the picture; None where nothing rests.

    Beyond the far halo around what rests nothing changes.
    """
    left, top, width, height = cv2.boundingRect((drawing.still > 0).astype(np.uint8))
    if width == 0:
        return None
    left, top, (frame_height, frame_width) = left + drawing.left, top + drawing.top, drawing.size
    return (
        max(left - _FAR_HALO, 0), max(top - _FAR_HALO, 0),
        min(left + width + _FAR_HALO, frame_width), min(top + height + _FAR_HALO, frame_height),
    )  # fmt: skip


def _rest_in_place(picture: npt.NDArray[Any], alpha: FloatArray, still: FloatArray, photo: PhotoBehind) -> None:
    """Replace what has not moved by the photo, in a picture (h, w, 4) of bytes or of float32.

    What the avatar covers has its share even where the picture, made by others, has nothing: at rest that is the photo.
    """
    shape = still.shape
    share, told, covered = (np.empty(shape, dtype=np.float32) for _ in range(3))
    # where rest reaches nothing, because it shows what was made up, what is around tells whether anything has moved
    if _told_shares(picture, (alpha, still), photo.stillness, (share, told, covered)):
        near, known = _around(share, told, _NEAR)
        _untold_shares(near, known, (share, told, covered))
    beside, known = _around(share, covered, _HALO)
    if photo.lost.any():
        far_off = photo.lost & (known <= _NOTHING)
        for plane, wide in zip((beside, known), _around(share, covered, _FAR_HALO), strict=True):
            plane[far_off] = wide[far_off]
    _show_photo(picture, (photo.rgb, photo.matte), (share, covered), (beside, known))


def _around(share: FloatArray, known: FloatArray, radius: int) -> tuple[FloatArray, FloatArray]:
    """Return the means of shares, 0 where nothing is known, and of what is known, within a radius of each pixel."""
    size = (2 * radius + 1, 2 * radius + 1)
    means = (np.asarray(cv2.blur(plane, size), dtype=np.float32) for plane in (share, known))
    return next(means), next(means)


@compiled_loosely
def _told_shares(
    picture: npt.NDArray[Any],
    drawn: tuple[FloatArray, FloatArray],
    stillness: FloatArray,
    found: tuple[FloatArray, FloatArray, FloatArray],
) -> bool:
    """Fill how much of each pixel has not moved, where that is told and where anything is; return whether all is told.

    Against what rest itself reaches, so that rest is the photo wherever the avatar has anything.
    """
    alpha, still = drawn
    share, told, covered = found
    zero, one = np.float32(0.0), np.float32(1.0)
    some_untold = False
    for y in range(still.shape[0]):
        for x in range(still.shape[1]):
            coverage = alpha[y, x] * np.float32(1 / 255)
            is_covered = max(coverage, np.float32(picture[y, x, 3]) * np.float32(1 / 255)) > _LEAST_COVERAGE
            is_told = is_covered and stillness[y, x] > _LEAST_STILLNESS
            if is_covered and not is_told:
                some_untold = True
            own = min(still[y, x] / max(coverage, _LEAST_COVERAGE), one)
            share[y, x] = min(own / max(stillness[y, x], _LEAST_STILLNESS), one) if is_told else zero
            told[y, x] = one if is_told else zero
            covered[y, x] = one if is_covered else zero
    return some_untold


@compiled_loosely
def _untold_shares(near: FloatArray, known: FloatArray, found: Planes) -> None:
    share, told, covered = found
    for y in range(share.shape[0]):
        for x in range(share.shape[1]):
            if covered[y, x] > 0 and told[y, x] == 0 and known[y, x] > _NOTHING:
                share[y, x] = near[y, x] / known[y, x]


@compiled_loosely
def _show_photo(
    picture: npt.NDArray[Any],
    photo: tuple[ByteArray, FloatArray],
    own: tuple[FloatArray, FloatArray],
    around: tuple[FloatArray, FloatArray],
) -> None:
    rgb, matte = photo
    share, covered = own
    beside, known = around
    is_bytes = picture.itemsize == 1
    for y in range(share.shape[0]):
        for x in range(share.shape[1]):
            part = share[y, x]
            if covered[y, x] == 0:
                if matte[y, x] >= _VACATED or known[y, x] <= _NOTHING:
                    continue
                part = beside[y, x] / known[y, x]
            if part <= 0:
                continue
            for channel in range(4):
                opaque = np.float32(rgb[y, x, channel]) if channel < 3 else np.float32(255.0)
                before = np.float32(picture[y, x, channel])
                value = before + part * (opaque - before)
                picture[y, x, channel] = (
                    min(max(np.rint(value), np.float32(0.0)), np.float32(255.0)) if is_bytes else value
                )
