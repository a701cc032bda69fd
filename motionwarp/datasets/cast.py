"""Who takes the places of a clip's further dancers in a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from motionwarp.datasets.items import CAPTURE_ENDINGS, Item
from motionwarp.datasets.options import CastRule
from motionwarp.errors import InputError, OptionError

ANYBODY: Final = "random"
"""In a rule: another person of the sources in every clip."""


@dataclass(frozen=True)
class CastPerson:
    """A person who takes a further dancer's place in one clip.

    Attributes
    ----------
    dancer : str
        As in `CastRule`.
    item : Item
    """

    dancer: str
    item: Item


def rules_of(driving: Item, cast: Sequence[str]) -> tuple[CastRule, ...]:
    """Return how the dancers of a motion are cast: by its own row, or as those of the whole data set."""
    return tuple(CastRule.parse(text) for text in driving.cast or cast)


def check_castable(driving: Item, rules: Sequence[CastRule]) -> None:
    """Refuse to cast dancers of what is of one person.

    Raises
    ------
    InputError
    """
    if not rules:
        return
    if driving.path.lower().endswith(CAPTURE_ENDINGS):
        problem = "is motion capture, which is of one person"
    elif driving.poses is not None:
        problem = "has given points, which are of one person"
    else:
        return
    raise InputError(
        problem,
        subject=driving.path,
        remedy="Leave it out, or cast dancers by the column `cast` of the table of drivings, for the others only",
    )


def people_cast(
    rules: Sequence[CastRule], source: Item, sources: Mapping[str, Item], seed: int
) -> tuple[CastPerson, ...]:
    """Decide who takes whose place in one clip.

    Parameters
    ----------
    rules : sequence of CastRule
    source : Item
        Who is dancer 0: nobody who is drawn is this person, nor somebody else who is in the clip.
    sources : mapping of str to Item
        Everybody there is, by id.
    seed : int
        Of the clip.

    Raises
    ------
    OptionError
        If there is nobody of a name, or nobody left to be drawn.
    """
    named = {rule.person for rule in rules}
    left = [item for item in sources.values() if item.id != source.id and item.id not in named]
    drawn = np.random.default_rng((seed, len(rules))).permutation(len(left)).tolist()
    people = []
    for rule in rules:
        if rule.person == ANYBODY:
            if not drawn:
                raise OptionError(
                    f"there are only {len(sources)} people",
                    values={"cast": str(rule)},
                    remedy="Give more sources, or cast fewer dancers",
                )
            people.append(CastPerson(rule.dancer, left[drawn.pop()]))
        elif rule.person in sources:
            people.append(CastPerson(rule.dancer, sources[rule.person]))
        else:
            raise OptionError(
                f"there is no source '{rule.person}'",
                values={"cast": str(rule)},
                remedy=f"Give a source's id, or {ANYBODY}",
            )
    return tuple(people)
