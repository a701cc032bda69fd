"""Damage to a file as accidents and attackers do it, a pure function of a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

# numbers at which sizes and counts overflow, or turn negative
_EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def mutated(seeds: Mapping[str, bytes], case: int) -> tuple[str, bytes]:
    """Return the name and the content of a case.

    Cases go through all seeds by turns, and each gets one to four mutations.
    """
    names = sorted(seeds)
    name = names[case % len(names)]
    generator = np.random.default_rng([20_261_121, case])
    content = bytearray(seeds[name])
    for _ in range(int(generator.integers(1, 5))):
        mutation = _MUTATIONS[int(generator.integers(len(_MUTATIONS)))]
        content = mutation(content, generator, seeds[names[int(generator.integers(len(names)))]])
    return name, bytes(content)


def _place(size: int, generator: np.random.Generator) -> int:
    """Return a place, mostly near the beginning or the end, where headers and indices are."""
    where = generator.random()
    if where < 0.4:
        return int(generator.integers(min(size, 96))) if size else 0
    if where < 0.6:
        return size - 1 - int(generator.integers(min(size, 1024))) if size else 0
    return int(size * generator.random() ** 3)


def _flip(content: bytearray, generator: np.random.Generator, _: bytes) -> bytearray:
    for _ in range(int(generator.integers(1, 9))):
        if content:
            content[_place(len(content), generator)] ^= 1 << int(generator.integers(8))
    return content


def _random_bytes(content: bytearray, generator: np.random.Generator, _: bytes) -> bytearray:
    place, count = _place(len(content), generator), int(generator.integers(1, 17))
    content[place : place + count] = generator.bytes(count)
    return content


def _edge_number(content: bytearray, generator: np.random.Generator, _: bytes) -> bytearray:
    """Overwrite what may be a size with a number at the edge of what fits."""
    width = int(generator.choice([1, 2, 4, 8]))
    value = _EDGES[int(generator.integers(len(_EDGES)))] & (256**width - 1)
    place = _place(len(content), generator)
    content[place : place + width] = value.to_bytes(width, "little" if generator.random() < 0.5 else "big")
    return content


def _truncate(content: bytearray, generator: np.random.Generator, _: bytes) -> bytearray:
    return content[: int(generator.integers(len(content) + 1))]


def _insert(content: bytearray, generator: np.random.Generator, _: bytes) -> bytearray:
    place = _place(len(content), generator)
    return content[:place] + generator.bytes(int(generator.integers(1, 65))) + content[place:]


def _remove(content: bytearray, generator: np.random.Generator, _: bytes) -> bytearray:
    place = _place(len(content), generator)
    del content[place : place + int(generator.integers(1, 65))]
    return content


def _repeat(content: bytearray, generator: np.random.Generator, _: bytes) -> bytearray:
    """Put a piece of the file into it a second time, as boxes, chunks and directories may be nested or double."""
    start, place = _place(len(content), generator), _place(len(content), generator)
    return content[:place] + content[start : start + int(generator.integers(1, 257))] + content[place:]


def _splice(content: bytearray, generator: np.random.Generator, other: bytes) -> bytearray:
    """Go on with another format's bytes."""
    place = int(generator.integers(min(len(content), len(other)) + 1))
    return content[:place] + other[place:]


# splices rarely get beyond the header, so the others come twice
_MUTATIONS: tuple[Callable[[bytearray, np.random.Generator, bytes], bytearray], ...] = (
    *(_flip, _random_bytes, _edge_number, _insert, _remove, _repeat) * 2,
    _edge_number,
    _truncate,
    _splice,
)
