"""The process itself: its threads, its memory, and its end.

How much memory it has had at most, and that the C library keeps what is freed for the next frame.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import platform
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier
from types import TracebackType
from typing import Final, NoReturn, ParamSpec, TypeVar

Given = ParamSpec("Given")
Made = TypeVar("Made")


class SingleThreadPool:
    """Threads that each compute with one of PyTorch's threads.

    Parameters
    ----------
    workers : int
        At least 1.
    inline : bool
        Whether with one worker the calling thread does all as it is, with as many of PyTorch's threads as it has.
    """

    def __init__(self, workers: int, *, inline: bool = True) -> None:
        self.workers, self._inline = workers, inline
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> SingleThreadPool:
        import torch  # not at the top: the command line sets up its process before anything heavy is there

        threads = take_over_threads()
        if self.workers > 1 or not self._inline:
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def take_over_threads() -> int:
    """Let the thread that asks compute with as many of PyTorch's threads as is set for all, and return the number.

    A thread's first question takes that over; until then its matrix products choose their number of threads by how busy
    the machine is, and round accordingly.
    """
    import torch

    return torch.get_num_threads()


def _join_alone(everybody: Barrier) -> None:
    import torch

    take_over_threads()  # which must not come later
    torch.set_num_threads(1)
    # held until all are here, so that each of them takes one of these tasks
    everybody.wait()


# OpenMP's threads, which are PyTorch's, sleep at once. NumPy's OpenBLAS has no such setting and spins for some 25 ms
# after each product; its products are few and small here, so that it does them in the thread that asks
_SETTINGS: Final = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}


def let_waiting_threads_sleep() -> None:
    """Set this process, and those that it starts, so that waiting threads sleep, where the user has not set it.

    Must be called before NumPy and PyTorch are imported. Meant for programs of our own, the command line among them; a
    library must not decide it for its host.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)


def end_process(code: int) -> NoReturn:
    """End this process without taking its memory apart, which takes a third of a second once PyTorch has been used.

    What was registered to be done at the end is done, and what was printed is written. Where another thread still runs,
    or something cannot be written, the interpreter ends as usual. Meant for programs of our own.
    """
    if threading.active_count() == 1:
        atexit._run_exitfuncs()
        with suppress(OSError, ValueError):
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            os._exit(code)
    sys.exit(code)


# of glibc's malloc.h
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_MMAP_MAX: Final = -4
_ARENA_MAX: Final = -8
_KEPT_BYTES: Final = 2**31 - 1
_FROM_THE_HEAP_BYTES: Final = 2**30
_STATUS: Final = Path("/proc/self/status")


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, up to 2 GB, for its next use.

    glibc gives large blocks back to the system at once and fetches them anew, page by page, for every batch of frames
    (docs/performance.md tells what that takes). All threads share one heap, or each would keep its own. Meant for
    programs of our own, the command line among them; a library must not decide it for its host.

    Returns
    -------
    bool
        Whether the C library was told; False where there is no glibc, which is no loss but of speed.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    tune = ctypes.CDLL(None).mallopt
    told = bool(tune(_TRIM_THRESHOLD, _KEPT_BYTES) and tune(_ARENA_MAX, 1))
    # older releases refuse a threshold so high, but can be told to map no block at all
    return bool(tune(_MMAP_THRESHOLD, _FROM_THE_HEAP_BYTES) or tune(_MMAP_MAX, 0)) and told


def peak_memory_bytes() -> int:
    """Return the most memory that this process has had, or 0 where the system does not tell."""
    # Linux first: what getrusage tells there begins with the peak of the process that started this one
    told = peak_in_status(_STATUS.read_text(encoding="ascii")) if _STATUS.exists() else None
    if told is not None:
        return told
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def peak_in_status(status: str) -> int | None:
    """Return the peak of memory in bytes that a text of the form of Linux's /proc/self/status tells.

    None if it does not.
    """
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), None)
