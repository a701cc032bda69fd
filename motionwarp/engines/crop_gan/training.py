"""The base of trainings from pairs of whole pictures."""

from __future__ import annotations

from typing import Protocol, TypeVar

import torch
from torch import nn

from motionwarp.engines.crop_gan.data import CropBatch, CropDataConfig, CropPairs
from motionwarp.training.network_task import NetworkTask, NetworkTrainingConfig
from motionwarp.training.pretrained import adam


class CropTrainingConfig(NetworkTrainingConfig, Protocol):
    """What the configuration of a network's training from pairs has."""

    @property
    def data(self) -> CropDataConfig:
        """The packs, and the pictures' size."""


Config = TypeVar("Config", bound=CropTrainingConfig)


class CropGanTask(NetworkTask[Config, CropBatch]):
    """One network, trained from pairs by Adam with the momenta of GANs."""

    def make_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return Adam."""
        return adam(network, self.config.loop)

    def samples(self) -> CropPairs:
        """Return the pairs of the packs."""
        return CropPairs(self.config.data, self.config.loop.seed)
