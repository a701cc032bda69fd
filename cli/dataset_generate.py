"""`motionwarp dataset generate`: many people with many motions, as a data set."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from motionwarp.datasets.options import Augmentation, ClipOptions, ExecutorChoice, RunSettings
from motionwarp.options import ComputeOptions, Options, Panel, option
from motionwarp.pipeline.options import (
    CameraOptions,
    EncodingOptions,
    EngineOptions,
    EstimatorOptions,
    FrameOptions,
    PeopleOptions,
    SeedOptions,
    SmoothingOptions,
    TransferOptions,
)

from .errors import EXIT_PARTIAL
from .options import Only, examples, with_options
from .reporting import Reporter, clock

if TYPE_CHECKING:
    from motionwarp.datasets.config import DatasetConfig
    from motionwarp.datasets.estimate import Estimate
    from motionwarp.datasets.generate import RunSummary
    from motionwarp.datasets.items import Item

EPILOG = examples(
    "motionwarp dataset generate --sources people/ --drivings dances/ -o set --plan",
    "motionwarp dataset generate --sources people.csv --drivings dances.csv -o set --pairs random:1000 --fps 25 "
    "--size 512",
    "motionwarp dataset generate --sources people/ --drivings duos/ -o set --cast 1=random",
    "motionwarp dataset generate --sources people/ --drivings dances/ -o set --resume",
)

ClipLook = Annotated[
    TransferOptions,
    Only(
        CameraOptions, FrameOptions, SmoothingOptions, PeopleOptions, EncodingOptions, EngineOptions, EstimatorOptions,
        ComputeOptions, SeedOptions,
    ),
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GenerateRequest(Options):
    """What is made of which inputs, and where."""

    sources: str = option(help="Pictures of people.", metavar="DIR|CSV")
    drivings: str = option(help="Clips of motions, or motion capture.", metavar="DIR|CSV")
    output: str = option(help="Folder, or an address such as s3://bucket/set.", metavar="OUT", flags=("--output", "-o"))
    plan: bool = option(False, help="Tell counts, hours, disk and memory, and what a run would refuse, and end.")
    backgrounds: str | None = option(
        None, help="Pictures and clips, one of which lies behind each.", metavar="DIR", panel=Panel.VARIETY
    )


@with_options
def generate(
    request: GenerateRequest,
    clips: ClipOptions,
    look: ClipLook,
    variety: Augmentation,
    executor: ExecutorChoice,
    settings: RunSettings,
    reporter: Reporter,
) -> None:
    """Give many motions to many people, with points, parsing, matte and warps of every frame.

    Ends with exit code 3 if single clips could not be made; the manifest says why. What was done is kept whatever
    happens: give --resume to go on.
    """
    from motionwarp.datasets.config import DatasetConfig
    from motionwarp.datasets.items import background_pool, check_apart, read_items

    pool = () if request.backgrounds is None else background_pool(request.backgrounds)
    config = DatasetConfig(replace(look, audio=False), replace(variety, backgrounds=pool), **asdict(clips))
    people, motions = read_items("source", request.sources), read_items("driving", request.drivings)
    places = (request.sources, request.drivings, request.backgrounds)
    check_apart(request.output, [place for place in places if place is not None])
    settings = replace(settings, executor=executor)
    if request.plan:
        _print_plan(people, motions, config, request.output, settings, reporter)
    else:
        _make(people, motions, config, request.output, settings, reporter)


def _print_plan(
    people: tuple[Item, ...],
    motions: tuple[Item, ...],
    config: DatasetConfig,
    output: str,
    settings: RunSettings,
    reporter: Reporter,
) -> None:
    from motionwarp.datasets.estimate import estimate
    from motionwarp.datasets.generate import check_ready

    check_ready(people, motions, config, output, settings)
    needs = estimate(people, motions, config, output, settings.executor.workers, shards=settings.shards)
    for count, what in ((needs.unreadable_people, "people"), (needs.unreadable_motions, "motions")):
        if count:
            reporter.warn(f"about {count} files of {what} cannot be read; they would be recorded and skipped.")
    if needs.free_bytes is not None and needs.free_bytes < needs.disk_bytes:
        reporter.warn(f"only {_size(needs.free_bytes)} are free on the disk of {output}.")
    reporter.result(needs.as_dict(), _plan_text(needs))


def _plan_text(needs: Estimate) -> str:
    here, alone = clock(3600 * needs.hours_all_workers), clock(3600 * needs.hours_one_worker)
    shards = f"{_size(needs.shard_bytes)} of shards, " if needs.shard_bytes else ""
    memory = f"{_size(needs.worker_bytes)} a worker, {_size(needs.program_bytes)} the program"
    return "\n".join(
        [
            f"{needs.clips} clips of {needs.people} people and {needs.motions} motions: "
            f"{needs.frames} frames, {needs.hours_of_video:.2f} hours of video",
            f"Time: {here} with {needs.workers} workers here, {alone} with one",
            f"Disk: {_size(needs.clip_bytes)} of clips, {shards}{_size(needs.analysis_bytes)} of kept analyses",
            f"Memory: {_size(needs.memory_bytes)}: {memory}",
            f"Measured on {needs.sample_frames} frames that were made and removed again.",
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
    settings: RunSettings,
    reporter: Reporter,
) -> None:
    from motionwarp.datasets.generate import generate as generate_dataset

    def tell(details: str) -> None:
        if reporter.debug:
            sys.stderr.write(details)

    with reporter.progress("clips/s") as on_step:
        summary = generate_dataset(people, motions, config, output, settings, progress=on_step, on_details=tell)
    reporter.warn_all([*summary.notes, *summary.errors])
    reporter.result(asdict(summary), _summary_text(summary))
    if summary.failed:
        raise typer.Exit(EXIT_PARTIAL)


def _summary_text(summary: RunSummary) -> str:
    failed = f", {summary.failed} failed" if summary.failed else ""
    rate = summary.frames / max(summary.seconds, 1e-9)
    made = f"{summary.made} made now in {clock(summary.seconds)} ({rate:.1f} frames a second)"
    return f"{summary.output}: {summary.done} of {summary.clips} clips{failed}; {made}"
