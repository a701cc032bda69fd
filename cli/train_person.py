"""`motionwarp train ENGINE person`: an engine fitted to the person of a clip."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from motionwarp.errors import OptionError, OutputError
from motionwarp.pipeline.options import EstimatorOptions
from motionwarp.training.options import FitOptions

from .options import with_options
from .reporting import Reporter

if TYPE_CHECKING:
    from motionwarp.engines.spec import EngineSpec


def person_command(spec: EngineSpec) -> Callable[..., None]:
    """Return the command that fits an engine to one person."""

    def command(asked: FitOptions, estimator: EstimatorOptions, reporter: Reporter) -> None:
        """Fit the engine to the person of a clip.

        Every fifth frame is held out, measured before and after, and says when to stop. Use the weights with
        `motionwarp transfer --engine FILE`.
        """
        fit_person(spec, asked, estimator, reporter)

    return with_options(command)


def fit_person(spec: EngineSpec, asked: FitOptions, estimator: EstimatorOptions, reporter: Reporter) -> None:
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

    from motionwarp.config import read_config
    from motionwarp.data.person_clip import person_pictures
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.engines.spec import FitRun
    from motionwarp.perception.registry import make_estimator
    from motionwarp.references import load_reference

    where = resolve_device(asked.device)
    dtype = resolve_precision(asked.precision, where)
    known = load_reference(spec.person.config)
    settings = known() if asked.config is None else read_config(asked.config, known)
    fitted = load_reference(spec.person.fit)(
        lambda: person_pictures(asked.clip, make_estimator(estimator.pose_estimator, where, dtype), settings.frames),
        spec.weights if asked.start_from is None else asked.start_from,
        asked.output,
        settings,
        FitRun(where, dtype, asked.max_minutes, reporter.note),
    )
    changes = (f"{name} {fitted.before[name]:.4f} -> {fitted.after[name]:.4f}" for name in fitted.before)
    text = f"{asked.output}: held out {', '.join(changes)}"
    if fitted.step == 0:
        text += "; nothing was better than the weights it began with, which are kept"
    reporter.result({"output": str(asked.output), **asdict(fitted)}, text)
