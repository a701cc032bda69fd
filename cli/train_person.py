"""`motionwarp train ENGINE person`: an engine fitted to the person of a clip."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from motionwarp.errors import OptionError, OutputError
from motionwarp.pipeline.options import EstimatorOptions
from motionwarp.references import load_reference
from motionwarp.training.options import ClipFitOptions

from .options import with_options
from .reporting import Reporter

if TYPE_CHECKING:
    from motionwarp.engines.spec import EngineSpec


def person_command(spec: EngineSpec) -> Callable[..., None]:
    """Return the command that fits an engine to one person."""
    assert spec.person is not None

    def command(asked: Any, estimator: EstimatorOptions, reporter: Reporter) -> None:
        fit_person(spec, asked, estimator, reporter)

    command.__annotations__["asked"] = load_reference(spec.person.options)
    command.__doc__ = (
        f"{spec.person.help}\n\nEvery fifth frame is held out, measured before and after, and says what is kept. "
        f"{spec.person.use}"
    )
    return with_options(command)


def fit_person(spec: EngineSpec, asked: ClipFitOptions, estimator: EstimatorOptions, reporter: Reporter) -> None:
    """Fit an engine to the person of a clip and report what was gained."""
    assert spec.person is not None
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise OptionError("a person is fitted to by one process", remedy="Run it without torchrun.")
    if asked.output.suffix != ".safetensors":
        raise OutputError(
            "what is fitted is written as .safetensors only", subject=asked.output, remedy="Give -o NAME.safetensors."
        )
    if asked.output.exists() and not asked.overwrite:
        raise OutputError("this file exists", subject=asked.output, remedy="Give --overwrite or another name.")

    from motionwarp.config import read_config
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.engines.spec import FitRun
    from motionwarp.perception.registry import make_estimator

    where = resolve_device(asked.device)
    dtype = resolve_precision(asked.precision, where)
    known = load_reference(spec.person.config)
    settings = known() if asked.config is None else read_config(asked.config, known)
    fitted = load_reference(spec.person.fit)(
        asked,
        lambda: make_estimator(estimator.pose_estimator, where, dtype),
        settings,
        FitRun(where, dtype, asked.max_minutes, reporter.note),
    )
    changes = (f"{name} {fitted.before[name]:.4f} -> {fitted.after[name]:.4f}" for name in fitted.before)
    text = f"{asked.output}: held out {', '.join(changes)}"
    if fitted.step == 0:
        text += "; nothing was better than what it began with, which is kept"
    reporter.result({"output": str(asked.output), **asdict(fitted)}, text)
