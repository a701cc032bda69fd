"""Something done in a thread of its own beside other work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def done_beside(work: Callable[[], object]) -> Iterator[None]:
    """Do something in a thread while the block runs; both are over at its end.

    Parameters
    ----------
    work : callable
        What it raises is raised at the end of the block, unless the block itself has failed. It is waited for in any case.
    """
    with ThreadPoolExecutor(1, "motionwarp-beside") as thread:
        done = thread.submit(work)
        yield
        done.result()
