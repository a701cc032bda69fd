"""Following stage II's recipe at the output's resolution: the parts' own pixels, weighed by logits that vary slowly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from motionwarp.avatar.renderer import Drawing
from motionwarp.engines.warping_gan.blend_rows import (
    Numbers,
    blend_rows,
    carry_classes,
    ends_of_rows,
    interpolate_columns,
)
from motionwarp.engines.warping_gan.networks import ALPHA_FROM_NOTHING, COMPOSITE, PartGeneratorOutput, shifted_alpha
from motionwarp.geometry.affine import apply_affine
from motionwarp.puppet.compositor import Canvas, FramePiece, WarpedFrames, box_around, person_layer
from motionwarp.puppet.parts import PART_COUNT
from motionwarp.types import FloatArray, PersonLayer

_STRIP: Final = 64  # rows or columns of pixels interpolated by one product
_LEAST_COVERAGE: Final = 0.25  # alpha below which a pixel is no longer the person's
_NO_PICTURES: Final = np.zeros((0, 4, 0, 0), dtype=np.float32)
_NO_BODY: Final = np.zeros((0, 0, 4), dtype=np.float32)
_NO_ENDS: Final = np.zeros((0, 2), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class PartBlend:
    """One frame's parts, the recipe by which they are blended, and where.

    Attributes
    ----------
    group : WarpedFrames
        Parts in pixels of the output frame.
    position : int
        Of the frame in the group.
    window : RecipeWindow
    box : (int, int, int, int)
        Left, top, right, bottom in the output frame; holds all parts, and what there is of a body.
    body : Drawing or None
        The posed avatar in the frame, where it counts.
    body_ends : int64 (h, 2)
        Where each of its rows begins and ends, as from `ends_of_rows`.
    """

    group: WarpedFrames
    position: int
    window: RecipeWindow
    box: tuple[int, int, int, int]
    body: Drawing | None
    body_ends: Numbers

    @property
    def depth(self) -> tuple[float, ...]:
        """Of the frame, as `Canvas` takes it."""
        return tuple(float(score) for score in self.group.depth[self.position])

    @property
    def canvas(self) -> Canvas:
        """On which the parts are laid over each other."""
        return Canvas(self.group.layers, self.group.shown)

    def piece(self) -> FramePiece:
        """Blend, on any device: compiled loops on a CPU, whole planes on others; both do the same arithmetic."""
        left, top, _, _ = self.box
        if self.window.is_on_cpu:
            rgba, classes = by_rows(self, as_bytes=False)
            return FramePiece(torch.from_numpy(rgba), None if classes is None else torch.from_numpy(classes), left, top)
        return FramePiece(*by_planes(self), left, top)

    def layer(self) -> PersonLayer:
        """Blend to bytes."""
        if not self.window.is_on_cpu:
            return person_layer(self.piece())
        left, top, _, _ = self.box
        rgba, classes = by_rows(self, as_bytes=True)
        return PersonLayer(rgba, left, top, None if classes is None else classes.astype(np.uint8))


def part_blend(
    group: WarpedFrames,
    position: int,
    recipe: PartGeneratorOutput,
    frame: int,
    window_to_frame: Tensor,
    frame_size: tuple[int, int] | None = None,
    body: Drawing | None = None,
) -> PartBlend | None:
    """Return how one frame's parts are blended, and the body's layer where there is one.

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
    body : Drawing, optional
        The posed avatar in the frame, for a recipe that says how much it counts. A frame that shows nothing of it is
        blended without.

    Returns
    -------
    PartBlend or None
        None if the frame shows nothing of the person.
    """
    shown = [layer.placement.box(position) for part, layer in group.layers.items() if group.shown[position, part]]
    ends = _NO_ENDS if body is None or recipe.body_logit is None else ends_of_rows(body.rgba)
    around = None if body is None else _covered_box(body, ends)
    window = RecipeWindow(recipe, frame, window_to_frame)
    grown = None if frame_size is None else window.grown_box(*frame_size)
    boxes = [box for box in shown if box is not None]
    if around is not None:
        boxes.append(around)
    if not boxes:
        return None
    if grown is not None:
        boxes.append(grown)
    return PartBlend(group, position, window, box_around(boxes), None if around is None else body, ends)


def by_rows(blend: PartBlend, *, as_bytes: bool) -> tuple[npt.NDArray[Any], FloatArray | None]:
    """Blend one frame on a CPU.

    Returns
    -------
    rgba : uint8 (h, w, 4) or float32 (4, h, w)
        Colors multiplied by alpha, and alpha, as bytes or in [0, 1].
    classes : float32 (h, w) or None
    """
    left, top, right, bottom = blend.box
    group, position = blend.group, blend.position
    drawn = blend.canvas.order(position, blend.depth)
    layers, classes = [_NO_PICTURES] * PART_COUNT, [_NO_PICTURES] * PART_COUNT
    shown, firsts = np.zeros((PART_COUNT, 4), dtype=np.int64), np.zeros((PART_COUNT, 2), dtype=np.int64)
    for part, _ in drawn:
        warped = group.layers[part]
        layers[part] = np.ascontiguousarray(warped.rgba.numpy())
        if warped.parsing is not None:
            classes[part] = np.ascontiguousarray(warped.parsing.numpy())
        placed = warped.placement
        shown[part, :2], shown[part, 2:] = placed.low[position], placed.high[position]
        firsts[part] = placed.corners[position]
    order = np.array([part for part, _ in drawn], dtype=np.int64)
    shares = np.array([share for _, share in drawn], dtype=np.float32)
    blend.window.look_at(left, right - left)
    cells, ways = blend.window.rows(top, bottom - top)
    size = bottom - top, right - left
    has_classes = bool(drawn) and group.layers[drawn[0][0]].parsing is not None
    rgba = np.empty((0, 0, 0) if as_bytes else (4, *size), dtype=np.float32)
    levels = np.empty((*size, 4) if as_bytes else (0, 0, 4), dtype=np.uint8)
    if blend.body is None:
        body = _NO_BODY, _NO_ENDS, 0, 0
    else:
        body = blend.body.rgba, blend.body_ends, blend.body.left, blend.body.top
    planes = blend.window.columns.numpy()
    boxes, parts = (shown, firsts), tuple(layers)
    blend_rows((parts, position), boxes, (order, shares), (planes, cells, ways), body, (left, top), (rgba, levels))
    if not has_classes:
        return levels if as_bytes else rgba, None
    carried = np.zeros(size, dtype=np.float32)
    carry_classes((parts, tuple(classes), position), boxes, (order, shares), (left, top), carried)
    # what the recipe takes away has no class; what it adds has none either, as no part of the source is there
    carried[(levels[..., 3] < 255 * _LEAST_COVERAGE) if as_bytes else (rgba[3] < _LEAST_COVERAGE)] = 0
    return levels if as_bytes else rgba, carried


def by_planes(blend: PartBlend) -> tuple[Tensor, Tensor | None]:
    """Blend one frame on any device.

    Returns
    -------
    rgba : float32 tensor (4, h, w)
        Colors multiplied by alpha, and alpha.
    classes : float32 tensor (h, w) or None
    """
    left, top, right, bottom = blend.box
    group, position, window = blend.group, blend.position, blend.window
    composed = blend.canvas.compose(position, blend.depth)
    rgba, classes = _enlarged(composed, blend.box, window.device)
    # the composite's alpha shifted, the composite itself and the painted picture all over the box
    window.look_at(left, right - left)
    # composite, painted: logits; colors; shift; with a body its logit and its share in alpha
    planes = window.over(left, top, bottom - top, right - left, slice(COMPOSITE, None))
    weights = planes[:2].exp_()
    mixed = weights[0] * rgba  # (4, h, w): colors and weight, both times alpha
    mixed[:3].addcmul_(weights[1], planes[2:5])
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
    if blend.body is not None:
        own_body = blend.body.rgba_within(left, top, right, bottom)
        of_body = torch.from_numpy(own_body).permute(2, 0, 1).to(rgba) / 255
        weight = planes[6].exp_()
        mixed[:3].addcmul_(weight, of_body[:3]).div_(1 + weight * of_body[3])
        covered = torch.lerp(covered, of_body[3], planes[7].sigmoid_())
    alpha = shifted_alpha(covered, planes[5])
    if classes is not None:
        # what the recipe takes away has no class; what it adds has none either, as no part of the source is there
        classes = torch.where(alpha >= _LEAST_COVERAGE, classes, torch.zeros_like(classes))
    mixed[:3] *= alpha
    mixed[3] = alpha
    return mixed, classes


def _covered_box(body: Drawing, ends: Numbers) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom of where a drawing shows anything; None where it shows nothing.

    `ends` (h, 2) are those of its rows, as from `ends_of_rows`.
    """
    rows = np.flatnonzero(ends[:, 1])
    if not len(rows):
        return None
    left, right = int(ends[:, 0].min()), int(ends[:, 1].max())
    return left + body.left, int(rows[0]) + body.top, right + body.left, int(rows[-1]) + 1 + body.top


def _enlarged(
    composed: tuple[Tensor, Tensor | None, int, int] | None, box: tuple[int, int, int, int], device: torch.device
) -> tuple[Tensor, Tensor | None]:
    """Return a composite in a box that holds it; nothing is in what is added, nor where there is none."""
    low_x, low_y, high_x, high_y = box
    if composed is None:
        return torch.zeros(4, high_y - low_y, high_x - low_x, device=device), None
    rgba, classes, left, top = composed
    height, width = rgba.shape[1:]
    padding = (left - low_x, high_x - left - width, top - low_y, high_y - top - height)
    return functional.pad(rgba, padding), None if classes is None else functional.pad(classes, padding)


class RecipeWindow:
    """One frame's recipe over boxes of the output frame; beyond the window its edge goes on.

    Windows are upright, so that columns and rows can be interpolated one after the other, without a grid of sampling
    points. The columns are done once for all planes and parts.

    Attributes
    ----------
    columns : float32 tensor (C, R, W)
        All planes, their columns interpolated by `look_at`.
    """

    def __init__(self, recipe: PartGeneratorOutput, frame: int, window_to_frame: Tensor) -> None:
        self._planes = torch.cat(
            [plane[frame].float() for plane in (*recipe[:3], recipe.body_logit, recipe.body_alpha) if plane is not None]
        )
        self._shift = recipe.alpha_shift[frame, 0]
        self._window_to_frame = window_to_frame
        self._scale, (self._shift_x, self._shift_y) = float(window_to_frame[0, 0]), window_to_frame[:, 2].tolist()
        self.columns, self._left = self._planes, 0

    @property
    def device(self) -> torch.device:
        """Where the recipe is."""
        return self._planes.device

    @property
    def is_on_cpu(self) -> bool:
        """Whether that is the CPU."""
        return self.device.type == "cpu"

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
        places = self._places(self._shift_x, left, width, cells)
        if self.is_on_cpu:
            before = places.floor()
            interpolate_columns(flat.numpy(), before.int().numpy(), (places - before).numpy(), filled.numpy())
        else:
            for some, first, shares in _strips(places, cells):
                torch.mm(flat[:, first : first + shares.shape[1]], shares.T, out=filled[:, some])
        self.columns, self._left = filled.view(planes, rows, width), left

    def rows(self, top: int, height: int) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """Return the cell above each of some rows, int64 (height,), and the way from there to the next, float32."""
        places = self._places(self._shift_y, top, height, self._planes.shape[1])
        cells = places.floor()
        return cells.long().numpy(), (places - cells).numpy()

    def over(self, left: int, top: int, height: int, width: int, planes: slice) -> Tensor:
        """Return planes over a box, float32 (C, height, width).

        17 logits, painted red, green and blue, shift; with a body its logit and that of its share in alpha.
        """
        columns = self.columns[planes, :, left - self._left : left - self._left + width]
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
