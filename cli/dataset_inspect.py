"""`motionwarp dataset verify`, `stats` and `export`: looking at data sets and turning them into other forms."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from motionwarp.options import OverwriteOptions

from .errors import EXIT_INPUT, is_debug
from .options import DebugOption, JsonOption, OverwriteOption, QuietOption, examples, with_options
from .reporting import Reporter

VERIFY_EPILOG = examples("motionwarp dataset verify set", "motionwarp dataset verify s3://bucket/set --quick --json")
STATS_EPILOG = examples("motionwarp dataset stats set", "motionwarp dataset stats set --figure coverage.png")
EXPORT_EPILOG = examples(
    "motionwarp dataset export set coco -o keypoints.json",
    "motionwarp dataset export set openpose -o poses/",
    "motionwarp dataset export set webdataset",
)

SetArgument = Annotated[str, typer.Argument(metavar="SET", help="Folder or address of a data set.", show_default=False)]


class Form(str, Enum):
    """What a data set is exported as."""

    COCO = "coco"
    OPENPOSE = "openpose"
    WEBDATASET = "webdataset"


def verify(
    ctx: typer.Context,
    dataset: SetArgument,
    quick: Annotated[bool, typer.Option("--quick", help="Names and sizes only, without reading the files.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Check that a data set is whole: counts, checksums, and that everything can be read.

    Ends with exit code 2 if it is not.
    """
    from motionwarp.datasets.storage.factory import open_storage
    from motionwarp.datasets.verify import verify as verify_dataset

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    with reporter.progress("clips/s") as on_step:
        report = verify_dataset(open_storage(dataset), deep=not quick, progress=on_step)
    reporter.warn_all(report.problems)
    state = f"{len(report.problems)} problems" if report.problems else "sound"
    failed = f", {report.failed} that could not be made" if report.failed else ""
    text = f"{dataset}: {state}; {report.clips} clips{failed}, {report.files} files, {report.bytes / 1e6:.1f} MB"
    reporter.result({"dataset": dataset, "sound": not report.problems, **asdict(report)}, text)
    if report.problems:
        raise typer.Exit(EXIT_INPUT)


def stats(
    ctx: typer.Context,
    dataset: SetArgument,
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="PNG", help="Draw the coverage here.", show_default=False)
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Tell which people, motions, poses, speeds and views a data set covers."""
    from motionwarp.datasets.coverage import draw_coverage, measure_coverage
    from motionwarp.datasets.storage.factory import open_storage
    from motionwarp.media.atomic import check_target
    from motionwarp.media.image import write_image

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    if figure is not None:
        check_target(figure, overwrite=overwrite)
    with reporter.progress("clips/s") as on_step:
        coverage = measure_coverage(open_storage(dataset), progress=on_step)
    if figure is not None:
        write_image(figure, draw_coverage(coverage), overwrite=overwrite)
    statistics = coverage.statistics()
    reporter.result_table({"dataset": dataset, **statistics}, _table(statistics))


def _table(statistics: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("Clips", str(statistics["clips"]))
    table.add_row("Frames", str(statistics["frames"]))
    table.add_row("Hours", f"{statistics['hours']:.3f}")
    for name in ("people", "motions"):
        spread = statistics[name]
        table.add_row(
            f"{name.capitalize()} (clips of each)", f"{spread['count']} ({spread['least']} to {spread['most']})"
        )
    for name in ("wrists", "ankles"):
        table.add_row(f"Reached by {name}, of all within two torsos", f"{statistics[f'reached_by_{name}']:.1%}")
    if statistics["wrist_speed_median"] is not None:
        speeds = f"{statistics['wrist_speed_median']:.2f} / {statistics['wrist_speed_95_percent']:.2f}"
        table.add_row("Wrists' speed, torsos a second, median / 95 %", speeds)
    table.add_row("Front / side / back", " / ".join(f"{share:.0%}" for share in statistics["views"].values()))
    return table


@with_options
def export(
    *,
    dataset: SetArgument,
    form: Annotated[
        Form, typer.Argument(help="coco (keypoints), openpose (JSON a frame), or webdataset (tar shards in the set).")
    ],
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="OUT", help="File for coco, folder for openpose.", show_default=False),
    ] = None,
    shard_clips: Annotated[int, typer.Option(min=1, help="Most clips of a shard.")] = 1000,
    shard_megabytes: Annotated[int, typer.Option(min=1, help="Most megabytes of a shard.")] = 1000,
    existing: OverwriteOptions,
    reporter: Reporter,
) -> None:
    """Turn a data set into a form that other programs read."""
    from motionwarp.datasets.export import check_export_place
    from motionwarp.datasets.storage.factory import open_storage, split_address
    from motionwarp.errors import OptionError, OutputError

    storage = open_storage(dataset)
    if form is Form.WEBDATASET:
        from motionwarp.datasets.shards import ShardLimits, write_shards

        with reporter.progress("clips/s") as on_step:
            names = write_shards(storage, ShardLimits(shard_clips, shard_megabytes * 1_000_000), progress=on_step)
        reporter.result({"dataset": dataset, "shards": names}, f"{dataset}: {len(names)} shards")
        return
    if output is None:
        raise OptionError("needs an output", subject=f"export {form.value}", remedy="Give -o")
    check_export_place(storage, output)
    with reporter.progress("clips/s") as on_step:
        if form is Form.COCO:
            from motionwarp.datasets.export import export_coco

            target, name = split_address(output)
            if target.exists(name) and not existing.overwrite:
                raise OutputError("exists already", subject=output, remedy="Give `overwrite` or another name")
            count = export_coco(storage, target, name, progress=on_step)
        else:
            from motionwarp.datasets.export import export_openpose

            count = export_openpose(storage, open_storage(output), overwrite=existing.overwrite, progress=on_step)
    reporter.result({"dataset": dataset, "output": output, "frames": count}, f"{output}: {count} frames")
