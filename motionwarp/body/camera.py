"""Cameras that look at a body: weak perspective, and full perspective where a focal length is known."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class WeakPerspective:
    """A camera far away: all of the body is drawn to one scale.

    Attributes
    ----------
    scale : float tensor (...)
        Pixels for a meter.
    shift : float tensor (..., 2)
        Where the root, the origin, lies in the picture.
    """

    scale: Tensor
    shift: Tensor

    def __post_init__(self) -> None:
        if self.shift.shape != (*self.scale.shape, 2):
            raise ValueError(f"shifts are (..., 2), got {tuple(self.shift.shape)} for scales {tuple(self.scale.shape)}")

    def project(self, points: Tensor) -> Tensor:
        """Return pixels and depth (..., N, 3) of points (..., N, 3) in meters; the depth is in pixels too."""
        flat = points * self.scale[..., None, None]
        return torch.cat([flat[..., :2] + self.shift.unsqueeze(-2), flat[..., 2:]], dim=-1)


@dataclass(frozen=True, eq=False)
class Perspective:
    """A camera with a focal length.

    Attributes
    ----------
    focal : float tensor (...)
        Pixels.
    center : float tensor (..., 2)
        Where the camera looks, in pixels.
    translation : float tensor (..., 3)
        Where the root, the origin, lies before the camera, in meters; z is positive.
    """

    focal: Tensor
    center: Tensor
    translation: Tensor

    def __post_init__(self) -> None:
        if self.center.shape[-1] != 2 or self.translation.shape[-1] != 3:
            raise ValueError(
                f"a camera has a center (..., 2) and a translation (..., 3), got {tuple(self.center.shape)} "
                f"and {tuple(self.translation.shape)}"
            )

    @classmethod
    def of(cls, weak: WeakPerspective, focal: Tensor, center: Tensor) -> Perspective:
        """Return the camera that draws the root where, and as large as, a weak perspective does."""
        depth = focal / weak.scale
        sideways = (weak.shift - center) / weak.scale.unsqueeze(-1)
        return cls(focal, center, torch.cat([sideways, depth.unsqueeze(-1)], dim=-1))

    def project(self, points: Tensor) -> Tensor:
        """Return pixels and depth in meters (..., N, 3) of points (..., N, 3) in meters.

        Raises
        ------
        ValueError
            If a point does not lie in front of the camera.
        """
        placed = points + self.translation.unsqueeze(-2)
        depth = placed[..., 2:]
        if not bool((depth > 0).all()):
            raise ValueError(f"points must lie in front of the camera; the nearest is at {float(depth.min()):.3g} m")
        flat = placed[..., :2] * self.focal[..., None, None] / depth + self.center.unsqueeze(-2)
        return torch.cat([flat, depth], dim=-1)
