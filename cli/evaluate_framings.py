"""`motionwarp evaluate framings`: sources and motions that the frame cuts at the knees or at the waist."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from motionwarp.evaluation.options import FramingsSettings
from motionwarp.options import OverwriteOptions

from .comparison import check_sheet
from .options import examples, with_options
from .reporting import Reporter
from .stages import uncollected_imports

EPILOG: Final = examples(
    "motionwarp evaluate framings squats.mp4 --engine avatar --sheet framings.png",
    "motionwarp evaluate framings dance.mp4 --every 12 --frames 3 --json",
)


@with_options
def framings(
    *,
    clip: Annotated[
        Path,
        typer.Argument(metavar="CLIP", help="A video of one whole person, from a still camera.", show_default=False),
    ],
    settings: FramingsSettings,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="PNG", help="Draw the framings here, truth and result."),
    ] = None,
    existing: OverwriteOptions,
    reporter: Reporter,
) -> None:
    """Move a clip's person by the clip itself, both whole, to knees, waist and chest, and compare with the clip.

    Sixteen transfers with default options: likeness over what both show, size and place of the person, and whether the
    end of a person who is cut off is ever seen. docs/guides/evaluation.md describes the protocol.
    """
    check_sheet(sheet, overwrite=existing.overwrite)
    with uncollected_imports():
        from motionwarp.evaluation.framings import evaluate_framings, framings_summary, framings_tiles
        from motionwarp.media.contact_sheet import write_sheet

    with reporter.progress("transfers/s") as on_step:
        cells = evaluate_framings(clip, settings, on_step)
    if sheet is not None:
        write_sheet(sheet, framings_tiles(cells), columns=8, overwrite=existing.overwrite)
    summary = framings_summary(cells)
    reporter.result_table({"clip": str(clip), "engines": summary}, _table(summary))


def _table(engines: Any) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    figures = (("SSIM", "ssim", 4), ("PSNR", "psnr", 2), ("Matte IoU", "matte_iou", 3), ("Size", "size", 3))
    columns = (*figures, ("Apart", "apart", 3), ("End seen", "cut_seen", 2))
    for heading in ("Engine", "Source", "Driving"):
        table.add_column(heading)
    for heading, _, _ in columns:
        table.add_column(heading, justify="right")
    for engine, found in engines.items():
        for row in (*found["framings"], {"source": "mean", "driving": "", **found["mean"]}):
            cells = ("" if row[key] is None else f"{row[key]:.{digits}f}" for _, key, digits in columns)
            table.add_row(engine, row["source"], row["driving"], *cells)
    return table
