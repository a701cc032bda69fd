"""Several batches at once on a CPU, each on one thread.

An engine's work on a batch is thousands of small operations. Spreading each of them over all cores costs more than it gains: threads
wait for each other after every one, and for whoever else uses the machine. Batches need nothing of each other.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from types import TracebackType
from typing import ParamSpec, TypeVar

import torch

Given = ParamSpec("Given")
Made = TypeVar("Made")


class Crew:
    """Threads that each compute with one of PyTorch's threads; with one worker, the calling thread does all as it is.

    Parameters
    ----------
    workers : int
        At least 1.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Crew:
        # a thread's first question takes over what is set for all; until then its matrix products choose their number of threads by how
        # busy the machine is, and round accordingly
        threads = torch.get_num_threads()
        if self.workers > 1:
            everybody = Barrier(self.workers + 1)
            self._pool = ThreadPoolExecutor(self.workers, "motionwarp-crew")
            try:
                for _ in range(self.workers):
                    self._pool.submit(_join_alone, everybody)
                everybody.wait()
            except BaseException:
                # Ctrl-C: whoever waits already would wait for ever, and the program's end for them
                everybody.abort()
                self._pool.shutdown(cancel_futures=True)
                raise
            finally:
                # what a thread sets for itself is also what later threads begin with
                torch.set_num_threads(threads)
        return self

    def submit(self, work: Callable[Given, Made], *args: Given.args, **kwargs: Given.kwargs) -> Future[Made]:
        """Have something done; without further threads it is done now."""
        if self._pool is not None:
            return self._pool.submit(work, *args, **kwargs)
        done: Future[Made] = Future()
        try:
            done.set_result(work(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _join_alone(everybody: Barrier) -> None:
    torch.get_num_threads()  # as above, which must not come later
    torch.set_num_threads(1)
    # held until all are here, so that each of them takes one of these tasks
    everybody.wait()
