"""Storage in a folder of this machine, or one that it has mounted: files and folders appear by being renamed."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from motionwarp.datasets.storage.base import Pending, Storage
from motionwarp.media.atomic import check_folder, temporary_name, write_failure

PENDING: Final = ".motionwarp/pending"
_TRASH: Final = "trash-"


class LocalStorage(Storage):
    """A folder of this machine, or one that it has mounted."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.folder = Path(root)

    def read(self, name: str) -> bytes:
        """Return a file's content; see `Storage.read`."""
        return (self.folder / name).read_bytes()

    def open(self, name: str) -> BinaryIO:
        """Open a file; see `Storage.open`. Pipes and devices are refused: to open them may take for ever."""
        path = self.folder / name
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        return path.open("rb")

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
            except (
                OSError
            ):  # no hard links here: less safe against a crash between the two steps, but exclusive all the same
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
        for place, _, files in os.walk(self.folder / folder, onerror=_unlisted):
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

    def free_bytes(self) -> int | None:
        """Return what is free on the disk on which the folder is, or would be; see `Storage.free_bytes`."""
        there = self._existing()
        return None if there is None else shutil.disk_usage(there).free

    def check_writable(self) -> None:
        """Refuse a file, and a folder that may not be written to or not be made; see `Storage.check_writable`."""
        there = self._existing()
        if there is not None:
            check_folder(there, self.folder)

    def _existing(self) -> Path | None:
        """Return the folder, or the nearest one above it that there is."""
        folder = self.folder.absolute()
        return next((place for place in (folder, *folder.parents) if place.exists()), None)

    def local_path(self, name: str, scratch: Path) -> Path:
        """Return the file's own path; see `Storage.local_path`."""
        return self.folder / name

    def pending_file(self, name: str) -> Pending:
        """Return a file on the same file system; see `Storage.pending_file`."""
        return _LocalPendingFile(self.folder / name, temporary_name(self.folder / PENDING / Path(name).name))

    def pending_folder(self, name: str, last: str) -> Pending:
        """Return a folder on the same file system; see `Storage.pending_folder`."""
        return _LocalPending(self.folder / name, temporary_name(self.folder / PENDING / Path(name).name), last)


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
    def __init__(self, target: Path, path: Path, last: str) -> None:
        self.target, self.path, self._last = target, path, last
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
            self._appear()
            flush_folder(self.target.parent)
        except OSError as error:
            raise write_failure(error, self.target) from error

    def _appear(self) -> None:
        try:
            os.rename(self.path, self.target)
        except OSError as error:
            if (self.target / self._last).is_file():
                return  # theirs
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            # somebody has taken files out of it
            shutil.rmtree(self.target)
            os.rename(self.path, self.target)


def _unlisted(error: OSError) -> None:
    """Pass over folders that are not there, but not over those that may not be read.

    What is in them would be left out in silence.
    """
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise error


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
