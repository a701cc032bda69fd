"""The engine of RATE-Net: the picture of the person's window from the source's window and both poses."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from motionwarp.engines.crop_gan.engine import CropGanEngine, DrawnCrops
from motionwarp.engines.rate_net.networks import RATE_NET_FILE, RateNetOutput


class RateNetEngine(CropGanEngine):
    """RATE-Net at work.

    Parameters
    ----------
    weights : str or Path
        A file that training exported, `rate_net.safetensors`.

    Raises
    ------
    WeightsError
        If it is missing, damaged or for another engine.
    """

    name = "rate_net"

    def __init__(self, weights: str | Path) -> None:
        file = RATE_NET_FILE.load(weights)
        self.weights_sha256 = file.sha256
        self._trained = file.network
        super().__init__(file.network.config.height, file.network.config.width)
        self._network: nn.Module

    def place_networks(self) -> None:
        """Bring the network to the device."""
        self._network = self.placed(self._trained)

    def pose_maps(self, points: Tensor) -> Tensor:
        """Draw poses as heat maps; see `CropGanEngine.pose_maps`."""
        return self._trained.config.pose_maps(points)

    def plan_crops(self, heatmaps: Tensor) -> Tensor:
        """Plan nothing: the network is told the poses alone; see `CropGanEngine.plan_crops`."""
        return torch.zeros(len(heatmaps), 0)

    def draw_crops(self, heatmaps: Tensor, theta: Tensor) -> DrawnCrops:
        """Draw the windows' pictures; see `CropGanEngine.draw_crops`."""
        source = self.source.expanded(len(heatmaps))
        made: RateNetOutput = self._network(source.rgb, source.heatmaps, heatmaps)
        return DrawnCrops(made.rgb.float().clamp(0, 1), made.coverage.float().sigmoid())
