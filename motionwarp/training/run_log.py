"""What a run writes down: means of the figures between two lines, and the figures of every export, as CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from torch import Tensor

LOG: Final = "log.csv"
EXPORTS: Final = "exports.csv"


class RunLog:
    """The log of losses, `log.csv`, and of what was measured at every export, `exports.csv`, in a run's folder.

    Parameters
    ----------
    folder : Path
    step : int
        From which the run goes on. Lines after it are of steps that were lost, and are made again: they are taken out.
    written : bool
        False where another process writes.
    """

    def __init__(self, folder: Path, step: int, *, written: bool = True) -> None:
        self._folder, self._written = folder, written
        self._sums: dict[str, Tensor | float] = {}
        self._count = 0
        if written:
            for name in (LOG, EXPORTS):
                _forget_after(folder / name, step)

    def add(self, figures: Mapping[str, float | Tensor]) -> None:
        """Add a step's figures to those since the last line."""
        for name, value in figures.items():
            # tensors are summed where they are: reading them at every step would stall a GPU
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1

    def write(self, step: int, rate: float, seconds: float) -> str:
        """Write the means since the last line and return them as a line for people."""
        means = {name: float(value) / self._count for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        figures = {name: f"{value:.5f}" for name, value in means.items()}
        self._append(LOG, {"step": step, "rate": f"{rate:.3e}", "seconds": f"{seconds:.1f}", **figures})
        return f"step {step} {seconds:.0f}s " + in_words(means)

    def exported(self, step: int, seconds: float, figures: Mapping[str, float]) -> str:
        """Write what was measured at an export and return it as a line for people."""
        rounded = {name: f"{value:.5f}" for name, value in figures.items()}
        self._append(EXPORTS, {"step": step, "seconds": f"{seconds:.1f}", **rounded})
        return f"step {step}: " + in_words(figures)

    def _append(self, name: str, row: Mapping[str, Any]) -> None:
        if not self._written:
            return
        # opened for each line: what is written survives whatever happens to the process
        with (self._folder / name).open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            if stream.tell() == 0:
                writer.writerow(row)
            writer.writerow(row.values())


def in_words(figures: Mapping[str, float]) -> str:
    """Return figures as a line for people."""
    return " ".join(f"{name} {value:.4f}" for name, value in figures.items())


def _forget_after(path: Path, step: int) -> None:
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if line.endswith("\n") and not _is_after(line, step)]
    if len(kept) < len(lines):
        part = path.with_name(path.name + ".part")
        part.write_text("".join(kept), encoding="utf-8")
        part.replace(path)


def _is_after(line: str, step: int) -> bool:
    first = line.split(",", 1)[0]
    return first.isdecimal() and int(first) > step
