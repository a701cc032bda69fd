"""`motionwarp motions`: the library of motions that can be given by name as DRIVING."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from motionwarp.errors import InputError, MotionwarpError, OutputError
from motionwarp.motions.catalog import LibraryEntry, find_motion, library, user_file
from motionwarp.pipeline.motion_options import AddOptions, ShowOptions

from .options import examples, with_options
from .reporting import Reporter
from .stages import stages_shown, uncollected_imports

if TYPE_CHECKING:
    from motionwarp.motions.files import LibraryMotion

app = typer.Typer(
    no_args_is_help=True,
    help="List, show, add and remove motions that can be given by name as DRIVING.",
    epilog=examples(
        "motionwarp motions list",
        "motionwarp motions show wave -o wave.mp4",
        "motionwarp motions add my-walk walk.bvh",
    ),
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of a motion.", show_default=False)]


@app.command("list", epilog=examples("motionwarp motions list", "motionwarp motions list --json"))
@with_options
def list_motions(*, reporter: Reporter) -> None:
    """Show all motions: those that ship, and those that were added."""
    with uncollected_imports():
        from motionwarp.motions.files import load_library_motion

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("Name", "Seconds", "Licence", "Where", "Shows"):
        table.add_column(column, justify="right" if column == "Seconds" else "left")
    facts = []
    for entry in library().values():
        try:
            motion = load_library_motion(entry.path)
        except MotionwarpError as error:
            reporter.failed(error)
            continue
        facts.append(_facts(entry, motion))
        where = "ships" if entry.ships else "added"
        table.add_row(entry.name, f"{motion.motion.duration_seconds:.1f}", motion.licence or "-", where, motion.title)
    reporter.result_table({"motions": facts}, table)


@app.command(
    "show", epilog=examples("motionwarp motions show wave -o wave.mp4", "motionwarp motions show wave -o wave.bvh")
)
@with_options
def show(*, name: NameArgument, options: ShowOptions, reporter: Reporter) -> None:
    """Tell of a motion, and write it as a clip of a mannequin or as BVH."""
    with uncollected_imports():
        from motionwarp.motions.files import load_library_motion
        from motionwarp.pipeline.motion_library import show_motion

    entry = find_motion(name)
    motion = load_library_motion(entry.path)
    facts = _facts(entry, motion)
    if options.output is not None:
        with reporter.progress() as on_step:
            reporter.warn_all(show_motion(motion, options, lambda done, total: on_step("draw", done, total)))
        facts["output"] = str(options.output)
    written = "" if options.output is None else f"; written to {options.output}"
    text = f"{name}: {motion.title} {motion.motion.duration_seconds:.1f} seconds, {len(motion.motion)} frames{written}"
    reporter.result(facts, text)


@app.command(
    "add",
    epilog=examples(
        "motionwarp motions add my-walk walk.bvh --end 4",
        "motionwarp motions add twirl dance.mp4 --start 0:05 --end 0:09",
    ),
)
@with_options
def add(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="By which it will be called.", show_default=False)],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Motion capture (.bvh), or a clip of a person.", show_default=False)
    ],
    options: AddOptions,
    reporter: Reporter,
) -> None:
    """Keep the motion of FILE under NAME, in a folder of your own; of a clip the person is followed."""
    with uncollected_imports():
        from motionwarp.pipeline.motion_library import add_motion

    with stages_shown(reporter) as on_progress:
        path, entry, warnings = add_motion(name, file, options, on_progress)
    reporter.warn_all(warnings)
    text = f"{name}: {entry.motion.duration_seconds:.1f} seconds, kept in {path}"
    reporter.result(_facts(LibraryEntry(name, path, False), entry), text)


@app.command("remove", epilog=examples("motionwarp motions remove my-walk"))
@with_options
def remove(*, name: NameArgument, reporter: Reporter) -> None:
    """Remove a motion that was added; those that ship stay."""
    path = user_file(name)
    if not path.is_file():
        if find_motion(name).ships:
            raise InputError("ships with motionwarp, and stays", subject=name)
        raise InputError("there is no motion of this name", subject=name)
    try:
        path.unlink()
    except OSError as error:
        raise OutputError(f"cannot be removed: {error.strerror}", subject=path) from error
    reporter.result({"name": name, "removed": str(path)}, f"{name}: removed")


def _facts(entry: LibraryEntry, motion: LibraryMotion) -> dict[str, Any]:
    facts = asdict(entry)
    return {
        **facts,
        "path": str(entry.path),
        "title": motion.title,
        "author": motion.author,
        "licence": motion.licence,
        "seconds": round(motion.motion.duration_seconds, 3),
        "frames": len(motion.motion),
        "frame_rate": motion.motion.frame_rate,
    }
