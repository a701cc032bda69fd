"""`motionwarp evaluate cross`: motions given to other people, without ground truth."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from motionwarp.errors import InputError
from motionwarp.evaluation.options import CrossOptions, CrossSettings
from motionwarp.options import OverwriteOptions

from .options import examples, with_options
from .reporting import Reporter

EPILOG: Final = examples(
    "motionwarp evaluate cross people/ dances/ --engine layered",
    "motionwarp evaluate cross person.jpg dance.mp4 --end 3 --json",
)


@with_options
def cross(
    *,
    sources: Annotated[
        Path, typer.Argument(metavar="SOURCES", help="A picture, or a folder of them.", show_default=False)
    ],
    drivings: Annotated[
        Path, typer.Argument(metavar="DRIVINGS", help="A clip, or a folder of them.", show_default=False)
    ],
    options: CrossOptions,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="JSON", help="Write everything here too.", show_default=False),
    ] = None,
    existing: OverwriteOptions,
    reporter: Reporter,
) -> None:
    """Give every clip's motion to every person and measure poses, identity and steadiness; there is no ground truth."""
    from motionwarp.data.people_folder import media_files
    from motionwarp.evaluation.cross import evaluate_cross
    from motionwarp.evaluation.pairs.report import write_whole
    from motionwarp.media.atomic import check_target

    if output is not None:
        check_target(output, overwrite=existing.overwrite)
    pictures = media_files(sources)[0] if sources.is_dir() else [sources]
    clips = media_files(drivings)[1] if drivings.is_dir() else [drivings]
    if not pictures or not clips:
        missing, folder = ("pictures", sources) if not pictures else ("clips", drivings)
        raise InputError(
            f"has no {missing}", subject=folder, remedy="Give pictures of people first and driving clips second."
        )
    settings = CrossSettings(sources=tuple(pictures), drivings=tuple(clips), **asdict(options))
    with reporter.progress() as on_step:
        summary = evaluate_cross(settings, on_step)
    if output is not None:
        write_whole(output, json.dumps(summary, indent=2, ensure_ascii=False) + "\n", overwrite=existing.overwrite)
    reporter.warn_all(
        [
            f"{each['source'] or 'all sources'}, {each['driving'] or 'all clips'}: {each['reason']}"
            for each in summary["failures"]
        ]
    )
    reporter.result_table(summary, _table(summary))


def _table(summary: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Engine")
    for facts in summary["figures"].values():
        table.add_column(f"{facts['title']} {'↑' if facts['better'] == 'higher' else '↓'}", justify="right")
    for engine, means in summary["engines"].items():
        cells = [f"{means[name]['mean']:.4f}" if name in means else "" for name in summary["figures"]]
        table.add_row(engine, *cells)
    return table
