"""What an executor is: it has tasks done somewhere, several at once, and tells what came of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Generic, TypeVar

from motionwarp.datasets.worker import Problem, Task, TaskResult, Worker, WorkOrder


@dataclass(frozen=True)
class Outcome:
    """What came of the task that was submitted under a number."""

    number: int
    result: TaskResult


class Executor(ABC):
    """Has tasks done; as a context manager it ends all workers at the end of the block.

    Attributes
    ----------
    capacity : int
        Tasks that can be in work at once; more may be submitted and wait.
    """

    capacity: int

    @abstractmethod
    def submit(self, number: int, task: Task) -> None:
        """Have a task done; `number` tells its outcome from others."""

    @abstractmethod
    def next_outcome(self) -> Outcome:
        """Wait for a task to be finished and return what came of it; a worker that is lost is a problem of its task."""

    @abstractmethod
    def close(self) -> None:
        """End all workers, whatever they are doing."""

    def __enter__(self) -> Executor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class InlineExecutor(Executor):
    """Executor that does tasks in this very process, one after another.

    Meant for looking at defects, and for storage that only it can see.
    """

    capacity = 1

    def __init__(self, order: WorkOrder) -> None:
        self._worker = Worker(order)
        self._waiting: list[tuple[int, Task]] = []

    def submit(self, number: int, task: Task) -> None:
        """Queue a task; see `Executor.submit`."""
        self._waiting.append((number, task))

    def next_outcome(self) -> Outcome:
        """Do the next task; see `Executor.next_outcome`."""
        number, task = self._waiting.pop(0)
        return Outcome(number, self._worker.perform(task))

    def close(self) -> None:
        """Remove what was copied; see `Executor.close`."""
        self._worker.close()


# a worker is given its next task while it does one, so that it never waits for who hands them out
_QUEUED: Final = 2


@dataclass(eq=False)
class WorkerSlot:
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


AnySeat = TypeVar("AnySeat", bound=WorkerSlot)


class PoolExecutor(Executor, Generic[AnySeat]):
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
        """Take account of a worker that ended.

        Only the task that was in work is the loss's, the next one waits again.
        """
        if seat.tasks:
            self._answered(seat, lost_worker(reason, worker))
        self._waiting.extendleft(reversed(seat.tasks))
        seat.tasks.clear()


def lost_worker(reason: str, worker: str) -> TaskResult:
    """Return the result of a task whose worker ended in the middle of it."""
    return TaskResult(
        None, Problem(f"its worker was lost ({reason})", "WorkerLost", ends_run=False, repeats=False), worker
    )
