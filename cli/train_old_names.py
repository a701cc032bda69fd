"""The names that `motionwarp train` had before engines named their stages; they work, and say what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import typer

from motionwarp.errors import OptionError
from motionwarp.options import ComputeOptions, Options, OverwriteOptions, documented, option
from motionwarp.pipeline.options import EstimatorOptions
from motionwarp.training.options import FitOptions, TrainOptions

from .options import examples, with_options
from .reporting import Reporter
from .train_person import fit_person
from .train_stages import train_stage

_ENGINES: Final = {"parts": "warping_gan", "paper": "warping_gan_paper"}


@documented
@dataclass(frozen=True, kw_only=True)
class PresetOptions(Options):
    """Which engine is meant."""

    preset: Literal["parts", "paper"] = option("parts", help="parts is warping_gan now, paper warping_gan_paper.")


@documented
@dataclass(frozen=True, kw_only=True)
class OldGeneratorOptions(OverwriteOptions, ComputeOptions):
    """What `train warping-gan` took, for stage II and for one person."""

    config: Path | None = option(None, help="TOML file.", metavar="CONFIG", argument=True)
    output: Path = option(help="Folder of the run, or the file.", flags=("-o", "--output"), metavar="DIR|FILE")
    person: Path | None = option(None, help="Fit to this clip's person.", metavar="CLIP")
    start_from: str | None = option(
        None, help="Weights to begin with.", flags=("--start-from", "--from"), metavar="NAME|FILE"
    )
    max_minutes: float | None = option(None, help="Stop after this time.", low=0)


def add_old_names(app: typer.Typer) -> None:
    """Add the old commands, which help does not list."""
    for name in ("parser", "matcher"):
        example = examples(f"motionwarp train warping_gan_paper {name} {name}.toml -o runs/{name}")
        app.command(name, hidden=True, help=f"Old name of `train ENGINE {name}`.", epilog=example)(_stage_command(name))
    old = "Old name of `train ENGINE generator` and `train ENGINE person`."
    example = examples("motionwarp train warping_gan generator gan.toml -o runs/gan")
    app.command("warping-gan", hidden=True, help=old, epilog=example)(warping_gan)
    example = examples("motionwarp train analyzer analyzer.toml -o runs/analyzer")
    app.command("analyser", hidden=True, help="Old name of `train analyzer`.", epilog=example)(analyser)


def _stage_command(name: str) -> Callable[..., None]:
    def command(asked: TrainOptions, preset: PresetOptions, reporter: Reporter) -> None:
        _train(name, name, preset, asked, reporter)

    return with_options(command)


def _train(old: str, stage: str, preset: PresetOptions, asked: TrainOptions, reporter: Reporter) -> None:
    from motionwarp.engines.registry import find_spec

    engine = _ENGINES[preset.preset]
    stages = find_spec(engine).stages
    if stage not in stages:
        raise OptionError(
            f"the engine '{engine}' has no {stage} any more",
            subject=f"train {old}",
            remedy=f"Its networks are: {', '.join(stages)}.",
        )
    _warn(reporter, f"train {old}", f"train {engine} {stage}")
    train_stage(stages[stage], asked, reporter)


def _warn(reporter: Reporter, old: str, new: str) -> None:
    reporter.warn(f"`motionwarp {old}` is deprecated and will go; it is now `motionwarp {new}`.")


@with_options
def warping_gan(
    asked: OldGeneratorOptions, preset: PresetOptions, estimator: EstimatorOptions, reporter: Reporter
) -> None:
    """Train stage II, or with --person fit the engine to one person."""
    from motionwarp.engines.registry import find_spec

    shared = {"device": asked.device, "precision": asked.precision, "max_minutes": asked.max_minutes}
    if asked.person is not None:
        if preset.preset != "parts":
            raise OptionError(
                "only the parts preset is fitted to a person", subject="--person", remedy="Leave --preset out."
            )
        _warn(reporter, "train warping-gan --person", "train warping_gan person")
        fit = FitOptions(
            clip=asked.person,
            output=asked.output,
            config=asked.config,
            start_from=asked.start_from,
            overwrite=asked.overwrite,
            **shared,  # type: ignore[arg-type]
        )
        fit_person(find_spec("warping_gan"), fit, estimator, reporter)
        return
    if asked.config is None:
        raise OptionError(
            "neither a configuration nor a person is given", remedy="Give CONFIG, or --person with a clip."
        )
    if asked.start_from is not None:
        raise OptionError(
            "goes with --person only", subject="--from", remedy="In a configuration the key is start_from."
        )
    run = TrainOptions(config=asked.config, output=asked.output, **shared)  # type: ignore[arg-type]
    _train("warping-gan", "generator", preset, run, reporter)


@with_options
def analyser(asked: TrainOptions, reporter: Reporter) -> None:
    """Train the analyzer."""
    from motionwarp.training.analyzer import STAGE

    _warn(reporter, "train analyser", "train analyzer")
    train_stage(STAGE, asked, reporter)
