"""`motionwarp train`: training the networks from packs, resumable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from motionwarp.engines.registry import catalog
from motionwarp.options import ComputeOptions
from motionwarp.training.analyzer import STAGE
from motionwarp.training.lifter import STAGE as LIFTER_STAGE

from .options import examples, with_options
from .reporting import Reporter
from .train_old_names import add_old_names
from .train_stages import engine_commands, option_command, option_example, stage_command

ENGINES = "Engines"

app = typer.Typer(
    no_args_is_help=True,
    help="Train the networks.",
    epilog=examples(
        "motionwarp train analyzer analyzer.toml -o runs/analyzer --max-minutes 60",
        "motionwarp train warping_gan generator gan.toml -o runs/gan --max-minutes 60",
    ),
)

app.command("analyzer", epilog=examples("motionwarp train analyzer analyzer.toml -o runs/analyzer --max-minutes 60"))(
    stage_command(STAGE)
)
_BODY_EXAMPLE = "motionwarp train body lifter lifter.toml -o runs/lifter --max-minutes 60"
body = typer.Typer(no_args_is_help=True, help="The body in space.", epilog=examples(_BODY_EXAMPLE))
body.callback()(lambda: None)  # a group, though there is one command in it
body.command("lifter", epilog=examples(_BODY_EXAMPLE))(stage_command(LIFTER_STAGE))
app.add_typer(body, name="body")
for spec in catalog().specs.values():
    for name, training in spec.trainings.items():
        app.command(name, epilog=examples(option_example(name, training)), rich_help_panel=ENGINES)(
            option_command(training)
        )
    if spec.stages or spec.person is not None:
        app.add_typer(engine_commands(spec), name=spec.name, rich_help_panel=ENGINES)
add_old_names(app)


@app.command(
    "calibrate", epilog=examples("motionwarp train calibrate runs/a/analyser.safetensors data -o analyser.safetensors")
)
@with_options
def calibrate(
    weights: Annotated[
        Path, typer.Argument(metavar="WEIGHTS", help="The analyzer as training exported it.", show_default=False)
    ],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with ccp/ and its labels.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The calibrated weights.")],
    compute: ComputeOptions,
    reporter: Reporter,
) -> None:
    """Make an analyzer's scores probabilities, measured on photos kept from training and validation."""
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.evaluation.calibration import calibrate as fit

    where = resolve_device(compute.device)
    knots = fit(weights, data / "ccp", output, where, resolve_precision(compute.precision, where))
    text = "  ".join(f"{raw:.2f}>{probability:.2f}" for raw, probability in knots)
    reporter.result({"output": str(output), "knots": knots}, f"{output}: {text}")
