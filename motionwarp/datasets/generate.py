"""A data set from its plan: resumable at any moment, and the same bytes in the end however often it was interrupted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from motionwarp.datasets.card import CARD, dataset_card
from motionwarp.datasets.config import CONFIG_NAME, DatasetConfig, check_unchanged, encoded, stored_form
from motionwarp.datasets.dependencies import dependency_contents, rooted
from motionwarp.datasets.executors.base import Executor
from motionwarp.datasets.executors.factory import check_executor, make_executor
from motionwarp.datasets.input_notes import AnalyzedItem, FailedInput, forget_failed
from motionwarp.datasets.input_survey import InputSurvey
from motionwarp.datasets.items import Item
from motionwarp.datasets.lock import DatasetLock
from motionwarp.datasets.manifest import write_manifest
from motionwarp.datasets.options import RunSettings
from motionwarp.datasets.plan import Clip, Plan, make_plan, plan_summary
from motionwarp.datasets.records import (
    FAILED,
    ClipRecord,
    differences_in_making,
    failed_record,
    failure_name,
    read_record,
)
from motionwarp.datasets.scheduler import Tally, run_tasks
from motionwarp.datasets.shards import write_shards
from motionwarp.datasets.storage.base import Storage
from motionwarp.datasets.storage.factory import open_storage
from motionwarp.datasets.worker import ClipTask, WorkOrder
from motionwarp.errors import OutputError

# also what may lie in a folder that no data set has been begun in
_OURS: Final = ".motionwarp"
_READERS: Final = 16

Progress = Callable[[str, int, int | None], None]
"""Told of a stage, what is done of it, and all of it."""


@dataclass(frozen=True)
class RunSummary:
    """What came of a run.

    Attributes
    ----------
    output : str
    clips, done, failed : int
        Counts over the whole data set.
    made : int
        In this run.
    inputs_seen, inputs_failed : int
        Analyzed in this run, and given up.
    frames : int
        Made in this run.
    seconds : float
        On the wall.
    retried : int
    peak_worker_bytes : int
    tasks_of_worker : dict of str to int
    errors : list of str
        Messages of clips that failed, each once.
    notes : list of str
        What a user should know of the whole: such as clips that were made by more than one kind of device.
    """

    output: str
    clips: int
    done: int
    failed: int
    made: int
    inputs_seen: int
    inputs_failed: int
    frames: int
    seconds: float
    retried: int
    peak_worker_bytes: int
    tasks_of_worker: dict[str, int]
    errors: list[str]
    notes: list[str]


def check_ready(
    sources: tuple[Item, ...],
    drivings: tuple[Item, ...],
    config: DatasetConfig,
    output: str,
    settings: RunSettings | None = None,
) -> None:
    """Refuse what `generate` would refuse before it makes the first clip; nothing is written.

    Parameters
    ----------
    sources, drivings, config, output, settings
        As for `generate`.

    Raises
    ------
    OutputError
        If the output may not be written, holds something else, or was begun with another configuration.
    MissingExtraError
        If the output's storage or the executor needs a package that is not installed.
    """
    settings = settings or RunSettings()
    config = rooted(config)
    check_executor(settings.executor)
    storage = open_storage(output)
    storage.check_writable()
    _check_place(storage, settings)
    _compare_with_stored(storage, stored_set(sources, drivings, config, make_plan(sources, drivings, config)))


def generate(
    sources: tuple[Item, ...],
    drivings: tuple[Item, ...],
    config: DatasetConfig,
    output: str,
    settings: RunSettings | None = None,
    *,
    progress: Progress | None = None,
    on_details: Callable[[str], None] | None = None,
) -> RunSummary:
    """Make a data set of clips.

    Parameters
    ----------
    sources, drivings : tuples of Item
    config : DatasetConfig
    output : str
        A folder or an address.
    settings : RunSettings, optional
    progress : callable, optional
    on_details : callable, optional
        Told of the traceback of every failure that is not an input's.

    Raises
    ------
    OutputError
        If the output cannot be written, is full, is in use, holds something else, or was begun with another
        configuration.
    InputError
        If an input has changed since the data set was begun, or not one of them is of use.
    MissingExtraError
        If the output's storage or the executor needs a package that is not installed.
    """
    begin = time.perf_counter()
    settings = settings or RunSettings()
    config = rooted(config)
    plan = make_plan(sources, drivings, config)
    storage = open_storage(output)
    storage.check_writable()
    _check_place(storage, settings)
    form = stored_set(sources, drivings, config, plan)
    with DatasetLock(storage, force=settings.break_lock) as lock:
        _begin_or_go_on(storage, form)
        if settings.retry_failed:
            forget_failed(storage)
            storage.remove(FAILED)
        order = WorkOrder(storage.address(""), config, lock.token)
        run = _Run(storage, plan, settings, order, progress or _nobody, on_details or _nowhere)
        try:
            run.carry_out()
        finally:
            with suppress(OSError):  # the next run does it too; what ended this one must be told
                storage.clear_pending()  # of workers that were lost, or ended in the middle of their work
        return run.summary(output, time.perf_counter() - begin)


def _nobody(stage: str, done: int, total: int | None) -> None:
    """Tell nobody."""


def _nowhere(details: str) -> None:
    """Keep nothing."""


def _check_place(storage: Storage, settings: RunSettings) -> None:
    if storage.exists(CONFIG_NAME):
        if not settings.resume:
            raise OutputError(
                "a data set was begun here",
                subject=storage.root,
                remedy="Give `resume` to go on with it, or another output",
            )
        return
    others = [name for name in storage.names("") if name != _OURS]
    if others:
        raise OutputError(
            f"holds something else ('{others[0]}')",
            subject=storage.root,
            remedy="Give a folder that is new, empty, or a data set's",
        )


def stored_set(
    sources: tuple[Item, ...], drivings: tuple[Item, ...], config: DatasetConfig, plan: Plan
) -> dict[str, Any]:
    """Return all that decides a data set's bytes, as it is kept beside it; `config` is from `rooted`."""
    return stored_form(config, sources, drivings, {**dependency_contents(config), **plan_summary(plan)})


def _begin_or_go_on(storage: Storage, form: dict[str, Any]) -> None:
    """Store the configuration, or compare it with the stored one; remove what interrupted runs left half done."""
    if not _compare_with_stored(storage, form):
        storage.write(CONFIG_NAME, encoded(form))
    storage.clear_pending()


def _compare_with_stored(storage: Storage, form: dict[str, Any]) -> bool:
    """Refuse a configuration that is not the stored one; tell whether there is one."""
    try:
        stored = json.loads(storage.read(CONFIG_NAME))
    except FileNotFoundError:
        return False
    except ValueError as error:
        raise OutputError(
            f"the stored configuration cannot be read ({error})",
            subject=storage.address(CONFIG_NAME),
            remedy="Give another output",
        ) from error
    check_unchanged(stored, form, storage.root)
    return True


class _Run:
    """One run over what is left to do."""

    def __init__(
        self,
        storage: Storage,
        plan: Plan,
        settings: RunSettings,
        order: WorkOrder,
        progress: Progress,
        on_details: Callable[[str], None],
    ) -> None:
        self._storage, self._plan, self._settings, self._order = storage, plan, settings, order
        self._progress, self._on_details = progress, on_details
        self._tally = Tally()
        self._survey = InputSurvey(storage, self._tally, on_details, progress)
        self._records: dict[str, ClipRecord] = {}
        self._made = self._frames = 0

    def carry_out(self) -> None:
        """Do what is left, then write the manifest and the card."""
        # side by side, since object stores take their time to say that nothing is there
        with ThreadPoolExecutor(_READERS) as readers:
            for record in readers.map(partial(read_record, self._storage), [clip.id for clip in self._plan.clips]):
                if record is not None:
                    self._records[record.id] = record
        left = [clip for clip in self._plan.clips if clip.id not in self._records]
        if left:
            # no more workers than there is work for
            with make_executor(self._settings.executor, self._order, len(left)) as executor:
                # any record tells that inputs of use were found before
                self._survey.look(executor, left, of_all=not self._records)
                self._make_clips(executor, left)
        records = [self._records[clip.id] for clip in self._plan.clips]
        write_manifest(self._storage, records)
        self._storage.write(CARD, dataset_card(self._plan, self._order.config, records).encode("utf-8"))
        if self._settings.shards:
            write_shards(self._storage, progress=self._progress)

    def _make_clips(self, executor: Executor, left: list[Clip]) -> None:
        tell = partial(self._tell, len(self._records), len(left))
        for finished in run_tasks(executor, self._clip_tasks(left, tell), self._tally, self._on_details):
            assert isinstance(finished.task, ClipTask)
            clip, problem = finished.task.clip, finished.result.problem
            if problem is None:
                self._records[clip.id] = finished.result.value
                self._made += 1
                self._frames += finished.result.value.frames
            else:
                self._give_up(clip, problem.message, problem.kind, finished.tries)
            tell()

    def _tell(self, before: int, left: int) -> None:
        self._progress("clips", len(self._records) - before, left)

    def _clip_tasks(self, left: list[Clip], tell: Callable[[], None]) -> Iterator[ClipTask]:
        for clip in left:
            items = (*clip.people, clip.driving)
            notes = [self._survey.note(item) for item in items]
            failed = next(
                (place for place in zip(items, notes, strict=True) if isinstance(place[1], FailedInput)), None
            )
            if failed is None:
                source, *cast, driving = (note for note in notes if isinstance(note, AnalyzedItem))
                yield ClipTask(clip, source, driving, tuple(cast))
                continue
            item, note = failed
            assert isinstance(note, FailedInput)
            self._give_up(clip, f"{item.kind} {item.id}: {note.message}", note.kind, note.tries)
            tell()

    def _give_up(self, clip: Clip, message: str, kind: str, tries: int) -> None:
        record = failed_record(clip, message, kind, tries)
        self._storage.write(failure_name(clip.id), record.as_bytes())
        self._records[clip.id] = record

    def summary(self, output: str, seconds: float) -> RunSummary:
        """Tell what came of it."""
        failed = [record for record in self._records.values() if record.status == "failed"]
        return RunSummary(
            output=output,
            clips=len(self._plan.clips),
            done=len(self._records) - len(failed),
            failed=len(failed),
            made=self._made,
            inputs_seen=self._survey.seen,
            inputs_failed=self._survey.failed,
            frames=self._frames,
            seconds=seconds,
            retried=self._tally.retried,
            peak_worker_bytes=self._tally.peak_bytes,
            tasks_of_worker=dict(sorted(self._tally.tasks_of_worker.items())),
            errors=list(dict.fromkeys(record.error for record in failed)),
            notes=differences_in_making(self._records.values()),
        )
