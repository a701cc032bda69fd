"""Engines by name, or by what a file of weights is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import torch

from motionwarp.checkpoints.checkpoint import read_architecture
from motionwarp.config import read_config
from motionwarp.engines.base import Engine
from motionwarp.engines.layered.engine import LayeredEngine
from motionwarp.engines.warping_gan.config import (
    PartGeneratorTrainingConfig,
    PartMatcherTrainingConfig,
    PartParserTrainingConfig,
)
from motionwarp.engines.warping_gan.training import PartGeneratorTask, PartMatcherTask, PartParserTask
from motionwarp.engines.warping_gan_paper.config import (
    PaperGeneratorTrainingConfig,
    PaperMatcherTrainingConfig,
    PaperParserTrainingConfig,
)
from motionwarp.engines.warping_gan_paper.training import PaperGeneratorTask, PaperMatcherTask, PaperParserTask
from motionwarp.errors import OptionError, WeightsError
from motionwarp.training.distributed import with_rank_seed
from motionwarp.training.task import LoopConfig, TrainingTask

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
    config = replace(config, loop=with_rank_seed(config.loop))
    return found.task(config, device, dtype), config.loop


ENGINE_NAMES: Final = ("auto", "layered", "warping_gan")
# what files of weights may be for
TRAINED_ENGINES: Final = ("warping_gan", "warping_gan_paper")
_WEIGHTS_ENDING: Final = ".safetensors"


def make_engine(name_or_file: str) -> Engine:
    """Return a new engine.

    Parameters
    ----------
    name_or_file : str
        "auto" (the best whose weights ship: "warping_gan"), "layered", "warping_gan", or a file of weights that
        training exported: what is written in it says for which engine.

    Raises
    ------
    OptionError
        If no engine has that name.
    WeightsError
        If the file is missing, damaged or for no engine.
    """
    if name_or_file == "layered":
        return LayeredEngine()
    if name_or_file in ("auto", "warping_gan"):
        # imported where it is used: it brings the networks
        from motionwarp.engines.warping_gan.engine import DEFAULT_WEIGHTS, WarpingGanEngine

        return WarpingGanEngine(DEFAULT_WEIGHTS)
    if name_or_file.endswith(_WEIGHTS_ENDING):
        return _trained_engine(Path(name_or_file))
    raise OptionError(
        "there is no such engine",
        values={"engine": name_or_file},
        remedy=f"Choose one of {', '.join(ENGINE_NAMES)}, or give a file that ends in {_WEIGHTS_ENDING}.",
    )


def _trained_engine(weights: Path) -> Engine:
    architecture = read_architecture(weights)
    if architecture == "warping_gan":
        from motionwarp.engines.warping_gan.engine import WarpingGanEngine

        return WarpingGanEngine(weights)
    if architecture == "warping_gan_paper":
        from motionwarp.engines.warping_gan_paper.engine import PaperEngine

        return PaperEngine(weights)
    raise WeightsError(
        f"holds weights for '{architecture}', which is no engine",
        subject=weights,
        remedy=f"Give the file with all networks in one, for {' or '.join(TRAINED_ENGINES)}.",
    )
