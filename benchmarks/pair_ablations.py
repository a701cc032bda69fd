"""The ablations of HPN's, RATE-Net's and SwapGAN's papers: their rows at one equal budget, on the same pairs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import torch
import typer
from torch import nn

from benchmarks.report import publish
from motionwarp.config import read_config
from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.engines.crop_gan.validation import held_out_batches
from motionwarp.engines.hpn.config import HpnTrainingConfig
from motionwarp.engines.hpn.networks import HPN_FILE
from motionwarp.engines.hpn.training import HpnTask
from motionwarp.engines.rate_net.config import RateNetTrainingConfig
from motionwarp.engines.rate_net.networks import RATE_NET_FILE
from motionwarp.engines.rate_net.training import RateNetTask
from motionwarp.engines.swap_gan.config import SwapGanTrainingConfig
from motionwarp.engines.swap_gan.networks import load_swap_networks
from motionwarp.engines.swap_gan.training import SwapGanTask
from motionwarp.errors import OptionError
from motionwarp.evaluation.metrics.image import l1, psnr
from motionwarp.evaluation.metrics.ssim import SsimSettings, local_ssim, ssim
from motionwarp.nn.blocks import parameter_count
from motionwarp.training.loop import run

# the files that rows before have left, by the rows' names
Left = Mapping[str, Path]
_SMALL_WINDOW: Final = SsimSettings(window=7)  # regions of a picture of 64 rows have 8: 11 do not fit in
_COPY: Final = "copy"


def _without_levels(config: HpnTrainingConfig) -> HpnTrainingConfig:
    """Return the last level alone, from the start."""
    return replace(config, network=replace(config.network, first_resolution=config.network.resolution))


def _without_descriptors(config: HpnTrainingConfig) -> HpnTrainingConfig:
    return replace(config, loss=replace(config.loss, descriptors=0))


# HPN's Table 1: local descriptors (LD) and progressive training (PT)
HPN_ROWS: Final[Mapping[str, Callable[[HpnTrainingConfig, Left], HpnTrainingConfig]]] = {
    "baseline": lambda config, left: _without_levels(_without_descriptors(config)),
    "LD": lambda config, left: _without_levels(config),
    "PT": lambda config, left: _without_descriptors(config),
    "LD+PT": lambda config, left: config,
}
# RATE-Net's Table 2; its fixed pose module is PATN's, ours is that of the first row
RATE_NET_ROWS: Final[Mapping[str, Callable[[RateNetTrainingConfig, Left], RateNetTrainingConfig]]] = {
    "PB only": lambda config, left: replace(config, network=replace(config.network, texture=False)),
    "PB fixed": lambda config, left: replace(config, pose_weights=left["PB only"]),
    "texture 64-dim": lambda config, left: replace(config, network=replace(config.network, code=64)),
    "full": lambda config, left: config,
}


# the generators that SwapGAN's section 8.2 compares
SWAP_GAN_ROWS: Final[Mapping[str, Callable[[SwapGanTrainingConfig, Left], SwapGanTrainingConfig]]] = {
    "I+III": lambda config, left: replace(config, generators="I+III"),
    "I+II": lambda config, left: replace(config, generators="I+II"),
    "full": lambda config, left: config,
}


@dataclass(frozen=True)
class _System:
    config: type[Any]
    task: type[Any]
    rows: Mapping[str, Callable[[Any, Left], Any]]
    load: Callable[[Path], Any]
    file: str


_SYSTEMS: Final = {
    "hpn": _System(HpnTrainingConfig, HpnTask, HPN_ROWS, HPN_FILE.load, "hpn.safetensors"),
    "rate_net": _System(RateNetTrainingConfig, RateNetTask, RATE_NET_ROWS, RATE_NET_FILE.load, "rate_net.safetensors"),
    "swap_gan": _System(SwapGanTrainingConfig, SwapGanTask, SWAP_GAN_ROWS, load_swap_networks, "swap_gan.safetensors"),
}


def pair_ablation(
    system: Annotated[str, typer.Argument(help="hpn, rate_net or swap_gan.")],
    config: Annotated[Path, typer.Argument(help="TOML of `motionwarp train SYSTEM generator`, of the full system.")],
    validation: Annotated[Path, typer.Option(help="Pack of pairs of people that are not trained on.")],
    steps: Annotated[int, typer.Option(min=4, help="Of every row, from the same random start.")] = 100,
    limit: Annotated[int, typer.Option(min=1, help="Pairs that are measured, at most.")] = 64,
    seed: Annotated[int | None, typer.Option(help="Of every row; the configuration's by default.")] = None,
) -> None:
    """Train every row of a paper's ablation for as many steps and measure what it makes of held-out people."""
    if system not in _SYSTEMS:
        raise OptionError(f"there is no ablation of '{system}'", remedy=f"Give {' or '.join(_SYSTEMS)}.")
    chosen = _SYSTEMS[system]
    full = read_config(config, chosen.config)
    loop = replace(
        full.loop,
        steps=steps,
        seed=full.loop.seed if seed is None else seed,
        decay_steps=steps // 4,
        checkpoint_minutes=1e6,
        export_minutes=1e6,
        log_every=max(steps // 4, 1),
    )
    full = replace(full, start_from=None, validation=None, loop=loop)
    rows: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        left: dict[str, Path] = {}
        for name, change in chosen.rows.items():
            own = Path(folder) / name.replace(" ", "_")
            rows[name], task = _row(chosen, change(full, left), own, validation, limit)
            left[name] = own / chosen.file
            typer.echo(f"{name}: {_told(rows[name])}", err=True)
        rows[_COPY] = _measured(task, None, validation, limit)
    publish(
        f"ablation of {system}",
        {"steps": steps, "batch_size": loop.batch_size, "seed": loop.seed, "pairs": limit, "rows": rows},
        {name: _told(row) for name, row in rows.items()},
    )


def _row(system: _System, config: Any, folder: Path, pack: Path, limit: int) -> tuple[dict[str, float], Any]:
    """Train one row and return its figures, and its task."""
    device = resolve_device("auto")
    task = system.task(config, device, resolve_precision("auto", device))
    started = time.process_time()
    run(task, config.loop, folder, report=lambda line: typer.echo(line, err=True))
    seconds = time.process_time() - started
    network = system.load(folder / system.file).network.to(device)
    facts = {"processor_seconds": round(seconds, 1), "parameters": float(parameter_count(network))}
    return {**_measured(task, network, pack, limit), **facts}, task


@torch.inference_mode()
def _measured(task: Any, network: nn.Module | None, pack: Path, limit: int) -> dict[str, float]:
    """Return the means of SSIM, local SSIM, PSNR and L1 over held-out pairs; of the sources without a network."""
    found: list[tuple[float, ...]] = []
    for batch in held_out_batches(pack, task.config.data, limit):
        source, true = (batch[name].permute(0, 2, 3, 1).numpy() for name in ("source_rgb", "target_rgb"))
        made = source
        if network is not None:
            drawn = task.draw(network, batch).clamp(0, 1).cpu().permute(0, 2, 3, 1)
            made = np.rint(drawn.numpy() * 255).astype(np.uint8)
        for one, other, points in zip(made, true, batch["target_points"].numpy(), strict=True):
            local = local_ssim(one, other, points, settings=_SMALL_WINDOW)
            found.append((ssim(one, other), local, psnr(one, other), l1(one, other)))
    means = np.nanmean(np.array(found), axis=0)
    return dict(zip(("ssim", "local_ssim", "psnr", "l1"), (round(float(mean), 5) for mean in means), strict=True))


def _told(row: Mapping[str, float]) -> str:
    return f"SSIM {row['ssim']:.4f} local SSIM {row['local_ssim']:.4f} PSNR {row['psnr']:.2f} dB L1 {row['l1']:.4f}" + (
        f" in {row['processor_seconds']:.0f} s" if "processor_seconds" in row else ""
    )
