"""The analyzer: 18 points, 20 part classes and a matte of the person in a crop, from one shared backbone.

Ours. A residual encoder with a self-attention at the coarsest level (left and right cannot be told locally), a top-down
path with lateral connections (feature pyramid, Lin et al. 2017), and three heads. As in JPPNet (Liang et al. 2018) the
parsing head sees what the pose head found.

Points are classified, not regressed: each point has a softmax over all heatmap cells and one further bin, 'absent'. So
the mass around the peak is the probability that the point is seen there, trained by cross-entropy like any other class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.nn.blocks import ConvNormAct, ResidualBlock, SpatialSelfAttention
from motionwarp.parsing.labels import CLASS_COUNT
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, POINT_COUNT

HEATMAP_STRIDE = 4  # crop pixels a heatmap cell
# cells around the peak whose mass is the score and whose centroid is the position: wide enough for the labels' spread
PEAK_RADIUS = 3


@dataclass(frozen=True)
class AnalyzerConfig:
    """Size of the analyzer.

    Attributes
    ----------
    channels : tuple of 5 int
        Channels of the encoder at strides 2, 4, 8, 16 and 32.
    blocks : tuple of 4 int
        Residual blocks at strides 4, 8, 16 and 32.
    pyramid_channels : tuple of 3 int
        Channels of the top-down path at strides 16, 8 and 4.
    dense_channels : int
        Channels of the parsing and matte heads at stride 2.
    height, width : int
        Size of the crop in pixels; multiples of 32.
    facing : bool
        Whether there is a head that tells which way the person faces; files of before 2026-11 have none.
    """

    channels: tuple[int, ...] = (24, 48, 96, 192, 256)
    blocks: tuple[int, ...] = (1, 2, 2, 2)
    pyramid_channels: tuple[int, ...] = (160, 96, 64)
    dense_channels: int = 32
    height: int = CROP_HEIGHT
    width: int = CROP_WIDTH
    facing: bool = False


class AnalyzerOutput(NamedTuple):
    """What the analyzer says of a batch of crops.

    Attributes
    ----------
    heatmap_logits : float (B, 18, H/4, W/4)
    absent_logits : float (B, 18)
        Logit of the bin 'this point is not in the crop', in one softmax with the point's heatmap.
    parsing_logits : float (B, 20, H/2, W/2)
    matte_logits : float (B, 1, H/2, W/2)
    facing : float (B, 3) or None
        Direction (cosine, sine; of any length) and the logarithm of a von Mises distribution's concentration; None
        without that head.
    """

    heatmap_logits: Tensor
    absent_logits: Tensor
    parsing_logits: Tensor
    matte_logits: Tensor
    facing: Tensor | None = None


class Analyzer(nn.Module):
    """See the module's text; image (B, 3, H, W) in [0, 1] to `AnalyzerOutput`."""

    def __init__(self, config: AnalyzerConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or AnalyzerConfig()
        half, quarter, eighth, sixteenth, coarsest = config.channels
        pyramid16, pyramid8, pyramid4 = config.pyramid_channels
        self.stem = ConvNormAct(3, half, stride=2)
        self.stage4 = _stage(half, quarter, config.blocks[0])
        self.stage8 = _stage(quarter, eighth, config.blocks[1])
        self.stage16 = _stage(eighth, sixteenth, config.blocks[2])
        self.stage32 = _stage(sixteenth, coarsest, config.blocks[3])
        self.attention = SpatialSelfAttention(coarsest, config.height // 32, config.width // 32)

        self.merge16 = _Merge(coarsest, sixteenth, pyramid16)
        self.merge8 = _Merge(pyramid16, eighth, pyramid8)
        self.merge4 = _Merge(pyramid8, quarter, pyramid4)

        self.pose_features = ConvNormAct(pyramid4, pyramid4)
        self.heatmap_head = nn.Conv2d(pyramid4, POINT_COUNT, 1)
        self.absent_head = nn.Linear(coarsest, POINT_COUNT)
        self.facing_head = (
            nn.Sequential(nn.Linear(coarsest, 128), nn.ReLU(), nn.Linear(128, 3)) if config.facing else None
        )

        self.dense_features = ConvNormAct(pyramid4 + POINT_COUNT, pyramid4)
        self.refine = _Merge(pyramid4, half, config.dense_channels)
        self.parsing_head = nn.Conv2d(config.dense_channels, CLASS_COUNT, 1)
        self.matte_head = nn.Conv2d(config.dense_channels, 1, 1)

    def forward(self, image: Tensor) -> AnalyzerOutput:
        """Analyze crops.

        Parameters
        ----------
        image : float tensor (B, 3, H, W)
            RGB in [0, 1], the labeled person in the middle.

        Returns
        -------
        AnalyzerOutput
        """
        read, pyramid4, features2 = self._read(image)
        # squashed, and without gradient: the parsing should use the points, not bend them
        heatmap_logits = read.heatmap_logits.detach()
        seen = torch.sigmoid(heatmap_logits - heatmap_logits.amax(dim=(2, 3), keepdim=True) + 2)
        dense4 = self.dense_features(torch.cat([pyramid4, seen], dim=1))
        dense2 = self.refine(dense4, features2)  # (B, C, H/2, W/2)
        return read._replace(parsing_logits=self.parsing_head(dense2), matte_logits=self.matte_head(dense2))

    def points(self, image: Tensor) -> AnalyzerOutput:
        """Do as `forward` without parsing and matte, which are empty then."""
        return self._read(image)[0]

    def _read(self, image: Tensor) -> tuple[AnalyzerOutput, Tensor, Tensor]:
        """Return what is read of points, the pyramid's finest level, and the stem's features."""
        features2 = self.stem(image * 2 - 1)  # (B, C, H/2, W/2)
        features4 = self.stage4(features2)
        features8 = self.stage8(features4)
        features16 = self.stage16(features8)
        features32 = self.attention(self.stage32(features16))  # (B, C, H/32, W/32)

        pyramid16 = self.merge16(features32, features16)
        pyramid8 = self.merge8(pyramid16, features8)
        pyramid4 = self.merge4(pyramid8, features4)  # (B, C, H/4, W/4)

        heatmap_logits = self.heatmap_head(self.pose_features(pyramid4))  # (B, 18, H/4, W/4)
        pooled = features32.mean(dim=(2, 3))  # (B, C)
        absent_logits = self.absent_head(pooled)  # (B, 18)
        facing = None if self.facing_head is None else self.facing_head(pooled)  # (B, 3)
        not_asked = image.new_empty(0)
        return AnalyzerOutput(heatmap_logits, absent_logits, not_asked, not_asked, facing), pyramid4, features2


class PointAnalyzer(nn.Module):
    """An analyzer's points and facing alone: image (B, 3, H, W) to `AnalyzerOutput` with empty parsing and matte.

    Parameters
    ----------
    whole : Analyzer
        Whose layers these are, so that both take the memory of one.
    """

    def __init__(self, whole: Analyzer) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, image: Tensor) -> AnalyzerOutput:
        """Analyze crops; see `Analyzer.points`."""
        return self.whole.points(image)


class _Merge(nn.Module):
    """Bring coarse features to the next finer level and join them with the encoder's."""

    def __init__(self, coarse_channels: int, lateral_channels: int, out_channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(coarse_channels, out_channels, 1, bias=False)
        self.lateral = nn.Conv2d(lateral_channels, out_channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)
        self.smooth = ConvNormAct(out_channels, out_channels)

    def forward(self, coarse: Tensor, lateral: Tensor) -> Tensor:
        coarse = functional.interpolate(self.reduce(coarse), scale_factor=2.0, mode="nearest")
        smoothed: Tensor = self.smooth(functional.relu(self.norm(coarse + self.lateral(lateral))))
        return smoothed


def _stage(in_channels: int, out_channels: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(
        ConvNormAct(in_channels, out_channels, stride=2), *(ResidualBlock(out_channels) for _ in range(blocks))
    )


def point_probabilities(output: AnalyzerOutput) -> tuple[Tensor, Tensor]:
    """Return the softmax of each point over cells and 'absent'.

    Returns
    -------
    cells : float32 (B, 18, h, w)
    absent : float32 (B, 18)
        With the cells, sums to one for each point.
    """
    batch, points, height, width = output.heatmap_logits.shape
    logits = torch.cat([output.heatmap_logits.flatten(2), output.absent_logits[..., None]], dim=-1).float()
    probabilities = logits.softmax(dim=-1)  # (B, 18, h*w + 1)
    return probabilities[..., :-1].reshape(batch, points, height, width), probabilities[..., -1]


def decode_points(output: AnalyzerOutput) -> Tensor:
    """Decode sub-pixel positions and scores.

    The cell with the most mass around it is the peak; the position is the centroid of the mass around it and the score
    is that mass: the probability that the point is seen there.

    Returns
    -------
    float32 (B, 18, 3)
        x, y in crop pixels (pixel centers at integers), score in [0, 1].
    """
    _, absent = point_probabilities(output)  # (B, 18)
    batch, points, height, width = output.heatmap_logits.shape
    # where the point would be if it were there: the position must not depend on how small the chance of that is
    cells = output.heatmap_logits.flatten(2).float().softmax(dim=-1).view(batch, points, height, width)
    size = 2 * PEAK_RADIUS + 1
    # where the mass is flat a wide window is steadier than the single highest cell
    blurred = functional.avg_pool2d(cells, 3, 1, 1)
    peak = blurred.flatten(2).argmax(dim=-1)  # (B, 18)
    peak_y, peak_x = peak // width, peak % width

    offsets = torch.arange(-PEAK_RADIUS, PEAK_RADIUS + 1, device=cells.device)
    window_y = peak_y[..., None] + offsets + PEAK_RADIUS  # (B, 18, size) in the padded map
    window_x = peak_x[..., None] + offsets + PEAK_RADIUS
    padded = functional.pad(cells, (PEAK_RADIUS,) * 4)
    index = window_y[..., :, None] * (width + 2 * PEAK_RADIUS) + window_x[..., None, :]  # (B, 18, size, size)
    window = padded.flatten(2).gather(-1, index.flatten(2)).view(batch, points, size, size)

    mass = window.sum(dim=(2, 3))  # (B, 18)
    weight = window / mass.clamp_min(1e-12)[..., None, None]
    cell_x = peak_x + (weight.sum(dim=2) * offsets).sum(dim=-1)
    cell_y = peak_y + (weight.sum(dim=3) * offsets).sum(dim=-1)
    # a cell's center lies in the middle of its stride x stride pixels
    center = (HEATMAP_STRIDE - 1) / 2
    score = (mass * (1 - absent)).clamp(0, 1)
    return torch.stack([cell_x * HEATMAP_STRIDE + center, cell_y * HEATMAP_STRIDE + center, score], dim=-1)


def decode_facing(output: AnalyzerOutput) -> Tensor:
    """Decode which way people face.

    Returns
    -------
    float32 (B, 3)
        Cosine and sine of the angle about the vertical axis (0: towards the camera, 90 degrees: towards the picture's
        right, 180: away), and a certainty in [0, 1): the mean resultant length of the von Mises distribution, by its
        usual approximation (Best and Fisher 1981). All 0 for a network without that head.
    """
    if output.facing is None:
        return output.absent_logits.new_zeros((len(output.absent_logits), 3), dtype=torch.float32)
    facing = output.facing.float()
    direction = functional.normalize(facing[:, :2], dim=1, eps=1e-6)
    concentration = facing[:, 2].clamp(-4, 5).exp()
    certainty = concentration / (concentration + 1) - 0.5 * concentration / (1 + concentration) ** 3
    return torch.cat([direction, certainty.clamp(0, 1)[:, None]], dim=1)
