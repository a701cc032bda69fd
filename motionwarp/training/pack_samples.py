"""Endless samples drawn from packs by number: a run that goes on gets exactly those that it would have got."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
from torch.utils.data import Dataset

from motionwarp.errors import OptionError

Sample = TypeVar("Sample")
Batch = TypeVar("Batch")


@dataclass(frozen=True)
class PackShare:
    """One pack and how often it is drawn from, relative to the others."""

    path: Path
    weight: float


def check_shares(shares: Sequence[PackShare]) -> None:
    """Refuse shares of which nothing can be drawn.

    Raises
    ------
    OptionError
        If no pack has a positive weight.
    """
    if not shares or sum(share.weight for share in shares) <= 0:
        raise OptionError("training needs at least one pack with a positive weight")


@dataclass(frozen=True)
class PackTrainingConfig:
    """What all trainings of one network from pairs in packs have; their configurations add network, losses and loop.

    Attributes
    ----------
    packs : tuple of PackShare
        Packs of pairs.
    validation : Path or None
        A pack of pairs of people that are not trained on, measured at every export.
    vgg : Path or None
        Weights of the VGG that the paper's loss compares features of (safetensors, torchvision's names); None takes the
        project's own analyzer.
    start_from : Path or None
        Weights of the same network to begin with.
    """

    packs: tuple[PackShare, ...]
    validation: Path | None = None
    vgg: Path | None = None
    start_from: Path | None = None

    def __post_init__(self) -> None:
        check_shares(self.packs)


class PackSamples(Dataset[Batch], Generic[Sample, Batch]):
    """Base of data sets that make the sample of a number from what they draw out of packs.

    Parameters
    ----------
    shares : sequence of PackShare
    seed : int
    """

    def __init__(self, shares: Sequence[PackShare], seed: int) -> None:
        check_shares(shares)
        self.shares, self.seed = tuple(shares), seed
        total = sum(share.weight for share in shares)
        self._probabilities = [share.weight / total for share in shares]
        self._packs: list[Any] | None = None

    @abstractmethod
    def open_pack(self, path: Path) -> Any:
        """Open a pack: a sequence of what `draw` gives."""

    @abstractmethod
    def make(self, rng: np.random.Generator) -> Batch:
        """Make one sample, without the batch's dimension, from random numbers of its own."""

    def __getitem__(self, index: int) -> Batch:
        self.packs()
        return self.make(np.random.default_rng([self.seed, index]))

    def packs(self) -> list[Any]:
        """Return the packs, opened where they are used: a mapped file must not be shared through a fork."""
        if self._packs is None:
            cv2.setNumThreads(1)
            self._packs = [self.open_pack(share.path) for share in self.shares]
        return self._packs

    def draw(self, rng: np.random.Generator) -> Sample:
        """Draw a pack by its weight, and one of its samples."""
        packs = self.packs()
        pack = packs[int(rng.choice(len(packs), p=self._probabilities))]
        drawn: Sample = pack[int(rng.integers(len(pack)))]
        return drawn
