"""SwapGAN: clothes changed by three generators against one discriminator of pairs."""

from typing import Final

from motionwarp.engines.spec import EngineSpec
from motionwarp.training.stage import StageSpec

_HERE: Final = "motionwarp.engines.swap_gan"

SPEC: Final = EngineSpec(
    name="swap_gan",
    help="SwapGAN as the paper has it: changes all clothes at once; small pictures, for comparison.",
    swapper=f"{_HERE}.engine:SwapGanSwapper",
    architectures=("swap_gan",),
    weights="swap_gan",
    stages={
        "generators": StageSpec(
            "The three generators and their discriminator.",
            f"{_HERE}.config:SwapGanTrainingConfig",
            f"{_HERE}.training:SwapGanTask",
        ),
    },
)
