"""A turned head, whose outline stays while its face and hair move over it as over a cylinder.

Besides, the back of what does not turn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from motionwarp.geometry.grids import from_sampling, sample, to_sampling
from motionwarp.puppet.compositor import WarpedPart
from motionwarp.puppet.textures import PartTexture
from motionwarp.types import FloatArray

_SOLID: Final = 0.3  # alpha of what is inside of the outline
_SMOOTHED: Final = 0.06  # of the head's height, over which its middle and breadth vary smoothly
_SEAM: Final = 0.15  # in radii, over which the seen side goes over into the other one
_RIM: Final = 0.96  # of the radius: the last pixels of an outline have hardly a color
_NO_TURN: Final = 0.01  # radians
_LEAST_ALPHA: Final = 0.05


def turned_frames(turn: Tensor) -> list[int]:
    """Return which frames show a turned head, for cosines and sines (B, 2)."""
    frames: list[int] = (torch.atan2(turn[:, 1], turn[:, 0]).abs() > _NO_TURN).nonzero()[:, 0].tolist()
    return frames


@dataclass(frozen=True, eq=False)
class HeadSurface:
    """The head's two sides and the cylinder that carries them.

    Attributes
    ----------
    front, behind : PartTexture
        Textures of one box.
    middle, radius : float32 tensors (h,)
        Middle and radius of the surface in each row of the box, in its pixels.
    """

    front: PartTexture
    behind: PartTexture
    middle: Tensor
    radius: Tensor

    @classmethod
    def of(cls, front: PartTexture, behind: PartTexture) -> HeadSurface:
        """Find the cylinder."""
        alpha = front.rgba[0, 3].cpu().numpy()
        profile = _profile(alpha)
        middle, radius = torch.from_numpy(profile).to(front.rgba.device)
        return cls(front, behind, middle, radius)

    def turned(self, head: WarpedPart, grid: Tensor, turn: Tensor) -> WarpedPart:
        """Turn the heads of those frames that ask for it.

        Parameters
        ----------
        head : WarpedPart
            Head in B frames, sampled from the front.
        grid : float32 tensor (B, h, w, 2)
            Where it was sampled, in grid_sample's coordinates.
        turn : float32 tensor (B, 2)
            Cosine and sine of each frame's turn, of any length; positive ones to the person's left.

        Returns
        -------
        WarpedPart
            Frames without a turn are unchanged.
        """
        some = turned_frames(turn)
        if not some:
            return head
        angle = torch.atan2(turn[:, 1], turn[:, 0])
        rgba, classes = head.rgba.clone(), None if head.parsing is None else head.parsing.clone()
        # one after the other: a head is small, and what is made on the way is several times as large
        for frame in some:
            own = slice(frame, frame + 1)
            rgba[own], moved = self._turned(
                rgba[own], None if classes is None else classes[own], grid[own], float(angle[frame])
            )
            if classes is not None and moved is not None:
                classes[own] = moved
        return WarpedPart(rgba, classes, head.placement)

    def _turned(self, rgba: Tensor, classes: Tensor | None, grid: Tensor, angle: float) -> tuple[Tensor, Tensor | None]:
        """Return one frame's head turned, for its picture (1, 4, h, w) and classes (1, 1, h, w)."""
        there, visible = self._source_of(grid, angle)
        share = (visible / _SEAM + 0.5).clamp(0, 1)[:, None]  # (1, 1, h, w)
        mixed = share * sample(self.front.rgba, there) + (1 - share) * sample(self.behind.rgba, there)
        covered = mixed[:, 3:] > _LEAST_ALPHA
        colors = torch.where(covered, mixed[:, :3] / mixed[:, 3:].clamp_min(_LEAST_ALPHA) * rgba[:, 3:], rgba[:, :3])
        if classes is not None and self.front.parsing is not None and self.behind.parsing is not None:
            front, behind = (sample(side, there, mode="nearest") for side in (self.front.parsing, self.behind.parsing))
            classes = torch.where(covered, torch.where(share > 0.5, front, behind), classes)
        return torch.cat([colors, rgba[:, 3:]], dim=1), classes

    def _source_of(self, grid: Tensor, angle: float) -> tuple[Tensor, Tensor]:
        """Return where what is seen at places (B, h, w, 2) lies without the turn, and how far it faces us there."""
        height, width = self.front.rgba.shape[-2:]
        x, y = from_sampling(grid, height, width).unbind(-1)
        y = y.clamp(0, height - 1)
        above = y.floor().long().clamp(max=max(height - 2, 0))
        below = (above + 1).clamp(max=height - 1)
        part = y - above
        middle, radius = (row[above] + part * (row[below] - row[above]) for row in (self.middle, self.radius))
        beside = ((x - middle) / radius).clamp(-1, 1)
        depth = (1 - beside.square()).sqrt()
        without = beside * math.cos(angle) - depth * math.sin(angle)
        visible = depth * math.cos(angle) + beside * math.sin(angle)
        there = torch.stack([middle + _RIM * without * radius, y], dim=-1)
        return to_sampling(there, height, width), visible


def chosen_sides(front: WarpedPart, back: WarpedPart, from_behind: Tensor) -> WarpedPart:
    """Return a part of B frames, sampled in the same boxes from both of its sides.

    Its back where it is seen from behind, bool (B,).
    """
    behind = from_behind.to(front.rgba.device)[:, None, None, None]
    parsing = None
    if front.parsing is not None and back.parsing is not None:
        parsing = torch.where(behind, back.parsing, front.parsing)
    return WarpedPart(torch.where(behind, back.rgba, front.rgba), parsing, front.placement)


def _profile(alpha: FloatArray) -> FloatArray:
    """Return the middle and half the breadth of each row of an outline (h, w), float32 (2, h)."""
    solid = alpha > _SOLID
    rows = np.flatnonzero(solid.any(axis=1))
    height, width = alpha.shape
    if not len(rows):
        return np.array([[width / 2] * height, [max(width / 2, 1)] * height], dtype=np.float32)
    first = solid[rows].argmax(axis=1)
    last = width - 1 - solid[rows][:, ::-1].argmax(axis=1)
    of_rows = np.stack([(first + last) / 2, np.maximum((last - first + 1) / 2, 1.0)]).astype(np.float32)
    filled = np.stack([np.interp(np.arange(height), rows, row) for row in of_rows]).astype(np.float32)
    sigma = max(_SMOOTHED * len(rows), 0.5)
    return np.asarray(
        cv2.GaussianBlur(filled, (0, 0), sigma, sigmaY=1e-3, borderType=cv2.BORDER_REPLICATE), dtype=np.float32
    )
