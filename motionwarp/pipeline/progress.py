"""Progress and time of a transfer's stages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import TracebackType
from typing import TypeVar

from motionwarp.runtime import take_over_threads

Item = TypeVar("Item")
Made = TypeVar("Made")


class Stage(str, Enum):
    """What a transfer is busy with; the value is a word for users."""

    SOURCE = "source"
    MOTION = "motion"
    PLAN = "plan"
    RENDER = "render"


@dataclass(frozen=True)
class Progress:
    """How far a stage is.

    Attributes
    ----------
    stage : Stage
    done : int
        Frames finished, or steps of a stage that has no frames.
    total : int or None
        Frames of the whole stage; None while it is not known.
    """

    stage: Stage
    done: int
    total: int | None


ProgressCallback = Callable[[Progress], None]


class StageClock:
    """Adds up busy seconds by name; may be used from several threads at once.

    Work that overlaps is counted in each thread that does it, so the sum may exceed the seconds on the wall.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = {}

    def add(self, name: str, seconds: float) -> None:
        """Count `seconds` for `name`."""
        with self._lock:
            self._seconds[name] = self._seconds.get(name, 0.0) + seconds

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Count what is done inside the block for `name`."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - begin)

    def timed(self, name: str, items: Iterable[Item]) -> Iterator[Item]:
        """Pass `items` on and count the time that it takes to make them for `name`."""
        iterator = iter(items)
        try:
            while True:
                with self.measure(name):
                    try:
                        item = next(iterator)
                    except StopIteration:
                        return
                yield item
        finally:
            # a consumer that stops early must end the maker too, not leave it to the garbage collector
            close = getattr(iterator, "close", None)
            if close is not None:
                close()

    def seconds(self) -> dict[str, float]:
        """Return what has been counted so far."""
        with self._lock:
            return dict(self._seconds)


@contextmanager
def run_in_thread(work: Callable[[], object]) -> Iterator[None]:
    """Do something in a thread while the block runs; both are over at its end.

    Parameters
    ----------
    work : callable
        What it raises is raised at the end of the block, unless the block itself has failed. It is waited for in any
        case.
    """
    with ThreadPoolExecutor(1, "motionwarp-beside") as thread:
        thread.submit(take_over_threads).result()  # before this thread sets anything for others
        done = thread.submit(work)
        yield
        done.result()


class TransferRun:
    """What accompanies a transfer from its analysis to its last frame: progress, times, warnings, and work in threads.

    As a context manager it ends its threads, however the block ends.

    Attributes
    ----------
    clock : StageClock
    warnings : list of str
        What a user should know; it grows as the work proceeds.

    Parameters
    ----------
    on_progress : callable or None
        Called with every step of every stage.
    """

    def __init__(self, on_progress: ProgressCallback | None = None) -> None:
        self.clock = StageClock()
        self.warnings: list[str] = []
        self._on_progress = on_progress
        self._threads = ExitStack()

    def __enter__(self) -> TransferRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.__exit__(kind, error, trace)

    def announce(self, stage: Stage, done: int, total: int | None) -> None:
        """Report how far a stage is."""
        if self._on_progress is not None:
            self._on_progress(Progress(stage, done, total))

    def in_thread(self, work: Callable[[], object]) -> None:
        """Do something in a thread until `wait` or the end of the run."""
        self._threads.enter_context(run_in_thread(work))

    def begin(self, work: Callable[[], Made]) -> Future[Made]:
        """Do something in a thread as `in_thread`; what goes wrong is raised to whoever asks for what was made."""
        made: Future[Made] = Future()
        self.in_thread(partial(_fulfill, made, work))
        return made

    def wait(self) -> None:
        """Wait for all that is done in threads; what went wrong there is raised."""
        self._threads.close()


def _fulfill(promise: Future[Made], work: Callable[[], Made]) -> None:
    try:
        promise.set_result(work())
    except BaseException as error:
        promise.set_exception(error)
