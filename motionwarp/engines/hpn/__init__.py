"""HPN: high-resolution pose transfer by progressive training, with the pose in the bottleneck only."""

from typing import Final

from motionwarp.engines.spec import EngineSpec
from motionwarp.training.stage import StageSpec

_HERE: Final = "motionwarp.engines.hpn"

SPEC: Final = EngineSpec(
    name="hpn",
    help="HPN: an autoencoder that grows, told the pose in its bottleneck; small pictures, for comparison.",
    engine=f"{_HERE}.engine:HpnEngine",
    architectures=("hpn",),
    weights="hpn",
    stages={
        "generator": StageSpec(
            "The autoencoder, through all of its levels.",
            f"{_HERE}.config:HpnTrainingConfig",
            f"{_HERE}.training:HpnTask",
        )
    },
)
