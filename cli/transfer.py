"""`motionwarp transfer`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from motionwarp.pipeline.options import TransferOptions, output_path

from .options import examples, with_options
from .reporting import Reporter, clock
from .stages import stages_shown, uncollected_imports
from .streams import STREAM, given_files, taken_file, told_as

EPILOG = examples(
    "motionwarp transfer person.jpg dance.mp4 -o out.mp4",
    "motionwarp transfer person.jpg dance.mp4 --start 0:05 --end 0:10 --side-by-side",
    "motionwarp transfer person.jpg dance.mp4 --background transparent -o out.webm",
    "motionwarp transfer person.jpg - -o - --codec vp9",
    "motionwarp transfer person.jpg walk.bvh --engine avatar --view 45",
    "motionwarp transfer person.jpg wave --engine avatar",
)


SourceArgument = Annotated[
    Path,
    typer.Argument(
        metavar="SOURCE", help="Picture (or video) of the person to be moved, or their avatar.", show_default=False
    ),
]
DrivingArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DRIVING",
        help="Video, GIF, folder of frames, .bvh, or a motion's name (motionwarp motions list); - is stdin.",
        show_default=False,
    ),
]


@with_options
def transfer(
    *,
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
            help=".mp4, .mov, .webm, .mkv, .gif, .webp, .apng, .png (a sprite sheet), a folder/ for PNG files, or - "
            "for Matroska on stdout.",
        ),
    ] = None,
    options: TransferOptions,
    reporter: Reporter,
) -> None:
    """Give the motion of DRIVING to the person in SOURCE."""
    if output == STREAM:
        reporter.results_aside()
    target = output or default_output(source, driving, options.background)
    with given_files(source, driving) as (picture, clip), taken_file(target) as written:
        run(picture, clip, written, options, reporter)


def default_output(source: Path, driving: Path, background: str) -> Path:
    """Return where a result goes that was given no name: here, in a container that can hold it."""
    ending = ".webm" if background.strip() == "transparent" else ".mp4"
    names = ("stdin" if path == STREAM else path.stem for path in (source, driving))
    return Path(f"{'_'.join(names)}{ending}")


def run(source: Path, driving: Path, target: Path, options: TransferOptions, reporter: Reporter) -> None:
    """Do the transfer and report it."""
    with uncollected_imports():
        from motionwarp.pipeline.api import transfer as transfer_motion

    with stages_shown(reporter) as on_progress:
        result = transfer_motion(source, driving, target, options, progress=on_progress)
    if result.poor:
        reasons = "; ".join(issue.text for issue in result.poor)
        reporter.warn(f"`motionwarp check` would call this poor: {reasons}.")
    reporter.warn_all(result.warnings)
    made = f"made in {clock(result.seconds)} by {result.engine} on {result.device} ({result.fps:.1f} frames a second)"
    text = f"{told_as(result.output)}: {result.frames} frames, {result.width}x{result.height}, {made}"
    reporter.result(result.as_dict(), text)
