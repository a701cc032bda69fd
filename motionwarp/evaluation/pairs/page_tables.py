"""Tables of the report's page: figures of all systems, published ones beside them, and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from motionwarp.evaluation.pairs.plots import colour_of
from motionwarp.evaluation.published import DATASETS

_SIGNIFICANT: Final = 0.05
_ARROWS: Final = {"higher": "↑", "lower": "↓"}
# more columns than this do not fit a page's width
_COLUMNS: Final = 7


def figures_table(summary: Mapping[str, Any]) -> str:
    """Return every system's figures with their intervals, the best marked.

    Systems run downwards, as published tables have them; where that is too wide for a page, and there is nothing published to be set
    beside it, figures do.

    Parameters
    ----------
    summary : dict
        As from `summarise`.
    """
    figures: Mapping[str, Any] = summary["figures"]
    systems = [system["name"] for system in summary["systems"]]
    published = published_rows(summary, list(figures)) if summary["dataset"] else []
    if not published and len(figures) > max(_COLUMNS, len(systems)):
        head = '<th scope="col">Figure</th>' + "".join(
            f'<th scope="col">{_swatch(place)}{escape(name)}</th>' for place, name in enumerate(systems)
        )
        lines = [
            f'<tr><td title="{escape(facts["settings"])}">{_title(facts)}</td>{"".join(_figure_cell(facts, name) for name in systems)}</tr>'
            for facts in figures.values()
        ]
    else:
        head = '<th scope="col">System</th>' + "".join(
            f'<th class="figure" scope="col" title="{escape(facts["settings"])}">{_title(facts)}</th>' for facts in figures.values()
        )
        head += '<th class="text" scope="col">Source</th>' if published else ""
        lines = [
            f"<tr><td>{_swatch(place)}{escape(name)}</td>{''.join(_figure_cell(facts, name) for facts in figures.values())}</tr>"
            for place, name in enumerate(systems)
        ]
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines + published)}</tbody></table></div>'
        '<p class="soft">Means over pairs; below them 95 % intervals by bootstrap over pairs. FID and Inception Score are figures of '
        "the whole set.</p>"
    )


def _figure_cell(facts: Mapping[str, Any], system: str) -> str:
    own = facts["systems"][system]
    means = [each["mean"] for each in facts["systems"].values()]
    best = max(means) if facts["better"] == "higher" else min(means)
    mark = " best" if own["mean"] == best and len(means) > 1 else ""
    interval = "" if own["low"] is None else f'<span class="range">{_number(own["low"])} to {_number(own["high"])}</span>'
    return f'<td class="figure{mark}">{_number(own["mean"])}{interval}</td>'


def published_rows(summary: Mapping[str, Any], figures: Sequence[str]) -> list[str]:
    """Return table rows of published figures, a row of section first; none if there are none of these figures.

    Parameters
    ----------
    summary : dict
        As from `summarise`.
    figures : sequence of str
        Names of the table's columns.
    """
    rows = [row for row in summary["published"] if any(name in row["figures"] for name in figures)]
    if not rows:
        return []
    title = "Published; splits, sizes and settings may differ"
    lines = [f'<tr class="section"><th colspan="{len(figures) + 2}">{title}</th></tr>']
    for row in rows:
        cells = "".join(
            f'<td class="figure">{row["figures"][name]:.4g}</td>' if name in row["figures"] else "<td></td>" for name in figures
        )
        note = f". {row['note']}" if row["note"] else ""
        data = "" if summary["dataset"] else f"{DATASETS[row['dataset']]}; "
        lines.append(f'<tr><td>{escape(row["system"])}</td>{cells}<td class="text soft">{escape(data + row["source"] + note)}</td></tr>')
    return lines


def differences_table(summary: Mapping[str, Any]) -> str:
    """Return the differences of every two systems on the same pairs: a row a figure, a column two systems."""
    rows = summary["differences"]
    if not rows:
        return ""
    couples = list(dict.fromkeys((row["first"], row["second"]) for row in rows))
    cells = {(row["figure"], row["first"], row["second"]): _difference_cell(row) for row in rows}
    lines = [
        f"<tr><td>{_title(summary['figures'][figure])}</td>{''.join(cells.get((figure, *couple), '<td></td>') for couple in couples)}</tr>"
        for figure in dict.fromkeys(row["figure"] for row in rows)
    ]
    heads = "".join(f'<th scope="col">{escape(first)} − {escape(second)}</th>' for first, second in couples)
    return (
        f'<h2>Paired differences</h2><div class="scroll"><table><thead><tr><th scope="col">Figure</th>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
        '<p class="soft">Means with 95 % intervals, and p by a two-sided sign-flip permutation test on the same pairs, corrected for the '
        f"number of differences by Holm's method. Marked where p is below {_SIGNIFICANT}; metrics.json has p uncorrected.</p>"
    )


def _difference_cell(row: Mapping[str, Any]) -> str:
    clear = row["p_holm"] < _SIGNIFICANT and row["better"]
    told = f"{escape(row['better'])} is better" if clear else "no difference beyond chance"
    return (
        f'<td class="figure{" best" if clear else ""}">{_number(row["mean"], signed=True)}<span class="range">'
        f"{_number(row['low'], signed=True)} to {_number(row['high'], signed=True)}</span>"
        f'<span class="range">{told}, {_p_text(row["p_holm"])}</span></td>'
    )


def _p_text(value: float) -> str:
    return "p &lt; 0.001" if value < 0.001 else f"p = {value:.3f}"


def _title(facts: Mapping[str, Any]) -> str:
    return f"{escape(facts['title'])} {_ARROWS[facts['better']]}"


def _number(value: float, *, signed: bool = False) -> str:
    """Return a number with as many decimals as its neighbours in the table: two from two on, four below."""
    text = f"{abs(value):.2f}" if abs(value) >= 2 else f"{abs(value):.4f}"
    sign = "−" if value < 0 else "+" if signed else ""
    return sign + text


def _swatch(index: int) -> str:
    return f'<span class="swatch" style="background:{colour_of(index)}"></span>'
