"""What commands that run a transfer's stages share.

The program is set up for networks, and its progress is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .reporting import Reporter

if TYPE_CHECKING:
    from motionwarp.pipeline.progress import Progress, ProgressCallback


@contextmanager
def stages_shown(reporter: Reporter) -> Iterator[ProgressCallback]:
    """Choose threads and memory as suits a program of our own, and show the stages while the block runs."""
    from motionwarp.devices import set_threads
    from motionwarp.runtime import keep_freed_memory

    keep_freed_memory()
    set_threads()
    with reporter.progress() as tick:

        def told(progress: Progress) -> None:
            tick(progress.stage.value, progress.done, progress.total)

        yield told
