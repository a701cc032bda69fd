"""`motionwarp evaluate reverse`: people of validation photos put back into the poses of their photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .comparison import DEFAULT_ENGINES, EnginesOption, RowsOption, SheetOption, check_sheet, report_comparison
from .errors import is_debug
from .options import (
    DebugOption,
    Device,
    DeviceOption,
    JsonOption,
    OverwriteOption,
    Precision,
    PrecisionOption,
    QuietOption,
    examples,
)
from .reporting import Reporter

EPILOG = examples("motionwarp evaluate reverse data --engine auto --engine layered --count 100 --sheet reverse.png")


def reverse(
    ctx: typer.Context,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Folder with ccp/ and video/ and their labels.", show_default=False)
    ],
    engine: EnginesOption = None,
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, help="Photos of the validation split.")] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the choice of photos and poses.")] = 0,
    sheet: SheetOption = None,
    rows: RowsOption = 8,
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Move people of photos into other poses with the layered engine, let engines move them back, and compare with the photos.

    Figures are over 256x192 crops of the person on plain grey: SSIM, PSNR, L1, overlap of mattes, points found again.
    docs/guides/evaluation.md describes the protocol.
    """
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.evaluation.reverse_pairs import ReverseSettings, evaluate_reverse_pairs
    from motionwarp.perception.backends.builtin import BuiltinEstimator

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    engines = engine or DEFAULT_ENGINES
    check_sheet(sheet, overwrite=overwrite)
    where = resolve_device(device.value)
    dtype = resolve_precision(precision.value, where)
    settings = ReverseSettings(count=count, seed=seed, rows=rows if sheet is not None else 0)
    seer = BuiltinEstimator.load(where, dtype)
    with reporter.progress("photos/s") as on_step:
        comparison = evaluate_reverse_pairs(
            data, engines, settings, estimator=seer, device=where, dtype=dtype, progress=on_step
        )
    report_comparison(reporter, [comparison], settings.told(), sheet, overwrite=overwrite)
