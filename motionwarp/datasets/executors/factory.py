"""Which executor makes the clips, and its start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from motionwarp.datasets.executors.base import Executor, InlineExecutor
from motionwarp.datasets.worker import WorkOrder
from motionwarp.errors import OptionError

EXECUTOR_NAMES: Final = ("local", "ray", "inline")


@dataclass(frozen=True)
class ExecutorChoice:
    """Where tasks are done.

    Attributes
    ----------
    name : str
        'local' for processes of this machine, 'ray' for a Ray cluster, 'inline' for this very process, one task at a
        time.
    workers : int or None
        Tasks at once; None for as many as the cores, GPUs or the cluster hold.
    ray_address : str or None
        Address of a Ray cluster that runs; None for a local one.

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
            raise OptionError(
                "is not an executor",
                subject=f"--executor {self.name}",
                remedy=f"Choose one of {', '.join(EXECUTOR_NAMES)}",
            )
        if self.workers is not None and self.workers < 1:
            raise OptionError("at least one worker is needed", subject=f"--workers {self.workers}")
        if self.ray_address is not None and self.name != "ray":
            raise OptionError("is for --executor ray only", subject=f"--ray-address {self.ray_address}")


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
        from motionwarp.datasets.executors.local import LocalExecutor

        return LocalExecutor(order, choice.workers, most)
    from motionwarp.datasets.executors.ray import RayExecutor

    return RayExecutor(order, choice.workers, choice.ray_address, most)
