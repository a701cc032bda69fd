"""Warped parts laid out over whole windows, the form in which the networks of the `parts` preset take them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import torch
from torch import Tensor

from motionwarp.engines import layered_parts as parts
from motionwarp.engines.layered_compositing import Canvas, WarpedFrames, drawing_order
from motionwarp.engines.layered_depth import depth_scores
from motionwarp.engines.layered_skeleton import BodyPoints
from motionwarp.engines.part_maps import control_frames
from motionwarp.geometry.grids import sample
from motionwarp.geometry.warps import PartWarps

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
        In memory as (count, height, width, 16, 4).
    classes : float32 (count, 1, height, width)
    """
    # a pixel's values lie beside each other, which is how networks take them: boxes are laid in so at once, and no plane is turned around
    layers = torch.zeros(count, height, width, LAYER_COUNT, 4).permute(0, 3, 4, 1, 2)
    classes = torch.zeros(count, 1, height, width)
    for group in groups:
        canvas = Canvas(group.layers, group.shown)
        for position, frame in enumerate(group.frames):
            for part, layer in group.layers.items():
                own = layer.of_frame(position) if group.shown[position, part] else None
                if own is not None:
                    rows, columns = own.within(0, 0)
                    layers[frame, part, :, rows, columns] = own.rgba
            composed = canvas.compose(position, tuple(float(score) for score in group.depth[position]))
            if composed is None:
                continue
            rgba, carried, left, top = composed
            window = np.s_[top : top + rgba.shape[1], left : left + rgba.shape[2]]
            layers[frame, -1, :, window[0], window[1]] = rgba
            if carried is not None:
                classes[frame, 0, window[0], window[1]] = carried
    return layers, classes


def matched_layers(layers: Tensor, theta_tps: Tensor, poses: Tensor, stride: int) -> Tensor:
    """Apply splines to layers that are warped in closed form already, and lay the parts over each other again.

    Sampling twice is for training only: at work both maps are composed and the source is sampled once.

    Parameters
    ----------
    layers : float (B, 16, 4, h, w)
        At a fraction of the window's resolution.
    theta_tps : float32 (B, 15, 2, K*K)
    poses : float32 (B, 18, 3)
        In pixels of the window.
    stride : int
        Pixels of the window for each pixel of the layers.

    Returns
    -------
    float32 (B, 16, 4, h, w)
    """
    moved = matched_parts(layers[:, : parts.PART_COUNT].float(), theta_tps, poses, stride)
    depth = depth_scores(BodyPoints(poses), poses[..., 2])
    composites = []
    for own, scores in zip(moved, depth.tolist(), strict=True):
        canvas = torch.zeros_like(own[0])
        for part, share in drawing_order(tuple(scores)):
            above = own[part] * share
            canvas = canvas * (1 - above[3]) + above
        composites.append(canvas)
    return torch.cat([moved, torch.stack(composites)[:, None]], dim=1)


def matched_parts(own: Tensor, theta_tps: Tensor, poses: Tensor, stride: int) -> Tensor:
    """Apply splines to the 15 parts, float (B, 15, 4, h, w); the other arguments as in `matched_layers`."""
    small = poses.clone()
    # the small picture is a picture of its own: its pixels are the target's pixels here
    small[..., :2] = (poses[..., :2] + 0.5) / stride - 0.5
    mask = torch.ones(parts.PART_COUNT, 1, 1, device=own.device)
    mask[parts.GARMENT] = 0  # it has a spline of its own
    still = torch.eye(2, 3, device=own.device).expand(len(own), parts.PART_COUNT, 2, 3)
    height, width = own.shape[-2:]
    warps = PartWarps(still, theta_tps * mask)
    grid = warps.sampling_grid(height, width, height, width, control_frame=control_frames(small), stride=2 if stride < 4 else 1)
    moved: Tensor = sample(own.flatten(0, 1), grid.flatten(0, 1)).unflatten(0, own.shape[:2])
    return moved
