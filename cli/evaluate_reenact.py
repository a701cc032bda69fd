"""`motionwarp evaluate reenact`: a clip re-enacted from one of its own frames, engines side by side."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import typer

from .comparison import DEFAULT_ENGINES, EnginesOption, RowsOption, SheetOption, check_sheet, report_comparison
from .errors import is_debug
from .options import (
    DebugOption,
    Device,
    DeviceOption,
    EstimatorOption,
    JsonOption,
    OverwriteOption,
    Precision,
    PrecisionOption,
    QuietOption,
    examples,
)
from .reporting import Reporter

EPILOG = examples(
    "motionwarp evaluate reenact squats.mp4 --engine auto --engine layered --engine copy --sheet squats.png",
    "motionwarp evaluate reenact clips/*.mp4 --poses analyser --mattes analyser --every 4 --json",
    "motionwarp evaluate reenact waist_up.mp4 --full-frame 512",
)
LABELS = "Labels"
FRAMING = "Framing"


class From(str, Enum):
    """Where labels that engines get come from."""

    AUTO = "auto"
    GIVEN = "given"
    ANALYZER = "analyser"


class Background(str, Enum):
    """What stands behind the person in the crop framing."""

    GRAY = "grey"
    BLACK = "black"
    WHITE = "white"

    @property
    def level(self) -> int:
        """The plain level, 0 to 255."""
        return {"grey": 127, "black": 0, "white": 255}[self.value]


class Window(str, Enum):
    """What crops are framed on."""

    PERSON = "person"
    CLIP = "clip"


def reenact(
    ctx: typer.Context,
    clips: Annotated[list[Path], typer.Argument(metavar="CLIP", help="Videos of one person each.", show_default=False)],
    engine: EnginesOption = None,
    source_frame: Annotated[
        int | None,
        typer.Option(
            "--source-frame",
            metavar="N",
            min=0,
            help="The source; by default the first with a person.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        int, typer.Option("--every", metavar="N", min=1, help="Evaluate every Nth frame from the source on.")
    ] = 1,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="DIR",
            help="Folder with NAME.keypoints18.json and NAME.mattes; by default the clip's own.",
            show_default=False,
            rich_help_panel=LABELS,
        ),
    ] = None,
    poses: Annotated[
        From,
        typer.Option(
            "--poses", help="Poses that engines get; auto takes given ones if there are any.", rich_help_panel=LABELS
        ),
    ] = From.AUTO,
    mattes: Annotated[
        From, typer.Option("--mattes", help="The source's matte that engines get.", rich_help_panel=LABELS)
    ] = From.AUTO,
    window: Annotated[
        Window,
        typer.Option("--window", help="Crop every frame on its person, or all on one window.", rich_help_panel=FRAMING),
    ] = Window.PERSON,
    background: Annotated[
        Background, typer.Option("--background", help="Behind the person in crops.", rich_help_panel=FRAMING)
    ] = Background.GRAY,
    full_frame: Annotated[
        int | None,
        typer.Option(
            "--full-frame",
            metavar="PIXELS",
            help="Compare whole frames at this size, over the source's clean plate.",
            show_default=False,
            rich_help_panel=FRAMING,
        ),
    ] = None,
    smooth_poses: Annotated[
        float, typer.Option("--smooth-poses", min=0, max=1, help="Smooth the driving poses over time.")
    ] = 0.0,
    smooth_theta: Annotated[
        float,
        typer.Option(
            "--smooth-theta", min=0, max=1, help="Smooth the warps over time; needs windows that stand still."
        ),
    ] = 0.0,
    flicker: Annotated[
        bool, typer.Option("--flicker/--no-flicker", help="Render following frames too and measure flicker.")
    ] = True,
    sheet: SheetOption = None,
    rows: RowsOption = 8,
    estimator: EstimatorOption = "builtin",
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Let engines re-enact clips from one of their frames and compare the results with the real frames.

    Figures are over 256x192 crops of the person on a plain background, or over whole frames: SSIM, PSNR, L1, overlap of mattes,
    points found again by the bundled analyser, and flicker. docs/guides/evaluation.md describes the protocol.
    """
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.evaluation.clip_labels import Origin
    from motionwarp.evaluation.reenactment import ReenactmentSettings, evaluate_clip
    from motionwarp.perception.inference import DEFAULT_WEIGHTS, NetworkPredictor
    from motionwarp.perception.registry import make_estimator

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    engines = engine or DEFAULT_ENGINES
    check_sheet(sheet, overwrite=overwrite)
    where = resolve_device(device.value)
    dtype = resolve_precision(precision.value, where)
    span: Literal["person", "clip"] = "clip" if window is Window.CLIP else "person"
    settings = ReenactmentSettings(
        source_frame=source_frame,
        every=every,
        labels=labels,
        poses=Origin(poses.value),
        mattes=Origin(mattes.value),
        window=span,
        full_frame=full_frame,
        background=background.level,
        smooth_poses=smooth_poses,
        smooth_theta=smooth_theta,
        flicker=flicker,
        rows=rows if sheet is not None else 0,
    )
    seer = make_estimator(estimator, where, dtype)
    reader = NetworkPredictor.load(DEFAULT_WEIGHTS, where, dtype)
    with reporter.progress() as on_step:
        comparisons = [
            evaluate_clip(
                clip, engines, settings, estimator=seer, reader=reader, device=where, dtype=dtype, progress=on_step
            )
            for clip in clips
        ]
    report_comparison(reporter, comparisons, {**settings.told(), "analyser": seer.name}, sheet, overwrite=overwrite)
