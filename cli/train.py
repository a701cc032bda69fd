"""`motionwarp train`: training the networks from packs, resumable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .errors import is_debug
from .options import DebugOption, Device, DeviceOption, JsonOption, Precision, PrecisionOption, QuietOption, examples
from .reporting import Reporter
from .train_stages import ConfigArgument, MinutesOption, RunOption, stage_command
from .train_warping_gan import WARPING_GAN_EPILOG, warping_gan

app = typer.Typer(
    no_args_is_help=True,
    help="Train the networks.",
    epilog=examples("motionwarp train analyser analyser.toml -o runs/analyser --max-minutes 60"),
)

app.command("parser", epilog=examples("motionwarp train parser parser.toml -o runs/parser --max-minutes 60"))(
    stage_command("parser", "Train stage I of the Warping-GAN: the parsing of the person in a new pose.")
)
app.command("matcher", epilog=examples("motionwarp train matcher matcher.toml -o runs/matcher --max-minutes 30"))(
    stage_command("matcher", "Train the geometric matcher of the Warping-GAN: the warp between two parsings.")
)
app.command("warping-gan", epilog=WARPING_GAN_EPILOG)(warping_gan)


@app.command("analyser", epilog=examples("motionwarp train analyser analyser.toml -o runs/analyser --max-minutes 60"))
def analyzer(
    ctx: typer.Context,
    config: ConfigArgument,
    output: RunOption,
    max_minutes: MinutesOption = None,
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Train the network that sees points, parts and matte of a person.

    The run's folder gets `state.safetensors` (to go on), `log.csv`, and `analyzer.safetensors` (to use). Ctrl-C saves and ends.
    """
    from dataclasses import replace

    from motionwarp.config import read_config
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.training.analyzer.task import AnalyzerTask, AnalyzerTrainingConfig
    from motionwarp.training.distributed import joined_team, own_device, with_rank_seed
    from motionwarp.training.loop import run

    reporter = Reporter(quiet=quiet, debug=is_debug(ctx))
    settings = read_config(config, AnalyzerTrainingConfig)
    settings = replace(settings, loop=with_rank_seed(settings.loop))
    where = own_device(resolve_device(device.value))

    def report(line: str) -> None:
        if not quiet:
            reporter.err.print(line, markup=False)

    with joined_team(where) as team:
        task = AnalyzerTask(settings, where, resolve_precision(precision.value, where))
        step = run(task, settings.loop, output, max_minutes=max_minutes, report=report)
    if team.leads:
        reporter.result({"step": step, "output": str(output)}, f"{output}: step {step} of {settings.loop.steps}")


@app.command(
    "calibrate", epilog=examples("motionwarp train calibrate runs/a/analyser.safetensors data -o analyser.safetensors")
)
def calibrate(
    ctx: typer.Context,
    weights: Annotated[
        Path, typer.Argument(metavar="WEIGHTS", help="The analyser as training exported it.", show_default=False)
    ],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with ccp/ and its labels.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The calibrated weights.")],
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Make an analyser's scores probabilities, measured on photos kept from training and validation."""
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.evaluation.calibration import calibrate as fit

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    where = resolve_device(device.value)
    knots = fit(weights, data / "ccp", output, where, resolve_precision(precision.value, where))
    text = "  ".join(f"{raw:.2f}>{probability:.2f}" for raw, probability in knots)
    reporter.result({"output": str(output), "knots": knots}, f"{output}: {text}")
