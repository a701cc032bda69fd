"""Stage I of the Soft-Gated Warping-GAN (Dong et al., NeurIPS 2018), section 3.1.1: the parsing of the person in a new pose."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from motionwarp.networks.resnet_generator import Decoder, Encoder, residual_stack
from motionwarp.parsing.labels import CLASS_COUNT
from motionwarp.types import POINT_COUNT


@dataclass(frozen=True)
class PoseGuidedParserConfig:
    """Size of the parser.

    Attributes
    ----------
    base : int
        Channels after the first convolution; 64 in the paper.
    blocks : int
        Residual blocks; 9 in the paper.
    """

    base: int = 64
    blocks: int = 9


class PoseGuidedParser(nn.Module):
    """Condition picture, its parsing and pose, and the target pose, to logits of the target parsing.

    The paper's figure feeds condition parsing and target pose; we add the picture and the condition pose, which tell how a
    garment is worn and what of it was hidden.
    """

    def __init__(self, config: PoseGuidedParserConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PoseGuidedParserConfig()
        self.encoder = Encoder(3 + CLASS_COUNT + 2 * POINT_COUNT, config.base)
        self.residual = residual_stack(self.encoder.out_channels, config.blocks)
        self.decoder = Decoder(self.encoder.out_channels, CLASS_COUNT, config.base)

    def forward(self, image: Tensor, parsing: Tensor, source_heatmaps: Tensor, target_heatmaps: Tensor) -> Tensor:
        """Predict the target parsing.

        Parameters
        ----------
        image : float (B, 3, H, W)
            In [0, 1]; H and W are multiples of 8.
        parsing : float (B, 20, H, W)
            Of the condition picture, one-hot or probabilities.
        source_heatmaps, target_heatmaps : float (B, 18, H, W)

        Returns
        -------
        float (B, 20, H, W)
            Logits.
        """
        condition = torch.cat([image * 2 - 1, parsing, source_heatmaps, target_heatmaps], dim=1)  # (B, 59, H, W)
        logits: Tensor = self.decoder(self.residual(self.encoder(condition)))
        return logits
