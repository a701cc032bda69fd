"""A small engine of another package, as its author would write it: nothing of motionwarp is edited for it."""

from motionwarp.data.pack_kinds import PackKind
from motionwarp.engines.spec import EngineSpec
from motionwarp.training.stage import StageSpec

SPEC = EngineSpec(
    name="tiny",
    help="A box of one learned color where the person stands.",
    engine="tiny_engine.engine:TinyEngine",
    architectures=("tiny",),
    stages={"color": StageSpec("The color.", "tiny_engine.training:TinyConfig", "tiny_engine.training:TinyTask")},
    packs={"tiny-colors": PackKind("a color", "tiny_engine.training:write_colors")},
)
