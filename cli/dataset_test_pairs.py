"""`motionwarp dataset test-pairs`: pairs with a real target, of validation data, for `evaluate pairs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from motionwarp.evaluation.options import PlainPairsSettings
from motionwarp.options import ComputeOptions, OverwriteOptions
from motionwarp.pipeline.options import EstimatorOptions

from .options import examples, with_options
from .reporting import Reporter

EPILOG: Final = examples("motionwarp dataset test-pairs data -o pairs --photos 160 --pairs-per-clip 20")


@with_options
def make_test_pairs(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Folder with ccp/ and video/ and their labels.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for pictures, list and points.")
    ],
    settings: PlainPairsSettings,
    estimator: EstimatorOptions,
    compute: ComputeOptions,
    existing: OverwriteOptions,
    reporter: Reporter,
) -> None:
    """Write pairs of pictures of people that nothing was trained on, over plain gray.

    Photos have no second pose, so the source is made: the layered engine moves the person of the photo into another
    pose, and the photo itself is the target. Pairs of clips are two real frames, pairs of avatars two pictures of one
    in motion. Writes images/, pairs.csv,
    annotation.csv and pairs.json.
    """
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.evaluation.plain_pairs import make_plain_pairs
    from motionwarp.perception.registry import make_estimator

    device = resolve_device(compute.device)
    analyzer = make_estimator(estimator.pose_estimator, device, resolve_precision(compute.precision, device))
    with reporter.progress("pictures/s") as on_step:
        made = make_plain_pairs(data, output, settings, analyzer, overwrite=existing.overwrite, progress=on_step)
    if made.reverse < settings.photos:
        reporter.warn(f"{made.reverse} of {settings.photos} photos: no more of the split can be used")
    text = (
        f"{output}: {made.reverse} reverse pairs of photos, {made.of_clips} pairs of frames of clips, "
        f"{made.of_avatars} pairs of avatars"
    )
    summary = {
        "reverse_pairs": made.reverse,
        "clip_pairs": made.of_clips,
        "avatar_pairs": made.of_avatars,
        "photos_left_out": made.photos_left_out,
    }
    reporter.result({"output": str(output), **summary}, text)
