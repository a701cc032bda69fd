"""The lifter's training: the network that turns 18 points of a track into a body's turns in space."""

from typing import Final

from motionwarp.training.stage import StageSpec

STAGE: Final = StageSpec(
    "The lifter: from tracks of 18 points to bodies in space.",
    "motionwarp.training.lifter.task:LifterTrainingConfig",
    "motionwarp.training.lifter.task:LifterTask",
)
