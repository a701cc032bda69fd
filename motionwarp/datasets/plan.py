"""The list of all clips of a data set, decided before anything is made."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from motionwarp.datasets.cast import CastPerson, check_castable, people_cast, rules_of
from motionwarp.datasets.config import DatasetConfig
from motionwarp.datasets.items import Item, read_table
from motionwarp.datasets.storage.factory import split_address
from motionwarp.errors import InputError, OptionError

Pair = tuple[Item, Item]


def pair_up(sources: Sequence[Item], drivings: Sequence[Item], how: str, seed: int) -> list[Pair]:
    """Choose pairs of people and motions.

    Parameters
    ----------
    sources, drivings : sequences of Item
    how : str
        'all' for every person with every motion; 'random:N' for N different pairs, in which no person and no motion
        comes more than once oftener than another of its kind; or a CSV file with the columns `source` and `driving`,
        which hold ids, or paths as in the lists of inputs.
    seed : int
        Seed of 'random:N'.

    Returns
    -------
    list of (source, driving)
        By source, then by driving, as they come in their lists; those of a CSV file by row.

    Raises
    ------
    OptionError
        If `how` is none of these, or more pairs are asked for than there are.
    InputError
        If the CSV file is wrong; the message names the line.
    """
    if how == "all":
        return [(source, driving) for source in sources for driving in drivings]
    found = re.fullmatch(r"random:(\d{1,12})", how)
    if found is not None:
        cells = balanced_cells(len(sources), len(drivings), int(found.group(1)), seed)
        return [(sources[row], drivings[column]) for row, column in cells]
    if how.lower().endswith(".csv"):
        return _listed(sources, drivings, how)
    raise OptionError("is not a choice of pairs", values={"pairs": how}, remedy="Give all, random:N, or a CSV file")


def balanced_cells(rows: int, columns: int, count: int, seed: int) -> list[tuple[int, int]]:
    """Draw different cells of a table so that all rows are used equally often, and all columns, up to one.

    Parameters
    ----------
    rows, columns : int
        At least 1.
    count : int
        From 1 to rows x columns.
    seed : int

    Returns
    -------
    list of (row, column)
        Sorted.

    Raises
    ------
    OptionError
        If there are not so many cells.

    Notes
    -----
    Step i takes row i mod R and column (i + floor(i / lcm(R, C))) mod C: within lcm(R, C) steps no pair of remainders
    comes twice (Chinese remainder theorem), and every further run is moved by one column. Rows and columns are shuffled
    first, so that every cell is as likely as any other. Ours.
    """
    if not 1 <= count <= rows * columns:
        raise OptionError(
            f"there are {rows * columns} pairs",
            values={"pairs": f"random:{count}"},
            remedy=f"Give a number from 1 to {rows * columns}",
        )
    generator = np.random.default_rng(seed)
    row_order, column_order = generator.permutation(rows), generator.permutation(columns)
    steps = np.arange(count)
    taken_rows = row_order[steps % rows]
    taken_columns = column_order[(steps + steps // math.lcm(rows, columns)) % columns]
    return sorted(zip(taken_rows.tolist(), taken_columns.tolist(), strict=True))


def _listed(sources: Sequence[Item], drivings: Sequence[Item], place: str) -> list[Pair]:
    storage, name = split_address(place)
    of_source, of_driving = _by_name(sources), _by_name(drivings)
    pairs: dict[tuple[str, str], Pair] = {}
    for line, row in read_table(storage, name, place, ("source", "driving"), ("source", "driving")):
        found = []
        for column, table in (("source", of_source), ("driving", of_driving)):
            item = table.get(row[column]) or table.get(storage.address(row[column]))
            if item is None:
                raise InputError(
                    f"line {line}: there is no {column} '{row[column]}'",
                    subject=place,
                    remedy="Give an id or a path of the inputs",
                )
            found.append(item)
        source, driving = found
        if (source.id, driving.id) in pairs:
            raise InputError(
                f"line {line}: this pair comes twice", subject=place, remedy="Leave one out, or use `variants`"
            )
        pairs[source.id, driving.id] = source, driving
    return list(pairs.values())


def _by_name(items: Sequence[Item]) -> dict[str, Item]:
    return {**{item.path: item for item in items}, **{item.id: item for item in items}}


@dataclass(frozen=True)
class Clip:
    """One clip to be made.

    Attributes
    ----------
    id : str
        `SOURCE__DRIVING`, and `__NUMBER` where there are several of a pair.
    source, driving : Item
    variant : int
        From 0.
    seed : int
        Seed of the clip's draw and rendering, from the data set's seed and the id.
    cast : tuple of CastPerson
        Who takes the places of further dancers.
    """

    id: str
    source: Item
    driving: Item
    variant: int
    seed: int
    cast: tuple[CastPerson, ...] = ()

    @property
    def people(self) -> tuple[Item, ...]:
        """Everybody in it, `source` first."""
        return (self.source, *(person.item for person in self.cast))


@dataclass(frozen=True)
class Plan:
    """All clips, in the manifest's order, and the inputs that they use.

    Attributes
    ----------
    clips : tuple of Clip
    sources, drivings : tuple of Item
        Those that at least one clip uses, in the order of the inputs.
    """

    clips: tuple[Clip, ...]
    sources: tuple[Item, ...]
    drivings: tuple[Item, ...]


def make_plan(sources: tuple[Item, ...], drivings: tuple[Item, ...], config: DatasetConfig) -> Plan:
    """Decide on all clips; errors are those of `pair_up`, `check_castable` and `people_cast`."""
    pairs = pair_up(sources, drivings, config.pairs, config.options.seed)
    rules = {driving.id: rules_of(driving, config.cast) for driving in drivings}
    everybody = {item.id: item for item in sources}
    used_drivings = {driving.id for _, driving in pairs}
    for driving in drivings:
        if driving.id in used_drivings:
            check_castable(driving, rules[driving.id])
    clips = tuple(
        _clip(source, driving, variant, config) for source, driving in pairs for variant in range(config.variants)
    )
    if any(rules.values()):
        clips = tuple(
            replace(clip, cast=people_cast(rules[clip.driving.id], clip.source, everybody, clip.seed)) for clip in clips
        )
    used_sources = {item.id for clip in clips for item in clip.people}
    return Plan(
        clips,
        tuple(item for item in sources if item.id in used_sources),
        tuple(item for item in drivings if item.id in used_drivings),
    )


def _clip(source: Item, driving: Item, variant: int, config: DatasetConfig) -> Clip:
    name = f"{source.id}__{driving.id}"
    if config.variants > 1:
        name += f"__{variant:0{len(str(config.variants - 1))}d}"
    return Clip(name, source, driving, variant, clip_seed(config.options.seed, name))


def clip_seed(seed: int, clip_id: str) -> int:
    """Return a clip's own seed, 0 to 2**63 - 1: independent of which other clips there are."""
    digest = hashlib.sha256(f"{seed}/{clip_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def plan_summary(plan: Plan) -> dict[str, Any]:
    """Return what is kept to notice that another choice of pairs, or another list of them, would make other clips."""
    ids = "\n".join(clip.id for clip in plan.clips)
    return {"clips": {"count": len(plan.clips), "ids_sha256": hashlib.sha256(ids.encode()).hexdigest()}}
