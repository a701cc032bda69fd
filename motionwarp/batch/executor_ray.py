"""Tasks on a Ray cluster: one that runs, or one that is started on this machine for the length of the run.

The storage of the data set must be one that every node sees: a shared file system or an object store. Ray's own repeating of lost
tasks is switched off, since tries are counted in one place for all executors.
"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import replace
from typing import Any, Final

from motionwarp.batch.executor import Executor, Outcome, lost_worker
from motionwarp.batch.work import Task, TaskResult, Worker, WorkOrder
from motionwarp.errors import MissingExtraError, OptionError
from motionwarp.memory import keep_freed_memory

_CONNECT_SECONDS: Final = 10.0
_WORKERS: dict[str, Worker] = {}


class RayExecutor(Executor):
    """Tasks of a Ray cluster.

    Parameters
    ----------
    order : WorkOrder
    workers : int or None
        Tasks at once; None for as many as the cluster's cores or GPUs hold when the run begins.
    address : str or None
        As `ray.init` takes it; None for a cluster of this machine alone.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    OptionError
        If there is no cluster at the address, or it has no room for a single task.
    """

    def __init__(self, order: WorkOrder, workers: int | None, address: str | None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError(
                "Ray is not installed", subject="--executor ray", remedy="Install it with: pip install 'motionwarp[ray]'"
            ) from error
        self._ray: Any = ray
        self._started = not self._ray.is_initialized()
        if self._started:
            self._connect(order, workers, address)
        config = order.config
        resources = self._ray.cluster_resources()
        gpus = int(resources.get("GPU", 0)) if config.options.device in ("auto", "cuda") else 0
        room = gpus or int(resources.get("CPU", 0) // config.threads)
        if room < 1:
            raise OptionError(
                f"the cluster has no room for a task of {config.threads} threads", subject="--threads", remedy="Give fewer threads"
            )
        self.capacity = min(room, workers or room)
        self._order = self._ray.put(order)
        self._remote = self._ray.remote(
            num_cpus=config.threads,
            num_gpus=1 if gpus else 0,
            max_retries=0,
            # over all nodes at once, rather than filling one after another
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": {"OMP_NUM_THREADS": str(config.threads)}},
        )(_perform)
        self._waiting: list[tuple[int, Task]] = []
        self._numbers: dict[Any, int] = {}

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
                f"no Ray cluster can be reached there ({error})", subject=f"--ray-address {address}", remedy="Check that it runs"
            ) from error

    def submit(self, number: int, task: Task) -> None:
        """Queue a task; see `Executor.submit`."""
        self._waiting.append((number, task))
        self._hand_out()

    def next_outcome(self) -> Outcome:
        """Wait for any task; see `Executor.next_outcome`."""
        ready, _ = self._ray.wait(list(self._numbers), num_returns=1)
        number = self._numbers.pop(ready[0])
        self._hand_out()
        try:
            result: TaskResult = self._ray.get(ready[0])
        except self._ray.exceptions.RayError as error:
            result = lost_worker(type(error).__name__, "ray")
        return Outcome(number, result)

    def close(self) -> None:
        """Cancel what is in work, and end the cluster if it was started here; see `Executor.close`."""
        for reference in self._numbers:
            self._ray.cancel(reference, force=True)
        self._numbers.clear()
        if self._started:
            self._ray.shutdown()

    def _hand_out(self) -> None:
        # one more than are in work at once waits with Ray, so that no worker waits for this process
        while self._waiting and len(self._numbers) <= self.capacity:
            number, task = self._waiting.pop(0)
            self._numbers[self._remote.remote(self._order, task)] = number


def _knock(address: str) -> None:
    """Raise OSError if nobody listens at `host:port`: Ray itself would wait for minutes."""
    found = re.fullmatch(r"(?:ray://)?(\[[0-9a-fA-F:]+\]|[^:/\[\]]+):(\d{1,5})", address)
    if found is not None:
        socket.create_connection((found.group(1).strip("[]"), int(found.group(2))), _CONNECT_SECONDS).close()


def _perform(order: WorkOrder, task: Task) -> TaskResult:
    """Do a task in one of Ray's processes, which keeps its networks for the next."""
    key = repr(order)
    if key not in _WORKERS:
        for worker in _WORKERS.values():
            worker.close()
        _WORKERS.clear()
        keep_freed_memory()
        _WORKERS[key] = Worker(order)
    import ray

    node = ray.get_runtime_context().get_node_id()
    return replace(_WORKERS[key].perform(task), worker=f"node {node[:12]}:{os.getpid()}")
