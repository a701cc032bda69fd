"""What commands share that run a transfer's stages: PyTorch imported fast, threads and memory set, progress shown."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .reporting import Reporter

if TYPE_CHECKING:
    from motionwarp.pipeline.progress import Progress, ProgressCallback


@contextmanager
def uncollected_imports() -> Iterator[None]:
    """Import without garbage collection, and have collections pass over what was imported from then on.

    Imports make hundreds of thousands of objects that stay until the end: to look through them again and again, and
    once more when the program ends, takes a third of the time of importing PyTorch.
    """
    collects, known = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > known:
            gc.freeze()
        if collects:
            gc.enable()


@contextmanager
def stages_shown(reporter: Reporter) -> Iterator[ProgressCallback]:
    """Choose threads and memory as suits a program of our own, and show the stages while the block runs."""
    from motionwarp.devices import set_threads
    from motionwarp.runtime import keep_freed_memory

    keep_freed_memory()
    set_threads()
    with reporter.progress() as on_step:

        def on_progress(progress: Progress) -> None:
            on_step(progress.stage.value, progress.done, progress.total)

        yield on_progress
