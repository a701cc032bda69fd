"""Metrics that papers report, from a data file that names every source."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from motionwarp.data.protocols import person_of
from motionwarp.evaluation.pairs.config import METRICS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE: Final = Path(__file__).with_name("published.toml")
DATASETS: Final = {
    "deepfashion": "DeepFashion, In-shop Clothes Retrieval",
    "market1501": "Market-1501",
    "human36m": "Human3.6M",
    "swapgan": "SwapGAN's clothes swaps",
}
# so many of the list's first names tell the data set, not one that may be called so by chance
_LOOKED_AT: Final = 50


@dataclass(frozen=True)
class Published:
    """One row of a paper's table.

    Attributes
    ----------
    system, dataset : str
    metrics : dict of str to float
        By the names of `definitions.METRICS`.
    source : str
        Paper and table.
    note : str
        What is known of the protocol; empty if nothing more.
    """

    system: str
    dataset: str
    metrics: dict[str, float]
    source: str
    note: str = ""

    def __post_init__(self) -> None:
        unknown = [name for name in self.metrics if name not in METRICS]
        if unknown or not self.source or self.dataset not in DATASETS or not self.metrics:
            raise ValueError(f"{self.system}: needs known metrics, a data set and a source, got {self}")


@cache
def published_results() -> tuple[Published, ...]:
    """Return everything in the data file."""
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))["results"]
    return tuple(
        Published(
            str(row["system"]),
            str(row["dataset"]),
            {str(name): float(value) for name, value in row["figures"].items()},
            str(row["source"]),
            str(row.get("note", "")),
        )
        for row in rows
    )


def dataset_of(names: Iterable[str]) -> str | None:
    """Return the published data set that pictures are of, as far as their names tell; None if they do not."""
    looked_at = [name for name, _ in zip(names, range(_LOOKED_AT), strict=False)]
    people = [person_of(name) for name in looked_at]
    if not people or any(person is None for person in people):
        return None
    kinds = {"deepfashion" if str(person).startswith("id") else "market1501" for person in people}
    return kinds.pop() if len(kinds) == 1 else None
