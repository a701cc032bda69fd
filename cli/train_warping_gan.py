"""`motionwarp train warping-gan`: stage II from packs, or fitted to one person from a clip."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from motionwarp.errors import OptionError, OutputError

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
    examples,
)
from .reporting import Reporter
from .train_stages import MinutesOption, PresetChoice, PresetOption, train_stage

WARPING_GAN_EPILOG = examples(
    "motionwarp train warping-gan gan.toml -o runs/gan --max-minutes 60",
    "motionwarp train warping-gan --person alice.mp4 -o alice.safetensors",
)
PERSON = "One person"
DEFAULT = "default"


def warping_gan(
    ctx: typer.Context,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="DIR|FILE", help="Folder of the run, or with --person the file of weights."
        ),
    ],
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG", help="TOML file; docs/guides/training.md shows all keys. Optional with --person."
        ),
    ] = None,
    preset: PresetOption = PresetChoice.PARTS,
    person: Annotated[
        Path | None,
        typer.Option(
            "--person", metavar="CLIP", help="Fit the engine to the person of this clip.", rich_help_panel=PERSON
        ),
    ] = None,
    base: Annotated[
        str, typer.Option("--from", metavar="NAME|FILE", help="Weights to begin with.", rich_help_panel=PERSON)
    ] = DEFAULT,
    pose_estimator: EstimatorOption = "builtin",
    max_minutes: MinutesOption = None,
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Train stage II of the Warping-GAN: the picture from what is warped.

    The run's folder gets `state.safetensors` (to go on), `log.csv`, and the trained weights. Ctrl-C saves and ends.

    With --person the engine is fitted to one person in minutes; every fifth frame is held out, measured before and after, and says when
    to stop. Use it with `motionwarp transfer --engine FILE`.
    """
    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    if person is not None:
        if preset is not PresetChoice.PARTS:
            raise OptionError(
                "only the parts preset is fitted to a person", subject="--person", remedy="Leave --preset out."
            )
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise OptionError("is fitted by one process", subject="--person", remedy="Run it without torchrun.")
        _fit(person, base, output, config, pose_estimator, max_minutes, device, precision, overwrite, reporter)
        return
    if config is None:
        raise OptionError(
            "neither a configuration nor a person is given", remedy="Give CONFIG, or --person with a clip."
        )
    if base != DEFAULT:
        raise OptionError(
            "goes with --person only", subject="--from", remedy="In a configuration the key is `start_from`."
        )
    train_stage("warping-gan", preset, config, output, max_minutes, device, precision, reporter)


def _fit(
    person: Path,
    base: str,
    output: Path,
    config: Path | None,
    pose_estimator: str,
    max_minutes: float | None,
    device: Device,
    precision: Precision,
    overwrite: bool,
    reporter: Reporter,
) -> None:
    if output.suffix != ".safetensors":
        raise OutputError(
            "weights are written as .safetensors only", subject=output, remedy="Give -o NAME.safetensors."
        )
    if output.exists() and not overwrite:
        raise OutputError("this file exists", subject=output, remedy="Give --overwrite or another name.")
    from dataclasses import asdict

    from motionwarp.config import read_config
    from motionwarp.data.person_clip import person_pictures
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.engines.warping_gan.engine import DEFAULT_WEIGHTS
    from motionwarp.engines.warping_gan.finetune import PersonalizeConfig, personalize
    from motionwarp.engines.warping_gan.networks import load_warping_networks
    from motionwarp.perception.registry import make_estimator

    where = resolve_device(device.value)
    dtype = resolve_precision(precision.value, where)
    settings = PersonalizeConfig() if config is None else read_config(config, PersonalizeConfig)

    def report(line: str) -> None:
        if not reporter.quiet:
            reporter.err.print(line, markup=False)

    networks = load_warping_networks(DEFAULT_WEIGHTS if base == DEFAULT else base)
    pictures = person_pictures(person, make_estimator(pose_estimator, where, dtype), settings.frames)
    fitted = personalize(pictures, networks, output, settings, where, dtype, max_minutes=max_minutes, report=report)
    changes = (f"{name} {fitted.before[name]:.4f} -> {fitted.after[name]:.4f}" for name in fitted.before)
    text = f"{output}: held out {', '.join(changes)}"
    if fitted.step == 0:
        text += "; nothing was better than the weights it began with, which are kept"
    reporter.result({"output": str(output), **asdict(fitted)}, text)
