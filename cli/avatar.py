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
    "motionwarp avatar front.jpg back.jpg side.jpg -o alice.safetensors",
    "motionwarp avatar alice.safetensors -o alice.glb",
    "motionwarp avatar alice.safetensors --turntable alice.webm --background transparent",
)


@with_options
def avatar(
    *,
    photos: Annotated[
        list[Path],
        typer.Argument(
            metavar="PHOTO...",
            help="Picture of the person, and more of them from other sides; or an avatar made before.",
            show_default=False,
        ),
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
        outputs = [Path(photos[0].with_suffix(".safetensors").name)]
    check_outputs(photos, outputs, options)
    began = time.monotonic()
    keep_freed_memory()
    set_threads()
    with reporter.progress() as on_step:
        on_step("avatar", 0, 1)
        made = read_or_make_avatar(photos, options)
        warnings = list(made.notes)
        on_step("avatar", 1, 1)
        for path in outputs:
            write_avatar(made, path, options)
        frames = 0
        if options.turntable is not None:
            frames, lost = write_turntable(
                made.person.avatar, options, photos, lambda done, total: on_step("turntable", done, total)
            )
            warnings += lost
    seconds = time.monotonic() - began
    triangles = len(made.person.avatar.sheets.faces)
    reporter.warn_all(warnings)
    written = [str(path) for path in [*outputs, options.turntable] if path is not None]
    summary: dict[str, Any] = {
        "outputs": written,
        "triangles": triangles,
        "photos": made.photos,
        "turntable_frames": frames,
        "seconds": round(seconds, 3),
        "warnings": warnings,
    }
    text = f"{', '.join(written)}: {triangles:,} triangles, made in {clock(seconds)}"
    reporter.result(summary, text)
