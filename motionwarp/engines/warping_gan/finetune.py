"""Fitting the generator to one person, from a clip of theirs (`motionwarp train warping_gan person`).

Stage I stays as it is: what it knows holds for everybody. The generator learns from pairs of the clip's
frames and is measured on pairs whose target is a frame that it never learned from; the best of all rounds is kept.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from torch import nn

from motionwarp.checkpoints.checkpoint import save_checkpoint
from motionwarp.data.pack import LabeledPicture
from motionwarp.data.person_clip import pairs_between, person_pictures, split_pictures
from motionwarp.engines.spec import FitRun
from motionwarp.engines.warping_gan.config import GeneratorLossWeights, PartGeneratorTrainingConfig
from motionwarp.engines.warping_gan.networks import WarpingNetworks, load_warping_networks, save_warping_networks
from motionwarp.engines.warping_gan.packing import BodySampler, part_samples, write_part_pack
from motionwarp.engines.warping_gan.training import PartGeneratorTask
from motionwarp.perception.base import Estimator
from motionwarp.training.loop import run as train
from motionwarp.training.options import FitOptions
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig

_SHIPPED: Final = "warping_gan"
_FIGURES: Final = {"ssim": "validation_ssim_made", "l1": "validation_l1_made"}


@dataclass(frozen=True)
class PersonalizeConfig:
    """How a generator is fitted to a person.

    Attributes
    ----------
    frames : int
        Largest number of frames taken of the clip, spread evenly; every fifth is held out.
    pairs, held_pairs : int
        Made of the others, and of the held-out frames.
    rounds, round_steps : int
        Rounds at most, and steps in each; the held-out pairs are measured after each round.
    patience : int
        Rounds without a better figure after which it ends.
    loss : GeneratorLossWeights
    batch_size : int
    learning_rate : float
        Constant: a tenth of what the generator was trained with, so that it keeps what it knows.
    ema_decay : float
        Decay of the averaged weights, which are what is kept.
    seed : int
    """

    frames: int = 150
    pairs: int = 400
    held_pairs: int = 48
    rounds: int = 20
    round_steps: int = 50
    patience: int = 3
    loss: GeneratorLossWeights = field(default_factory=lambda: GeneratorLossWeights(perceptual=0.2))
    batch_size: int = 8
    learning_rate: float = 1.5e-4
    ema_decay: float = 0.98
    seed: int = 0


@dataclass(frozen=True)
class Personalized:
    """What came of it.

    Attributes
    ----------
    before, after : dict of str to float
        `ssim` and `l1` over gray on the held-out pairs, at half of the window's resolution.
    step : int
        At which the kept weights were best; 0 if nothing was better than what it began with, which is then kept.
    steps : int
        That were made.
    frames, held_frames : int
        Learned from, and held out.
    """

    before: dict[str, float]
    after: dict[str, float]
    step: int
    steps: int
    frames: int
    held_frames: int


class _Watched(PartGeneratorTask):
    """Keeps the figures of the last export."""

    figures: Mapping[str, float]

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        self.figures = super().export(module, folder, step)
        return self.figures


def fit_person(
    asked: FitOptions, make_estimator: Callable[[], Estimator], config: PersonalizeConfig, run: FitRun
) -> Personalized:
    """Fit the engine of some weights to the person of a clip, which is looked at once the weights are there.

    Parameters
    ----------
    asked : FitOptions
    make_estimator : callable
    config, run
        See `personalize`.

    Raises
    ------
    WeightsError
        If the weights are missing, damaged or for another engine.
    InputError
        If the clip shows too little of the person.
    """
    networks = load_warping_networks(_SHIPPED if asked.start_from is None else asked.start_from)
    pictures = person_pictures(asked.clip, make_estimator(), config.frames)
    return personalize(pictures, networks, asked.output, config, run)


def personalize(
    pictures: Sequence[LabeledPicture],
    networks: WarpingNetworks,
    output: Path,
    config: PersonalizeConfig,
    run: FitRun,
) -> Personalized:
    """Fit a generator to the person of some pictures and write all networks for use.

    A signal to stop ends it with the best so far.

    Parameters
    ----------
    pictures : sequence of LabeledPicture
        As from `person_pictures`.
    networks : WarpingNetworks
        To begin with; not changed.
    output : Path
        Ends in ".safetensors"; its folder is made if it is missing.
    config : PersonalizeConfig
    run : FitRun

    Raises
    ------
    InputError
        If the pictures show too little of the person.
    """
    started = time.monotonic()
    output.parent.mkdir(parents=True, exist_ok=True)
    learned, held = split_pictures(pictures)
    with TemporaryDirectory(prefix="motionwarp-person-") as name:
        folder = Path(name)
        task = _Watched(_prepared(networks, learned, held, config, folder, run.report), run.device, run.dtype)
        before = _figures(task.validate(task.network.eval()))
        run.report(f"before: {_line(before)}")
        best, best_step, step, waited = before, 0, 0, 0
        save_warping_networks(folder / "best.safetensors", networks)
        for number in range(1, config.rounds + 1):
            left = None if run.max_minutes is None else run.max_minutes - (time.monotonic() - started) / 60
            if left is not None and left <= 0:
                break
            loop = replace(task.config.loop, steps=number * config.round_steps)
            step = train(task, loop, folder / "run", max_minutes=left, report=lambda line: None)
            found = _figures(task.figures)
            run.report(f"step {step}: {_line(found)}")
            if found["ssim"] > best["ssim"]:
                best, best_step, waited = found, step, 0
                shutil.copyfile(folder / "run" / "warping_gan.safetensors", folder / "best.safetensors")
            else:
                waited += 1
            # no gain for long, or a round that Ctrl-C or the time cut short
            if waited >= config.patience or step < loop.steps:
                break
        kept = load_warping_networks(folder / "best.safetensors")
        metadata = {"step": str(best_step), "personalised_from": networks.sha256}
        save_warping_networks(output, kept, metadata)
    return Personalized(before, best, best_step, step, len(learned), len(held))


def _prepared(
    networks: WarpingNetworks,
    learned: Sequence[LabeledPicture],
    held: Sequence[LabeledPicture],
    config: PersonalizeConfig,
    folder: Path,
    report: Callable[[str], None],
) -> PartGeneratorTrainingConfig:
    """Pack the pairs, take the networks apart into files, and return the training's configuration."""
    report(f"making {config.pairs} + {config.held_pairs} pairs of {len(learned)} + {len(held)} frames")
    for name, targets, count in (("learnt", learned, config.pairs), ("held", held, config.held_pairs)):
        sample_of = BodySampler() if networks.generator.config.body else None
        samples = part_samples(pairs_between(learned, targets, config.seed), sample_of)
        write_part_pack(samples, count, folder / f"{name}.pack", progress=lambda done: None)
    for name in ("parser", "generator"):
        network = getattr(networks, name)
        # as they are: rounding them to half would be a change before the first step
        save_checkpoint(_part(folder, name), network.state_dict(), f"part_{name}", {"network": asdict(network.config)})
    loop = LoopConfig(
        steps=config.round_steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        warmup_steps=10,
        decay_steps=0,
        ema_decay=config.ema_decay,
        seed=config.seed,
        workers=0,
        log_every=config.round_steps,
        checkpoint_minutes=1e9,
        export_minutes=1e9,
    )
    return PartGeneratorTrainingConfig(
        packs=(PackShare(folder / "learnt.pack", 1.0),),
        parser=_part(folder, "parser"),
        validation=folder / "held.pack",
        network=networks.generator.config,
        loss=config.loss,
        start_from=_part(folder, "generator"),
        loop=loop,
    )


def _part(folder: Path, name: str) -> Path:
    return folder / f"part_{name}.safetensors"


def _figures(validated: Mapping[str, float]) -> dict[str, float]:
    return {name: validated[key] for name, key in _FIGURES.items()}


def _line(figures: Mapping[str, float]) -> str:
    return ", ".join(f"held-out {name} {value:.4f}" for name, value in figures.items())
