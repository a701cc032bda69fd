"""`motionwarp swap`: the person of one photo in the clothes of another one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from motionwarp.pipeline.swap_options import SwapOptions

from .options import examples, with_options
from .reporting import Reporter, clock
from .stages import uncollected_imports

EPILOG = examples(
    "motionwarp swap alice.jpg bob.jpg -o alice_as_bob.png",
    "motionwarp swap alice.jpg bob.jpg --what upper -o turning.mp4",
)


@with_options
def swap(
    *,
    photo: Annotated[
        Path, typer.Argument(metavar="PERSON", help="Picture of who is to be dressed.", show_default=False)
    ],
    clothes: Annotated[
        Path, typer.Argument(metavar="CLOTHES", help="Picture of somebody in the clothes.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            show_default="PERSON_CLOTHES.png",
            help="A picture, or a video in which the dressed person turns once.",
        ),
    ] = None,
    options: SwapOptions,
    reporter: Reporter,
) -> None:
    """Dress PERSON in what the person in CLOTHES wears."""
    with uncollected_imports():
        from motionwarp.devices import set_threads
        from motionwarp.pipeline.swap import swap as swap_clothes
        from motionwarp.runtime import keep_freed_memory

    keep_freed_memory()
    set_threads()
    target = output or Path(f"{photo.stem}_{clothes.stem}.png")
    with reporter.progress() as on_step:
        result = swap_clothes(photo, clothes, target, options, progress=on_step)
    reporter.warn_all(result.warnings)
    size = f"{result.width}x{result.height}" if result.frames == 1 else f"{result.frames} frames"
    text = f"{result.output}: {size}, dressed in {clock(result.seconds)} by {result.engine}"
    reporter.result(result.as_dict(), text)
