"""Transfers between different people, which have no ground truth.

Do results move as asked, look like the source, hold still.

Every source is given every driving clip's motion, by every engine, as `motionwarp transfer` does it. What is asked for
is known, the poses fitted to the source, and so is how the source looks; so the metrics are of poses, of identity and
of steadiness over time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np

from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.engines.registry import make_engine
from motionwarp.errors import InputError, MotionwarpError
from motionwarp.evaluation.metrics.pose import flicker, pose_agreement, pose_jitter
from motionwarp.evaluation.options import CrossSettings
from motionwarp.evaluation.statistics import bootstrap_interval, paired_difference
from motionwarp.geometry.optical_flow import backward_flow
from motionwarp.perception.base import Estimator
from motionwarp.perception.framing import torso_length
from motionwarp.perception.registry import make_estimator
from motionwarp.perception.reid import ReidDescriptor, reid_descriptor
from motionwarp.pipeline.analysis import AnalyzedInputs
from motionwarp.pipeline.driving import observe_driving, probe_driving
from motionwarp.pipeline.plan import plan_transfer
from motionwarp.pipeline.progress import Progress as StageProgress
from motionwarp.pipeline.progress import TransferRun
from motionwarp.pipeline.rendering import render
from motionwarp.pipeline.setup import set_up
from motionwarp.pipeline.source import prepare_source, read_source
from motionwarp.types import ByteArray, FloatArray, Frame

CROSS_METRICS: Final = {
    "pckh": ("PCKh", "higher", "share of the asked points found in the result within half the head's size"),
    "akd": ("AKD", "lower", "mean distance of points found and asked for, in torso lengths"),
    "mkr": ("MKR", "lower", "share of the asked points not found in the result"),
    "identity": (
        "Appearance",
        "lower",
        "Hellinger distance of the colors of torso, thighs and shins from the source's, in [0, 1]",
    ),
    "flicker": (
        "Flicker",
        "lower",
        "mean difference of a frame and the one before moved onto it by the result's own flow",
    ),
    "jitter": ("Jitter", "lower", "mean acceleration of the points found, torso lengths a frame squared"),
    "asked_jitter": (
        "Jitter asked",
        "lower",
        "the same of the poses asked for: what an engine that follows exactly would get",
    ),
}
Progress = Callable[[str, int, int | None], None]


def evaluate_cross(settings: CrossSettings, progress: Progress) -> dict[str, Any]:
    """Transfer every motion to every source with every engine, and measure.

    Combinations that fail with one engine count for none.

    Parameters
    ----------
    settings : CrossSettings
    progress : callable
        Told of every frame.

    Returns
    -------
    dict
        For JSON: means by engine with intervals over combinations, paired differences, metrics of every combination,
        failures.

    Raises
    ------
    InputError
        If nothing is left that all engines could do.
    """
    for engine in settings.engines:
        make_engine(engine)  # wrong names are told of before minutes of work
    device = resolve_device(settings.device)
    estimator = make_estimator(settings.pose_estimator, device, resolve_precision(settings.precision, device))
    rows: list[dict[str, Any]] = []
    errors: list[dict[str, str]] = []
    for inputs in _combinations(settings, estimator, errors, progress):
        try:
            metrics = {engine: _measured(inputs, engine, settings, estimator, progress) for engine in settings.engines}
        except MotionwarpError as error:
            errors.append({"source": str(inputs.source), "driving": str(inputs.driving), "reason": str(error)})
            continue
        rows.append({"source": str(inputs.source), "driving": str(inputs.driving), "figures": metrics})
    if not rows:
        first = errors[0]["reason"] if errors else "there is none"
        raise InputError(f"no combination is left that all engines could do; the first failure: {first}")
    return {
        "figures": {
            name: {"title": title, "better": better, "meaning": settings_text}
            for name, (title, better, settings_text) in CROSS_METRICS.items()
        },
        "engines": {engine: _means(rows, engine, settings.seed) for engine in settings.engines},
        "differences": _differences(rows, settings),
        "combinations": [_plain(row) for row in rows],
        "failures": errors,
    }


@dataclass(frozen=True, eq=False)
class _Inputs:
    """One combination, analyzed once for all engines."""

    source: Path
    driving: Path
    analyzed: AnalyzedInputs
    appearance: ReidDescriptor


def _combinations(
    settings: CrossSettings, estimator: Estimator, errors: list[dict[str, str]], progress: Progress
) -> Iterator[_Inputs]:
    """Yield all combinations; a clip's motion is kept while its sources go by, sources are kept throughout."""
    options = settings.transfer_options()
    sources = {}
    for path in settings.sources:
        try:
            prepared = prepare_source(read_source(path, options), options, estimator)
            sources[path] = prepared, reid_descriptor(prepared.person.rgb, prepared.person.pose.points)
        except MotionwarpError as error:
            errors.append({"source": str(path), "driving": "", "reason": str(error)})
        progress("sources", len(sources), len(settings.sources))
    for driving in settings.drivings:
        try:
            clip = probe_driving(driving, options)
            run = TransferRun(partial(_on_step, progress, driving.name))
            motion = observe_driving(clip, options, estimator, with_plate=False, run=run)
        except MotionwarpError as error:
            errors.append({"source": "", "driving": str(driving), "reason": str(error)})
            continue
        for source, (prepared, appearance) in sources.items():
            yield _Inputs(source, driving, AnalyzedInputs(prepared, motion, clip.info, estimator.name), appearance)


def _on_step(progress: Progress, name: str, step: StageProgress) -> None:
    progress(f"see {name}", step.done, step.total)


def _measured(
    inputs: _Inputs, engine: str, settings: CrossSettings, estimator: Estimator, progress: Progress
) -> dict[str, float]:
    options = settings.transfer_options(engine=engine)
    setup = set_up(inputs.source, inputs.driving, options, inputs.analyzed.source.size, inputs.analyzed.info)
    plan = plan_transfer(setup, inputs.analyzed)
    asked = plan.target.points
    watcher = _Watcher(asked, inputs.appearance)
    stage = f"{engine}: {inputs.source.stem} as {inputs.driving.stem}"
    for observation in estimator.follow(watcher.watch(render(plan))):
        watcher.found.append(None if observation.person is None else observation.person.pose.points)
        progress(stage, len(watcher.found), len(asked))
    return watcher.metrics()


class _Watcher:
    """Measures frames as they go by, and keeps none but the last."""

    def __init__(self, asked: FloatArray, appearance: ReidDescriptor) -> None:
        self.asked = asked
        self.appearance = appearance
        self.found: list[FloatArray | None] = []
        self._before: ByteArray | None = None
        self._flicker: list[float] = []
        self._apart: list[float] = []

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Pass frames on."""
        for frame in frames:
            if self._before is not None:
                self._flicker.append(flicker(self._before, frame.rgb, backward_flow(self._before, frame.rgb)))
            self._before = frame.rgb.copy()
            apart = self.appearance.distance(reid_descriptor(frame.rgb, self.asked[frame.index]))
            if apart is not None:
                self._apart.append(apart)
            yield frame

    def metrics(self) -> dict[str, float]:
        """Return all metrics of one result; NaN where one makes no sense."""
        torso = float(np.median([torso_length(points) for points in self.asked]))
        torso = torso if torso > 0 else float("nan")
        agreements = [pose_agreement(found, asked) for found, asked in zip(self.found, self.asked, strict=True)]
        # a frame in which nobody is found has points that are nowhere
        points = np.stack([np.zeros_like(self.asked[0]) if found is None else found for found in self.found])
        steady = np.isfinite(torso)
        return {
            "pckh": _mean([each.pckh for each in agreements]),
            "akd": _mean([each.average_distance for each in agreements]) / torso,
            "mkr": _mean([each.missing_rate for each in agreements]),
            "identity": _mean(self._apart),
            "flicker": _mean(self._flicker),
            "jitter": pose_jitter(points, torso) if steady else float("nan"),
            "asked_jitter": pose_jitter(self.asked, torso) if steady else float("nan"),
        }


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _means(rows: Sequence[dict[str, Any]], engine: str, seed: int) -> dict[str, dict[str, float]]:
    means = {}
    for name in CROSS_METRICS:
        values = np.array([row["figures"][engine][name] for row in rows])
        values = values[np.isfinite(values)]
        if len(values):
            interval = bootstrap_interval(values, seed=seed)
            means[name] = {
                "mean": interval.mean,
                "low": interval.low,
                "high": interval.high,
                "combinations": interval.count,
            }
    return means


def _differences(rows: Sequence[dict[str, Any]], settings: CrossSettings) -> list[dict[str, Any]]:
    differences = []
    for name in CROSS_METRICS:
        for first, second in combinations(settings.engines, 2):
            pairs = np.array([[row["figures"][engine][name] for engine in (first, second)] for row in rows])
            pairs = pairs[np.isfinite(pairs).all(axis=1)]
            if len(pairs) < 2 or name == "asked_jitter":
                continue
            found = paired_difference(pairs[:, 0], pairs[:, 1], seed=settings.seed)
            interval = found.interval
            details = {"mean": interval.mean, "low": interval.low, "high": interval.high, "p": found.p_value}
            differences.append({"figure": name, "first": first, "second": second, **details})
    return differences


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row for JSON, which knows no NaN."""
    metrics = {
        engine: {name: value if np.isfinite(value) else None for name, value in values.items()}
        for engine, values in row["figures"].items()
    }
    return {**row, "figures": metrics}
