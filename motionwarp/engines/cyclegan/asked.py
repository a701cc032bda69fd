"""From what was asked for on a command line to a training's task."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

import torch

from motionwarp.config import read_config
from motionwarp.engines.cyclegan.config import (
    TranslationTrainingConfig,
    UnpairedDataConfig,
    preset,
)
from motionwarp.engines.cyclegan.fcn import FcnConfig, FcnTask, FcnTrainingConfig, LabeledFolders
from motionwarp.engines.cyclegan.options import FcnTrainOptions, RunOptions, TranslationTrainOptions
from motionwarp.engines.cyclegan.training import TranslationTask
from motionwarp.training.task import LoopConfig


def translation_config(options: TranslationTrainOptions) -> TranslationTrainingConfig:
    """Return the configuration of a translation that was asked for.

    Raises
    ------
    OptionError
        If the configuration's file does not fit.
    """
    data = UnpairedDataConfig(options.a, options.b, options.a_labels, options.b_labels)
    if options.config in ("paper", "small"):
        config = preset(cast(Literal["paper", "small"], options.config), data)
    else:
        config = read_config(Path(options.config), TranslationTrainingConfig)
        own = config.data
        config = replace(
            config, data=replace(data, height=own.height, width=own.width, room=own.room, mirror=own.mirror)
        )
    config = config.as_variant(options.variant)
    return replace(config, loop=_asked(config.loop, options))


def translation_task(
    options: TranslationTrainOptions, device: torch.device, dtype: torch.dtype
) -> tuple[TranslationTask, LoopConfig]:
    """Return the task of a translation, and its loop."""
    config = translation_config(options)
    return TranslationTask(config, device, dtype), config.loop


def fcn_task(options: FcnTrainOptions, device: torch.device, dtype: torch.dtype) -> tuple[FcnTask, LoopConfig]:
    """Return the task of a judge, and its loop."""
    network = FcnConfig(options.classes, height=options.height, width=options.width)
    config = FcnTrainingConfig(LabeledFolders(options.labels, options.photos), network)
    config = replace(config, loop=_asked(config.loop, options))
    return FcnTask(config, device, dtype), config.loop


def _asked(loop: LoopConfig, options: RunOptions) -> LoopConfig:
    steps = loop.steps if options.steps is None else options.steps
    return replace(loop, steps=steps, seed=options.seed, decay_steps=min(loop.decay_steps, max(steps // 2, 1)))
