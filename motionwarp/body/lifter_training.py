"""Trains the lifter on tracks made from motion capture; the recipe of what ships is `lifter.toml` beside this file."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.lifter import LIFTER_ARCHITECTURE, Lifter, LifterConfig, normalize
from motionwarp.body.lifter_loss import LifterLossWeights, lifter_loss
from motionwarp.body.model import BodyModel
from motionwarp.body.retargeting import BodyMotion
from motionwarp.body.synthetic_tracks import SyntheticTracks, TrackMaker, TrackNoise, draw_people
from motionwarp.errors import OptionError

RECIPE: Final = Path(__file__).with_name("lifter.toml")
_BODY_POINTS: Final = tuple(range(14))


@dataclass(frozen=True)
class BatchShape:
    """Tracks of a batch.

    Attributes
    ----------
    frames, tracks : int
    """

    frames: int
    tracks: int


@dataclass(frozen=True)
class LifterRecipe:
    """How a lifter is trained.

    Attributes
    ----------
    network : LifterConfig
    noise : TrackNoise
    weights : LifterLossWeights
    steps : int
    rate : float
        Learning rate at its highest; it rises over `warmup` steps and falls to a fiftieth along a cosine.
    warmup : int
    single_share : float
        Share of the steps in which `first` batches are drawn, then `then`; each batch's shape is drawn evenly.
    first, then : tuple of BatchShape
    averaging : float
        Of the weights that are kept, from step to step.
    people : int
        How many bodies are drawn.
    seed : int
    half_precision : bool
        Whether the network runs in bfloat16.
    validation : tuple of str
        Patterns of takes' names that are never trained on.
    """

    network: LifterConfig = field(default_factory=lambda: LifterConfig(width=192))
    noise: TrackNoise = field(default_factory=TrackNoise)
    weights: LifterLossWeights = field(default_factory=LifterLossWeights)
    steps: int = 5000
    rate: float = 2.5e-3
    warmup: int = 300
    single_share: float = 0.45
    first: tuple[BatchShape, ...] = (BatchShape(1, 512), BatchShape(1, 512), BatchShape(1, 512), BatchShape(8, 64))
    then: tuple[BatchShape, ...] = (BatchShape(1, 512), BatchShape(8, 80), BatchShape(24, 32), BatchShape(32, 24))
    averaging: float = 0.998
    people: int = 400
    seed: int = 1
    half_precision: bool = True
    validation: tuple[str, ...] = ("cmu_005_1*", "cmu_131_*")

    def __post_init__(self) -> None:
        if min(self.steps, self.people, self.warmup) <= 0 or not self.first or not self.then:
            raise OptionError(f"a lifter is trained by steps and batches of people; this recipe has none: {self}")

    def is_validation(self, take: str) -> bool:
        """Return whether a take of motion capture is kept from training."""
        return any(fnmatch.fnmatch(take, pattern) for pattern in self.validation)


@dataclass(frozen=True)
class LifterFigures:
    """How well a lifter does.

    Attributes
    ----------
    joint_error_mm : float
        Mean distance of the 14 points of nose, trunk and limbs from the truth, the middles of the hips aligned, on the
        true body.
    facing_within_30 : float
        Share of frames in which the hips face within 30 degrees of the truth.
    """

    joint_error_mm: float
    facing_within_30: float


OnStep = Callable[[int, dict[str, float], nn.Module], None]


def train_lifter(
    body: BodyModel, motions: Sequence[BodyMotion], recipe: LifterRecipe, on_step: OnStep | None = None
) -> Lifter:
    """Train a lifter.

    Parameters
    ----------
    body : BodyModel
    motions : sequence of BodyMotion
        Of training takes only.
    recipe : LifterRecipe
    on_step : callable, optional
        Called after each step with its number, the loss's terms, and the averaged network so far.

    Returns
    -------
    Lifter
        With averaged weights.
    """
    random = torch.Generator().manual_seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    maker = TrackMaker(list(motions), draw_people(body, recipe.people, random), recipe.noise)
    network, averaged = Lifter(recipe.network), Lifter(recipe.network)
    averaged.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=0.01, betas=(0.9, 0.98))
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step)
        shapes = recipe.first if step < recipe.single_share * recipe.steps else recipe.then
        shape = shapes[int(torch.randint(len(shapes), (1,), generator=random))]
        terms = _losses(network, maker.batch(shape.tracks, shape.frames, random), recipe)
        optimizer.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        _average(averaged, network, min(recipe.averaging, (step + 2) / (step + 11)))
        if on_step is not None:
            on_step(step, {name: float(value.detach()) for name, value in terms.items()}, averaged)
    return averaged


def learning_rate(recipe: LifterRecipe, step: int) -> float:
    """Return the learning rate of a step: a rise, then a cosine to a fiftieth."""
    fall = 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
    return recipe.rate * min(1.0, (step + 1) / recipe.warmup) * (0.02 + 0.98 * fall)


def _losses(network: Lifter, tracks: SyntheticTracks, recipe: LifterRecipe) -> dict[str, Tensor]:
    given = normalize(tracks.points)
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.half_precision):
        lifted = network(given.points)
    return lifter_loss(lifted, given, tracks, recipe.weights)


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, share: float) -> None:
    for kept, current in zip(averaged.parameters(), network.parameters(), strict=True):
        kept.lerp_(current, 1 - share)


@torch.inference_mode()
def measure_lifter(network: Lifter, tracks: SyntheticTracks) -> LifterFigures:
    """Measure a lifter on tracks whose truth is known."""
    lifted = network(normalize(tracks.points).points)
    places = tracks.rig.points(lifted.turns)
    apart = (_about_hips(places) - _about_hips(tracks.places)).norm(dim=-1)[..., _BODY_POINTS]
    facing, truth = (torch.atan2(turns[..., 0, 0, 2], turns[..., 0, 2, 2]) for turns in (lifted.turns, tracks.turns))
    off = torch.remainder(facing - truth + torch.pi, 2 * torch.pi) - torch.pi
    return LifterFigures(float(apart.mean()) * 1000, float((off.abs() < math.radians(30)).float().mean()))


def _about_hips(points: Tensor) -> Tensor:
    return points - (points[..., 8:9, :] + points[..., 11:12, :]) / 2


def save_lifter(path: str | Path, network: Lifter) -> Path:
    """Write a lifter's weights in half precision.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from motionwarp.checkpoints.checkpoint import half_precision, save_checkpoint

    config = {**network.config.as_dict(), "bones": list(DRIVEN_BONES)}
    return save_checkpoint(path, half_precision(network), LIFTER_ARCHITECTURE, config)
