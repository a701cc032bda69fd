"""The queue of data sets of one tab: begun, stopped, gone on with, packed for download."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from motionwarp.datasets.items import safe_id
from motionwarp.errors import InputError
from motionwarp.ui.jobs import Job, JobDesk, JobState
from motionwarp.ui.markup import QueueRow
from motionwarp.ui.work import DatasetWork

LANE: Final = "datasets"


@dataclass(frozen=True)
class QueuedSet:
    """A data set of the queue.

    Attributes
    ----------
    name, contents : str
        What it is called, and what goes into it.
    work : DatasetWork
    job : Job
        The newest: going on makes another one of the same work.
    """

    name: str
    contents: str
    work: DatasetWork
    job: Job

    def row(self) -> QueueRow:
        """Return how it stands."""
        return QueueRow(self.name, self.contents, self.job.view())


class DatasetQueue:
    """Adds to and changes a tab's queue.

    Parameters
    ----------
    desk : JobDesk
        With the lane `LANE`.
    folder : Path
        Of the tab.
    sets : mutable mapping of str to QueuedSet
        The tab's; kept by it.
    """

    def __init__(self, desk: JobDesk, folder: Path, sets: MutableMapping[str, QueuedSet]) -> None:
        self._desk, self._folder, self._sets = desk, folder, sets

    def add(self, name: str, people: Sequence[Path], motions: Sequence[Path], work: DatasetWork) -> QueuedSet:
        """Put a data set in the queue.

        Parameters
        ----------
        name : str
            New; what cannot stand in a file's name is replaced.
        people, motions : sequences of Path
            Their files are taken over, so that the set can go on when the uploads are gone.
        work : DatasetWork
            Its folders are given by this.

        Raises
        ------
        InputError
            If the name is taken, or there are no people or no motions.
        """
        word = safe_id(name)
        if word in self._sets:
            raise InputError("there is a data set of this name", subject=word, remedy="Choose another name")
        if not people or not motions:
            raise InputError("a data set needs people and motions", remedy="Add photos and clips")
        home = self._folder / "sets" / word
        placed = replace(work, people=home / "people", motions=home / "motions", output=home / word)
        _take_over(people, placed.people)
        _take_over(motions, placed.motions)
        contents = f"{_counted(len(people), 'photo')}, {_counted(len(motions), 'clip')}"
        self._sets[word] = QueuedSet(word, contents, placed, self._submit(placed, word))
        return self._sets[word]

    def stop(self, name: str) -> None:
        """End the work at a data set; what is made of it is kept."""
        job = self._found(name).job
        job.cancel()
        job.wait(10)

    def resume(self, name: str) -> None:
        """Go on with a data set that was stopped or failed; `InputError` if it runs or is done."""
        queued = self._found(name)
        if queued.job.view().state not in (JobState.CANCELED, JobState.FAILED):
            raise InputError("is not stopped", subject=name, remedy="Only what was stopped or failed can be resumed")
        self._sets[name] = replace(queued, job=self._submit(queued.work, name))

    def remove(self, name: str) -> None:
        """End the work at a data set and delete it."""
        self.stop(name)
        shutil.rmtree(self._folder / "sets" / name, ignore_errors=True)
        del self._sets[name]

    def packed(self, name: str) -> Path:
        """Return a data set that is done as one .zip file; `InputError` if it is not done."""
        queued = self._found(name)
        if queued.job.view().state is not JobState.DONE:
            raise InputError("is not done", subject=name, remedy="Wait for it, or resume it")
        target = queued.work.output.parent / f"{name}.zip"
        if not target.exists():
            _pack(queued.work.output, target)
        return target

    def rows(self) -> list[QueueRow]:
        """Return how all of them stand."""
        return [queued.row() for queued in list(self._sets.values())]

    def _found(self, name: str) -> QueuedSet:
        if name not in self._sets:
            raise InputError("no data set is chosen", remedy="Choose one of the queue")
        return self._sets[name]

    def _submit(self, work: DatasetWork, name: str) -> Job:
        # what the job itself writes is the set, which stays; this folder is for temporary files
        return self._desk.submit(work, LANE, self._folder / f"run-{name}")


def _take_over(files: Sequence[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(files, 1):
        target = folder / file.name
        if target.exists():
            target = folder / f"{file.stem}-{number}{file.suffix}"
        try:
            os.link(file, target)
        except OSError:
            shutil.copyfile(file, target)


def _pack(folder: Path, target: Path) -> None:
    part = target.with_suffix(".part")
    # clips are compressed already
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*")):
            inside = file.relative_to(folder)
            if file.is_file() and not inside.parts[0].startswith("."):
                archive.write(file, Path(folder.name) / inside)
    part.replace(target)


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
