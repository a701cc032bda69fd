"""`motionwarp train ENGINE STAGE`: the commands of every engine's networks, from what the engines say of themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from motionwarp.references import load_reference
from motionwarp.training.options import TrainOptions

from .options import examples, with_options
from .reporting import Reporter
from .train_person import person_command

if TYPE_CHECKING:
    from motionwarp.engines.spec import EngineSpec
    from motionwarp.training.stage import OptionTraining, StageSpec
    from motionwarp.training.task import LoopConfig


def engine_commands(spec: EngineSpec) -> typer.Typer:
    """Return the commands that train one engine."""
    shown = {
        name: f"motionwarp train {spec.name} {name} {name}.toml -o runs/{name} --max-minutes 60" for name in spec.stages
    }
    if spec.person is not None:
        shown["person"] = f"motionwarp train {spec.name} person alice.mp4 -o alice.safetensors"
    app = typer.Typer(no_args_is_help=True, help=spec.help, epilog=examples(*shown.values()))
    for name, stage in spec.stages.items():
        app.command(name, epilog=examples(shown[name]))(stage_command(stage))
    if spec.person is not None:
        app.command("person", epilog=examples(shown["person"]))(person_command(spec))
    return app


def stage_command(stage: StageSpec) -> Callable[..., None]:
    """Return the command that trains one network."""

    def command(asked: TrainOptions, reporter: Reporter) -> None:
        train_stage(stage, asked, reporter)

    command.__doc__ = (
        f"Train {stage.help[0].lower()}{stage.help[1:]}\n\nThe run's folder gets `state.safetensors` (to go on), "
        "`log.csv`, and the trained weights. Ctrl-C saves and ends."
    )
    return with_options(command)


def option_command(training: OptionTraining) -> Callable[..., None]:
    """Return the command of a training that is asked for by options."""

    def command(asked: Any, reporter: Reporter) -> None:
        _train(lambda where, dtype: training.make_task(asked, where, dtype), asked, reporter)

    command.__annotations__["asked"] = load_reference(training.options)
    command.__doc__ = (
        f"{training.help}\n\nThe run's folder gets `state.safetensors` (to go on), `log.csv`, and the trained weights. "
        "Ctrl-C saves and ends."
    )
    return with_options(command)


def option_example(name: str, training: OptionTraining) -> str:
    """Return a command that shows the use of a training that is asked for by options."""
    spelled = [f"--{option.replace('_', '-')} {value}".rstrip() for option, value in training.example]
    return " ".join(["motionwarp train", name, *spelled])


def train_stage(stage: StageSpec, asked: TrainOptions, reporter: Reporter) -> None:
    """Train one network and report the step that was reached."""
    _train(lambda where, dtype: stage.make_task(asked.config, where, dtype), asked, reporter)


def _train(make_task: Callable[[Any, Any], tuple[Any, LoopConfig]], asked: Any, reporter: Reporter) -> None:
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.training.distributed import joined_team, own_device
    from motionwarp.training.loop import run

    where = own_device(resolve_device(asked.device))
    with joined_team(where) as team:
        task, loop = make_task(where, resolve_precision(asked.precision, where))
        step = run(task, loop, asked.output, max_minutes=asked.max_minutes, report=reporter.note)
    if team.is_main_process:
        summary = {"step": step, "steps": loop.steps, "output": str(asked.output)}
        reporter.result(summary, f"{asked.output}: step {step} of {loop.steps}")
