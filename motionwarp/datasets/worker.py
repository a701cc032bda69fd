"""What a worker does, in whatever process it lives: one task at a time, and no exception leaves it."""

from __future__ import annotations

import os
import platform
import shutil
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from motionwarp.datasets.lock import LOCK, owner_of
from motionwarp.datasets.scratch import remove_abandoned, scratch_name
from motionwarp.datasets.storage.base import Storage
from motionwarp.datasets.storage.factory import open_storage
from motionwarp.errors import (
    DeviceError,
    InputError,
    MissingExtraError,
    MotionwarpError,
    OptionError,
    OutputError,
    WeightsError,
)
from motionwarp.runtime import peak_memory_bytes
from motionwarp.version import __version__

# what computes is imported where work begins: executors start before it, with threads and devices set first
if TYPE_CHECKING:
    from motionwarp.datasets.clip_writer import ClipMaker
    from motionwarp.datasets.config import DatasetConfig
    from motionwarp.datasets.input_analysis import InputAnalyzer
    from motionwarp.datasets.input_notes import AnalyzedItem
    from motionwarp.datasets.items import Item
    from motionwarp.datasets.plan import Clip

# network file systems may take a while to show on one node what was written on another
_LOCK_SECONDS: Final = 10.0
_LOCK_PAUSE_SECONDS: Final = 0.5


@dataclass(frozen=True)
class WorkOrder:
    """What every worker of a run is told.

    Attributes
    ----------
    root : str
        Place of the data set's storage: a path that does not depend on the working folder, or an address.
    config : DatasetConfig
    lock_token : str
        Token of the run's lock, which a worker must find in the storage; empty where nothing is locked.
    version : str
        Version of motionwarp in the program that hands out tasks.
    """

    root: str
    config: DatasetConfig
    lock_token: str = ""
    version: str = __version__


@dataclass(frozen=True)
class SeeTask:
    """Analyze one input."""

    item: Item


@dataclass(frozen=True)
class ClipTask:
    """Make one clip of inputs that have been analyzed."""

    clip: Clip
    source: AnalyzedItem
    driving: AnalyzedItem
    cast: tuple[AnalyzedItem, ...] = ()


Task = SeeTask | ClipTask


@dataclass(frozen=True)
class Problem:
    """Why a task failed.

    Attributes
    ----------
    message : str
    kind : str
        The name of the error's class.
    ends_run : bool
        It would meet every other task too: a full disk, weights that are missing.
    repeats : bool
        Trying again would meet it again, since the input is at fault.
    details : str
        The traceback, for people who look for defects.
    error : MotionwarpError or None
        The very error, where it was one of ours.
    """

    message: str
    kind: str
    ends_run: bool
    repeats: bool
    details: str = ""
    error: MotionwarpError | None = None


@dataclass(frozen=True)
class TaskResult:
    """What came of a task.

    Attributes
    ----------
    value : AnalyzedItem, ClipRecord or None
        None if there was a problem.
    problem : Problem or None
    worker : str
        Host and process.
    peak_bytes : int
        The most memory that the worker's process has had; 0 where the system does not tell.
    seconds : float
        That the task took, without what a worker does once.
    """

    value: Any
    problem: Problem | None
    worker: str
    peak_bytes: int = 0
    seconds: float = 0.0


_OF_THE_RUN = (OutputError, OptionError, DeviceError, WeightsError, MissingExtraError)


def problem_of(error: Exception, scratch: str = "") -> Problem:
    """Tell what an exception means for a run.

    Parameters
    ----------
    error : Exception
    scratch : str
        A folder of copies whose name, new in every run, is left out of the message.
    """
    message = str(error) if isinstance(error, MotionwarpError) else f"{type(error).__name__}: {error}"
    if scratch:
        message = message.replace(scratch, "")
    return Problem(
        message,
        type(error).__name__,
        ends_run=isinstance(error, _OF_THE_RUN),
        repeats=isinstance(error, InputError),
        details="".join(traceback.format_exception(error)),
        error=error if isinstance(error, MotionwarpError) else None,
    )


class Worker:
    """Does tasks for one order.

    Parameters
    ----------
    order : WorkOrder
    """

    def __init__(self, order: WorkOrder) -> None:
        self.order = order
        self.name = f"{platform.node()}:{os.getpid()}"
        # made when the first copy is: most runs read local files
        self._scratch = scratch_name("inputs")
        self._made: tuple[InputAnalyzer, ClipMaker] | None = None

    def perform(self, task: Task) -> TaskResult:
        """Do a task; errors become part of the result."""
        begin = time.perf_counter()
        try:
            seer, maker = self._ready()
            begin = time.perf_counter()
            value: Any = (
                seer.see(task.item)
                if isinstance(task, SeeTask)
                else maker.make(task.clip, (task.source, *task.cast), task.driving)
            )
        except Exception as error:
            return self._result(None, problem_of(error, f"{self._scratch}{os.sep}"), begin)
        finally:
            self._forget_copies()
        return self._result(value, None, begin)

    def _result(self, value: Any, problem: Problem | None, begin: float) -> TaskResult:
        return TaskResult(value, problem, self.name, peak_memory_bytes(), time.perf_counter() - begin)

    def close(self) -> None:
        """Remove what was copied."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _ready(self) -> tuple[InputAnalyzer, ClipMaker]:
        if self._made is None:
            from motionwarp.datasets.clip_writer import ClipMaker
            from motionwarp.datasets.input_analysis import InputAnalyzer
            from motionwarp.devices import set_threads

            storage = open_storage(self.order.root)
            check_place(self.order, storage)
            remove_abandoned()
            set_threads(self.order.config.threads)
            seer = InputAnalyzer(self.order.config, storage, self._scratch)
            self._made = seer, ClipMaker(seer)
        return self._made

    def _forget_copies(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)


def check_place(order: WorkOrder, storage: Storage) -> None:
    """Refuse to work where the results would not belong to the run.

    Raises
    ------
    OptionError
        If this process has another version of motionwarp than the run.
    OutputError
        If it does not see the run's lock: its data set would be another one, on a disk of its own.
    """
    if order.version != __version__:
        raise OptionError(
            f"a worker has motionwarp {__version__}, and the run {order.version}",
            subject=f"host {platform.node()}",
            remedy="Install the same version everywhere",
        )
    if not order.lock_token:
        return
    last = time.monotonic() + _LOCK_SECONDS
    while _lock_token(storage) != order.lock_token:
        if time.monotonic() > last:
            raise OutputError(
                f"a worker on host {platform.node()} does not see this data set",
                subject=order.root,
                remedy="Give an output that all workers see: a shared file system, or an address such as s3://bucket/set",
            )
        time.sleep(_LOCK_PAUSE_SECONDS)


def _lock_token(storage: Storage) -> str:
    try:
        owner = owner_of(storage.read(LOCK))
    except OSError:
        return ""
    return "" if owner is None else owner.token
