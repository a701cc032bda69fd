"""`motionwarp train ENGINE person`: an engine fitted to the person of a clip."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
)
from .reporting import Reporter

if TYPE_CHECKING:
    from motionwarp.engines.spec import EngineSpec

DEFAULT = "default"

BaseOption = Annotated[str, typer.Option("--from", metavar="NAME|FILE", help="Weights to begin with.")]


@dataclass(frozen=True)
class PersonRun:
    """What is asked of one fit.

    Attributes
    ----------
    clip, output : Path
    config : Path or None
        TOML; None takes the defaults.
    base : str
        Weights to begin with, "default" for those that ship.
    estimator : str
    max_minutes : float or None
    device : Device
    precision : Precision
    overwrite : bool
    """

    clip: Path
    output: Path
    config: Path | None
    base: str
    estimator: str
    max_minutes: float | None
    device: Device
    precision: Precision
    overwrite: bool


def person_command(spec: EngineSpec) -> Callable[..., None]:
    """Return the command that fits an engine to one person."""

    def command(
        ctx: typer.Context,
        clip: Annotated[Path, typer.Argument(metavar="CLIP", help="Video of the person.", show_default=False)],
        output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The weights to write.")],
        config: Annotated[
            Path | None, typer.Option("--config", metavar="FILE", help="TOML file.", show_default=False)
        ] = None,
        base: BaseOption = DEFAULT,
        pose_estimator: EstimatorOption = "builtin",
        max_minutes: Annotated[
            float | None, typer.Option("--max-minutes", min=0, help="End after this time.", show_default=False)
        ] = None,
        device: DeviceOption = Device.AUTO,
        precision: PrecisionOption = Precision.AUTO,
        overwrite: OverwriteOption = False,
        as_json: JsonOption = False,
        quiet: QuietOption = False,
        debug: DebugOption = False,
    ) -> None:
        reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
        asked = PersonRun(clip, output, config, base, pose_estimator, max_minutes, device, precision, overwrite)
        fit_person(spec, asked, reporter)

    command.__doc__ = (
        "Fit the engine to the person of a clip.\n\nEvery fifth frame is held out, measured before and after, and says "
        "when to stop. Use the weights with `motionwarp transfer --engine FILE`."
    )
    return command


def fit_person(spec: EngineSpec, asked: PersonRun, reporter: Reporter) -> None:
    """Fit an engine to the person of a clip and report what was gained."""
    assert spec.person is not None
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise OptionError("an engine is fitted to a person by one process", remedy="Run it without torchrun.")
    if asked.output.suffix != ".safetensors":
        raise OutputError(
            "weights are written as .safetensors only", subject=asked.output, remedy="Give -o NAME.safetensors."
        )
    if asked.output.exists() and not asked.overwrite:
        raise OutputError("this file exists", subject=asked.output, remedy="Give --overwrite or another name.")
    from dataclasses import asdict

    from motionwarp.config import read_config
    from motionwarp.data.person_clip import person_pictures
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.engines.spec import FitRun
    from motionwarp.perception.registry import make_estimator
    from motionwarp.references import load_reference

    where = resolve_device(asked.device.value)
    dtype = resolve_precision(asked.precision.value, where)
    known = load_reference(spec.person.config)
    settings = known() if asked.config is None else read_config(asked.config, known)
    fitted = load_reference(spec.person.fit)(
        lambda: person_pictures(asked.clip, make_estimator(asked.estimator, where, dtype), settings.frames),
        spec.weights if asked.base == DEFAULT else asked.base,
        asked.output,
        settings,
        FitRun(where, dtype, asked.max_minutes, reporter.note),
    )
    changes = (f"{name} {fitted.before[name]:.4f} -> {fitted.after[name]:.4f}" for name in fitted.before)
    text = f"{asked.output}: held out {', '.join(changes)}"
    if fitted.step == 0:
        text += "; nothing was better than the weights it began with, which are kept"
    reporter.result({"output": str(asked.output), **asdict(fitted)}, text)
