"""`motionwarp evaluate reverse`: people of validation photos put back into the poses of their photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from motionwarp.evaluation.options import ReverseSettings
from motionwarp.options import ComputeOptions

from .comparison import ComparisonOptions, check_sheet, report_comparison
from .options import examples, with_options
from .reporting import Reporter

EPILOG = examples("motionwarp evaluate reverse data --engine auto --engine layered --count 100 --sheet reverse.png")


@with_options
def reverse(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Folder with ccp/ and video/ and their labels.", show_default=False)
    ],
    settings: ReverseSettings,
    comparison: ComparisonOptions,
    compute: ComputeOptions,
    reporter: Reporter,
) -> None:
    """Move people of photos with the layered engine, let engines move them back, and compare with the photos.

    Figures are over 256x192 crops of the person on plain grey: SSIM, PSNR, L1, overlap of mattes, points found again.
    docs/guides/evaluation.md describes the protocol.
    """
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.evaluation.reverse_pairs import evaluate_reverse_pairs
    from motionwarp.perception.backends.builtin import BuiltinEstimator

    check_sheet(comparison.sheet, overwrite=comparison.overwrite)
    device = resolve_device(compute.device)
    dtype = resolve_precision(compute.precision, device)
    rules = replace(settings, rows=comparison.kept_rows)
    estimator = BuiltinEstimator.load(device, dtype)
    with reporter.progress("photos/s") as on_step:
        found = evaluate_reverse_pairs(
            data, comparison.engines, rules, estimator=estimator, device=device, dtype=dtype, progress=on_step
        )
    report_comparison(reporter, [found], rules.protocol(), comparison)
