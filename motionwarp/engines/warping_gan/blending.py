"""Following stage II's recipe at the output's resolution: the parts' own pixels, weighed by logits that vary slowly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from motionwarp.engines.warping_gan.networks import ALPHA_FROM_NOTHING, COMPOSITE, PartGeneratorOutput, shifted_alpha
from motionwarp.geometry.affine import apply_affine
from motionwarp.puppet.compositor import Canvas, FramePiece, WarpedFrames
from motionwarp.types import FloatArray

_STRIP: Final = 64  # rows or columns of pixels interpolated by one product
_LEAST_COVERAGE: Final = 0.25  # alpha below which a pixel is no longer the person's


def blend_parts(
    group: WarpedFrames,
    position: int,
    recipe: PartGeneratorOutput,
    frame: int,
    window_to_frame: Tensor,
    frame_size: tuple[int, int] | None = None,
    body: FloatArray | None = None,
) -> FramePiece | None:
    """Blend one frame's parts, and the body's layer where there is one.

    Parameters
    ----------
    group : WarpedFrames
        Parts in pixels of the output frame.
    position : int
        Position of the frame in the group.
    recipe : PartGeneratorOutput
        Recipe of all frames of the batch.
    frame : int
        Position of the frame in the batch.
    window_to_frame : float32 (2, 3)
        From pixels of the window, whose size is twice the recipe's, to pixels of the output frame.
    frame_size : (height, width), optional
        Size of the output frame, within which the outline may grow beyond the composite's box: where a limb that no
        part has is painted. By default it may not.
    body : float32 (H, W, 4), optional
        The posed avatar over the whole frame, colors multiplied by alpha and alpha in 0..255; for a recipe that says
        how much it counts. A frame that shows nothing of it is blended without.

    Returns
    -------
    FramePiece or None
        None if the frame shows nothing of the person.
    """
    composed = Canvas(group.layers, group.shown).compose(
        position, tuple(float(score) for score in group.depth[position])
    )
    around = None if body is None or recipe.body_logit is None else _covered_box(body)
    if composed is None and around is None:
        return None
    window = _RecipeWindow(recipe, frame, window_to_frame)
    grown = None if frame_size is None else window.grown_box(*frame_size)
    for other in (around, grown):
        if other is not None:
            composed = _nothing_in(other) if composed is None else _enlarged(*composed, other)
    assert composed is not None
    rgba, classes, left, top = composed
    height, width = rgba.shape[1:]
    # the composite's alpha shifted, the composite itself and the painted picture all over the box
    window.look_at(left, width)
    # composite, painted: logits; colors; shift; with a body its logit and its share in alpha
    box = window.over(left, top, height, width, slice(COMPOSITE, None))
    weights = box[:2].exp_()
    mixed = weights[0] * rgba  # (4, h, w): colors and weight, both times alpha
    mixed[:3].addcmul_(weights[1], box[2:5])
    mixed[3] += weights[1]
    for part, layer in group.layers.items():
        own = layer.of_frame(position) if group.shown[position, part] else None
        if own is None:
            continue
        rows, columns = own.within(left, top)
        weight = window.over(own.left, own.top, own.rgba.shape[1], own.rgba.shape[2], slice(part, part + 1)).exp_()
        mixed[:, rows, columns].addcmul_(weight, own.rgba)
    mixed[:3] /= mixed[3]
    covered = rgba[3]
    if body is not None and around is not None:
        of_body = torch.from_numpy(body[top : top + height, left : left + width]).permute(2, 0, 1).to(rgba) / 255
        weight = box[6].exp_()
        mixed[:3].addcmul_(weight, of_body[:3]).div_(1 + weight * of_body[3])
        covered = torch.lerp(covered, of_body[3], box[7].sigmoid_())
    alpha = shifted_alpha(covered, box[5])
    if classes is not None:
        # what the recipe takes away has no class; what it adds has none either, as no part of the source is there
        classes = torch.where(alpha >= _LEAST_COVERAGE, classes, torch.zeros_like(classes))
    mixed[:3] *= alpha
    mixed[3] = alpha
    return FramePiece(mixed, classes, left, top)


def _covered_box(body: FloatArray) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom of where a picture (H, W, 4) shows anything; None where it shows nothing."""
    left, top, width, height = cv2.boundingRect((body[..., 3] > 0).astype(np.uint8))
    return (left, top, left + width, top + height) if width else None


def _nothing_in(box: tuple[int, int, int, int]) -> tuple[Tensor, Tensor | None, int, int]:
    left, top, right, bottom = box
    return torch.zeros(4, bottom - top, right - left), None, left, top


def _enlarged(
    rgba: Tensor, classes: Tensor | None, left: int, top: int, box: tuple[int, int, int, int]
) -> tuple[Tensor, Tensor | None, int, int]:
    """Return a composite in a box that holds another one too; nothing is in what is added."""
    height, width = rgba.shape[1:]
    low_x, low_y = min(left, box[0]), min(top, box[1])
    right, bottom = max(left + width, box[2]), max(top + height, box[3])
    padding = (left - low_x, right - left - width, top - low_y, bottom - top - height)
    return functional.pad(rgba, padding), None if classes is None else functional.pad(classes, padding), low_x, low_y


class _RecipeWindow:
    """One frame's recipe over boxes of the output frame; beyond the window its edge goes on.

    Windows are upright, so that columns and rows can be interpolated one after the other, without a grid of sampling
    points. The columns are done once for all planes and parts.
    """

    def __init__(self, recipe: PartGeneratorOutput, frame: int, window_to_frame: Tensor) -> None:
        self._planes = torch.cat(
            [plane[frame].float() for plane in (*recipe[:3], recipe.body_logit, recipe.body_alpha) if plane is not None]
        )
        self._shift = recipe.alpha_shift[frame, 0]
        self._window_to_frame = window_to_frame
        self._scale, (self._shift_x, self._shift_y) = float(window_to_frame[0, 0]), window_to_frame[:, 2].tolist()
        self._columns, self._left = self._planes, 0

    def grown_box(self, frame_height: int, frame_width: int) -> tuple[int, int, int, int] | None:
        """Return left, top, right, bottom in pixels of the frame of where the person shows without a part, or None."""
        shows = self._shift > ALPHA_FROM_NOTHING
        rows, columns = shows.any(dim=1).nonzero(), shows.any(dim=0).nonzero()
        if not len(rows):
            return None
        # edges of the cells, one further on each side for the interpolation, from window to frame
        cells = torch.stack([columns[[0, -1], 0], rows[[0, -1], 0]], dim=1).float().cpu() + torch.tensor(
            [[-1.0], [2.0]]
        )
        edges = apply_affine(self._window_to_frame, 2 * cells - 0.5)
        limit = torch.tensor([frame_width, frame_height])
        low = edges[0].floor().long().clamp_min(0).minimum(limit)
        high = edges[1].ceil().long().clamp_min(0).minimum(limit)
        return (int(low[0]), int(low[1]), int(high[0]), int(high[1])) if bool((high > low).all()) else None

    def look_at(self, left: int, width: int) -> None:
        """Interpolate columns, within which all that is asked for later lies."""
        planes, rows, cells = self._planes.shape
        flat = self._planes.view(planes * rows, cells)
        filled = flat.new_empty(len(flat), width)
        for some, first, shares in _strips(self._places(self._shift_x, left, width, cells), cells):
            torch.mm(flat[:, first : first + shares.shape[1]], shares.T, out=filled[:, some])
        self._columns, self._left = filled.view(planes, rows, width), left

    def over(self, left: int, top: int, height: int, width: int, planes: slice) -> Tensor:
        """Return planes over a box, float32 (C, height, width).

        17 logits, painted red, green and blue, shift; with a body its logit and that of its share in alpha.
        """
        columns = self._columns[planes, :, left - self._left : left - self._left + width]
        cells = columns.shape[1]
        filled = columns.new_empty(len(columns), height, width)
        for some, first, shares in _strips(self._places(self._shift_y, top, height, cells), cells):
            for plane, result in zip(columns, filled, strict=True):
                torch.mm(shares, plane[first : first + shares.shape[1]], out=result[some])
        return filled

    def _places(self, shift: float, first: int, count: int, cells: int) -> Tensor:
        """Return where a row or column of the frame's pixels lies among the cells, each two pixels of the window."""
        pixels = torch.arange(first, first + count, device=self._planes.device, dtype=torch.float32)
        return ((pixels - shift) / (2 * self._scale) - 0.25).clamp(0, cells - 1)


def _strips(places: Tensor, cells: int) -> Iterator[tuple[slice, int, Tensor]]:
    """Yield what interpolates a strip of places after the other.

    A place lies between two cells only, a strip between a few.

    Parameters
    ----------
    places : float32 (N,)
        Ascending.
    cells : int

    Yields
    ------
    some : slice
        Slice of the places.
    first : int
        The first of the cells between which they lie.
    shares : float32 (n, k)
        How much of each of k cells the n places take. A product with it is faster than looking cells up.
    """
    for start in range(0, len(places), _STRIP):
        some = places[start : start + _STRIP]
        first, last = int(some[0]), min(int(some[-1]) + 2, cells)
        near = torch.arange(first, last, device=places.device)
        yield slice(start, start + len(some)), first, (1 - (some[:, None] - near).abs()).clamp_min_(0)
