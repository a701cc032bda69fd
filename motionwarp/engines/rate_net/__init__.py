"""RATE-Net: a coarse picture in the new pose, and a residual of texture over it."""

from typing import Final

from motionwarp.engines.spec import EngineSpec
from motionwarp.training.stage import StageSpec

_HERE: Final = "motionwarp.engines.rate_net"

SPEC: Final = EngineSpec(
    name="rate_net",
    help="RATE-Net: a coarse picture by pose attention, and texture added; small pictures, for comparison.",
    engine=f"{_HERE}.engine:RateNetEngine",
    architectures=("rate_net",),
    weights="rate_net",
    stages={
        "generator": StageSpec(
            "Both modules of the generator, and the discriminators.",
            f"{_HERE}.config:RateNetTrainingConfig",
            f"{_HERE}.training:RateNetTask",
        )
    },
)
