"""The analyzer's training: the network that sees points, parsing and matte of a person."""

from typing import Final

from motionwarp.training.stage import StageSpec

STAGE: Final = StageSpec(
    "The network that sees points, parts and matte of a person.",
    "motionwarp.training.analyzer.task:AnalyzerTrainingConfig",
    "motionwarp.training.analyzer.task:AnalyzerTask",
)
