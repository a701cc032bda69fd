"""A data set from its plan: resumable at any moment, and the same bytes in the end however often it was interrupted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from motionwarp.batch.card import CARD, dataset_card
from motionwarp.batch.configuring import CONFIG_NAME, DatasetConfig, check_unchanged, encoded, stored_form
from motionwarp.batch.executor import Executor, ExecutorChoice, make_executor
from motionwarp.batch.items import Item
from motionwarp.batch.lock import DatasetLock
from motionwarp.batch.manifest import pyarrow_modules, write_manifest
from motionwarp.batch.planning import Clip, Plan, make_plan
from motionwarp.batch.records import FAILED, ClipRecord, failed_record, failure_name, read_record
from motionwarp.batch.seeing import SeenItem, content_sha256, item_stamp, read_note
from motionwarp.batch.shards import write_shards
from motionwarp.batch.storage import Storage, open_storage
from motionwarp.batch.tasks import Finished, Tally, run_tasks
from motionwarp.batch.work import ClipTask, SeeTask, WorkOrder
from motionwarp.errors import InputError, OutputError

# also what may lie in a folder that no data set has been begun in
_OURS: Final = ".motionwarp"
_READERS: Final = 16

Progress = Callable[[str, int, int | None], None]
"""Told of a stage, what is done of it, and all of it."""


@dataclass(frozen=True)
class RunSettings:
    """How a run is carried out; nothing of it shows in the data set.

    Attributes
    ----------
    executor : ExecutorChoice
    resume : bool
        Go on with a data set that was begun; one that was not is begun.
    retry_failed : bool
        Forget which clips were given up.
    break_lock : bool
        Take the lock even of a run that seems to be alive on another host.
    shards : bool
        Write all clips into tar files too, once they are made.
    """

    executor: ExecutorChoice = field(default_factory=ExecutorChoice)
    resume: bool = False
    retry_failed: bool = False
    break_lock: bool = False
    shards: bool = False


@dataclass(frozen=True)
class RunSummary:
    """What came of a run.

    Attributes
    ----------
    output : str
    clips, done, failed : int
        Of the whole data set.
    made : int
        In this run.
    inputs_seen, inputs_failed : int
        Analysed in this run, and given up.
    frames : int
        Made in this run.
    seconds : float
        On the wall.
    retried : int
    peak_worker_bytes : int
    tasks_of_worker : dict of str to int
    errors : list of str
        Of clips that failed, each once.
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
        If the output cannot be written, is full, is in use, holds something else, or was begun with another configuration.
    InputError
        If an input has changed since the data set was begun, or not one of them is of use.
    MissingExtraError
        If pyarrow or what the executor needs is not installed.
    """
    begin = time.perf_counter()
    settings = settings or RunSettings()
    pyarrow_modules()
    plan = make_plan(sources, drivings, config)
    storage = open_storage(output)
    _check_place(storage, settings)
    with DatasetLock(storage, force=settings.break_lock):
        _begin_or_go_on(storage, stored_form(config, sources, drivings))
        if settings.retry_failed:
            storage.remove(FAILED)
        run = _Run(storage, plan, settings, config, progress or _nobody, on_details or _nowhere)
        run.carry_out()
        return run.summary(output, time.perf_counter() - begin)


def _nobody(stage: str, done: int, total: int | None) -> None:
    """Tell nobody."""


def _nowhere(details: str) -> None:
    """Keep nothing."""


def _check_place(storage: Storage, settings: RunSettings) -> None:
    if storage.exists(CONFIG_NAME):
        if not settings.resume:
            raise OutputError("a data set was begun here", subject=storage.root, remedy="Give --resume to go on with it, or another output")
        return
    others = [name for name in storage.names("") if name != _OURS]
    if others:
        raise OutputError(
            f"holds something else ('{others[0]}')", subject=storage.root, remedy="Give a folder that is new, empty, or a data set's"
        )


def _begin_or_go_on(storage: Storage, form: dict[str, Any]) -> None:
    """Store the configuration, or compare it with the stored one; remove what interrupted runs left half done."""
    try:
        stored = json.loads(storage.read(CONFIG_NAME))
    except FileNotFoundError:
        storage.write(CONFIG_NAME, encoded(form))
    except ValueError as error:
        raise OutputError(
            f"the stored configuration cannot be read ({error})", subject=storage.address(CONFIG_NAME), remedy="Give another output"
        ) from error
    else:
        check_unchanged(stored, form, storage.root)
    storage.clear_pending()


class _Run:
    """One run over what is left to do."""

    def __init__(
        self,
        storage: Storage,
        plan: Plan,
        settings: RunSettings,
        config: DatasetConfig,
        progress: Progress,
        on_details: Callable[[str], None],
    ) -> None:
        self._storage, self._plan, self._settings, self._config = storage, plan, settings, config
        self._progress, self._on_details = progress, on_details
        self._tally = Tally()
        self._records: dict[str, ClipRecord] = {}
        self._seen: dict[tuple[str, str], SeenItem] = {}
        self._blind: dict[tuple[str, str], tuple[str, str, int]] = {}
        self._made = self._frames = self._analysed = 0

    def carry_out(self) -> None:
        """Do what is left, then write the manifest and the card."""
        # side by side, since object stores take their time to say that nothing is there
        with ThreadPoolExecutor(_READERS) as readers:
            for record in readers.map(partial(read_record, self._storage), [clip.id for clip in self._plan.clips]):
                if record is not None:
                    self._records[record.id] = record
        left = [clip for clip in self._plan.clips if clip.id not in self._records]
        if left:
            with make_executor(self._settings.executor, WorkOrder(self._storage.root, self._config)) as executor:
                self._see_inputs(executor, left)
                self._make_clips(executor, left)
        records = [self._records[clip.id] for clip in self._plan.clips]
        write_manifest(self._storage, records)
        self._storage.write(CARD, dataset_card(self._plan, self._config, records).encode("utf-8"))
        if self._settings.shards:
            write_shards(self._storage, progress=self._progress)

    def _see_inputs(self, executor: Executor, left: list[Clip]) -> None:
        items = {(item.kind, item.id): item for clip in left for item in (clip.source, clip.driving)}
        tasks = []
        for place, item in items.items():
            note = self._valid_note(item)
            if note is None:
                tasks.append(SeeTask(item))
            else:
                self._seen[place] = note
        for done, finished in enumerate(run_tasks(executor, tasks, self._tally, self._on_details), start=1):
            self._keep_seen(finished)
            self._progress("inputs", done, len(tasks))
        for kind in ("source", "driving"):
            if not any(place[0] == kind for place in self._seen):
                message, _, _ = next(failure for place, failure in self._blind.items() if place[0] == kind)
                raise InputError(f"not one {kind} is of use; the first: {message}", remedy="Give other inputs")

    def _valid_note(self, item: Item) -> SeenItem | None:
        """Return an input's note if the input is still the same."""
        note = read_note(self._storage, item)
        if note is None:
            return None
        if item_stamp(item) != note.stamp and content_sha256(item.path) != note.sha256:
            raise InputError(
                "has changed since the data set was begun", subject=item.path, remedy="Restore it, or give another output"
            )
        return note

    def _keep_seen(self, finished: Finished) -> None:
        assert isinstance(finished.task, SeeTask)
        place = finished.task.item.kind, finished.task.item.id
        problem = finished.result.problem
        self._analysed += problem is None
        if problem is None:
            self._seen[place] = finished.result.value
        else:
            self._blind[place] = problem.message, problem.kind, finished.tries

    def _make_clips(self, executor: Executor, left: list[Clip]) -> None:
        already = len(self._records)
        for finished in run_tasks(executor, self._clip_tasks(left), self._tally, self._on_details):
            assert isinstance(finished.task, ClipTask)
            clip, problem = finished.task.clip, finished.result.problem
            if problem is None:
                self._records[clip.id] = finished.result.value
                self._made += 1
                self._frames += finished.result.value.frames
            else:
                self._give_up(clip, problem.message, problem.kind, finished.tries)
            self._progress("clips", len(self._records) - already, len(left))

    def _clip_tasks(self, left: list[Clip]) -> Iterator[ClipTask]:
        for clip in left:
            places = [("source", clip.source.id), ("driving", clip.driving.id)]
            blind = next((place for place in places if place in self._blind), None)
            if blind is None:
                yield ClipTask(clip, self._seen[places[0]], self._seen[places[1]])
            else:
                message, kind, tries = self._blind[blind]
                self._give_up(clip, f"{blind[0]} {blind[1]}: {message}", kind, tries)

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
            inputs_seen=self._analysed,
            inputs_failed=len(self._blind),
            frames=self._frames,
            seconds=seconds,
            retried=self._tally.retried,
            peak_worker_bytes=self._tally.peak_bytes,
            tasks_of_worker=dict(sorted(self._tally.tasks_of_worker.items())),
            errors=list(dict.fromkeys(record.error for record in failed)),
        )
