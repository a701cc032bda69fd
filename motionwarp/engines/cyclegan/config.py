"""What can be set in the training of the CycleGAN family, and its four variants."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from motionwarp.engines.cyclegan.networks import MULTIPLE, TranslationConfig
from motionwarp.errors import OptionError
from motionwarp.training.task import LoopConfig, published_loop

Variant = Literal["gan", "cyclegan", "long", "nest"]
VARIANTS: Final[tuple[Variant, ...]] = ("gan", "cyclegan", "long", "nest")


@dataclass(frozen=True)
class UnpairedDataConfig:
    """Two folders of pictures that belong to each other as wholes, not one by one.

    Attributes
    ----------
    a, b : Path
        Folders of pictures, folders below them included.
    a_labels, b_labels : bool
        Whether the pictures are label maps: 8-bit gray whose values are classes. They are drawn in colors.
    height, width : int
        To which pictures are cropped.
    room : float
        How much larger they are made before, so that crops differ; 286 / 256 in CycleGAN.
    mirror : bool
        Whether half of the pictures are mirrored.
    """

    a: Path
    b: Path
    a_labels: bool = False
    b_labels: bool = False
    height: int = 256
    width: int = 256
    room: float = 286 / 256
    mirror: bool = True

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 4 * MULTIPLE or self.height % MULTIPLE or self.width % MULTIPLE:
            raise OptionError(
                f"height and width must be multiples of {MULTIPLE} from {4 * MULTIPLE} on, "
                f"got {self.height} x {self.width}"
            )
        if not 1 <= self.room <= 2:
            raise OptionError(f"room for crops is from 1 to 2, got {self.room}")


@dataclass(frozen=True)
class TranslationLossConfig:
    """The switches of the four variants, section 8.1 of the thesis.

    Attributes
    ----------
    cycle : float
        Lambda, 10 in the thesis: weight of reconstructions (eq. 8.2), 0 for a plain GAN.
    inner : bool
        Whether a picture is also to be found again from halfway, by every number of generators (eqs. 8.7 to 8.9).
    similarity : float
        Weight of L_Sim (eq. 8.11): how far the first generators' pictures of both directions are apart. Its weight is
        not given; 1 adds it as it is.
    """

    cycle: float = 10.0
    inner: bool = False
    similarity: float = 0.0


def _published() -> LoopConfig:
    # 200 epochs of 400 facades, one picture a step; Adam at 2e-4 with weight decay, nothing said of averages or clips
    return published_loop(80_000, 1, 2e-4, decay_steps=40_000, weight_decay=5e-4, averaged=False)


@dataclass(frozen=True)
class TranslationTrainingConfig:
    """Training of both directions at once.

    Attributes
    ----------
    data : UnpairedDataConfig
    network : TranslationConfig
        Its height and width are the data's.
    loss : TranslationLossConfig
    history : int
        Made pictures that the discriminators may see again, 50 in CycleGAN; the thesis names none.
    start_from : Path or None
        Weights of the same networks to begin with.
    loop : LoopConfig
    """

    data: UnpairedDataConfig
    network: TranslationConfig = field(default_factory=TranslationConfig)
    loss: TranslationLossConfig = field(default_factory=TranslationLossConfig)
    history: int = 0
    start_from: Path | None = None
    loop: LoopConfig = field(default_factory=_published)

    def __post_init__(self) -> None:
        wanted, given = (self.data.height, self.data.width), (self.network.height, self.network.width)
        if wanted != given:
            raise OptionError(
                f"networks for {given[0]} x {given[1]} cannot be trained from data of {wanted[0]} x {wanted[1]}",
                remedy="Set height and width of [network] and [data] to the same.",
            )
        if self.loss.inner and self.loss.cycle <= 0:
            raise OptionError("inner cycles need a weight of reconstructions, `cycle`, over 0")
        if self.history < 0:
            raise OptionError(f"a history has at least 0 pictures, got {self.history}")

    def as_variant(self, variant: Variant) -> TranslationTrainingConfig:
        """Return the configuration of a variant: how many generators there are, and which losses; all else stays."""
        count = 2 if variant in ("long", "nest") else 1
        loss = TranslationLossConfig(
            cycle=0.0 if variant == "gan" else (self.loss.cycle or 10.0),
            inner=variant == "nest",
            similarity=1.0 if variant == "nest" else 0.0,
        )
        return replace(self, network=replace(self.network, forward=count, backward=count), loss=loss)


def preset(name: Literal["paper", "small"], data: UnpairedDataConfig) -> TranslationTrainingConfig:
    """Return a configuration: `paper` has the thesis's sizes, `small` is one that two cores can train.

    Height and width of the data are those of the preset.
    """
    if name == "paper":
        return TranslationTrainingConfig(replace(data, height=256, width=256))
    network = TranslationConfig(base=20, blocks=4, discriminator_base=24, height=128, width=96)
    loop = LoopConfig(
        steps=4_000,
        batch_size=1,
        learning_rate=4e-4,
        warmup_steps=20,
        decay_steps=2_000,
        weight_decay=5e-4,
        gradient_clip=1e9,
        ema_decay=0.99,
        workers=0,
    )
    return TranslationTrainingConfig(replace(data, height=128, width=96), network, history=50, loop=loop)
