"""Filling a hole with pieces of the picture around it.

From coarse to fine, as Wexler, Shechtman and Irani (2007) and PatchMatch (Barnes et al. 2009) do. The field of sources is found at a
moderate size and carried up; the pixels themselves are those of the picture at its full size, so that texture stays sharp.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np

from motionwarp.pipeline.patch_match import RADIUS, IndexArray, PatchLevel
from motionwarp.pipeline.seams import seam_correction
from motionwarp.types import BoolArray, ByteArray, FloatArray

# long sides of the finest and of the least coarsest size that sources are searched at
_FINEST, _COARSEST = 416, 48
# rounds of search and votes at each size from the coarsest on; the last holds for all that follow
_ROUNDS: Final = (16, 8, 5, 3)
# pairs of targets and sources up to which all are tried
_TRY_ALL: Final = 24_000_000
# patches that a picture must have to be filled from
_LEAST_SOURCES: Final = 50
# of the finest size's long side: how far brightness is matched across seams
_SEAM_LENGTH: Final = 0.15
_SEAM_ROUNDS, _SEAM_ROUNDS_FULL = 160, 12


def filled_by_patches(guess: ByteArray, hole: BoolArray, *, seed: int = 0) -> ByteArray:
    """Fill a hole with pieces of what surrounds it.

    Parameters
    ----------
    guess : uint8 (H, W, 3)
        The picture, its hole filled smoothly.
    hole : bool (H, W)
    seed : int
        Of the search.

    Returns
    -------
    uint8 (H, W, 3)
        Equal to the guess outside of the hole, and everywhere if the picture has too little to fill from.
    """
    rng = np.random.default_rng(seed)
    offsets = None
    for number, (rgb, small_hole) in enumerate(_pyramid(guess, hole)):
        level = PatchLevel(rgb, small_hole, rng)
        if len(level.sources) >= _LEAST_SOURCES and len(level.targets):
            offsets = _solved(level, offsets, _ROUNDS[min(number, len(_ROUNDS) - 1)], rng)
    return guess.copy() if offsets is None else _copied(guess, hole, offsets)


def _pyramid(guess: ByteArray, hole: BoolArray) -> Iterator[tuple[FloatArray, BoolArray]]:
    """Yield the picture float32 (h, w, 3) and its hole bool (h, w) from coarse to fine, without the hole's colours around it."""
    height, width = hole.shape
    long_side = min(_FINEST, max(height, width))
    count = max(int(np.log2(long_side / _COARSEST)), 0) + 1
    known = (~hole).astype(np.float32)
    for halvings in range(count - 1, -1, -1):
        scale = long_side / 2**halvings / max(height, width)
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
        colours = cv2.resize(guess * known[..., None], size, interpolation=cv2.INTER_AREA) / np.maximum(weight, 1e-4)[..., None]
        # where sources come from in the end no pixel may be of the hole; before that, half known is better than not
        small_hole = weight < (1 - 1e-3 if halvings == 0 else 0.5)
        inside = cv2.resize(guess, size, interpolation=cv2.INTER_AREA)
        yield np.where(small_hole[..., None], inside, colours).astype(np.float32), small_hole


def _solved(level: PatchLevel, coarser: FloatArray | None, rounds: int, rng: np.random.Generator) -> FloatArray:
    """Return offsets (y, x) of the sources of a level's targets, float32 (h, w, 2); `coarser` are those of the level before."""
    try_all = len(level.targets) * len(level.sources) <= _TRY_ALL
    y, x = np.divmod(level.targets, level.width)
    if coarser is None:
        chosen = rng.choice(level.sources, len(level.targets))
    else:
        down, across = _at(coarser, y, x, level.hole.shape)
        chosen = level.valid(level.centre_at(y + down, x + across))
        level.vote(chosen, np.zeros(len(chosen), dtype=np.float32))
    for turn in range(rounds):
        goals = level.features(level.targets)
        if turn or coarser is not None:
            level.discourage_repeats(chosen)
        if try_all:
            chosen = level.best_of_all(goals)
        distance = level.distances(goals, chosen)
        if not try_all:
            level.improve(goals, chosen, distance, (1,) if turn else (4, 1), max(level.hole.shape) // 4)
        level.vote(chosen, distance)
    offsets = np.zeros((*level.hole.shape, 2), dtype=np.float32)
    offsets[y, x] = np.stack(np.divmod(chosen, level.width), axis=1) - np.stack([y, x], axis=1)
    return offsets


def _at(offsets: FloatArray, y: IndexArray, x: IndexArray, shape: tuple[int, ...]) -> tuple[IndexArray, IndexArray]:
    """Return the offsets at pixels of a larger picture of that shape, in its pixels: two int64 (n,)."""
    height, width = offsets.shape[:2]
    down, across = shape[0] / height, shape[1] / width
    row = np.clip(((y + 0.5) / down).astype(np.int64), RADIUS, height - 1 - RADIUS)
    column = np.clip(((x + 0.5) / across).astype(np.int64), RADIUS, width - 1 - RADIUS)
    found = np.rint(offsets[row, column] * np.array([down, across])).astype(np.int64)
    return found[:, 0], found[:, 1]


def _copied(guess: ByteArray, hole: BoolArray, offsets: FloatArray) -> ByteArray:
    """Copy the sources' pixels and match their brightness: at the offsets' own size first, where it is quick."""
    height, width = offsets.shape[:2]
    small = np.asarray(cv2.resize(guess, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    small_hole = cv2.resize(hole.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 1e-3
    length = _SEAM_LENGTH * max(height, width)
    nothing = np.zeros(small.shape, dtype=np.float32)
    coarse = seam_correction(small, small_hole, _sources(offsets, small_hole), nothing, length=length, rounds=_SEAM_ROUNDS)
    source = _sources(offsets, hole)
    start = np.asarray(cv2.resize(coarse, hole.shape[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    length *= max(hole.shape) / max(height, width)
    fine = seam_correction(guess, hole, source, start, length=length, rounds=_SEAM_ROUNDS_FULL)
    result = guess.copy()
    result[hole] = np.clip(np.rint(guess.reshape(-1, 3)[source[hole]] + fine[hole]), 0, 255).astype(np.uint8)
    return result


def _sources(offsets: FloatArray, hole: BoolArray) -> IndexArray:
    """Return the number of the pixel that each is copied from, int64 (H, W): its own outside of the hole."""
    height, width = hole.shape
    source = np.arange(hole.size, dtype=np.int64).reshape(hole.shape)
    y, x = np.nonzero(hole)
    down, across = _at(offsets, y, x, hole.shape)
    # one pixel is left at the picture's edges: gradients are taken there
    source[y, x] = np.clip(y + down, 1, height - 2) * width + np.clip(x + across, 1, width - 2)
    return source
