"""`motionwarp train ENGINE STAGE`: the commands of every engine's networks, from what the engines say of themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import is_debug
from .options import (
    DebugOption,
    Device,
    DeviceOption,
    JsonOption,
    Precision,
    PrecisionOption,
    QuietOption,
    examples,
)
from .reporting import Reporter
from .train_person import person_command

if TYPE_CHECKING:
    from motionwarp.engines.spec import EngineSpec
    from motionwarp.training.stage import StageSpec

ConfigArgument = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="TOML file; docs/guides/training.md shows all keys.")
]
RunOption = Annotated[
    Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the run; a run that is there goes on.")
]
MinutesOption = Annotated[
    float | None, typer.Option("--max-minutes", min=0, help="Stop, resumably, after this time.", show_default=False)
]


@dataclass(frozen=True)
class TrainingRun:
    """What is asked of one run.

    Attributes
    ----------
    config, output : Path
        The TOML file, and the run's folder.
    max_minutes : float or None
    device : Device
    precision : Precision
    """

    config: Path
    output: Path
    max_minutes: float | None
    device: Device
    precision: Precision


def engine_commands(spec: EngineSpec) -> typer.Typer:
    """Return the commands that train one engine."""
    app = typer.Typer(no_args_is_help=True, help=spec.help)
    for name, stage in spec.stages.items():
        example = f"motionwarp train {spec.name} {name} {name}.toml -o runs/{name} --max-minutes 60"
        app.command(name, epilog=examples(example))(stage_command(stage))
    if spec.person is not None:
        example = f"motionwarp train {spec.name} person alice.mp4 -o alice.safetensors"
        app.command("person", epilog=examples(example))(person_command(spec))
    return app


def stage_command(stage: StageSpec) -> Callable[..., None]:
    """Return the command that trains one network."""

    def command(
        ctx: typer.Context,
        config: ConfigArgument,
        output: RunOption,
        max_minutes: MinutesOption = None,
        device: DeviceOption = Device.AUTO,
        precision: PrecisionOption = Precision.AUTO,
        as_json: JsonOption = False,
        quiet: QuietOption = False,
        debug: DebugOption = False,
    ) -> None:
        reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
        train_stage(stage, TrainingRun(config, output, max_minutes, device, precision), reporter)

    command.__doc__ = (
        f"Train {stage.help[0].lower()}{stage.help[1:]}\n\nThe run's folder gets `state.safetensors` (to go on), "
        "`log.csv`, and the trained weights. Ctrl-C saves and ends."
    )
    return command


def train_stage(stage: StageSpec, asked: TrainingRun, reporter: Reporter) -> None:
    """Train one network and report the step that was reached."""
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.training.distributed import joined_team, own_device
    from motionwarp.training.loop import run

    where = own_device(resolve_device(asked.device.value))
    with joined_team(where) as team:
        task, loop = stage.make_task(asked.config, where, resolve_precision(asked.precision.value, where))
        step = run(task, loop, asked.output, max_minutes=asked.max_minutes, report=reporter.note)
    if team.is_main_process:
        summary = {"step": step, "steps": loop.steps, "output": str(asked.output)}
        reporter.result(summary, f"{asked.output}: step {step} of {loop.steps}")
