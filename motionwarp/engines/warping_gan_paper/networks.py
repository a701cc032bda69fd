"""The networks of the Soft-Gated Warping-GAN: parser (section 3.1.1), matcher (3.1.2), generator (3.1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.checkpoints.network_file import NetworkKinds, load_networks, save_networks
from motionwarp.errors import WeightsError
from motionwarp.geometry.affine import compose_affine, identity_affine, invert_affine
from motionwarp.geometry.grids import normalizing_map, sample
from motionwarp.geometry.warps import PartWarps
from motionwarp.nn.resnet import Decoder, Encoder, ReflectConv, residual_stack
from motionwarp.parsing.labels import CLASS_COUNT
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, POINT_COUNT


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
        Of the parsings in pixels; multiples of 2 to the number of `channels`, and large enough that the correlation map
        holds 11 x 11 positions (what the unpadded convolutions of the regression need).
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
        to_units = normalizing_map(height, width, device=source_parsing.device)
        offset = self.affine(source_parsing, target_parsing).float().view(-1, 2, 3)
        in_units = identity_affine(len(offset), device=offset.device) + offset
        theta_affine = compose_affine(invert_affine(to_units), compose_affine(in_units, to_units))[
            :, None
        ]  # (B, 1, 2, 3)

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

    Rocco et al. 2017, section 3.2: features are normalised to unit length, their products clipped at zero and
    normalised again over the source positions, so that a position that matches many is no strong match.

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

    The paper's figure feeds condition parsing and target pose; we add the picture and the condition pose, which tell
    how a garment is worn and what of it was hidden.
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


class WarpingBlock(nn.Module):
    """Deep features of the condition picture, moved to where the target pose wants them.

    R(F) are residual features from two convolutions, sampled through the transformation grid. The paper says that the
    elements of W lie in [0, 1] and gate the residual by how far the pose changes, not how they come about: here an
    attention map of sigmoids over the features and what is known of the pose change (target heatmaps and how far the
    grid moves each position).
    """

    def __init__(self, channels: int, condition_channels: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(ReflectConv(channels, channels), ReflectConv(channels, channels))
        hidden = max(channels // 4, 8)
        self.gate = nn.Sequential(
            nn.Conv2d(2 * channels + condition_channels + 2, hidden, 3, 1, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels, 1),
        )

    def forward(self, features: Tensor, grid: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Warp features.

        Parameters
        ----------
        features : float (B, C, h, w)
            Of the condition picture.
        grid : float32 (B, H, W, 2)
            The transformation grid in grid_sample's coordinates, at any resolution; affine and spline composed, so that
            the features are sampled once only.
        condition : float (B, D, H', W')
            What tells the pose change, at any resolution: heatmaps of both poses, say.

        Returns
        -------
        warped : float (B, C, h, w)
        gate : float (B, C, h, w)
            W, in [0, 1].
        """
        size = features.shape[-2:]
        small_grid = functional.interpolate(grid.permute(0, 3, 1, 2), size=size, mode="area")  # (B, 2, h, w)
        moved = sample(self.residual(features), small_grid.permute(0, 2, 3, 1))
        shift = (small_grid - _resting(size, small_grid)).to(features.dtype)
        seen = torch.cat([features, moved, functional.adaptive_max_pool2d(condition, size), shift], dim=1)
        gate = torch.sigmoid(self.gate(seen))
        return features + gate * moved, gate


def _resting(size: tuple[int, int] | torch.Size, like: Tensor) -> Tensor:
    """Return the coordinates at which nothing moves, (1, 2, h, w)."""
    height, width = size
    y = (torch.arange(height, device=like.device, dtype=like.dtype) * 2 + 1) / height - 1
    x = (torch.arange(width, device=like.device, dtype=like.dtype) * 2 + 1) / width - 1
    return torch.stack(torch.broadcast_tensors(x[None, :], y[:, None]))[None]


@dataclass(frozen=True)
class WarpingGeneratorConfig:
    """Size and parts of the generator.

    Attributes
    ----------
    base : int
        Channels after the first convolution; 64 in the paper.
    blocks : int
        Residual blocks; 9 in the paper.
    parsing, warping : bool
        Whether the parsings are used and whether features are warped; False are rows of the paper's ablation.
    """

    base: int = 64
    blocks: int = 9
    parsing: bool = True
    warping: bool = True


class WarpingGeneratorOutput(NamedTuple):
    """What the generator makes.

    Attributes
    ----------
    rgb : float (B, 3, H, W)
        In [0, 1].
    gate : float (B, C, H/8, W/8) or None
        The soft gate, to look at.
    """

    rgb: Tensor
    gate: Tensor | None


class WarpingGenerator(nn.Module):
    """Condition picture, both parsings, target pose and the matcher's grid, to the picture itself."""

    def __init__(self, config: WarpingGeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or WarpingGeneratorConfig()
        parsing = CLASS_COUNT if config.parsing else 0
        self.source_encoder = Encoder(3 + parsing, config.base)
        self.target_encoder = Encoder(POINT_COUNT + parsing, config.base)
        channels = self.source_encoder.out_channels
        self.warping_block = WarpingBlock(channels, 2 * POINT_COUNT) if config.warping else None
        self.join = ReflectConv(2 * channels, channels)
        self.residual = residual_stack(channels, config.blocks)
        self.decoder = Decoder(channels, 3, config.base)

    def forward(
        self,
        image: Tensor,
        source_parsing: Tensor,
        target_parsing: Tensor,
        source_heatmaps: Tensor,
        target_heatmaps: Tensor,
        grid: Tensor,
    ) -> WarpingGeneratorOutput:
        """Render the person in the target pose.

        Parameters
        ----------
        image : float (B, 3, H, W)
            Condition picture in [0, 1]; H and W are multiples of 8.
        source_parsing, target_parsing : float (B, 20, H, W)
        source_heatmaps, target_heatmaps : float (B, 18, H, W)
        grid : float32 (B, H, W, 2)
            From the geometric matcher, in grid_sample's coordinates.
        """
        source, target = [image * 2 - 1], [target_heatmaps]
        if self.config.parsing:
            source.append(source_parsing)
            target.append(target_parsing)
        features = self.source_encoder(torch.cat(source, dim=1))  # (B, C, H/8, W/8)
        gate = None
        if self.warping_block is not None:
            poses = torch.cat([source_heatmaps, target_heatmaps], dim=1)
            features, gate = self.warping_block(features, grid, poses)
        wanted = self.target_encoder(torch.cat(target, dim=1))
        joined = self.residual(self.join(torch.cat([features, wanted], dim=1)))
        return WarpingGeneratorOutput((torch.tanh(self.decoder(joined)) + 1) / 2, gate)


ARCHITECTURE: Final = "warping_gan_paper"
_KNOWN: Final[NetworkKinds] = {
    "parser": (PoseGuidedParser, PoseGuidedParserConfig),
    "matcher": (GeometricMatcher, GeometricMatcherConfig),
    "generator": (WarpingGenerator, WarpingGeneratorConfig),
}


@dataclass(frozen=True, eq=False)
class PaperNetworks:
    """The trained networks.

    Attributes
    ----------
    parser : PoseGuidedParser
        Stage I.
    matcher : GeometricMatcher
        Its size is the size of the pictures.
    generator : WarpingGenerator
        Stage II.
    sha256 : str
        Of the file they came from; empty if they came from none.
    """

    parser: PoseGuidedParser
    matcher: GeometricMatcher
    generator: WarpingGenerator
    sha256: str = ""


def load_paper_networks(name_or_path: str | Path) -> PaperNetworks:
    """Read the networks from one file, in evaluation mode.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, for another engine, or lacks one of the three.
    """
    file = load_networks(name_or_path, ARCHITECTURE, _KNOWN)
    parser, matcher, generator = (file.networks.get(name) for name in _KNOWN)
    if (
        not isinstance(parser, PoseGuidedParser)
        or not isinstance(matcher, GeometricMatcher)
        or not isinstance(generator, WarpingGenerator)
    ):
        missing = ", ".join(name for name in _KNOWN if name not in file.networks)
        raise WeightsError(
            f"lacks its {missing}",
            subject=file.path,
            remedy="Train stage II with both given; see docs/guides/training.md.",
        )
    return PaperNetworks(parser, matcher, generator, file.sha256)


def save_paper_networks(path: Path, networks: PaperNetworks, metadata: Mapping[str, str] | None = None) -> None:
    """Write the networks into one file, in half precision, whole or not at all."""
    save_networks(path, {name: getattr(networks, name) for name in _KNOWN}, ARCHITECTURE, metadata)
