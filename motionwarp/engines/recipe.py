"""Following stage II's recipe at the output's resolution: the parts' own pixels, weighed by logits that vary slowly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from motionwarp.engines.layered_compositing import Canvas
from motionwarp.engines.layered_person import WarpedFrames
from motionwarp.geometry.affine import compose_affine, invert_affine
from motionwarp.geometry.grids import affine_lattice, normalising_map, sample
from motionwarp.networks.part_generator import COMPOSITE, PAINTED, PartGeneratorOutput, shifted_alpha


@dataclass(frozen=True, eq=False)
class BlendedFrame:
    """One frame's person.

    Attributes
    ----------
    rgba : float32 (4, h, w)
        Colours multiplied by alpha, and alpha.
    parsing : float32 (h, w) or None
        The source's classes, carried along by the closed-form composite.
    left, top : int
        The box's first pixel in the output frame.
    """

    rgba: Tensor
    parsing: Tensor | None
    left: int
    top: int


def blended(
    group: WarpedFrames, position: int, recipe: PartGeneratorOutput, frame: int, window_to_frame: Tensor
) -> BlendedFrame | None:
    """Blend one frame's parts.

    Parameters
    ----------
    group : WarpedFrames
        Parts in pixels of the output frame.
    position : int
        Of the frame in the group.
    recipe : PartGeneratorOutput
        Of all frames of the batch.
    frame : int
        Of the frame in the batch.
    window_to_frame : float32 (2, 3)
        From pixels of the window, whose size is twice the recipe's, to pixels of the output frame.

    Returns
    -------
    BlendedFrame or None
        None if the frame shows nothing of the person.
    """
    composed = Canvas(group.layers, group.shown).compose(position, tuple(float(score) for score in group.depth[position]))
    if composed is None:
        return None
    rgba, classes, left, top = composed
    height, width = rgba.shape[1:]
    window = _RecipeWindow(recipe, frame, window_to_frame)
    # the composite's alpha shifted, the composite itself and the painted picture all over the box
    box = window.over(left, top, height, width, [COMPOSITE, PAINTED], recipe.painted, recipe.alpha_shift)
    weights = box[:2].exp()
    mixed = weights[0] * rgba  # (4, h, w): colours and weight, both times alpha
    mixed[:3].addcmul_(weights[1], box[2:5])
    mixed[3] += weights[1]
    for part, layer in group.layers.items():
        own = layer.of_frame(position) if group.shown[position, part] else None
        if own is None:
            continue
        rows, columns = own.within(left, top)
        weight = window.over(own.left, own.top, own.rgba.shape[1], own.rgba.shape[2], [part]).exp()
        mixed[:, rows, columns].addcmul_(weight, own.rgba)
    alpha = shifted_alpha(rgba[3], box[5])
    return BlendedFrame(torch.cat([mixed[:3] / mixed[3] * alpha, alpha[None]]), classes, left, top)


class _RecipeWindow:
    """One frame's recipe, sampled over boxes of the output frame; beyond the window its edge goes on."""

    def __init__(self, recipe: PartGeneratorOutput, frame: int, window_to_frame: Tensor) -> None:
        self._recipe, self._frame = recipe, frame
        height, width = recipe.blend_logits.shape[-2:]
        # the recipe's picture has half the window's pixels in each direction but covers the same ground
        frame_to_units = compose_affine(normalising_map(2 * height, 2 * width), invert_affine(window_to_frame))
        self._frame_to_units = frame_to_units.to(recipe.blend_logits.device)
        self._limit = torch.tensor([1 - 1 / width, 1 - 1 / height], device=recipe.blend_logits.device)

    def over(self, left: int, top: int, height: int, width: int, logits: list[int], *others: Tensor) -> Tensor:
        """Return some logits, and other planes behind them, over a box of the frame, float32 (C, height, width)."""
        planes = [self._recipe.blend_logits[self._frame, logits], *(other[self._frame] for other in others)]
        origin = torch.tensor([left, top], dtype=torch.float32, device=self._limit.device)
        grid = affine_lattice(self._frame_to_units, height, width, origin)
        grid = grid.clamp(-self._limit, self._limit)
        return sample(torch.cat(planes)[None].float(), grid[None])[0]
