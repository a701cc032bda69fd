"""The networks: stage I parses the target; stage II says per pixel which part is shown, what is painted, and alpha.

After section 3.1.3 of the Soft-Gated Warping-GAN: an encoder of what is wanted (limbs, predicted parsing and order of
depth), the warped source's features gated into it (eq. 1: T(F) = F + W * R, W in [0, 1], dependent on the pose change),
residual blocks, and a decoder. The warping happens before the encoder, by parts, so that a feature never mixes pixels
that move apart. And the output is no picture but a recipe: logits to blend the warped parts with, a painted picture for
what no part has, and a shift of the composite's alpha. The recipe is smooth and the parts are sharp, so it serves at
any resolution.
"""

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
from motionwarp.nn.blocks import ConvNormAct, ResidualBlock
from motionwarp.parsing.labels import CLASS_COUNT

PART_COUNT = 15  # parts; one more class is 'no part'
LAYER_CHANNELS = 4 * (PART_COUNT + 1)


@dataclass(frozen=True)
class PartParserConfig:
    """Size of stage I.

    Attributes
    ----------
    channels : tuple of 3 int
        At a quarter, an eighth and a sixteenth of the window's resolution.
    blocks : tuple of 3 int
        Residual blocks at each.
    """

    channels: tuple[int, ...] = (48, 96, 144)
    blocks: tuple[int, ...] = (1, 2, 2)


class PartParserOutput(NamedTuple):
    """What stage I says of a batch.

    Attributes
    ----------
    parsing_logits : float (B, 20, H/4, W/4)
    in_front_logits : float (B, 16, H/4, W/4)
        Which part each pixel shows; the last is 'no part'.
    """

    parsing_logits: Tensor
    in_front_logits: Tensor


class PartParser(nn.Module):
    """Warped parts, carried classes and target limbs to the target's parsing and order of depth."""

    def __init__(self, config: PartParserConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PartParserConfig()
        fine, middle, coarse = config.channels
        self.enter = _stage(LAYER_CHANNELS + CLASS_COUNT + PART_COUNT, fine, config.blocks[0], stride=1)
        self.down8 = _stage(fine, middle, config.blocks[1], stride=2)
        self.down16 = _stage(middle, coarse, config.blocks[2], stride=2)
        self.up8 = ConvNormAct(coarse + middle, middle)
        self.up4 = ConvNormAct(middle + fine, fine)
        self.parsing_head = nn.Conv2d(fine, CLASS_COUNT, 1)
        self.in_front_head = nn.Conv2d(fine, PART_COUNT + 1, 1)

    def forward(self, layers: Tensor, classes: Tensor, limbs: Tensor) -> PartParserOutput:
        """Predict.

        Parameters
        ----------
        layers : float (B, 64, H/4, W/4)
            The 15 warped parts and their composite, premultiplied RGB and alpha each.
        classes : float (B, 20, H/4, W/4)
            Share of each of the source's classes in the composite.
        limbs : float (B, 15, H/4, W/4)
            The target's limbs.
        """
        fine = self.enter(torch.cat([layers, classes, limbs], dim=1))
        middle = self.down8(fine)
        coarse = self.down16(middle)
        middle = self.up8(torch.cat([_twice(coarse), middle], dim=1))
        fine = self.up4(torch.cat([_twice(middle), fine], dim=1))
        return PartParserOutput(self.parsing_head(fine), self.in_front_head(fine))


def _stage(in_channels: int, out_channels: int, blocks: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        ConvNormAct(in_channels, out_channels, stride=stride), *(ResidualBlock(out_channels) for _ in range(blocks))
    )


def _twice(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")


BLEND_COUNT = PART_COUNT + 2  # the parts, their composite, and the painted picture
COMPOSITE, PAINTED = PART_COUNT, PART_COUNT + 1
STAGE_ONE_CHANNELS = CLASS_COUNT + PART_COUNT + 1
POSE_CHANGE_LENGTH = 4 * PART_COUNT
PALETTE_COUNT = PART_COUNT + 1  # the parts' mean colours and the composite's
LARGEST_LOGIT = 8.0  # so that a part of little alpha can win, yet sums stay finite
LARGEST_SHARPNESS = 4.0  # their exponentials are still finite, all 17 of them
LARGEST_TOUCH = 0.5  # how far the painted picture may depart from the parts' mean colours
_COMPOSITE_BIAS = 3.0  # untrained, the composite is shown
_LEAST_ALPHA = 0.02
_LARGEST_SHIFT = 30.0  # beyond it nothing changes any more, and its exponential is still finite
# a shift beyond which something shows where the composite has nothing: a hundredth of alpha, by `shifted_alpha`
ALPHA_FROM_NOTHING = 0.4
_EPSILON = 1e-4


@dataclass(frozen=True)
class PartGeneratorConfig:
    """Size and parts of stage II.

    Attributes
    ----------
    channels : tuple of 4 int
        At a half, a quarter, an eighth and a sixteenth of the window's resolution.
    blocks : tuple of 3 int
        Residual blocks at a quarter, an eighth and a sixteenth.
    warped_channels : int
        Of the features of the warped parts, at a half.
    parsing, warping : bool
        Whether stage I's prediction is seen, and whether warped features are gated in; False are rows of the paper's
        ablation.
    sharpness : float
        What blend logits are multiplied with, up to 4: the larger, the less is one part seen through another.
    """

    channels: tuple[int, ...] = (32, 64, 96, 128)
    blocks: tuple[int, ...] = (1, 2, 2)
    warped_channels: int = 24
    parsing: bool = True
    warping: bool = True
    sharpness: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.sharpness <= LARGEST_SHARPNESS:
            raise ValueError(f"blend logits can be multiplied with up to {LARGEST_SHARPNESS:g}, not {self.sharpness}")


class PartGeneratorOutput(NamedTuple):
    """The recipe of a batch of frames.

    Attributes
    ----------
    blend_logits : float (B, 17, H/2, W/2)
        Of the 15 parts, their composite and the painted picture; within +-8 times the sharpness.
    painted : float (B, 3, H/2, W/2)
        In [0, 1]: the parts' mean colours, mixed and touched up.
    alpha_shift : float (B, 1, H/2, W/2)
        Added to the logit of the composite's alpha.
    gate : float (B, C, H/4, W/4) or None
        The soft gate, to look at.
    """

    blend_logits: Tensor
    painted: Tensor
    alpha_shift: Tensor
    gate: Tensor | None


class PartGenerator(nn.Module):
    """Warped parts, limbs and stage I's prediction to the recipe of the picture."""

    def __init__(self, config: PartGeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PartGeneratorConfig()
        half, quarter, eighth, sixteenth = config.channels
        warped = config.warped_channels
        self.warped = ConvNormAct(LAYER_CHANNELS, warped)
        conditions = PART_COUNT + (STAGE_ONE_CHANNELS if config.parsing else 0)
        self.wanted = ConvNormAct(conditions, half)
        self.join = ConvNormAct(half + warped, half)
        self.down4 = ConvNormAct(half, quarter, stride=2)
        self.gate = _SoftGate(warped, quarter) if config.warping else None
        self.blocks4 = _blocks(quarter, config.blocks[0])
        self.down8 = nn.Sequential(ConvNormAct(quarter, eighth, stride=2), *_blocks(eighth, config.blocks[1]))
        self.down16 = nn.Sequential(ConvNormAct(eighth, sixteenth, stride=2), *_blocks(sixteenth, config.blocks[2]))
        self.up8 = _Up(sixteenth, eighth)
        self.up4 = _Up(eighth, quarter)
        self.up2 = _Up(quarter, half)
        self.head = nn.Conv2d(half, BLEND_COUNT + PALETTE_COUNT + 3 + 1, 3, 1, 1)
        nn.init.normal_(self.head.weight, std=1e-3)
        bias = torch.zeros(BLEND_COUNT + PALETTE_COUNT + 3 + 1)
        bias[COMPOSITE] = _COMPOSITE_BIAS / config.sharpness
        self.head.bias = nn.Parameter(bias)

    def forward(self, layers: Tensor, limbs: Tensor, stage_one: Tensor, change: Tensor) -> PartGeneratorOutput:
        """Write the recipe.

        Parameters
        ----------
        layers : float (B, 64, H/2, W/2)
            The 15 warped parts and their composite, premultiplied RGB and alpha each, at half of the window's
            resolution; H and W are multiples of 16.
        limbs : float (B, 15, H/2, W/2)
            The target's limbs.
        stage_one : float (B, 36, H/4, W/4)
            Probabilities of the 20 classes and of the 16 answers to which part is in front.
        change : float (B, 60)
            How far each part is turned and stretched.
        """
        warped = self.warped(layers)  # (B, C, H/2, W/2)
        conditions = [limbs]
        if self.config.parsing:
            conditions.append(functional.interpolate(stage_one, scale_factor=2.0, mode="nearest"))
        half = self.join(torch.cat([self.wanted(torch.cat(conditions, dim=1)), warped], dim=1))
        quarter = self.down4(half)  # (B, C, H/4, W/4)
        gate = None
        if self.gate is not None:
            quarter, gate = self.gate(quarter, warped, change)
        quarter = self.blocks4(quarter)
        eighth = self.down8(quarter)
        sixteenth = self.down16(eighth)
        up = self.up2(self.up4(self.up8(sixteenth, eighth), quarter), half)
        logits, mixing, touch, shift = self.head(up).split([BLEND_COUNT, PALETTE_COUNT, 3, 1], dim=1)
        bounded = self.config.sharpness * LARGEST_LOGIT * torch.tanh(logits / LARGEST_LOGIT)
        return PartGeneratorOutput(bounded, _painted(layers, mixing, touch), shift, gate)


def _painted(layers: Tensor, mixing: Tensor, touch: Tensor) -> Tensor:
    """Paint with the person's own colours: a mixture of the parts' mean colours, and a touch that departs from it.

    Parameters
    ----------
    layers : float (B, 64, H/2, W/2)
    mixing : float (B, 16, H/2, W/2)
        Logits of the mean colours of the 15 parts and of the composite.
    touch : float (B, 3, H/2, W/2)

    Returns
    -------
    float (B, 3, H/2, W/2)
        In [0, 1].
    """
    sums = layers.unflatten(1, (PALETTE_COUNT, 4)).sum(dim=(3, 4))  # (B, 16, 4)
    mass = sums[..., 3:]
    palette = sums[..., :3] / mass.clamp_min(1.0)
    # a part of less than a pixel has no colour to lend
    source_part = mixing.float() + (mass.clamp_min(1e-3).log().clamp_max(0.0) * LARGEST_LOGIT)[..., None].float()
    mixture = torch.einsum("bphw,bpc->bchw", source_part.softmax(dim=1).to(palette.dtype), palette)
    return (mixture + LARGEST_TOUCH * torch.tanh(touch)).clamp(0, 1)


class _SoftGate(nn.Module):
    """Eq. 1 over the features of the warped parts: F + W * R, W from F, R and the pose change."""

    def __init__(self, warped_channels: int, channels: int) -> None:
        super().__init__()
        self.residual = ConvNormAct(warped_channels, channels, stride=2)
        hidden = max(channels // 4, 8)
        self.seen = nn.Conv2d(2 * channels, hidden, 3, 1, 1)
        self.change = nn.Linear(POSE_CHANGE_LENGTH, hidden)
        self.decide = nn.Conv2d(hidden, channels, 1)

    def forward(self, features: Tensor, warped: Tensor, change: Tensor) -> tuple[Tensor, Tensor]:
        residual = self.residual(warped)
        hidden = self.seen(torch.cat([features, residual], dim=1)) + self.change(change)[..., None, None]
        gate = torch.sigmoid(self.decide(torch.relu(hidden)))
        return features + gate * residual, gate


class _Up(nn.Module):
    """Bring coarse features to the next finer level and join them with the encoder's."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(coarse, fine, 1, bias=False)
        self.lateral = nn.Conv2d(fine, fine, 1, bias=False)
        self.norm = nn.BatchNorm2d(fine)
        self.smooth = ConvNormAct(fine, fine)

    def forward(self, coarse: Tensor, lateral: Tensor) -> Tensor:
        up = functional.interpolate(self.reduce(coarse), scale_factor=2.0, mode="nearest")
        smoothed: Tensor = self.smooth(functional.relu(self.norm(up + self.lateral(lateral))))
        return smoothed


def _blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))


def apply_blend(layers: Tensor, recipe: PartGeneratorOutput) -> tuple[Tensor, Tensor]:
    """Make the picture that a recipe describes.

    Parameters
    ----------
    layers : float (B, 16, 4, H, W)
        Warped parts and composite at the resolution that is wanted.
    recipe : PartGeneratorOutput
        At any resolution.

    Returns
    -------
    rgb : float (B, 3, H, W)
        Not multiplied by alpha.
    alpha : float (B, 1, H, W)
    """
    size = layers.shape[-2:]
    logits, painted, shift = (
        functional.interpolate(plane.float(), size=size, mode="bilinear", align_corners=False)
        for plane in (recipe.blend_logits, recipe.painted, recipe.alpha_shift)
    )
    weights = logits.exp()  # (B, 17, H, W)
    # the layers' colours are multiplied by alpha already, so a part without a pixel has no weight there
    mixed = torch.einsum("bphw,bpchw->bchw", weights[:, :PAINTED], layers)
    colors = mixed[:, :3] + weights[:, PAINTED:] * painted
    rgb = colors / (mixed[:, 3:] + weights[:, PAINTED:])
    return rgb, shifted_alpha(layers[:, COMPOSITE, 3:], shift)


def painted_share(layers: Tensor, recipe: PartGeneratorOutput) -> Tensor:
    """Return how much of each pixel's color is painted, float (B, 1, H, W) in [0, 1]; arguments as in `apply_blend`."""
    weights = functional.interpolate(
        recipe.blend_logits.float(), size=layers.shape[-2:], mode="bilinear", align_corners=False
    ).exp()
    kept = torch.einsum("bphw,bphw->bhw", weights[:, :PAINTED], layers[:, :, 3])[:, None]
    return weights[:, PAINTED:] / (kept + weights[:, PAINTED:])


def blend_variance(layers: Tensor, recipe: PartGeneratorOutput, rgb: Tensor) -> Tensor:
    """Return how much the colours differ that are mixed at each pixel: their variance under the recipe's weights.

    None where one part wins, or where all that are mixed agree; an arm that is seen through has much.

    Parameters
    ----------
    layers : float (B, 16, 4, H, W)
    recipe : PartGeneratorOutput
    rgb : float (B, 3, H, W)
        The mixture, as `apply_blend` returns it.

    Returns
    -------
    float (B, 1, H, W)
        Mean over the channels.
    """
    size = layers.shape[-2:]
    weights = functional.interpolate(recipe.blend_logits.float(), size=size, mode="bilinear", align_corners=False).exp()
    painted = functional.interpolate(recipe.painted.float(), size=size, mode="bilinear", align_corners=False)
    squares = layers[:, :, :3].square().mean(2) / layers[:, :, 3].clamp_min(_EPSILON)  # (B, 16, H, W), times alpha
    total = torch.einsum("bphw,bphw->bhw", weights[:, :PAINTED], layers[:, :, 3]) + weights[:, PAINTED]
    mixed = torch.einsum("bphw,bphw->bhw", weights[:, :PAINTED], squares) + weights[:, PAINTED] * painted.square().mean(
        1
    )
    return (mixed / total - rgb.square().mean(1)).clamp_min(0)[:, None]


def shifted_alpha(alpha: Tensor, shift: Tensor) -> Tensor:
    """Return the composite's alpha with its logit shifted; a shift of 0 changes but the bounds' last two per cent."""
    bounded = alpha.clamp(_LEAST_ALPHA, 1 - _LEAST_ALPHA)
    # sigmoid(logit(bounded) + shift), without the logarithm
    odds = bounded * shift.clamp(-_LARGEST_SHIFT, _LARGEST_SHIFT).exp()
    shifted = odds / (odds + (1 - bounded))
    # the bounds are stretched away again, so that nothing is faintly seen and nothing is faintly transparent
    stretched = (shifted - _LEAST_ALPHA) / (1 - 2 * _LEAST_ALPHA)
    return stretched.clamp(0, 1)


ARCHITECTURE: Final = "warping_gan"
_KNOWN: Final[NetworkKinds] = {
    "parser": (PartParser, PartParserConfig),
    "generator": (PartGenerator, PartGeneratorConfig),
}


@dataclass(frozen=True, eq=False)
class WarpingNetworks:
    """The trained networks.

    Attributes
    ----------
    parser : PartParser
        Stage I.
    generator : PartGenerator
        Stage II.
    sha256 : str
        Of the file they came from; empty if they came from none.
    """

    parser: PartParser
    generator: PartGenerator
    sha256: str = ""


def load_warping_networks(name_or_path: str | Path) -> WarpingNetworks:
    """Read the networks from one file, in evaluation mode.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, for another engine, or names networks that cannot be made; or if it has a
        matcher, as an earlier release could train one: its generator has learned from matched parts, and parts are not
        matched any more.
    """
    file = load_networks(name_or_path, ARCHITECTURE, _KNOWN)
    if file.unknown:
        raise WeightsError(
            f"holds networks that this release does not know: {', '.join(file.unknown)}",
            subject=file.path,
            remedy="Train stage II without a matcher, or use the release that the file is of.",
        )
    parser, generator = (file.networks.get(name) for name in _KNOWN)
    if not isinstance(parser, PartParser) or not isinstance(generator, PartGenerator):
        raise WeightsError(
            "lacks stage I or stage II", subject=file.path, remedy="Give weights that training exported."
        )
    return WarpingNetworks(parser, generator, file.sha256)


def save_warping_networks(path: Path, networks: WarpingNetworks, metadata: Mapping[str, str] | None = None) -> None:
    """Write the networks into one file, in half precision, whole or not at all."""
    save_networks(path, {name: getattr(networks, name) for name in _KNOWN}, ARCHITECTURE, metadata)
