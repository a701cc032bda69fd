"""Jobs: what waits, what runs, what came of it; and a cancel that ends the work and takes its files away."""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from motionwarp.errors import MotionwarpError
from motionwarp.ui.job_process import Failed, Made, Work, context, serve
from motionwarp.ui.remaining import RemainingTime, Step

# for a process that is asked to end to remove what it has begun
_PATIENCE_SECONDS: Final = 3.0
_SCRATCH: Final = "scratch"


class JobState(str, Enum):
    """Where a job is; the value is a word for users."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True)
class JobView:
    """A job at one moment.

    Attributes
    ----------
    state : JobState
    ahead : int
        Jobs that come before it, while it waits.
    step : Step or None
        What it does.
    share : float
        How much is done, 0..1.
    seconds_left : float or None
    value : Any
        What came of it, once it is `DONE`.
    error : MotionwarpError or None
    text : str
        Why it failed, where there is no error that a user can do something about.
    """

    state: JobState
    ahead: int = 0
    step: Step | None = None
    share: float = 0.0
    seconds_left: float | None = None
    value: Any = None
    error: MotionwarpError | None = None
    text: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in (JobState.DONE, JobState.FAILED, JobState.CANCELED)


class Job:
    """One piece of work in a process of its own; made by `JobDesk.submit`.

    Attributes
    ----------
    folder : Path
        What the job writes lies here; it is removed unless the job ends well.
    """

    def __init__(self, work: Work, lane: str, folder: Path, expected: Mapping[str, float], desk: JobDesk) -> None:
        self.folder = folder
        self._work, self._lane, self._desk = work, lane, desk
        self._lock = threading.Lock()
        self._remaining = RemainingTime(expected)
        self._state = JobState.WAITING
        self._step: Step | None = None
        self._answer: Made | Failed | None = None
        self._ended = threading.Event()
        self._process: Any = None

    def view(self) -> JobView:
        """Return what there is to tell."""
        now = time.monotonic()
        with self._lock:
            answer = self._answer
            return JobView(
                state=self._state,
                ahead=self._desk.ahead_of(self, self._lane) if self._state is JobState.WAITING else 0,
                step=self._step,
                share=1.0 if self._state is JobState.DONE else self._remaining.share(now),
                seconds_left=self._remaining.seconds(now) if self._state is JobState.RUNNING else None,
                value=answer.value if isinstance(answer, Made) else None,
                error=answer.error if isinstance(answer, Failed) else None,
                text=answer.text if isinstance(answer, Failed) else "",
            )

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing more will happen; return whether that is so."""
        return self._ended.wait(seconds)

    def cancel(self) -> None:
        """End the work; returns at once. The process, its children and its files are gone when `wait` returns."""
        with self._lock:
            if self._state in (JobState.WAITING, JobState.RUNNING):
                waited = self._state is JobState.WAITING
                self._state = JobState.CANCELED
                if not waited:
                    # in a thread, since a process that computes takes a moment to end
                    threading.Thread(target=self._end_process, daemon=True).start()
                    return
            else:
                return
        self._desk.forget(self, self._lane)
        self._finish()

    def start(self) -> None:
        """Begin the work; for the desk alone."""
        with self._lock:
            if self._state is not JobState.WAITING:
                return
            self._state = JobState.RUNNING
            self._remaining.begin(time.monotonic())
            scratch = self.folder / _SCRATCH
            scratch.mkdir(parents=True, exist_ok=True)
            started = context()
            ours, theirs = started.Pipe(duplex=False)
            their_lifeline, our_lifeline = started.Pipe(duplex=False)
            # not daemonic: those may have no children, and data sets are made by some
            self._process = started.Process(  # type: ignore[attr-defined]
                target=serve, args=(self._work, theirs, their_lifeline, scratch), daemon=False
            )
            try:
                self._process.start()
            finally:
                theirs.close()
                their_lifeline.close()
        threading.Thread(target=self._listen, args=(ours, our_lifeline), daemon=True).start()

    def _listen(self, pipe: Any, lifeline: Any) -> None:
        """Take in what the process says until it has ended."""
        answer: Made | Failed | None = None
        try:
            while answer is None:
                told = pipe.recv()
                if isinstance(told, Step):
                    with self._lock:
                        self._step = told
                        self._remaining.update(told, time.monotonic())
                else:
                    answer = told
        except (EOFError, OSError):
            pass
        self._process.join(_PATIENCE_SECONDS)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        for each in (pipe, lifeline):
            with suppress(OSError):
                each.close()
        with self._lock:
            if self._state is JobState.RUNNING:
                self._answer = answer or Failed(None, "The process that did it has ended; perhaps memory ran out.")
                self._state = JobState.DONE if isinstance(self._answer, Made) else JobState.FAILED
        self._finish()

    def _end_process(self) -> None:
        with suppress(OSError, ValueError):
            self._process.terminate()
        if not self._ended.wait(_PATIENCE_SECONDS):
            with suppress(OSError, ValueError):
                self._process.kill()

    def _finish(self) -> None:
        kept = self._state is JobState.DONE
        shutil.rmtree(self.folder / _SCRATCH if kept else self.folder, ignore_errors=True)
        self._desk.ended(self, self._lane)
        self._ended.set()


class JobDesk:
    """Takes jobs in, and starts as many at once as their lanes admit; the others wait in order.

    Parameters
    ----------
    lanes : mapping of str to int
        How many jobs of a kind run at once.
    """

    def __init__(self, lanes: Mapping[str, int]) -> None:
        self._capacity = dict(lanes)
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Job]] = {name: deque() for name in lanes}
        self._running: dict[str, set[Job]] = {name: set() for name in lanes}
        self._closed = False

    def submit(self, work: Work, lane: str, folder: Path, expected: Mapping[str, float] | None = None) -> Job:
        """Take in a job.

        Parameters
        ----------
        work : Work
        lane : str
            One of those of the desk.
        folder : Path
            Of this job alone; made when it begins.
        expected : mapping of str to float, optional
            Seconds of its stages, see `RemainingTime`.
        """
        job = Job(work, lane, folder, expected or {}, self)
        with self._lock:
            if self._closed:
                raise RuntimeError("the desk is closed")
            self._waiting[lane].append(job)
        self._start_next(lane)
        return job

    def ahead_of(self, job: Job, lane: str) -> int:
        """Return how many jobs run or wait before one that waits."""
        with self._lock:
            waiting = list(self._waiting[lane])
            before = waiting.index(job) if job in waiting else 0
            return before + len(self._running[lane])

    def forget(self, job: Job, lane: str) -> None:
        """Leave out a job that waits."""
        with self._lock, suppress(ValueError):
            self._waiting[lane].remove(job)

    def ended(self, job: Job, lane: str) -> None:
        """Go on after a job has ended."""
        with self._lock:
            self._running[lane].discard(job)
        self._start_next(lane)

    def close(self) -> None:
        """Cancel everything and wait until it is gone."""
        with self._lock:
            self._closed = True
            jobs = [*(job for lane in self._waiting.values() for job in lane)]
            jobs += [job for lane in self._running.values() for job in lane]
        for job in jobs:
            job.cancel()
        for job in jobs:
            job.wait(2 * _PATIENCE_SECONDS)

    def _start_next(self, lane: str) -> None:
        while True:
            with self._lock:
                free = self._capacity[lane] - len(self._running[lane])
                if free <= 0 or not self._waiting[lane] or self._closed:
                    return
                job = self._waiting[lane].popleft()
                self._running[lane].add(job)
            job.start()
