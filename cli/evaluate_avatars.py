"""`motionwarp evaluate avatars`: how well an estimator sees rendered people, from all sides and cut by the frame."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from motionwarp.options import ComputeOptions
from motionwarp.pipeline.options import EstimatorOptions

from .options import examples, with_options
from .reporting import Reporter

EPILOG: Final = examples("motionwarp evaluate avatars held_out.pack --json")


@with_options
def avatars(
    *,
    pack: Annotated[
        Path,
        typer.Argument(metavar="PACK", help="Made by `dataset pack avatars --split validation`.", show_default=False),
    ],
    estimator: EstimatorOptions,
    compute: ComputeOptions,
    reporter: Reporter,
) -> None:
    """Compare points, sides and mattes with the truth of rendered people; whole pictures go in, without a box."""
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.evaluation.avatars import evaluate_avatars
    from motionwarp.perception.registry import make_estimator

    device = resolve_device(compute.device)
    reader = make_estimator(estimator.pose_estimator, device, resolve_precision(compute.precision, device))
    with reporter.progress("pictures/s") as on_step:
        metrics = evaluate_avatars(reader, pack, lambda done, count: on_step("look", done, count))
    reporter.result_table({"estimator": reader.name, **metrics}, _table(metrics))


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
