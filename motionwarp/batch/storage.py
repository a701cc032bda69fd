"""Where a data set and its inputs lie: a folder, or whatever fsspec reaches."""

from __future__ import annotations

import os
import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from motionwarp.media.atomic import temporary_name, write_failure

PENDING: Final = ".motionwarp/pending"
_TRASH: Final = "trash-"


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
        """Return the names, without the folder's, of what lies directly in a folder, in order; none if it is missing."""

    @abstractmethod
    def walk(self, folder: str = "") -> list[str]:
        """Return the names of all files in a folder and those within, in order, with paths from the root."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file or a folder with all that is in it; does nothing if there is none."""

    @abstractmethod
    def clear_pending(self) -> None:
        """Remove what killed runs left half written; nothing of it can appear any more, even if its writer still lives."""

    @abstractmethod
    def address(self, name: str) -> str:
        """Return the path or address by which a file of this storage is opened from elsewhere; absolute ones stay."""

    @abstractmethod
    def local_path(self, name: str, scratch: Path) -> Path:
        """Return a path on this machine with the file's content: its own, or of a copy in `scratch`."""

    @abstractmethod
    def pending_file(self, name: str) -> Pending:
        """Return a file on this machine whose content appears as `name`, in place of any other, when it is committed.

        For what is too large to be held in memory.
        """

    @abstractmethod
    def pending_folder(self, name: str, last: str) -> Pending:
        """Return a folder on this machine whose content appears as the folder `name` when it is committed.

        Where folders cannot appear in a single step, the file `last` appears after all others.
        """


class Pending(ABC):
    """A file or folder that is not there yet; as a context manager it removes what was written unless `commit` was called.

    Attributes
    ----------
    path : Path
        Where to write.
    """

    path: Path

    @abstractmethod
    def commit(self) -> None:
        """Let it appear; if another process has made the folder meanwhile, theirs stays. OutputError where that fails."""

    def __enter__(self) -> Pending:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            self.path.unlink()


class LocalStorage(Storage):
    """A folder of this machine, or one that it has mounted."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.folder = Path(root)

    def read(self, name: str) -> bytes:
        """Return a file's content; see `Storage.read`."""
        return (self.folder / name).read_bytes()

    def open(self, name: str) -> BinaryIO:
        """Open a file; see `Storage.open`."""
        return (self.folder / name).open("rb")

    def write(self, name: str, content: bytes) -> None:
        """Write beside the target and move into place; see `Storage.write`."""
        with self._written(name, content) as (part, target):
            os.replace(part, target)
            flush_folder(target.parent)

    def create(self, name: str, content: bytes) -> bool:
        """Write beside the target and link, which fails where the name is taken; see `Storage.create`."""
        with self._written(name, content) as (part, target):
            try:
                os.link(part, target)
            except FileExistsError:
                return False
            except OSError:  # no hard links here: less safe against a crash between the two steps, but exclusive all the same
                try:
                    with target.open("xb") as file:
                        file.write(content)
                except FileExistsError:
                    return False
        return True

    @contextmanager
    def _written(self, name: str, content: bytes) -> Iterator[tuple[Path, Path]]:
        target = self.folder / name
        # a run that is killed leaves its part there, where the next run removes it
        part = temporary_name(self.folder / PENDING / target.name)
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield part, target
        except OSError as error:
            raise write_failure(error, target) from error
        finally:
            with suppress(OSError):
                part.unlink()

    def exists(self, name: str) -> bool:
        """Tell whether it is there; see `Storage.exists`."""
        return (self.folder / name).exists()

    def stamp(self, name: str) -> str:
        """Return size and time of the last change; see `Storage.stamp`."""
        path = self.folder / name
        if path.is_dir():
            return " ".join(f"{file}:{self.stamp(file)}" for file in self.walk(name))
        status = path.stat()
        return f"{status.st_size}-{status.st_mtime_ns}"

    def size(self, name: str) -> int:
        """Return a file's bytes; see `Storage.size`."""
        return (self.folder / name).stat().st_size

    def names(self, folder: str) -> list[str]:
        """List a folder; see `Storage.names`."""
        try:
            return sorted(os.listdir(self.folder / folder))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def walk(self, folder: str = "") -> list[str]:
        """List all files; see `Storage.walk`."""
        found = []
        for place, _, files in os.walk(self.folder / folder):
            found += [(Path(place) / file).relative_to(self.folder).as_posix() for file in files]
        return sorted(found)

    def remove(self, name: str) -> None:
        """Remove it; see `Storage.remove`."""
        path = self.folder / name
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise write_failure(error, path) from error

    def clear_pending(self) -> None:
        """Move it out of its writers' reach in a single step, then remove it; see `Storage.clear_pending`."""
        pending = self.folder / PENDING
        with suppress(FileNotFoundError):
            os.rename(pending, pending.with_name(f"{_TRASH}{secrets.token_hex(6)}"))
        for trash in pending.parent.glob(f"{_TRASH}*"):
            shutil.rmtree(trash, ignore_errors=True)

    def address(self, name: str) -> str:
        """Return the absolute path; see `Storage.address`."""
        return name if "://" in name else str((self.folder / name).absolute())

    def local_path(self, name: str, scratch: Path) -> Path:
        """Return the file's own path; see `Storage.local_path`."""
        return self.folder / name

    def pending_file(self, name: str) -> Pending:
        """Return a file on the same file system; see `Storage.pending_file`."""
        return _LocalPendingFile(self.folder / name, temporary_name(self.folder / PENDING / Path(name).name))

    def pending_folder(self, name: str, last: str) -> Pending:
        """Return a folder on the same file system; see `Storage.pending_folder`."""
        return _LocalPending(self.folder / name, temporary_name(self.folder / PENDING / Path(name).name))


class _LocalPendingFile(Pending):
    def __init__(self, target: Path, path: Path) -> None:
        self.target, self.path = target, path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_failure(error, target) from error

    def commit(self) -> None:
        """Flush the file to the disk, then rename; see `Pending.commit`."""
        try:
            with self.path.open("rb+") as stream:
                os.fsync(stream.fileno())
            os.replace(self.path, self.target)
            flush_folder(self.target.parent)
        except OSError as error:
            raise write_failure(error, self.target) from error


class _LocalPending(Pending):
    def __init__(self, target: Path, path: Path) -> None:
        self.target, self.path = target, path
        try:
            path.mkdir(parents=True)
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_failure(error, target) from error

    def commit(self) -> None:
        """Flush all files to the disk, then rename; see `Pending.commit`."""
        try:
            for file in sorted(self.path.rglob("*")):
                if file.is_file():
                    with file.open("rb+") as stream:
                        os.fsync(stream.fileno())
                else:
                    flush_folder(file)
            flush_folder(self.path)
            os.rename(self.path, self.target)
            flush_folder(self.target.parent)
        except OSError as error:
            if not self.target.is_dir():
                raise write_failure(error, self.target) from error


def flush_folder(folder: Path) -> None:
    """Wait until a folder's list of names is on the disk, where the system can do that."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network file systems refuse it for folders
        pass
    finally:
        os.close(handle)


def open_storage(root: str) -> Storage:
    """Return the storage at a path, or at an address such as s3://bucket/folder.

    Raises
    ------
    MissingExtraError
        If the address needs a package that is not installed.
    """
    if "://" not in root:
        return LocalStorage(root)
    # imported where it is needed: local paths need nothing extra
    from motionwarp.batch.storage_remote import RemoteStorage

    return RemoteStorage(root)


def split_address(address: str) -> tuple[Storage, str]:
    """Return the storage of the folder in which a file lies, and the file's name there."""
    if "://" in address:
        folder, _, name = address.rpartition("/")
        return open_storage(folder), name
    path = Path(address)
    return LocalStorage(str(path.parent)), path.name
