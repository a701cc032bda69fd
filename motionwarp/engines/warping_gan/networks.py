"""The networks: stage I parses the target; stage II says per pixel which part is shown, what is painted, and alpha.

After section 3.1.3 of the Soft-Gated Warping-GAN: an encoder of what is wanted (limbs, predicted parsing and order of
depth), the warped source's features gated into it (eq. 1: T(F) = F + W * R, W in [0, 1], dependent on the pose change),
residual blocks, and a decoder. The warping happens before the encoder, by parts, so that a feature never mixes pixels
that move apart. And the output is no picture but a recipe: logits to blend the warped parts with, a painted picture for
what no part has, and a shift of the composite's alpha. The recipe is smooth and the parts are sharp, so it serves at
any resolution.

With a body, the posed avatar is one more layer: stage I sees it with its own order of depth, stage II says besides how
much it counts at each pixel, and how much of the alpha is its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.checkpoints.checkpoint import Checkpoint
from motionwarp.checkpoints.network_file import NetworkKinds, load_networks, save_networks
from motionwarp.errors import WeightsError
from motionwarp.nn.blocks import ConvNormAct, ResidualBlock
from motionwarp.parsing.labels import CLASS_COUNT

PART_COUNT = 15  # parts; one more class is 'no part'
LAYER_CHANNELS = 4 * (PART_COUNT + 1)
BODY_CHANNELS = 5  # the body's layer: premultiplied RGB, alpha, certainty
BODY_TURN_LENGTH = 6  # how far hips, chest and head are turned about the upright axis against the photo


@dataclass(frozen=True)
class PartParserConfig:
    """Size of stage I.

    Attributes
    ----------
    channels : tuple of 3 int
        At a quarter, an eighth and a sixteenth of the window's resolution.
    blocks : tuple of 3 int
        Residual blocks at each.
    body : bool
        Whether the body's layer and its part in front are seen.
    """

    channels: tuple[int, ...] = (48, 96, 144)
    blocks: tuple[int, ...] = (1, 2, 2)
    body: bool = False


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
        seen = LAYER_CHANNELS + CLASS_COUNT + PART_COUNT + (BODY_CHANNELS + PART_COUNT if config.body else 0)
        self.enter = _stage(seen, fine, config.blocks[0], stride=1)
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
            The target's limbs; with a body, its layer (5) and the share of each part in front of it (15) after them.
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
BODY_LAYER = PART_COUNT + 1  # after the parts and their composite
STAGE_ONE_CHANNELS = CLASS_COUNT + PART_COUNT + 1
POSE_CHANGE_LENGTH = 4 * PART_COUNT
PALETTE_COUNT = PART_COUNT + 1  # the parts' mean colors and the composite's
LARGEST_LOGIT = 8.0  # so that a part of little alpha can win, yet sums stay finite
LARGEST_SHARPNESS = 4.0  # their exponentials are still finite, all 17 of them
LARGEST_TOUCH = 0.5  # how far the painted picture may depart from the parts' mean colors
_COMPOSITE_BIAS = 3.0  # untrained, the composite is shown
_BODY_BIAS, _BODY_ALPHA_BIAS = -3.0, -4.0  # and of the body next to nothing
LEAST_ALPHA = 0.02
# the body's share in alpha is decided rather than mixed: half of an outline is a veil, wherever the truth lies
_ALPHA_DECISION: Final = 4.0
LARGEST_SHIFT = 30.0  # beyond it nothing changes any more, and its exponential is still finite
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
        Channels of the features of the warped parts, at a half.
    parsing, warping : bool
        Whether stage I's prediction is seen, and whether warped features are gated in; False are rows of the paper's
        ablation.
    sharpness : float
        What blend logits are multiplied with, up to 4: the larger, the less is one part seen through another.
    body : bool
        Whether the body is one more layer.
    """

    channels: tuple[int, ...] = (32, 64, 96, 128)
    blocks: tuple[int, ...] = (1, 2, 2)
    warped_channels: int = 24
    parsing: bool = True
    warping: bool = True
    sharpness: float = 1.0
    body: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.sharpness <= LARGEST_SHARPNESS:
            raise ValueError(f"blend logits can be multiplied with up to {LARGEST_SHARPNESS:g}, not {self.sharpness}")


class PartGeneratorOutput(NamedTuple):
    """The recipe of a batch of frames.

    Attributes
    ----------
    blend_logits : float (B, 17, H/2, W/2)
        Logits of the 15 parts, their composite and the painted picture; within +-8 times the sharpness.
    painted : float (B, 3, H/2, W/2)
        In [0, 1]: the parts' mean colors, mixed and touched up.
    alpha_shift : float (B, 1, H/2, W/2)
        Added to the logit of the composite's alpha.
    gate : float (B, C, H/4, W/4) or None
        The soft gate, to look at.
    body_logit : float (B, 1, H/2, W/2) or None
        Logit of the body's layer against all 17 together, whatever they sum to; None without a body.
    body_alpha : float (B, 1, H/2, W/2) or None
        Logit of the body's share in the alpha that is shifted; the rest is the composite's.
    """

    blend_logits: Tensor
    painted: Tensor
    alpha_shift: Tensor
    gate: Tensor | None
    body_logit: Tensor | None = None
    body_alpha: Tensor | None = None

    def of_frame(self, frame: int) -> PartGeneratorOutput:
        """Return one frame's recipe, as of a batch of one, without the gate."""

        def own(plane: Tensor | None) -> Tensor | None:
            return None if plane is None else plane[frame : frame + 1]

        logits, painted, shift = (plane[frame : frame + 1] for plane in self[:3])
        return PartGeneratorOutput(logits, painted, shift, None, own(self.body_logit), own(self.body_alpha))

    def mean_with(self, other: PartGeneratorOutput) -> PartGeneratorOutput:
        """Return the mean of two recipes of as many frames, in float32, without the gate."""

        def mean(one: Tensor | None, two: Tensor | None) -> Tensor | None:
            return None if one is None or two is None else (one.float() + two.float()) / 2

        logits, painted, shift = ((one.float() + two.float()) / 2 for one, two in zip(self[:3], other[:3], strict=True))
        body = mean(self.body_logit, other.body_logit), mean(self.body_alpha, other.body_alpha)
        return PartGeneratorOutput(logits, painted, shift, None, *body)


class PartGenerator(nn.Module):
    """Warped parts, limbs and stage I's prediction to the recipe of the picture."""

    def __init__(self, config: PartGeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PartGeneratorConfig()
        half, quarter, eighth, sixteenth = config.channels
        warped = config.warped_channels
        self.warped = ConvNormAct(LAYER_CHANNELS + (BODY_CHANNELS if config.body else 0), warped)
        conditions = PART_COUNT + (STAGE_ONE_CHANNELS if config.parsing else 0) + (PART_COUNT if config.body else 0)
        self.wanted = ConvNormAct(conditions, half)
        self.join = ConvNormAct(half + warped, half)
        self.down4 = ConvNormAct(half, quarter, stride=2)
        change = POSE_CHANGE_LENGTH + (BODY_TURN_LENGTH if config.body else 0)
        self.gate = _SoftGate(warped, quarter, change) if config.warping else None
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
        self.turned = nn.Linear(BODY_TURN_LENGTH, half) if config.body else None
        self.body_head = nn.Conv2d(half, 2, 3, 1, 1) if config.body else None
        if self.turned is not None and self.body_head is not None:
            # untrained, the picture is the one without a body
            for parameter in (*self.turned.parameters(), self.body_head.weight):
                nn.init.zeros_(parameter)
            self.body_head.bias = nn.Parameter(
                torch.tensor([_BODY_BIAS / config.sharpness, _BODY_ALPHA_BIAS / _ALPHA_DECISION])
            )

    def forward(self, layers: Tensor, limbs: Tensor, stage_one: Tensor, change: Tensor) -> PartGeneratorOutput:
        """Write the recipe.

        Parameters
        ----------
        layers : float (B, 64, H/2, W/2)
            The 15 warped parts and their composite, premultiplied RGB and alpha each, at half of the window's
            resolution; H and W are multiples of 16. With a body (B, 69, ...): its layer after them.
        limbs : float (B, 15, H/2, W/2)
            The target's limbs; with a body (B, 30, ...): the share of each part in front of it after them.
        stage_one : float (B, 36, H/4, W/4)
            Probabilities of the 20 classes and of the 16 answers to which part is in front.
        change : float (B, 60)
            How far each part is turned and stretched; with a body (B, 66): how far that is turned after it.
        """
        warped = self.warped(layers)  # (B, C, H/2, W/2)
        conditions = [limbs[:, :PART_COUNT]]
        if self.config.parsing:
            conditions.append(functional.interpolate(stage_one, scale_factor=2.0, mode="nearest"))
        if self.config.body:
            conditions.append(limbs[:, PART_COUNT:])
        half = self.join(torch.cat([self.wanted(torch.cat(conditions, dim=1)), warped], dim=1))
        if self.turned is not None:
            half = half + self.turned(change[:, POSE_CHANGE_LENGTH:])[..., None, None]
        quarter = self.down4(half)  # (B, C, H/4, W/4)
        gate = None
        if self.gate is not None:
            quarter, gate = self.gate(quarter, warped, change)
        quarter = self.blocks4(quarter)
        eighth = self.down8(quarter)
        sixteenth = self.down16(eighth)
        up = self.up2(self.up4(self.up8(sixteenth, eighth), quarter), half)
        of_parts, of_body = self._read(up)
        logits, mixing, touch, shift = of_parts.split([BLEND_COUNT, PALETTE_COUNT, 3, 1], dim=1)
        bounded = self.config.sharpness * LARGEST_LOGIT * torch.tanh(logits / LARGEST_LOGIT)
        painted = _painted(layers[:, :LAYER_CHANNELS], mixing, touch)
        if of_body is None:
            return PartGeneratorOutput(bounded, painted, shift, gate)
        body_logit, body_alpha = of_body.split([1, 1], dim=1)
        bounded_body = self.config.sharpness * LARGEST_LOGIT * torch.tanh(body_logit / LARGEST_LOGIT)
        return PartGeneratorOutput(bounded, painted, shift, gate, bounded_body, _ALPHA_DECISION * body_alpha)

    def _read(self, up: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return what the head says, and that of the body where there is one: (B, 37, H/2, W/2), (B, 2, H/2, W/2)."""
        if self.body_head is None:
            return self.head(up), None
        # as one convolution: processors take 16 channels at once, so that two more cost nothing beside 37
        assert self.head.bias is not None
        assert self.body_head.bias is not None
        weight = torch.cat([self.head.weight, self.body_head.weight])
        both = functional.conv2d(up, weight, torch.cat([self.head.bias, self.body_head.bias]), padding=1)
        of_parts, of_body = both.split([self.head.out_channels, self.body_head.out_channels], dim=1)
        return of_parts, of_body


def _painted(layers: Tensor, mixing: Tensor, touch: Tensor) -> Tensor:
    """Paint with the person's own colors: a mixture of the parts' mean colors, and a touch that departs from it.

    Parameters
    ----------
    layers : float (B, 64, H/2, W/2)
    mixing : float (B, 16, H/2, W/2)
        Logits of the mean colors of the 15 parts and of the composite.
    touch : float (B, 3, H/2, W/2)

    Returns
    -------
    float (B, 3, H/2, W/2)
        In [0, 1].
    """
    sums = layers.unflatten(1, (PALETTE_COUNT, 4)).sum(dim=(3, 4))  # (B, 16, 4)
    mass = sums[..., 3:]
    palette = sums[..., :3] / mass.clamp_min(1.0)
    # a part of less than a pixel has no color to lend
    source_part = mixing.float() + (mass.clamp_min(1e-3).log().clamp_max(0.0) * LARGEST_LOGIT)[..., None].float()
    mixture = torch.einsum("bphw,bpc->bchw", source_part.softmax(dim=1).to(palette.dtype), palette)
    return (mixture + LARGEST_TOUCH * torch.tanh(touch)).clamp(0, 1)


class _SoftGate(nn.Module):
    """Eq. 1 over the features of the warped parts: F + W * R, W from F, R and the pose change."""

    def __init__(self, warped_channels: int, channels: int, change_length: int) -> None:
        super().__init__()
        self.residual = ConvNormAct(warped_channels, channels, stride=2)
        hidden = max(channels // 4, 8)
        self.seen = nn.Conv2d(2 * channels, hidden, 3, 1, 1)
        self.change = nn.Linear(change_length, hidden)
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
    layers : float (B, 16 or 17, 4, H, W)
        Warped parts and composite at the resolution that is wanted, and the body after them where the recipe has one.
        Who has no body there, because none could be fitted, is blended without.
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
    # the layers' colors are multiplied by alpha already, so a part without a pixel has no weight there
    mixed = torch.einsum("bphw,bpchw->bchw", weights[:, :PAINTED], layers[:, :PAINTED])
    colors = mixed[:, :3] + weights[:, PAINTED:] * painted
    rgb = colors / (mixed[:, 3:] + weights[:, PAINTED:])
    if recipe.body_logit is not None:
        own = _enlarged(recipe.body_logit, size).exp() * layers[:, BODY_LAYER]
        rgb = (rgb + own[:, :3]) / (1 + own[:, 3:])
    return rgb, shifted_alpha(_unshifted_alpha(layers, recipe), shift)


def covered_alpha(layers: Tensor) -> Tensor:
    """Return where the source has a pixel to show, in parts or on a body, float (B, 1, H, W)."""
    return layers[:, COMPOSITE:, 3].amax(1, keepdim=True)


def _unshifted_alpha(layers: Tensor, recipe: PartGeneratorOutput) -> Tensor:
    composite = layers[:, COMPOSITE, 3:]
    if recipe.body_alpha is None:
        return composite
    body = layers[:, BODY_LAYER, 3:]
    # who has no body at all is not taken away with it
    share = torch.sigmoid(_enlarged(recipe.body_alpha, layers.shape[-2:])) * (body.amax((2, 3), keepdim=True) > 0)
    return torch.lerp(composite, body, share)


def _enlarged(plane: Tensor, size: tuple[int, ...]) -> Tensor:
    return functional.interpolate(plane.float(), size=size, mode="bilinear", align_corners=False)


def painted_share(layers: Tensor, recipe: PartGeneratorOutput) -> Tensor:
    """Return how much of each pixel's color is painted, float (B, 1, H, W) in [0, 1]; arguments as in `apply_blend`."""
    size = layers.shape[-2:]
    weights = _enlarged(recipe.blend_logits, size).exp()
    kept = torch.einsum("bphw,bphw->bhw", weights[:, :PAINTED], layers[:, :PAINTED, 3])[:, None]
    share = weights[:, PAINTED:] / (kept + weights[:, PAINTED:])
    if recipe.body_logit is None:
        return share
    return share / (1 + _enlarged(recipe.body_logit, size).exp() * layers[:, BODY_LAYER, 3:])


def blend_variance(layers: Tensor, recipe: PartGeneratorOutput, rgb: Tensor) -> Tensor:
    """Return how much the colors differ that are mixed at each pixel: their variance under the recipe's weights.

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
    weights, painted = _enlarged(recipe.blend_logits, size).exp(), _enlarged(recipe.painted, size)
    squares = layers[:, :, :3].square().mean(2) / layers[:, :, 3].clamp_min(_EPSILON)  # (B, L, H, W), times alpha
    of_parts = weights[:, :PAINTED]
    total = torch.einsum("bphw,bphw->bhw", of_parts, layers[:, :PAINTED, 3]) + weights[:, PAINTED]
    mixed = torch.einsum("bphw,bphw->bhw", of_parts, squares[:, :PAINTED]) + weights[
        :, PAINTED
    ] * painted.square().mean(1)
    mean = mixed / total
    if recipe.body_logit is not None:
        own = _enlarged(recipe.body_logit, size)[:, 0].exp()
        mean = (mean + own * squares[:, BODY_LAYER]) / (1 + own * layers[:, BODY_LAYER, 3])
    return (mean - rgb.square().mean(1)).clamp_min(0)[:, None]


def shifted_alpha(alpha: Tensor, shift: Tensor) -> Tensor:
    """Return the composite's alpha with its logit shifted; a shift of 0 changes but the bounds' last two per cent."""
    bounded = alpha.clamp(LEAST_ALPHA, 1 - LEAST_ALPHA)
    # sigmoid(logit(bounded) + shift), without the logarithm
    odds = bounded * shift.clamp(-LARGEST_SHIFT, LARGEST_SHIFT).exp()
    shifted = odds / (odds + (1 - bounded))
    # the bounds are stretched away again, so that nothing is faintly seen and nothing is faintly transparent
    stretched = (shifted - LEAST_ALPHA) / (1 - 2 * LEAST_ALPHA)
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
        Checksum of the file they came from; empty if they came from none.
    """

    parser: PartParser
    generator: PartGenerator
    sha256: str = ""


def with_room_for_body(checkpoint: Checkpoint, network: PartParser | PartGenerator) -> Checkpoint:
    """Return weights that were made without a body for a network that sees one, which at first takes no notice of it.

    Parameters
    ----------
    checkpoint : Checkpoint
        Of a network that differs by its body only; returned as it is where that is no difference.
    network : PartParser or PartGenerator
    """
    if not network.config.body or checkpoint.config["network"].get("body", False):
        return checkpoint
    own = network.state_dict()
    tensors = {name: _with_inputs(tensor, own.get(name)) for name, tensor in checkpoint.tensors.items()}
    return replace(checkpoint, tensors=tensors)


def _with_inputs(weights: Tensor, wanted: Tensor | None) -> Tensor:
    """Return weights with as many more inputs of no weight as are wanted."""
    if wanted is None or weights.ndim < 2:
        return weights
    (rows, columns, *kernel), (wanted_rows, wanted_columns, *wanted_kernel) = weights.shape, wanted.shape
    more = wanted_columns - columns
    if more <= 0 or (rows, kernel) != (wanted_rows, wanted_kernel):
        return weights
    return torch.cat([weights, weights.new_zeros(len(weights), more, *weights.shape[2:])], dim=1)


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
