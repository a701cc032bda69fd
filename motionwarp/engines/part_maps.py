"""The target pose as the warping networks see it: one soft map for each part, and how far each part is turned and stretched."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from motionwarp.engines import layered_parts as parts
from motionwarp.engines.layered_skeleton import BodyPoints
from motionwarp.pose import skeleton as sk

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
    points = BodyPoints(poses)
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


def _bones(points: BodyPoints) -> tuple[Tensor, Tensor, Tensor]:
    """Return the part of each bone (S,), and its ends (B, S, 2) each."""
    xy = points.xy
    neck = xy[:, sk.NECK]
    head = xy[:, list(sk.HEAD_POINTS)]
    seen = points.seen[:, list(sk.HEAD_POINTS), None].float()
    face = torch.where(seen.sum(1) > 0, (head * seen).sum(1) / seen.sum(1).clamp_min(1), neck)
    bones = [(parts.HEAD, neck + 0.35 * (face - neck), face + 0.45 * (face - neck)), (parts.TORSO, neck, points.hip_centre)]
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
    points = BodyPoints(poses)
    xy, torso = points.xy, points.torso
    neck, hips = xy[:, sk.NECK], points.hip_centre
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
    centre = 0.5 * (starts + ends)
    return torch.cat([turn, -(turn @ centre[..., None])], dim=-1)
