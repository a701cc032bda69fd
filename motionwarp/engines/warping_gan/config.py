"""What can be set in the training of the `parts` preset, one configuration a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from motionwarp.engines.warping_gan.networks import PartGeneratorConfig, PartParserConfig
from motionwarp.nn.discriminator import DiscriminatorConfig
from motionwarp.training.adversary import AdversaryConfig
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig


def _small_adversary() -> AdversaryConfig:
    # the generator is small and learns fast; a discriminator that learns as fast would win at once
    return AdversaryConfig(DiscriminatorConfig(base=32), rate_factor=0.2)


def _coarse_adversary() -> AdversaryConfig:
    # at a quarter of the window, of whose pixels a deeper pyramid would leave none
    return AdversaryConfig(DiscriminatorConfig(base=32, layers=2, scales=2), rate_factor=0.2)


def _quick() -> LoopConfig:
    return LoopConfig(steps=8_000, batch_size=16, learning_rate=2e-3, decay_steps=2_000)


@dataclass(frozen=True)
class ParserLossWeights:
    """Weights of the parts of stage I's loss; 0 switches a part off.

    Attributes
    ----------
    parsing, in_front : float
        Cross-entropies of the classes and of the order of depth, pixel by pixel.
    adversarial, pyramid : float
        Weights of a discriminator's verdict on both, and of its features (eq. 2). Without either there is no
        discriminator.
    """

    parsing: float = 1.0
    in_front: float = 1.0
    adversarial: float = 0.0
    pyramid: float = 0.0


@dataclass(frozen=True)
class PartParserTrainingConfig:
    """Training of stage I.

    Attributes
    ----------
    packs : tuple of PackShare
        Packs of part samples.
    network, loss, adversary, loop
        See their own classes.
    limb_weight : float
        Weight of pixels that arms and hands show, relative to others, in the order of depth: they are few, and what is
        before the torso matters most.
    bodiless : float
        Share of samples whose body is left away.
    start_from : Path or None
        Weights of the same network to begin with, with or without a body.
    """

    packs: tuple[PackShare, ...]
    network: PartParserConfig = field(default_factory=PartParserConfig)
    loss: ParserLossWeights = field(default_factory=ParserLossWeights)
    adversary: AdversaryConfig = field(default_factory=_coarse_adversary)
    limb_weight: float = 2.0
    bodiless: float = 0.0
    start_from: Path | None = None
    loop: LoopConfig = field(default_factory=_quick)


@dataclass(frozen=True)
class GeneratorLossWeights:
    """Weights of the parts of stage II's loss; 0 switches a part off.

    Attributes
    ----------
    pixel : float
        L1 over a background of one random color.
    person : float
        How much more pixels of the person count in it than those of the background.
    structure : float
        1 - SSIM.
    gradient : float
        L1 of gradients.
    alpha : float
    perceptual : float
        L1 of features of the project's analyzer.
    painting : float
        Weight of painting where the source has pixels to show.
    hedging : float
        Weight of being half transparent where true outlines are not.
    ghosting : float
        Weight of mixing colors that differ, so that one thing is seen through another.
    adversarial, pyramid : float
        Weights of the discriminator's verdict, and of its features (eq. 2).
    """

    pixel: float = 4.0
    person: float = 3.0
    structure: float = 0.6
    gradient: float = 1.0
    alpha: float = 2.0
    perceptual: float = 0.0
    painting: float = 0.0
    hedging: float = 0.0
    ghosting: float = 0.0
    adversarial: float = 0.0
    pyramid: float = 0.0


@dataclass(frozen=True)
class PartGeneratorTrainingConfig:
    """Training of stage II.

    Attributes
    ----------
    packs : tuple of PackShare
    parser : Path
        Weights of stage I, which are not trained on.
    validation : Path or None
        A pack of people that are not trained on, measured at every export.
    adversary : AdversaryConfig
        The discriminator; there is none while `loss.adversarial` and `loss.pyramid` are 0.
    bodiless : float
        Share of samples whose body is left away.
    start_from : Path or None
        Weights of the same network to begin with, with or without a body.
    """

    packs: tuple[PackShare, ...]
    parser: Path
    validation: Path | None = None
    network: PartGeneratorConfig = field(default_factory=PartGeneratorConfig)
    loss: GeneratorLossWeights = field(default_factory=GeneratorLossWeights)
    adversary: AdversaryConfig = field(default_factory=_small_adversary)
    bodiless: float = 0.0
    start_from: Path | None = None
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=20_000, batch_size=12, learning_rate=1.5e-3))
