"""`motionwarp evaluate translation`: the FCN-score of translations from label maps to photos, and of the way back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

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
    fcn: Annotated[Path, typer.Option("--fcn", metavar="FILE", help="The judge, as `train fcn` exported it.")],
    labels: Annotated[Path, typer.Option("--labels", metavar="DIR", help="Held-out label maps: gray, values classes.")],
    photos: Annotated[Path, typer.Option("--photos", metavar="DIR", help="Their photos, of the same names.")],
    most: Annotated[
        int | None, typer.Option("--most", metavar="N", min=1, help="Pictures that are looked at.", show_default="all")
    ] = None,
    compute: ComputeOptions,
    reporter: Reporter,
) -> None:
    """Tell how much of label maps a judge finds again in the photos made of them, beside the real photos (oracle)."""
    from motionwarp.devices import resolve_device, set_threads
    from motionwarp.engines.cyclegan.fcn import Judge, LabeledFolders
    from motionwarp.evaluation.translation import evaluate_translations

    set_threads()
    judge = Judge(fcn, resolve_device(compute.device))
    with reporter.progress("pictures/s") as on_step:
        report = evaluate_translations(
            models, judge, LabeledFolders(labels, photos), lambda done, total: on_step("pictures", done, total), most
        )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("Labels to photos", "Pixels", "Classes", "IoU", "Back: pixels", "Classes", "IoU"):
        table.add_column(column, justify="left" if column.startswith("Labels") else "right")
    for name, score in report.scores.items():
        cells = [f"{value:.3f}" for value in asdict(score).values()]
        back = report.back.get(name)
        cells += ["", "", ""] if back is None else [f"{value:.3f}" for value in asdict(back).values()]
        table.add_row(name, *cells)
    reporter.result_table(asdict(report), table)
