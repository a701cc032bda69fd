"""What can be set in the training of RATE-Net; the defaults are the paper's."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, get_args

from motionwarp.engines.crop_gan.data import CropDataConfig
from motionwarp.engines.rate_net.networks import RateDiscriminatorConfig, RateNetConfig
from motionwarp.errors import OptionError
from motionwarp.nn.losses.adversarial import AdversarialKind
from motionwarp.training.pack_samples import PackTrainingConfig
from motionwarp.training.task import LoopConfig, published_loop

_KINDS: Final = get_args(AdversarialKind)


def _published() -> LoopConfig:
    # section 4.2: 40,000 cycles, 1e-4 for the first 10,000, then linearly to 0; no batch size is given, PATN's is 7
    return published_loop(40_000, 7, 1e-4, decay_steps=30_000)


@dataclass(frozen=True)
class RateNetLossWeights:
    """Weights of the parts of both losses; 0 switches a part off.

    Attributes
    ----------
    reconstruction : float
        Of the L1 of pixels.
    perceptual : float
        Of the L1 of features, the mean over their layers.
    style : float
        Of the Gram matrices' distance; of the final picture only.
    adversarial : float
        Of both discriminators' verdicts together; of the final picture only.
    coverage : float
        Of the cross-entropy of how much of a pixel is the person's, which only the engine needs.
    """

    reconstruction: float = 10.0
    perceptual: float = 5.0
    style: float = 5.0
    adversarial: float = 5.0
    coverage: float = 1.0


@dataclass(frozen=True)
class RateAdversaryConfig:
    """Both discriminators and how they learn.

    Attributes
    ----------
    network : RateDiscriminatorConfig
    kind : str
        "cross_entropy", as PATN has it, "least_squares" or "hinge".
    steps : int
        K: their steps in each cycle; 3 in the paper.
    """

    network: RateDiscriminatorConfig = field(default_factory=RateDiscriminatorConfig)
    kind: AdversarialKind = "cross_entropy"
    steps: int = 3

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise OptionError(f"there is no adversarial loss '{self.kind}'", remedy=f"There are: {', '.join(_KINDS)}.")
        if self.steps < 1:
            raise OptionError(f"the discriminators need a step in each cycle, got {self.steps}")


@dataclass(frozen=True)
class RateNetTrainingConfig(PackTrainingConfig):
    """Training of the generator; a step of the loop is a cycle: G_P, both modules, K times the judges.

    VGG-19 is for the perceptual and the style loss.

    Attributes
    ----------
    plain_background : bool
        Whether people are cut out and laid over gray, as the engine needs it.
    pose_weights : Path or None
        A trained file of which the pose transfer module is taken and not trained any more: the paper's row "PB fixed".
    network, loss, adversary, loop
        See their own classes.
    """

    plain_background: bool = True
    pose_weights: Path | None = None
    network: RateNetConfig = field(default_factory=RateNetConfig)
    loss: RateNetLossWeights = field(default_factory=RateNetLossWeights)
    adversary: RateAdversaryConfig = field(default_factory=RateAdversaryConfig)
    loop: LoopConfig = field(default_factory=_published)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pose_weights is not None and not self.network.texture:
            raise OptionError(
                "nothing would be trained: the pose transfer module is fixed and there is no texture module",
                remedy="Leave out `pose_weights`, or set `texture = true`.",
            )

    @property
    def data(self) -> CropDataConfig:
        """The pairs at the network's size."""
        return CropDataConfig(self.packs, self.network.height, self.network.width, self.plain_background)
