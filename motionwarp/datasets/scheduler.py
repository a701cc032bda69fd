"""Having many tasks done: several at once, in order, each tried up to three times."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from motionwarp.datasets.executors.base import Executor
from motionwarp.datasets.worker import Problem, Task, TaskResult
from motionwarp.errors import MotionwarpError

MOST_TRIES: Final = 3
# tasks handed to the executor beyond those in work: enough that no worker waits, few enough for any number of tasks
_AHEAD: Final = 2


@dataclass(frozen=True)
class Finished:
    """The end of one task.

    Attributes
    ----------
    task : Task
    result : TaskResult
        Result of the last try.
    tries : int
    """

    task: Task
    result: TaskResult
    tries: int


@dataclass
class Tally:
    """What a run's workers did.

    Attributes
    ----------
    tasks_of_worker : Counter of str
        Tasks finished, by host and process.
    retried : int
        Tries that failed and were repeated.
    peak_bytes : int
        The most memory that any worker has had.
    """

    tasks_of_worker: Counter[str] = field(default_factory=Counter)
    retried: int = 0
    peak_bytes: int = 0

    def count(self, result: TaskResult) -> None:
        """Take one result into account."""
        self.peak_bytes = max(self.peak_bytes, result.peak_bytes)
        if result.problem is None:
            self.tasks_of_worker[result.worker] += 1


def run_tasks(
    executor: Executor, tasks: Iterable[Task], tally: Tally, on_details: Callable[[str], None]
) -> Iterator[Finished]:
    """Have tasks done; yields their ends as they come.

    Parameters
    ----------
    executor : Executor
    tasks : iterable of Task
        Read only as far as there is room.
    tally : Tally
        Changed.
    on_details : callable
        Told of the traceback of every failure that is not an input's.

    Raises
    ------
    MotionwarpError
        If a task met what would meet all others, such as a full disk.
    """
    source = iter(tasks)
    room = executor.capacity * (1 + _AHEAD)
    in_flight: dict[int, tuple[Task, int]] = {}
    again: deque[tuple[Task, int]] = deque()
    number = 0
    while True:
        while len(in_flight) < room:
            task, tries = again.popleft() if again else (next(source, None), 1)
            if task is None:
                break
            in_flight[number] = task, tries
            executor.submit(number, task)
            number += 1
        if not in_flight:
            return
        outcome = executor.next_outcome()
        task, tries = in_flight.pop(outcome.number)
        tally.count(outcome.result)
        problem = outcome.result.problem
        if problem is not None:
            _stop_if_hopeless(problem)
            if not problem.repeats:
                on_details(problem.details or problem.message)
                if tries < MOST_TRIES:
                    tally.retried += 1
                    again.append((task, tries + 1))
                    continue
        yield Finished(task, outcome.result, tries)


def _stop_if_hopeless(problem: Problem) -> None:
    if problem.ends_run:
        raise problem.error or MotionwarpError(problem.message)
