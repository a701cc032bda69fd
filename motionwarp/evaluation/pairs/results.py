"""What comes of a run over pairs, and which pairs count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from motionwarp.data.protocols import PairList, PairNames
from motionwarp.errors import InputError
from motionwarp.evaluation.pairs.ledger import Score
from motionwarp.evaluation.pairs.settings import PairsSettings
from motionwarp.evaluation.pairs.systems import System

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
        By system and figure, float64 (N,) with NaN where the figure makes no sense for a pair.
    sets : dict
        By system, figures of all results at once.
    excluded : list of Exclusion
    missing : dict of str to str
        Families that could not be had, with the reason.
    notes : list of str
        Failures of single figures.
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
    excluded: list[Exclusion] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def gather(result: PairsResult, pairs: Sequence[Pair], pictures: dict[str, dict[str, Path]], scores: Scores) -> None:
    """Keep the pairs that count for all systems, and lay their figures side by side in `result`.

    A pair without a readable result of one system counts for none; where only the analyser or a network fails on it, that figure
    alone is left out.

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
    told = {exclusion.pair for exclusion in result.excluded}
    for family, by_system in scores.items():
        for name, by_pair in by_system.items():
            for key, score in by_pair.items():
                if score.error is None or key in told:
                    continue
                if family in ("pictures", "variants"):
                    result.excluded.append(Exclusion(key, name, score.error))
                    told.add(key)
                else:
                    result.notes.append(f"{family} of {name}, {key}: {score.error}")
    result.pairs = [pair for pair in pairs if pair.names.key not in told]
    if not result.pairs:
        first = result.excluded[0].reason if result.excluded else "the list has none"
        raise InputError(
            f"no pair is left that all systems have a readable result for; the first failure: {first}",
            subject=result.settings.pairs,
            remedy="Check --images, --generated and --pattern.",
        )
    keys = [pair.names.key for pair in result.pairs]
    for system in result.systems:
        result.results[system.name] = [pictures[system.name][key] for key in keys]
        values = result.values.setdefault(system.name, {})
        for by_system in scores.values():
            rows = [by_system[system.name][key].figures for key in keys]
            for figure in {figure: None for row in rows for figure in row}:
                values[figure] = np.array([row.get(figure, np.nan) for row in rows], dtype=np.float64)
