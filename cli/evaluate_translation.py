"""`motionwarp evaluate translation`: the FCN-score of translations from label maps to photos, and of the way back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from motionwarp.evaluation.options import TranslationSettings
from motionwarp.options import ComputeOptions

from .options import examples, with_options
from .reporting import Reporter

EPILOG: Final = examples(
    "motionwarp evaluate translation nest/cyclegan.safetensors --fcn fcn.safetensors --labels labels --photos photos"
)


@with_options
def translation(
    *,
    models: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL", help="Trained from label maps (A) to photos (B).", show_default=False),
    ],
    settings: TranslationSettings,
    compute: ComputeOptions,
    reporter: Reporter,
) -> None:
    """Tell how much of label maps a judge finds again in the photos made of them, beside the real photos (oracle).

    With --clip also how much the clip flickers when it is translated steadily, and frame by frame.
    """
    from motionwarp.devices import resolve_device, set_threads
    from motionwarp.engines.cyclegan.fcn import Judge, LabeledFolders
    from motionwarp.evaluation.translation import clip_flicker, evaluate_translations, names_of

    set_threads()
    device = resolve_device(compute.device)
    judge = Judge(settings.fcn, device)
    with reporter.progress("pictures/s") as on_step:
        report = evaluate_translations(
            models,
            judge,
            LabeledFolders(settings.labels, settings.photos),
            lambda done, total: on_step("pictures", done, total),
            settings.most,
        )
        flickers = {}
        if settings.clip is not None:
            for name, model in zip(names_of(models), models, strict=True):
                flickers[name] = clip_flicker(
                    model,
                    settings.clip,
                    "b2a",
                    settings.clip_frames,
                    lambda done, total: on_step("frames", done, total),
                    device,
                )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("Labels to photos", "Pixels", "Classes", "IoU", "Back: pixels", "Classes", "IoU"):
        table.add_column(column, justify="left" if column.startswith("Labels") else "right")
    for name, score in report.scores.items():
        cells = [f"{value:.3f}" for value in asdict(score).values()]
        back = report.back.get(name)
        cells += ["", "", ""] if back is None else [f"{value:.3f}" for value in asdict(back).values()]
        table.add_row(name, *cells)
    if flickers:
        table.add_section()
        for name, own in flickers.items():
            table.add_row(f"{name}: flicker of {own.frames} frames", "", "", "", "steady", "one by one", "the clip")
            table.add_row("", "", "", "", *(f"{each:.4f}" for each in (own.steadily, own.one_by_one, own.of_input)))
    summary = {**asdict(report), "flicker": {name: asdict(own) for name, own in flickers.items()}}
    reporter.result_table(summary, table)
