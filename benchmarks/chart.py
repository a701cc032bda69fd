"""One picture of kept results, for the documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.plotting import BarChart, Chart, LineChart, page
from benchmarks.stage_timing import STAGES
from motionwarp.errors import InputError
from motionwarp.media.image import write_image

Result = Mapping[str, Any]

DRAWN = ("stages", "grid", "lengths", "startup")
# the share of the measured rate of convolutions that networks shall reach
WANTED_SHARE = 0.6


def chart(
    results: Annotated[
        list[Path],
        typer.Argument(help="Kept JSON of stages, grid, lengths or startup; several of a kind are compared."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The PNG to write.")] = Path(
        "docs/images/performance.png"
    ),
) -> None:
    """Draw results of other measurements as one picture."""
    kept = [read_result(path) for path in results]
    write_image(output, page(charts_of(kept), columns=2, footer=footer(kept)), overwrite=True)
    typer.echo(str(output), err=True)


def read_result(path: Path) -> Result:
    """Read a kept result.

    Raises
    ------
    InputError
        If it is none, or of a kind that is not drawn.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        kind = result["benchmark"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "is not a result of `python -m benchmarks`", subject=path, remedy="Give JSON that it printed"
        ) from error
    if kind not in DRAWN:
        raise InputError(
            f"is a result of {kind}, which is not drawn", subject=path, remedy=f"Give one of {', '.join(DRAWN)}"
        )
    return result  # type: ignore[no-any-return]


def charts_of(results: Sequence[Result]) -> list[Chart]:
    """Return a chart for each thing that the results tell."""
    of_kind = {kind: [result for result in results if result["benchmark"] == kind] for kind in DRAWN}
    charts: list[Chart] = []
    if of_kind["stages"]:
        named = {_name_of(result, of_kind["stages"]): result for result in of_kind["stages"]}
        charts += [_stage_chart(named), _speed_chart(named), _share_chart(named)]
    charts += [_grid_chart(result) for result in of_kind["grid"]]
    if of_kind["lengths"]:
        named = {_name_of(result, of_kind["lengths"]): result for result in of_kind["lengths"]}
        charts += [
            _length_chart(named, "fps", "Frames a second by the clip's length"),
            _length_chart(named, "peak_memory_mb", "Peak memory in MB by the clip's length"),
        ]
    charts += [_startup_chart(result) for result in of_kind["startup"]]
    return charts


def footer(results: Sequence[Result]) -> str:
    """Return a line that names the machines, with their commits."""
    machines: dict[str, list[str]] = {}
    for result in results:
        machine = result["machine"]
        name = f"{machine.get('gpu') or machine['processor']}, {machine['cores']} cores, PyTorch {machine['torch']}"
        machines.setdefault(name, []).append(machine["commit"] or "no commit")
    return "; ".join(f"{name} ({', '.join(dict.fromkeys(commits))})" for name, commits in machines.items())


def _name_of(result: Result, among: Sequence[Result]) -> str:
    """Return what tells a result from the others of its kind."""
    facts = [_facts(each) for each in among]
    own = _facts(result)
    telling = [key for key in own if len({each[key] for each in facts}) > 1]
    return " ".join(own[key] for key in telling) or own["size"]


def _facts(result: Result) -> dict[str, str]:
    first = result.get("end_to_end") or result["runs"][0]
    return {
        "engine": first["engine"],
        "size": result["size"],
        "precision": {"bfloat16": "bf16", "float32": "fp32", "float16": "fp16"}.get(
            first["precision"], first["precision"]
        ),
        "device": first["device"],
        "commit": str(result["machine"]["commit"]),
    }


def _stage_chart(named: Mapping[str, Result]) -> BarChart:
    rows = [(stage, {name: result["stages"][stage]["ms"] for name, result in named.items()}) for stage in STAGES]
    rows.append(("end to end", {name: result["wall"]["ms_a_frame"] for name, result in named.items()}))
    return BarChart("Milliseconds a frame: each stage alone, and the whole", tuple(rows))


def _speed_chart(named: Mapping[str, Result]) -> BarChart:
    rows = tuple((name, {"": result["end_to_end"]["fps"]}) for name, result in named.items())
    return BarChart("Frames a second, from files to file", rows)


def _share_chart(named: Mapping[str, Result]) -> BarChart:
    rows: dict[str, dict[str, float]] = {}
    for name, result in named.items():
        for stage, networks in result["networks"].items():
            for network, figures in networks.items():
                rows.setdefault(f"{stage}: {network}", {})[name] = 100 * figures["share_of_convolution"]
    title = f"Networks: % of the machine's own convolution rate (line: {WANTED_SHARE:.0%})"
    return BarChart(title, tuple(rows.items()), "{:.0f}", 100 * WANTED_SHARE)


def _grid_chart(result: Result) -> LineChart:
    curves: dict[str, list[tuple[float, float]]] = {}
    for cell in result["cells"]:
        if cell["ms_a_frame"] is not None:
            curves.setdefault(f"{cell['size']} {cell['precision']}", []).append(
                (float(cell["batch"]), cell["ms_a_frame"])
            )
    title = f"Pass two on {result['device']}: milliseconds a frame"
    return LineChart(
        title, "frames at once", {name: tuple(points) for name, points in curves.items()}, logarithmic=True
    )


def _length_chart(named: Mapping[str, Result], figure: str, title: str) -> LineChart:
    curves = {
        name: tuple((run["clip_seconds"], run[figure]) for run in result["runs"]) for name, result in named.items()
    }
    return LineChart(title, "seconds of the clip", curves)


def _startup_chart(result: Result) -> BarChart:
    rows = tuple((name, {"": each["best"]}) for name, each in result["seconds"].items())
    return BarChart("Seconds of a new process", rows, "{:.2f}")
