"""Where a data set and its inputs lie: a folder, or whatever fsspec reaches."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


class Storage(ABC):
    """A tree of files by names with `/`.

    Attributes
    ----------
    root : str
        As it was given; `open_storage(root)` opens the same one in another process.
    """

    root: str

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return a file's content; FileNotFoundError if there is none."""

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """Open a file for reading; FileNotFoundError if there is none."""

    @abstractmethod
    def write(self, name: str, content: bytes) -> None:
        """Write a file, which appears whole or not at all, in place of any other; OutputError where that fails."""

    @abstractmethod
    def create(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one; return whether it was written."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Return whether there is such a file or folder."""

    @abstractmethod
    def stamp(self, name: str) -> str:
        """Return a text that changes when a file does, without reading it; FileNotFoundError if there is none."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Return a file's bytes; FileNotFoundError if there is none."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """Return the names, without the folder's, of what lies directly in a folder, in order.

        None if it is missing.
        """

    @abstractmethod
    def walk(self, folder: str = "") -> list[str]:
        """Return the names of all files in a folder and those within, in order, with paths from the root."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file or a folder with all that is in it; does nothing if there is none."""

    @abstractmethod
    def clear_pending(self) -> None:
        """Remove what killed runs left half written.

        Nothing of it can appear any more, even if its writer still lives.
        """

    @abstractmethod
    def address(self, name: str) -> str:
        """Return the path or address by which a file of this storage is opened from elsewhere; absolute ones stay.

        That of '' is the storage's own, by which other processes, whose working folder may be another, open it.
        """

    @abstractmethod
    def free_bytes(self) -> int | None:
        """Return how much more can be written; None where that is not known."""

    @abstractmethod
    def local_path(self, name: str, scratch: Path) -> Path:
        """Return a path on this machine with the file's content: its own, or of a copy in `scratch`."""

    @abstractmethod
    def pending_file(self, name: str) -> Pending:
        """Return a file on this machine whose content appears as `name`, in place of any other, when it is committed.

        For what is too large to be held in memory.
        """

    def check_writable(self) -> None:  # noqa: B027 - a store elsewhere tells only when it is written to
        """Refuse a place that may not be written to, as far as that can be told without writing.

        OutputError where it may not.
        """

    @abstractmethod
    def pending_folder(self, name: str, last: str) -> Pending:
        """Return a folder on this machine whose content appears as the folder `name` when it is committed.

        Where folders cannot appear in a single step, the file `last` appears after all others. A folder without it is
        no folder that was committed, and is replaced.
        """


class Pending(ABC):
    """A file or folder that is not there yet.

    As a context manager it removes what was written unless `commit` was called.

    Attributes
    ----------
    path : Path
        Where to write.
    """

    path: Path

    @abstractmethod
    def commit(self) -> None:
        """Let it appear; if another process has made the folder meanwhile, theirs stays.

        OutputError where that fails.
        """

    def __enter__(self) -> Pending:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            self.path.unlink()


def file_name(address: str) -> str:
    """Return the last part of a path or address."""
    return address.rpartition("/")[2] if "://" in address else Path(address).name


def printable(text: str) -> str:
    """Return a text that every file can hold: what is not UTF-8 in the names of files is written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode()
