"""`motionwarp dataset test-pairs`: pairs with a real target, from validation photos and clips, for `evaluate pairs`."""

from __future__ import annotations

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

EPILOG: Final = examples("motionwarp dataset test-pairs data -o pairs --photos 160 --pairs-per-clip 20")


def make_test_pairs(
    ctx: typer.Context,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Folder with ccp/ and video/ and their labels.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for pictures, list and points.")
    ],
    photos: Annotated[
        int, typer.Option("--photos", metavar="N", min=0, help="Reverse pairs of validation photos.")
    ] = 160,
    pairs_per_clip: Annotated[
        int,
        typer.Option("--pairs-per-clip", metavar="N", min=0, help="Pairs of frames of each validation clip, at most."),
    ] = 20,
    every: Annotated[
        float, typer.Option("--every", min=0.0, metavar="SECONDS", help="Between two frames of a clip, at least.")
    ] = 0.5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same pairs.")] = 0,
    estimator: EstimatorOption = "builtin",
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Write pairs of pictures of people that nothing was trained on, over plain gray.

    Photos have no second pose, so the source is made: the layered engine moves the person of the photo into another
    pose, and the photo itself is the target. Pairs of clips are two real frames. Writes images/, pairs.csv,
    annotation.csv and pairs.json.
    """
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.evaluation.plain_pairs import PlainPairsSettings, make_plain_pairs
    from motionwarp.perception.registry import make_estimator

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    settings = PlainPairsSettings(photos, pairs_per_clip, every, seed)
    where = resolve_device(device.value)
    seer = make_estimator(estimator, where, resolve_precision(precision.value, where))
    with reporter.progress("pictures/s") as tick:
        made = make_plain_pairs(data, output, settings, seer, overwrite=overwrite, progress=tick)
    if made.reverse < photos:
        reporter.warn(f"{made.reverse} of {photos} photos: no more of the split can be used")
    text = f"{output}: {made.reverse} reverse pairs of photos, {made.of_clips} pairs of frames of clips"
    facts = {"reverse_pairs": made.reverse, "clip_pairs": made.of_clips, "photos_left_out": made.photos_left_out}
    reporter.result({"output": str(output), **facts}, text)
