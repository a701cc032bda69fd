"""`motionwarp evaluate avatars`: how well an estimator sees rendered people, from all sides and cut by the frame."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from .failures import is_debug
from .options import (
    DebugOption,
    Device,
    DeviceOption,
    EstimatorOption,
    JsonOption,
    Precision,
    PrecisionOption,
    QuietOption,
    examples,
)
from .reporting import Reporter

EPILOG: Final = examples("motionwarp evaluate avatars held_out.pack --json")


def avatars(
    ctx: typer.Context,
    pack: Annotated[
        Path, typer.Argument(metavar="PACK", help="Made by `dataset avatars --split validation`.", show_default=False)
    ],
    estimator: EstimatorOption = "builtin",
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare points, sides and mattes with the truth of rendered people; whole pictures go in, without anybody's box."""
    from motionwarp.analysis.estimators import make_estimator
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.evaluation.avatars import evaluate_avatars

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    where = resolve_device(device.value)
    seer = make_estimator(estimator, where, resolve_precision(precision.value, where))
    with reporter.progress("pictures/s") as tick:
        figures = evaluate_avatars(seer, pack, lambda done, count: tick("look", done, count))
    reporter.result_table({"estimator": seer.name, **figures}, _table(figures))


def _table(figures: Any) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (
        "pictures of",
        "count",
        "found",
        "within 5 %",
        "10 %",
        "sides exchanged",
        "outside absent",
        "matte IoU",
    ):
        table.add_column(heading, justify="left" if heading == "pictures of" else "right")
    rows = [("all", figures["all"])]
    for part in ("by_view", "by_view_whole", "by_cut", "by_group"):
        rows += [(f"{part.removeprefix('by_').replace('_', ', ')} {key}", row) for key, row in figures[part].items()]
    for name, row in rows:
        shares = (
            "found",
            "points_within_5_percent",
            "points_within_10_percent",
            "left_right_exchanged",
            "outside_absent",
            "matte_iou",
        )
        table.add_row(name, str(row["pictures"]), *("" if row[key] is None else f"{row[key]:.3f}" for key in shares))
    return table
