"""What comes of a run over pairs, and which pairs count."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np

from motionwarp.data.protocols import PairList, PairNames
from motionwarp.errors import InputError
from motionwarp.evaluation.options import PairsSettings
from motionwarp.evaluation.pairs.config import Metric, metrics_of
from motionwarp.evaluation.pairs.score_cache import Score
from motionwarp.evaluation.pairs.systems import System
from motionwarp.evaluation.published import dataset_of, published_results
from motionwarp.evaluation.statistics import Interval, bootstrap_interval, holm, paired_difference
from motionwarp.version import __version__

# by family, system and pair
Scores = dict[str, dict[str, dict[str, Score]]]


@dataclass(frozen=True)
class Pair:
    """A pair with its pictures.

    Attributes
    ----------
    names : PairNames
    source, target : Path
    """

    names: PairNames
    source: Path
    target: Path


@dataclass(frozen=True)
class Exclusion:
    """A pair that counts for no system.

    Attributes
    ----------
    pair : str
    system : str
        Whose result is missing or broken; empty if it is the pair's own pictures.
    reason : str
    """

    pair: str
    system: str
    reason: str


@dataclass(eq=False)
class PairsResult:
    """Everything that came of a run.

    Attributes
    ----------
    settings : PairsSettings
    listed : PairList
    systems : list of System
    pairs : list of Pair
        Those that count, for all systems alike.
    results : dict
        By system, the pictures of those pairs.
    values : dict
        By system and metric, float64 (N,) with NaN where the metric makes no sense for a pair.
    sets : dict
        By system, metrics of all results at once.
    seconds : dict of str to float
        By engine, the median of what a pair's picture took on this machine, without what is done once for a source.
    excluded : list of Exclusion
    missing : dict of str to str
        Families that could not be had, with the reason.
    notes : list of str
        Failures of single metrics.
    facts : dict
        What else the report tells of the run.
    """

    settings: PairsSettings
    listed: PairList
    systems: list[System]
    pairs: list[Pair] = field(default_factory=list)
    results: dict[str, list[Path]] = field(default_factory=dict)
    values: dict[str, dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]] = field(default_factory=dict)
    sets: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    excluded: list[Exclusion] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


def gather(result: PairsResult, pairs: Sequence[Pair], pictures: dict[str, dict[str, Path]], scores: Scores) -> None:
    """Keep the pairs that count for all systems, and lay their metrics side by side in `result`.

    A pair without a readable result of one system counts for none; where only the analyzer or a network fails on it,
    that metric alone is left out.

    Parameters
    ----------
    result : PairsResult
        With the pairs excluded so far.
    pairs : sequence of Pair
    pictures : dict
        By system and pair.
    scores : dict
        By family, system and pair.

    Raises
    ------
    InputError
        If no pair is left.
    """
    already = {exclusion.pair for exclusion in result.excluded}
    for family, by_system in scores.items():
        for name, by_pair in by_system.items():
            for key, score in by_pair.items():
                if score.error is None or key in already:
                    continue
                if family in ("pictures", "variants"):
                    result.excluded.append(Exclusion(key, name, score.error))
                    already.add(key)
                else:
                    result.notes.append(f"{family} of {name}, {key}: {score.error}")
    result.pairs = [pair for pair in pairs if pair.names.key not in already]
    if not result.pairs:
        first = result.excluded[0].reason if result.excluded else "the list has none"
        raise InputError(
            f"no pair is left that all systems have a readable result for; the first failure: {first}",
            subject=result.settings.pairs,
            remedy="Check `images`, `generated` and `pattern`.",
        )
    keys = [pair.names.key for pair in result.pairs]
    for system in result.systems:
        result.results[system.name] = [pictures[system.name][key] for key in keys]
        values = result.values.setdefault(system.name, {})
        for by_system in scores.values():
            rows = [by_system[system.name][key].metrics for key in keys]
            for metric in {metric: None for row in rows for metric in row}:
                values[metric] = np.array([row.get(metric, np.nan) for row in rows], dtype=np.float64)


FORMAT: Final = "motionwarp-pairs-1"
_DIGITS: Final = 6
# spreadsheets run cells that begin so
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def summarize(result: PairsResult) -> dict[str, Any]:
    """Return a run for `metrics.json` and `--json`."""
    names = [pair.names.source for pair in result.pairs]
    dataset = dataset_of(names)
    missing = dict(result.missing)
    for metric in metrics_of(result.settings.families):
        if metric.family != "sets" and metric.name not in missing and not _rows(result, metric.name).any():
            missing[metric.name] = _why_missing(result, metric)
    return {
        "format": FORMAT,
        "version": __version__,
        "pairs": {
            "file": str(result.listed.path),
            "sha256": result.listed.sha256,
            "listed": len(result.listed.pairs),
            "scored": len(result.pairs),
            "excluded": [
                {"pair": each.pair, "system": each.system or None, "reason": each.reason} for each in result.excluded
            ],
        },
        "dataset": dataset,
        "settings": result.details,
        "systems": [system.identity() for system in result.systems],
        "costs": {
            system.name: {"seconds_per_frame": result.seconds.get(system.name), "parameters": system.parameters}
            for system in result.systems
            if system.kind == "engine"
        },
        "figures": {
            metric.name: _metric_summary(result, metric)
            for metric in metrics_of(result.settings.families)
            if metric.name not in missing
        },
        "differences": differences(result),
        "missing": missing,
        "notes": result.notes,
        "published": [
            {
                "system": row.system,
                "dataset": row.dataset,
                "figures": row.metrics,
                "source": row.source,
                "note": row.note,
            }
            for row in published_results()
            if dataset is None or row.dataset == dataset
        ],
    }


def cost_text(value: float | None, digits: int, unit: float = 1.0) -> str:
    """Return one of a system's costs for tables, in units of `unit`; a dash where it is not known."""
    return "-" if value is None else f"{value / unit:.{digits}f}"


def _metric_summary(result: PairsResult, metric: Metric) -> dict[str, Any]:
    details: dict[str, Any] = {
        "title": metric.title,
        "better": metric.better,
        "settings": metric.settings,
        "systems": {},
    }
    counted = None if metric.family == "sets" else _rows(result, metric.name)
    for system in result.systems:
        if counted is None:
            details["systems"][system.name] = {
                "mean": _rounded(result.sets[system.name][metric.name]),
                "low": None,
                "high": None,
                "pairs": len(result.pairs),
            }
        else:
            values = result.values[system.name][metric.name][counted]
            details["systems"][system.name] = _interval(bootstrap_interval(values, seed=result.settings.seed))
    return details


def differences(result: PairsResult) -> list[dict[str, Any]]:
    """Return all systems' paired differences by metric.

    Mean, interval and p-value, raw and corrected for their number.
    """
    rows: list[dict[str, Any]] = []
    for metric in metrics_of(result.settings.families):
        if metric.family == "sets" or metric.name in result.missing:
            continue
        counted = _rows(result, metric.name)
        if not counted.any():
            continue
        for first, second in combinations(result.systems, 2):
            values = [result.values[system.name][metric.name][counted] for system in (first, second)]
            difference = paired_difference(values[0], values[1], seed=result.settings.seed)
            better = difference.interval.mean * (1 if metric.better == "higher" else -1)
            rows.append(
                {
                    "figure": metric.name,
                    "first": first.name,
                    "second": second.name,
                    **_interval(difference.interval),
                    "better": first.name if better > 0 else second.name if better < 0 else None,
                    "p": _rounded(difference.p_value),
                }
            )
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = _rounded(corrected)
    return rows


def _rows(result: PairsResult, metric: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return the pairs for which a metric makes sense with all systems alike, bool (N,)."""
    counted = np.ones(len(result.pairs), dtype=np.bool_)
    for system in result.systems:
        values = result.values[system.name].get(metric)
        counted &= np.zeros_like(counted) if values is None else np.isfinite(values)
    return counted


def _why_missing(result: PairsResult, metric: Metric) -> str:
    if metric.name in ("mask_ssim", "local_ssim"):
        if result.details["points"] == "none":
            return "needs points: give `annotations`, or leave out `points=False`"
        return "no pair has points inside its target, or pictures are too small for regions"
    if metric.family == "variants":
        return "pictures are too small for its windows"
    return "it could be had for no pair; see the notes"


def _interval(interval: Interval) -> dict[str, Any]:
    return {
        "mean": _rounded(interval.mean),
        "low": _rounded(interval.low),
        "high": _rounded(interval.high),
        "pairs": interval.count,
    }


def _rounded(value: float) -> float:
    return round(value, _DIGITS)


def pairs_csv(result: PairsResult) -> str:
    """Return all metrics by pair and system as CSV, one row each; empty cells where a metric makes no sense."""
    names = [metric.name for metric in metrics_of(result.settings.families) if metric.family != "sets"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["source", "target", "system", *names])
    for index, pair in enumerate(result.pairs):
        for system in result.systems:
            values = [result.values[system.name].get(name) for name in names]
            cells = ["" if each is None or math.isnan(each[index]) else f"{each[index]:.6g}" for each in values]
            writer.writerow(
                [_harmless(pair.names.source), _harmless(pair.names.target), _harmless(system.name), *cells]
            )
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
