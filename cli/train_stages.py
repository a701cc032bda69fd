"""`motionwarp train parser`, `matcher` and `warping-gan`: the three networks of the Warping-GAN, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import is_debug
from .options import DebugOption, Device, DeviceOption, JsonOption, Precision, PrecisionOption, QuietOption
from .reporting import Reporter

if TYPE_CHECKING:
    from motionwarp.engines.registry import StageName


class PresetChoice(str, Enum):
    """Which networks."""

    PARTS = "parts"
    PAPER = "paper"


ConfigArgument = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="TOML file; docs/guides/training.md shows all keys.")
]
RunOption = Annotated[
    Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the run; a run that is there goes on.")
]
MinutesOption = Annotated[
    float | None, typer.Option("--max-minutes", min=0, help="Stop, resumably, after this time.", show_default=False)
]
PresetOption = Annotated[
    PresetChoice,
    typer.Option(
        "--preset", help="parts: the shipped engine's networks, small enough for CPUs; paper: as the paper has them."
    ),
]


def stage_command(stage: StageName, summary: str) -> Callable[..., None]:
    """Return the command that trains one network of either preset."""

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
        train_stage(stage, preset, config, output, max_minutes, device, precision, reporter)

    command.__doc__ = f"{summary}\n\nThe run's folder gets `state.safetensors` (to go on), `log.csv`, and the trained weights. Ctrl-C saves and ends."
    return command


def train_stage(
    stage: StageName,
    preset: PresetChoice,
    config: Path,
    output: Path,
    max_minutes: float | None,
    device: Device,
    precision: Precision,
    reporter: Reporter,
) -> None:
    """Train one network and report the step that was reached."""
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.engines.registry import make_task
    from motionwarp.training.distributed import joined_team, own_device
    from motionwarp.training.loop import run

    where = own_device(resolve_device(device.value))

    def report(line: str) -> None:
        if not reporter.quiet:
            reporter.err.print(line, markup=False)

    with joined_team(where) as team:
        task, loop = make_task(preset.value, stage, config, where, resolve_precision(precision.value, where))
        step = run(task, loop, output, max_minutes=max_minutes, report=report)
    if team.leads:
        reporter.result(
            {"step": step, "steps": loop.steps, "output": str(output)}, f"{output}: step {step} of {loop.steps}"
        )
