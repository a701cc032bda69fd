"""`motionwarp evaluate`: how good the parts are, on data that was never trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from motionwarp.options import ComputeOptions, OverwriteOptions
from motionwarp.pipeline.options import EstimatorOptions

from . import (
    evaluate_avatars,
    evaluate_body,
    evaluate_cross,
    evaluate_framings,
    evaluate_identity,
    evaluate_pairs,
    evaluate_reenact,
    evaluate_rendered,
    evaluate_reposed,
    evaluate_reverse,
    evaluate_study,
    evaluate_swap,
    evaluate_translation,
)
from .comparison import check_sheet
from .options import examples, renamed, with_options
from .reporting import Reporter

app = typer.Typer(
    no_args_is_help=True,
    help="Measure quality on held-out data.",
    epilog=examples("motionwarp evaluate analyzer data --json"),
)

app.command("avatars", epilog=evaluate_avatars.EPILOG)(evaluate_avatars.avatars)
app.add_typer(evaluate_body.app, name="body")
app.command("pairs", epilog=evaluate_pairs.EPILOG)(evaluate_pairs.pairs)
app.command("cross", epilog=evaluate_cross.EPILOG)(evaluate_cross.cross)
app.command("framings", epilog=evaluate_framings.EPILOG)(evaluate_framings.framings)
app.command("identity", epilog=evaluate_identity.EPILOG)(evaluate_identity.identity)
app.command("study", epilog=evaluate_study.STUDY_EPILOG)(evaluate_study.study)
app.command("study-result", epilog=evaluate_study.RESULT_EPILOG)(evaluate_study.study_result)
app.command("reenact", epilog=evaluate_reenact.EPILOG)(evaluate_reenact.reenact)
app.command("rendered", epilog=evaluate_rendered.EPILOG)(evaluate_rendered.rendered)
app.command("reposed", epilog=evaluate_reposed.EPILOG)(evaluate_reposed.reposed)
app.command("reverse", epilog=evaluate_reverse.EPILOG)(evaluate_reverse.reverse)
app.command("swap", epilog=evaluate_swap.EPILOG)(evaluate_swap.swap)
app.command("swap-pairs", epilog=evaluate_swap.PAIRS_EPILOG)(evaluate_swap.swap_pairs)
app.command("translation", epilog=evaluate_translation.EPILOG)(evaluate_translation.translation)


@app.command(
    "analyzer",
    epilog=examples("motionwarp evaluate analyzer data --worst worst.png", "motionwarp evaluate analyzer data --json"),
)
@with_options
def analyzer(
    *,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Folder with ccp/ and video/ and their labels.", show_default=False)
    ],
    estimator: EstimatorOptions,
    worst: Annotated[
        Path | None,
        typer.Option("--worst", metavar="PNG", help="Draw the twenty worst photos here.", show_default=False),
    ] = None,
    compute: ComputeOptions,
    existing: OverwriteOptions,
    reporter: Reporter,
) -> None:
    """Compare points, mattes and parsings with the labels of the validation photos and clips."""
    from motionwarp.devices import resolve_device, resolve_precision
    from motionwarp.evaluation.perception import draw_seen, evaluate_clips, evaluate_photos
    from motionwarp.media.contact_sheet import write_sheet
    from motionwarp.perception.registry import make_estimator

    check_sheet(worst, overwrite=existing.overwrite)
    device = resolve_device(compute.device)
    reader = make_estimator(estimator.pose_estimator, device, resolve_precision(compute.precision, device))
    report = evaluate_photos(reader, data / "ccp")
    clips = evaluate_clips(reader, data / "video")
    if worst is not None:
        write_sheet(
            worst, [draw_seen(picture) for picture in report.worst(20)], columns=5, overwrite=existing.overwrite
        )
    summary = {"estimator": reader.name, "photos": report.metrics, "clips": clips}
    reporter.result_table(summary, _table(report.metrics, clips))


app.command(
    "analyser",
    hidden=True,
    help="Old name of `evaluate analyzer`.",
    epilog=examples("motionwarp evaluate analyzer data --json"),
)(renamed(analyzer, "evaluate analyser", "evaluate analyzer"))


def _table(photos: dict[str, Any], clips: dict[str, dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("Split", "Points", "Within 5 %", "Within 10 %", "Matte IoU", "Parsing mIoU (6 groups)"):
        table.add_column(column, justify="left" if column == "Split" else "right")
    rows = {"photos": photos, **clips}
    for name, figures in rows.items():
        matte, parsing = figures.get("matte_iou"), figures.get("parsing_groups_miou")
        table.add_row(
            name,
            str(figures["points"]),
            f"{figures['within_5_percent']:.4f}",
            f"{figures['within_10_percent']:.4f}",
            "" if matte is None else f"{matte:.4f}",
            "" if parsing is None else f"{parsing:.4f}",
        )
    return table
