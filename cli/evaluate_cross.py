"""`motionwarp evaluate cross`: motions given to other people, without ground truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from motionwarp.errors import InputError

from .errors import is_debug
from .options import (
    DebugOption,
    Device,
    DeviceOption,
    EstimatorOption,
    JsonOption,
    OverwriteOption,
    Precision,
    PrecisionOption,
    QuietOption,
    examples,
)
from .reporting import Reporter

EPILOG: Final = examples(
    "motionwarp evaluate cross people/ dances/ --engine layered",
    "motionwarp evaluate cross person.jpg dance.mp4 --end 3 --json",
)


def cross(
    ctx: typer.Context,
    sources: Annotated[
        Path, typer.Argument(metavar="SOURCES", help="A picture, or a folder of them.", show_default=False)
    ],
    drivings: Annotated[
        Path, typer.Argument(metavar="DRIVINGS", help="A clip, or a folder of them.", show_default=False)
    ],
    engine: Annotated[
        list[str] | None,
        typer.Option("--engine", "-e", metavar="NAME|FILE", help="Repeat it to compare.", show_default="auto"),
    ] = None,
    size: Annotated[int, typer.Option("--size", min=64, help="Long side of the results, in pixels.")] = 512,
    end: Annotated[
        float | None,
        typer.Option("--end", min=0.1, metavar="SECONDS", help="Use the clips up to here.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="JSON", help="Write everything here too.", show_default=False),
    ] = None,
    estimator: EstimatorOption = "builtin",
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the statistics.")] = 0,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Give every clip's motion to every person and measure poses, identity and steadiness; there is no ground truth."""
    from motionwarp.data.people_folder import media_files
    from motionwarp.evaluation.cross import CrossSettings, evaluate_cross
    from motionwarp.evaluation.pairs.report import write_whole
    from motionwarp.media.atomic import check_target

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    if output is not None:
        check_target(output, overwrite=overwrite)
    pictures = media_files(sources)[0] if sources.is_dir() else [sources]
    clips = media_files(drivings)[1] if drivings.is_dir() else [drivings]
    if not pictures or not clips:
        missing, folder = ("pictures", sources) if not pictures else ("clips", drivings)
        raise InputError(
            f"has no {missing}", subject=folder, remedy="Give pictures of people first and driving clips second."
        )
    settings = CrossSettings(
        tuple(pictures),
        tuple(clips),
        tuple(engine or ("auto",)),
        size,
        end,
        estimator,
        device.value,
        precision.value,
        seed,
    )
    with reporter.progress() as on_step:
        summary = evaluate_cross(settings, on_step)
    if output is not None:
        write_whole(output, json.dumps(summary, indent=2, ensure_ascii=False) + "\n", overwrite=overwrite)
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
