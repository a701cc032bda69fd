"""HPN's try-on, which changes clothes by an appearance flow; its code is a part of `hpn`."""

from typing import Final

from motionwarp.engines.spec import EngineSpec
from motionwarp.training.stage import StageSpec

_HPN: Final = "motionwarp.engines.hpn"

SPEC: Final = EngineSpec(
    name="hpn_flow",
    help="HPN's try-on: a garment's pixels carried by a flow between two masks.",
    swapper=f"{_HPN}.swapping:FlowSwapper",
    architectures=("hpn_flow",),
    weights="hpn_flow",
    stages={
        "flow": StageSpec(
            "The appearance flow of garments.",
            f"{_HPN}.config:GarmentFlowTrainingConfig",
            f"{_HPN}.flow_training:GarmentFlowTask",
        )
    },
)
