"""What can be set in the training of HPN and of its garments' flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from motionwarp.engines.crop_gan.data import CropDataConfig
from motionwarp.engines.hpn.flow import GarmentFlowConfig
from motionwarp.engines.hpn.losses import descriptor_count
from motionwarp.engines.hpn.networks import HpnConfig
from motionwarp.errors import OptionError
from motionwarp.pose.regions import RegionCount
from motionwarp.training.pack_samples import PackTrainingConfig
from motionwarp.training.task import LoopConfig, published_loop

_COUNTS: Final[Mapping[int, RegionCount | None]] = {0: None, 18: 18, 31: 31, 44: 44}


def _published() -> LoopConfig:
    # section 3.4: Adam at 2e-4, weight decay 5e-4, 700,000 iterations for each of five levels; no batch size is given
    return published_loop(3_500_000, 8, 2e-4, weight_decay=5e-4)


@dataclass(frozen=True)
class HpnLossConfig:
    """The loss.

    Attributes
    ----------
    descriptors : int or None
        Local descriptors: 18, 31 or 44, or 0 for none (the paper's ablation). None is the paper's choice by level.
    pixels : float
        Weight of the picture itself as one more layer of features. 0 in the paper, whose VGG knows colors; the
        analyzer's features know them less.
    coverage : float
        Weight of the cross-entropy of how much of a pixel is the person's, which only the engine needs.
    """

    descriptors: int | None = None
    pixels: float = 0.0
    coverage: float = 1.0

    def __post_init__(self) -> None:
        if self.descriptors is not None and self.descriptors not in _COUNTS:
            raise OptionError(f"there are 0, 18, 31 or 44 local descriptors, not {self.descriptors}")

    def count_at(self, size: int) -> RegionCount | None:
        """Return how many local descriptors a level of a height has; None for none."""
        if self.descriptors is None:
            return descriptor_count(size)
        return _COUNTS[self.descriptors]


@dataclass(frozen=True)
class HpnTrainingConfig(PackTrainingConfig):
    """Training of the autoencoder through all of its levels, with VGG-16 for the loss.

    Weights to begin with may be of a lower level; blocks that they lack begin at random.

    Attributes
    ----------
    plain_background : bool
        Whether people are cut out and laid over gray, as the engine needs it.
    network, loss, loop
        See their own classes. The loop's steps are shared evenly by the network's levels.
    """

    plain_background: bool = True
    network: HpnConfig = field(default_factory=HpnConfig)
    loss: HpnLossConfig = field(default_factory=HpnLossConfig)
    loop: LoopConfig = field(default_factory=_published)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.loop.steps < 2 * len(self.network.levels):
            raise OptionError(f"{len(self.network.levels)} levels need two steps each, got {self.loop.steps} steps")

    @property
    def data(self) -> CropDataConfig:
        """The pairs at the last level's size."""
        return self.data_at(self.network.resolution)

    def data_at(self, size: int) -> CropDataConfig:
        """Return the pairs at the size of a level, by its height."""
        return CropDataConfig(self.packs, size, self.network.width(size), self.plain_background)

    @property
    def phases(self) -> tuple[TrainingPhase, ...]:
        """Return which steps train which level with which criterion: L2 in a level's first half, L1 in its second."""
        levels, steps = self.network.levels, self.loop.steps
        bounds = [round(steps * index / (2 * len(levels))) for index in range(2 * len(levels) + 1)]
        return tuple(
            TrainingPhase(levels[index // 2], index % 2 == 0, bounds[index], bounds[index + 1])
            for index in range(2 * len(levels))
        )


@dataclass(frozen=True)
class TrainingPhase:
    """Steps that train one level with one criterion.

    Attributes
    ----------
    size : int
        Height of the level.
    squared : bool
        Whether the criterion is the L2.
    first, end : int
        The first step and the one after the last.
    """

    size: int
    squared: bool
    first: int
    end: int


def _flow_loop() -> LoopConfig:
    return published_loop(40_000, 8, 2e-4, decay_steps=20_000, weight_decay=5e-4)


@dataclass(frozen=True)
class GarmentFlowLossWeights:
    """Weights of the parts of the flow's loss; 0 switches a part off.

    Attributes
    ----------
    perceptual : float
        Of the features of the warped against the true garment: the paper's loss.
    pixel : float
        Of their L1; ours.
    mask : float
        Of the L1 of the warped against the true mask; ours: outside of it every garment is right.
    smoothness : float
        Of the flow's second differences inside the target mask; ours.
    """

    perceptual: float = 1.0
    pixel: float = 1.0
    mask: float = 1.0
    smoothness: float = 1.0


@dataclass(frozen=True)
class GarmentFlowTrainingConfig(PackTrainingConfig):
    """Training of the garments' flow, with VGG-16 for the loss.

    Attributes
    ----------
    network, loss, loop
        See their own classes.
    """

    network: GarmentFlowConfig = field(default_factory=GarmentFlowConfig)
    loss: GarmentFlowLossWeights = field(default_factory=GarmentFlowLossWeights)
    loop: LoopConfig = field(default_factory=_flow_loop)

    @property
    def data(self) -> CropDataConfig:
        """The pairs at the network's size; backgrounds do not matter, since garments are cut out."""
        return CropDataConfig(self.packs, self.network.height, self.network.width)
