"""A turned head, whose outline stays while its face and hair move over it as over a cylinder; and the back of what does not turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from motionwarp.engines.layered_compositing import WarpedPart, sample_part
from motionwarp.engines.layered_textures import PartTexture
from motionwarp.geometry.grids import from_sampling, to_sampling
from motionwarp.types import FloatArray

_SOLID: Final = 0.3  # alpha of what is inside of the outline
_SMOOTHED: Final = 0.06  # of the head's height, over which its middle and breadth vary smoothly
_SEAM: Final = 0.15  # in radii, over which the seen side goes over into the other one
_RIM: Final = 0.96  # of the radius: the last pixels of an outline have hardly a colour
_NO_TURN: Final = 0.01  # radians
_LEAST_ALPHA: Final = 0.05


@dataclass(frozen=True, eq=False)
class HeadSurface:
    """The head's two sides and the cylinder that carries them.

    Attributes
    ----------
    front, behind : PartTexture
        Of one box.
    middle, radius : float32 tensors (h,)
        Of each row of the box, in its pixels.
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
            Of B frames, sampled from the front.
        grid : float32 tensor (B, h, w, 2)
            Where it was sampled, in grid_sample's coordinates.
        turn : float32 tensor (B, 2)
            Cosine and sine of each frame's turn, of any length; positive ones to the person's left.

        Returns
        -------
        WarpedPart
            Frames without a turn are unchanged.
        """
        angle = torch.atan2(turn[:, 1], turn[:, 0])
        some = (angle.abs() > _NO_TURN).nonzero()[:, 0]
        if not len(some):
            return head
        angle, chosen = angle[some].to(grid.device)[:, None, None], some.to(grid.device)
        placement = replace(head.placement, **{name: getattr(head.placement, name)[some.numpy()] for name in ("corners", "low", "high")})
        there, visible = self._source_of(grid[chosen], angle)
        share = (visible / _SEAM + 0.5).clamp(0, 1)[:, None]  # (b, 1, h, w)
        front, behind = (sample_part(side.rgba, side.parsing, there, placement) for side in (self.front, self.behind))
        mixed = share * front.rgba + (1 - share) * behind.rgba
        own = head.rgba[chosen]
        covered = mixed[:, 3:] > _LEAST_ALPHA
        colours = torch.where(covered, mixed[:, :3] / mixed[:, 3:].clamp_min(_LEAST_ALPHA) * own[:, 3:], own[:, :3])
        rgba = head.rgba.clone()
        rgba[chosen] = torch.cat([colours, own[:, 3:]], dim=1)
        classes = head.parsing
        if classes is not None and front.parsing is not None and behind.parsing is not None:
            moved = torch.where(share > 0.5, front.parsing, behind.parsing)
            classes = classes.clone()
            classes[chosen] = torch.where(covered, moved, classes[chosen])
        return WarpedPart(rgba, classes, head.placement)

    def _source_of(self, grid: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
        """Return where the surface seen at each place of a grid (B, h, w, 2) lies without the turn, and how far it faces us there."""
        height, width = self.front.rgba.shape[-2:]
        x, y = from_sampling(grid, height, width).unbind(-1)
        y = y.clamp(0, height - 1)
        above = y.floor().long().clamp(max=max(height - 2, 0))
        below = (above + 1).clamp(max=height - 1)
        part = y - above
        middle, radius = (row[above] + part * (row[below] - row[above]) for row in (self.middle, self.radius))
        beside = ((x - middle) / radius).clamp(-1, 1)
        depth = (1 - beside.square()).sqrt()
        without = beside * angle.cos() - depth * angle.sin()
        visible = depth * angle.cos() + beside * angle.sin()
        there = torch.stack([middle + _RIM * without * radius, y], dim=-1)
        return to_sampling(there, height, width), visible


def chosen_sides(front: WarpedPart, back: WarpedPart, from_behind: Tensor) -> WarpedPart:
    """Return a part of B frames, sampled in the same boxes from both of its sides: its back where it is seen from behind, bool (B,)."""
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
    return np.asarray(cv2.GaussianBlur(filled, (0, 0), sigma, sigmaY=1e-3, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)
