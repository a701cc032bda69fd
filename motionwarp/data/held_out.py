"""Held-out pairs: who is for training and who for testing, which pairs are drawn, and that nobody is in both.

People are split, never pictures, by the order of a checksum of the seed and their name, so that a data set that grows
by a few people keeps nearly all others where they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from motionwarp.data.protocols import PairNames
from motionwarp.errors import InputError
from motionwarp.media.image import read_image
from motionwarp.types import ByteArray, FloatArray

# of the 256 bits of a fingerprint: recoding and scaling change a few, another picture about half
SAME_PICTURE_BITS: Final = 8
_FINGERPRINT_SIDE: Final = 16
_LEAKS_TOLD: Final = 5
_ROWS: Final = 512


@dataclass(frozen=True)
class HeldOutSplit:
    """Pairs of both splits.

    Attributes
    ----------
    train_people, test_people : tuple of str
        Sorted.
    train, test : tuple of PairNames
    """

    train_people: tuple[str, ...]
    test_people: tuple[str, ...]
    train: tuple[PairNames, ...]
    test: tuple[PairNames, ...]


def split_people(
    people: Sequence[str], test_share: float, seed: int, never_test: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """Split people into training and test.

    Parameters
    ----------
    people : sequence of str
        All different.
    test_share : float
        Share of the people that is for testing, in (0, 1); at least one person is for testing, and one for training.
    seed : int
    never_test : sequence of str
        People that something was trained on already.

    Returns
    -------
    train, test : lists of str
        Sorted.

    Raises
    ------
    InputError
        If there are fewer than two people, or nobody is left for testing.
    """
    if len(people) < 2:
        raise InputError(
            f"{len(people)} person cannot be split into training and test" if people else "there is nobody to split",
            remedy="Pairs are held out by person: give clips or photos of two people or more.",
        )
    free = [person for person in people if person not in set(never_test)]
    if not free:
        raise InputError(
            "everybody was trained on already; nobody is left for testing", remedy="Add people, or give another list."
        )
    free.sort(key=lambda person: hashlib.sha256(f"{seed}\0{person}".encode()).digest())
    wanted = min(max(round(test_share * len(people)), 1), len(people) - 1, len(free))
    test = set(free[:wanted])
    return sorted(set(people) - test), sorted(test)


def draw_pairs(
    pictures: Mapping[str, Sequence[str]], people: Sequence[str], per_person: int, seed: int
) -> list[PairNames]:
    """Draw ordered pairs of different pictures of one person.

    Parameters
    ----------
    pictures : mapping of str to sequence of str
        Names of pictures by person.
    people : sequence of str
    per_person : int
        At most so many pairs each.
    seed : int

    Returns
    -------
    list of PairNames
        By person in the given order; a person's own by name.
    """
    drawn: list[PairNames] = []
    for person in people:
        names = sorted(pictures[person])
        others = len(names) - 1
        digest = hashlib.sha256(f"{seed}\0{person}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        total = len(names) * others
        chosen = rng.choice(total, min(per_person, total), replace=False).tolist() if total else []
        # pair number n is picture n // others with the (n % others)-th of those that remain
        places = sorted((number // others, number % others) for number in chosen)
        drawn += [PairNames(names[one], names[other + (other >= one)]) for one, other in places]
    return drawn


def held_out_split(
    pictures: Mapping[str, Sequence[str]],
    *,
    test_share: float,
    per_person: int,
    seed: int,
    never_test: Sequence[str] = (),
) -> HeldOutSplit:
    """Split people and draw pairs of both sides; people with a single picture give none and are left out.

    Parameters
    ----------
    pictures : mapping of str to sequence of str
        Names of pictures by person.
    test_share, seed, never_test
        As for `split_people`.
    per_person : int
        As for `draw_pairs`.

    Raises
    ------
    InputError
        As for `split_people`.
    """
    usable = sorted(person for person, names in pictures.items() if len(names) >= 2)
    train, test = split_people(usable, test_share, seed, never_test)
    return HeldOutSplit(
        tuple(train),
        tuple(test),
        tuple(draw_pairs(pictures, train, per_person, seed)),
        tuple(draw_pairs(pictures, test, per_person, seed)),
    )


def check_disjoint(split: HeldOutSplit, pictures: Mapping[str, Sequence[str]], folder: Path) -> None:
    """Refuse splits that leak: people or pictures on both sides, by name or by what is to be seen.

    Parameters
    ----------
    split : HeldOutSplit
    pictures : mapping of str to sequence of str
        Names below `folder`, by person.
    folder : Path

    Raises
    ------
    InputError
        If a person is on both sides, or a picture of one side is the same picture as one of the other, recoded or
        scaled perhaps.
    """
    both = sorted(set(split.train_people) & set(split.test_people))
    if both:
        raise InputError(f"{', '.join(both[:_LEAKS_TOLD])} would be in training and test", remedy="Split by person.")
    train = [name for person in split.train_people for name in pictures[person]]
    test = [name for person in split.test_people for name in pictures[person]]
    leaks = [f"{one} and {other}" for one, other in same_pictures(folder, train, test)]
    if leaks:
        more = f" and {len(leaks) - _LEAKS_TOLD} more" if len(leaks) > _LEAKS_TOLD else ""
        raise InputError(
            f"pictures for training and for testing are the same: {'; '.join(leaks[:_LEAKS_TOLD])}{more}",
            subject=folder,
            remedy="They show one person under two names: give them one name, or remove one of them.",
        )


def same_pictures(folder: Path, first: Sequence[str], second: Sequence[str]) -> list[tuple[str, str]]:
    """Return which pictures of two lists look the same, in the order of the first.

    Parameters
    ----------
    folder : Path
    first, second : sequence of str
        Names below it.
    """
    one, other = (_signs([fingerprint(read_image(folder / name).rgb) for name in names]) for names in (first, second))
    found = []
    for start in range(0, len(first), _ROWS):
        # of vectors of +1 and -1, the product is the bits alike minus the bits apart
        apart = (one.shape[1] - one[start : start + _ROWS] @ other.T) / 2
        found += [
            (first[start + int(row)], second[int(match)]) for row, match in np.argwhere(apart <= SAME_PICTURE_BITS)
        ]
    return found


def _signs(fingerprints: list[np.ndarray[tuple[int], np.dtype[np.bool_]]]) -> FloatArray:
    bits = np.array(fingerprints).reshape(len(fingerprints), _FINGERPRINT_SIDE**2)
    return np.where(bits, np.float32(1), np.float32(-1))


def fingerprint(rgb: ByteArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return 256 bits that hardly change when a picture is recoded or scaled.

    Where brightness rises from left to right.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)

    Returns
    -------
    bool (256,)
    """
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(gray, (_FINGERPRINT_SIDE + 1, _FINGERPRINT_SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.asarray((small[:, 1:] > small[:, :-1]).ravel())
