"""`motionwarp evaluate rendered`: rendered people in other poses and from other sides, with a truth for each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from motionwarp.evaluation.options import RenderedSettings
from motionwarp.options import ComputeOptions

from .comparison import ComparisonOptions, check_sheet, report_comparison
from .options import examples, with_options
from .reporting import Reporter

EPILOG = examples("motionwarp evaluate rendered data --engine auto --engine avatar --referee --sheet rendered.png")


@with_options
def rendered(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="Folder with avatars/, motion/ and ccp/.", show_default=False),
    ],
    settings: RenderedSettings,
    comparison: ComparisonOptions,
    compute: ComputeOptions,
    reporter: Reporter,
) -> None:
    """Let engines move avatars, seen from before, into poses seen from all sides, and compare with their renderings.

    Figures are over 256x192 crops of the person on plain gray, by what the truth shows: front, profile, back. Points
    and mattes are exact. docs/guides/evaluation.md describes the protocol.
    """
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.evaluation.rendered_people import evaluate_rendered
    from motionwarp.perception.backends.builtin import BuiltinEstimator

    check_sheet(comparison.sheet, overwrite=comparison.overwrite)
    device = resolve_device(compute.device)
    dtype = resolve_precision(compute.precision, device)
    rules = replace(settings, rows=comparison.kept_rows)
    estimator = BuiltinEstimator.load(device, dtype)
    with reporter.progress("pairs/s") as on_step:
        found = evaluate_rendered(
            data, comparison.engines, rules, estimator=estimator, device=device, dtype=dtype, progress=on_step
        )
    report_comparison(reporter, [found], rules.protocol(), comparison)
