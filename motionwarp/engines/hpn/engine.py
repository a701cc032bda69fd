"""The engine of HPN: the picture of the person's window from the source's window and the target pose."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from motionwarp.engines.crop_gan.engine import CropGanEngine, DrawnCrops
from motionwarp.engines.hpn.networks import HPN_FILE, HpnOutput


class HpnEngine(CropGanEngine):
    """HPN at work, at the resolution of the level that its weights were trained to.

    Parameters
    ----------
    weights : str or Path
        A file that training exported, `hpn.safetensors`.

    Raises
    ------
    WeightsError
        If it is missing, damaged or for another engine.
    """

    name = "hpn"

    def __init__(self, weights: str | Path) -> None:
        file = HPN_FILE.load(weights)
        self.weights_sha256 = file.sha256
        self._trained = file.network
        config = file.network.config
        super().__init__(config.resolution, config.width(config.resolution))
        self._network: nn.Module

    def place_networks(self) -> None:
        """Bring the network to the device."""
        self._network = self.placed(self._trained)

    def pose_maps(self, points: Tensor) -> Tensor:
        """Draw poses as the bottleneck takes them; see `CropGanEngine.pose_maps`."""
        return self._trained.pose_maps(points, self.height)

    def plan_crops(self, heatmaps: Tensor) -> Tensor:
        """Plan nothing: the network is told the pose alone; see `CropGanEngine.plan_crops`."""
        return torch.zeros(len(heatmaps), 0)

    def draw_crops(self, heatmaps: Tensor, theta: Tensor) -> DrawnCrops:
        """Draw the windows' pictures; see `CropGanEngine.draw_crops`."""
        made: HpnOutput = self._network(self.source.expanded(len(heatmaps)).rgb, heatmaps)
        return DrawnCrops(made.rgb.float().clamp(0, 1), made.coverage.float().sigmoid())
