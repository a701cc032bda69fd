"""Whether a process still runs: the lock of a data set and the folders of killed runs depend on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from motionwarp.datasets import scratch as processes
from motionwarp.datasets.scratch import process_birth, process_runs

needs_proc = pytest.mark.skipif(
    not process_birth(os.getpid()), reason="only Linux tells when a process began, and whether it has ended"
)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    yield process
    process.kill()
    process.communicate()


def test_a_process_runs_until_it_has_ended(child: subprocess.Popen[bytes]) -> None:
    assert process_runs(child.pid)
    child.kill()
    child.wait()
    assert not process_runs(child.pid)


@needs_proc
def test_a_process_that_has_ended_does_not_run_though_its_parent_has_not_asked(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the table
    os.kill(child.pid, 0)
    assert not process_runs(child.pid)


@needs_proc
def test_a_later_process_of_the_same_number_is_another(child: subprocess.Popen[bytes]) -> None:
    birth = process_birth(child.pid)
    assert process_runs(child.pid, birth)
    assert not process_runs(child.pid, str(int(birth) - 1))
    assert process_birth(2**22 + 1) == ""


def test_one_that_may_not_be_asked_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(processes.os, "kill", refused)
    assert process_runs(1)


@pytest.mark.parametrize("pid", [0, -1])
def test_groups_of_processes_are_no_process(pid: int) -> None:
    assert not process_runs(pid)
