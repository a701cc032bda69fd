"""Splines that a matcher lays before the parts' closed-form maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from motionwarp.engines import layered_parts as parts
from motionwarp.geometry.affine import apply_affine, invert_affine
from motionwarp.geometry.thin_plate import displace

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
        """Return corners (B, 2, 2) of boxes around where the splines bring parts, for outlines (B, N, 2) that their own maps give."""
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
