"""`motionwarp dataset annotate`: the points of a folder of pictures, in the form of the published protocols."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from .errors import EXIT_PARTIAL, is_debug
from .options import (
    DebugOption,
    Device,
    DeviceOption,
    EstimatorOption,
    JsonOption,
    OverwriteOption,
    Precision,
    PrecisionOption,
    QuietOption,
    examples,
)
from .reporting import Reporter

EPILOG: Final = examples("motionwarp dataset annotate people/ -o people-annotation.csv")


def annotate(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Pictures, in folders below it too.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="CSV", help="File to write.")],
    least_score: Annotated[
        float, typer.Option("--least-score", min=0.0, max=1.0, help="Points that are less sure are written as missing.")
    ] = 0.5,
    estimator: EstimatorOption = "builtin",
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Write the 18 points of every picture, one person each, as `name:keypoints_y:keypoints_x`.

    This is what `evaluate pairs --annotations` and `dataset pack pairs-deepfashion` read. Pictures without a person
    have no row. Ends with exit code 3 if files cannot be read; the others are written all the same.
    """
    from motionwarp.data.people_folder import annotate_folder
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.perception.registry import make_estimator

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    where = resolve_device(device.value)
    seer = make_estimator(estimator, where, resolve_precision(precision.value, where))
    with reporter.progress("pictures/s") as tick:
        made = annotate_folder(folder, output, seer, least_score=least_score, overwrite=overwrite, progress=tick)
    reporter.warn_all(made.without_person, "nobody was seen")
    reporter.warn_all(list(made.unreadable.values()))
    facts = {"pictures": len(made.poses), "without_person": list(made.without_person), "unreadable": made.unreadable}
    reporter.result({"output": str(output), "estimator": seer.name, **facts}, f"{output}: {len(made.poses)} pictures")
    if made.unreadable:
        raise typer.Exit(EXIT_PARTIAL)
