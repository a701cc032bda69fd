"""`motionwarp check`: whether a transfer will work, before a long run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from motionwarp.options import ComputeOptions, OverwriteOptions
from motionwarp.pipeline.options import (
    CameraOptions,
    EngineOptions,
    EstimatorOptions,
    FrameOptions,
    InputOptions,
    PeopleOptions,
    PlacementOptions,
    TransferOptions,
)

from .errors import EXIT_POOR
from .options import WRITING, Only, examples, with_options
from .reporting import Reporter
from .stages import stages_shown, uncollected_imports
from .streams import given_files
from .transfer import DrivingArgument, SourceArgument

EPILOG = examples(
    "motionwarp check person.jpg dance.mp4",
    "motionwarp check person.jpg dance.mp4 --quick --preview look.png",
    "motionwarp check person.jpg dance.mp4 --start 0:03 --end 0:11 --json --quiet",
)


CheckedOptions = Annotated[
    TransferOptions,
    Only(
        InputOptions, PeopleOptions, CameraOptions, FrameOptions, PlacementOptions, OverwriteOptions, EngineOptions,
        EstimatorOptions, ComputeOptions,
    ),
]  # fmt: skip


@with_options
def check(
    *,
    source: SourceArgument,
    driving: DrivingArgument,
    quick: Annotated[
        bool, typer.Option("--quick", help="Look at few frames, so that a long clip takes seconds.")
    ] = False,
    preview: Annotated[
        Path | None,
        typer.Option(
            "--preview",
            metavar="PNG",
            help="Draw the source, and frames of the clip each beside the result.",
            rich_help_panel=WRITING,
            show_default=False,
        ),
    ] = None,
    options: CheckedOptions,
    reporter: Reporter,
) -> None:
    """Tell whether a transfer will work, before a long run: what is seen, how it fits, and how long it takes.

    The verdict is good, fair (it works, with the doubts listed), or poor, which exits with 4.
    """
    with uncollected_imports():
        from motionwarp.pipeline.check.report import check as check_transfer
    from motionwarp.pipeline.check.issues import Verdict

    from .check_report import report_summary, report_table

    with stages_shown(reporter) as on_progress, given_files(source, driving) as (picture, clip):
        report = check_transfer(picture, clip, options, quick=quick, preview=preview, progress=on_progress)
    reporter.result_table(report_summary(report), report_table(report, source.name, driving.name))
    if report.verdict is Verdict.POOR:
        raise typer.Exit(EXIT_POOR)
