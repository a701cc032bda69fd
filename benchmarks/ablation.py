"""The paper's ablation (its Table 1) for the `parts` preset.

Each part of stage II left out in turn, trained alike, measured alike.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import torch
import typer

from benchmarks.report import publish
from motionwarp.checkpoints.checkpoint import load_checkpoint
from motionwarp.config import read_config
from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.engines.warping_gan.config import PartGeneratorTrainingConfig
from motionwarp.engines.warping_gan.networks import PartGenerator
from motionwarp.engines.warping_gan.training import PartGeneratorTask
from motionwarp.errors import OptionError
from motionwarp.training.loop import run

Variant = Callable[[PartGeneratorTrainingConfig], PartGeneratorTrainingConfig]


def _without(**losses: float) -> Variant:
    return lambda config: replace(config, loss=replace(config.loss, **losses))


# what each row changes; a row whose change is none, since the configuration has that part off already, is not trained
VARIANTS: Final[Mapping[str, Variant]] = {
    "full": lambda config: config,
    "without parsing": lambda config: replace(config, network=replace(config.network, parsing=False)),
    "without warping block": lambda config: replace(config, network=replace(config.network, warping=False)),
    "without pixel loss": _without(pixel=0.0),
    "without structure loss": _without(structure=0.0),
    "without perceptual loss": _without(perceptual=0.0),
    "without adversarial loss": _without(adversarial=0.0),
    "without pyramid loss": _without(pyramid=0.0),
}


def ablation(
    config: Annotated[
        Path,
        typer.Argument(help="TOML of `motionwarp train warping_gan generator`, with every part that shall be a row."),
    ],
    validation: Annotated[
        list[str], typer.Option(help="NAME=PACK of people that are not trained on; may be repeated.")
    ],
    steps: Annotated[
        int, typer.Option(min=1, help="Of every row, from the same random start, on the same batches.")
    ] = 200,
    only: Annotated[list[str] | None, typer.Option(help="Rows to train, such as 'full'; all by default.")] = None,
) -> None:
    """Train stage II with each of its parts left out and measure what it makes of held-out people."""
    full = read_config(config, PartGeneratorTrainingConfig)
    loop = replace(
        full.loop, steps=steps, warmup_steps=min(full.loop.warmup_steps, steps // 10), decay_steps=steps // 2
    )
    full = replace(full, start_from=None, loop=replace(loop, checkpoint_minutes=1e6, export_minutes=1e6))
    packs = dict(_pack(text) for text in validation)
    rows: dict[str, dict[str, Any]] = {}
    for name in only or VARIANTS:
        changed = VARIANTS[name](full)
        if name == "full" or changed != full:
            rows[name] = _row(changed, packs)
            typer.echo(f"{name}: {_told(rows[name])}", err=True)
    publish(
        "ablation",
        {"steps": steps, "batch_size": loop.batch_size, "seed": loop.seed, "rows": rows},
        {name: _told(row) for name, row in rows.items()},
    )


def _pack(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and Path(path).is_file()):
        raise OptionError("is no NAME=PACK of a file that is there", subject=f"--validation {text}")
    return name, Path(path)


def _row(config: PartGeneratorTrainingConfig, packs: Mapping[str, Path]) -> dict[str, Any]:
    """Train one variant and return its SSIM and L1 on every pack, and those of the closed-form composite."""
    device = resolve_device("auto")
    task = PartGeneratorTask(config, device, resolve_precision("auto", device))
    with tempfile.TemporaryDirectory() as folder:
        run(task, config.loop, Path(folder), report=lambda line: typer.echo(line, err=True))
        averaged = PartGenerator(config.network).to(device)
        load_checkpoint(Path(folder) / "part_generator.safetensors", "part_generator").load_into(averaged)
    figures = {}
    for name, pack in packs.items():
        task.config = replace(config, validation=pack)
        with torch.inference_mode():
            figures[name] = task.validate(averaged.eval())
    return figures


def _told(row: Mapping[str, Mapping[str, float]]) -> str:
    return ", ".join(
        f"{name} SSIM {figures['validation_ssim_made']:.4f} L1 {figures['validation_l1_made']:.4f}"
        for name, figures in row.items()
    )
