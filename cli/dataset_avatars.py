"""`motionwarp dataset avatars`: a pack of rendered avatars for the analyser, of which everything is known exactly."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Final

import typer

from motionwarp.errors import OutputError

from .failures import is_debug
from .options import DebugOption, JsonOption, OverwriteOption, QuietOption, examples
from .reporting import Reporter

EPILOG: Final = examples(
    "motionwarp dataset avatars data -o avatars.pack --count 12000",
    "motionwarp dataset avatars data -o dressed.pack --count 3000 --dressed 40",
    "motionwarp dataset avatars data -o held_out.pack --count 600 --split validation",
)


class AvatarPackSplit(str, Enum):
    """Whose avatars and takes are shown."""

    TRAIN = "train"
    VALIDATION = "validation"


def avatars(
    ctx: typer.Context,
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="Folder with avatars/ (or makehuman/), motion/ and ccp/.", show_default=False
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The pack to write.")],
    count: Annotated[int, typer.Option("--count", min=1, help="Pictures.")] = 3000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same pictures.")] = 0,
    split: Annotated[
        AvatarPackSplit, typer.Option("--split", help="train, or validation, on which nothing is ever trained.")
    ] = AvatarPackSplit.TRAIN,
    dressed: Annotated[
        int,
        typer.Option(
            "--dressed", metavar="N", min=0, help="Show N people of the body model in MakeHuman's clothes instead."
        ),
    ] = 0,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Render avatars driven by motion capture, from all sides, before parts of real photos.

    A third is cut by the frame and a tenth has something before it. Backgrounds come from the photos of the same split.
    """
    from motionwarp.data.avatars.packing import avatar_views, load_cast, write_avatar_pack

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    if output.exists() and not overwrite:
        raise OutputError("this file exists", subject=output, remedy="Give --overwrite or another name.")
    cast = load_cast(data, split.value, seed, dressed)
    with reporter.progress("pictures/s") as tick:
        written = write_avatar_pack(
            avatar_views(cast, split.value, count, seed), output, progress=lambda done: tick("pack", done, count)
        )
    summary = {"output": str(output), "pictures": written.pictures, "bytes": written.bytes}
    reporter.result(summary, f"{output}: {written.pictures} pictures, {written.bytes / 1e6:.1f} MB")
