"""GAN, CycleGAN, Long and Nest at one equal budget, from label maps to photos and back, with FCN-scores."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.report import publish
from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.engines.cyclegan.config import VARIANTS, TranslationTrainingConfig, UnpairedDataConfig
from motionwarp.engines.cyclegan.fcn import Judge, LabeledFolders
from motionwarp.engines.cyclegan.networks import TranslationConfig, Translators
from motionwarp.engines.cyclegan.training import TranslationTask
from motionwarp.evaluation.translation import FcnScore, evaluate_translations
from motionwarp.nn.blocks import parameter_count
from motionwarp.training.loop import run
from motionwarp.training.task import LoopConfig


def translation_ablation(
    training: Annotated[Path, typer.Argument(help="Folder with labels/ and photos/ to train from.")],
    held_out: Annotated[Path, typer.Argument(help="Folder with labels/ and photos/ to measure with.")],
    fcn: Annotated[Path, typer.Option(help="The judge, as `train fcn` exported it.")],
    steps: Annotated[int, typer.Option(min=2, help="Of every variant.")] = 200,
    most: Annotated[int, typer.Option(min=1, help="Pictures that are measured, at most.")] = 24,
    keep: Annotated[Path | None, typer.Option(help="Folder to leave the weights in.")] = None,
    seed: int = 0,
) -> None:
    """Train every variant for as many steps and tell the FCN-scores of what it makes of held-out label maps."""
    height, width = 64, 48
    network = TranslationConfig(base=12, blocks=3, discriminator_base=12, height=height, width=width)
    data = UnpairedDataConfig(training / "labels", training / "photos", a_labels=True, height=height, width=width)
    loop = LoopConfig(
        steps=steps, batch_size=1, learning_rate=4e-4, warmup_steps=0, decay_steps=steps // 2, weight_decay=5e-4,
        gradient_clip=1e9, ema_decay=0.98, seed=seed, workers=0, log_every=max(steps // 4, 1), checkpoint_minutes=1e6,
        export_minutes=1e6,
    )  # fmt: skip
    device = resolve_device("auto")
    rows: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary)
        for variant in VARIANTS:
            config = TranslationTrainingConfig(data, network, history=50, loop=loop).as_variant(variant)
            task = TranslationTask(config, device, resolve_precision("auto", device))
            started = time.process_time()
            run(task, loop, folder / variant, report=lambda line: typer.echo(line, err=True))
            rows[variant] = {
                "processor_seconds": round(time.process_time() - started, 1),
                "parameters": parameter_count(Translators(config.network)),
            }
        report = evaluate_translations(
            [folder / variant / "cyclegan.safetensors" for variant in VARIANTS],
            Judge(fcn, device),
            LabeledFolders(held_out / "labels", held_out / "photos"),
            lambda done, total: None,
            most,
        )
    for name, score in report.scores.items():
        row = rows.setdefault(name.split("/")[0], {})
        row["photos"] = asdict(score)
        if name in report.back:
            row["back"] = asdict(report.back[name])
    publish(
        "ablation of translations",
        {"steps": steps, "size": [height, width], "seed": seed, "pictures": report.pictures, "rows": rows},
        {name.split("/")[0]: _told(score, report.back.get(name)) for name, score in report.scores.items()},
    )


def _told(score: FcnScore, back: FcnScore | None) -> str:
    told = " / ".join(f"{value:.3f}" for value in asdict(score).values())
    return told if back is None else f"{told}; back {' / '.join(f'{value:.3f}' for value in asdict(back).values())}"
