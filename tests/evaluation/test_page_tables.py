from __future__ import annotations

import re
from typing import Any

from motionwarp.evaluation.pairs.html import differences_table, metrics_table


def summary_of(metrics: int, systems: tuple[str, ...] = ("a", "b<")) -> dict[str, Any]:
    """Metrics f0, f1 ...: the higher the better for even ones.

    System number k has the mean k + 0.5, its interval 0.25 around.
    """
    each = {
        name: {"mean": place + 0.5, "low": place + 0.25, "high": place + 0.75, "pairs": 9}
        for place, name in enumerate(systems)
    }
    return {
        "dataset": None,
        "published": [],
        "systems": [{"name": name} for name in systems],
        "figures": {
            f"f{n}": {
                "title": f"Figure {n}",
                "better": "lower" if n % 2 else "higher",
                "settings": "none",
                "systems": each,
            }
            for n in range(metrics)
        },
    }


def cells(table: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    return [
        [re.sub(r"<.*?>", " ", cell).strip() for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row)] for row in rows
    ]


def test_few_figures_stand_beside_each_other() -> None:
    rows = cells(metrics_table(summary_of(2)))
    assert rows[0] == ["System", "Figure 0 ↑", "Figure 1 ↓"]
    assert rows[1] == ["a", "0.5000 0.2500 to 0.7500", "0.5000 0.2500 to 0.7500"]
    assert rows[2][0] == "b&lt;"


def test_many_figures_run_downwards_with_the_same_numbers() -> None:
    table = metrics_table(summary_of(9))
    rows = cells(table)
    assert rows[0] == ["Metric", "a", "b&lt;"]
    assert [row[0] for row in rows[1:]] == [f"Figure {n} {'↓' if n % 2 else '↑'}" for n in range(9)]
    assert rows[1][1:] == ["0.5000 0.2500 to 0.7500", "1.5000 1.2500 to 1.7500"]
    # the better of the two is marked, by the metric's own direction
    marked = [re.findall(r'<td class="figure( best)?">', row) for row in re.findall(r"<tr><td title.*?</tr>", table)]
    assert marked == [[" best", ""] if n % 2 else ["", " best"] for n in range(9)]


def test_differences_are_a_row_a_figure_and_marked_where_clear() -> None:
    def row(metric: str, second: str, p: float) -> dict[str, Any]:
        numbers = {"mean": -12.25, "low": -20.0, "high": 0.5, "p": p / 2, "p_holm": p}
        return {"figure": metric, "first": "a", "second": second, "better": second, **numbers}

    summary = {
        **summary_of(2, ("a", "b", "c")),
        "differences": [row("f0", "b", 0.0004), row("f0", "c", 0.2), row("f1", "c", 0.04)],
    }
    table = differences_table(summary)
    rows = cells(table)
    assert rows[0] == ["Metric", "a − b", "a − c"]
    assert rows[1][1] == "−12.25 −20.00 to +0.5000  b is better, p &lt; 0.001"
    assert rows[1][2].endswith("no difference beyond chance, p = 0.200")
    assert rows[2] == ["Figure 1 ↓", "", rows[2][2]]
    assert rows[2][2].endswith("c is better, p = 0.040")
    assert table.count('class="figure best"') == 2
    assert differences_table({**summary, "differences": []}) == ""
