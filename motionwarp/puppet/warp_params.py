"""The layered engine's parameters of each frame, and their flat form for smoothing over time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from motionwarp.geometry.affine import compose_affine
from motionwarp.geometry.warps import PartWarps
from motionwarp.puppet import parts
from motionwarp.puppet.compositor import DEPTH_COUNT
from motionwarp.puppet.garment import CONTROL_SIZE
from motionwarp.puppet.head import TURN_LENGTH

_AFFINE: Final = parts.PART_COUNT * 6
_SPLINE: Final = 2 * CONTROL_SIZE**2
THETA_LENGTH: Final = _AFFINE + _SPLINE + DEPTH_COUNT + TURN_LENGTH


@dataclass(frozen=True, eq=False)
class WarpParams:
    """Warps and order of depth of B frames.

    Attributes
    ----------
    theta_affine : float32 tensor (B, P, 2, 3)
        Target pixels to source pixels.
    theta_tps : float32 tensor (B, 2, K*K)
        Spline of the garment, the only part that bends; zeros where there is none.
    depth : float32 tensor (B, 3)
        As from `layered_depth.depth_scores`.
    turn : float32 tensor (B, 2)
        What is shown of the head, as from `layered_head.head_turns`; of another length once it is smoothed.
    """

    theta_affine: Tensor
    theta_tps: Tensor
    depth: Tensor
    turn: Tensor

    def flatten(self) -> Tensor:
        """Return all in a row, float32 (B, D)."""
        return torch.cat([self.theta_affine.flatten(1), self.theta_tps.flatten(1), self.depth, self.turn], dim=1)

    @classmethod
    def from_flat(cls, theta: Tensor) -> WarpParams:
        """Undo `flatten`."""
        if theta.ndim != 2 or theta.shape[1] != THETA_LENGTH:
            raise ValueError(f"theta of the layered engine has shape (B, {THETA_LENGTH}), got {tuple(theta.shape)}")
        affine, spline, depth, turn = theta.split([_AFFINE, _SPLINE, DEPTH_COUNT, TURN_LENGTH], dim=1)
        return cls(affine.reshape(-1, parts.PART_COUNT, 2, 3), spline.reshape(-1, 2, CONTROL_SIZE**2), depth, turn)

    def garment_warp(self) -> PartWarps:
        """Return the garment's warp, with P = 1."""
        return PartWarps(self.theta_affine[:, parts.GARMENT, None], self.theta_tps[:, None])

    def of(self, frames: slice | np.ndarray[tuple[int], np.dtype[np.int64]]) -> WarpParams:
        """Return the parameters of some frames."""
        return WarpParams(*(plane[frames] for plane in (self.theta_affine, self.theta_tps, self.depth, self.turn)))

    def seen_from(self, window_to_frame: Tensor) -> WarpParams:
        """Return the parameters for pixels of a window of the frame.

        Parameters
        ----------
        window_to_frame : float32 tensor (B, 2, 3)
        """
        return replace(self, theta_affine=compose_affine(self.theta_affine, window_to_frame[:, None]))
