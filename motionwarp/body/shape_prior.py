"""What people look like: how the body's shapes are spread among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from motionwarp.body.layout import MEASURES
from motionwarp.body.model import BodyModel
from motionwarp.body.rig import PointRig

_SAMPLES: Final = 2000
_SEED: Final = 20
# of people whom nobody has measured: with more children among them all adults came out too small, legs by a seventh
_GROWN_UP: Final = 0.97


def sample_coefficients(body: BodyModel, count: int, random: torch.Generator, *, grown_up: float = 0.8) -> Tensor:
    """Return shapes' coefficients (N, K) of people of all sexes, ages and proportions.

    Phenotypes and measures are drawn apart from each other, from spreads of our choice; anny has none that are measured
    for adults.

    Parameters
    ----------
    body : BodyModel
    count : int
    random : torch.Generator
    grown_up : float
        Share of adults; of the others three of four are youths, one is a child.
    """

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=random) * (high - low) + low

    kind = torch.rand(count, generator=random)
    age = torch.where(
        kind < grown_up,
        uniform(0.55, 1.0),
        torch.where(kind < 0.25 * grown_up + 0.75, uniform(1 / 3, 0.55), uniform(0.1, 1 / 3)),
    )
    height = (0.38 + 0.1 * torch.randn(count, generator=random)).clamp(0.1, 0.8)
    phenotypes = torch.stack(
        [uniform(0, 1), age, uniform(0.2, 0.9), uniform(0.1, 0.95), height, uniform(0, 1), uniform(0.2, 0.8)], dim=1
    )
    measures = (0.35 * torch.randn(count, len(MEASURES), generator=random)).clamp(-1, 1)
    return body.coefficients(phenotypes.to(body.device), measures.to(body.device))


@dataclass(frozen=True, eq=False)
class ShapeSpace:
    """The main directions in which adults differ, in units of their spread.

    Attributes
    ----------
    mean : float tensor (K,)
    directions : float tensor (Z, K)
        What one standard deviation along each adds to the coefficients.
    """

    mean: Tensor
    directions: Tensor

    @classmethod
    def of(cls, body: BodyModel, dimensions: int = 24) -> ShapeSpace:
        """Return the space of people as `sample_coefficients` draws them; the same in every process."""
        random = torch.Generator().manual_seed(_SEED)
        samples = sample_coefficients(body, _SAMPLES, random, grown_up=_GROWN_UP)
        mean = samples.mean(dim=0)
        _, spread, directions = torch.linalg.svd(samples - mean, full_matrices=False)
        deviations = spread[:dimensions, None] / _SAMPLES**0.5
        return cls(mean, directions[:dimensions] * deviations)

    def coefficients(self, z: Tensor) -> Tensor:
        """Return coefficients (..., K) of places (..., Z) in the space."""
        return self.mean + z @ self.directions


@dataclass(frozen=True, eq=False)
class RigSpace:
    """The rigs of people in a `ShapeSpace`, to first order in their place in it.

    Attributes
    ----------
    mean : PointRig
    offsets : float tensor (Z, D, 3)
    anchors : float tensor (Z, 18, D, 4)
    """

    mean: PointRig
    offsets: Tensor
    anchors: Tensor

    @classmethod
    def of(cls, body: BodyModel, space: ShapeSpace) -> RigSpace:
        """Return the rigs' space by central differences of half a deviation."""
        dimensions = len(space.directions)
        steps = 0.5 * torch.eye(dimensions, device=body.device)
        places = torch.cat([torch.zeros(1, dimensions, device=body.device), steps, -steps])
        rigs = PointRig.of(body, body.shape_of(space.coefficients(places)))
        up, down = slice(1, 1 + dimensions), slice(1 + dimensions, None)
        return cls(
            PointRig(rigs.offsets[0], rigs.anchors[0]),
            rigs.offsets[up] - rigs.offsets[down],
            rigs.anchors[up] - rigs.anchors[down],
        )

    def rig(self, z: Tensor) -> PointRig:
        """Return the rig of a person at (Z,)."""
        return PointRig(
            self.mean.offsets + torch.einsum("z,zda->da", z, self.offsets),
            self.mean.anchors + torch.einsum("z,zkda->kda", z, self.anchors),
        )

    def to(self, dtype: torch.dtype) -> RigSpace:
        """Return the same in another precision."""
        mean = PointRig(self.mean.offsets.to(dtype), self.mean.anchors.to(dtype))
        return RigSpace(mean, self.offsets.to(dtype), self.anchors.to(dtype))
