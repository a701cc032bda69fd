"""What an executor is: it has tasks done somewhere, several at once, and tells what came of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from motionwarp.batch.work import Task, TaskResult, Worker, WorkOrder
from motionwarp.errors import OptionError

EXECUTOR_NAMES: Final = ("local", "ray", "inline")


@dataclass(frozen=True)
class ExecutorChoice:
    """Where tasks are done.

    Attributes
    ----------
    name : str
        'local' for processes of this machine, 'ray' for a Ray cluster, 'inline' for this very process, one task at a time.
    workers : int or None
        Tasks at once; None for as many as the cores, GPUs or the cluster hold.
    ray_address : str or None
        Of a Ray cluster that runs; None for a local one.

    Raises
    ------
    OptionError
        If the name is unknown, the number is under 1, or an address is given for another executor.
    """

    name: str = "local"
    workers: int | None = None
    ray_address: str | None = None

    def __post_init__(self) -> None:
        if self.name not in EXECUTOR_NAMES:
            raise OptionError("is not an executor", subject=f"--executor {self.name}", remedy=f"Choose one of {', '.join(EXECUTOR_NAMES)}")
        if self.workers is not None and self.workers < 1:
            raise OptionError("at least one worker is needed", subject=f"--workers {self.workers}")
        if self.ray_address is not None and self.name != "ray":
            raise OptionError("is for --executor ray only", subject=f"--ray-address {self.ray_address}")


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

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


class InlineExecutor(Executor):
    """Does tasks in this very process, one after another: for looking at defects, and for storage that only it can see."""

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


def make_executor(choice: ExecutorChoice, order: WorkOrder, most: int) -> Executor:
    """Start an executor.

    Parameters
    ----------
    choice : ExecutorChoice
    order : WorkOrder
    most : int
        Workers that there is work for; no more are started.

    Raises
    ------
    MissingExtraError
        If it needs a package that is not installed.
    OptionError
        If a Ray cluster cannot be reached, or has no room for a worker.
    """
    if choice.name == "inline":
        return InlineExecutor(order)
    if choice.name == "local":
        from motionwarp.batch.executor_local import LocalExecutor

        return LocalExecutor(order, choice.workers, most)
    from motionwarp.batch.executor_ray import RayExecutor

    return RayExecutor(order, choice.workers, choice.ray_address, most)
