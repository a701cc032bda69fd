"""Runs `motionwarp` in forks of one process that has imported everything, each with a fault in its way.

A line of JSON on stdin is a run: `arguments`, `folder` to be in, and `faults` by name with their values; the answer is
a line with the exit code, what was said on stderr, and whether processes of it are left.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import motionwarp.engines.layered.engine
import motionwarp.pipeline.analysis
import motionwarp.pipeline.api
import motionwarp.pipeline.check.report
from motionwarp.__main__ import command_line
from motionwarp.devices import resolve_precision
from motionwarp.media.container_writer import ContainerWriter
from motionwarp.perception.registry import make_estimator
from motionwarp.pipeline.progress import Progress, Stage

# whoever runs the tests in the background (nohup) has them ignored, and children take that over
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
APP = command_line()
AT_STAGE: list[tuple[str, int, Callable[[], None]]] = []


def end_at(stage: str, done: int, number: int) -> None:
    """Send a signal to this process when a stage has come so far; 'finish' is when all frames are encoded."""
    send = lambda: os.kill(os.getpid(), number)  # noqa: E731
    if stage != "finish":
        AT_STAGE.append((stage, done, send))
        return
    real = ContainerWriter._finish

    def finish(writer: ContainerWriter) -> None:
        send()
        real(writer)

    ContainerWriter._finish = finish  # type: ignore[method-assign]


def vanish_at(stage: str, done: int, path: str) -> None:
    AT_STAGE.append((stage, done, Path(path).unlink))


def shrink_at(stage: str, done: int, path: str, size: int) -> None:
    AT_STAGE.append((stage, done, lambda: os.truncate(path, size)))


def full_disk(size: int) -> None:
    """No file may grow beyond `size` bytes, as if the disk were full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def jumping_clock(seconds: float) -> None:
    """The time of day jumps back and forth with every look at it."""
    real, looks = time.time, [0]

    def jumping() -> float:
        looks[0] += 1
        return real() + seconds * (-1) ** looks[0] * looks[0]

    time.time = jumping


def standing_clock(seconds: float) -> None:
    """The clock that measures stands still."""
    time.perf_counter = time.monotonic = lambda: seconds  # type: ignore[assignment]


FAULTS: dict[str, Callable[..., None]] = {
    fault.__name__: fault for fault in (end_at, vanish_at, shrink_at, full_disk, jumping_clock, standing_clock)
}


def watch_stages() -> None:
    """Let what `AT_STAGE` holds happen in time, in whatever command tells of its stages."""
    real = Progress.__init__

    def told(step: Progress, stage: Stage, done: int, total: int | None) -> None:
        real(step, stage, done, total)
        for entry in [entry for entry in AT_STAGE if entry[0] == stage.value and done >= entry[1]]:
            AT_STAGE.remove(entry)
            entry[2]()

    Progress.__init__ = told  # type: ignore[method-assign]


def child(run: dict[str, Any], streams: tuple[int, int]) -> None:
    """Be the command, which writes into pipes: they are no files that a disk could be too small for. Never returns."""
    os.setsid()
    for number, pipe in zip((1, 2), streams, strict=True):
        os.dup2(pipe, number)
    os.chdir(run["folder"])
    watch_stages()
    for name, values in run["faults"].items():
        FAULTS[name](*values)
    sys.argv = ["motionwarp", *run["arguments"]]
    code = 70
    try:
        APP.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def processes_left(group: int) -> bool:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def load_estimator_once() -> None:
    """Load the analyzer's network before all forks: it takes longer than all else in such small transfers."""
    loaded = make_estimator("builtin", torch.device("cpu"), resolve_precision("auto", torch.device("cpu")))
    motionwarp.pipeline.analysis.make_estimator = lambda *_: loaded


def main() -> None:
    load_estimator_once()
    for line in sys.stdin:
        run = json.loads(line)
        pipes = [os.pipe() for _ in range(2)]
        group = os.fork()
        if group == 0:
            child(run, (pipes[0][1], pipes[1][1]))
        _, status = os.waitpid(group, 0)
        said = []
        for reader, writer in pipes:
            os.close(writer)
            with os.fdopen(reader, errors="replace") as stream:  # what a transfer says fits into a pipe
                said.append(stream.read())
        answer = {
            "code": os.waitstatus_to_exitcode(status),
            "orphans": processes_left(group),
            "stdout": said[0],
            "stderr": said[1],
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
