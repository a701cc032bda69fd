"""Jobs in processes: what comes of them, how they end, and what is left."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from motionwarp.datasets.scratch import process_runs
from motionwarp.errors import InputError
from motionwarp.ui.job_process import Tell
from motionwarp.ui.jobs import JobDesk, JobState


@dataclass(frozen=True)
class Adds:
    """Tells of its steps and writes a file."""

    numbers: tuple[int, ...]
    output: Path

    def run(self, tell: Tell) -> int:
        for number in range(len(self.numbers)):
            tell("adding", number + 1, len(self.numbers))
        with tempfile.NamedTemporaryFile(delete=False) as file:
            assert file.name.startswith(str(self.output.parent))
        self.output.write_text("made")
        return sum(self.numbers)


@dataclass(frozen=True)
class Sleeps:
    """Writes down its process and that of a child, and goes on until it is ended."""

    output: Path
    stubborn: bool = False

    def run(self, tell: Tell) -> None:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        try:
            self.output.write_text(f"{os.getpid()} {child.pid}")
            tell("sleeping", 1, 10)
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    time.sleep(0.05)
                except KeyboardInterrupt:
                    if not self.stubborn:
                        raise
        finally:
            child.kill()


@dataclass(frozen=True)
class Fails:
    """Raises an error of ours, another one, or dies."""

    how: str

    def run(self, tell: Tell) -> None:
        if self.how == "ours":
            raise InputError("is wrong", subject="photo.jpg", remedy="Give another one")
        if self.how == "theirs":
            raise ZeroDivisionError("nothing to divide by")
        os._exit(9)


@pytest.fixture
def desk() -> Iterator[JobDesk]:
    made = JobDesk({"make": 1, "look": 2})
    yield made
    made.close()


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.02)
    raise AssertionError(f"{path} did not appear")


def test_a_job_tells_its_value_and_keeps_what_it_made(desk: JobDesk, tmp_path: Path) -> None:
    folder = tmp_path / "job"
    job = desk.submit(Adds((1, 2, 3), folder / "result.txt"), "make", folder)
    assert job.wait(120)
    view = job.view()
    assert (view.state, view.value, view.share, view.over) == (JobState.DONE, 6, 1.0, True)
    assert [path.name for path in folder.iterdir()] == ["result.txt"]


@pytest.mark.parametrize(
    ("how", "told"), [("theirs", "ZeroDivisionError: nothing to divide by"), ("dies", "has ended")]
)
def test_a_failure_is_told_and_leaves_nothing(desk: JobDesk, tmp_path: Path, how: str, told: str) -> None:
    job = desk.submit(Fails(how), "make", tmp_path / "job")
    assert job.wait(120)
    view = job.view()
    assert view.state is JobState.FAILED
    assert told in view.text
    assert not (tmp_path / "job").exists()


def test_errors_of_ours_come_as_they_are(desk: JobDesk, tmp_path: Path) -> None:
    job = desk.submit(Fails("ours"), "make", tmp_path / "job")
    assert job.wait(120)
    error = job.view().error
    assert isinstance(error, InputError)
    assert str(error) == "photo.jpg: is wrong. Give another one"


@pytest.mark.parametrize("stubborn", [False, True], ids=["that cleans up", "that must be killed"])
def test_a_cancel_ends_the_process_and_removes_its_files(desk: JobDesk, tmp_path: Path, stubborn: bool) -> None:
    folder = tmp_path / "job"
    job = desk.submit(Sleeps(folder / "pids", stubborn), "make", folder)
    own, child = (int(word) for word in wait_for(folder / "pids").split())
    assert process_runs(own)
    job.cancel()
    assert job.view().state is JobState.CANCELED
    assert job.wait(30)
    assert not process_runs(own)
    deadline = time.monotonic() + 20
    while not stubborn and process_runs(child) and time.monotonic() < deadline:
        time.sleep(0.05)  # it was told to end, and may still be at it on a busy machine
    assert stubborn or not process_runs(child)
    assert not folder.exists()
    if stubborn:
        os.kill(child, 9)


def test_others_wait_in_order_and_one_that_waits_is_canceled_at_once(desk: JobDesk, tmp_path: Path) -> None:
    first = desk.submit(Sleeps(tmp_path / "1" / "pids"), "make", tmp_path / "1")
    second = desk.submit(Sleeps(tmp_path / "2" / "pids"), "make", tmp_path / "2")
    third = desk.submit(Adds((5,), tmp_path / "3" / "result"), "make", tmp_path / "3")
    beside = desk.submit(Adds((7,), tmp_path / "4" / "result"), "look", tmp_path / "4")
    wait_for(tmp_path / "1" / "pids")
    assert (second.view().state, second.view().ahead) == (JobState.WAITING, 1)
    assert third.view().ahead == 2
    assert beside.wait(120)
    assert beside.view().value == 7
    second.cancel()
    assert second.wait(0)
    assert not (tmp_path / "2").exists()
    first.cancel()
    assert third.wait(120)
    assert third.view().value == 5


def test_a_closed_desk_leaves_no_process(tmp_path: Path) -> None:
    desk = JobDesk({"make": 1})
    desk.submit(Sleeps(tmp_path / "job" / "pids"), "make", tmp_path / "job")
    waiting = desk.submit(Sleeps(tmp_path / "other" / "pids"), "make", tmp_path / "other")
    own, child = (int(word) for word in wait_for(tmp_path / "job" / "pids").split())
    desk.close()
    assert not process_runs(own)
    assert not process_runs(child)
    assert waiting.view().state is JobState.CANCELED
    with pytest.raises(RuntimeError):
        desk.submit(Fails("ours"), "make", tmp_path / "late")


_DIES = """
import os, sys, time
from pathlib import Path
sys.path[:0] = {path!r}
from test_ui_jobs import Sleeps
from motionwarp.ui.jobs import JobDesk
folder = Path(sys.argv[1])
if __name__ == "__main__":
    desk = JobDesk({{"make": 1}})
    desk.submit(Sleeps(folder / "pids"), "make", folder)
    while not (folder / "pids").exists() or not (folder / "pids").read_text():
        time.sleep(0.02)
    os._exit(1)
"""


def test_jobs_end_with_the_page_even_where_it_is_killed(tmp_path: Path, repository_root: Path) -> None:
    script = tmp_path / "page.py"
    script.write_text(_DIES.format(path=[str(repository_root), str(Path(__file__).parent)]))
    subprocess.run([sys.executable, str(script), str(tmp_path / "job")], check=False, timeout=120)
    own, child = (int(word) for word in (tmp_path / "job" / "pids").read_text().split())
    deadline = time.monotonic() + 20
    while process_runs(own) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not process_runs(own)
    os.kill(child, 9)
