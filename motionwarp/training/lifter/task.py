"""Training of the lifter (`motionwarp train body lifter`) on tracks made from motion capture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from motionwarp.body.lifter import LIFTER_ARCHITECTURE, Lifter, LifterConfig, normalize
from motionwarp.body.lifter_figures import measure_lifter, measuring_tracks
from motionwarp.body.lifting import save_lifter
from motionwarp.body.model import BodyModel
from motionwarp.body.synthetic_tracks import SyntheticTracks, TrackNoise
from motionwarp.data.loader import resumable_batches
from motionwarp.data.motion_pack import read_motion_pack
from motionwarp.errors import OptionError
from motionwarp.training.lifter.loss import LifterLossWeights, lifter_loss
from motionwarp.training.lifter.samples import BatchShape, BatchShapes, LifterBatches, as_tracks
from motionwarp.training.network_task import NetworkTask
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig


def _loop() -> LoopConfig:
    return LoopConfig(
        steps=5000,
        batch_size=1,
        learning_rate=2.5e-3,
        warmup_steps=300,
        schedule="cosine",
        weight_decay=0.01,
        gradient_clip=1.0,
        ema_decay=0.998,
        seed=1,
        workers=0,
        log_every=100,
    )


@dataclass(frozen=True)
class LifterTrainingConfig:
    """Everything that decides what a run of the lifter gives.

    Attributes
    ----------
    packs : tuple of PackShare
        Of motion (`motionwarp dataset pack motion`); their weights multiply how often their takes are drawn.
    validation : Path or None
        A pack of motion that is never trained on, measured at every export.
    start_from : Path or None
        Weights of a lifter of the same size to begin with; None begins at random.
    network, noise, weights
        See their own classes.
    first, then : tuple of BatchShape
        Shapes of the batches in the first `single_share` of the steps, and after; each batch's shape is drawn evenly.
    single_share : float
        In [0, 1].
    people : int
        How many bodies are drawn.
    steep : float
        Share of cameras that look down or up steeply, in [0, 1].
    loop : LoopConfig
        Its `batch_size` is 1: `first` and `then` say what a batch is.
    """

    packs: tuple[PackShare, ...]
    validation: Path | None = None
    start_from: Path | None = None
    network: LifterConfig = field(default_factory=lambda: LifterConfig(width=192))
    noise: TrackNoise = field(default_factory=TrackNoise)
    weights: LifterLossWeights = field(default_factory=LifterLossWeights)
    first: tuple[BatchShape, ...] = (BatchShape(1, 512), BatchShape(1, 512), BatchShape(1, 512), BatchShape(8, 64))
    then: tuple[BatchShape, ...] = (BatchShape(1, 512), BatchShape(8, 80), BatchShape(24, 32), BatchShape(32, 24))
    single_share: float = 0.45
    people: int = 400
    steep: float = 0.15
    loop: LoopConfig = field(default_factory=_loop)

    def __post_init__(self) -> None:
        if not self.first or not self.then or self.people < 1 or not 0 <= self.single_share <= 1:
            raise OptionError(
                "a lifter is trained by batches of people, of which this configuration has none",
                remedy="Give shapes as `first` and `then`, `people` of at least 1 and a `single_share` in [0, 1].",
            )
        if not 0 <= self.steep <= 1:
            raise OptionError(f"'steep' is a share in [0, 1], got {self.steep}")
        if self.loop.batch_size != 1:
            raise OptionError(
                f"'loop.batch_size' is {self.loop.batch_size}, and a lifter's batches are told otherwise",
                remedy="Set it to 1, and say in `first` and `then` how many tracks of how many frames a batch has.",
            )


class LifterTask(NetworkTask[LifterTrainingConfig, dict[str, Tensor]]):
    """One lifter, AdamW, and tracks made while training."""

    averaged = architecture = LIFTER_ARCHITECTURE

    def __init__(self, config: LifterTrainingConfig, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(config, device, dtype)
        self._held_out: dict[str, SyntheticTracks] = {}
        if config.validation is not None:
            self._held_out = measuring_tracks(BodyModel.load(), read_motion_pack(config.validation).motions)

    def make_network(self) -> Lifter:
        """Return a lifter of the configured size."""
        return Lifter(self.config.network)

    def make_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return AdamW with a shorter memory than the other networks' one."""
        loop = self.config.loop
        return torch.optim.AdamW(
            network.parameters(), lr=loop.learning_rate, weight_decay=loop.weight_decay, betas=(0.9, 0.98)
        )

    def samples(self) -> LifterBatches:
        """Return the batches of tracks."""
        config = self.config
        shapes = BatchShapes(config.first, config.then, config.single_share * config.loop.steps)
        return LifterBatches(config.packs, shapes, config.noise, config.people, config.loop.seed, config.steep)

    def batches(self, first_step: int, steps: int) -> Iterator[dict[str, Tensor]]:
        """Yield the batches of steps `first_step` to `steps`."""
        loop = self.config.loop
        return resumable_batches(self.samples(), loop.seed, 1, first_step, steps, loop.workers)

    def losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return `lifter_loss` and its parts."""
        tracks = as_tracks(batch, self.device)
        given = normalize(tracks.points)
        with self.autocast():
            lifted = self.network(given.points)
        parts = lifter_loss(lifted, given, tracks, self.config.weights)
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}

    def export(self, module: nn.Module, folder: Path, step: int) -> dict[str, float]:
        """Write the lifter as `lifter.safetensors`, and measure it."""
        assert isinstance(module, Lifter)
        save_lifter(folder / f"{self.architecture}.safetensors", module)
        return {"exported_step": float(step), **self.validate(module)}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Return the errors on tracks of takes that are never trained on."""
        assert isinstance(module, Lifter)
        found: dict[str, float] = {}
        for name, tracks in self._held_out.items():
            figures = measure_lifter(module, tracks, self.device)
            found[f"{name}_mm"] = figures.joint_error_mm
            found[f"{name}_facing"] = figures.facing_within_30
        return found
