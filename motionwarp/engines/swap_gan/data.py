"""What SwapGAN sees of a pair: pictures, poses as lines in colors, segmentations of five groups, and masks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from motionwarp.engines.crop_gan.data import CropBatch
from motionwarp.engines.swap_gan.networks import SEGMENT_CHANNELS
from motionwarp.parsing.labels import IGNORE, to_groups
from motionwarp.pose.drawing import draw_pose
from motionwarp.types import ByteArray, FloatArray


class SwapPicture(NamedTuple):
    """One picture of each pair of a batch, as the networks take it.

    Attributes
    ----------
    rgb : float (B, 3, H, W)
        In [0, 1].
    pose : float (B, 3, H, W)
        Bones as lines in colors over black, in [0, 1].
    segments : float (B, 5, H, W)
        One-hot: head, arms, legs, upper and lower clothes.
    mask : float (B, 1, H, W)
        Their union.
    """

    rgb: Tensor
    pose: Tensor
    segments: Tensor
    mask: Tensor

    def at(self, rows: Tensor) -> SwapPicture:
        """Return some rows, int64 (N,), of the batch."""
        return SwapPicture(*(plane[rows] for plane in self))


def pose_lines(points: FloatArray, height: int, width: int) -> ByteArray:
    """Return a pose as lines in colors, uint8 (H, W, 3)."""
    return draw_pose(np.zeros((height, width, 3), dtype=np.uint8), points)


def segments_of(parsing: ByteArray) -> FloatArray:
    """Return SwapGAN's five groups, one-hot, float32 (5, H, W); what is not known is in none."""
    groups = to_groups(parsing)
    return np.stack([groups == group for group in range(1, SEGMENT_CHANNELS + 1)]).astype(np.float32)


def swap_picture(rgb: Tensor, parsing: Tensor, points: Tensor, device: torch.device) -> SwapPicture:
    """Return pictures uint8 (B, 3, H, W) with parsings uint8 (B, H, W) and points (B, 18, 3) as networks take them."""
    height, width = rgb.shape[-2:]
    lines = np.stack([pose_lines(each, height, width) for each in points.float().cpu().numpy()])
    segments = np.stack([segments_of(each) for each in parsing.to(torch.uint8).cpu().numpy()])
    planes = torch.from_numpy(segments).to(device)
    return SwapPicture(
        rgb.to(device).float() / 255,
        torch.from_numpy(lines).permute(0, 3, 1, 2).to(device).float() / 255,
        planes,
        planes.amax(dim=1, keepdim=True),
    )


def role_of(batch: CropBatch, role: str, device: torch.device) -> SwapPicture:
    """Return a batch's pictures of one role, "source" or "target"."""
    planes: dict[str, Tensor] = {name: batch[f"{role}_{name}"] for name in ("rgb", "parsing", "points")}  # type: ignore[literal-required]
    return swap_picture(planes["rgb"], planes["parsing"], planes["points"], device)


def both_roles(batch: CropBatch, device: torch.device) -> tuple[SwapPicture, SwapPicture]:
    """Return a batch's references and conditions: which picture of a pair is which is drawn."""
    one, other = (role_of(batch, role, device) for role in ("source", "target"))
    exchanged = (torch.rand(len(one.rgb)) < 0.5).view(-1, 1, 1, 1).to(device)
    reference = SwapPicture(*(torch.where(exchanged, b, a) for a, b in zip(one, other, strict=True)))
    condition = SwapPicture(*(torch.where(exchanged, a, b) for a, b in zip(one, other, strict=True)))
    return reference, condition


def head_mask(parsing: Tensor) -> Tensor:
    """Return where heads are, hair included, float (B, 1, H, W), of parsings uint8 (B, H, W)."""
    table = torch.from_numpy((to_groups(np.arange(256, dtype=np.uint8)) == 1).astype(np.float32))
    table[IGNORE] = 0
    return functional.embedding(parsing.long().cpu(), table[:, None]).permute(0, 3, 1, 2).to(parsing.device)
