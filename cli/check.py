"""`motionwarp check`: whether a transfer will work, before a long run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .errors import EXIT_POOR, is_debug
from .heavy_imports import uncollected_imports
from .options import (
    WRITING,
    DebugOption,
    Device,
    DeviceOption,
    EndOption,
    EstimatorOption,
    JsonOption,
    OverwriteOption,
    PersonOption,
    Precision,
    PrecisionOption,
    QuietOption,
    StartOption,
    examples,
)
from .reporting import Reporter
from .stages import stages_shown
from .transfer_options import (
    BackgroundOption,
    BatchSizeOption,
    DrivingArgument,
    DrivingPosesOption,
    EngineOption,
    FpsOption,
    MatteOption,
    Placement,
    PlacementOption,
    RetargetOption,
    SizeOption,
    SourceArgument,
    SourcePosesOption,
    SourceTimeOption,
)

EPILOG = examples(
    "motionwarp check person.jpg dance.mp4",
    "motionwarp check person.jpg dance.mp4 --quick --preview look.png",
    "motionwarp check person.jpg dance.mp4 --start 0:03 --end 0:11 --json --quiet",
)


def check(
    ctx: typer.Context,
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
    start: StartOption = None,
    end: EndOption = None,
    source_time: SourceTimeOption = 0.0,
    person: PersonOption = "largest",
    retarget: RetargetOption = True,
    placement: PlacementOption = Placement.SOURCE,
    background: BackgroundOption = "source",
    size: SizeOption = None,
    fps: FpsOption = None,
    source_poses: SourcePosesOption = None,
    driving_poses: DrivingPosesOption = None,
    matte: MatteOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    engine: EngineOption = "auto",
    pose_estimator: EstimatorOption = "builtin",
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    batch_size: BatchSizeOption = "auto",
    debug: DebugOption = False,
) -> None:
    """Tell whether a transfer will work, before a long run: what is seen, how it fits, and how long it takes.

    The verdict is good, fair (it works, with the doubts listed), or poor, which exits with 4.
    """
    with uncollected_imports():
        from motionwarp.pipeline.check.report import check as check_transfer
    from motionwarp.pipeline.check.issues import Verdict
    from motionwarp.pipeline.options import TransferOptions

    from .check_report import report_table

    options = TransferOptions(
        engine=engine,
        retarget=retarget,
        placement=placement.value,
        background=background,
        size=size,
        source_poses=source_poses,
        driving_poses=driving_poses,
        matte=matte,
        source_time=source_time,
        fps=fps,
        start=start,
        end=end,
        person=person,
        pose_estimator=pose_estimator,
        device=device.value,
        precision=precision.value,
        batch_size=batch_size,
        overwrite=overwrite,
    )
    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    with stages_shown(reporter) as told:
        report = check_transfer(source, driving, options, quick=quick, preview=preview, progress=told)
    reporter.result_table(report.as_dict(), report_table(report, source.name, driving.name))
    if report.verdict is Verdict.POOR:
        raise typer.Exit(EXIT_POOR)
