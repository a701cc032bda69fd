"""The training of the completion (`motionwarp train avatar completion`): backs of avatars, whose truth is known. Ours.

Cloth behind has other folds than cloth before: pixel by pixel a blur would be nearest to it. So colors are compared
where they are coarse, and of what is fine only how much there is of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset, default_collate

from motionwarp.avatar.completion import (
    BANDS,
    COMPLETION_ARCHITECTURE,
    COMPLETION_FILE,
    CompletionConfig,
    CompletionNetwork,
    changed,
    network_inputs,
)
from motionwarp.engines.avatar.completion_pack import FINER, BackPackReader, BackPair
from motionwarp.engines.avatar.completion_patterns import with_pattern, with_print
from motionwarp.nn.losses.reconstruction import weighted_l1
from motionwarp.training.network_task import NetworkTask, weighted_sum
from motionwarp.training.pack_samples import PackSamples, PackShare, check_shares
from motionwarp.training.preview import SHOWN_ROWS, write_rows
from motionwarp.training.task import LoopConfig

_PICTURES: Final = ("front", "guess", "truth")
_COARSE: Final = (1, 2, 8)  # sides of the cells over which colors are compared, in pixels of the window
_ENERGY_CELLS: Final = 8
_PATTERNED: Final = 0.4  # of the samples
_PRINTED: Final = 0.2
_GAIN: Final = 0.15  # deviation of the logarithm of each color's gain
_LEVELS: Final = 255.0
_BATCH: Final = 8

CompletionBatch = dict[str, Tensor]


@dataclass(frozen=True)
class CompletionLossWeights:
    """Weights of the parts of the loss; 0 switches a part off.

    Attributes
    ----------
    pixel, fine, coarse : float
        Of the L1 of pixels, and of the colors of cells of 2 and of 8 pixels of the network's window.
    energy : float
        Of how much detail there is, in two bands.
    kept : float
        Of what is changed at all: where nothing is gained, nothing should be.
    """

    pixel: float = 0.1
    fine: float = 0.7
    coarse: float = 2.0
    energy: float = 10.0
    kept: float = 0.02


@dataclass(frozen=True)
class CompletionTrainingConfig:
    """Training of the completion.

    Attributes
    ----------
    packs : tuple of PackShare
        Packs of backs.
    validation : Path or None
        A pack of people who are not trained on, measured at every export.
    start_from : Path or None
        Weights of the same network to begin with.
    network, loss, loop
        See their own classes.
    """

    packs: tuple[PackShare, ...]
    validation: Path | None = None
    start_from: Path | None = None
    network: CompletionConfig = field(default_factory=CompletionConfig)
    loss: CompletionLossWeights = field(default_factory=CompletionLossWeights)
    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=3000, batch_size=12, decay_steps=1000, ema_decay=0.995)
    )

    def __post_init__(self) -> None:
        check_shares(self.packs)


class BackSamples(PackSamples[BackPair, CompletionBatch]):
    """Endless pairs, mirrored half the time, in lights of any color, some with patterns or prints."""

    def open_pack(self, path: Path) -> BackPackReader:
        """Open a pack of backs."""
        return BackPackReader(path)

    def make(self, rng: np.random.Generator) -> CompletionBatch:
        """Make one sample; see `tensors_of`."""
        pair = self.draw(rng)
        if rng.random() < _PATTERNED:
            pair = with_pattern(pair, rng)
        if rng.random() < _PRINTED:
            pair = with_print(pair, rng)
        gain = np.exp(rng.normal(0, _GAIN, 3)).astype(np.float32)
        return tensors_of(pair, mirror=bool(rng.random() < 0.5), gain=gain)


def tensors_of(pair: BackPair, *, mirror: bool = False, gain: np.ndarray[Any, Any] | None = None) -> CompletionBatch:
    """Return a pair at the window's size as uint8 tensors: pictures (3, h, w), planes (1, h, w).

    A photo has finer details, but they are treated like the finest here.
    """
    made = {}
    height, width = (side // FINER for side in pair.matte.shape)
    for name in (*_PICTURES, "matte", "parsing", "known"):
        smooth = name in (*_PICTURES, "matte")
        plane = cv2.resize(
            getattr(pair, name), (width, height), interpolation=cv2.INTER_AREA if smooth else cv2.INTER_NEAREST
        )
        if name in _PICTURES and gain is not None:
            plane = cv2.LUT(plane, (np.arange(256)[:, None] * gain).clip(0, 255).astype(np.uint8)[:, None])
        plane = plane[:, ::-1] if mirror else plane
        plane = plane.transpose(2, 0, 1) if plane.ndim == 3 else plane[None]
        made[name] = torch.from_numpy(np.ascontiguousarray(plane))
    return made


class CompletionTask(NetworkTask[CompletionTrainingConfig, CompletionBatch]):
    """One network that learns to repaint."""

    averaged = "network"
    architecture = COMPLETION_ARCHITECTURE
    engine_file = (COMPLETION_ARCHITECTURE, "network")

    def make_network(self) -> nn.Module:
        """Return a network that changes nothing yet."""
        return CompletionNetwork(self.config.network)

    def samples(self) -> Dataset[CompletionBatch]:
        """Return the samples; see `BackSamples`."""
        return BackSamples(self.config.packs, self.config.loop.seed)

    def losses(self, batch: CompletionBatch) -> dict[str, Tensor]:
        """Return the loss and its parts."""
        guess, truth = self.plane(batch["guess"]), self.plane(batch["truth"])
        known = (batch["known"].to(self.device) > 0).float()
        made, kept = self._repainted(self.network, batch)
        pixel, fine, coarse = (_coarse_l1(made, truth, known, cells) for cells in _COARSE)
        figures = {"pixel": pixel, "fine": fine, "coarse": coarse, "kept": kept}
        figures["energy"] = _energy_distance(made, truth, known)
        figures["loss"] = weighted_sum(figures, self.config.loss)
        pictures = self.plane(batch["front"]), guess, made.clamp(0, 1), truth
        self.shown = [picture[:SHOWN_ROWS].detach() for picture in pictures]
        return figures

    def _repainted(self, network: nn.Module, batch: CompletionBatch) -> tuple[Tensor, Tensor]:
        """Return what a network makes of a batch, (B, 3, H, W), and how much it changes, a scalar."""
        front, guess, matte = (self.plane(batch[name]) for name in ("front", "guess", "matte"))
        inputs = network_inputs(front, guess, matte, batch["parsing"].to(self.device))
        with self.autocast():
            change = network(inputs.contiguous(memory_format=torch.channels_last))
        return changed(guess, change), change.colors.abs().mean() + 0.1 * (change.details - 1).abs().mean()

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        """Write the network as avatars take it, and pictures of a batch; validate."""
        assert isinstance(module, CompletionNetwork)
        COMPLETION_FILE.save(folder / f"{COMPLETION_ARCHITECTURE}.safetensors", module, {"step": str(step)})
        if self.shown:
            write_rows(self.shown, folder / "training.png")
        return {"exported_step": float(step), **self.validate(module)}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Return the mean error of the backs of people who are not trained on, of the guess and of what is made of it.

        In levels of 0..255, and in CIELAB; `_colors` are those of cells of 8 pixels.
        """
        if self.config.validation is None:
            return {}
        reader = BackPackReader(self.config.validation)
        sums: dict[str, float] = {}
        for first in range(0, len(reader), _BATCH):
            chosen = range(first, min(first + _BATCH, len(reader)))
            batch: CompletionBatch = default_collate([tensors_of(reader[index]) for index in chosen])
            with torch.no_grad():
                made, _ = self._repainted(module, batch)
            truth, known = self.plane(batch["truth"]), (batch["known"].to(self.device) > 0).float()
            for name, picture in (("guess", self.plane(batch["guess"])), ("made", made.clamp(0, 1))):
                for index in range(len(truth)):
                    one = [plane[index : index + 1] for plane in (picture, truth, known)]
                    for key, value in _figures(*one).items():
                        sums[f"{key}_{name}"] = sums.get(f"{key}_{name}", 0.0) + value / len(reader)
        return sums


def _coarse_l1(made: Tensor, truth: Tensor, known: Tensor, cells: int) -> Tensor:
    """Return the L1 of the mean colors of cells, where they are known."""
    if cells == 1:
        return weighted_l1(made, truth, known)
    share = functional.avg_pool2d(known, cells)
    apart = functional.avg_pool2d((made - truth) * known, cells) / share.clamp_min(1e-3)
    return (apart.abs() * share).sum() / (3 * share.sum()).clamp_min(1e-6)


def _energy_distance(made: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Return how far apart the amounts of detail are, the mean over two bands."""
    share = functional.avg_pool2d(known, _ENERGY_CELLS)
    total = made.new_zeros(())
    finer = made, truth
    for cells in BANDS:
        coarser = _without_detail(made, cells), _without_detail(truth, cells)
        one, other = (
            functional.avg_pool2d((fine - coarse).abs() * known, _ENERGY_CELLS)
            for fine, coarse in zip(finer, coarser, strict=True)
        )
        total = total + (one - other).abs().sum() / (3 * share.sum()).clamp_min(1e-6)
        finer = coarser
    return total / len(BANDS)


def _without_detail(picture: Tensor, cells: int) -> Tensor:
    height, width = picture.shape[-2:]
    small = functional.avg_pool2d(picture, cells)
    return functional.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)


def _figures(made: Tensor, truth: Tensor, known: Tensor) -> dict[str, float]:
    """Return the errors of one picture (1, 3, H, W)."""
    lab = [cv2.cvtColor(picture[0].cpu().numpy().transpose(1, 2, 0), cv2.COLOR_RGB2LAB) for picture in (made, truth)]
    there = known[0, 0].cpu().numpy() > 0
    return {
        "levels": _LEVELS * float(weighted_l1(made, truth, known)),
        "levels_colors": _LEVELS * float(_coarse_l1(made, truth, known, _COARSE[-1])),
        "delta_e": float(np.linalg.norm(lab[0] - lab[1], axis=2)[there].mean()),
        "energy": _LEVELS * float(_energy_distance(made, truth, known)),
    }
