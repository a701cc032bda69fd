"""A picture with a hole at one size, and for every patch that reaches into the hole a patch of the known picture that is like it.

The field of nearest neighbours is kept good by propagation and random search (PatchMatch, Barnes et al. 2009, section 3), for all
patches at once instead of pixel after pixel; the hole is repainted by votes of the overlapping patches (Wexler, Shechtman and Irani
2007, section 3). Patches are compared by their principal components, which keeps nearly all of the distance and costs a sixth.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.types import BoolArray, FloatArray

IndexArray = npt.NDArray[np.int64]

# patches are 7x7, as in both papers
RADIUS: Final = 3
_SIDE: Final = 2 * RADIUS + 1
# principal components that patches are compared by
_COMPONENTS: Final = 24
_SAMPLES: Final = 2000
# levels of 255 that a source a whole height (width) away counts as: ground stays ground, sky stays sky
_FAR_DOWN, _FAR_ACROSS = 140.0, 2.0
# squared levels for each time that a source is used, and how many times count: a patch used often becomes a pattern
_OFTEN, _OFTEN_AT_MOST = 8.0, 20.0
# a source far from the neighbours' must be better by this factor and these squared levels: whole pieces look truer than shreds
_COHERENCE, _COHERENCE_LEVELS = 1.2, 4.0
# votes weaken by this factor with every pixel from the hole's edge (Wexler et al., section 3.1)
_DEPTH_DECAY, _DEEPEST = 1.3, 60.0
# of the distances, at which votes are halved or less: little, so that the best sources win and nothing is averaged to a blur
_VOTE_QUANTILE: Final = 0.3


class PatchLevel:
    """One size of the picture. Pixels are numbered row by row; `targets` and `sources` are centres of patches.

    Parameters
    ----------
    rgb : float32 (H, W, 3)
        In levels of 255, with a first guess inside the hole; `vote` repaints the hole in place.
    hole : bool (H, W)
    rng : numpy Generator

    Attributes
    ----------
    targets : int64 (N,)
        Centres of patches inside the picture that reach into the hole.
    sources : int64 (S,)
        Centres of patches inside the picture without a pixel of the hole.
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
        self._features = np.zeros((hole.size, _COMPONENTS + 2), dtype=np.float32)
        for start in range(0, len(self.sources), 8192):  # in pieces: whole patches of all sources would be large
            piece = self.sources[start : start + 8192]
            self._features[piece] = self.features(piece)

    def features(self, centres: IndexArray) -> FloatArray:
        """Return what patches are compared by: mean squared differences of colour and place are squared distances.

        Returns
        -------
        float32 (n, 26)
        """
        y, x = np.divmod(centres, self.width)
        place = np.stack([y * (_FAR_DOWN / self.height), x * (_FAR_ACROSS / self.width)], axis=1)
        colour = (self._patches(centres) - self._mean) @ self._basis
        return np.concatenate([colour, place.astype(np.float32)], axis=1)

    def distances(self, goals: FloatArray, chosen: IndexArray) -> FloatArray:
        """Return how ill sources suit, float32 (n,) in squared levels; `goals` (n, 26) are the targets' features."""
        difference = self._features[chosen] - goals
        return np.asarray(np.einsum("nd,nd->n", difference, difference) + self._overuse[chosen], dtype=np.float32)

    def best_of_all(self, goals: FloatArray) -> IndexArray:
        """Return the best source of each target by trying every one, int64 (N,)."""
        features = self._features[self.sources]  # (S, 26)
        half = 0.5 * (np.einsum("nd,nd->n", features, features) + self._overuse[self.sources])
        best = [np.argmin(half - goals[row : row + 1024] @ features.T, axis=1) for row in range(0, len(goals), 1024)]
        return np.asarray(self.sources[np.concatenate(best)], dtype=np.int64)

    def improve(self, goals: FloatArray, chosen: IndexArray, distance: FloatArray, jumps: tuple[int, ...], reach: int) -> None:
        """Make `chosen` and `distance` (N,) better in place.

        Parameters
        ----------
        goals : float32 (N, 26)
        chosen : int64 (N,)
        distance : float32 (N,)
        jumps : tuple of int
            How far away, in pixels, neighbours' sources are taken over from.
        reach : int
            Of the random search, in pixels; halved until nothing is left of it.
        """
        for jump in jumps:
            for step in (jump, -jump, jump * self.width, -jump * self.width):
                self._take_over(goals, chosen, distance, step)
        while reach >= 1:
            y, x = np.divmod(chosen, self.width)
            move = self._rng.integers(-reach, reach + 1, (2, len(chosen)))
            self._try(goals, chosen, distance, self.centre_at(y + move[0], x + move[1]), bold=True)
            reach //= 2

    def centre_at(self, y: IndexArray, x: IndexArray) -> IndexArray:
        """Return the numbers of the nearest centres whose patches lie inside the picture, int64 (n,)."""
        rows = np.clip(y, RADIUS, self.height - 1 - RADIUS)
        return np.asarray(rows * self.width + np.clip(x, RADIUS, self.width - 1 - RADIUS), dtype=np.int64)

    def valid(self, chosen: IndexArray) -> IndexArray:
        """Return `chosen` (n,) with what is no source replaced by one at random."""
        good = self._is_source[chosen]
        return np.where(good, chosen, self._rng.choice(self.sources, len(chosen)))

    def discourage_repeats(self, chosen: IndexArray) -> None:
        """Make sources that are used often dearer (after Kaspar et al. 2015, section 4.3, in a simple form)."""
        uses = np.bincount(chosen, minlength=self.hole.size).astype(np.float32).reshape(self.hole.shape)
        self._overuse = np.asarray(_OFTEN * np.minimum(cv2.blur(uses, (_SIDE, _SIDE)), _OFTEN_AT_MOST), dtype=np.float32).ravel()

    def vote(self, chosen: IndexArray, distance: FloatArray) -> None:
        """Repaint the hole: every pixel is the mean of what the patches over it have there, the sure and alike ones first."""
        spread = max(float(np.quantile(distance, _VOTE_QUANTILE)), 1.0)
        weight = self._sureness * np.exp(-distance / (2 * spread)) + np.float32(1e-9)
        weights = np.repeat(weight.astype(np.float32), 4).reshape(-1, 4)
        flat, size = self.rgb.reshape(-1, 3), self.hole.size
        colours = np.concatenate([flat, np.ones((size, 1), dtype=np.float32)], axis=1)  # (H * W, 4)
        sums, placed = np.zeros_like(colours), np.zeros_like(colours)
        for y in range(-RADIUS, RADIUS + 1):
            for x in range(-RADIUS, RADIUS + 1):
                shift = y * self.width + x
                placed[self.targets] = np.take(colours, chosen + shift, axis=0) * weights
                sums[max(shift, 0) : size + min(shift, 0)] += placed[max(-shift, 0) : size - max(shift, 0)]
        inside = np.flatnonzero(self.hole.ravel() & (sums[:, 3] > 0))
        flat[inside] = sums[inside, :3] / sums[inside, 3:]

    def _take_over(self, goals: FloatArray, chosen: IndexArray, distance: FloatArray, step: int) -> None:
        near = np.clip(self.targets + step, 0, self.hole.size - 1)
        number = self._number_of[near]
        candidate = np.where(number >= 0, np.clip(chosen[number] - step, 0, self.hole.size - 1), chosen)
        self._try(goals, chosen, distance, candidate, bold=False)

    def _try(self, goals: FloatArray, chosen: IndexArray, distance: FloatArray, candidate: IndexArray, *, bold: bool) -> None:
        where = np.flatnonzero(self._is_source[candidate] & (candidate != chosen))
        found = self.distances(goals[where], candidate[where])
        before = distance[where]
        better = found * _COHERENCE + _COHERENCE_LEVELS < before if bold else found < before * _COHERENCE + _COHERENCE_LEVELS
        chosen[where[better]] = candidate[where[better]]
        distance[where[better]] = found[better]

    def _patches(self, centres: IndexArray) -> FloatArray:
        windows = np.lib.stride_tricks.sliding_window_view(self.rgb, (_SIDE, _SIDE), axis=(0, 1))  # (H - 6, W - 6, 3, 7, 7)
        y, x = np.divmod(centres, self.width)
        return np.asarray(windows[y - RADIUS, x - RADIUS].reshape(len(centres), -1), dtype=np.float32)  # (n, 147)

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
