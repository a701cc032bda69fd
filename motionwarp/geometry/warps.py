"""The warp of each part of a person.

An affine map and a thin-plate spline, composed into one map from target to source.

A target pixel x goes to `A(F^-1(T(F(x))))`: F, the control frame, turns target pixels into the normalized units of the
spline T, and A is the affine map to source pixels. With the whole target picture as frame this is the composition of
the geometric matcher: the source is warped by A first, and the result by T. The picture itself is sampled once only.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from motionwarp.geometry.affine import apply_affine, compose_affine, identity_affine, invert_affine
from motionwarp.geometry.grids import affine_lattice, normalizing_map
from motionwarp.geometry.thin_plate import control_size, displace


@dataclass(frozen=True, eq=False)
class PartWarps:
    """Maps of P parts from target pixels to source pixels.

    Attributes
    ----------
    theta_affine : float tensor (..., P, 2, 3)
        From target pixels to source pixels.
    theta_tps : float tensor (..., P, 2, K*K)
        Displacements of the spline's control points in normalized units of the control frame; zeros are the identity.
    """

    theta_affine: Tensor
    theta_tps: Tensor

    def __post_init__(self) -> None:
        if self.theta_affine.ndim < 3 or self.theta_affine.shape[-2:] != (2, 3):
            raise ValueError(f"theta_affine has shape (..., P, 2, 3), got {tuple(self.theta_affine.shape)}")
        control_size(self.theta_tps)
        if self.theta_tps.shape[:-2] != self.theta_affine.shape[:-2]:
            raise ValueError(
                f"theta_affine {tuple(self.theta_affine.shape)} and theta_tps {tuple(self.theta_tps.shape)} differ in "
                "their parts"
            )

    @classmethod
    def identity(cls, *leading: int, size: int, device: torch.device | None = None) -> PartWarps:
        """Return maps that leave every pixel where it is; `leading` ends in P, `size` is K."""
        return cls(identity_affine(*leading, device=device), torch.zeros(*leading, 2, size * size, device=device))

    @property
    def part_count(self) -> int:
        """P."""
        return self.theta_affine.shape[-3]

    @property
    def size(self) -> int:
        """K, points of the control grid in each direction."""
        return control_size(self.theta_tps)

    def flatten(self) -> Tensor:
        """Return all parameters in a row, float32 (..., D) with D = P * (6 + 2 K*K).

        The affine maps, then the splines.
        """
        return torch.cat([self.theta_affine.flatten(-3), self.theta_tps.flatten(-3)], dim=-1).float()

    @classmethod
    def from_flat(cls, theta: Tensor, part_count: int, size: int) -> PartWarps:
        """Undo `flatten`.

        Raises
        ------
        ValueError
            If the length is not that of `part_count` parts with `size` x `size` control points.
        """
        length = part_count * (6 + 2 * size * size)
        if theta.shape[-1] != length:
            raise ValueError(
                f"{part_count} parts with {size} x {size} control points have {length} parameters, got "
                f"{theta.shape[-1]}"
            )
        affine, tps = theta.split([part_count * 6, part_count * 2 * size * size], dim=-1)
        return cls(affine.unflatten(-1, (part_count, 2, 3)), tps.unflatten(-1, (part_count, 2, size * size)))

    def map_points(self, points: Tensor, control_frame: Tensor) -> Tensor:
        """Return where target points lie in the source.

        Parameters
        ----------
        points : float tensor (..., P, N, 2)
            Target pixels.
        control_frame : float tensor, broadcastable to (..., P, 2, 3)
            From target pixels to the spline's normalized units, for example `normalizing_map(height, width)`.

        Returns
        -------
        float tensor (..., P, N, 2)
        """
        moved = displace(apply_affine(control_frame, points), self.theta_tps)
        return apply_affine(compose_affine(self.theta_affine, invert_affine(control_frame)), moved)

    def sampling_grid(
        self,
        height: int,
        width: int,
        source_height: int,
        source_width: int,
        *,
        origin: Tensor | None = None,
        control_frame: Tensor | None = None,
        stride: int = 1,
    ) -> Tensor:
        """Return grid_sample's coordinates in the source for every pixel of a box of the target.

        Parameters
        ----------
        height, width : int
            Size of the box.
        source_height, source_width : int
        origin, control_frame, stride
            As in `lattice`.

        Returns
        -------
        float tensor (..., P, H, W, 2)
        """
        to_sampling = normalizing_map(source_height, source_width, device=self.theta_affine.device)
        return self.lattice(height, width, to_sampling, origin=origin, control_frame=control_frame, stride=stride)

    def lattice(
        self,
        height: int,
        width: int,
        after: Tensor,
        *,
        origin: Tensor | None = None,
        control_frame: Tensor | None = None,
        stride: int = 1,
    ) -> Tensor:
        """Map every pixel of a box of the target to the source, and on by `after`.

        Parameters
        ----------
        height, width : int
            Size of the box.
        after : float tensor, broadcastable to (..., P, 2, 3)
            From source pixels to whatever is wanted.
        origin : float tensor, broadcastable to (..., P, 2), optional
            x, y of the box's first pixel in the target; (0, 0) if not given.
        control_frame : float tensor, broadcastable to (..., P, 2, 3), optional
            As in `map_points`; the box itself, taken as a picture, if not given.
        stride : int
            The spline is evaluated at every `stride`-th pixel and interpolated between: it bends slowly, and its
            logarithms are dear. 1 is exact; 8 is off by less than a tenth of a pixel where the control points of a
            frame of 600 x 900 pixels move by a twentieth of it, and by inversely more in smaller frames.

        Returns
        -------
        float tensor (..., P, H, W, 2)
        """
        device = self.theta_affine.device
        leading = self.theta_affine.shape[:-2]
        if origin is None:
            origin = torch.zeros(2, device=device)
        if control_frame is None:
            control_frame = compose_affine(normalizing_map(height, width, device=device), _translation(-origin))
        rows, columns = _strided(height, stride), _strided(width, stride)
        to_target = _translation(origin) * torch.tensor(
            [stride, stride, 1.0], device=device
        )  # coarse pixels to target pixels
        coarse = affine_lattice(compose_affine(control_frame, to_target), rows, columns)  # in the spline's units
        moved = displace(
            coarse.expand(*leading, rows, columns, 2).flatten(-3, -2), self.theta_tps
        )  # (..., P, rows * columns, 2)
        onwards = compose_affine(compose_affine(after, self.theta_affine), invert_affine(control_frame))
        points = apply_affine(onwards, moved).unflatten(-2, (rows, columns))
        return _refined(points, stride, height, width)


def _translation(shift: Tensor) -> Tensor:
    """Return the maps that move by `shift` (..., 2), (..., 2, 3)."""
    turn = torch.eye(2, device=shift.device, dtype=shift.dtype).expand(*shift.shape[:-1], 2, 2)
    return torch.cat([turn, shift[..., None]], dim=-1)


def _strided(length: int, stride: int) -> int:
    """Return how many points, `stride` pixels apart, have `length` pixels between them."""
    return length if stride == 1 else (length - 1) // stride + 2


def _refined(points: Tensor, stride: int, height: int, width: int) -> Tensor:
    """Interpolate points (..., rows, columns, 2) of every `stride`-th pixel to all, (..., H, W, 2)."""
    if stride == 1:
        return points
    share = torch.arange(stride, device=points.device, dtype=points.dtype) / stride
    # written in the order in which it is read: an enlarged picture of x and y would have to be turned over
    down = torch.lerp(points[..., :-1, None, :, :], points[..., 1:, None, :, :], share[:, None, None])
    down = down.flatten(-4, -3)[..., :height, :, :]  # (..., H, columns, 2)
    across = torch.lerp(down[..., :-1, None, :], down[..., 1:, None, :], share[:, None])
    return across.flatten(-3, -2)[..., :width, :]
