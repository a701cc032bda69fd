"""Patch matching: for every patch that reaches into a hole, a patch of the known picture that is like it.

The field of nearest neighbors is kept good by propagation and random search (PatchMatch, Barnes et al. 2009, section
3), for all patches at once instead of pixel after pixel; the hole is repainted by votes of the overlapping patches
(Wexler, Shechtman and Irani 2007, section 3). Patches are compared by their principal components, which keeps nearly
all of the distance and costs a sixth. What lines that cross the hole would bring there (`across.py`) is what a source
should look like from afar, as far as its two sides agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np

from motionwarp.inpainting.across import carried_across
from motionwarp.inpainting.patch_rows import IndexArray, patches_at, voted_colors
from motionwarp.inpainting.seams import seam_correction
from motionwarp.types import BoolArray, ByteArray, FloatArray

# patches are 7x7, as in both papers
RADIUS: Final = 3
_SIDE: Final = 2 * RADIUS + 1
# principal components that patches are compared by
_COMPONENTS: Final = 24
_SAMPLES: Final = 2000
# levels of 255 that a source a whole height (width) away counts as: ground stays ground, sky stays sky
_FAR_DOWN, _FAR_ACROSS = 140.0, 2.0
# weight of the color that lines across the hole bring to a place, against a patch's, and pixels that it is the mean of
_ACROSS, _ACROSS_SIDE = 1.3, 5
# squared levels for each time that a source is used, and how many times count: a patch used often becomes a pattern
_OFTEN, _OFTEN_AT_MOST = 8.0, 20.0
# a source far from the neighbors' must be better by this factor and these squared levels: whole pieces look truer than
# shreds
_COHERENCE, _COHERENCE_LEVELS = 1.2, 4.0
# votes weaken by this factor with every pixel from the hole's edge (Wexler et al., section 3.1)
_DEPTH_DECAY, _DEEPEST = 1.3, 60.0
# of the distances, at which votes are halved or less: little, so that the best sources win and nothing is averaged to a
# blur
_VOTE_QUANTILE: Final = 0.3
# targets that are compared with all sources at once: their products stay in the processor's cache
_GOALS_AT_ONCE: Final = 128


class PatchLevel:
    """One size of the picture. Pixels are numbered row by row; `targets` and `sources` are centers of patches.

    Parameters
    ----------
    rgb : float32 (H, W, 3)
        In levels of 255, with a first guess inside the hole; `vote` repaints the hole in place.
    hole : bool (H, W)
    rng : numpy Generator

    Attributes
    ----------
    targets : int64 (N,)
        Centers of patches inside the picture that reach into the hole.
    sources : int64 (S,)
        Centers of patches inside the picture without a pixel of the hole.
    """

    def __init__(self, rgb: FloatArray, hole: BoolArray, rng: np.random.Generator) -> None:
        self.rgb, self.hole, self._rng = rgb, hole, rng
        self.height, self.width = hole.shape
        reached = cv2.dilate(hole.astype(np.uint8), np.ones((_SIDE, _SIDE), np.uint8)) > 0
        inner = np.zeros(hole.shape, dtype=np.bool_)
        inner[RADIUS : self.height - RADIUS, RADIUS : self.width - RADIUS] = True
        self._is_source = (inner & ~reached).ravel()
        self.sources: IndexArray = np.flatnonzero(self._is_source)
        self.targets: IndexArray = np.flatnonzero((inner & reached).ravel())
        self._number_of = np.full(hole.size, -1, dtype=np.int64)
        self._number_of[self.targets] = np.arange(len(self.targets))
        depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3).ravel()[self.targets]
        self._sureness = np.float32(_DEPTH_DECAY) ** -np.minimum(depth, _DEEPEST)  # (N,)
        self._overuse: FloatArray = np.zeros(hole.size, dtype=np.float32)
        self._mean, self._basis = self._components()
        brought, alike = carried_across(rgb, hole)
        self._brought = cv2.blur(brought, (_ACROSS_SIDE, _ACROSS_SIDE)).reshape(-1, 3)
        self._alike = alike.reshape(-1, 1)
        self._features = np.zeros((hole.size, _COMPONENTS + 5), dtype=np.float32)
        for start in range(0, len(self.sources), 8192):  # in pieces: whole patches of all sources would be large
            piece = self.sources[start : start + 8192]
            self._features[piece] = self.features(piece)

    def features(self, centers: IndexArray) -> FloatArray:
        """Return what patches are compared by: mean squared differences of color and place are squared distances.

        Returns
        -------
        float32 (n, 29)
        """
        y, x = np.divmod(centers, self.width)
        place = np.stack([y * (_FAR_DOWN / self.height), x * (_FAR_ACROSS / self.width)], axis=1)
        color = (self._patches(centers) - self._mean) @ self._basis
        own = cv2.blur(self.rgb, (_ACROSS_SIDE, _ACROSS_SIDE)).reshape(-1, 3)[centers]
        # where the two sides contradict each other nothing is asked but what patches ask for
        across = (own + (self._brought[centers] - own) * self._alike[centers]) * np.float32(_ACROSS / np.sqrt(3))
        return np.concatenate([color, place.astype(np.float32), across], axis=1)

    def distances(self, goals: FloatArray, chosen: IndexArray) -> FloatArray:
        """Return how ill sources suit, float32 (n,) in squared levels; `goals` (n, 29) are the targets' features."""
        difference = self._features[chosen] - goals
        return np.asarray(np.einsum("nd,nd->n", difference, difference) + self._overuse[chosen], dtype=np.float32)

    def best_of_all(self, goals: FloatArray) -> IndexArray:
        """Return the best source of each target by trying every one, int64 (N,)."""
        features = self._features[self.sources]  # (S, 26)
        half = 0.5 * (np.einsum("nd,nd->n", features, features) + self._overuse[self.sources])
        best = [
            np.argmin(half - goals[row : row + _GOALS_AT_ONCE] @ features.T, axis=1)
            for row in range(0, len(goals), _GOALS_AT_ONCE)
        ]
        return np.asarray(self.sources[np.concatenate(best)], dtype=np.int64)

    def improve(
        self, goals: FloatArray, chosen: IndexArray, distance: FloatArray, jumps: tuple[int, ...], reach: int
    ) -> None:
        """Make `chosen` and `distance` (N,) better in place.

        Parameters
        ----------
        goals : float32 (N, 29)
        chosen : int64 (N,)
        distance : float32 (N,)
        jumps : tuple of int
            How far away, in pixels, neighbors' sources are taken over from.
        reach : int
            Radius of the random search, in pixels; halved until nothing is left of it.
        """
        for jump in jumps:
            for step in (jump, -jump, jump * self.width, -jump * self.width):
                self._take_over(goals, chosen, distance, step)
        while reach >= 1:
            y, x = np.divmod(chosen, self.width)
            move = self._rng.integers(-reach, reach + 1, (2, len(chosen)))
            self._try(goals, chosen, distance, self.center_at(y + move[0], x + move[1]), bold=True)
            reach //= 2

    def center_at(self, y: IndexArray, x: IndexArray) -> IndexArray:
        """Return the numbers of the nearest centers whose patches lie inside the picture, int64 (n,)."""
        rows = np.clip(y, RADIUS, self.height - 1 - RADIUS)
        return np.asarray(rows * self.width + np.clip(x, RADIUS, self.width - 1 - RADIUS), dtype=np.int64)

    def valid(self, chosen: IndexArray) -> IndexArray:
        """Return `chosen` (n,) with what is no source replaced by one at random."""
        good = self._is_source[chosen]
        return np.where(good, chosen, self._rng.choice(self.sources, len(chosen)))

    def discourage_repeats(self, chosen: IndexArray) -> None:
        """Make sources that are used often dearer (after Kaspar et al. 2015, section 4.3, in a simple form)."""
        uses = np.bincount(chosen, minlength=self.hole.size).astype(np.float32).reshape(self.hole.shape)
        self._overuse = np.asarray(
            _OFTEN * np.minimum(cv2.blur(uses, (_SIDE, _SIDE)), _OFTEN_AT_MOST), dtype=np.float32
        ).ravel()

    def vote(self, chosen: IndexArray, distance: FloatArray) -> None:
        """Repaint the hole.

        Every pixel is the mean of what the patches over it have there, the sure and alike ones first.
        """
        spread = max(float(np.quantile(distance, _VOTE_QUANTILE)), 1.0)
        weight = self._sureness * np.exp(-distance / (2 * spread)) + np.float32(1e-9)
        inside = np.flatnonzero(self.hole)
        voted_colors(self.rgb, inside, self._number_of, chosen, weight.astype(np.float32), RADIUS)

    def _take_over(self, goals: FloatArray, chosen: IndexArray, distance: FloatArray, step: int) -> None:
        near = np.clip(self.targets + step, 0, self.hole.size - 1)
        number = self._number_of[near]
        candidate = np.where(number >= 0, np.clip(chosen[number] - step, 0, self.hole.size - 1), chosen)
        self._try(goals, chosen, distance, candidate, bold=False)

    def _try(
        self, goals: FloatArray, chosen: IndexArray, distance: FloatArray, candidate: IndexArray, *, bold: bool
    ) -> None:
        where = np.flatnonzero(self._is_source[candidate] & (candidate != chosen))
        found = self.distances(goals[where], candidate[where])
        before = distance[where]
        better = (
            found * _COHERENCE + _COHERENCE_LEVELS < before if bold else found < before * _COHERENCE + _COHERENCE_LEVELS
        )
        chosen[where[better]] = candidate[where[better]]
        distance[where[better]] = found[better]

    def _patches(self, centers: IndexArray) -> FloatArray:
        return patches_at(self.rgb, centers, RADIUS)  # (n, 147)

    def _components(self) -> tuple[FloatArray, FloatArray]:
        """Return the mean patch (147,) and the main directions (147, 24) that patches of the picture differ in."""
        size = 3 * _SIDE * _SIDE
        if not len(self.sources):
            return np.zeros(size, dtype=np.float32), np.zeros((size, _COMPONENTS), dtype=np.float32)
        patches = self._patches(self._rng.choice(self.sources, min(_SAMPLES, len(self.sources)), replace=False))
        mean = patches.mean(axis=0)
        _, directions = np.linalg.eigh((patches - mean).T @ (patches - mean))
        basis = directions[:, ::-1][:, :_COMPONENTS] / np.sqrt(size)
        return np.asarray(mean, dtype=np.float32), np.ascontiguousarray(basis, dtype=np.float32)


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


def filled_by_patches(guess: ByteArray, hole: BoolArray, *, seed: int = 0, finest: int = _FINEST) -> ByteArray:
    """Fill a hole with pieces of what surrounds it.

    Parameters
    ----------
    guess : uint8 (H, W, 3)
        The picture, its hole filled smoothly.
    hole : bool (H, W)
    seed : int
        Seed of the search.
    finest : int
        Long side, in pixels, of the finest size that is searched; what is found is copied at the picture's own.

    Returns
    -------
    uint8 (H, W, 3)
        Equal to the guess outside of the hole, and everywhere if the picture has too little to fill from.
    """
    rng = np.random.default_rng(seed)
    offsets = None
    for number, (rgb, small_hole) in enumerate(_pyramid(guess, hole, finest)):
        level = PatchLevel(rgb, small_hole, rng)
        if len(level.sources) >= _LEAST_SOURCES and len(level.targets):
            offsets = _solved(level, offsets, _ROUNDS[min(number, len(_ROUNDS) - 1)], rng)
    return guess.copy() if offsets is None else _copied(guess, hole, offsets)


def _pyramid(guess: ByteArray, hole: BoolArray, finest: int) -> Iterator[tuple[FloatArray, BoolArray]]:
    """Yield the picture float32 (h, w, 3) and its hole bool (h, w) from coarse to fine, the hole's colors left out."""
    height, width = hole.shape
    long_side = min(finest, max(height, width))
    count = max(int(np.log2(long_side / _COARSEST)), 0) + 1
    known = (~hole).astype(np.float32)
    for halvings in range(count - 1, -1, -1):
        scale = long_side / 2**halvings / max(height, width)
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
        colors = (
            cv2.resize(guess * known[..., None], size, interpolation=cv2.INTER_AREA)
            / np.maximum(weight, 1e-4)[..., None]
        )
        # where sources come from in the end no pixel may be of the hole; before that, half known is better than not
        small_hole = weight < (1 - 1e-3 if halvings == 0 else 0.5)
        inside = cv2.resize(guess, size, interpolation=cv2.INTER_AREA)
        yield np.where(small_hole[..., None], inside, colors).astype(np.float32), small_hole


def _solved(level: PatchLevel, coarser: FloatArray | None, rounds: int, rng: np.random.Generator) -> FloatArray:
    """Return offsets (y, x) of the sources of a level's targets, float32 (h, w, 2).

    `coarser` are those of the level before.
    """
    try_all = len(level.targets) * len(level.sources) <= _TRY_ALL
    y, x = np.divmod(level.targets, level.width)
    if coarser is None:
        chosen = rng.choice(level.sources, len(level.targets))
    else:
        down, across = _at(coarser, y, x, level.hole.shape)
        chosen = level.valid(level.center_at(y + down, x + across))
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
    coarse = seam_correction(
        small, small_hole, _sources(offsets, small_hole), nothing, length=length, rounds=_SEAM_ROUNDS
    )
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
