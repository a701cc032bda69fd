"""A run's figures for programs: means with intervals, paired differences with their tests, and everything by pair."""

from __future__ import annotations

import csv
import io
import math
from itertools import combinations
from typing import Any, Final

import numpy as np

from motionwarp.evaluation.pairs.definitions import Figure, figures_of
from motionwarp.evaluation.pairs.results import PairsResult
from motionwarp.evaluation.published import dataset_of, published_results
from motionwarp.evaluation.statistics import Interval, bootstrap_interval, holm, paired_difference
from motionwarp.version import __version__

FORMAT: Final = "motionwarp-pairs-1"
_DIGITS: Final = 6
# spreadsheets run cells that begin so
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def summarise(result: PairsResult) -> dict[str, Any]:
    """Return a run for `metrics.json` and `--json`."""
    names = [pair.names.source for pair in result.pairs]
    dataset = dataset_of(names)
    missing = dict(result.missing)
    for figure in figures_of(result.settings.families):
        if figure.family != "sets" and figure.name not in missing and not _rows(result, figure.name).any():
            missing[figure.name] = _why_missing(result, figure)
    return {
        "format": FORMAT,
        "version": __version__,
        "pairs": {
            "file": str(result.listed.path),
            "sha256": result.listed.sha256,
            "listed": len(result.listed.pairs),
            "scored": len(result.pairs),
            "excluded": [{"pair": each.pair, "system": each.system or None, "reason": each.reason} for each in result.excluded],
        },
        "dataset": dataset,
        "settings": result.facts,
        "systems": [system.identity() for system in result.systems],
        "figures": {figure.name: _figure(result, figure) for figure in figures_of(result.settings.families) if figure.name not in missing},
        "differences": differences(result),
        "missing": missing,
        "notes": result.notes,
        "published": [
            {"system": row.system, "dataset": row.dataset, "figures": row.figures, "source": row.source, "note": row.note}
            for row in published_results()
            if dataset is None or row.dataset == dataset
        ],
    }


def _figure(result: PairsResult, figure: Figure) -> dict[str, Any]:
    facts: dict[str, Any] = {"title": figure.title, "better": figure.better, "settings": figure.settings, "systems": {}}
    counted = None if figure.family == "sets" else _rows(result, figure.name)
    for system in result.systems:
        if counted is None:
            facts["systems"][system.name] = {
                "mean": _rounded(result.sets[system.name][figure.name]),
                "low": None,
                "high": None,
                "pairs": len(result.pairs),
            }
        else:
            values = result.values[system.name][figure.name][counted]
            facts["systems"][system.name] = _interval(bootstrap_interval(values, seed=result.settings.seed))
    return facts


def differences(result: PairsResult) -> list[dict[str, Any]]:
    """Return all systems' paired differences by figure: mean, interval and p-value, raw and corrected for their number."""
    rows: list[dict[str, Any]] = []
    for figure in figures_of(result.settings.families):
        if figure.family == "sets" or figure.name in result.missing:
            continue
        counted = _rows(result, figure.name)
        if not counted.any():
            continue
        for first, second in combinations(result.systems, 2):
            values = [result.values[system.name][figure.name][counted] for system in (first, second)]
            difference = paired_difference(values[0], values[1], seed=result.settings.seed)
            better = difference.interval.mean * (1 if figure.better == "higher" else -1)
            rows.append(
                {
                    "figure": figure.name,
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


def _rows(result: PairsResult, figure: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return the pairs for which a figure makes sense with all systems alike, bool (N,)."""
    counted = np.ones(len(result.pairs), dtype=np.bool_)
    for system in result.systems:
        values = result.values[system.name].get(figure)
        counted &= np.zeros_like(counted) if values is None else np.isfinite(values)
    return counted


def _why_missing(result: PairsResult, figure: Figure) -> str:
    if figure.name in ("mask_ssim", "local_ssim"):
        if result.facts["points"] == "none":
            return "needs points: give --annotations, or leave out --no-points"
        return "no pair has points inside its target, or pictures are too small for regions"
    if figure.family == "variants":
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
    """Return all figures by pair and system as CSV, one row each; empty cells where a figure makes no sense."""
    names = [figure.name for figure in figures_of(result.settings.families) if figure.family != "sets"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["source", "target", "system", *names])
    for index, pair in enumerate(result.pairs):
        for system in result.systems:
            values = [result.values[system.name].get(name) for name in names]
            cells = ["" if each is None or math.isnan(each[index]) else f"{each[index]:.6g}" for each in values]
            writer.writerow([_harmless(pair.names.source), _harmless(pair.names.target), _harmless(system.name), *cells])
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
