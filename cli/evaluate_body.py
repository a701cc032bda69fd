"""`motionwarp evaluate body`: how well people are seen in three dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from motionwarp.options import ComputeOptions, OverwriteOptions, documented, option
from motionwarp.pipeline.options import EstimatorOptions

from .comparison import check_sheet
from .options import examples, with_options
from .reporting import Reporter

if TYPE_CHECKING:
    from motionwarp.body.body_track import BodyReader
    from motionwarp.perception.base import Estimator

app = typer.Typer(
    no_args_is_help=True,
    help="Measure how well people are seen in three dimensions.",
    epilog=examples("motionwarp evaluate body lifter data --json", "motionwarp evaluate body photos data --limit 20"),
)

DataArgument = Annotated[
    Path, typer.Argument(metavar="DATA", help="Folder with ccp/, video/ and motion/.", show_default=False)
]


@documented
@dataclass(frozen=True, kw_only=True)
class LifterOptions(ComputeOptions):
    """What lifts people into space."""

    lifter: str = option("lifter", help="The lifter: a registered name or a file.", metavar="NAME|FILE")


@documented
@dataclass(frozen=True, kw_only=True)
class SeeingOptions(EstimatorOptions, LifterOptions):
    """What sees people, and what lifts them into space."""


EveryOption = Annotated[int, typer.Option("--every", metavar="N", help="Look at one of so many.", min=1)]


@app.callback()
def body() -> None:
    """Measure how well people are seen in three dimensions."""


@app.command("lifter", epilog=examples("motionwarp evaluate body lifter data --tracks 64 --json"))
@with_options
def lifter(
    *,
    data: DataArgument,
    tracks: Annotated[int, typer.Option("--tracks", metavar="N", help="Of every condition.", min=1)] = 64,
    frames: Annotated[int, typer.Option("--frames", metavar="N", help="Of each track.", min=2)] = 40,
    fitted: Annotated[int, typer.Option("--fits", metavar="N", help="Fit bodies to so many tracks too.", min=0)] = 0,
    lifting: LifterOptions,
    reporter: Reporter,
) -> None:
    """Compare what the lifter makes of validation motion with the truth: other bodies, cameras all round."""
    from motionwarp.body.model import BodyModel
    from motionwarp.data.avatars.splits import take_files
    from motionwarp.data.motion_pack import take_motion
    from motionwarp.evaluation.body.lifting import evaluate_lifter

    reader = _reader(lifting)
    model = BodyModel.load()
    motions = [take_motion(model, file) for file in take_files(data / "motion", "validation")]
    with reporter.progress("tracks/s") as on_step:
        found = evaluate_lifter(
            reader, motions, tracks=tracks, frames=frames, fitted=fitted, progress=lambda a, b: on_step("lift", a, b)
        )
    reporter.result_table({"lifter": lifting.lifter, **found}, _table(found))


@app.command(
    "pixels",
    epilog=examples("motionwarp evaluate body pixels avatars.pack --referee --json"),
)
@with_options
def pixels(
    *,
    pack: Annotated[
        Path,
        typer.Argument(metavar="PACK", help="Made by `dataset pack avatars --split validation`.", show_default=False),
    ],
    referee: Annotated[
        bool, typer.Option("--referee", help="Measure MediaPipe's world points too (extra mediapipe).")
    ] = False,
    every: EveryOption = 1,
    seeing: SeeingOptions,
    reporter: Reporter,
) -> None:
    """Compare joints in space, from rendered people's pixels, with the truth."""
    from motionwarp.evaluation.body.pixels import evaluate_pixels

    reader, seer = _reader(seeing), _estimator(seeing)
    with reporter.progress("pictures/s") as on_step:
        found = evaluate_pixels(
            seer, reader, pack, referee=referee, every=every, progress=lambda a, b: on_step("look", a, b)
        )
    reporter.result_table({"estimator": seer.name, "lifter": seeing.lifter, **found}, _table(found))


@app.command("photos", epilog=examples("motionwarp evaluate body photos data --limit 40 --sheet bodies.png"))
@with_options
def photos(
    *,
    data: DataArgument,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="So many photos, spread over all.", min=1)
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", metavar="PNG", help="Draw twenty here, the worst among them.")
    ] = None,
    seeing: SeeingOptions,
    existing: OverwriteOptions,
    reporter: Reporter,
) -> None:
    """Fit bodies to validation photos: the time, silhouettes, and how much people lean in depth."""
    from motionwarp.evaluation.body.photos import evaluate_photos
    from motionwarp.media.contact_sheet import write_sheet

    check_sheet(sheet, overwrite=existing.overwrite)
    reader, seer = _reader(seeing), _estimator(seeing)
    with reporter.progress("photos/s") as on_step:
        report = evaluate_photos(seer, reader, data / "ccp", limit=limit, progress=lambda a, b: on_step("fit", a, b))
    if sheet is not None:
        write_sheet(sheet, report.tiles(20), columns=5, overwrite=existing.overwrite)
    reporter.result_table({"estimator": seer.name, "lifter": seeing.lifter, **report.metrics}, _table(report.metrics))


@app.command("facing", epilog=examples("motionwarp evaluate body facing data --clip lhm_demo --every 2 --json"))
@with_options
def facing(
    *,
    data: DataArgument,
    clip: Annotated[
        list[str] | None, typer.Option("--clip", metavar="NAME", help="Repeat it; all validation clips by default.")
    ] = None,
    every: EveryOption = 1,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="Frames of each clip, at most.", min=1)
    ] = None,
    seeing: SeeingOptions,
    reporter: Reporter,
) -> None:
    """Compare which way people face in validation clips with a teacher's points in space; backs by themselves."""
    from motionwarp.evaluation.body.facing import CLIPS, evaluate_facing

    reader, seer = _reader(seeing), _estimator(seeing)
    with reporter.progress("clips/s") as on_step:
        found = evaluate_facing(
            seer, reader, data / "video", clips=clip or CLIPS, every=every, limit=limit,
            progress=lambda a, b: on_step("follow", a, b),
        )  # fmt: skip
    reporter.result_table({"estimator": seer.name, "lifter": seeing.lifter, **found}, _table(found))


@app.command("crops", epilog=examples("motionwarp evaluate body crops data --avatars avatars.pack --limit 60 --json"))
@with_options
def crops(
    *,
    data: DataArgument,
    avatars: Annotated[
        Path | None,
        typer.Option("--avatars", metavar="PACK", help="Made by `dataset pack avatars --split validation`."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="People of each kind, spread over all.", min=1)
    ] = None,
    seeing: SeeingOptions,
    reporter: Reporter,
) -> None:
    """Cut whole people at knees, hips and chest: points outside must be called absent, those inside found."""
    from motionwarp.evaluation.body.crops import evaluate_crops

    seer = _estimator(seeing)
    with reporter.progress("pictures/s") as on_step:
        found = evaluate_crops(seer, data, avatars, limit=limit, progress=lambda a, b: on_step("look", a, b))
    reporter.result_table({"estimator": seer.name, **found}, _table(found))


def _reader(options: LifterOptions) -> BodyReader:
    from motionwarp.body.body_track import BodyReader
    from motionwarp.devices import resolve_device, set_threads

    set_threads()
    return BodyReader.load(_name_or_path(options.lifter), device=resolve_device(options.device))


def _name_or_path(weights: str) -> str | Path:
    from motionwarp.checkpoints.checkpoint import registry

    return weights if weights in registry() else Path(weights)


def _estimator(options: SeeingOptions) -> Estimator:
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.perception.registry import make_estimator

    device = resolve_device(options.device)
    return make_estimator(options.pose_estimator, device, resolve_precision(options.precision, device))


def _table(figures: Mapping[str, Any]) -> Table:
    """Return figures of any depth as rows of a path and a value."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in _rows(figures, ""):
        table.add_row(name, value)
    return table


def _rows(figures: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for key, value in figures.items():
        name = f"{above}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _rows(value, f"{name}, ")
        elif isinstance(value, float):
            yield name, f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"
        else:
            yield name, "" if value is None else str(value)


__all__ = ["app"]
