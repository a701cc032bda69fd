"""`motionwarp evaluate pairs`: systems on a list of pairs with ground truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from motionwarp.evaluation.options import PairsSettings

from .options import examples, with_options
from .reporting import Reporter

EPILOG: Final = examples(
    "motionwarp evaluate pairs pairs.csv --images photos --engine layered --report report",
    "motionwarp evaluate pairs fasion-pairs-test.csv --images test --annotations fasion-annotation-test.csv "
    "--generated patn=results/patn --engine copy --report report --json",
)
_COSTS: Final = (
    ("seconds_per_frame", "Seconds a frame", 3, 1.0),
    ("parameters", "Parameters (millions)", 2, 1e6),
)


@with_options
def pairs(
    *,
    settings: PairsSettings,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Pairs with pictures in the page, worst and best.")] = 40,
    reporter: Reporter,
) -> None:
    """Compare systems with ground truth: the published protocols, or a list of your own.

    Writes index.html (opens from disk), metrics.json and pairs.csv into the report's folder. Pairs that one system has
    no readable result for count for none.
    """
    from motionwarp.evaluation.pairs.report import write_report
    from motionwarp.evaluation.pairs.run import PairsRun

    if not settings.engines and not settings.generated:
        settings = replace(settings, engines=("layered",))
    run = PairsRun(settings)
    with reporter.progress("pairs/s") as on_step:
        result = run.run(on_step)
        summary = write_report(result, run.people.known_poses(), rows)
    page = str(settings.report / "index.html")
    excluded = [f"{each.pair}{f' ({each.system})' if each.system else ''}: {each.reason}" for each in result.excluded]
    reporter.warn_all(excluded, "excluded")
    reporter.warn_all([f"{name}: {reason}" for name, reason in summary["missing"].items()], "not measured")
    reporter.result_table({**summary, "report": page}, _table(summary))
    if not reporter.as_json:
        reporter.result({}, f"\n{summary['pairs']['scored']} pairs; the page is {page}")


def _table(summary: dict[str, Any]) -> Table:
    """Figures downwards, since there are more of them than systems."""
    from motionwarp.evaluation.pairs.results import cost_text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Figure", no_wrap=True)
    for system in summary["systems"]:
        table.add_column(system["name"], justify="right", no_wrap=True)
    for facts in summary["figures"].values():
        cells = [_cell(facts["systems"][system["name"]]) for system in summary["systems"]]
        table.add_row(f"{facts['title']} {'↑' if facts['better'] == 'higher' else '↓'}", *cells)
    for key, title, digits, unit in _COSTS:
        costs = [summary["costs"].get(system["name"], {}).get(key) for system in summary["systems"]]
        if any(cost is not None for cost in costs):
            table.add_row(title, *(cost_text(cost, digits, unit) for cost in costs))
    return table


def _cell(own: dict[str, Any]) -> str:
    """Return a mean with half of its interval's width."""
    if own["low"] is None:
        return f"{own['mean']:.4g}"
    return f"{own['mean']:.4f} ±{(own['high'] - own['low']) / 2:.4f}"
