"""Progress and time of a transfer's stages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

Item = TypeVar("Item")


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


def announce(callback: ProgressCallback | None, stage: Stage, done: int, total: int | None) -> None:
    """Tell `callback`, where there is one."""
    if callback is not None:
        callback(Progress(stage, done, total))
