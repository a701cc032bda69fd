"""How well networks draw held-out pairs, beside the source left as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import torch
from torch import Tensor
from torch.utils.data import default_collate

from motionwarp.data.labeled_pairs import PairPackReader
from motionwarp.engines.crop_gan.data import CropBatch, CropDataConfig, crop_sample
from motionwarp.nn.losses.reconstruction import structure_loss, weighted_l1

_BATCH: Final = 8
_PEAK_DB: Final = 100.0  # of equal pictures


def held_out_batches(pack: Path, config: CropDataConfig, limit: int | None = None) -> Iterator[CropBatch]:
    """Yield a pack's pairs in order, at the configured size, none mirrored.

    Parameters
    ----------
    pack : Path
        Of pairs.
    config : CropDataConfig
        Its own packs are not read.
    limit : int or None
        So many pairs at most.

    Raises
    ------
    InputError
        If the file is no pack of pairs.
    """
    reader = PairPackReader(pack)
    count = len(reader) if limit is None else min(limit, len(reader))
    for first in range(0, count, _BATCH):
        numbers = range(first, min(first + _BATCH, count))
        samples = [crop_sample(reader[number], config, mirror=False) for number in numbers]
        batch: CropBatch = default_collate(samples)
        yield batch


def picture_figures(
    draw: Callable[[CropBatch], Tensor], pack: Path, config: CropDataConfig, device: torch.device
) -> dict[str, float]:
    """Measure pictures of held-out pairs, where the targets have pixels.

    Parameters
    ----------
    draw : callable
        Makes the pictures of a batch, float (B, 3, H, W) in [0, 1].
    pack : Path
    config : CropDataConfig
    device : torch.device

    Returns
    -------
    dict of str to float
        `validation_l1`, `validation_psnr` (dB) and `validation_ssim` (uniform window of 7), means over pairs, and
        the same with `_copy` of the source as it is.
    """
    sums: dict[str, float] = {}
    count = 0
    for batch in held_out_batches(pack, config):
        true, source = (batch[name].to(device).float() / 255 for name in ("target_rgb", "source_rgb"))
        inside = batch["inside"].to(device).float()
        for ending, pictures in (("", draw(batch).float().clamp(0, 1)), ("_copy", source)):
            for one, other, known in zip(pictures, true, inside, strict=True):
                for name, value in _figures(one[None], other[None], known[None]).items():
                    key = f"validation_{name}{ending}"
                    sums[key] = sums.get(key, 0.0) + value
        count += len(true)
    return {name: total / count for name, total in sums.items()}


def _figures(made: Tensor, true: Tensor, inside: Tensor) -> dict[str, float]:
    squared = float(weighted_l1((made - true).square(), torch.zeros_like(made), inside))
    return {
        "l1": float(weighted_l1(made, true, inside)),
        "psnr": _PEAK_DB if squared <= 10 ** (-_PEAK_DB / 10) else float(-10 * torch.log10(torch.tensor(squared))),
        "ssim": 1 - float(structure_loss(made, true, inside)),
    }
