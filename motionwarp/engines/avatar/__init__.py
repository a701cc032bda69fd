"""The engine that gives the photo a body: surfaces in space, turned and posed, seen from any side."""

from typing import Final

from motionwarp.engines.spec import EngineSpec

SPEC: Final = EngineSpec(
    name="avatar",
    help="A body in space that wears the photo: turns, poses and depth, without any learned weights.",
    engine="motionwarp.engines.avatar.engine:AvatarEngine",
    swapper="motionwarp.engines.avatar.swapping:AvatarSwapper",
    needs=("body", "lifter"),
)
