"""What training data cost beside the network that learns from them: drawn people, pairs, packs, and a step."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.report import publish
from motionwarp.checkpoints.registry import weights_folder
from motionwarp.data.loader import resumable_batches
from motionwarp.data.pair_sources import PairKind, pairs_of_kind
from motionwarp.data.synthetic import sample_view
from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.engines.warping_gan.config import PartGeneratorTrainingConfig, PartParserTrainingConfig
from motionwarp.engines.warping_gan.data import PartSamples
from motionwarp.engines.warping_gan.packing import part_samples, write_part_pack
from motionwarp.engines.warping_gan.training import PartGeneratorTask, PartParserTask
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH


def feeding(
    data: Annotated[
        Path | None, typer.Argument(help="Folder with ccp/ and video/, for reverse pairs; left out if not given.")
    ] = None,
    count: Annotated[int, typer.Option(min=2, help="Pictures or pairs of each kind.")] = 24,
    batch_size: Annotated[int, typer.Option(min=1)] = 12,
) -> None:
    """Time how long samples take to make and to read, and how long the networks learn from them."""
    device = resolve_device("auto")
    figures: dict[str, Any] = {"drawn picture": _each(lambda: _draw(count), count)}
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "pairs.pack"
        figures["drawn pair, cut and warped"] = _each(lambda: _pack("synthetic", Path(folder), count, pack), count)
        if data is not None:
            figures["reverse pair, cut and warped"] = _each(lambda: _pack("reverse", data, count, pack), count)
        samples = PartSamples((PackShare(pack, 1.0),), 0)
        figures["sample of a pack"] = _each(
            lambda: list(resumable_batches(samples, 0, batch_size, 0, 4, 0)), 4 * batch_size
        )
        loop = LoopConfig(batch_size=batch_size, workers=0)
        dtype = resolve_precision("auto", device)
        shares = (PackShare(pack, 1.0),)
        tasks = {
            "stage I learns": PartParserTask(PartParserTrainingConfig(shares, loop=loop), device, dtype),
            "stage II learns": PartGeneratorTask(
                PartGeneratorTrainingConfig(shares, weights_folder() / "warping_gan.safetensors", loop=loop),
                device,
                dtype,
            ),
        }
        batch = next(resumable_batches(samples, 0, batch_size, 0, 1, 0))
        for name, task in tasks.items():
            step = task.train_step
            step(batch)
            figures[name] = _each(lambda step=step: [step(batch) for _ in range(3)], 3 * batch_size)  # type: ignore[misc]
    rows = {name: f"{each['ms']:.1f} ms, {each['cpu_ms']:.1f} ms of processors" for name, each in figures.items()}
    publish("feeding", {"device": device.type, "batch_size": batch_size, "each": figures}, rows)


def _draw(count: int) -> None:
    for number in range(count):
        sample_view(np.random.default_rng(number), CROP_HEIGHT, CROP_WIDTH)


def _pack(kind: PairKind, data: Path, count: int, path: Path) -> None:
    write_part_pack(part_samples(pairs_of_kind(kind, data, 0)), count, path, progress=lambda done: None)


def _each(work: Callable[[], object], count: int) -> dict[str, float]:
    begin, before = time.perf_counter(), time.process_time()
    work()
    return {"ms": 1e3 * (time.perf_counter() - begin) / count, "cpu_ms": 1e3 * (time.process_time() - before) / count}
