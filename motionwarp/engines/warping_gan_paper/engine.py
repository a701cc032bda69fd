"""The engine of the Soft-Gated Warping-GAN as the paper has it: one warp, and pictures from the generator.

The first pass predicts the target's parsing in the person's window (stage I) and matches the source's parsing to it. In
the second pass the generator draws the window's picture over plain gray; what stage I takes for background becomes
transparent.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from motionwarp.engines.crop_gan.engine import CropGanEngine, DrawnCrops
from motionwarp.engines.warping_gan_paper.networks import load_paper_networks
from motionwarp.geometry.warps import PartWarps
from motionwarp.parsing.labels import BACKGROUND


class PaperEngine(CropGanEngine):
    """The Soft-Gated Warping-GAN at work.

    Parameters
    ----------
    weights : str or Path
        A file that training exported, `warping_gan_paper.safetensors`.

    Raises
    ------
    WeightsError
        If it is missing, damaged, for another engine, or lacks one of the three networks.
    """

    name = "warping_gan_paper"

    def __init__(self, weights: str | Path) -> None:
        self._networks = load_paper_networks(weights)
        self.weights_sha256 = self._networks.sha256
        super().__init__(self._networks.matcher.config.height, self._networks.matcher.config.width)
        self._parser: nn.Module
        self._matcher: nn.Module
        self._generator: nn.Module

    def place_networks(self) -> None:
        """Bring the three networks to the device."""
        networks = (self._networks.parser, self._networks.matcher, self._networks.generator)
        self._parser, self._matcher, self._generator = (self.placed(network) for network in networks)

    def plan_crops(self, heatmaps: Tensor) -> Tensor:
        """Match the source's parsing to the predicted one; see `CropGanEngine.plan_crops`."""
        source = self.source.expanded(len(heatmaps))
        warps: PartWarps = self._matcher(source.parsing, self.ready(self._stage_one(heatmaps)))
        return warps.flatten()

    def draw_crops(self, heatmaps: Tensor, theta: Tensor) -> DrawnCrops:
        """Draw by the matched warps; see `CropGanEngine.draw_crops`."""
        parsing = self._stage_one(heatmaps)
        warps = PartWarps.from_flat(theta, 1, self._networks.matcher.config.control_size)
        grid = warps.sampling_grid(self.height, self.width, self.height, self.width)[:, 0]
        source = self.source.expanded(len(heatmaps))
        made = self._generator(source.rgb, source.parsing, self.ready(parsing), source.heatmaps, heatmaps, grid)
        person = 1 - parsing[:, BACKGROUND : BACKGROUND + 1]
        return DrawnCrops(made.rgb.float(), person, parsing.argmax(1, keepdim=True))

    def _stage_one(self, heatmaps: Tensor) -> Tensor:
        """Return the target parsing, float32 (B, 20, H, W), probabilities."""
        source = self.source.expanded(len(heatmaps))
        logits: Tensor = self._parser(source.rgb, source.parsing, source.heatmaps, heatmaps)
        return logits.float().softmax(1)
