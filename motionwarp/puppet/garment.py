"""Cloth that hangs from the hips: a spline that follows the torso at the waist and both legs, smoothly, below.

Points of the cloth are skinned: each moves by a mixture of the maps of torso, thighs and shins whose shares change
smoothly over the cloth. A spline from target to source is then fitted to these points, so that the cloth stays in one
piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from motionwarp.geometry.affine import apply_affine, compose_affine
from motionwarp.geometry.thin_plate import bending_matrix, spline_basis
from motionwarp.pose import skeleton
from motionwarp.puppet import parts
from motionwarp.puppet.joints import Joints
from motionwarp.types import FloatArray

CONTROL_SIZE: Final = 5
_SAMPLES: Final = 7  # skinned points along each side of the garment's box
_FRAME_MARGIN: Final = 1.25  # the control grid reaches this far beyond the box: cloth that swings out is still within
_BENDING: Final = 1e-3  # weight of the bending energy against the squared misfit
_RIDGE: Final = 1e-3
_LOOSE: Final = 0.15  # share of the torso's map that even the hem keeps
_SHIN_SHARE: Final = 0.6  # of the shins' map below the knees; cloth hangs rather than clings
_BLENDED: Final = (parts.TORSO, parts.RIGHT_THIGH, parts.LEFT_THIGH, parts.RIGHT_SHIN, parts.LEFT_SHIN)


@dataclass(frozen=True, eq=False)
class Garment:
    """The cloth of one source.

    Attributes
    ----------
    frame : float32 tensor (2, 3)
        From source pixels to the spline's normalized units.
    points : float32 tensor (N, 2)
        Points of the cloth in source pixels to which the spline is fitted.
    shares : float32 tensor (N, 5)
        How far each point follows torso, thighs and shins.
    outline, outline_shares : float32 tensors (M, 2), (M, 5)
        The same for the hull of the cloth.
    """

    frame: Tensor
    points: Tensor
    shares: Tensor
    outline: Tensor
    outline_shares: Tensor

    def control_frame(self, torso_map: Tensor) -> Tensor:
        """Return the map (B, 2, 3) from target pixels to the spline's units, for the torso's maps to the source."""
        return compose_affine(self.frame.expand(len(torso_map), 2, 3), torso_map)

    def fit(self, forward: Tensor, torso_map: Tensor) -> Tensor:
        """Fit the spline to the skinned points.

        Parameters
        ----------
        forward : float32 tensor (B, P, 2, 3)
            Maps of the rigid parts from source to target.
        torso_map : float32 tensor (B, 2, 3)
            From target to source.

        Returns
        -------
        float32 tensor (B, 2, K*K)
            Displacements in the units of `frame`.
        """
        skinned = _skin(self.points, self.shares, forward)  # (B, N, 2), target pixels
        here = apply_affine(self.control_frame(torso_map), skinned)
        wanted = apply_affine(self.frame, self.points) - here  # (B, N, 2)
        basis = spline_basis(here, CONTROL_SIZE)  # (B, N, K*K)
        bending = bending_matrix(CONTROL_SIZE).to(basis)
        ridge = _RIDGE * torch.eye(CONTROL_SIZE**2, device=basis.device)
        normal = basis.transpose(1, 2) @ basis / basis.shape[1] + _BENDING * bending + ridge
        fitted: Tensor = torch.linalg.solve(normal, basis.transpose(1, 2) @ wanted / basis.shape[1])  # (B, K*K, 2)
        return fitted.transpose(1, 2)

    def skinned_outline(self, forward: Tensor) -> Tensor:
        """Return where the hull of the cloth goes, float32 (B, M, 2), in target pixels."""
        return _skin(self.outline, self.outline_shares, forward)


def make_garment(source: Joints, outline: FloatArray) -> Garment:
    """Prepare the cloth of one source.

    Parameters
    ----------
    source : Joints
        Points of one pose.
    outline : float32 (M, 2)
        Convex hull of the cloth below the hips, in source pixels.
    """
    low, high = outline.min(axis=0), outline.max(axis=0)
    center, half = 0.5 * (low + high), np.maximum(0.5 * (high - low), 1.0)
    steps = np.linspace(-1, 1, _SAMPLES, dtype=np.float32)
    lattice = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2) * half + center
    scale = 1 / (_FRAME_MARGIN * half)
    frame = np.array([[scale[0], 0, -center[0] * scale[0]], [0, scale[1], -center[1] * scale[1]]], dtype=np.float32)
    points = torch.from_numpy(lattice.astype(np.float32))
    hull = torch.from_numpy(outline)
    return Garment(torch.from_numpy(frame), points, _shares(points, source), hull, _shares(hull, source))


def _skin(points: Tensor, shares: Tensor, forward: Tensor) -> Tensor:
    mixed = torch.einsum("ns,bsij->bnij", shares, forward[:, list(_BLENDED)])  # (B, N, 2, 3)
    return (mixed[..., :2] * points[:, None, :]).sum(-1) + mixed[..., 2]


def _shares(points: Tensor, source: Joints) -> Tensor:
    """Return how far points follow torso, right and left thigh, right and left shin, float32 (N, 5)."""
    neck, hips = source.xy[0, skeleton.NECK], source.hip_center[0]
    down = (hips - neck) / (hips - neck).norm().clamp_min(1e-3)
    left = torch.stack([down[1], -down[0]])  # towards the person's left when facing the camera
    hip_axis = source.xy[0, skeleton.LEFT_HIP] - source.xy[0, skeleton.RIGHT_HIP]
    if float((hip_axis * left).sum()) < 0:
        left = -left
    torso = float(source.torso[0])
    present = source.present_parts()[0]
    fall = ((points - hips) * down).sum(-1)  # (N,)
    aside = ((points - hips) * left).sum(-1)
    axes = [_leg_axis(source, limb, hips, down, left, fall) for limb in (parts.RIGHT_LEG, parts.LEFT_LEG)]
    gap = (axes[1] - axes[0]).clamp_min(0.3 * torso)
    to_left = _smooth_step(0.5 + (aside - 0.5 * (axes[0] + axes[1])) / (1.3 * gap))
    thigh = max(float((source.xy[0, skeleton.LEFT_KNEE] - source.xy[0, skeleton.LEFT_HIP]).norm()), 0.6 * torso)
    legs = (1 - _LOOSE) * _smooth_step(fall / (0.7 * thigh))
    shins = _SHIN_SHARE * _smooth_step((fall - 0.9 * thigh) / (0.5 * thigh))
    shares = torch.zeros(len(points), len(_BLENDED))
    for side, share in ((0, 1 - to_left), (1, to_left)):
        has_shin = bool(present[_BLENDED[3 + side]])
        shares[:, 1 + side] = legs * share * (1 - shins * has_shin)
        shares[:, 3 + side] = legs * share * shins * has_shin
    shares[:, 0] = 1 - shares[:, 1:].sum(dim=1)
    return shares


def _leg_axis(source: Joints, limb: parts.Limb, hips: Tensor, down: Tensor, left: Tensor, fall: Tensor) -> Tensor:
    """Return how far aside a leg runs at each depth below the hips, (N,)."""
    hip, knee = source.xy[0, limb.points[0]] - hips, source.xy[0, limb.points[1]] - hips
    start, end = (hip * down).sum(), (knee * down).sum()
    share = ((fall - start) / (end - start).clamp_min(1.0)).clamp(0, 1)
    return (hip * left).sum() + share * ((knee - hip) * left).sum()


def _smooth_step(value: Tensor) -> Tensor:
    value = value.clamp(0, 1)
    return value * value * (3 - 2 * value)
