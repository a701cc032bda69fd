"""HPN's try-on, which changes clothes by an appearance flow; its networks, and their training, are in `hpn`."""

from typing import Final

from motionwarp.engines.spec import EngineSpec

SPEC: Final = EngineSpec(
    name="hpn_flow",
    help="HPN's try-on: a garment's pixels carried by a flow between two masks.",
    swapper="motionwarp.engines.hpn.swapping:FlowSwapper",
    architectures=("hpn_flow",),
    weights="hpn_flow",
)
