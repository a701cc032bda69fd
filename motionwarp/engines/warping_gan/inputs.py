"""What stage I and the matcher of the `parts` preset see, at a quarter of the window's resolution."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from motionwarp.engines.warping_gan.networks import PartParserOutput
from motionwarp.geometry.grids import sample
from motionwarp.geometry.warps import PartWarps
from motionwarp.parsing.labels import CLASS_COUNT
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.puppet.compositor import Canvas, WarpedFrames, depth_scores, drawing_order
from motionwarp.puppet.joints import Joints
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH

POSE_CHANGE_LENGTH: Final = 4 * parts.PART_COUNT
_TRUNK: Final = (
    (parts.TORSO, sk.RIGHT_SHOULDER, sk.RIGHT_HIP),
    (parts.TORSO, sk.LEFT_SHOULDER, sk.LEFT_HIP),
    (parts.TORSO, sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER),
    (parts.TORSO, sk.RIGHT_HIP, sk.LEFT_HIP),
    (parts.GARMENT, sk.RIGHT_HIP, sk.RIGHT_KNEE),
    (parts.GARMENT, sk.LEFT_HIP, sk.LEFT_KNEE),
)


def part_maps(poses: Tensor, height: int, width: int, stride: int) -> Tensor:
    """Draw every part of the target as a soft limb around its bones.

    Parameters
    ----------
    poses : float32 tensor (B, 18, 3)
        In pixels of the window.
    height, width : int
        Of the maps.
    stride : int
        Pixels of the window for each cell of the maps.

    Returns
    -------
    float32 tensor (B, 15, height, width)
        exp(-(d / r)^2) of the distance d from the nearest bone and the part's radius r; 0 for parts whose points are missing.
    """
    points = Joints(poses)
    shift = 0.5 / stride - 0.5
    owners, starts, ends = _bones(points)
    starts, ends = starts / stride + shift, ends / stride + shift  # (B, S, 2), in cells
    radii = torch.tensor(parts.RADIUS, device=poses.device)[owners] * points.torso[:, None] / stride  # (B, S)
    rows = torch.arange(height, device=poses.device, dtype=torch.float32)[:, None]
    columns = torch.arange(width, device=poses.device, dtype=torch.float32)[None, :]
    along = ends - starts
    squared = along.square().sum(-1).clamp_min(1e-6)
    from_x = columns - starts[..., 0, None, None]  # (B, S, 1, w)
    from_y = rows - starts[..., 1, None, None]  # (B, S, h, 1)
    step = along / squared[..., None]
    share = (from_x * step[..., 0, None, None] + from_y * step[..., 1, None, None]).clamp(0, 1)  # (B, S, h, w)
    away = (from_x - share * along[..., 0, None, None]).square() + (from_y - share * along[..., 1, None, None]).square()
    closeness = torch.exp(-away / radii.square()[..., None, None].clamp_min(1e-6))
    maps = closeness.new_zeros(len(poses), parts.PART_COUNT, height, width)
    maps = maps.scatter_reduce(1, owners[None, :, None, None].expand_as(closeness), closeness, "amax")
    return maps * points.present_parts()[..., None, None]


def _bones(points: Joints) -> tuple[Tensor, Tensor, Tensor]:
    """Return the part of each bone (S,), and its ends (B, S, 2) each."""
    xy = points.xy
    neck = xy[:, sk.NECK]
    head = xy[:, list(sk.HEAD_POINTS)]
    seen = points.visible[:, list(sk.HEAD_POINTS), None].float()
    face = torch.where(seen.sum(1) > 0, (head * seen).sum(1) / seen.sum(1).clamp_min(1), neck)
    bones = [
        (parts.HEAD, neck + 0.35 * (face - neck), face + 0.45 * (face - neck)),
        (parts.TORSO, neck, points.hip_center),
    ]
    bones += [(part, xy[:, start], xy[:, end]) for part, start, end in _TRUNK]
    for limb in parts.LIMBS:
        near, middle, far = (xy[:, point] for point in limb.points)
        ends = (near, middle, far, points.tip(limb))
        bones += [(part, ends[index], ends[index + 1]) for index, part in enumerate(limb.parts)]
    owners = torch.tensor([part for part, _, _ in bones], device=xy.device)
    return owners, torch.stack([start for _, start, _ in bones], 1), torch.stack([end for _, _, end in bones], 1)


def pose_change(theta_affine: Tensor) -> Tensor:
    """Return how far the parts are turned and stretched against the source.

    Parameters
    ----------
    theta_affine : float32 tensor (B, 15, 2, 3)
        Maps from window pixels to source pixels.

    Returns
    -------
    float32 tensor (B, 60)
        For each part the linear map's four entries over the torso's scale, less the identity: zeros where nothing turns.
    """
    linear = theta_affine[..., :2].float()
    scale = torch.linalg.det(linear[:, parts.TORSO]).abs().clamp_min(1e-8).sqrt()
    relative = linear / scale[:, None, None, None] - torch.eye(2, device=linear.device)
    clamped: Tensor = relative.flatten(1).clamp(-4, 4)
    return clamped


def control_frames(poses: Tensor) -> Tensor:
    """Return where each part's spline lives: from window pixels to units along and across the part.

    Parameters
    ----------
    poses : float32 tensor (B, 18, 3)
        In pixels of the window.

    Returns
    -------
    float32 tensor (B, 15, 2, 3)
        The part's bone is centred in [-1, 1], with room for its flesh; the same scale in both directions.
    """
    points = Joints(poses)
    xy, torso = points.xy, points.torso
    neck, hips = xy[:, sk.NECK], points.hip_center
    starts, ends = neck[:, None].repeat(1, parts.PART_COUNT, 1), hips[:, None].repeat(1, parts.PART_COUNT, 1)
    # the head goes on above the neck and the garment below the hips, both along the torso
    starts[:, parts.HEAD], ends[:, parts.HEAD] = neck, neck + 0.6 * (neck - hips)
    starts[:, parts.GARMENT], ends[:, parts.GARMENT] = hips, hips + 1.2 * (hips - neck)
    for limb in parts.LIMBS:
        chain = [*(xy[:, point] for point in limb.points), points.tip(limb)]
        for index, part in enumerate(limb.parts):
            starts[:, part], ends[:, part] = chain[index], chain[index + 1]
    bone = ends - starts
    length = bone.norm(dim=-1)  # (B, 15)
    along = bone / length.clamp_min(1e-3)[..., None]
    # a bone of no length has no direction: any will do, as nothing is drawn of it
    along = torch.where((length > 1e-3)[..., None], along, along.new_tensor([0.0, 1.0]))
    across = torch.stack([-along[..., 1], along[..., 0]], dim=-1)
    reach = 0.5 * length + 1.5 * along.new_tensor(parts.RADIUS) * torso[:, None]
    turn = torch.stack([along, across], dim=-2) / reach[..., None, None]  # (B, 15, 2, 2)
    center = 0.5 * (starts + ends)
    return torch.cat([turn, -(turn @ center[..., None])], dim=-1)


LAYER_COUNT: Final = parts.PART_COUNT + 1  # the last is all parts, laid over each other in closed form


def stacked_layers(groups: Iterable[WarpedFrames], count: int, height: int, width: int) -> tuple[Tensor, Tensor]:
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
    depth = depth_scores(Joints(poses), poses[..., 2])
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
    grid = warps.sampling_grid(
        height, width, height, width, control_frame=control_frames(small), stride=2 if stride < 4 else 1
    )
    moved: Tensor = sample(own.flatten(0, 1), grid.flatten(0, 1)).unflatten(0, own.shape[:2])
    return moved


PART_STRIDE: Final = 4  # pixels of the window for each cell
QUARTER_HEIGHT, QUARTER_WIDTH = CROP_HEIGHT // PART_STRIDE, CROP_WIDTH // PART_STRIDE


class QuarterInputs(NamedTuple):
    """What stage I and the matcher see.

    Attributes
    ----------
    layers : float (B, 64, h, w)
    classes : float (B, 20, h, w)
    limbs : float (B, 15, h, w)
    """

    layers: Tensor
    classes: Tensor
    limbs: Tensor


def quarter_inputs(layers: Tensor, classes: Tensor, points: Tensor) -> QuarterInputs:
    """Return stage I's inputs.

    Parameters
    ----------
    layers : float (B, 16, 4, H/2, W/2)
        In [0, 1].
    classes : integer (B, h, w)
    points : float32 (B, 18, 3)
        In pixels of the window.
    """
    one_hot = functional.one_hot(classes.long().clamp(max=CLASS_COUNT - 1), CLASS_COUNT).permute(0, 3, 1, 2).float()
    small = functional.avg_pool2d(layers.flatten(1, 2), 2)
    return QuarterInputs(small, one_hot, part_maps(points, QUARTER_HEIGHT, QUARTER_WIDTH, PART_STRIDE))


def stage_one_probabilities(output: PartParserOutput) -> Tensor:
    """Return what stage II sees of stage I, float (B, 36, h, w)."""
    return torch.cat([output.parsing_logits.float().softmax(1), output.in_front_logits.float().softmax(1)], dim=1)


def in_front_of(stage_one: Tensor) -> Tensor:
    """Return from stage I's probabilities (B, 36, h, w) those of which part is in front, (B, 16, h, w)."""
    return stage_one[:, CLASS_COUNT:]
