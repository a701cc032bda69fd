"""The networks' inputs: limbs, warped parts and pose changes of a person's window."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.engines.warping_gan.limb_rows import draw_limbs
from motionwarp.engines.warping_gan.networks import BODY_CHANNELS, BODY_TURN_LENGTH, PartParserOutput
from motionwarp.parsing.labels import CLASS_COUNT
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.puppet.compositor import Canvas, WarpedFrames
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
        Size of the maps.
    stride : int
        Pixels of the window for each cell of the maps.

    Returns
    -------
    float32 tensor (B, 15, height, width)
        exp(-(d / r)^2) of the distance d from the nearest bone and the part's radius r; 0 for parts whose points are
        missing.
    """
    points = Joints(poses)
    shift = 0.5 / stride - 0.5
    owners, starts, ends = _bones(points)
    starts, ends = starts / stride + shift, ends / stride + shift  # (B, S, 2), in cells
    radii = torch.tensor(parts.RADIUS, device=poses.device)[owners] * points.torso[:, None] / stride  # (B, S)
    if poses.device.type == "cpu":
        drawn = np.zeros((len(poses), parts.PART_COUNT, height, width), dtype=np.float32)
        bones = torch.cat([starts, ends, radii[..., None]], dim=2).numpy()
        draw_limbs(bones, owners.numpy(), points.present_parts().numpy(), drawn)
        return torch.from_numpy(drawn)
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
        For each part the linear map's four entries over the torso's scale, less the identity: zeros where nothing
        turns.
    """
    linear = theta_affine[..., :2].float()
    scale = torch.linalg.det(linear[:, parts.TORSO]).abs().clamp_min(1e-8).sqrt()
    relative = linear / scale[:, None, None, None] - torch.eye(2, device=linear.device)
    clamped: Tensor = relative.flatten(1).clamp(-4, 4)
    return clamped


LAYER_COUNT: Final = parts.PART_COUNT + 1  # the last is all parts, laid over each other in closed form


def stacked_layers(groups: Iterable[WarpedFrames], count: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Lay warped parts and their composite out over whole windows.

    Parameters
    ----------
    groups : iterable of WarpedFrames
        Groups of frames in windows of `height` x `width`; without classes they count as background.
    count : int
        Frames in all groups together.

    Returns
    -------
    layers : float32 (count, 16, 4, height, width)
        In memory as (count, height, width, 16, 4).
    classes : float32 (count, 1, height, width)
    """
    # a pixel's values lie beside each other, which is how networks take them: boxes are laid in so at once, and no
    # plane is turned around
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


PART_STRIDE: Final = 4  # pixels of the window for each cell
QUARTER_HEIGHT, QUARTER_WIDTH = CROP_HEIGHT // PART_STRIDE, CROP_WIDTH // PART_STRIDE


class QuarterInputs(NamedTuple):
    """The inputs of stage I.

    Attributes
    ----------
    layers : float (B, 64, h, w)
    classes : float (B, 20, h, w)
    limbs : float (B, 15, h, w)
        With a body (B, 35, h, w): its layer and the share of each part in front of it after them.
    """

    layers: Tensor
    classes: Tensor
    limbs: Tensor


class BodyInputs(NamedTuple):
    """What the networks see of a posed avatar.

    Attributes
    ----------
    planes : float (B, 5, H/2, W/2)
        Premultiplied RGB, alpha and certainty, in [0, 1].
    shares : float (B, 15, h, w)
        Of each part in what is in front.
    turn : float32 (B, 6)
    """

    planes: Tensor
    shares: Tensor
    turn: Tensor

    @property
    def layer(self) -> Tensor:
        """The body as one more layer, (B, 1, 4, H/2, W/2)."""
        return self.planes[:, None, :4]


def no_body(count: int, height: int, width: int) -> BodyInputs:
    """Return what is seen of people whose body could not be fitted, in planes of `height` x `width`."""
    return BodyInputs(
        torch.zeros(count, BODY_CHANNELS, height, width),
        torch.zeros(count, parts.PART_COUNT, height // 2, width // 2),
        torch.zeros(count, BODY_TURN_LENGTH),
    )


def part_shares(part: Tensor) -> Tensor:
    """Return the share of each part in cells of two by two pixels, float (B, 15, H/2, W/2), of (B, H, W)."""
    one_hot = functional.one_hot(part.long().clamp(max=parts.PART_COUNT), parts.PART_COUNT + 1)[..., :-1]
    return functional.avg_pool2d(one_hot.permute(0, 3, 1, 2).float(), 2)


_TURNED_BONES: Final = tuple(DRIVEN_BONES.index(name) for name in ("root", "spine01", "head"))
MIRRORED_TURN: Final = np.array([1, -1] * len(_TURNED_BONES), dtype=np.float32)
"""What the numbers of a turn are multiplied with when the picture is mirrored."""


def body_turn(turns: Tensor, rest: Tensor) -> Tensor:
    """Return how far hips, chest and head are turned about the upright axis against the photo.

    Parameters
    ----------
    turns : float tensor (B, D, 3, 3)
        Of the driven bones against the camera.
    rest : float tensor (D, 3, 3)
        In the photo.

    Returns
    -------
    float32 tensor (B, 6)
        For each the cosine less one and the sine: zeros for who is not turned.
    """
    chosen = list(_TURNED_BONES)
    relative = turns[:, chosen].float() @ rest[chosen].float().transpose(-1, -2)
    return torch.stack([relative[..., 2, 2] - 1, relative[..., 0, 2]], dim=-1).flatten(1)


def quarter_inputs(layers: Tensor, classes: Tensor, points: Tensor, body: BodyInputs | None = None) -> QuarterInputs:
    """Return stage I's inputs.

    Parameters
    ----------
    layers : float (B, 16, 4, H/2, W/2)
        In [0, 1].
    classes : integer (B, h, w)
    points : float32 (B, 18, 3)
        In pixels of the window.
    body : BodyInputs, optional
        For a stage I that sees it.
    """
    one_hot = functional.one_hot(classes.long().clamp(max=CLASS_COUNT - 1), CLASS_COUNT).permute(0, 3, 1, 2).float()
    small = functional.avg_pool2d(layers.flatten(1, 2), 2)
    limbs = part_maps(points, QUARTER_HEIGHT, QUARTER_WIDTH, PART_STRIDE)
    if body is not None:
        limbs = torch.cat([limbs, functional.avg_pool2d(body.planes, 2), body.shares], dim=1)
    return QuarterInputs(small, one_hot, limbs)


class StageTwoInputs(NamedTuple):
    """The inputs of stage II; see `PartGenerator.forward`."""

    layers: Tensor
    limbs: Tensor
    stage_one: Tensor
    change: Tensor


def stage_two_inputs(
    layers: Tensor, limbs: Tensor, stage_one: Tensor, change: Tensor, body: BodyInputs | None = None
) -> StageTwoInputs:
    """Return stage II's inputs.

    Parameters
    ----------
    layers : float (B, 16, 4, H/2, W/2)
    limbs : float (B, 15, H/2, W/2)
    stage_one : float (B, 36, h, w)
    change : float (B, 60)
    body : BodyInputs, optional
        For a stage II that sees it.
    """
    flat = layers.flatten(1, 2)
    if body is None:
        return StageTwoInputs(flat, limbs, stage_one, change)
    fine = functional.interpolate(body.shares, scale_factor=2.0, mode="nearest")
    return StageTwoInputs(
        torch.cat([flat, body.planes], dim=1), torch.cat([limbs, fine], dim=1), stage_one,
        torch.cat([change, body.turn.to(change)], dim=1),
    )  # fmt: skip


def stage_one_probabilities(output: PartParserOutput) -> Tensor:
    """Return what stage II sees of stage I, float (B, 36, h, w)."""
    return torch.cat([output.parsing_logits.float().softmax(1), output.in_front_logits.float().softmax(1)], dim=1)
