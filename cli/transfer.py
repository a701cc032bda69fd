"""`motionwarp transfer`: the main job."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import is_debug
from .heavy_imports import uncollected_imports
from .options import (
    COMPUTING,
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
from .reporting import Reporter, clock
from .stages import stages_shown
from .transfer_options import (
    LOOK,
    SEEING,
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

if TYPE_CHECKING:
    from motionwarp.pipeline.options import TransferOptions

EPILOG = examples(
    "motionwarp transfer person.jpg dance.mp4 -o out.mp4",
    "motionwarp transfer person.jpg dance.mp4 --start 0:05 --end 0:10 --side-by-side",
    "motionwarp transfer person.jpg dance.mp4 --background transparent -o out.webm",
)


def output_path(text: str) -> Path:
    """Read an output; `Path` forgets the slash that makes a name a folder, so the frames' pattern is put in its place."""
    return Path(text) / "%05d.png" if text.endswith(("/", os.sep)) else Path(text)


def transfer(
    ctx: typer.Context,
    source: SourceArgument,
    driving: DrivingArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            parser=output_path,
            metavar="OUT",
            show_default="SOURCE_DRIVING.mp4",
            help=".mp4, .mov, .webm, .mkv, .gif, or a folder/ for PNG frames.",
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
    smooth: Annotated[
        float, typer.Option(metavar="0..1", help="Smoothing of the motion over time.", rich_help_panel=LOOK)
    ] = 0.5,
    side_by_side: Annotated[
        bool,
        typer.Option("--side-by-side", help="Show source, driving and result beside each other.", rich_help_panel=LOOK),
    ] = False,
    source_poses: SourcePosesOption = None,
    driving_poses: DrivingPosesOption = None,
    matte: MatteOption = None,
    save_poses: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep the driving points, to edit or use again.",
            rich_help_panel=SEEING,
            show_default=False,
        ),
    ] = None,
    region_debug: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write a video of parsing, warped parts, gates and blend.",
            rich_help_panel=WRITING,
            show_default=False,
        ),
    ] = None,
    audio: Annotated[
        bool, typer.Option("--audio/--no-audio", help="Take over the driving clip's sound.", rich_help_panel=WRITING)
    ] = True,
    codec: Annotated[
        str, typer.Option(metavar="NAME", help="auto, h264, hevc, av1, vp9, prores or ffv1.", rich_help_panel=WRITING)
    ] = "auto",
    crf: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Quality, lower is better.", rich_help_panel=WRITING, show_default="the codec's own"
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Speed of the encoder.", rich_help_panel=WRITING, show_default="the codec's own"
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    engine: EngineOption = "auto",
    pose_estimator: EstimatorOption = "builtin",
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    batch_size: BatchSizeOption = "auto",
    seed: Annotated[int, typer.Option(help="Same input and seed, same frames.", rich_help_panel=COMPUTING)] = 0,
    debug: DebugOption = False,
) -> None:
    """Give the motion of DRIVING to the person in SOURCE."""
    from motionwarp.pipeline.options import TransferOptions

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
        smooth=smooth,
        audio=audio,
        side_by_side=side_by_side,
        save_poses=save_poses,
        region_debug=region_debug,
        pose_estimator=pose_estimator,
        device=device.value,
        precision=precision.value,
        batch_size=batch_size,
        codec=codec,
        crf=crf,
        preset=preset,
        overwrite=overwrite,
        seed=seed,
    )
    target = output or default_output(source, driving, background)
    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    run(source, driving, target, options, reporter)


def default_output(source: Path, driving: Path, background: str) -> Path:
    """Return where a result goes that was given no name: here, in a container that can hold it."""
    ending = ".webm" if background.strip() == "transparent" else ".mp4"
    return Path(f"{source.stem}_{driving.stem}{ending}")


def run(source: Path, driving: Path, target: Path, options: TransferOptions, reporter: Reporter) -> None:
    """Do the transfer and tell of it."""
    with uncollected_imports():
        from motionwarp.pipeline.api import transfer as transfer_motion

    with stages_shown(reporter) as told:
        result = transfer_motion(source, driving, target, options, progress=told)
    reporter.warn_all(result.warnings)
    made = f"made in {clock(result.seconds)} by {result.engine} on {result.device} ({result.fps:.1f} frames a second)"
    text = f"{result.output}: {result.frames} frames, {result.width}x{result.height}, {made}"
    reporter.result(result.as_dict(), text)
