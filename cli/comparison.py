"""What commands that compare engines have in common: their options, table, JSON and contact sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.table import Table

from motionwarp.options import OverwriteOptions, Panel, option

from .reporting import Reporter

if TYPE_CHECKING:
    from motionwarp.evaluation.comparison import Comparison

DEFAULT_ENGINES: Final = ("auto", "copy")


@dataclass(frozen=True, kw_only=True)
class ComparisonOptions(OverwriteOptions):
    """Which engines are compared, and what is drawn of it."""

    engines: tuple[str, ...] = option(
        DEFAULT_ENGINES,
        help="Repeat it to compare; copy is the source left as it is.",
        metavar="NAME|FILE",
        flags=("--engine", "-e"),
        shown_default=" and ".join(DEFAULT_ENGINES),
    )
    sheet: Path | None = option(
        None, help="Draw frames here: source, target, every result.", metavar="PNG", panel=Panel.OUTPUT
    )
    rows: int = option(
        8,
        help="Frames of every clip on the sheet, half of them the worst.",
        metavar="N",
        low=1,
        panel=Panel.OUTPUT,
    )

    @property
    def kept_rows(self) -> int:
        """How many frames are kept for the sheet: none where none is drawn."""
        return 0 if self.sheet is None else self.rows


_COLUMNS = (
    ("SSIM", "ssim", 4),
    ("PSNR", "psnr", 2),
    ("L1", "l1", 4),
    ("Matte IoU", "matte_iou", 4),
    ("Points found again", "points_redetected", 4),
    ("Flicker", "flicker", 5),
    ("Facing within 30°", "facing_within_30", 3),
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
    options: ComparisonOptions,
) -> None:
    """Write the contact sheet if one is asked for, and print figures."""
    from motionwarp.evaluation.comparison import comparison_tiles, overall_means, paired_differences
    from motionwarp.media.contact_sheet import write_sheet

    if options.sheet is not None:
        tiles = comparison_tiles(comparisons)
        columns = 2 + len(comparisons[0].systems)
        write_sheet(options.sheet, tiles, columns=columns, overwrite=options.overwrite)
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
    blocks = {comparison.name: comparison.means() for comparison in comparisons}
    for comparison in comparisons:
        parts = comparison.by_view()
        # one side alone is all that there is
        for view, part in parts.items() if len(parts) > 1 else ():
            blocks[f"{comparison.name}, {view} ({len(part.records)})"] = part.means()
    if len(comparisons) > 1:
        blocks["mean"] = dict(means)  # type: ignore[arg-type]
    measured = {key for by_system in blocks.values() for figures in by_system.values() for key in figures}
    columns = [column for column in _COLUMNS if column[1] in measured]
    for title, _, _ in columns:
        table.add_column(title, justify="right")
    for name, by_system in blocks.items():
        for system, figures in by_system.items():
            cells = [f"{figures[key]:.{digits}f}" if key in figures else "" for _, key, digits in columns]
            table.add_row(name, system, *cells)
    return table
