"""Which executor makes the clips, and its start."""

from __future__ import annotations

import importlib.util

from motionwarp.datasets.executors.base import Executor, InlineExecutor
from motionwarp.datasets.options import ExecutorChoice
from motionwarp.datasets.worker import WorkOrder
from motionwarp.errors import MissingExtraError


def check_executor(choice: ExecutorChoice) -> None:
    """Refuse an executor whose package is not installed; a cluster is not asked.

    Raises
    ------
    MissingExtraError
    """
    if choice.name == "ray" and importlib.util.find_spec("ray") is None:
        raise MissingExtraError(
            "Ray is not installed",
            values={"executor": "ray"},
            remedy="Install it with: pip install 'motionwarp[ray]'",
        )


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
    check_executor(choice)
    from motionwarp.datasets.executors.ray import RayExecutor

    return RayExecutor(order, choice.workers, choice.ray_address, most)
