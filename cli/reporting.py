"""What a command prints: results on stdout, everything about the run on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column, Table
from rich.text import Text

from motionwarp.errors import OptionError
from motionwarp.notices import gravest_first

from .errors import in_flags, open_console, report_failure

PLAIN_INTERVAL_SECONDS: Final = 10.0
MOST_WARNINGS: Final = 3
# a pipe has no width: rows of tables must not be folded for it
_PIPE_WIDTH: Final = 10_000

OnStep = Callable[[str, int, int | None], None]
"""Called with a stage's name, the steps done, and all steps if they are known."""


class Reporter:
    """Prints for one run.

    Parameters
    ----------
    as_json : bool
        The result goes to stdout as one JSON object; what is for people stays on stderr.
    quiet : bool
        Nothing but errors, and the JSON if it is asked for.
    debug : bool
        Tracebacks with errors.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False, debug: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.debug = debug
        self.out = open_console()
        self.err = open_console(stderr=True)

    def result(self, summary: Mapping[str, Any], text: str) -> None:
        """Print what came of the run: `summary` for programs, or `text` for people."""
        if self.as_json:
            sys.stdout.write(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
        elif not self.quiet:
            self.out.print(text)

    def result_table(self, summary: Mapping[str, Any], table: Table) -> None:
        """Print what came of the run: `summary` for programs, or `table` for people, as wide as the terminal."""
        if self.as_json or self.quiet:
            self.result(summary, "")
        else:
            if not self.out.is_terminal:
                self.out.width = _PIPE_WIDTH  # `print` takes no width above the console's
            self.out.print(table)

    def warn(self, text: str) -> None:
        """Print a warning."""
        if not self.quiet:
            self.err.print(Text.assemble(("Warning: ", "bold yellow"), in_flags(text)))

    def warn_renamed(self, old: str, new: str) -> None:
        """Print that a command was called by a name that will go, and what it is now."""
        self.warn(f"`motionwarp {old}` is deprecated and will go; it is now `motionwarp {new}`.")

    def note(self, line: str) -> None:
        """Print a line about the run."""
        if not self.quiet:
            self.err.print(line, markup=False)

    def failed(self, error: Exception) -> int:
        """Print an error and return the exit code that it means."""
        return report_failure(error, debug=self.debug)

    def warn_all(self, texts: Sequence[str], subject: str = "") -> None:
        """Print warnings about one input: the gravest, and how many more there are; `--debug` and `--json` have all."""
        graded = gravest_first(texts)
        shown = graded if self.debug else graded[:MOST_WARNINGS]
        for number, text in enumerate(shown, 1):
            more = len(graded) - len(shown)
            rest = f" (and {more} more; --debug shows all)" if more and number == len(shown) else ""
            self.warn(f"{subject}: {text}{rest}" if subject else f"{text}{rest}")

    def results_aside(self) -> None:
        """Print results on stderr from now on, since stdout is taken by a video.

        Raises
        ------
        OptionError
            If the result is to be JSON on stdout.
        """
        if self.as_json:
            raise OptionError(
                "standard output cannot be the video and the summary at once",
                values={"json": True},
                remedy="Write the video to a file, or leave the option out",
            )
        self.out = self.err

    @contextmanager
    def progress(self, unit: str = "fps") -> Iterator[OnStep]:
        """Show stages while the block runs: bars on a terminal, a line now and then elsewhere.

        `unit` is what stands after the steps a second: "fps", or such as "MB/s".
        """
        if self.quiet:
            yield _ignore
        elif self.err.is_terminal:
            with _bars(self.err, unit) as bars:
                yield _BarTicks(bars)
        else:
            yield _PlainTicks(self.err)


def _ignore(stage: str, done: int, total: int | None) -> None:
    """Show nothing."""


def _bars(console: Console, unit: str) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="[green]✓[/green]"),
        TextColumn("{task.description:<8}", table_column=Column(max_width=24, no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=None),
        _Count(),
        _Rate(unit),
        _Remaining(),
        console=console,
        expand=True,
    )


class _Count(ProgressColumn):
    """Steps done of all steps."""

    def render(self, task: Task) -> Text:
        """Return "120/288", or "120" while the end is not known."""
        total = "" if task.total is None else f"/{task.total:.0f}"
        return Text(f"{task.completed:.0f}{total}", justify="right")


class _Rate(ProgressColumn):
    """Steps a second."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        super().__init__()

    def render(self, task: Task) -> Text:
        """Return "12.3 fps", or nothing while it is not known or makes no sense."""
        rate = task.completed / task.finished_time if task.finished_time else task.speed
        known = rate is not None and task.total is not None and task.total > 1
        return Text(f"{rate:.1f} {self.unit}" if known else "", style="dim", justify="right")


class _Remaining(ProgressColumn):
    """Time that is left, or that was taken once the stage is done."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        """Return "0:12 left" or "0:34"."""
        if task.finished:
            return Text(clock(task.finished_time or 0.0), style="green", justify="right")
        if task.time_remaining is None:
            return TimeElapsedColumn().render(task)
        return Text(f"{clock(task.time_remaining)} left", style="cyan", justify="right")


class _BarTicks:
    """One bar a stage; a stage appears with its first on_step."""

    def __init__(self, bars: Progress) -> None:
        self.bars = bars
        self.tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage not in self.tasks:
            self.tasks[stage] = self.bars.add_task(stage, total=total)
        self.bars.update(self.tasks[stage], completed=done, total=total)


class _PlainTicks:
    """A line when a stage begins and ends, and every few seconds between."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.printed: dict[str, tuple[float, int]] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        last = self.printed.get(stage)
        finished = total is not None and done >= total
        if last is not None and (done <= last[1] or (not finished and now - last[0] < PLAIN_INTERVAL_SECONDS)):
            return
        self.printed[stage] = (now, done)
        of_total = "" if total is None else f" of {total}"
        self.console.print(f"{stage}: {done}{of_total}")


def clock(seconds: float) -> str:
    """Return a duration as "0:07" or "1:02:33"."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
