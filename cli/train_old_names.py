"""The names that `motionwarp train` had before engines named their stages; they work, and say what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Final

import typer

from motionwarp.errors import OptionError

from .errors import is_debug
from .options import (
    DebugOption,
    Device,
    DeviceOption,
    EstimatorOption,
    JsonOption,
    OverwriteOption,
    Precision,
    PrecisionOption,
    QuietOption,
)
from .reporting import Reporter
from .train_person import DEFAULT, BaseOption, PersonRun, fit_person
from .train_stages import ConfigArgument, MinutesOption, RunOption, TrainingRun, train_stage


class PresetChoice(str, Enum):
    """Which networks."""

    PARTS = "parts"
    PAPER = "paper"


PresetOption = Annotated[PresetChoice, typer.Option("--preset", help="parts: warping_gan; paper: warping_gan_paper.")]
_ENGINES: Final = {PresetChoice.PARTS: "warping_gan", PresetChoice.PAPER: "warping_gan_paper"}


def add_old_names(app: typer.Typer) -> None:
    """Add the old commands, which help does not list."""
    for old, stage in (("parser", "parser"), ("matcher", "matcher")):
        app.command(old, hidden=True, help=f"Old name of `train ENGINE {stage}`.")(_stage_command(old, stage))
    app.command("warping-gan", hidden=True, help="Old name of `train ENGINE generator` and `train ENGINE person`.")(
        warping_gan
    )
    app.command("analyser", hidden=True, help="Old name of `train analyzer`.")(analyser)


def _stage_command(old: str, stage: str) -> Callable[..., None]:
    def command(
        ctx: typer.Context,
        config: ConfigArgument,
        output: RunOption,
        preset: PresetOption = PresetChoice.PARTS,
        max_minutes: MinutesOption = None,
        device: DeviceOption = Device.AUTO,
        precision: PrecisionOption = Precision.AUTO,
        as_json: JsonOption = False,
        quiet: QuietOption = False,
        debug: DebugOption = False,
    ) -> None:
        reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
        _train(old, preset, stage, TrainingRun(config, output, max_minutes, device, precision), reporter)

    return command


def _train(old: str, preset: PresetChoice, stage: str, asked: TrainingRun, reporter: Reporter) -> None:
    from motionwarp.engines.registry import find_spec

    engine = _ENGINES[preset]
    stages = find_spec(engine).stages
    if stage not in stages:
        raise OptionError(
            f"the engine '{engine}' has no {stage} any more",
            subject=f"train {old}",
            remedy=f"Its networks are: {', '.join(stages)}.",
        )
    _tell(reporter, f"train {old}", f"train {engine} {stage}")
    train_stage(stages[stage], asked, reporter)


def _tell(reporter: Reporter, old: str, new: str) -> None:
    reporter.warn(f"`motionwarp {old}` is deprecated and will go; it is now `motionwarp {new}`.")


def warping_gan(
    ctx: typer.Context,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR|FILE", help="Folder of the run, or the file.")],
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="TOML file.")] = None,
    preset: PresetOption = PresetChoice.PARTS,
    person: Annotated[Path | None, typer.Option("--person", metavar="CLIP", help="Fit to this clip's person.")] = None,
    base: BaseOption = DEFAULT,
    pose_estimator: EstimatorOption = "builtin",
    max_minutes: MinutesOption = None,
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Train stage II, or with --person fit the engine to one person."""
    from motionwarp.engines.registry import find_spec

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    if person is not None:
        if preset is not PresetChoice.PARTS:
            raise OptionError(
                "only the parts preset is fitted to a person", subject="--person", remedy="Leave --preset out."
            )
        _tell(reporter, "train warping-gan --person", "train warping_gan person")
        asked = PersonRun(person, output, config, base, pose_estimator, max_minutes, device, precision, overwrite)
        fit_person(find_spec("warping_gan"), asked, reporter)
        return
    if config is None:
        raise OptionError(
            "neither a configuration nor a person is given", remedy="Give CONFIG, or --person with a clip."
        )
    if base != DEFAULT:
        raise OptionError(
            "goes with --person only", subject="--from", remedy="In a configuration the key is `start_from`."
        )
    run = TrainingRun(config, output, max_minutes, device, precision)
    _train("warping-gan", preset, "generator", run, reporter)


def analyser(
    ctx: typer.Context,
    config: ConfigArgument,
    output: RunOption,
    max_minutes: MinutesOption = None,
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Train the analyzer."""
    from motionwarp.training.analyzer import STAGE

    reporter = Reporter(quiet=quiet, debug=is_debug(ctx))
    _tell(reporter, "train analyser", "train analyzer")
    train_stage(STAGE, TrainingRun(config, output, max_minutes, device, precision), reporter)
