"""The analyzer's features as those of a perceptual loss."""

from __future__ import annotations

from torch import Tensor, nn

from motionwarp.perception.network import Analyzer


class AnalyzerFeatures(nn.Module):
    """Features at strides 2, 4 and 8 of a picture (B, 3, H, W) in [0, 1]; the analyzer is not trained."""

    name = "analyser"

    def __init__(self, analyzer: Analyzer) -> None:
        super().__init__()
        self.stem, self.stage4, self.stage8 = analyzer.stem, analyzer.stage4, analyzer.stage8
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> AnalyzerFeatures:
        """Stay in evaluation mode: its norms' statistics are part of what it learned."""
        return super().train(False)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Return the features, finest first."""
        features2 = self.stem(picture * 2 - 1)
        features4 = self.stage4(features2)
        return [features2, features4, self.stage8(features4)]
