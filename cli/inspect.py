"""`motionwarp inspect`: what files say of how they came to be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from .options import examples, with_options
from .reporting import Reporter

if TYPE_CHECKING:
    from motionwarp.pipeline.inspecting import Inspection

EPILOG = examples("motionwarp inspect out.mp4", "motionwarp inspect *.png avatar.glb --json")


@with_options
def inspect(
    *,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Pictures, clips, avatars, weights, folders of frames, data sets or clips of them.",
            show_default=False,
        ),
    ],
    reporter: Reporter,
) -> None:
    """Show what a file says of how it came to be: by which version and engine, and whether it is synthesized.

    Metadata can be removed and forged: a file that says nothing may be synthesized all the same.
    """
    from motionwarp.pipeline.inspecting import inspect_file

    found = [inspect_file(file) for file in files]
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for inspection in found:
        for name, text in _rows(inspection):
            table.add_row(name, text)
    reporter.result_table({"files": [_summary(inspection) for inspection in found]}, table)


def _summary(inspection: Inspection) -> dict[str, Any]:
    return {
        "path": str(inspection.path),
        "kind": inspection.kind,
        "motionwarp": inspection.version,
        "synthetic": inspection.synthetic,
        "digital_source_type": inspection.source_type,
        "engine": inspection.engine,
        "facts": inspection.facts,
        "places": list(inspection.places),
    }


_SYNTHETIC = {True: "yes, it says so", False: "no, it says", None: "it does not say"}


def _rows(inspection: Inspection) -> list[tuple[str, str]]:
    version = inspection.version
    rows = [
        (str(inspection.path), inspection.kind),
        ("  written by", "no word of motionwarp" if version is None else f"motionwarp {version}"),
        ("  synthesized", _SYNTHETIC[inspection.synthetic]),
    ]
    if inspection.source_type is not None:
        rows.append(("  IPTC source type", inspection.source_type))
    if inspection.engine is not None:
        rows.append(("  engine", inspection.engine))
    rows += [(f"  {name}", text) for name, text in inspection.facts.items()]
    if inspection.places:
        rows.append(("  told in", ", ".join(inspection.places)))
    return rows
