"""Tasks in processes of this machine, one device each.

Processes rather than threads, so that one that dies takes only its task along. They are spawned, not forked: a fork in
the middle of PyTorch's threads hangs. Every worker has a pipe of its own; a broken pipe is a lost worker, and the
worker's reason to end when this process is gone.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final

from motionwarp.datasets.executors.base import PoolExecutor, WorkerSlot
from motionwarp.datasets.worker import Task, Worker, WorkOrder
from motionwarp.runtime import keep_freed_memory

_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_WATCH_SECONDS: Final = 0.2
# for a worker that has nothing to do to take its leave
_PATIENCE_SECONDS: Final = 2.0


@dataclass(eq=False, kw_only=True)
class _LocalSlot(WorkerSlot):
    """A process, and the pipe that leads to it."""

    environment: dict[str, str]
    process: SpawnProcess
    pipe: Connection[Any, Any]


class LocalExecutor(PoolExecutor[_LocalSlot]):
    """Processes of this machine.

    Parameters
    ----------
    order : WorkOrder
    workers : int or None
        None for one a GPU, or on a CPU one for every `threads` cores.
    most : int or None
        Workers that there is work for.
    """

    def __init__(self, order: WorkOrder, workers: int | None, most: int | None = None) -> None:
        super().__init__()
        self._order = order
        self._context = multiprocessing.get_context("spawn")
        environments = worker_environments(order, workers)[:most]
        self.capacity = len(environments)
        for environment in environments:
            self._seats.append(self._seated(environment))

    def close(self) -> None:
        """Let idle workers end, and kill the others: what they have not finished never appears.

        See `Executor.close`.
        """
        for seat in self._seats:
            if seat.tasks:
                seat.process.kill()
            else:
                with suppress(OSError):
                    seat.pipe.send(None)
        for seat in self._seats:
            seat.process.join(_PATIENCE_SECONDS)
            seat.process.kill()
            seat.process.join()
            seat.pipe.close()
        self._seats.clear()

    def _seated(self, environment: dict[str, str]) -> _LocalSlot:
        ours, theirs = self._context.Pipe()
        # not daemonic: those may have no children, and encoders or drivers may want some
        process = self._context.Process(target=_serve, args=(self._order, theirs, os.getpid()), daemon=False)
        with _variables(environment):
            process.start()
        theirs.close()
        return _LocalSlot(environment=environment, process=process, pipe=ours)

    def _send(self, seat: _LocalSlot, task: Task) -> None:
        with suppress(OSError):  # a worker that is gone is noticed by the next wait
            seat.pipe.send(task)

    def _listen(self) -> None:
        pipes = {seat.pipe: seat for seat in self._seats}
        for pipe in wait(list(pipes)):
            seat = pipes[pipe]  # type: ignore[index]
            try:
                result = seat.pipe.recv()
            except (EOFError, OSError):
                self._replace(seat)
            else:
                self._answered(seat, result)

    def _replace(self, seat: _LocalSlot) -> None:
        """Put a new worker in a lost one's place."""
        seat.process.join()
        seat.pipe.close()
        self._lost(seat, _ending(seat.process.exitcode or 0), f"process {seat.process.pid}")
        self._seats[self._seats.index(seat)] = self._seated(seat.environment)


def _serve(order: WorkOrder, pipe: Connection[Any, Any], parent: int) -> None:
    """Live as a worker: until the pipe ends, or the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends us
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    keep_freed_memory()
    worker = Worker(order)
    try:
        while True:
            try:
                task = pipe.recv()
            except (EOFError, OSError):
                return
            if task is None:
                return
            try:
                pipe.send(worker.perform(task))
            except OSError:
                return
    finally:
        worker.close()


def _end_with(parent: int) -> None:
    """End this process when its parent has: a killed run must leave nobody who goes on writing."""
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


def _ending(code: int) -> str:
    if code < 0:
        with suppress(ValueError):
            return f"ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"


def worker_environments(order: WorkOrder, workers: int | None) -> list[dict[str, str]]:
    """Return the environment of each worker: its threads, and its GPU where there are some.

    Parameters
    ----------
    order : WorkOrder
    workers : int or None
        As for `LocalExecutor`.
    """
    from motionwarp.devices import resolve_device, usable_cores

    config = order.config
    threads = {name: str(config.threads) for name in _THREAD_VARIABLES}
    if resolve_device(config.options.device).type != "cuda":
        count = workers or max(usable_cores() // config.threads, 1)
        return [dict(threads) for _ in range(count)]
    gpus = visible_gpus()
    return [{**threads, "CUDA_VISIBLE_DEVICES": gpus[index % len(gpus)]} for index in range(workers or len(gpus))]


def visible_gpus() -> list[str]:
    """Return the names by which CUDA's devices are chosen, those already chosen for this process only."""
    import torch

    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = [name.strip() for name in chosen.split(",") if name.strip()]
    return names or [str(index) for index in range(max(torch.cuda.device_count(), 1))]


@contextmanager
def _variables(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables while a child is started, which inherits them.

    Its libraries read them when they are loaded.
    """
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
