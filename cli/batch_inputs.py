"""Run the same work over many inputs: outputs are planned first, a failing input does not stop the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from motionwarp.errors import OptionError, OutputError

from .errors import message_and_code
from .reporting import OnStep, Reporter

Work = Callable[["OutputTarget", OnStep], dict[str, Any]]
"""Does the work for one input and returns facts for the summary: "output", "frames", "warnings" and its own."""


@dataclass(frozen=True)
class OutputTarget:
    """Where the results of one input go.

    Attributes
    ----------
    source : Path
        The input.
    folder : Path
        Where results go, under names that begin with `stem`.
    stem : str
    file : Path or None
        The very name that was asked for the main result.
    """

    source: Path
    folder: Path
    stem: str
    file: Path | None = None

    def path(self, ending: str) -> Path:
        """Return the path of a result beside the main one."""
        return self.folder / f"{self.stem}{ending}"


def plan_targets(inputs: Sequence[Path], output: Path, file_ending: str) -> list[OutputTarget]:
    """Decide where every input's results go.

    Parameters
    ----------
    inputs : sequence of Path
    output : Path
        With `file_ending`, the main result of the only input; else a folder.
    file_ending : str
        Such as ".json".

    Raises
    ------
    OptionError
        If one file is to hold several inputs, or two inputs would have results of one name.
    OutputError
        If `output` is a file of another kind.
    """
    if output.suffix.lower() == file_ending and not output.is_dir():
        if len(inputs) > 1:
            raise OptionError(f"cannot hold {len(inputs)} inputs", subject=output, remedy="Give a folder to -o.")
        return [OutputTarget(inputs[0], output.parent, output.name[: -len(file_ending)], output)]
    if output.exists() and not output.is_dir():
        raise OutputError("is a file", subject=output, remedy=f"Give a folder, or a file ending in {file_ending}.")
    targets = [OutputTarget(path, output, path.resolve().name if path.is_dir() else path.stem) for path in inputs]
    first_of_stem: dict[str, Path] = {}
    for target in targets:
        other = first_of_stem.setdefault(target.stem.lower(), target.source)  # lower: some file systems know no case
        if other is not target.source:
            raise OptionError(
                f"would have its results under the same name as {other}",
                subject=target.source,
                remedy="Rename one of them, or run them apart with other folders.",
            )
    return targets


def run_over(targets: Sequence[OutputTarget], work: Work, reporter: Reporter, command: str) -> None:
    """Do `work` for every target, tell of each, and exit with a code other than 0 if any failed.

    Raises
    ------
    typer.Exit
        1 if an input met a failure of ours, else 2 if an input is at fault.
    """
    summaries: list[dict[str, Any]] = []
    codes: list[int] = []
    for target in targets:
        begin = time.perf_counter()
        try:
            target.folder.mkdir(parents=True, exist_ok=True)
            with reporter.progress() as on_step:
                result = work(target, on_step)
        except Exception as error:  # also defects of ours: the other inputs must not pay for them
            codes.append(reporter.failed(error))
            summaries.append({"input": str(target.source), "error": message_and_code(error)[0]})
            continue
        seconds = time.perf_counter() - begin
        reporter.warn_all(result["warnings"], str(target.source))
        summaries.append({"input": str(target.source), **result, "seconds": round(seconds, 3)})
        if not reporter.as_json:
            frames = f"{result['frames']} frames, " if result["frames"] > 1 else ""
            reporter.result({}, f"{target.source} -> {result['output']} ({frames}{seconds:.1f} s)")
    if reporter.as_json:
        reporter.result({"command": command, "inputs": summaries}, "")
    if codes:
        if len(targets) > 1:
            reporter.warn(f"{len(codes)} of {len(targets)} inputs failed.")
        raise typer.Exit(min(codes))


def in_ranges(notes: Iterable[tuple[int, str]]) -> list[str]:
    """Join notes on single frames into notes on runs of frames.

    Parameters
    ----------
    notes : iterable of (int, str)
        Frame numbers, rising, and what is to be said of the frame.

    Returns
    -------
    list of str
        Such as "frames 120-134: no person found".
    """
    runs: list[tuple[int, int, str]] = []
    for number, text in notes:
        if runs and runs[-1][2] == text and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number, text)
        else:
            runs.append((number, number, text))
    return [
        f"frame {first}: {text}" if first == last else f"frames {first}-{last}: {text}" for first, last, text in runs
    ]
