"""All inputs of a run, each looked at once.

Not what an earlier run has seen, nor twice what lies there under two names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from motionwarp.datasets.executors.base import Executor
from motionwarp.datasets.input_notes import (
    AnalyzedItem,
    FailedInput,
    Note,
    checked_note,
    content_sha256,
    item_files,
    write_note,
)
from motionwarp.datasets.items import Item
from motionwarp.datasets.plan import Clip
from motionwarp.datasets.scheduler import Finished, Tally, run_tasks
from motionwarp.datasets.storage.base import Storage
from motionwarp.datasets.storage.factory import split_address
from motionwarp.datasets.worker import SeeTask
from motionwarp.errors import InputError, MotionwarpError

_READERS: Final = 16


class InputSurvey:
    """What is known of a run's inputs.

    Attributes
    ----------
    seen, failed : int
        Inputs that were analyzed in this run, and that are of no use.

    Parameters
    ----------
    storage : Storage
        Storage of the data set.
    tally : Tally
    on_details : callable
        As for `run_tasks`.
    progress : callable
        Told of a stage, what is done of it, and all of it.
    """

    def __init__(
        self,
        storage: Storage,
        tally: Tally,
        on_details: Callable[[str], None],
        progress: Callable[[str, int, int | None], None],
    ) -> None:
        self._storage, self._tally, self._on_details, self._progress = storage, tally, on_details, progress
        self._notes: dict[tuple[str, str], Note] = {}
        self.seen = 0

    @property
    def failed(self) -> int:
        """Inputs that are of no use."""
        return sum(isinstance(note, FailedInput) for note in self._notes.values())

    def note(self, item: Item) -> Note:
        """Return what is known of an input of the clips that were looked over."""
        return self._notes[item.kind, item.id]

    def look(self, executor: Executor, clips: Iterable[Clip], *, of_all: bool) -> None:
        """Have all inputs of clips analyzed that were not yet.

        Parameters
        ----------
        executor : Executor
        clips : iterable of Clip
        of_all : bool
            Whether these are all clips of the data set, so that not one input of use means that there is nothing to do.

        Raises
        ------
        InputError
            If an input has changed since it was analyzed, or `of_all` and not one of a kind is of use.
        """
        items = list({(item.kind, item.id): item for clip in clips for item in (*clip.people, clip.driving)}.values())
        with ThreadPoolExecutor(_READERS) as readers:
            notes = list(readers.map(partial(checked_note, self._storage), items))
        self._notes = {(item.kind, item.id): note for item, note in zip(items, notes, strict=True) if note is not None}
        new = [item for item, note in zip(items, notes, strict=True) if note is None]
        done = 0
        for part in first_and_repeated(new):
            for finished in run_tasks(executor, map(SeeTask, part), self._tally, self._on_details):
                done += 1
                self._keep(finished)
                self._progress("inputs", done, len(new))
        if of_all:
            self._check_use()

    def _keep(self, finished: Finished) -> None:
        assert isinstance(finished.task, SeeTask)
        item, problem = finished.task.item, finished.result.problem
        note: Note
        if problem is None:
            note = finished.result.value
            self.seen += 1
        else:
            note = FailedInput(problem.message, problem.kind, finished.tries)
            write_note(self._storage, item, note)
        self._notes[item.kind, item.id] = note

    def _check_use(self) -> None:
        for kind in ("source", "driving"):
            notes = [note for place, note in self._notes.items() if place[0] == kind]
            if not any(isinstance(note, AnalyzedItem) for note in notes):
                first = next(note.message for note in notes if isinstance(note, FailedInput))
                raise InputError(
                    f"not one {kind} is of use; the first: {first}",
                    remedy="Give other inputs, or mend them and give `retry_failed`",
                )


def first_and_repeated(items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """Split inputs into those with contents of their own, and those whose analysis is there once the first are done.

    Only files of equal sizes are read for that, since no others can be equal.
    """
    with ThreadPoolExecutor(_READERS) as readers:
        looks = list(readers.map(_look, items))
        groups: dict[object, list[Item]] = {}
        for item, look in zip(items, looks, strict=True):
            groups.setdefault(look, []).append(item)
        alike = {item for group in groups.values() if len({item.path for item in group}) > 1 for item in group}
        digests = list(readers.map(lambda item: _contents(item) if item in alike else (), items))
    first: dict[object, Item] = {}
    repeated = []
    for item, look, digest in zip(items, looks, digests, strict=True):
        if first.setdefault((look, digest), item) is not item:
            repeated.append(item)
    return list(first.values()), repeated


def _look(item: Item) -> object:
    """Return all that an analysis depends on but the contents, for which the sizes stand.

    The very input where it cannot be asked.
    """
    sizes = []
    for name, address in item_files(item).items():
        try:
            storage, file = split_address(address)
            sizes.append((name, storage.size(file)))
        except (OSError, MotionwarpError):
            return item
    return item.kind, item.time, item.start, item.end, item.person, item.cast, tuple(sizes)


def _contents(item: Item) -> tuple[str, ...]:
    try:
        return tuple(content_sha256(address) for address in item_files(item).values())
    except MotionwarpError as error:
        return item.id, str(error)
