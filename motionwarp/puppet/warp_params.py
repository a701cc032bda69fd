"""The layered engine's parameters of each frame, and their flat form for smoothing over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from motionwarp.geometry.affine import apply_affine, compose_affine, invert_affine
from motionwarp.geometry.thin_plate import displace
from motionwarp.geometry.warps import PartWarps
from motionwarp.puppet import parts
from motionwarp.puppet.compositor import DEPTH_COUNT
from motionwarp.puppet.garment import CONTROL_SIZE
from motionwarp.puppet.head import TURN_LENGTH

# places in a box, as shares of its size; a little beyond it, since what is looked for may lie there
_PROBES: Final = torch.cartesian_prod(torch.linspace(-0.1, 1.1, 5), torch.linspace(-0.1, 1.1, 5))


@dataclass(frozen=True, eq=False)
class ResidualWarps:
    """Splines that come before the parts' own maps: what a matcher found that closed forms leave over.

    Attributes
    ----------
    theta_tps : float32 tensor (B, P, 2, K*K)
        Displacements in units of the control frames. The garment's are not used: it has a spline of its own.
    control_frames : float32 tensor (B, P, 2, 3)
        From pixels of the target to the splines' units.
    """

    theta_tps: Tensor
    control_frames: Tensor

    def chosen(self, frames: np.ndarray[tuple[int], np.dtype[np.int64]]) -> ResidualWarps:
        """Return those of some frames."""
        return ResidualWarps(self.theta_tps[frames], self.control_frames[frames])

    def moved(self, outlines: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Return corners (B, 2, 2) of boxes around parts after their splines, for outlines (B, N, 2) before them."""
        bent = [part for part in outlines if part != parts.GARMENT]
        if not bent:
            return dict(outlines)
        low = torch.stack([outlines[part].amin(dim=1) for part in bent], dim=1)  # (B, P, 2)
        high = torch.stack([outlines[part].amax(dim=1) for part in bent], dim=1)
        # the spline is smooth: a few points tell how far it moves anything in the box
        places = low[:, :, None] + (high - low)[:, :, None] * _PROBES  # (B, P, 25, 2)
        frames = self.control_frames[:, bent]
        there = apply_affine(invert_affine(frames), displace(apply_affine(frames, places), self.theta_tps[:, bent]))
        # a pixel shows what the part's own map puts where the spline sends it: what it shows moves the other way
        shift = there - places
        corners = torch.stack([low - shift.amax(dim=2), high - shift.amin(dim=2)], dim=2)
        return {**outlines, **dict(zip(bent, corners.unbind(dim=1), strict=True))}


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
