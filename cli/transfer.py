"""`motionwarp transfer`: the main job."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .failures import is_debug
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
    seconds,
)
from .reporting import Reporter, clock

if TYPE_CHECKING:
    from motionwarp.pipeline.options import TransferOptions
    from motionwarp.pipeline.progress import Progress

EPILOG = examples(
    "motionwarp transfer person.jpg dance.mp4 -o out.mp4",
    "motionwarp transfer person.jpg dance.mp4 --start 0:05 --end 0:10 --side-by-side",
    "motionwarp transfer person.jpg dance.mp4 --background transparent -o out.webm",
)

LOOK = "Look"
SEEING = "Seeing people"


class Placement(str, Enum):
    """Where the person stands."""

    SOURCE = "source"
    DRIVING = "driving"


def output_path(text: str) -> Path:
    """Read an output; `Path` forgets the slash that makes a name a folder, so the frames' pattern is put in its place."""
    return Path(text) / "%05d.png" if text.endswith(("/", os.sep)) else Path(text)


def transfer(
    ctx: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Picture (or video) of the person to be moved.", show_default=False)],
    driving: Annotated[Path, typer.Argument(metavar="DRIVING", help="Video, GIF or folder of frames with the motion.", show_default=False)],
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
    source_time: Annotated[
        float,
        typer.Option(parser=seconds, metavar="TIME", help="Where a SOURCE that is a video is taken."),
    ] = 0.0,
    person: PersonOption = "largest",
    retarget: Annotated[
        bool,
        typer.Option("--retarget/--no-retarget", help="Fit the motion to the person's own proportions.", rich_help_panel=LOOK),
    ] = True,
    placement: Annotated[
        Placement, typer.Option(help="Stand where the source or where the driving person stands.", rich_help_panel=LOOK)
    ] = Placement.SOURCE,
    background: Annotated[
        str,
        typer.Option(metavar="WHAT", help="source, driving, transparent, '#rrggbb', or a picture or video file.", rich_help_panel=LOOK),
    ] = "source",
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH|LONG_SIDE",
            rich_help_panel=LOOK,
            show_default="as the background, long side up to 1920",
            help="Size of the output in pixels.",
        ),
    ] = None,
    fps: Annotated[
        str | None,
        typer.Option(
            metavar="RATE",
            rich_help_panel=LOOK,
            show_default="the driving clip's own times",
            help="Frames a second, such as 25 or 30000/1001.",
        ),
    ] = None,
    smooth: Annotated[float, typer.Option(metavar="0..1", help="Smoothing of the motion over time.", rich_help_panel=LOOK)] = 0.5,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Show source, driving and result beside each other.", rich_help_panel=LOOK)
    ] = False,
    source_poses: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Take the source's points from here.", rich_help_panel=SEEING, show_default=False),
    ] = None,
    driving_poses: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Take the driving points from here.", rich_help_panel=SEEING, show_default=False),
    ] = None,
    matte: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Take the source's matte from here.", rich_help_panel=SEEING, show_default=False),
    ] = None,
    save_poses: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the driving points, to edit or use again.", rich_help_panel=SEEING, show_default=False),
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
    audio: Annotated[bool, typer.Option("--audio/--no-audio", help="Take over the driving clip's sound.", rich_help_panel=WRITING)] = True,
    codec: Annotated[
        str, typer.Option(metavar="NAME", help="auto, h264, hevc, av1, vp9, prores or ffv1.", rich_help_panel=WRITING)
    ] = "auto",
    crf: Annotated[
        int | None,
        typer.Option(metavar="N", help="Quality, lower is better.", rich_help_panel=WRITING, show_default="the codec's own"),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Speed of the encoder.", rich_help_panel=WRITING, show_default="the codec's own"),
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    engine: Annotated[
        str,
        typer.Option(metavar="NAME|FILE", help="auto, warping_gan, layered, or a file of weights.", rich_help_panel=COMPUTING),
    ] = "auto",
    pose_estimator: EstimatorOption = "builtin",
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    batch_size: Annotated[str, typer.Option(metavar="auto|N", help="Frames rendered at once.", rich_help_panel=COMPUTING)] = "auto",
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
    from motionwarp.devices import set_threads
    from motionwarp.memory import keep_freed_memory
    from motionwarp.pipeline.api import transfer as transfer_motion

    keep_freed_memory()
    set_threads()
    with reporter.progress() as tick:

        def told(progress: Progress) -> None:
            tick(progress.stage.value, progress.done, progress.total)

        result = transfer_motion(source, driving, target, options, progress=told)
    reporter.warn_all(result.warnings)
    made = f"made in {clock(result.seconds)} by {result.engine} on {result.device} ({result.fps:.1f} frames a second)"
    text = f"{result.output}: {result.frames} frames, {result.width}x{result.height}, {made}"
    reporter.result(result.as_dict(), text)
