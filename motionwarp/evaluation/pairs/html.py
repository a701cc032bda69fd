"""The report as one page that needs nothing but itself: tables, plots, and pairs with their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

import numpy as np

from motionwarp.evaluation.pairs.config import METRICS
from motionwarp.evaluation.pairs.plots import color_of, distribution_plot, interval_plot, scatter_plot
from motionwarp.evaluation.pairs.results import PairsResult, cost_text
from motionwarp.evaluation.pairs.thumbnails import ReportRow, ranking, report_rows
from motionwarp.evaluation.published import DATASETS
from motionwarp.evaluation.standalone_page import standalone_page
from motionwarp.evaluation.statistics import Interval
from motionwarp.types import Pose

_SIGNIFICANT: Final = 0.05
_ARROWS: Final = {"higher": "↑", "lower": "↓"}
# more columns than this do not fit a page's width
_COLUMNS: Final = 7


def metrics_table(summary: Mapping[str, Any]) -> str:
    """Return every system's metrics with their intervals, the best marked.

    Systems run downwards, as published tables have them; where that is too wide for a page, and there is nothing
    published to be set beside it, metrics do.

    Parameters
    ----------
    summary : dict
        As from `summarize`.
    """
    metrics: Mapping[str, Any] = summary["figures"]
    systems = [system["name"] for system in summary["systems"]]
    published = published_rows(summary, list(metrics)) if summary["dataset"] else []
    if not published and len(metrics) > max(_COLUMNS, len(systems)):
        head = '<th scope="col">Metric</th>' + "".join(
            f'<th scope="col">{_swatch(place)}{escape(name)}</th>' for place, name in enumerate(systems)
        )
        lines = [
            f'<tr><td title="{escape(details["settings"])}">'
            f"{_title(details)}</td>{''.join(_metric_cell(details, name) for name in systems)}</tr>"
            for details in metrics.values()
        ]
    else:
        head = '<th scope="col">System</th>' + "".join(
            f'<th class="figure" scope="col" title="{escape(details["settings"])}">{_title(details)}</th>'
            for details in metrics.values()
        )
        head += '<th class="text" scope="col">Source</th>' if published else ""
        lines = [
            f"<tr><td>{_swatch(place)}{escape(name)}</td>"
            f"{''.join(_metric_cell(details, name) for details in metrics.values())}</tr>"
            for place, name in enumerate(systems)
        ]
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines + published)}</tbody>'
        "</table></div>"
        '<p class="soft">Means over pairs; below them 95 % intervals by bootstrap over pairs. FID and Inception Score '
        "are metrics of "
        "the whole set.</p>"
    )


def costs_table(summary: Mapping[str, Any]) -> str:
    """Return what each engine costs, nothing if there is none.

    Parameters
    ----------
    summary : dict
        As from `summarize`.
    """
    costs: Mapping[str, Any] = summary["costs"]
    if not costs:
        return ""
    lines = "".join(
        f'<tr><td>{escape(name)}</td><td class="figure">{cost_text(own["seconds_per_frame"], 3)}</td>'
        f'<td class="figure">{cost_text(own["parameters"], 2, 1e6)}</td></tr>'
        for name, own in costs.items()
    )
    return (
        '<h2>Costs</h2><div class="scroll"><table><thead><tr><th scope="col">System</th>'
        '<th class="figure" scope="col">Seconds a frame</th><th class="figure" scope="col">Parameters (millions)</th>'
        f"</tr></thead><tbody>{lines}</tbody></table></div>"
        '<p class="soft">Medians on the machine that rendered the pictures, one frame at a time, without what is done '
        "once for a source. Parameters are the values in the engine's file of weights.</p>"
    )


def _metric_cell(details: Mapping[str, Any], system: str) -> str:
    own = details["systems"][system]
    means = [each["mean"] for each in details["systems"].values()]
    best = max(means) if details["better"] == "higher" else min(means)
    mark = " best" if own["mean"] == best and len(means) > 1 else ""
    interval = (
        "" if own["low"] is None else f'<span class="range">{_number(own["low"])} to {_number(own["high"])}</span>'
    )
    return f'<td class="figure{mark}">{_number(own["mean"])}{interval}</td>'


def published_rows(summary: Mapping[str, Any], metrics: Sequence[str]) -> list[str]:
    """Return table rows of published metrics, a row of section first; none if there are none of these metrics.

    Parameters
    ----------
    summary : dict
        As from `summarize`.
    metrics : sequence of str
        Names of the table's columns.
    """
    rows = [row for row in summary["published"] if any(name in row["figures"] for name in metrics)]
    if not rows:
        return []
    title = "Published; splits, sizes and settings may differ"
    lines = [f'<tr class="section"><th colspan="{len(metrics) + 2}">{title}</th></tr>']
    for row in rows:
        cells = "".join(
            f'<td class="figure">{row["figures"][name]:.4g}</td>' if name in row["figures"] else "<td></td>"
            for name in metrics
        )
        note = f". {row['note']}" if row["note"] else ""
        data = "" if summary["dataset"] else f"{DATASETS[row['dataset']]}; "
        lines.append(
            f'<tr><td>{escape(row["system"])}</td>{cells}<td class="text '
            f'soft">{escape(data + row["source"] + note)}</td></tr>'
        )
    return lines


def differences_table(summary: Mapping[str, Any]) -> str:
    """Return the differences of every two systems on the same pairs: a row a metric, a column two systems."""
    rows = summary["differences"]
    if not rows:
        return ""
    couples = list(dict.fromkeys((row["first"], row["second"]) for row in rows))
    cells = {(row["figure"], row["first"], row["second"]): _difference_cell(row) for row in rows}
    lines = [
        f"<tr><td>{_title(summary['figures'][metric])}</td>"
        f"{''.join(cells.get((metric, *couple), '<td></td>') for couple in couples)}</tr>"
        for metric in dict.fromkeys(row["figure"] for row in rows)
    ]
    heads = "".join(f'<th scope="col">{escape(first)} − {escape(second)}</th>' for first, second in couples)
    return (
        f'<h2>Paired differences</h2><div class="scroll"><table><thead><tr><th scope="col">Metric</th>{heads}</tr>'
        "</thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
        '<p class="soft">Means with 95 % intervals, and p by a two-sided sign-flip permutation test on the same pairs, '
        "corrected for the "
        f"number of differences by Holm's method. Marked where p is below {_SIGNIFICANT}; metrics.json has p "
        "uncorrected.</p>"
    )


def _difference_cell(row: Mapping[str, Any]) -> str:
    clear = row["p_holm"] < _SIGNIFICANT and row["better"]
    caption = f"{escape(row['better'])} is better" if clear else "no difference beyond chance"
    return (
        f'<td class="figure{" best" if clear else ""}">{_number(row["mean"], signed=True)}<span class="range">'
        f"{_number(row['low'], signed=True)} to {_number(row['high'], signed=True)}</span>"
        f'<span class="range">{caption}, {_p_text(row["p_holm"])}</span></td>'
    )


def _p_text(value: float) -> str:
    return "p &lt; 0.001" if value < 0.001 else f"p = {value:.3f}"


def _title(details: Mapping[str, Any]) -> str:
    return f"{escape(details['title'])} {_ARROWS[details['better']]}"


def _number(value: float, *, signed: bool = False) -> str:
    """Return a number with as many decimals as its neighbors in the table: two from two on, four below."""
    text = f"{abs(value):.2f}" if abs(value) >= 2 else f"{abs(value):.4f}"
    sign = "−" if value < 0 else "+" if signed else ""
    return sign + text


def _swatch(index: int) -> str:
    return f'<span class="swatch" style="background:{color_of(index)}"></span>'


_PLOTTED = 6


def report_page(result: PairsResult, summary: Mapping[str, Any], poses: Mapping[str, Pose], rows: int) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    result : PairsResult
    summary : dict
        As from `summarize`.
    poses : mapping of str to Pose
        Points of targets by name, as far as they are known.
    rows : int
        Pairs with pictures: half of them the worst, half the best.
    """
    shown = report_rows(result, poses, rows)
    body = "\n".join(
        [
            _head(result, summary),
            "<h2>Metrics</h2>",
            metrics_table(summary),
            costs_table(summary),
            _missing(summary),
            _published_elsewhere(summary),
            differences_table(summary),
            _plots(result, summary),
            _pairs(result, shown),
            _excluded(summary),
            _settings(summary),
        ]
    )
    return standalone_page(
        "Metrics on pairs", body, package="motionwarp.evaluation.pairs", style="page.css", script="page.js"
    )


def _head(result: PairsResult, summary: Mapping[str, Any]) -> str:
    pairs = summary["pairs"]
    dataset = DATASETS.get(summary["dataset"] or "", "")
    excluded = len({each["pair"] for each in pairs["excluded"]})
    left_out = f", {excluded} excluded for all systems alike" if excluded else ""
    drawn = pairs["scored"] + excluded
    sample = f" (a random {drawn} of the list's {pairs['listed']})" if drawn < pairs["listed"] else ""
    return (
        f"<h1>{' against '.join(escape(system.name) for system in result.systems)}</h1>"
        f'<p class="soft">{pairs["scored"]} pairs{left_out}{sample} · <code>{escape(pairs["file"])}</code>'
        f"{' · ' + escape(dataset) if dataset else ''} · list sha256 <code>{pairs['sha256'][:16]}…</code></p>"
    )


def _published_elsewhere(summary: Mapping[str, Any]) -> str:
    """Return published metrics where the list is of no published data set: out of the way, and with a warning."""
    metrics = summary["figures"]
    rows = [] if summary["dataset"] else published_rows(summary, list(metrics))
    if not rows:
        return ""
    heads = "".join(f'<th scope="col">{escape(details["title"])}</th>' for details in metrics.values())
    return (
        "<details><summary>Published metrics, of other data than this list's: for orientation, not for "
        "comparison</summary>"
        f'<div class="scroll"><table><thead><tr><th scope="col">System</th>{heads}<th class="text" '
        'scope="col">Source</th></tr></thead>'
        f"<tbody>{''.join(rows[1:])}</tbody></table></div></details>"
    )


def _missing(summary: Mapping[str, Any]) -> str:
    if not summary["missing"]:
        return ""
    lines = "".join(
        f"<li><b>{escape(METRICS[name].title)}</b>: {_with_code(reason)}</li>"
        for name, reason in summary["missing"].items()
    )
    return f"<p>Not measured:</p><ul>{lines}</ul>"


def _plots(result: PairsResult, summary: Mapping[str, Any]) -> str:
    plots = []
    for details in list(summary["figures"].values())[:_PLOTTED]:
        each = {name: own for name, own in details["systems"].items() if own["low"] is not None}
        if each:
            intervals = {
                name: Interval(own["mean"], own["low"], own["high"], own["pairs"]) for name, own in each.items()
            }
            plots.append(
                interval_plot(f"{details['title']}, {details['better']} is better: means and 95 % intervals", intervals)
            )
    metric, system, _ = ranking(result)
    if metric:
        kept = np.logical_and.reduce([np.isfinite(result.values[each.name][metric]) for each in result.systems])
        values = {each.name: result.values[each.name][metric][kept] for each in result.systems}
        if kept.any():
            plots.append(distribution_plot(f"{METRICS[metric].title}: pairs by metric", values))
            for other in [name for name in values if name != system][:2]:
                title = f"{METRICS[metric].title} by pair: {other} against {system}"
                plots.append(scatter_plot(title, (other, system), values[other], values[system]))
    return f'<h2>Plots</h2><div class="plots">{"".join(plots)}</div>' if plots else ""


def _pairs(result: PairsResult, rows: Sequence[ReportRow]) -> str:
    if not rows:
        return ""
    metric, system, order = ranking(result)
    columns = [(name, each.name) for each in result.systems for name in result.values[each.name]]
    options = "".join(
        f'<option value="{place}" data-better="{1 if METRICS[name].better == "higher" else -1}"'
        f"{' selected' if (name, of) == (metric, system) else ''}>{escape(METRICS[name].title)} of "
        f"{escape(of)}</option>"
        for place, (name, of) in enumerate(columns)
    )
    of_all = (
        f"the {len(rows)} worst and best of {len(order)} pairs" if len(rows) < len(order) else f"all {len(rows)} pairs"
    )
    by = f" by {METRICS[metric].title} of {system}" if metric else ""
    blocks = "".join(_pair_block(result, row, columns, len(order)) for row in rows)
    return (
        f'<h2>Pairs</h2><p class="soft">{of_all[0].upper() + of_all[1:]}{escape(by)}; pairs.csv has them all. '
        "Differences from the truth run from black to yellow.</p>"
        '<div class="controls" id="controls" hidden><label>Sort by <select id="by">' + options + "</select></label>"
        '<label><select id="direction"><option value="worst">worst first</option><option value="best">best '
        "first</option></select></label>"
        '<label>Size <input id="size" type="range" min="64" max="224" value="160"></label></div>'
        f'<div id="pairs">{blocks}</div>'
    )


def _pair_block(result: PairsResult, row: ReportRow, columns: Sequence[tuple[str, str]], count: int) -> str:
    names = result.pairs[row.index].names
    values = " ".join(f"{result.values[system][metric][row.index]:.6g}" for metric, system in columns)
    strip = [_picture(row.source, "source")]
    if row.pose:
        strip.append(_picture(row.pose, "target pose"))
    for index, system in enumerate(result.systems):
        made, apart = row.results[system.name]
        metric = next(iter(result.values[system.name]), "")
        caption = f"{system.name}"
        if metric:
            caption += f" · {METRICS[metric].title} {result.values[system.name][metric][row.index]:.3f}"
        strip.append(
            f'<figure><div class="of" style="border-color:{color_of(index)}"><img src="{made}" alt="result of '
            f'{escape(system.name)}">'
            f'<img src="{apart}" alt="difference"></div><figcaption>{escape(caption)}</figcaption></figure>'
        )
    strip.append(_picture(row.truth, "ground truth"))
    return (
        f'<div class="pair" data-values="{values}"><h3><b>{row.rank + 1} of {count}</b>{escape(names.source)} → '
        f"{escape(names.target)}</h3>"
        f'<div class="strip">{"".join(strip)}</div></div>'
    )


def _picture(address: str, caption: str) -> str:
    return f'<figure><img src="{address}" alt="{escape(caption)}"><figcaption>{escape(caption)}</figcaption></figure>'


def _excluded(summary: Mapping[str, Any]) -> str:
    rows = summary["pairs"]["excluded"]
    notes = summary["notes"]
    text = ""
    if rows:
        lines = "".join(
            f"<tr><td class='text'>{escape(each['pair'])}</td><td "
            f"class='text'>{escape(each['system'] or 'the pair itself')}</td>"
            f"<td class='text'>{escape(each['reason'])}</td></tr>"
            for each in rows
        )
        text += (
            f"<h2>Excluded</h2><details><summary>{_counted(len(rows), 'failure')}; such pairs count for no "
            "system</summary>"
            f'<div class="scroll"><table><tbody>{lines}</tbody></table></div></details>'
        )
    if notes:
        lines = "".join(f"<li>{escape(note)}</li>" for note in notes)
        text += (
            f"<details><summary>{_counted(len(notes), 'metric')} could not be taken</summary><ul>{lines}</ul></details>"
        )
    return text


def _settings(summary: Mapping[str, Any]) -> str:
    details = "".join(
        f"<tr><td>{escape(details['title'])}</td><td class='text'>{escape(details['settings'])}</td></tr>"
        for details in summary["figures"].values()
    )
    run = "".join(
        f"<tr><td>{escape(name.replace('_', ' '))}</td><td class='text'><code>{escape(str(value))}</code></td></tr>"
        for name, value in summary["settings"].items()
        if value is not None
    )
    systems = "".join(
        f"<tr><td>{escape(system['name'])}</td><td class='text'><code>"
        f"{escape(', '.join(f'{key} {value}' for key, value in system.items() if key != 'name' and value))}</code>"
        "</td></tr>"
        for system in summary["systems"]
    )
    return (
        f"<h2>Settings</h2><table><tbody>{details}{run}{systems}"
        f"<tr><td>motionwarp</td><td class='text'>{escape(summary['version'])}</td></tr></tbody></table>"
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _with_code(text: str) -> str:
    """Return a message as HTML, what stands between backquotes as code."""
    return "".join(
        f"<code>{escape(part)}</code>" if place % 2 else escape(part) for place, part in enumerate(text.split("`"))
    )
