"""`motionwarp evaluate pairs`: systems on a list of pairs with ground truth."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from .errors import is_debug
from .options import (
    COMPUTING,
    DebugOption,
    Device,
    DeviceOption,
    EstimatorOption,
    JsonOption,
    Precision,
    PrecisionOption,
    QuietOption,
    examples,
)
from .reporting import Reporter

EPILOG: Final = examples(
    "motionwarp evaluate pairs pairs.csv --images photos --engine layered --report report",
    "motionwarp evaluate pairs fasion-pairs-test.csv --images test --annotations fasion-annotation-test.csv "
    "--generated patn=results/patn --engine copy --report report --json",
)
SYSTEMS: Final = "Systems"
FIGURES: Final = "Figures"


class FitChoice(str, Enum):
    """What to do where a result and its truth differ in width."""

    EXACT = "exact"
    CROP = "crop"
    PAD = "pad"


class LpipsChoice(str, Enum):
    """Networks of LPIPS."""

    ALEX = "alex"
    VGG = "vgg"
    SQUEEZE = "squeeze"


def pairs(
    ctx: typer.Context,
    list_file: Annotated[
        Path,
        typer.Argument(
            metavar="PAIRS", help="CSV of from,to or source,target, or two plain columns.", show_default=False
        ),
    ],
    images: Annotated[Path, typer.Option("--images", metavar="DIR", help="Folder of the list's pictures.")],
    report: Annotated[
        Path, typer.Option("--report", metavar="DIR", help="Folder for all results; a run goes on where it stopped.")
    ],
    annotations: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Points as name:keypoints_y:keypoints_x; seen by the analyser without.",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        list[str] | None,
        typer.Option(
            "--engine",
            metavar="NAME|FILE",
            help="copy, or an engine; repeat to compare.",
            rich_help_panel=SYSTEMS,
            show_default="layered",
        ),
    ] = None,
    generated: Annotated[
        list[str] | None,
        typer.Option(
            "--generated",
            metavar="[NAME=]DIR",
            help="Results of another system; may be repeated.",
            rich_help_panel=SYSTEMS,
            show_default=False,
        ),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            "--pattern",
            metavar="TEXT",
            help="How its files are named, such as {source}_to_{target}.png; usual names are known.",
            rich_help_panel=SYSTEMS,
            show_default=False,
        ),
    ] = None,
    figures: Annotated[
        str,
        typer.Option(
            "--figures",
            metavar="LIST",
            help="default, all, or of pictures,variants,pose,parsing,lpips,sets.",
            rich_help_panel=FIGURES,
        ),
    ] = "default",
    fit: Annotated[
        FitChoice,
        typer.Option(
            "--fit", help="Results of another width: refuse, crop or pad with white.", rich_help_panel=FIGURES
        ),
    ] = FitChoice.EXACT,
    no_points: Annotated[
        bool,
        typer.Option("--no-points", help="Without annotations, leave out what needs points.", rich_help_panel=FIGURES),
    ] = False,
    lpips: Annotated[
        LpipsChoice, typer.Option("--lpips", help="Network of LPIPS.", rich_help_panel=FIGURES)
    ] = LpipsChoice.ALEX,
    features_dir: Annotated[
        Path | None,
        typer.Option(
            "--features-dir",
            metavar="DIR",
            help="Folder of published feature networks.",
            rich_help_panel=FIGURES,
            show_default=False,
        ),
    ] = None,
    fid_reference: Annotated[
        Path | None,
        typer.Option(
            "--fid-reference",
            metavar="DIR",
            help="Real pictures for FID.",
            rich_help_panel=FIGURES,
            show_default="the list's targets",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Draw so many pairs at random.", show_default=False)] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw and of the statistics.")] = 0,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Pairs with pictures in the page, worst and best.")] = 40,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            min=1,
            help="Processes for figures without networks.",
            rich_help_panel=COMPUTING,
            show_default="all cores",
        ),
    ] = None,
    estimator: EstimatorOption = "builtin",
    device: DeviceOption = Device.AUTO,
    precision: PrecisionOption = Precision.AUTO,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare systems with ground truth: the published protocols, or a list of your own.

    Writes index.html (opens from disk), metrics.json and pairs.csv into the report's folder. Pairs that one system has no readable
    result for count for none.
    """
    from motionwarp.devices import usable_cores
    from motionwarp.evaluation.pairs.config import PairsSettings, parse_families
    from motionwarp.evaluation.pairs.report import write_report
    from motionwarp.evaluation.pairs.run import PairsRun

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    named = tuple(engine or (() if generated else ("layered",)))
    settings = PairsSettings(
        pairs=list_file,
        images=images,
        report=report,
        annotations=annotations,
        engines=named,
        generated=tuple(generated or ()),
        pattern=pattern,
        families=parse_families(figures),
        fit=fit.value,
        with_points=not no_points,
        limit=limit,
        seed=seed,
        jobs=jobs or usable_cores(),
        estimator=estimator,
        device=device.value,
        precision=precision.value,
        features=features_dir,
        lpips=lpips.value,
        fid_reference=fid_reference,
    )
    run = PairsRun(settings)
    with reporter.progress("pairs/s") as on_step:
        result = run.run(on_step)
        summary = write_report(result, run.people.known_poses(), rows)
    excluded = [f"{each.pair}{f' ({each.system})' if each.system else ''}: {each.reason}" for each in result.excluded]
    reporter.warn_all(excluded, "excluded")
    reporter.warn_all([f"{name}: {reason}" for name, reason in summary["missing"].items()], "not measured")
    reporter.result_table({**summary, "report": str(report / "index.html")}, _table(summary))
    if not as_json:
        reporter.result({}, f"\n{summary['pairs']['scored']} pairs; the page is {report / 'index.html'}")


def _table(summary: dict[str, Any]) -> Table:
    """Figures downwards, since there are more of them than systems."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Figure", no_wrap=True)
    for system in summary["systems"]:
        table.add_column(system["name"], justify="right", no_wrap=True)
    for facts in summary["figures"].values():
        cells = [_cell(facts["systems"][system["name"]]) for system in summary["systems"]]
        table.add_row(f"{facts['title']} {'↑' if facts['better'] == 'higher' else '↓'}", *cells)
    return table


def _cell(own: dict[str, Any]) -> str:
    """Return a mean with half of its interval's width."""
    if own["low"] is None:
        return f"{own['mean']:.4g}"
    return f"{own['mean']:.4f} ±{(own['high'] - own['low']) / 2:.4f}"
