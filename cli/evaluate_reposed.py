"""`motionwarp evaluate reposed`: whether photos' people keep their limbs in poses that are not the photo's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from motionwarp.evaluation.options import ReposedSettings
from motionwarp.options import OverwriteOptions

from .comparison import check_sheet
from .options import examples, with_options
from .reporting import Reporter
from .stages import uncollected_imports

EPILOG: Final = examples(
    "motionwarp evaluate reposed photos/*.jpg --sheet reposed.png",
    "motionwarp evaluate reposed photos/*.jpg --engine avatar --engine warping_gan --referee --json",
)


@with_options
def reposed(
    *,
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO", help="Pictures of one person each.", show_default=False)
    ],
    settings: ReposedSettings,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="PNG", help="Draw photos and poses here; rings are joints not found."),
    ] = None,
    rows: Annotated[
        int, typer.Option("--rows", metavar="N", help="Photos on the sheet, at most: the first ones.", min=1)
    ] = 100,
    existing: OverwriteOptions,
    reporter: Reporter,
) -> None:
    """Put photos' people into five poses that show every limb, and look for elbows, wrists, knees and ankles.

    Limbs that are missing once they are moved are not found, torn ones not covered. Photos of nobody are left out.
    docs/guides/evaluation.md describes the protocol.
    """
    check_sheet(sheet, overwrite=existing.overwrite)
    with uncollected_imports():
        from motionwarp.evaluation.reposed import evaluate_reposed
        from motionwarp.evaluation.reposed_figures import reposed_summary, reposed_tiles
        from motionwarp.media.contact_sheet import write_sheet

    rules = settings if sheet is None else replace(settings, rows=rows)
    with reporter.progress("photos/s") as on_step:
        report = evaluate_reposed(photos, rules, lambda done, count: on_step("pose", done, count))
    for photo, reason in report.left_out.items():
        reporter.warn(f"{photo}: {reason}; it is left out")
    if sheet is not None:
        write_sheet(sheet, reposed_tiles(report), columns=6, overwrite=existing.overwrite)
    summary = reposed_summary(report)
    reporter.result_table(summary, _table(summary["engines"]))


def _table(engines: Any) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    groups = ("elbows", "wrists", "knees", "ankles", "limbs")
    for heading in ("Engine", "Pose"):
        table.add_column(heading)
    for heading in ("Joints", *(group.capitalize() for group in groups), "Score", "Covered", "Rim"):
        table.add_column(heading, justify="right")
    for engine, figures in engines.items():
        for pose, row in (*figures["by_pose"].items(), ("all", figures["all"])):
            shares = (*(row["found"][group] for group in groups), row["score"]["limbs"], row["covered"]["limbs"])
            table.add_row(
                engine,
                pose,
                str(row["joints"]),
                *("" if share is None else f"{share:.3f}" for share in shares),
                f"{row['rim']:.4f}",
            )
    return table
