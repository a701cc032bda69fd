"""The process that a job is done in: whatever ends it, nothing of it goes on.

Processes are forked from one that has imported PyTorch and ours but computed nothing, where the system can do that: a
job begins at once, and a process that is ended has really ended, with its memory, its threads and its children.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn, Protocol

from motionwarp.errors import MotionwarpError
from motionwarp.ui.remaining import Step

Tell = Callable[[str, int, int | None], None]
"""Called with a stage's name, the steps done, and all steps if they are known."""

_PRELOADED: Final = ["motionwarp.ui.preload"]


class Work(Protocol):
    """What a job does; it goes to the process as it is, so that it holds plain values only."""

    def run(self, tell: Tell) -> Any:
        """Do it; what is returned goes back to the page."""
        ...


@dataclass(frozen=True)
class Made:
    """A job ended well, with this value."""

    value: Any


@dataclass(frozen=True)
class Failed:
    """A job failed.

    Attributes
    ----------
    error : MotionwarpError or None
        What a user can do something about.
    text : str
        What else happened, in short.
    """

    error: MotionwarpError | None
    text: str = ""


def context() -> BaseContext:
    """Return how processes are started here, and have what they fork from made ready."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload(_PRELOADED)
    return chosen


def warm_up() -> None:
    """Start the process that others are forked from, so that the first job need not wait for it."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        from multiprocessing import forkserver

        context()
        forkserver.ensure_running()


def serve(work: Work, pipe: Connection[Any, Any], lifeline: Connection[Any, Any], scratch: Path) -> None:
    """Do a job in a process of its own, and end with the page's process.

    Parameters
    ----------
    work : Work
    pipe : Connection
        Takes `Step`s, then `Made` or `Failed`.
    lifeline : Connection
        Nothing is ever sent on it; its end is the end of the page's process.
    scratch : Path
        For temporary files.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the page's process ends us
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    tempfile.tempdir = str(scratch)
    os.environ["TMPDIR"] = str(scratch)
    try:
        answer: Made | Failed = Made(work.run(_telling(pipe)))
    except KeyboardInterrupt:
        sys.exit(1)
    except MotionwarpError as error:
        answer = Failed(error)
    except MemoryError:
        answer = Failed(None, "Out of memory. Try a smaller size or a shorter section.")
    except OSError as error:
        answer = Failed(None, f"{error.strerror or error}.")
    except Exception as error:  # a defect of ours must be told, too
        answer = Failed(None, f"Internal error: {type(error).__name__}: {error}")
    with suppress(OSError):
        pipe.send(answer)


def _telling(pipe: Connection[Any, Any]) -> Tell:
    lock = threading.Lock()

    def tell(stage: str, done: int, total: int | None) -> None:
        with suppress(OSError), lock:  # stages may be told of from several threads
            pipe.send(Step(stage, done, total))

    return tell


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _end_with(lifeline: Connection[Any, Any]) -> None:
    with suppress(EOFError, OSError):
        lifeline.recv()
    os._exit(1)
