"""`motionwarp doctor`: whether this installation is fit to work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from .errors import EXIT_FAILURE, is_debug
from .options import DebugOption, JsonOption, examples
from .reporting import Reporter
from .weights import size_text

if TYPE_CHECKING:
    from .diagnosis import Diagnosis

EPILOG = examples("motionwarp doctor", "motionwarp doctor --json", "motionwarp doctor --licenses")


def doctor(
    ctx: typer.Context,
    licenses: Annotated[
        bool,
        typer.Option("--licenses", help="List the licenses of all installed packages that motionwarp needs instead."),
    ] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show versions, devices, codecs, weights with their checksums, and disk space.

    Exits with 1 if something is wrong.
    """
    from .diagnosis import diagnose

    reporter = Reporter(as_json=as_json, debug=is_debug(ctx))
    if licenses:
        _show_licenses(reporter)
        return
    diagnosis = diagnose()
    reporter.result_table({**diagnosis.facts, "problems": list(diagnosis.problems)}, _table(diagnosis))
    if not as_json:
        for problem in diagnosis.problems:
            reporter.warn(problem)
        if not diagnosis.problems:
            reporter.result({}, "\nAll is well.")
    if diagnosis.problems:
        raise typer.Exit(EXIT_FAILURE)


def _show_licenses(reporter: Reporter) -> None:
    from dataclasses import asdict

    from motionwarp.licenses import installed_dependencies

    packages = installed_dependencies()
    table = Table(box=None, pad_edge=False)
    for head in ("Package", "Version", "License", "Needed by"):
        table.add_column(head, overflow="fold")
    for package in packages:
        table.add_row(package.name, package.version, package.license, ", ".join(package.needed_by))
    reporter.result_table({"packages": [asdict(package) for package in packages]}, table)


def _table(diagnosis: Diagnosis) -> Table:
    facts = diagnosis.facts
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    _section(table, "Versions", [(name, version or "not installed") for name, version in facts["versions"].items()])
    _section(
        table,
        "Extras",
        [
            (extra, version or f"not installed: pip install 'motionwarp[{extra}]'")
            for extra, version in facts["extras"].items()
        ],
    )
    _section(table, "Devices", [(entry["device"], _device_text(entry)) for entry in facts["devices"]])
    _section(table, "Threads", [(name, str(value)) for name, value in facts["threads"].items() if value is not None])
    codecs = facts["codecs"]
    _section(table, "Encoders", [(kind, ", ".join(names) or "none") for kind, names in codecs["encoders"].items()])
    _section(table, "Decoders", [(kind, ", ".join(names) or "none") for kind, names in codecs["decoders"].items()])
    _section(table, "Hardware", [("decoding", ", ".join(codecs["hardware"]) or "none")])
    _section(table, "Weights", [(entry["name"], f"{entry['state']}  {entry['path']}") for entry in facts["weights"]])
    _section(table, "Engines", [(entry["name"], _engine_text(entry)) for entry in facts["engines"]])
    _section(
        table,
        "Disk",
        [(name, f"{size_text(place['free_bytes'])} free  {place['path']}") for name, place in facts["disk"].items()],
    )
    return table


def _section(table: Table, title: str, rows: list[tuple[str, str]]) -> None:
    for number, (name, text) in enumerate(rows):
        table.add_row(title if number == 0 else "", name, text)


def _device_text(entry: dict[str, Any]) -> str:
    parts = [entry["name"]]
    if entry["memory_bytes"]:
        parts.append(size_text(entry["memory_bytes"]))
    parts.append("bf16 in hardware" if entry["bf16_in_hardware"] else "no bf16 in hardware")
    parts.append(f"auto: {entry['auto_precision']}")
    if entry["chosen_by_auto"]:
        parts.append("chosen")
    return ", ".join(parts)


def _engine_text(entry: dict[str, Any]) -> str:
    weights = f"weights '{entry['weights']}'" if entry["weights"] else "no weights needed"
    parts = [entry["distribution"], weights if entry["stands_alone"] else "with a file of weights only"]
    if entry["chosen_by_auto"]:
        parts.append("chosen by auto")
    return ", ".join(parts)
