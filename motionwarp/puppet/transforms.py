"""Closed-form maps of all rigid parts from the source's points to the target's.

The forward maps (source to target) are fitted, because a foreshortened body makes them small rather than huge, and are
then inverted to the maps from target to source pixels that sampling wants.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from motionwarp.geometry.affine import (
    anchored,
    apply_affine,
    compose_affine,
    fit_affine,
    fit_similarity,
    mean_scale,
    segment_map,
    with_least_width,
)
from motionwarp.pose import skeleton
from motionwarp.puppet import parts
from motionwarp.puppet.head import HEAD_POINTS
from motionwarp.puppet.joints import Joints

_TORSO_POINTS: Final = (
    skeleton.NECK, skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER, skeleton.RIGHT_HIP, skeleton.LEFT_HIP,
)  # fmt: skip
_TORSO_WEIGHTS: Final = (0.5, 1.0, 1.0, 1.0, 1.0)
_TORSO_PULL: Final = 0.15
_TORSO_LEAST: Final = 0.6  # of the global scale: a chest is not much deeper than half its breadth
_HEAD_SCALE: Final = (0.95, 1.1)  # of the global scale: heads do not shrink when they are bowed
_ALONG_SCALE: Final = (0.3, 3.0)  # of the global scale
# a foot stays flat while the shin leans less than the first angle, and follows it wholly beyond the second
_FOOT_FREE: Final = (math.radians(25), math.radians(75))


def forward_maps(source: Joints, target: Joints, source_part: tuple[int, ...], head: Tensor | None = None) -> Tensor:
    """Return the maps of all parts from source to target pixels.

    Parameters
    ----------
    source : Joints
        Points of one pose, B = 1.
    target : Joints
        Points of B poses.
    lent : tuple of P int
        The part whose source pixels each part shows: itself, or its twin, whose pixels are then mirrored.
    head : float32 tensor (B, 6, 2), optional
        Where the source's `HEAD_POINTS` would lie if the head were turned as the target's is; by default where they
        are.

    Returns
    -------
    float32 tensor (B, P, 2, 3)
        The garment's is the torso's here.
    """
    count = len(target.xy)
    scale = target.torso / source.torso  # (B,)
    torso = _torso_map(source, target, scale)
    maps = torso[:, None].repeat(1, parts.PART_COUNT, 1, 1)
    maps[:, parts.HEAD] = _head_map(source, target, torso, scale, head)
    for limb in parts.LIMBS:
        for position, part in enumerate(limb.parts):
            donor = limb if source_part[part] == part else _twin(limb)
            maps[:, part] = _limb_map(source, target, donor, limb, position, scale)
    return torch.where(target.usable.reshape(count, 1, 1, 1), maps, torch.eye(2, 3, device=maps.device))


def side_swaps(source: Joints, source_part: tuple[int, ...]) -> Tensor:
    """Return the map of each thigh's and shin's pixels onto those that its twin shows, float32 (P, 2, 3).

    Identities for other parts.
    """
    swaps = torch.eye(2, 3, device=source.xy.device).repeat(parts.PART_COUNT, 1, 1)
    one = torch.ones(1, device=source.xy.device)
    for limb in (parts.RIGHT_LEG, parts.LEFT_LEG):
        twin = _twin(limb)
        for position, part in enumerate(limb.parts[:2]):
            if source_part[twin.parts[position]] == part:
                continue
            start, end = (source.xy[:, point] for point in limb.points[position : position + 2])
            twin_start, twin_end = (source.xy[:, point] for point in twin.points[position : position + 2])
            along = (twin_end - twin_start).norm(dim=-1) / (end - start).norm(dim=-1).clamp_min(1.0)
            swaps[part] = segment_map(start, end, twin_start, twin_end, -one, along.clamp_min(1e-3))[0]
    return swaps


def hanging_maps(forward: Tensor, swaps: Tensor, other_side: Tensor) -> Tensor:
    """Return the maps that cloth hangs by, from source to target pixels.

    The torso's front is shown from behind too, and not mirrored; so cloth on the picture's left has to follow the leg
    that is there then.

    Parameters
    ----------
    forward : float32 tensor (B, P, 2, 3)
        As from `forward_maps`.
    swaps : float32 tensor (P, 2, 3)
        As from `side_swaps`.
    other_side : bool tensor (B,)
        As from `Joints.shows_other_side`.

    Returns
    -------
    float32 tensor (B, P, 2, 3)
    """
    swapped = compose_affine(forward[:, list(parts.TWIN)], swaps)
    return torch.where(other_side[:, None, None, None], swapped, forward)


def _torso_map(source: Joints, target: Joints, scale: Tensor) -> Tensor:
    chosen = list(_TORSO_POINTS)
    here, there = source.xy[:, chosen], target.xy[:, chosen]  # (1, 5, 2), (B, 5, 2)
    weights = torch.tensor(_TORSO_WEIGHTS, device=here.device)
    # from behind, the front is shown as it is, not mirrored: what was on the picture's left stays there, though it is
    # the other side
    swapped = source.xy[:, [skeleton.MIRROR[point] for point in chosen]]
    other_side = target.shows_other_side(source)[:, None, None]
    fitted = fit_affine(torch.where(other_side, swapped, here), there, weights, pull=_TORSO_PULL)
    center = here.mean(dim=1)  # (1, 2)
    image = apply_affine(fitted, center[:, None].expand(len(there), 1, 2))[:, 0]
    return anchored(with_least_width(fitted, _TORSO_LEAST * scale), center, image)


def _head_map(source: Joints, target: Joints, torso: Tensor, scale: Tensor, head: Tensor | None) -> Tensor:
    chosen = list(HEAD_POINTS)
    there = target.xy[:, chosen]
    here = source.xy[:, chosen].expand_as(there) if head is None else head
    weights = (source.visible[:, chosen] & target.visible[:, chosen]).float()  # (B, 6)
    weights[:, -1] = 1.0  # the neck, which may be filled in, keeps the head on the body
    fitted = fit_similarity(here, there, weights)
    # profile views bring the points of the face together without the head becoming smaller
    size = mean_scale(fitted)
    wanted = torch.minimum(torch.maximum(size, _HEAD_SCALE[0] * scale), _HEAD_SCALE[1] * scale)
    shares = weights / weights.sum(dim=1, keepdim=True)
    center = (shares[..., None] * here).sum(dim=1)
    image = (shares[..., None] * there).sum(dim=1)
    resized = torch.cat([fitted[..., :2] * (wanted / size.clamp_min(1e-6))[:, None, None], fitted[..., 2:]], dim=-1)
    # with fewer than two points of the face its turn cannot be told
    enough = weights[:, :-1].sum(dim=1) >= 1
    return torch.where(enough[:, None, None], anchored(resized, center, image), torso)


def _limb_map(
    source: Joints, target: Joints, donor: parts.Limb, limb: parts.Limb, position: int, scale: Tensor
) -> Tensor:
    across = scale if donor is limb else -scale
    # from behind, what was the outer side of a limb lies on the other side of its bone
    across = torch.where(target.shows_other_side(source), -across, across)
    if position == 2:
        return _extremity_map(source, target, donor, limb, across)
    start, end = donor.points[position : position + 2]
    to_start, to_end = limb.points[position : position + 2]
    here = source.xy[:, end] - source.xy[:, start]
    there = target.xy[:, to_end] - target.xy[:, to_start]
    stretch = there.norm(dim=-1) / here.norm(dim=-1).clamp_min(1.0)
    along = torch.minimum(torch.maximum(stretch, _ALONG_SCALE[0] * scale), _ALONG_SCALE[1] * scale)
    return segment_map(
        source.xy[:, start], source.xy[:, end], target.xy[:, to_start], target.xy[:, to_end], across, along
    )


def _extremity_map(source: Joints, target: Joints, donor: parts.Limb, limb: parts.Limb, across: Tensor) -> Tensor:
    """Move a hand or foot without changing its shape, turned as forearm or shin is."""
    here = source.xy[:, donor.points[2]]
    there = target.xy[:, limb.points[2]]
    reach, to_reach = source.tip(donor) - here, target.tip(limb) - there
    if not limb.is_arm:
        to_reach = _flat_on_the_ground(reach, to_reach, across < 0)
    return segment_map(here, here + reach, there, there + to_reach, across, across.abs())


def _flat_on_the_ground(reach: Tensor, to_reach: Tensor, mirrored: Tensor) -> Tensor:
    """Turn a foot back by what a standing person's ankle gives."""
    reach = torch.where(mirrored[:, None], reach * reach.new_tensor([-1.0, 1.0]), reach)
    dot = (reach * to_reach).sum(-1)
    cross = reach[..., 0] * to_reach[..., 1] - reach[..., 1] * to_reach[..., 0]
    angle = torch.atan2(cross, dot)
    low, high = _FOOT_FREE
    share = ((angle.abs() - low) / (high - low)).clamp(0, 1)
    turn = angle * (share * share * (3 - 2 * share))
    cosine, sine = turn.cos(), turn.sin()
    x, y = reach[..., 0], reach[..., 1]
    turned = torch.stack([cosine * x - sine * y, sine * x + cosine * y], dim=-1)
    length: Tensor = to_reach.norm(dim=-1, keepdim=True) / reach.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    return turned * length


def _twin(limb: parts.Limb) -> parts.Limb:
    return next(other for other in parts.LIMBS if other.is_arm == limb.is_arm and other.is_right != limb.is_right)
