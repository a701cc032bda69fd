"""The geometric matcher of the `parts` preset: for every part, the thin-plate spline that its closed-form warp leaves over.

As in the Soft-Gated Warping-GAN (section 3.1.2) an affine map comes first and a spline on a 3x3 control grid second; here the
affine maps of the parts are those of the points in closed form, and only the splines are regressed. One small network looks at one
part at a time: where the affine map puts the part, and where stage I expects to see it. All parts share its weights but for
an embedding that names the part.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from motionwarp.networks.blocks import ConvNormAct
from motionwarp.networks.part_parser import PART_COUNT

CONTROL_SIZE = 3
# displacements in units of the part's control frame: beyond this the points and the picture contradict each other
LARGEST_SHIFT = 0.5
_SEEN_CHANNELS = 7  # premultiplied RGB and alpha, expectation, limb, expectation of any part


@dataclass(frozen=True)
class PartMatcherConfig:
    """Size of the matcher.

    Attributes
    ----------
    channels : tuple of int
        Of strided convolutions, each at half the size of the one before.
    hidden : int
        Of the regression.
    height, width : int
        Of the quarter-size window in pixels.
    """

    channels: tuple[int, ...] = (16, 32, 48)
    hidden: int = 64
    height: int = 64
    width: int = 48


class PartMatcher(nn.Module):
    """Warped parts and stage I's expectation to splines, zeros (the identity) at the start."""

    def __init__(self, config: PartMatcherConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PartMatcherConfig()
        layers: list[nn.Module] = []
        before = _SEEN_CHANNELS
        for channels in config.channels:
            layers.append(ConvNormAct(before, channels, stride=2))
            before = channels
        self.features = nn.Sequential(*layers)
        shrink = 2 ** len(config.channels)
        cells = (config.height // shrink) * (config.width // shrink)
        self.reduce = nn.Linear(before * cells, config.hidden)
        self.part = nn.Embedding(PART_COUNT, config.hidden)
        self.head = nn.Linear(config.hidden, 2 * CONTROL_SIZE**2)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, layers: Tensor, in_front: Tensor, limbs: Tensor) -> Tensor:
        """Regress the splines.

        Parameters
        ----------
        layers : float (B, 64, H/4, W/4)
            As in `PartParser`; the composite is not looked at.
        in_front : float (B, 16, H/4, W/4)
            Probability that each part is what is seen; the last is 'no part'.
        limbs : float (B, 15, H/4, W/4)

        Returns
        -------
        float32 (B, 15, 2, 9)
            theta_tps: displacements of the control points in units of each part's control frame.
        """
        batch = layers.shape[0]
        own = layers.unflatten(1, (PART_COUNT + 1, 4))[:, :PART_COUNT]  # (B, 15, 4, h, w)
        anybody = (1 - in_front[:, -1:]).unsqueeze(1).expand(-1, PART_COUNT, -1, -1, -1)
        seen = torch.cat([own, in_front[:, :PART_COUNT, None], limbs[:, :, None], anybody], dim=2)
        features = self.features(seen.flatten(0, 1)).flatten(1)  # (B * 15, C)
        hidden = torch.relu(self.reduce(features).view(batch, PART_COUNT, -1) + self.part.weight)
        theta: Tensor = LARGEST_SHIFT * torch.tanh(self.head(hidden).float())
        return theta.view(batch, PART_COUNT, 2, CONTROL_SIZE**2)
