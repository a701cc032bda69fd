"""`motionwarp dataset annotate`: the points of a folder of pictures, in the form of the published protocols."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from motionwarp.options import ComputeOptions, OverwriteOptions
from motionwarp.pipeline.options import EstimatorOptions

from .errors import EXIT_PARTIAL
from .options import examples, with_options
from .reporting import Reporter

EPILOG: Final = examples("motionwarp dataset annotate people/ -o people-annotation.csv")


@with_options
def annotate(
    *,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Pictures, in folders below it too.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="CSV", help="File to write.")],
    least_score: Annotated[
        float, typer.Option("--least-score", min=0.0, max=1.0, help="Points that are less sure are written as missing.")
    ] = 0.5,
    estimator: EstimatorOptions,
    compute: ComputeOptions,
    existing: OverwriteOptions,
    reporter: Reporter,
) -> None:
    """Write the 18 points of every picture, one person each, as `name:keypoints_y:keypoints_x`.

    This is what `evaluate pairs --annotations` and `dataset pack pairs-deepfashion` read. Pictures without a person
    have no row. Ends with exit code 3 if files cannot be read; the others are written all the same.
    """
    from motionwarp.data.people_folder import annotate_folder
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.perception.registry import make_estimator

    device = resolve_device(compute.device)
    analyzer = make_estimator(estimator.pose_estimator, device, resolve_precision(compute.precision, device))
    with reporter.progress("pictures/s") as on_step:
        made = annotate_folder(
            folder, output, analyzer, least_score=least_score, overwrite=existing.overwrite, progress=on_step
        )
    reporter.warn_all(made.without_person, "nobody was seen")
    reporter.warn_all(list(made.unreadable.values()))
    facts = {"pictures": len(made.poses), "without_person": list(made.without_person), "unreadable": made.unreadable}
    reporter.result(
        {"output": str(output), "estimator": analyzer.name, **facts}, f"{output}: {len(made.poses)} pictures"
    )
    if made.unreadable:
        raise typer.Exit(EXIT_PARTIAL)
