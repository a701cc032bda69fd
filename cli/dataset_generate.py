"""`motionwarp dataset generate`: many people with many motions, as a data set."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import EXIT_PARTIAL, is_debug
from .options import (
    COMPUTING,
    DebugOption,
    Device,
    DeviceOption,
    EstimatorOption,
    JsonOption,
    PersonOption,
    Precision,
    PrecisionOption,
    QuietOption,
    examples,
)
from .reporting import Reporter, clock
from .transfer_options import LOOK, BackgroundOption, BatchSizeOption, EngineOption, RetargetOption

if TYPE_CHECKING:
    from motionwarp.datasets.config import DatasetConfig
    from motionwarp.datasets.estimate import Estimate
    from motionwarp.datasets.generate import RunSummary
    from motionwarp.datasets.items import Item

EPILOG = examples(
    "motionwarp dataset generate --sources people/ --drivings dances/ -o set --plan",
    "motionwarp dataset generate --sources people.csv --drivings dances.csv -o set --pairs random:1000 --fps 25 --size 512",
    "motionwarp dataset generate --sources people/ --drivings dances/ -o set --resume",
)

VARIETY, RUNNING = "Variety", "Running"


class Container(str, Enum):
    """What a clip's pictures are written to."""

    MP4 = "mp4"
    MOV = "mov"
    MKV = "mkv"
    WEBM = "webm"
    FRAMES = "frames"


class Placing(str, Enum):
    """Where the person stands."""

    SOURCE = "source"
    DRIVING = "driving"
    MIXED = "mixed"


class ExecutorName(str, Enum):
    """Where the work is done."""

    LOCAL = "local"
    RAY = "ray"
    INLINE = "inline"


def bounds(text: str | tuple[float, float]) -> tuple[float, float]:
    """Read `LOW:HIGH`, or one number for both; Typer passes defaults through here too."""
    if isinstance(text, tuple):
        return text
    try:
        low, high = (float(part) for part in (text.split(":") if ":" in text else (text, text)))
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a range; write LOW:HIGH, such as 0.8:1.2.") from None
    return low, high


def generate(
    ctx: typer.Context,
    sources: Annotated[
        str, typer.Option("--sources", metavar="DIR|CSV", help="Pictures of people.", show_default=False)
    ],
    drivings: Annotated[
        str, typer.Option("--drivings", metavar="DIR|CSV", help="Clips of motions.", show_default=False)
    ],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="OUT", help="Folder, or an address such as s3://bucket/set.")
    ],
    pairs: Annotated[str, typer.Option(metavar="all|random:N|CSV", help="Who gets which motion.")] = "all",
    variants: Annotated[int, typer.Option(min=1, help="Clips of every pair, each varied anew.")] = 1,
    plan: Annotated[bool, typer.Option("--plan", help="Tell counts, hours, disk and memory, and end.")] = False,
    container: Annotated[
        Container, typer.Option("--container", help="frames for a folder of PNG files.", rich_help_panel=LOOK)
    ] = Container.MP4,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH|LONG_SIDE",
            help="Of the clips in pixels.",
            rich_help_panel=LOOK,
            show_default="as the background",
        ),
    ] = None,
    fps: Annotated[
        str | None,
        typer.Option(
            metavar="RATE", help="Frames a second.", rich_help_panel=LOOK, show_default="the motion's own times"
        ),
    ] = None,
    background: BackgroundOption = "source",
    smooth: Annotated[
        float, typer.Option(metavar="0..1", help="Smoothing of the motion over time.", rich_help_panel=LOOK)
    ] = 0.5,
    retarget: RetargetOption = True,
    person: PersonOption = "largest",
    codec: Annotated[
        str, typer.Option(metavar="NAME", help="auto, h264, hevc, av1, vp9, prores or ffv1.", rich_help_panel=LOOK)
    ] = "auto",
    crf: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Quality, lower is better.", rich_help_panel=LOOK, show_default="the codec's own"
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Speed of the encoder.", rich_help_panel=LOOK, show_default="the codec's own"
        ),
    ] = None,
    placement: Annotated[
        Placing,
        typer.Option(help="Stand where the source or the driving person does, or mixed.", rich_help_panel=VARIETY),
    ] = Placing.SOURCE,
    scale: Annotated[
        Any,
        typer.Option(
            parser=bounds, metavar="LOW:HIGH", help="Size of the person, such as 0.7:1.2.", rich_help_panel=VARIETY
        ),
    ] = (1.0, 1.0),
    shift: Annotated[
        float,
        typer.Option(metavar="0..1", help="Move the person by up to this share of the frame.", rich_help_panel=VARIETY),
    ] = 0.0,
    mirror: Annotated[
        float, typer.Option(metavar="0..1", help="Share of clips with mirrored motion.", rich_help_panel=VARIETY)
    ] = 0.0,
    speed: Annotated[
        Any,
        typer.Option(
            parser=bounds, metavar="LOW:HIGH", help="Of the motion, such as 0.8:1.25.", rich_help_panel=VARIETY
        ),
    ] = (1.0, 1.0),
    backgrounds: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Pictures and clips, one of which lies behind each.",
            rich_help_panel=VARIETY,
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an earlier run ended.", rich_help_panel=RUNNING)
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what was given up.", rich_help_panel=RUNNING)
    ] = False,
    shards: Annotated[
        bool, typer.Option("--shards", help="Write WebDataset tar files too.", rich_help_panel=RUNNING)
    ] = False,
    break_lock: Annotated[
        bool, typer.Option("--break-lock", help="Take over from a run on a host that is gone.", rich_help_panel=RUNNING)
    ] = False,
    executor: Annotated[
        ExecutorName,
        typer.Option(
            "--executor", help="Processes here, a Ray cluster, or this very process.", rich_help_panel=RUNNING
        ),
    ] = ExecutorName.LOCAL,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Clips at once.", rich_help_panel=RUNNING, show_default="cores or GPUs")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Of each worker.", rich_help_panel=RUNNING)] = 1,
    ray_address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Of a Ray cluster that runs.", rich_help_panel=RUNNING, show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    engine: EngineOption = "auto",
    pose_estimator: EstimatorOption = "builtin",
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    batch_size: BatchSizeOption = "auto",
    seed: Annotated[int, typer.Option(help="Same inputs and seed, same data set.", rich_help_panel=COMPUTING)] = 0,
    debug: DebugOption = False,
) -> None:
    """Give many motions to many people, with points, parsing, matte and warps of every frame.

    Ends with exit code 3 if single clips could not be made; the manifest says why. What was done is kept whatever happens: give
    --resume to go on.
    """
    from motionwarp.datasets.augmentation import Augmentation
    from motionwarp.datasets.config import DatasetConfig
    from motionwarp.datasets.executors.factory import ExecutorChoice
    from motionwarp.datasets.generate import RunSettings
    from motionwarp.datasets.items import check_apart, read_items
    from motionwarp.pipeline.options import TransferOptions

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    options = TransferOptions(
        engine=engine,
        retarget=retarget,
        background=background,
        size=size,
        fps=fps,
        person=person,
        smooth=smooth,
        audio=False,
        pose_estimator=pose_estimator,
        device=device.value,
        precision=precision.value,
        batch_size=batch_size,
        codec=codec,
        crf=crf,
        preset=preset,
        seed=seed,
    )
    variety = Augmentation(placement.value, scale, shift, mirror, speed, _pool(backgrounds))
    config = DatasetConfig(options, variety, pairs, variants, container.value, threads)
    people, motions = read_items("source", sources), read_items("driving", drivings)
    check_apart(output, [place for place in (sources, drivings, backgrounds) if place is not None])
    choice = ExecutorChoice(executor.value, workers, ray_address)
    if plan:
        _tell_plan(people, motions, config, output, workers, shards, reporter)
    else:
        _make(people, motions, config, output, RunSettings(choice, resume, retry_failed, break_lock, shards), reporter)


def _pool(folder: str | None) -> tuple[str, ...]:
    from motionwarp.datasets.items import background_pool

    return () if folder is None else background_pool(folder)


def _tell_plan(
    people: tuple[Item, ...],
    motions: tuple[Item, ...],
    config: DatasetConfig,
    output: str,
    workers: int | None,
    shards: bool,
    reporter: Reporter,
) -> None:
    from motionwarp.datasets.estimate import estimate

    told = estimate(people, motions, config, output, workers, shards=shards)
    for count, what in ((told.unreadable_people, "people"), (told.unreadable_motions, "motions")):
        if count:
            reporter.warn(f"about {count} files of {what} cannot be read; they would be recorded and skipped.")
    if told.free_bytes is not None and told.free_bytes < told.disk_bytes:
        reporter.warn(f"only {_size(told.free_bytes)} are free on the disk of {output}.")
    reporter.result(told.as_dict(), _plan_text(told))


def _plan_text(told: Estimate) -> str:
    hours = f"{clock(3600 * told.hours_all_workers)} with {told.workers} workers here, {clock(3600 * told.hours_one_worker)} with one"
    return "\n".join(
        [
            f"{told.clips} clips of {told.people} people and {told.motions} motions: "
            f"{told.frames} frames, {told.hours_of_video:.2f} hours of video",
            f"Time: {hours}",
            f"Disk: {_size(told.clip_bytes)} of clips, {f'{_size(told.shard_bytes)} of shards, ' if told.shard_bytes else ''}"
            f"{_size(told.analysis_bytes)} of kept analyses",
            f"Memory: {_size(told.memory_bytes)}: {_size(told.worker_bytes)} a worker, {_size(told.program_bytes)} the program",
            f"Measured on {told.sample_frames} frames that were made and removed again.",
        ]
    )


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in ("B", "kB", "MB") else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _make(
    people: tuple[Item, ...],
    motions: tuple[Item, ...],
    config: DatasetConfig,
    output: str,
    settings: Any,
    reporter: Reporter,
) -> None:
    from dataclasses import asdict

    from motionwarp.datasets.generate import generate as generate_dataset

    def tell(details: str) -> None:
        if reporter.debug:
            sys.stderr.write(details)

    with reporter.progress("clips/s") as on_progress:
        summary = generate_dataset(people, motions, config, output, settings, progress=on_progress, on_details=tell)
    reporter.warn_all([*summary.notes, *summary.errors])
    reporter.result(asdict(summary), _summary_text(summary))
    if summary.failed:
        raise typer.Exit(EXIT_PARTIAL)


def _summary_text(summary: RunSummary) -> str:
    failed = f", {summary.failed} failed" if summary.failed else ""
    made = f"{summary.made} made now in {clock(summary.seconds)} ({summary.frames / max(summary.seconds, 1e-9):.1f} frames a second)"
    return f"{summary.output}: {summary.done} of {summary.clips} clips{failed}; {made}"
