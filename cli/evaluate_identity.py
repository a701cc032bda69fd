"""`motionwarp evaluate identity`: whether a photo that is moved into its own pose is that photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from motionwarp.evaluation.options import IdentitySettings

from .options import examples, with_options
from .reporting import Reporter
from .stages import uncollected_imports

EPILOG: Final = examples(
    "motionwarp evaluate identity photos/*.jpg --engine avatar --engine layered",
    "motionwarp evaluate identity ccp/photos/0007.jpg ccp/photos/0017.jpg --labels ccp --json",
)


@with_options
def identity(
    *,
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO", help="Pictures of one person each.", show_default=False)
    ],
    settings: IdentitySettings,
    reporter: Reporter,
) -> None:
    """Move photos into their own poses and compare the results with the photos, inside the person's matte.

    With the points and mattes of files, with those that are seen, and with a transfer's default options.
    """
    with uncollected_imports():
        from motionwarp.evaluation.identity import evaluate_identity, identity_summary

    with reporter.progress("photos/s") as on_step:
        results = evaluate_identity(photos, settings, lambda done, count: on_step("move", done, count))
    summary = identity_summary(results)
    reporter.result_table(summary, _table(summary["engines"]))


def _table(engines: Any) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("engine", "points and matte", "photos", "PSNR inside", "least", "PSNR"):
        table.add_column(heading, justify="left" if heading in ("engine", "points and matte") else "right")
    for engine, ways in engines.items():
        for way, figures in ways.items():
            cells = (f"{figures[key]:.1f}" for key in ("matte_psnr_mean", "matte_psnr_least", "psnr_mean"))
            table.add_row(engine, way, str(figures["photos"]), *cells)
    return table
