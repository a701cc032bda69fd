"""The lifter's training data: packs of motion in, batches of tracks out, every batch a function of seed and number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.model import BodyModel
from motionwarp.body.rig import PointRig
from motionwarp.body.synthetic_tracks import SyntheticTracks, TrackMaker, TrackNoise, draw_people
from motionwarp.data.motion_pack import read_motion_pack
from motionwarp.errors import OptionError
from motionwarp.training.pack_samples import PackShare, check_shares

_RIG = "rig_"


@dataclass(frozen=True)
class BatchShape:
    """Tracks of a batch.

    Attributes
    ----------
    frames, tracks : int
        At least 1.
    """

    frames: int
    tracks: int

    def __post_init__(self) -> None:
        if self.frames < 1 or self.tracks < 1:
            raise OptionError(f"a batch has at least one track of one frame, got {self}")


@dataclass(frozen=True)
class BatchShapes:
    """Which shapes the batches of a run have, by their number.

    Attributes
    ----------
    first, then : tuple of BatchShape
        Of the batches before `turning`, and from there on; each batch's shape is drawn evenly.
    turning : float
        Number of a batch.
    """

    first: tuple[BatchShape, ...]
    then: tuple[BatchShape, ...]
    turning: float

    def drawn(self, number: int, random: torch.Generator) -> BatchShape:
        """Return the shape of a batch."""
        shapes = self.first if number < self.turning else self.then
        return shapes[int(torch.randint(len(shapes), (1,), generator=random))]


class LifterBatches(Dataset[dict[str, Tensor]]):
    """Endless batches of tracks by number.

    Parameters
    ----------
    packs : sequence of PackShare
        Of motion; their weights multiply how often their takes are drawn.
    shapes : BatchShapes
    noise : TrackNoise
    people : int
        How many bodies are drawn.
    seed : int
    steep : float
        Share of cameras that look down or up steeply.
    """

    def __init__(
        self,
        packs: Sequence[PackShare],
        shapes: BatchShapes,
        noise: TrackNoise,
        people: int,
        seed: int,
        steep: float = 0.15,
    ) -> None:
        check_shares(packs)
        self._packs, self._shapes, self._noise, self._people, self._seed = tuple(packs), shapes, noise, people, seed
        self._steep = steep
        self._maker: TrackMaker | None = None

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if self._maker is None:
            self._maker = self._made()
        random = _random(self._seed, index)
        shape = self._shapes.drawn(index, random)
        return as_tensors(self._maker.batch(shape.tracks, shape.frames, random))

    def _made(self) -> TrackMaker:
        motions: list[BodyMotion] = []
        weights: list[float] = []
        for share in self._packs:
            taken = read_motion_pack(Path(share.path)).motions
            motions += taken
            weights += [share.weight] * len(taken)
        people = draw_people(BodyModel.load(), self._people, torch.Generator().manual_seed(self._seed))
        return TrackMaker(motions, people, self._noise, weights=weights, steep=self._steep)


def _random(seed: int, number: int) -> torch.Generator:
    """Return a generator for one batch: unrelated for neighboring numbers, as plain sums of seeds are not."""
    state = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def as_tensors(tracks: SyntheticTracks) -> dict[str, Tensor]:
    """Return tracks as a flat table of tensors, which processes hand to each other."""
    plain = {item.name: getattr(tracks, item.name) for item in fields(tracks) if item.name != "rig"}
    return {**plain, **{_RIG + item.name: getattr(tracks.rig, item.name) for item in fields(tracks.rig)}}


def as_tracks(tensors: dict[str, Tensor], device: torch.device) -> SyntheticTracks:
    """Return what `as_tensors` made flat, on a device; undoes it, and a leading axis of one batch."""
    moved = {name: value.squeeze(0).to(device, non_blocking=True) for name, value in tensors.items()}
    rig = PointRig(moved.pop(_RIG + "offsets"), moved.pop(_RIG + "anchors"))
    return SyntheticTracks(**moved, rig=rig)
