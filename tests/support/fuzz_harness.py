"""Gives damaged files to readers, one after another, in a process that may crash, and runs such processes.

Before each case its number is written to stdout, so that whoever runs this knows which one ended it. What is wrong with
a case but does not end the process is a line of JSON.
"""

from __future__ import annotations

import faulthandler
import json
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

# on a busy machine a case takes a hundred times what it takes alone; one that hangs takes for ever
SECONDS_A_CASE = 60
# beyond what the process has before the case; a limit of address space counts what is never touched, so it is wider
GROWTH_BYTES = 300_000_000
ADDRESS_SPACE_BYTES = 4_000_000_000
# a process starts anew for so many, so that what one case leaks in a decoder does not count for others
CASES_A_PROCESS = 2000
SECONDS_TO_START = 120
MOST_FAILURES = 10


@dataclass(frozen=True)
class Fuzzing:
    """What is damaged, how, and who reads it.

    Attributes
    ----------
    make_seeds : callable
        Returns sound files by name; may work in the folder that it is given.
    mutate : callable
        Returns name and content of a case by number.
    read : callable
        Reads a file, given the case's number too; raises whatever is not to be raised.
    seconds_a_case : float
    """

    make_seeds: Callable[[Path], Mapping[str, bytes]]
    mutate: Callable[[Mapping[str, bytes], int], tuple[str, bytes]]
    read: Callable[[Path, int], object]
    seconds_a_case: float = SECONDS_A_CASE


class Growth:
    """How far memory rises from now on, at its highest.

    Where the system cannot begin anew, how far its highest value does.
    """

    _STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

    def __init__(self) -> None:
        self._resettable = self._FORGET.exists()
        if self._resettable:
            self._FORGET.write_text("5")  # proc(5): the highest value is now the present one
        self._before = self._peak_bytes()

    def bytes(self) -> int:
        return self._peak_bytes() - self._before

    def _peak_bytes(self) -> int:
        if self._resettable:
            return next(
                int(line.split()[1]) * 1024
                for line in self._STATUS.read_text().splitlines()
                if line.startswith("VmHWM")
            )
        import resource  # which Windows lacks

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Raise if the block leaves files open."""
    before = len(os.listdir("/dev/fd"))
    yield
    after = len(os.listdir("/dev/fd"))
    if after > before:
        raise RuntimeError(f"{after - before} files are still open")


def fuzz(fuzzing: Fuzzing, first: int, end: int, folder: Path) -> None:
    """Run the cases from `first` up to before `end` in this process."""
    import resource

    faulthandler.enable()
    # those of the process before are of the same kind, and in the way of writers that replace nothing
    shutil.rmtree(folder / "seeds", ignore_errors=True)
    seeds = fuzzing.make_seeds(folder / "seeds")
    for name, content in seeds.items():  # sound ones first: code and tables that are loaded once count for no case
        (folder / name).write_bytes(content)
        fuzzing.read(folder / name, 3)
    with suppress(ValueError):  # the caller's own limit may be lower
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, resource.RLIM_INFINITY))
    for case in range(first, end):
        name, content = fuzzing.mutate(seeds, case)
        print(case, name, flush=True)
        path = folder / f"case_{name}"
        path.write_bytes(content)
        faulthandler.dump_traceback_later(fuzzing.seconds_a_case, exit=True)
        growth = Growth()
        try:
            with no_descriptor_left():
                fuzzing.read(path, case)
        except Exception:
            print(json.dumps({"case": case, "name": name, "error": traceback.format_exc()}), flush=True)
        faulthandler.cancel_dump_traceback_later()
        if growth.bytes() > GROWTH_BYTES:
            print(json.dumps({"case": case, "name": name, "error": f"{growth.bytes()} bytes of memory"}), flush=True)
    print("done", flush=True)


@dataclass(frozen=True)
class Batch:
    """What a worker said: where it ended, and what it found."""

    next_case: int
    failures: list[str]


def run_batch(first: int, end: int, folder: Path, root: Path, worker: Sequence[str]) -> Batch:
    """Run cases in a process of their own, as far as it gets.

    `worker` is the program and what it takes beside the cases; `root` is the repository's.
    """
    paths = [
        root,
        Path(worker[0]).parent,
        root / "tests" / "support",
        root / "tests" / "media",
        root / "tests" / "pose",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "OMP_NUM_THREADS": "1"}
    with (folder / "stderr").open("w+b") as errors, (folder / "stdout").open("w+") as output:
        process = subprocess.Popen(
            [sys.executable, worker[0], str(first), str(end), str(folder), *worker[1:]],
            env=environment,
            stdout=output,
            stderr=errors,
        )
        try:
            # each case has its own limit in the worker; this is for one that no longer listens
            process.wait(SECONDS_TO_START + (end - first))
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        lines = output.read().splitlines()
        errors.seek(0)
        said = errors.read().decode(errors="replace")[-3000:]
    failures = [json.loads(line) for line in lines if line.startswith("{")]
    told = [f"case {failure['case']} ({failure['name']}): {failure['error']}" for failure in failures]
    if lines and lines[-1] == "done":
        return Batch(end, told)
    begun = [line for line in lines if line[:1].isdigit()]
    assert begun, f"the worker did not start:\n{said}"
    number, name = begun[-1].split()
    return Batch(
        int(number) + 1, [*told, f"case {number} ({name}) ended the process with {process.returncode}:\n{said}"]
    )


def run_cases(
    count: int, folder: Path, root: Path, worker: Sequence[str], minutes: float = float("inf")
) -> tuple[int, list[str]]:
    """Run the first `count` cases, past those that end a process; returns how many were run, and what was wrong.

    No further process is started once the minutes are over.
    """
    failures: list[str] = []
    first = 0
    end = time.monotonic() + 60 * minutes
    while first < count and len(failures) < MOST_FAILURES and time.monotonic() < end:
        batch = run_batch(first, min(first + CASES_A_PROCESS, count), folder, root, worker)
        failures += batch.failures
        first = batch.next_case
    return first, failures
