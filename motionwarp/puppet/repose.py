"""Moving a labeled picture of a person into another pose, labels included.

Training pictures of poses that nobody struck.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from motionwarp.parsing import labels
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.person import PuppetPerson
from motionwarp.types import ByteArray, FloatArray, Pose, SourcePerson

# a source much larger than its target is shrunk first: it saves most of the time, and the pixels would be averaged
# anyway
_ENOUGH = 1.5


def repose(
    rgb: ByteArray,
    matte: FloatArray,
    parsing: ByteArray,
    pose: Pose,
    target_pose: Pose,
    height: int,
    width: int,
) -> tuple[ByteArray, FloatArray, ByteArray, Pose]:
    """Move a labeled person into another pose by the layered engine's warps.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    matte : float32 (H, W)
        In [0, 1].
    parsing : uint8 (H, W)
        LIP classes; 255 where unknown.
    pose : Pose
        In pixels of `rgb`.
    target_pose : Pose
        In pixels of the result.
    height, width : int
        Size of the result.

    Returns
    -------
    rgb : uint8 (height, width, 3)
        The person's colors, not multiplied by the matte; black where the matte is 0.
    matte : float32 (height, width)
    parsing : uint8 (height, width)
        Classes carried along with the pixels; background where the matte is below one half.
    pose : Pose
        The target's, with the head's points where they are seen.

    Raises
    ------
    NoPersonError
        If `pose` shows no upper body.
    """
    source = _shrunk(SourcePerson(rgb, matte, pose, parsing), target_pose)
    with torch.inference_mode():
        person = PuppetPerson(source, torch.device("cpu"), keep_parsing=True)
        poses = torch.from_numpy(target_pose.points)[None]
        frame = person.render(poses, person.plan(poses), height, width)[0]
        shown = Pose(person.shown_poses(poses)[0].numpy())
    moved_rgb = np.zeros((height, width, 3), dtype=np.uint8)
    moved_matte = np.zeros((height, width), dtype=np.float32)
    moved_parsing = np.full((height, width), labels.BACKGROUND, dtype=np.uint8)
    if frame is None or frame.parsing is None:
        return moved_rgb, moved_matte, moved_parsing, shown
    window = (
        slice(frame.top, frame.top + frame.rgba.shape[1]),
        slice(frame.left, frame.left + frame.rgba.shape[2]),
    )
    alpha = frame.rgba[3].clamp(0, 1)
    straight = frame.rgba[:3] / alpha.clamp_min(1 / 255)
    moved_rgb[window] = (straight * 255 + 0.5).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    moved_matte[window] = alpha.numpy()
    moved_parsing[window] = (
        torch.where(alpha >= 0.5, frame.parsing, torch.zeros_like(frame.parsing)).to(torch.uint8).numpy()
    )
    return moved_rgb, moved_matte, moved_parsing, shown


def _shrunk(source: SourcePerson, target_pose: Pose) -> SourcePerson:
    """Return the source no more than `_ENOUGH` times as large as its target."""
    here = float(Joints(torch.from_numpy(source.pose.points)[None]).torso[0])
    there = float(Joints(torch.from_numpy(target_pose.points)[None]).torso[0])
    factor = _ENOUGH * there / here
    if factor >= 1:
        return source
    height, width = source.parsing.shape
    size = max(round(width * factor), 8), max(round(height * factor), 8)
    scale_x, scale_y = size[0] / width, size[1] / height
    matrix = [[scale_x, 0, 0.5 * scale_x - 0.5], [0, scale_y, 0.5 * scale_y - 0.5]]
    return SourcePerson(
        np.asarray(cv2.resize(source.rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8),
        np.asarray(cv2.resize(source.matte, size, interpolation=cv2.INTER_AREA), dtype=np.float32),
        source.pose.transformed(matrix),
        np.asarray(cv2.resize(source.parsing, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8),
    )
