"""Executors: what a lost worker costs, how often a task is tried, and that all give the same data set."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionwarp.datasets.executors.base import Executor, Outcome, lost_worker
from motionwarp.datasets.executors.local import LocalExecutor, worker_environments
from motionwarp.datasets.items import Item
from motionwarp.datasets.options import ExecutorChoice, RunSettings
from motionwarp.datasets.records import ClipRecord
from motionwarp.datasets.scheduler import MOST_TRIES, Tally, run_tasks
from motionwarp.datasets.scratch import process_runs
from motionwarp.datasets.worker import Problem, SeeTask, TaskResult, WorkOrder
from motionwarp.errors import OptionError, OutputError

from .conftest import CONFIG, Inputs, make, tree


class Scripted(Executor):
    """Answers tasks from a script by item: what each try gives."""

    capacity = 2

    def __init__(self, script: dict[str, list[TaskResult]]) -> None:
        self.script, self.waiting, self.most = script, deque[tuple[int, Any]](), 0

    def submit(self, number: int, task: Any) -> None:
        self.waiting.append((number, task))
        self.most = max(self.most, len(self.waiting))

    def next_outcome(self) -> Outcome:
        number, task = self.waiting.popleft()
        return Outcome(number, self.script[task.item.id].pop(0))

    def close(self) -> None:
        return


def task(name: str) -> SeeTask:
    return SeeTask(Item("source", name, f"/{name}"))


def good(value: str) -> TaskResult:
    return TaskResult(value, None, "w", 7)


def bad(*, ends_run: bool = False, repeats: bool = False) -> TaskResult:
    error = OutputError("the disk is full") if ends_run else None
    return TaskResult(None, Problem("no", "X", ends_run, repeats, "trace", error), "w", 5)


def test_tasks_are_tried_three_times_but_inputs_once() -> None:
    lost = lost_worker("SIGKILL", "w")
    executor = Scripted({"a": [lost, bad(), good("A")], "b": [bad()] * 3, "c": [bad(repeats=True)], "d": [good("D")]})
    tally, details = Tally(), list[str]()
    ends = {end.task.item.id: end for end in run_tasks(executor, map(task, "abcd"), tally, details.append)}  # type: ignore[union-attr]
    assert {name: (end.result.value, end.tries) for name, end in ends.items()} == {
        "a": ("A", 3), "b": (None, MOST_TRIES), "c": (None, 1), "d": ("D", 1),
    }  # fmt: skip
    assert (tally.retried, tally.peak_bytes, tally.tasks_of_worker["w"]) == (4, 7, 2)
    assert len(details) == 5  # not of the input's failure


def test_what_would_meet_all_tasks_ends_the_run() -> None:
    executor = Scripted({"a": [bad(ends_run=True)]})
    with pytest.raises(OutputError, match="disk is full"):
        list(run_tasks(executor, [task("a")], Tally(), print))


def test_tasks_are_read_only_as_far_as_there_is_room() -> None:
    executor = Scripted({str(index): [good("")] for index in range(100)})
    read: list[int] = []

    def tasks() -> Iterator[SeeTask]:
        for index in range(100):
            read.append(index)
            yield task(str(index))

    ends = run_tasks(executor, tasks(), Tally(), print)
    next(ends)
    assert len(read) <= 7
    assert len(list(ends)) == 99
    assert executor.most <= 6


@pytest.mark.parametrize("values", [("here",), ("local", 0), ("local", None, "ray://x")])
def test_impossible_executors_are_refused(values: tuple[Any, ...]) -> None:
    with pytest.raises(OptionError):
        ExecutorChoice(*values)


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motionwarp.devices.usable_cores", lambda: 7)
    places = worker_environments(WorkOrder("", replace(CONFIG, threads=3)), None)
    assert [place["OMP_NUM_THREADS"] for place in places] == ["3", "3"]
    assert len(worker_environments(WorkOrder("", replace(CONFIG, threads=16)), None)) == 1
    assert len(worker_environments(WorkOrder("", CONFIG), 5)) == 5


def test_each_gpu_has_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motionwarp.devices.resolve_device", lambda name: __import__("torch").device("cuda"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    places = worker_environments(WorkOrder("", CONFIG), None)
    assert [place["CUDA_VISIBLE_DEVICES"] for place in places] == ["2", "5"]
    assert [place["CUDA_VISIBLE_DEVICES"] for place in worker_environments(WorkOrder("", CONFIG), 3)] == ["2", "5", "2"]


def test_a_lost_worker_costs_only_its_task(inputs: Inputs, tmp_path: Path) -> None:
    _, drivings = inputs.items()
    with LocalExecutor(WorkOrder(str(tmp_path), CONFIG), 1) as executor:
        first = executor._seats[0].process
        for number, item in enumerate(drivings):
            executor.submit(number, SeeTask(item))
        first.kill()
        outcomes = [executor.next_outcome() for _ in drivings]
        second = executor._seats[0].process
        assert (outcomes[0].number, outcomes[1].number) == (0, 1)
        problem = outcomes[0].result.problem
        assert problem is not None
        assert problem.message == "its worker was lost (ended by SIGKILL)"
        assert outcomes[1].result.problem is None
    assert not second.is_alive()


def group_runs(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs groups of processes")
@pytest.mark.parametrize(
    ("number", "to_all", "code"),
    [
        (signal.SIGTERM, False, 143),
        (signal.SIGKILL, False, -signal.SIGKILL),
        pytest.param(signal.SIGINT, True, 130, marks=pytest.mark.nightly),
    ],
)
def test_no_worker_outlives_the_program(
    inputs: Inputs, tmp_path: Path, repository_root: Path, number: signal.Signals, to_all: bool, code: int
) -> None:
    """Ended; interrupted at a terminal, which tells the workers too; killed, which they must notice themselves."""
    output = tmp_path / "out"
    # whoever runs the tests in the background (nohup) has it ignored, and children take that over
    program = (
        "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "runpy.run_module('motionwarp', None, '__main__')"
    )
    command = [
        sys.executable, "-c", program, "dataset", "generate", "--sources", str(inputs.sources), "--drivings",
        str(inputs.drivings),
        "-o", str(output), "--size", "96", "--device", "cpu", "--variants", "50", "--workers", "2", "--quiet",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(repository_root), "TMPDIR": str(tmp_path / "scratch")}
    (tmp_path / "scratch").mkdir()
    process = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True)
    try:
        while not made_times(output):
            assert process.poll() is None
            time.sleep(0.01)
        (os.killpg if to_all else os.kill)(process.pid, number)
        _, told = process.communicate(timeout=120)
        assert process.returncode == code, told
        assert "Traceback" not in told
        last = time.monotonic() + 120
        while group_runs(process.pid) and time.monotonic() < last:
            time.sleep(0.05)
        assert not group_runs(process.pid)
    finally:
        if group_runs(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
    if number != signal.SIGKILL:
        # PyTorch makes a folder for compiled code when it is imported
        assert [
            file.name for file in (tmp_path / "scratch").iterdir() if not file.name.startswith("torchinductor")
        ] == []
    whole = {"record.json", "video.mp4", "poses.json", "parsing.zip", "matte.zip", "warps.npz", "body.npz"}
    assert {frozenset(file.name for file in clip.iterdir()) for clip in (output / "clips").iterdir()} == {
        frozenset(whole)
    }


def test_no_more_workers_are_started_than_there_is_work_for(tmp_path: Path) -> None:
    with LocalExecutor(WorkOrder(str(tmp_path), CONFIG), 8, most=1) as executor:
        assert executor.capacity == len(executor._seats) == 1


def test_memory_of_one_process_is_no_place_for_others_to_write(inputs: Inputs) -> None:
    fsspec = pytest.importorskip("fsspec")
    with pytest.raises(OutputError, match="does not see this data set"):
        make(inputs, "memory://of-one-process/set", settings=RunSettings(ExecutorChoice("local", 1)))
    files = fsspec.filesystem("memory")
    assert not any("clips" in name for name in files.find("/of-one-process"))
    files.rm("/of-one-process", recursive=True)


@pytest.mark.nightly
def test_ten_kills_of_the_program_with_two_workers(inputs: Inputs, tmp_path: Path, repository_root: Path) -> None:
    output, whole = tmp_path / "out", tmp_path / "whole"
    make(inputs, whole, replace(CONFIG, variants=10))
    command = [
        sys.executable, "-m", "motionwarp", "dataset", "generate", "--sources", str(inputs.sources), "--drivings",
        str(inputs.drivings),
        "-o", str(output), "--size", "96", "--device", "cpu", "--precision", "fp32", "--variants", "10", "--workers",
        "2", "--resume",
        "--quiet",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(repository_root)}
    generator = np.random.default_rng(5)
    for kill in range(10):
        before = made_times(output)
        process = subprocess.Popen(command, env=environment, start_new_session=True)
        # a moment of the work rather than of the clock, so that all ten fall into it on machines of any speed
        wanted = len(before) + int(generator.integers(0, 4))
        while len(made_times(output)) < wanted:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(float(generator.uniform(0.0, 0.5)))
        if kill % 2:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()  # the program alone: its workers must notice
        assert process.wait() == -signal.SIGKILL
        # nothing that was made is made again
        assert {name: stamp for name, stamp in made_times(output).items() if name in before} == before
    assert len(made_times(output)) < 40
    assert subprocess.run(command, env=environment, check=False).returncode == 0
    assert tree(output) == tree(whole)


def made_times(output: Path) -> dict[str, int]:
    return {record.parent.name: record.stat().st_mtime_ns for record in output.glob("clips/*/record.json")}


def kill_after_the_third_clip(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Kill the worker that has made a run's third clip, which is at another one by then.

    Returns whom, once it has happened.
    """
    made, killed = list[str](), list[str]()
    count = Tally.count

    def counted(self: Tally, result: TaskResult) -> None:
        count(self, result)
        made.extend([result.worker] if isinstance(result.value, ClipRecord) else [])
        if len(made) == 3 and not killed:
            killed.append(result.worker)
            os.kill(int(result.worker.rpartition(":")[2]), signal.SIGKILL)

    monkeypatch.setattr(Tally, "count", counted)
    return killed


@pytest.mark.nightly
def test_a_set_is_the_same_though_a_worker_was_killed(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, variants=3)
    make(inputs, tmp_path / "whole", config)
    killed = kill_after_the_third_clip(monkeypatch)
    summary = make(inputs, tmp_path / "out", config, RunSettings(ExecutorChoice("local", 2)))
    assert killed
    assert (summary.failed, summary.retried) == (0, 1)
    # not even what it had half written is left
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


@pytest.mark.nightly
def test_local_processes_give_the_bytes_of_one_process(inputs: Inputs, finished: Path, tmp_path: Path) -> None:
    summary = make(inputs, tmp_path / "out", settings=RunSettings(ExecutorChoice("local", 2)))
    assert len(summary.tasks_of_worker) == 2
    assert tree(tmp_path / "out") == tree(finished)
    assert summary.peak_worker_bytes > 50e6
    assert not any(process_runs(int(worker.rpartition(":")[2])) for worker in summary.tasks_of_worker)
