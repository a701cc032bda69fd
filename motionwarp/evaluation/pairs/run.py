"""One run over pairs: find the pictures, render what is missing, score what is not scored yet, and gather it all."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from motionwarp.checkpoints.registry import file_sha256
from motionwarp.data.protocols import PairNames, read_annotations, read_pairs
from motionwarp.devices import resolve_device, resolve_precision, usable_cores
from motionwarp.errors import InputError, MotionwarpError
from motionwarp.evaluation.extractors.files import FeatureWeights
from motionwarp.evaluation.options import Family, PairsSettings
from motionwarp.evaluation.pairs.image_metrics import PictureOutcome, PictureTask, measure_all
from motionwarp.evaluation.pairs.network_metrics import (
    INCEPTION,
    LPIPS_WEIGHTS,
    InceptionFeatures,
    NamedTask,
    load_lpips,
    lpips_metrics,
    parsing_metrics,
    pose_metrics,
    set_metrics,
)
from motionwarp.evaluation.pairs.people import People
from motionwarp.evaluation.pairs.render import PairRenderer, RenderTask
from motionwarp.evaluation.pairs.report import make_folder
from motionwarp.evaluation.pairs.results import Exclusion, Pair, PairsResult, Scores, gather
from motionwarp.evaluation.pairs.score_cache import Score, ScoreCache, settings_key, stamp_of
from motionwarp.evaluation.pairs.systems import PictureFolder, System, make_systems, result_names
from motionwarp.media.image import is_picture
from motionwarp.perception.registry import make_estimator
from motionwarp.types import FloatArray

OnStep = Callable[[str, int, int | None], None]
Measure = Callable[[Sequence[NamedTask]], Iterator[PictureOutcome]]
# points below this score are guesses: no region is laid round them
_SURE = 0.3


class PairsRun:
    """A run, made cheaply: reads the lists and checks the systems, so that most mistakes are found before any work.

    Parameters
    ----------
    settings : PairsSettings

    Raises
    ------
    InputError
        If a list, an annotation or an option is wrong.
    """

    def __init__(self, settings: PairsSettings) -> None:
        self.settings = settings
        self.listed = read_pairs(settings.pairs)
        self.annotations = {} if settings.annotations is None else read_annotations(settings.annotations)
        self.images = PictureFolder(settings.images)
        self.systems = make_systems(settings.engines, settings.generated, settings.pattern)
        self.weights = FeatureWeights(settings.features)
        self.device = resolve_device(settings.device)
        self.dtype = resolve_precision(settings.precision, self.device)
        if settings.fid_reference is not None:
            PictureFolder(settings.fid_reference)
        self.people = People(self.annotations, lambda: make_estimator(settings.pose_estimator, self.device, self.dtype))
        make_folder(settings.report)

    def run(self, on_step: OnStep) -> PairsResult:
        """Do everything; what a run before this one has done is taken as it is.

        Parameters
        ----------
        tick : callable
            Told of every step of every stage.

        Raises
        ------
        InputError
            If no pair is left that all systems have a result for.
        """
        result = PairsResult(self.settings, self.listed, self.systems, details=self._facts())
        pairs = self._located(self._drawn(), result)
        pictures = {system.name: self._results(system, pairs, result, on_step) for system in self.systems}
        scores: Scores = {}
        for family in self.settings.families:
            if family == "sets":
                continue
            measure = self._measure_of(family, result, on_step)
            if measure is None:
                continue
            scores[family] = {
                system.name: self._scored(system, family, measure, pairs, pictures[system.name], on_step)
                for system in self.systems
            }
        gather(result, pairs, pictures, scores)
        if "sets" in self.settings.families:
            self._add_sets(result, on_step)
        return result

    def _facts(self) -> dict[str, Any]:
        settings = self.settings
        points = (
            "published annotations"
            if settings.annotations
            else "seen by the analyzer"
            if settings.with_points
            else "none"
        )
        return {
            "points": points,
            "annotations_sha256": None if settings.annotations is None else file_sha256(settings.annotations),
            "fit": settings.fit,
            "lpips_network": settings.lpips,
            "seed": settings.seed,
            "fid_reference": "targets of the list" if settings.fid_reference is None else str(settings.fid_reference),
            "estimator": settings.pose_estimator,
        }

    def _drawn(self) -> list[PairNames]:
        pairs, limit = list(self.listed.pairs), self.settings.limit
        if limit is None or limit >= len(pairs):
            return pairs
        chosen = np.random.default_rng(self.settings.seed).choice(len(pairs), limit, replace=False)
        return [pairs[index] for index in sorted(chosen.tolist())]

    def _located(self, names: Sequence[PairNames], result: PairsResult) -> list[Pair]:
        pairs = []
        for pair in names:
            try:
                pairs.append(Pair(pair, self.images.path(pair.source), self.images.path(pair.target)))
            except InputError as error:
                result.excluded.append(Exclusion(pair.key, "", str(error)))
        return pairs

    # results
    # -----------------------------------------------------------------------------------------------------------------

    def _results(self, system: System, pairs: Sequence[Pair], result: PairsResult, on_step: OnStep) -> dict[str, Path]:
        """Return a system's pictures by pair; pairs without one are excluded."""
        if system.kind == "copy":
            return {pair.names.key: pair.source for pair in pairs}
        if system.folder is None:
            return self._rendered(system, pairs, result, on_step)
        found: dict[str, Path] = {}
        owner: dict[Path, str] = {}
        for pair in pairs:
            try:
                path = system.folder.path(pair.names)
            except InputError as error:
                result.excluded.append(Exclusion(pair.names.key, system.name, str(error)))
                continue
            if path in owner:
                raise InputError(
                    f"would be the result of two pairs, {owner[path]} and {pair.names.key}",
                    subject=path,
                    remedy="Give a `pattern` that tells them apart.",
                )
            owner[path] = pair.names.key
            found[pair.names.key] = path
        return found

    def _rendered(self, system: System, pairs: Sequence[Pair], result: PairsResult, on_step: OnStep) -> dict[str, Path]:
        settings = {
            **system.identity(),
            "annotations": result.details["annotations_sha256"],
            "estimator": self.settings.pose_estimator,
        }
        label = f"{_file_label(system.name)}-{settings_key(settings)}"
        folder = self.settings.report / "pictures" / label
        make_folder(folder)
        names = result_names([pair.names for pair in pairs])
        tasks = {
            pair.names.key: RenderTask(pair.names, pair.source, pair.target, folder / name)
            for pair, name in zip(pairs, names, strict=True)
        }
        with ScoreCache(self.settings.report / "scores" / f"{label}.render.jsonl") as cache:
            waiting = [
                task
                for key, task in tasks.items()
                if not (cache.holds(key, stamp_of(task.source, task.target)) and task.result.is_file())
            ]
            renderer = PairRenderer(system.engine, self.people, self.device, self.dtype) if waiting else None
            stage = f"render {system.name}"
            for done, rendered in enumerate(renderer.render_all(waiting) if renderer else (), start=1):
                task = rendered.task
                taken = {} if rendered.error else {"seconds": rendered.seconds}
                cache.add(task.pair.key, Score(stamp_of(task.source, task.target), taken, rendered.error))
                if rendered.error is not None:
                    result.excluded.append(Exclusion(task.pair.key, system.name, rendered.error))
                on_step(stage, done, len(waiting))
            # means of few pairs are drawn up by the first one, in which networks are compiled
            seconds = [cache.scores[key].metrics.get("seconds", math.nan) for key in tasks]
            if np.isfinite(seconds).any():
                result.seconds[system.name] = float(np.nanmedian(seconds))
            return {key: task.result for key, task in tasks.items() if cache.scores[key].error is None}

    # scores
    # ------------------------------------------------------------------------------------------------------------------

    def _measure_of(self, family: Family, result: PairsResult, on_step: OnStep) -> Measure | None:
        """Return what measures a family, or None, with the reason noted, where its weights are missing."""
        fit = self.settings.fit
        if family == "pose":
            return lambda tasks: pose_metrics(tasks, self.people, fit)
        if family == "parsing":
            return lambda tasks: parsing_metrics(tasks, self.people, fit)
        if family == "lpips":
            reason = self.weights.missing(*LPIPS_WEIGHTS[self.settings.lpips])
            if reason is not None:
                result.missing["lpips"] = reason
                return None
            network = load_lpips(self.settings.lpips, self.weights, self.device)
            return lambda tasks: lpips_metrics(tasks, network, self.device, fit)
        variants = family == "variants"

        def pictures(tasks: Sequence[NamedTask]) -> Iterator[PictureOutcome]:
            plain = [named.task for named in tasks] if variants else self._with_points(tasks, on_step)
            return measure_all(plain, fit, variants=variants, jobs=self.settings.jobs or usable_cores())

        return pictures

    def _settings_of(self, family: Family) -> dict[str, Any]:
        """Return what the scores of a family depend on besides system and pictures."""
        details = self._facts()
        names = {
            "pictures": ("points", "annotations_sha256", "estimator"),
            "pose": ("annotations_sha256", "estimator"),
            "parsing": ("annotations_sha256", "estimator"),
            "lpips": ("lpips_network",),
        }.get(family, ())
        return {"family": family, "fit": self.settings.fit, **{name: details[name] for name in names}}

    def _with_points(self, tasks: Sequence[NamedTask], on_step: OnStep) -> list[PictureTask]:
        found = []
        for done, named in enumerate(tasks, start=1):
            found.append(replace(named.task, points=self._points(named)))
            on_step("points", done, len(tasks))
        return found

    def _points(self, named: NamedTask) -> FloatArray | None:
        """Return the truth's points for regions and masks, guesses left out; None where there are none to be had."""
        if named.target not in self.annotations and not self.settings.with_points:
            return None
        try:
            points = self.people.pose(named.target, named.task.truth).points.copy()
        except MotionwarpError:
            return None  # the pair's other metrics are none the worse for it
        points[points[:, 2] < _SURE] = 0
        return points

    def _scored(
        self,
        system: System,
        family: Family,
        measure: Measure,
        pairs: Sequence[Pair],
        pictures: dict[str, Path],
        on_step: OnStep,
    ) -> dict[str, Score]:
        """Return a system's scores by pair, those of earlier runs included."""
        settings = {**system.identity(), **self._settings_of(family), "images": str(self.settings.images.resolve())}
        path = self.settings.report / "scores" / f"{_file_label(system.name)}-{settings_key(settings)}.{family}.jsonl"
        with ScoreCache(path) as cache:
            waiting: list[tuple[str, str, NamedTask]] = []
            for pair in pairs:
                key = pair.names.key
                if key not in pictures:
                    continue
                stamp = stamp_of(pictures[key], pair.target)
                if not cache.holds(key, stamp):
                    waiting.append(
                        (key, stamp, NamedTask(pair.names.target, PictureTask(pictures[key], pair.target, None)))
                    )
            stage = f"{family} {system.name}"
            for done, ((key, stamp, _), outcome) in enumerate(
                zip(waiting, measure([task for _, _, task in waiting]), strict=True), start=1
            ):
                cache.add(key, Score(stamp, outcome.metrics, outcome.error))
                on_step(stage, done, len(waiting))
            return {key: cache.scores[key] for key in pictures if key in cache.scores}

    def _add_sets(self, result: PairsResult, on_step: OnStep) -> None:
        reason = self.weights.missing(INCEPTION)
        if reason is None and len(result.pairs) < 2:
            reason = "one picture is no set"
        if reason is not None:
            result.missing["fid"] = result.missing["is"] = reason
            return
        seer = InceptionFeatures(self.weights, self.device)
        total = len(self.systems) + 1
        on_step("sets", 0, total)
        reference = self.settings.fid_reference
        real = sorted({pair.target for pair in result.pairs}) if reference is None else _pictures_in(reference)
        truths = seer.see(real)
        on_step("sets", 1, total)
        for done, system in enumerate(self.systems, start=2):
            result.sets[system.name] = set_metrics(seer.see(result.results[system.name]), truths)
            on_step("sets", done, total)


def _pictures_in(folder: Path) -> list[Path]:
    pictures = sorted(path for path in folder.rglob("*") if path.is_file() and is_picture(path))
    if len(pictures) < 2:
        raise InputError(
            "has fewer than two pictures", subject=folder, remedy="Give the folder of real pictures for FID."
        )
    return pictures


def _file_label(name: str) -> str:
    """Return a name that every file system takes."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:60].strip(".") or "system"
