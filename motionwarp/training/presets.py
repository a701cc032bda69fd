"""Which task trains which network of which preset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import torch

from motionwarp.configuration import read_config
from motionwarp.errors import OptionError
from motionwarp.training.loop import LoopConfig, TrainingTask
from motionwarp.training.paper_config import (
    PaperGeneratorTrainingConfig,
    PaperMatcherTrainingConfig,
    PaperParserTrainingConfig,
)
from motionwarp.training.paper_generator import PaperGeneratorTask
from motionwarp.training.paper_matcher import PaperMatcherTask
from motionwarp.training.paper_parser import PaperParserTask
from motionwarp.training.parallel import own_share
from motionwarp.training.part_generator import PartGeneratorTask
from motionwarp.training.part_matcher import PartMatcherTask
from motionwarp.training.part_parser import PartParserTask
from motionwarp.training.parts_config import (
    PartGeneratorTrainingConfig,
    PartMatcherTrainingConfig,
    PartParserTrainingConfig,
)

Preset = Literal["parts", "paper"]
StageName = Literal["parser", "matcher", "warping-gan"]


@dataclass(frozen=True)
class TrainedStage:
    """One network's training.

    Attributes
    ----------
    config : type
        Dataclass that its TOML file fills; has a `loop`.
    task : callable
        Makes the task of a configuration, a device and the type of the activations.
    """

    config: type[Any]
    task: Callable[[Any, torch.device, torch.dtype], TrainingTask]


STAGES: Final[dict[tuple[Preset, StageName], TrainedStage]] = {
    ("parts", "parser"): TrainedStage(PartParserTrainingConfig, PartParserTask),
    ("parts", "matcher"): TrainedStage(PartMatcherTrainingConfig, PartMatcherTask),
    ("parts", "warping-gan"): TrainedStage(PartGeneratorTrainingConfig, PartGeneratorTask),
    ("paper", "parser"): TrainedStage(PaperParserTrainingConfig, PaperParserTask),
    ("paper", "matcher"): TrainedStage(PaperMatcherTrainingConfig, PaperMatcherTask),
    ("paper", "warping-gan"): TrainedStage(PaperGeneratorTrainingConfig, PaperGeneratorTask),
}


def make_task(
    preset: Preset, stage: StageName, config_file: Path, device: torch.device, dtype: torch.dtype
) -> tuple[TrainingTask, LoopConfig]:
    """Read a stage's configuration and make its task.

    Parameters
    ----------
    preset : str
        "parts" or "paper".
    stage : str
        "parser", "matcher" or "warping-gan".
    config_file : Path
        TOML.
    device : torch.device
    dtype : torch.dtype
        Of the activations.

    Raises
    ------
    OptionError
        If there is no such stage, or the configuration does not fit it.
    WeightsError
        If the weights that it builds upon are missing or for other networks.
    """
    found = STAGES.get((preset, stage))
    if found is None:
        known = ", ".join(f"{one} {other}" for one, other in STAGES)
        raise OptionError(f"there is no training of '{preset} {stage}'", remedy=f"There are: {known}.")
    config = read_config(config_file, found.config)
    config = replace(config, loop=own_share(config.loop))
    return found.task(config, device, dtype), config.loop
