"""What can be set in the training of the `paper` preset, one configuration a network.

Where the paper is silent on weights, they are those of the published code: 10 for pixels, perceptual and pyramid
hierarchy loss against 1 for the adversarial.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from motionwarp.engines.crop_gan.data import CropDataConfig
from motionwarp.engines.warping_gan_paper.networks import (
    GeometricMatcherConfig,
    PoseGuidedParserConfig,
    WarpingGeneratorConfig,
)
from motionwarp.errors import OptionError
from motionwarp.training.adversary import AdversaryConfig
from motionwarp.training.task import LoopConfig, published_loop


def _published() -> LoopConfig:
    # section 4.1: Adam at 2e-4, 12 pairs; half of the steps at a falling rate, as in pix2pixHD
    return published_loop(100_000, 12, 2e-4, decay_steps=50_000, weight_decay=0.02)


@dataclass(frozen=True)
class PaperParserLossWeights:
    """Weights of the parts of stage I's loss; 0 switches a part off.

    Attributes
    ----------
    cross_entropy : float
        Weight of the classes, pixel by pixel.
    adversarial, pyramid : float
        Weights of the discriminator's verdict, and of its features (eq. 2).
    """

    cross_entropy: float = 10.0
    adversarial: float = 1.0
    pyramid: float = 10.0


@dataclass(frozen=True)
class PaperParserTrainingConfig:
    """Training of stage I."""

    data: CropDataConfig
    network: PoseGuidedParserConfig = field(default_factory=PoseGuidedParserConfig)
    loss: PaperParserLossWeights = field(default_factory=PaperParserLossWeights)
    adversary: AdversaryConfig = field(default_factory=AdversaryConfig)
    start_from: Path | None = None
    loop: LoopConfig = field(default_factory=_published)


@dataclass(frozen=True)
class PaperMatcherLossWeights:
    """Weights of the parts of the matcher's loss; 0 switches a part off.

    Attributes
    ----------
    l1, cross_entropy : float
        Weights of the warped source parsing against the target's.
    grid : float
        Weight of known warps of parsings, by their grids' distance.
    bending : float
        Weight of the spline's second derivatives.
    """

    l1: float = 1.0
    cross_entropy: float = 0.2
    grid: float = 1.0
    bending: float = 0.05


@dataclass(frozen=True)
class KnownWarpConfig:
    """Warps that parsings are moved by to have a known answer; ranges are both ways, after Rocco et al. 2017.

    Attributes
    ----------
    degrees : float
        Largest rotation.
    shear : float
        Degrees.
    scale : float
        Logarithm to the base 2.
    shift : float
        In units of half the picture's size.
    bend : float
        Range of the spline's control points, in the same units.
    """

    degrees: float = 15.0
    shear: float = 15.0
    scale: float = 0.35
    shift: float = 0.25
    bend: float = 0.15


@dataclass(frozen=True)
class PaperMatcherTrainingConfig:
    """Training of the matcher; its size must be that of the data."""

    data: CropDataConfig
    network: GeometricMatcherConfig = field(default_factory=GeometricMatcherConfig)
    loss: PaperMatcherLossWeights = field(default_factory=PaperMatcherLossWeights)
    known: KnownWarpConfig = field(default_factory=KnownWarpConfig)
    start_from: Path | None = None
    loop: LoopConfig = field(default_factory=_published)

    def __post_init__(self) -> None:
        wanted, given = (self.data.height, self.data.width), (self.network.height, self.network.width)
        if wanted != given:
            raise OptionError(
                f"the matcher is for parsings of {given[0]} x {given[1]}, the data is {wanted[0]} x {wanted[1]}",
                remedy="Set height and width of [network] and [data] to the same.",
            )


@dataclass(frozen=True)
class PaperGeneratorLossWeights:
    """Weights of the parts of stage II's loss, eq. 3; 0 switches a part off.

    Attributes
    ----------
    adversarial, pixel, perceptual, pyramid : float
    """

    adversarial: float = 1.0
    pixel: float = 10.0
    perceptual: float = 10.0
    pyramid: float = 10.0


@dataclass(frozen=True)
class PaperGeneratorTrainingConfig:
    """Training of stage II.

    Attributes
    ----------
    data : CropDataConfig
    parser : Path or None
        Weights of stage I; what it predicts takes the place of the target's parsing, as at work. None gives the true
        one.
    matcher : Path or None
        Weights of the matcher; None leaves features where they are.
    vgg : Path or None
        VGG-19's weights (safetensors, torchvision's names) for the perceptual loss; None takes the project's own
        analyzer.
    network, loss, adversary, loop
        See their own classes.
    start_from : Path or None
        Weights of the same network to begin with.
    """

    data: CropDataConfig
    parser: Path | None = None
    matcher: Path | None = None
    vgg: Path | None = None
    network: WarpingGeneratorConfig = field(default_factory=WarpingGeneratorConfig)
    loss: PaperGeneratorLossWeights = field(default_factory=PaperGeneratorLossWeights)
    adversary: AdversaryConfig = field(default_factory=AdversaryConfig)
    start_from: Path | None = None
    loop: LoopConfig = field(default_factory=_published)
