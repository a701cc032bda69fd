"""The training-free engine: a person cut into parts that move by closed-form warps."""

from typing import Final

from motionwarp.engines.spec import EngineSpec

SPEC: Final = EngineSpec(
    name="layered",
    help="The parts of the source moved in closed form, without any learned weights.",
    engine="motionwarp.engines.layered.engine:LayeredEngine",
)
