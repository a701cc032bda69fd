"""Tasks on a Ray cluster: one that runs, or one that is started on this machine for the length of the run.

Every worker is an actor, which has its cores or its GPU for as long as it lives and keeps its networks: a plain task of
Ray with a GPU is given a new process each time. The storage of the data set must be one that every node sees: a shared
file system or an object store. Ray's own repeating of what was lost is switched off, since tries are counted in one
place for all executors.
"""

from __future__ import annotations

import os
import re
import socket
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any, Final

from motionwarp.datasets.executors.base import PoolExecutor, WorkerSlot
from motionwarp.datasets.worker import Task, TaskResult, Worker, WorkOrder
from motionwarp.errors import OptionError
from motionwarp.runtime import keep_freed_memory

_CONNECT_SECONDS: Final = 10.0
# starts of one worker in a row that may fail before its place is given up
_MOST_STARTS: Final = 3


@dataclass(eq=False, kw_only=True)
class _RaySlot(WorkerSlot):
    """An actor, and what it was asked for.

    Attributes
    ----------
    actor : ray.actor.ActorHandle
    started : ray.ObjectRef
        There once the actor is: where other jobs fill the cluster, that may take long.
    references : deque of ray.ObjectRef
        References to the results of `tasks`.
    failures : int
        Starts in a row that failed.
    """

    actor: Any
    started: Any
    references: deque[Any] = field(default_factory=deque)
    ready: bool = False
    failures: int = 0


class RayExecutor(PoolExecutor[_RaySlot]):
    """Actors of a Ray cluster.

    Parameters
    ----------
    order : WorkOrder
    workers : int or None
        Tasks at once; None for as many as the cluster's cores or GPUs hold when the run begins.
    address : str or None
        As `ray.init` takes it; None for a cluster of this machine alone.
    most : int or None
        Workers that there is work for.

    Raises
    ------
    OptionError
        If there is no cluster at the address, or it has no room for a single worker.
    """

    def __init__(self, order: WorkOrder, workers: int | None, address: str | None, most: int | None = None) -> None:
        super().__init__()
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self._ray: Any = ray
        self._began = not self._ray.is_initialized()
        if self._began:
            self._connect(order, workers, address)
        config = order.config
        resources = self._ray.cluster_resources()
        gpus = int(resources.get("GPU", 0)) if config.options.device in ("auto", "cuda") else 0
        room = gpus or int(resources.get("CPU", 0) // config.threads)
        if room < 1:
            raise OptionError(
                f"the cluster has no room for a worker of {config.threads} threads",
                values={"threads": config.threads},
                remedy="Give fewer threads",
            )
        self.capacity = min(room, workers or room, most or room)
        self._order = self._ray.put(order)
        self._kind = self._ray.remote(
            num_cpus=config.threads,
            num_gpus=1 if gpus else 0,
            max_restarts=0,
            max_task_retries=0,
            # over all nodes at once, rather than filling one after another
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": {"OMP_NUM_THREADS": str(config.threads)}},
        )(RayWorker)
        self._seats = [self._seated() for _ in range(self.capacity)]

    def _connect(self, order: WorkOrder, workers: int | None, address: str | None) -> None:
        from motionwarp.devices import usable_cores

        quiet = {"logging_level": "ERROR", "log_to_driver": False}
        if address is None:
            cores = max(usable_cores(), (workers or 1) * order.config.threads)
            self._ray.init(address="local", num_cpus=cores, include_dashboard=False, **quiet)
            return
        try:
            _knock(address)
            self._ray.init(address=address, **quiet)
        except (OSError, ValueError, RuntimeError) as error:
            raise OptionError(
                f"no Ray cluster can be reached there ({error})",
                values={"ray_address": address},
                remedy="Check that it runs",
            ) from error

    def close(self) -> None:
        """End all actors, and the cluster if it was started here; see `Executor.close`."""
        for seat in self._seats:
            self._ray.kill(seat.actor, no_restart=True)
        self._seats.clear()
        if self._began:
            self._ray.shutdown()

    def _seated(self, failures: int = 0) -> _RaySlot:
        actor = self._kind.remote(self._order)
        return _RaySlot(actor=actor, started=actor.start.remote(), failures=failures)

    def _send(self, seat: _RaySlot, task: Task) -> None:
        seat.references.append(seat.actor.perform.remote(task))

    def _listen(self) -> None:
        seats = {
            seat.references[0] if seat.ready else seat.started: seat
            for seat in self._seats
            if seat.references or not seat.ready
        }
        for reference in self._ray.wait(list(seats), num_returns=1)[0]:
            self._hear(seats[reference], reference)

    def _hear(self, seat: _RaySlot, reference: Any) -> None:
        try:
            result: TaskResult = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            self._replace(seat, error)
            return
        if seat.ready:
            seat.references.popleft()
            self._answered(seat, result)
        else:
            seat.ready = True

    def _replace(self, seat: _RaySlot, error: Exception) -> None:
        """Put a new actor in a lost one's place, unless none could be started there time and again."""
        self._lost(seat, type(error).__name__, "ray")
        # one that only could not be reached would keep its place on the cluster
        self._ray.kill(seat.actor, no_restart=True)
        failures = 0 if seat.ready else seat.failures + 1
        place = self._seats.index(seat)
        if failures < _MOST_STARTS:
            self._seats[place] = self._seated(failures)
            return
        del self._seats[place]
        if not self._seats:
            last = str(error).strip().splitlines()[-1:] or [type(error).__name__]
            raise OptionError(
                f"not one worker can be started on the cluster ({last[0].strip()})",
                values={"executor": "ray"},
                remedy="See that motionwarp[ray] is installed on every node",
            )


def _knock(address: str) -> None:
    """Raise OSError if nobody listens at `host:port`: Ray itself would wait for minutes."""
    found = re.fullmatch(r"(?:ray://)?(\[[0-9a-fA-F:]+\]|[^:/\[\]]+):(\d{1,5})", address)
    if found is not None:
        socket.create_connection((found.group(1).strip("[]"), int(found.group(2))), _CONNECT_SECONDS).close()


class RayWorker:
    """A worker in a process of Ray's.

    Parameters
    ----------
    order : WorkOrder
    """

    def __init__(self, order: WorkOrder) -> None:
        import ray

        keep_freed_memory()
        self._worker = Worker(order)
        self._name = f"node {ray.get_runtime_context().get_node_id()[:12]}:{os.getpid()}"

    def start(self) -> None:
        """Return once there is such a worker."""

    def perform(self, task: Task) -> TaskResult:
        """Do a task; see `Worker.perform`."""
        return replace(self._worker.perform(task), worker=self._name)
