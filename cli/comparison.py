"""What commands that compare engines have in common: their options, table, JSON and contact sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from .options import WRITING
from .reporting import Reporter

if TYPE_CHECKING:
    from motionwarp.evaluation.comparison import Comparison

DEFAULT_ENGINES: Final = ("auto", "copy")
EnginesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--engine",
        "-e",
        metavar="NAME|FILE",
        help="Repeat it to compare; copy is the source left as it is.",
        show_default=" and ".join(DEFAULT_ENGINES),
    ),
]
SheetOption = Annotated[
    Path | None,
    typer.Option(
        "--sheet",
        metavar="PNG",
        help="Draw frames here: source, target, every result.",
        show_default=False,
        rich_help_panel=WRITING,
    ),
]
RowsOption = Annotated[
    int,
    typer.Option(
        "--rows",
        metavar="N",
        min=1,
        help="Frames of every clip on the sheet, half of them the worst.",
        rich_help_panel=WRITING,
    ),
]

_COLUMNS = (
    ("SSIM", "ssim", 4),
    ("PSNR", "psnr", 2),
    ("L1", "l1", 4),
    ("Matte IoU", "matte_iou", 4),
    ("Points found again", "points_redetected", 4),
    ("Flicker", "flicker", 5),
)


def check_sheet(sheet: Path | None, *, overwrite: bool) -> None:
    """Refuse a contact sheet that could not be written, before the work of minutes is done.

    Raises
    ------
    OutputError
        If it exists and must not be replaced, or its folder does not exist.
    """
    from motionwarp.errors import OutputError

    if sheet is None:
        return
    if sheet.exists() and not overwrite:
        raise OutputError("exists already", subject=sheet, remedy="Choose another name, or add --overwrite")
    if not sheet.resolve().parent.is_dir():
        raise OutputError("its folder does not exist", subject=sheet, remedy="Make the folder first")


def report_comparison(
    reporter: Reporter,
    comparisons: Sequence[Comparison],
    protocol: Mapping[str, object],
    sheet: Path | None,
    *,
    overwrite: bool,
) -> None:
    """Write the contact sheet if one is asked for, and print figures."""
    from motionwarp.evaluation.comparison import comparison_tiles, overall_means, paired_differences
    from motionwarp.media.contact_sheet import write_sheet

    if sheet is not None:
        tiles = comparison_tiles(comparisons)
        write_sheet(sheet, tiles, columns=2 + len(comparisons[0].systems), overwrite=overwrite)
    means = overall_means(comparisons)
    summary = {
        "protocol": dict(protocol),
        "mean": means,
        "differences": paired_differences(comparisons),
        "clips": [comparison.summary() for comparison in comparisons],
    }
    reporter.result_table(summary, _table(comparisons, means))


def _table(comparisons: Sequence[Comparison], means: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Clip")
    table.add_column("Engine")
    for title, _, _ in _COLUMNS:
        table.add_column(title, justify="right")
    blocks = {comparison.name: comparison.means() for comparison in comparisons}
    if len(comparisons) > 1:
        blocks["mean"] = dict(means)  # type: ignore[arg-type]
    for name, by_system in blocks.items():
        for system, figures in by_system.items():
            cells = [f"{figures[key]:.{digits}f}" if key in figures else "" for _, key, digits in _COLUMNS]
            table.add_row(name, system, *cells)
    return table
