"""`motionwarp weights`: what there is, whether it is whole, where it lies, and fetching what does not ship."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from motionwarp.checkpoints.cache import pull as pull_entry
from motionwarp.checkpoints.registry import Registry, WeightsEntry, registry, weights_folder
from motionwarp.errors import InputError, WeightsError

from .errors import is_debug
from .options import DebugOption, JsonOption, QuietOption, examples
from .reporting import OnStep, Reporter

app = typer.Typer(
    no_args_is_help=True,
    help="List, check, find and fetch weights.",
    epilog=examples("motionwarp weights list", "motionwarp weights verify"),
)

NamesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="NAME", help="Names of weights; all if none is given.", show_default=False)
]


@app.command("list", epilog=examples("motionwarp weights list", "motionwarp weights list --json"))
def list_weights(ctx: typer.Context, as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """Show all weights that motionwarp knows, and whether they are here."""
    known = registry()
    reporter = Reporter(as_json=as_json, debug=is_debug(ctx))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("Name", "Size", "License", "Where", "For"):
        table.add_column(column, justify="right" if column == "Size" else "left")
    for entry in known:
        table.add_row(entry.name, size_text(entry.bytes), entry.licence, _whereabouts(known, entry), entry.description)
    reporter.result_table({"weights": [_facts(known, entry) for entry in known]}, table)


@app.command("verify", epilog=examples("motionwarp weights verify", "motionwarp weights verify analyser"))
def verify(
    ctx: typer.Context,
    names: NamesArgument = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare the files that are here with their recorded checksums; exit code 2 if one differs.

    Without names, weights that were never fetched are passed over; a name that is given must be there.
    """
    known = registry()
    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    chosen = [known[name] for name in names or known.entries]
    results: list[dict[str, Any]] = []
    for entry in chosen:
        if not names and not entry.ships and not known.path(entry.name).is_file():
            results.append({"name": entry.name, "state": "not fetched"})
            continue
        try:
            known.verified_path(entry.name)
            results.append({"name": entry.name, "state": "whole"})
        except WeightsError as error:
            reporter.failed(error)
            results.append({"name": entry.name, "state": "damaged or missing", "error": str(error)})
    reporter.result({"weights": results}, "\n".join(f"{result['name']}: {result['state']}" for result in results))
    if any("error" in result for result in results):
        raise typer.Exit(WeightsError.exit_code)


@app.command("path", epilog=examples("motionwarp weights path analyser"))
def path(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of weights.", show_default=False)],
    debug: DebugOption = False,
) -> None:
    """Print where weights lie, after checking that they are whole."""
    typer.echo(registry().verified_path(name))


@app.command(
    "pull", epilog=examples("motionwarp weights pull dwpose", "MOTIONWARP_MIRROR=/mnt/models motionwarp weights pull")
)
def pull(
    ctx: typer.Context,
    names: NamesArgument = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not use the network; check what is cached.")] = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Fetch weights that do not ship from their publishers, check them, and keep them in the cache.

    MOTIONWARP_MIRROR names an address or a folder to fetch from instead, MOTIONWARP_CACHE another cache, and
    MOTIONWARP_OFFLINE=1 forbids the network. A fetch that was interrupted goes on where it stopped.
    """
    known = registry()
    reporter = Reporter(quiet=quiet, debug=is_debug(ctx))
    chosen = [known[name] for name in names] if names else [entry for entry in known if not entry.ships]
    for entry in chosen:
        with reporter.progress(unit="MB/s") as on_step:
            path = pull_entry(entry, offline=offline, progress=_megabytes(on_step, entry.name))
        reporter.result({}, str(path))


def _megabytes(on_step: OnStep, name: str) -> Callable[[int, int], None]:
    """Return a callback that counts bytes as megabytes of the stage `name`."""
    return lambda done, total: on_step(name, done // 1_000_000, total // 1_000_000)


@app.command("add", epilog=examples("motionwarp weights add runs/analyser/analyser.safetensors --name analyser"))
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .safetensors checkpoint.", show_default=False)],
    name: Annotated[
        str | None, typer.Option(help="Name in the registry; by default the file's.", show_default=False)
    ] = None,
    licence: Annotated[str | None, typer.Option(help="SPDX identifier.", show_default=False)] = None,
    description: Annotated[str | None, typer.Option(help="One line for lists.", show_default=False)] = None,
    debug: DebugOption = False,
) -> None:
    """Ship a checkpoint: copy it into a checkout's weights/ and record its checksum. For maintainers."""
    from motionwarp.checkpoints.register import register_file

    folder = weights_folder()
    if folder.name != "weights":
        raise InputError(
            "is an installed copy, not a checkout",
            subject=folder,
            remedy="Install with `pip install -e .` and try again.",
        )
    entry = register_file(file, folder, name=name, licence=licence, description=description)
    typer.echo(f"{entry.name}: {size_text(entry.bytes)}, {entry.architecture}, sha256 {entry.sha256}")


def size_text(count: int) -> str:
    """Return a number of bytes as "11.3 MB"."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"


def _whereabouts(known: Registry, entry: WeightsEntry) -> str:
    if known.path(entry.name).is_file():
        return "ships" if entry.ships else "fetched"
    return "missing" if entry.ships else "to be pulled"


def _facts(known: Registry, entry: WeightsEntry) -> dict[str, Any]:
    path = known.path(entry.name)
    return {**asdict(entry), "path": str(path), "present": path.is_file()}
