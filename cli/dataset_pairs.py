"""`motionwarp dataset pairs`: held-out pairs from a folder of clips or photos."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Final

import typer

from .errors import is_debug
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

EPILOG: Final = examples(
    "motionwarp dataset pairs clips/ -o held_out --seed 1",
    "motionwarp dataset pairs people/ -o held_out --test-share 0.1 --annotate",
)


class PersonBy(str, Enum):
    """What tells whom a file shows."""

    AUTO = "auto"
    NAME = "name"
    FOLDER = "folder"
    FILE = "file"


def pairs(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Clips or photos; not both.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for lists and frames.")],
    person_by: Annotated[
        PersonBy,
        typer.Option(
            "--person-by",
            help="Who is who: published names, folders, or every file a person; auto tries in this order.",
        ),
    ] = PersonBy.AUTO,
    test_share: Annotated[float, typer.Option("--test-share", min=0.01, max=0.99, help="Of the people.")] = 0.2,
    per_person: Annotated[int, typer.Option("--pairs-per-person", min=1, help="At most.")] = 20,
    every: Annotated[
        float, typer.Option("--every", min=0.0, metavar="SECONDS", help="Between two frames of a clip.")
    ] = 0.5,
    height: Annotated[int, typer.Option("--height", min=64, help="Of the frames written, in pixels.")] = 512,
    trained_on: Annotated[
        Path | None,
        typer.Option(
            "--trained-on",
            metavar="CSV",
            help="A list of pairs; who is in it is never for testing.",
            show_default=False,
        ),
    ] = None,
    annotate: Annotated[
        bool, typer.Option("--annotate", help="Write points that the analyzer sees; leave out pictures without.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same lists.")] = 0,
    estimator: EstimatorOption = "builtin",
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Make lists of pairs for training and testing in which nobody is in both.

    Writes train-pairs.csv, test-pairs.csv and split.json; frames of clips go into images/ beside them. Pictures that
    are the same under two people's names are a leak, and refused.
    """
    from motionwarp.data.held_out_files import HeldOutSettings, make_held_out
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.perception.registry import make_estimator

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    settings = HeldOutSettings(
        folder, output, person_by.value, test_share, per_person, every, height, trained_on, seed, overwrite
    )
    where = resolve_device(device.value)
    seer = make_estimator(estimator, where, resolve_precision(precision.value, where)) if annotate else None
    with reporter.progress("pictures/s") as on_step:
        made = make_held_out(settings, seer, on_step)
    reporter.warn_all(made.without_person, "nobody was seen")
    split = made.split
    text = (
        f"{output}: {len(split.train)} pairs of {len(split.train_people)} people for training, "
        f"{len(split.test)} of {len(split.test_people)} for testing"
    )
    reporter.result({"output": str(output), **made.summary(settings)}, text)
