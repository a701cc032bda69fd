"""`motionwarp avatar`: a person of a photo in space, kept, exported, and seen from all sides."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from motionwarp.pipeline.avatar_options import AvatarOptions

from .options import WRITING, examples, with_options
from .reporting import Reporter, clock
from .stages import uncollected_imports

EPILOG = examples(
    "motionwarp avatar alice.jpg -o alice.safetensors --turntable alice.mp4",
    "motionwarp avatar alice.safetensors -o alice.glb",
    "motionwarp avatar alice.safetensors --turntable alice.webm --background transparent",
)


@with_options
def avatar(
    *,
    photo: Annotated[
        Path,
        typer.Argument(metavar="PHOTO", help="Picture of the person, or an avatar made before.", show_default=False),
    ],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .safetensors file to use again, or .glb for other programs; may be given twice.",
            show_default="PHOTO.safetensors, unless a turntable is asked for",
            rich_help_panel=WRITING,
        ),
    ] = None,
    options: AvatarOptions,
    reporter: Reporter,
) -> None:
    """Make an avatar of the person in PHOTO: surfaces in space that a body moves, seen from any side."""
    with uncollected_imports():
        from motionwarp.devices import set_threads
        from motionwarp.pipeline.avatars import check_outputs, read_or_make_avatar, write_avatar, write_turntable
        from motionwarp.runtime import keep_freed_memory

    outputs = list(output or ())
    if not outputs and options.turntable is None:
        outputs = [Path(photo.with_suffix(".safetensors").name)]
    check_outputs(photo, outputs, options)
    began = time.monotonic()
    keep_freed_memory()
    set_threads()
    with reporter.progress() as on_step:
        on_step("avatar", 0, 1)
        made, warnings = read_or_make_avatar(photo, options)
        on_step("avatar", 1, 1)
        for path in outputs:
            write_avatar(made, path, options)
        frames = 0
        if options.turntable is not None:
            frames, lost = write_turntable(made, options, photo, lambda done, total: on_step("turntable", done, total))
            warnings += lost
    seconds = time.monotonic() - began
    reporter.warn_all(warnings)
    written = [str(path) for path in [*outputs, options.turntable] if path is not None]
    summary: dict[str, Any] = {
        "outputs": written,
        "triangles": len(made.sheets.faces),
        "turntable_frames": frames,
        "seconds": round(seconds, 3),
        "warnings": warnings,
    }
    text = f"{', '.join(written)}: {len(made.sheets.faces):,} triangles, made in {clock(seconds)}"
    reporter.result(summary, text)
