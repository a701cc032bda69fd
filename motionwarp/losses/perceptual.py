"""The perceptual loss over features of the project's own analyser.

Johnson et al. 2016 compare features of VGG-19; its weights are not ours to ship. The analyser's encoder was trained to tell
limbs, clothes and outlines apart, which is what should agree here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from motionwarp.networks.analyser import Analyser


class AnalyserFeatures(nn.Module):
    """Features at strides 2, 4 and 8 of a picture (B, 3, H, W) in [0, 1]; the analyser is not trained."""

    name = "analyser"

    def __init__(self, analyser: Analyser) -> None:
        super().__init__()
        self.stem, self.stage4, self.stage8 = analyser.stem, analyser.stage4, analyser.stage8
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> AnalyserFeatures:
        """Stay in evaluation mode: its norms' statistics are part of what it learnt."""
        return super().train(False)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Return the features, finest first."""
        features2 = self.stem(picture * 2 - 1)
        features4 = self.stage4(features2)
        return [features2, features4, self.stage8(features4)]


def perceptual_loss(features: nn.Module, made: Tensor, true: Tensor) -> Tensor:
    """Return the mean over layers of the L1 between features, each over its own mean size, a scalar."""
    with torch.no_grad():
        wanted = features(true)
    got = features(made)
    return torch.stack(
        [(one - other).abs().mean() / (other.abs().mean() + 1e-3) for one, other in zip(got, wanted, strict=True)]
    ).mean()
