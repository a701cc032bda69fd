"""What people see while a command runs: bars on a terminal, lines elsewhere, the first of many warnings."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from motionwarp.notices import Gravity, Notice


@pytest.fixture
def reporting(app_module: ModuleType) -> ModuleType:
    return importlib.import_module(f"{app_module.__package__}.reporting")


@pytest.fixture
def reporter(reporting: ModuleType) -> Callable[..., tuple[Any, io.StringIO, io.StringIO]]:
    """A reporter that writes to memory, as if on a terminal or not."""

    def make(*, terminal: bool, **options: bool) -> tuple[Any, io.StringIO, io.StringIO]:
        made = reporting.Reporter(**options)
        out, err = io.StringIO(), io.StringIO()
        made.out = Console(file=out, force_terminal=terminal, width=100, color_system=None, legacy_windows=False)
        made.err = Console(file=err, force_terminal=terminal, width=100, color_system=None, legacy_windows=False)
        return made, out, err

    return make


def test_a_terminal_shows_a_bar_a_stage_with_counts(
    reporter: Callable[..., Any], reporting: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter(range(1000))
    made: list[Progress] = []

    class SteadyProgress(Progress):
        def __init__(self, *columns: Any, **options: Any) -> None:
            super().__init__(*columns, **options, get_time=lambda: float(next(seconds)), auto_refresh=False)
            made.append(self)

    monkeypatch.setattr(reporting, "Progress", SteadyProgress)
    run, _, err = reporter(terminal=True)
    with run.progress("clips/s") as on_step:
        on_step("open", 1, None)
        for done in range(1, 6):
            on_step("render", done, 5)
        on_step("write", 2, 40)
    assert [(task.description, task.completed, task.total) for task in made[0].tasks] == [
        ("open", 1, None), ("render", 5, 5), ("write", 2, 40),
    ]  # fmt: skip
    shown = err.getvalue()
    assert "5/5" in shown
    assert "2/40" in shown
    assert "clips/s" in shown


def bar_of(reporting: ModuleType, total: int | None, done: int, seconds: float) -> dict[str, str]:
    """What the columns say of a stage that has taken so long for so many steps."""
    now = [0.0]
    bars = Progress(get_time=lambda: now[0], auto_refresh=False)
    number = bars.add_task("stage", total=total)
    for step in range(1, done + 1):
        now[0] = seconds * step / done
        bars.update(number, completed=step)
    task = bars.tasks[0]
    columns = {"count": reporting._Count(), "rate": reporting._Rate("fps"), "remaining": reporting._Remaining()}
    return {name: column.render(task).plain for name, column in columns.items()}


def test_columns_tell_counts_rates_and_times(reporting: ModuleType) -> None:
    half = bar_of(reporting, 100, 50, 10.0)
    assert half["count"] == "50/100"
    assert half["rate"].endswith(" fps")
    assert half["remaining"] in ("0:10 left", "0:11 left")
    ended = bar_of(reporting, 20, 20, 70.0)
    assert ended["count"] == "20/20"
    assert ended["remaining"] == "1:10"
    assert bar_of(reporting, None, 3, 1.0)["count"] == "3"  # the end is not known
    assert bar_of(reporting, None, 3, 1.0)["rate"] == ""
    assert bar_of(reporting, 1, 1, 1.0)["rate"] == ""  # a single step has no rate worth telling
    assert bar_of(reporting, 10, 0, 1.0)["remaining"] == "0:00:00"  # nothing is known yet: the time so far


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (7, "0:07"), (59.6, "1:00"), (3600, "1:00:00"), (3753.2, "1:02:33")]
)
def test_durations_are_told_in_minutes_and_hours(reporting: ModuleType, seconds: float, text: str) -> None:
    assert reporting.clock(seconds) == text


def test_elsewhere_a_line_comes_when_a_stage_begins_and_ends_and_now_and_then(
    reporter: Callable[..., Any], reporting: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(reporting.time, "monotonic", lambda: now[0])
    run, _, err = reporter(terminal=False)
    with run.progress() as on_step:
        for done in range(1, 31):
            now[0] = float(done)
            on_step("render", done, 30)
        on_step("open", 1, None)
        on_step("open", 1, None)
    assert err.getvalue().splitlines() == [
        "render: 1 of 30", "render: 11 of 30", "render: 21 of 30", "render: 30 of 30", "open: 1",
    ]  # fmt: skip


def test_nothing_is_shown_where_quiet_is_asked_for(reporter: Callable[..., Any]) -> None:
    run, out, err = reporter(terminal=True, quiet=True)
    with run.progress() as on_step:
        on_step("render", 1, 2)
    run.warn("careful")
    run.result({}, "done")
    run.result_table({}, Table("a"))
    assert out.getvalue() == err.getvalue() == ""


def test_many_warnings_are_cut_and_counted(reporter: Callable[..., Any]) -> None:
    run, _, err = reporter(terminal=False)
    texts = [f"frame {number}" for number in range(4)]
    texts[1:1] = [Notice("repaired", Gravity.MINOR), Notice("turned", Gravity.GRAVE)]
    run.warn_all(texts, "clip.mp4")
    assert err.getvalue().splitlines() == [
        "Warning: clip.mp4: turned",
        "Warning: clip.mp4: frame 0",
        "Warning: clip.mp4: frame 1 (and 3 more; --debug shows all)",
    ]
    run, _, err = reporter(terminal=False, debug=True)
    run.warn_all(texts, "clip.mp4")
    assert len(err.getvalue().splitlines()) == 6
    assert err.getvalue().splitlines()[-1] == "Warning: clip.mp4: repaired"


def test_a_table_is_as_wide_as_it_needs_where_there_is_no_terminal(reporter: Callable[..., Any]) -> None:
    long = "word " * 60
    table = Table(box=None, show_header=False)
    table.add_row(long.strip())
    run, out, _ = reporter(terminal=False)
    run.result_table({}, table)
    assert len(out.getvalue().splitlines()) == 1
    run, out, _ = reporter(terminal=True)
    run.result_table({}, table)
    assert len(out.getvalue().splitlines()) > 2
