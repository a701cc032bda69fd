"""What can be set in SwapGAN's training; the switches are those of its ablation."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from motionwarp.engines.crop_gan.data import CropDataConfig
from motionwarp.engines.swap_gan.networks import SwapGanConfig
from motionwarp.errors import OptionError
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig, published_loop


@dataclass(frozen=True)
class SwapGanLossWeights:
    """Weights of the generators' losses: L_G = L_GI + L_GII + 5 L_GIII in the paper. There is no other one.

    Attributes
    ----------
    reference, condition : float
        Of the verdicts on what G_I and G_II make.
    mask : float
        Of the distance of both results' masks from the true ones.
    """

    reference: float = 1.0
    condition: float = 1.0
    mask: float = 5.0


def _published() -> LoopConfig:
    # 100 epochs of 6,000 pictures in batches of 8; the rate falls linearly in the second half
    return published_loop(75_000, 8, 2e-4, decay_steps=37_500, averaged=False)


@dataclass(frozen=True)
class SwapGanTrainingConfig:
    """Training of all networks at once.

    Attributes
    ----------
    data : CropDataConfig
        Pairs of the same person in the same clothes, in two poses.
    network : SwapGanConfig
        Its height and width are the data's.
    loss : SwapGanLossWeights
    validation : Path or None
        Pack of held-out pairs, on which every export is measured.
    generators : str
        Which of the three are trained: "full", or "I+III" and "I+II" of the paper's ablation.
    start_from : Path or None
        Weights of the same networks to begin with.
    loop : LoopConfig
    """

    data: CropDataConfig
    network: SwapGanConfig = field(default_factory=SwapGanConfig)
    loss: SwapGanLossWeights = field(default_factory=SwapGanLossWeights)
    validation: Path | None = None
    generators: str = "full"
    start_from: Path | None = None
    loop: LoopConfig = field(default_factory=_published)

    def __post_init__(self) -> None:
        wanted, given = (self.data.height, self.data.width), (self.network.height, self.network.width)
        if wanted != given:
            raise OptionError(
                f"networks for {given[0]} x {given[1]} cannot be trained from data of {wanted[0]} x {wanted[1]}",
                remedy="Set height and width of [network] and [data] to the same.",
            )
        if self.generators not in ("I+III", "I+II", "full"):
            raise OptionError(f"there are no generators '{self.generators}'", remedy="There are: I+III, I+II and full.")

    @property
    def packs(self) -> tuple[PackShare, ...]:
        """The packs of pairs."""
        return self.data.packs

    @property
    def brings_back(self) -> bool:
        """Whether G_II is trained."""
        return self.generators != "I+III"

    @property
    def has_masks(self) -> bool:
        """Whether G_III is trained."""
        return self.generators != "I+II"
