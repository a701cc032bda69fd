"""The geometric matcher of the Soft-Gated Warping-GAN (section 3.1.2, figure 3), after Rocco et al. 2017.

Two parsings pass through one feature extractor; all pairs of positions are correlated; a regression network reads the
transformation off the correlations. The affine map comes first; the source parsing warped by it goes through a second such
network, which gives the thin-plate spline. Both start at the identity.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.geometry.affine import compose_affine, identity_affine, invert_affine
from motionwarp.geometry.grids import normalising_map, sample
from motionwarp.geometry.warps import PartWarps
from motionwarp.parsing.labels import CLASS_COUNT
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH


@dataclass(frozen=True)
class GeometricMatcherConfig:
    """Size of the matcher.

    Attributes
    ----------
    channels : tuple of int
        Of the feature extractor, each at half the size of the one before.
    control_size : int
        K of the spline's control grid; 3 in Rocco et al.
    regression : tuple of 2 int
        Channels after the 7x7 and the 5x5 convolution.
    height, width : int
        Of the parsings in pixels; multiples of 2 to the number of `channels`, and large enough that the correlation map holds
        11 x 11 positions (what the unpadded convolutions of the regression need).
    """

    channels: tuple[int, ...] = (64, 128, 256, 256)
    control_size: int = 3
    regression: tuple[int, int] = (128, 64)
    height: int = CROP_HEIGHT
    width: int = CROP_WIDTH


class GeometricMatcher(nn.Module):
    """Two parsings to the warp that lays the source onto the target."""

    def __init__(self, config: GeometricMatcherConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or GeometricMatcherConfig()
        self.affine = _Matcher(config, 6)
        self.tps = _Matcher(config, 2 * config.control_size**2)

    def forward(self, source_parsing: Tensor, target_parsing: Tensor) -> PartWarps:
        """Estimate the warp.

        Parameters
        ----------
        source_parsing, target_parsing : float (B, 20, H, W)
            One-hot or probabilities, of the configured size.

        Returns
        -------
        PartWarps
            One part: theta_affine (B, 1, 2, 3), theta_tps (B, 1, 2, K*K), in pixels of these pictures.
        """
        height, width = source_parsing.shape[-2:]
        to_units = normalising_map(height, width, device=source_parsing.device)
        offset = self.affine(source_parsing, target_parsing).float().view(-1, 2, 3)
        in_units = identity_affine(len(offset), device=offset.device) + offset
        theta_affine = compose_affine(invert_affine(to_units), compose_affine(in_units, to_units))[:, None]  # (B, 1, 2, 3)

        still = theta_affine.new_zeros(len(offset), 1, 2, self.config.control_size**2)
        grid = PartWarps(theta_affine, still).sampling_grid(height, width, height, width)[:, 0]
        theta_tps = self.tps(sample(source_parsing, grid), target_parsing).float().view_as(still)
        return PartWarps(theta_affine, theta_tps)


class _Matcher(nn.Module):
    """Siamese features, correlation and regression of `parameters` numbers that start at zero."""

    def __init__(self, config: GeometricMatcherConfig, parameters: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = CLASS_COUNT
        for channels in config.channels:
            layers += [nn.Conv2d(before, channels, 4, 2, 1), nn.ReLU(inplace=True), nn.BatchNorm2d(channels)]
            before = channels
        self.features = nn.Sequential(*layers, nn.Conv2d(before, before, 3, 1, 1))
        shrink = 2 ** len(config.channels)
        rows, columns = config.height // shrink, config.width // shrink
        first, second = config.regression
        self.regression = nn.Sequential(
            nn.Conv2d(rows * columns, first, 7), nn.BatchNorm2d(first), nn.ReLU(inplace=True),
            nn.Conv2d(first, second, 5), nn.BatchNorm2d(second), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.parameters_head = nn.Linear(second * (rows - 10) * (columns - 10), parameters)
        nn.init.zeros_(self.parameters_head.weight)
        nn.init.zeros_(self.parameters_head.bias)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        matches = correlation(self.features(source), self.features(target))  # (B, hw, h, w)
        parameters: Tensor = self.parameters_head(self.regression(matches).flatten(1))
        return parameters


def correlation(source: Tensor, target: Tensor) -> Tensor:
    """Correlate every target position with all source positions.

    Rocco et al. 2017, section 3.2: features are normalised to unit length, their products clipped at zero and normalised again
    over the source positions, so that a position that matches many is no strong match.

    Parameters
    ----------
    source, target : float (B, C, h, w)

    Returns
    -------
    float (B, h*w, h, w)
        Channel k is the source position k, row by row.
    """
    height, width = target.shape[-2:]
    source, target = functional.normalize(source, dim=1), functional.normalize(target, dim=1)
    products = torch.einsum("bcs,bct->bst", source.flatten(2), target.flatten(2))
    matches: Tensor = functional.normalize(functional.relu(products), dim=1).unflatten(2, (height, width))
    return matches
