"""`motionwarp evaluate reenact`: a clip re-enacted from one of its own frames, engines side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from motionwarp.evaluation.options import ReenactmentSettings
from motionwarp.options import ComputeOptions
from motionwarp.pipeline.options import EstimatorOptions

from .comparison import ComparisonOptions, check_sheet, report_comparison
from .options import examples, with_options
from .reporting import Reporter

EPILOG = examples(
    "motionwarp evaluate reenact squats.mp4 --engine auto --engine layered --engine copy --sheet squats.png",
    "motionwarp evaluate reenact clips/*.mp4 --poses analyser --mattes analyser --every 4 --json",
    "motionwarp evaluate reenact waist_up.mp4 --full-frame 512",
)


@with_options
def reenact(
    clips: Annotated[list[Path], typer.Argument(metavar="CLIP", help="Videos of one person each.", show_default=False)],
    settings: ReenactmentSettings,
    comparison: ComparisonOptions,
    estimator: EstimatorOptions,
    compute: ComputeOptions,
    reporter: Reporter,
) -> None:
    """Let engines re-enact clips from one of their frames and compare the results with the real frames.

    Figures are over 256x192 crops of the person on a plain background, or over whole frames: SSIM, PSNR, L1, overlap of
    mattes, points found again by the bundled analyser, and flicker. docs/guides/evaluation.md describes the protocol.
    """
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.evaluation.reenactment import evaluate_clip
    from motionwarp.perception.inference import DEFAULT_WEIGHTS, NetworkPredictor
    from motionwarp.perception.registry import make_estimator

    check_sheet(comparison.sheet, overwrite=comparison.overwrite)
    device = resolve_device(compute.device)
    dtype = resolve_precision(compute.precision, device)
    rules = replace(settings, rows=comparison.kept_rows)
    analyzer = make_estimator(estimator.pose_estimator, device, dtype)
    reader = NetworkPredictor.load(DEFAULT_WEIGHTS, device, dtype)
    with reporter.progress() as on_step:
        comparisons = [
            evaluate_clip(
                clip,
                comparison.engines,
                rules,
                estimator=analyzer,
                reader=reader,
                device=device,
                dtype=dtype,
                progress=on_step,
            )
            for clip in clips
        ]
    report_comparison(reporter, comparisons, {**rules.protocol(), "analyser": analyzer.name}, comparison)
