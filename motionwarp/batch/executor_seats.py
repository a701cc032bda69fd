"""What executors with several workers have in common: a place for each, the tasks handed to it, and what to do if it is lost."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from motionwarp.batch.executor import Executor, Outcome
from motionwarp.batch.work import Problem, Task, TaskResult

# a worker is given its next task while it does one, so that it never waits for who hands them out
_QUEUED: Final = 2


@dataclass(eq=False)
class Seat:
    """A place for one worker after another.

    Attributes
    ----------
    tasks : deque of (int, Task)
        Handed to the worker, under their numbers: the one in work first.
    ready : bool
        Whether there is a worker that takes tasks.
    """

    tasks: deque[tuple[int, Task]] = field(default_factory=deque)
    ready: bool = True


AnySeat = TypeVar("AnySeat", bound=Seat)


class SeatedExecutor(Executor, Generic[AnySeat]):
    """Hands tasks to workers in seats; how they are reached is for the classes below."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Task]] = deque()
        self._finished: deque[Outcome] = deque()
        self._seats: list[AnySeat] = []

    def submit(self, number: int, task: Task) -> None:
        """Queue a task; see `Executor.submit`."""
        self._waiting.append((number, task))
        self._hand_out()

    def next_outcome(self) -> Outcome:
        """Wait for any worker; see `Executor.next_outcome`."""
        while not self._finished:
            self._hand_out()
            self._listen()
        return self._finished.popleft()

    @abstractmethod
    def _send(self, seat: AnySeat, task: Task) -> None:
        """Give a task to a seat's worker; that it is gone is noticed by `_listen`."""

    @abstractmethod
    def _listen(self) -> None:
        """Wait until a worker says something or is lost, and take account of it."""

    def _hand_out(self) -> None:
        # workers that have nothing to do come first
        for held in range(_QUEUED):
            for seat in self._seats:
                if self._waiting and seat.ready and len(seat.tasks) == held:
                    seat.tasks.append(self._waiting.popleft())
                    self._send(seat, seat.tasks[-1][1])

    def _answered(self, seat: AnySeat, result: TaskResult) -> None:
        """Take the result of the task that was in work."""
        number, _ = seat.tasks.popleft()
        self._finished.append(Outcome(number, result))

    def _lost(self, seat: AnySeat, reason: str, worker: str) -> None:
        """Take account of a worker that ended: only the task that was in work is the loss's, the next one waits again."""
        if seat.tasks:
            self._answered(seat, lost_worker(reason, worker))
        self._waiting.extendleft(reversed(seat.tasks))
        seat.tasks.clear()


def lost_worker(reason: str, worker: str) -> TaskResult:
    """Return the result of a task whose worker ended in the middle of it."""
    return TaskResult(None, Problem(f"its worker was lost ({reason})", "WorkerLost", ends_run=False, repeats=False), worker)
