"""Warped parts laid out over whole windows, the form in which the networks of the `parts` preset take them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import torch
from torch import Tensor

from motionwarp.engines import layered_parts as parts
from motionwarp.engines.layered_compositing import Canvas
from motionwarp.engines.layered_person import WarpedFrames

LAYER_COUNT: Final = parts.PART_COUNT + 1  # the last is all parts, laid over each other in closed form


def stacked_layers(
    groups: Iterable[WarpedFrames], count: int, height: int, width: int
) -> tuple[Tensor, Tensor]:
    """Lay warped parts and their composite out over whole windows.

    Parameters
    ----------
    groups : iterable of WarpedFrames
        Of windows of `height` x `width`; without classes they count as background.
    count : int
        Frames in all groups together.

    Returns
    -------
    layers : float32 (count, 16, 4, height, width)
    classes : float32 (count, 1, height, width)
    """
    layers = torch.zeros(count, LAYER_COUNT, 4, height, width)
    classes = torch.zeros(count, 1, height, width)
    for group in groups:
        canvas = Canvas(group.layers, group.shown)
        for position, frame in enumerate(group.frames):
            for part, layer in group.layers.items():
                if not group.shown[position, part]:
                    continue
                x, y = (int(value) for value in layer.corners[position])
                box_height, box_width = layer.rgba.shape[2:]
                layers[frame, part, :, y : y + box_height, x : x + box_width] = layer.rgba[position]
            composed = canvas.compose(position, tuple(float(score) for score in group.depth[position]))
            if composed is None:
                continue
            rgba, carried, left, top = composed
            window = np.s_[top : top + rgba.shape[1], left : left + rgba.shape[2]]
            layers[frame, -1, :, window[0], window[1]] = rgba
            if carried is not None:
                classes[frame, 0, window[0], window[1]] = carried
    return layers, classes
