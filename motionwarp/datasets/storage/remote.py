"""Storage that fsspec reaches: object stores such as S3 and GCS, and its file system in memory.

Object stores have no folders that could be renamed, but every object appears whole. A folder is therefore written file
by file, and a file that is named beforehand comes last and tells that all are there.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from motionwarp.datasets.scratch import scratch_folder
from motionwarp.datasets.storage.base import Pending, Storage
from motionwarp.errors import InputError, MissingExtraError, OutputError, StorageError

_EXTRAS: Final = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
# stores without folders: to make one there would make a bucket, perhaps one of a mistyped name
_BUCKETS: Final = frozenset((*_EXTRAS, "abfs", "abfss", "az", "adl", "oss", "oci"))


class RemoteStorage(Storage):
    """A folder of a file system of fsspec.

    Raises
    ------
    MissingExtraError
        If the driver for the address is not installed.
    InputError
        If there is no such kind of address.
    """

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")
        protocol = root.split("://", 1)[0]
        self._has_folders = protocol not in _BUCKETS
        import fsspec

        try:
            self._files: Any
            self._files, self._base = fsspec.core.url_to_fs(self.root)
        except ImportError as error:
            install = f"'motionwarp[{_EXTRAS[protocol]}]'" if protocol in _EXTRAS else "what fsspec asks for"
            raise MissingExtraError(
                f"reading and writing {protocol}:// needs packages that are not installed ({error})",
                subject=root,
                remedy=f"Install them with: pip install {install}",
            ) from error
        except ValueError as error:
            raise InputError(f"is not an address that can be reached ({error})", subject=root) from error

    def _path(self, name: str) -> str:
        return f"{self._base}/{name}".rstrip("/") if name else self._base

    @contextmanager
    def _asked(self, name: str) -> Iterator[None]:
        """Turn what drivers raise where a store does not answer or refuses us into an error of ours."""
        try:
            yield
        except (OSError, StorageError):
            raise  # a file that is missing, or may not be read: drivers say so as local files do
        except Exception as error:
            raise StorageError(
                f"cannot be reached ({type(error).__name__}: {error})",
                subject=self.address(name),
                remedy="Check the address, your credentials and the network; then run again",
            ) from error

    @contextmanager
    def _written(self, name: str) -> Iterator[None]:
        try:
            with self._asked(name):
                yield
        except OSError as error:
            raise OutputError(
                f"writing failed ({error})",
                subject=self.address(name),
                remedy="Check the address and your rights to it",
            ) from error
        self._files.invalidate_cache()

    def _make_folder_of(self, name: str) -> None:
        if self._has_folders:
            self._files.makedirs(posixpath.dirname(self._path(name)), exist_ok=True)

    def read(self, name: str) -> bytes:
        """Return a file's content; see `Storage.read`."""
        with self._asked(name):
            return bytes(self._files.cat_file(self._path(name)))

    def open(self, name: str) -> BinaryIO:
        """Open a file; see `Storage.open`."""
        with self._asked(name):
            return cast(BinaryIO, self._files.open(self._path(name), "rb"))

    def write(self, name: str, content: bytes) -> None:
        """Write an object, which is a single step; see `Storage.write`."""
        with self._written(name):
            self._make_folder_of(name)
            self._files.pipe_file(self._path(name), content)

    def create(self, name: str, content: bytes) -> bool:
        """Write an object unless there is one; see `Storage.create`.

        S3, Google's storage and fsspec's memory do both in one step. Where a driver cannot, two that create one object
        within the same moment may both be told that they did.
        """
        self._files.invalidate_cache()
        try:
            with self._asked(name):
                self._make_folder_of(name)
                self._files.pipe_file(self._path(name), content, mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            raise OutputError(
                f"writing failed ({error})",
                subject=self.address(name),
                remedy="Check the address and your rights to it",
            ) from error
        self._files.invalidate_cache()
        return self.read(name) == content

    def exists(self, name: str) -> bool:
        """Tell whether it is there; see `Storage.exists`."""
        with self._asked(name):
            return bool(self._files.exists(self._path(name)))

    def stamp(self, name: str) -> str:
        """Return what the store knows of the object's version; see `Storage.stamp`."""
        with self._asked(name):
            info = self._files.info(self._path(name))
        kept = {
            key: str(info[key])
            for key in ("size", "ETag", "etag", "mtime", "LastModified", "created", "updated")
            if key in info
        }
        return hashlib.sha256(repr(sorted(kept.items())).encode()).hexdigest()

    def size(self, name: str) -> int:
        """Return a file's bytes; see `Storage.size`."""
        with self._asked(name):
            return int(self._files.size(self._path(name)) or 0)  # folders have none

    def names(self, folder: str) -> list[str]:
        """List a folder; see `Storage.names`."""
        self._files.invalidate_cache()
        try:
            with self._asked(folder):
                found = self._files.ls(self._path(folder), detail=False)
        except FileNotFoundError:
            return []
        return sorted({posixpath.basename(name.rstrip("/")) for name in found} - {""})

    def walk(self, folder: str = "") -> list[str]:
        """List all files; see `Storage.walk`."""
        self._files.invalidate_cache()
        start = len(self._path("")) + 1
        with self._asked(folder):
            return sorted(name[start:] for name in self._files.find(self._path(folder)))

    def remove(self, name: str) -> None:
        """Remove it; see `Storage.remove`."""
        with self._written(name):
            if self._files.exists(self._path(name)):
                self._files.rm(self._path(name), recursive=True)

    def clear_pending(self) -> None:
        """Do nothing: what is half written lies on its writer's machine; see `Storage.clear_pending`."""
        return

    def address(self, name: str) -> str:
        """Return the address; see `Storage.address`."""
        return name if "://" in name or os.path.isabs(name) else f"{self.root}/{name}".rstrip("/")

    def free_bytes(self) -> int | None:
        """Tell nothing; see `Storage.free_bytes`."""
        return None

    def local_path(self, name: str, scratch: Path) -> Path:
        """Return a copy's path; see `Storage.local_path`."""
        target = scratch / hashlib.sha256(self.address(name).encode()).hexdigest()[:16] / posixpath.basename(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._asked(name):
            self._files.get_file(self._path(name), str(target))
        return target

    def pending_file(self, name: str) -> Pending:
        """Return a file that is uploaded; see `Storage.pending_file`."""
        return _RemotePendingFile(self, name)

    def put(self, local: Path, name: str) -> None:
        """Upload a file; OutputError or StorageError where that fails."""
        with self._written(name):
            self._make_folder_of(name)
            self._files.put_file(str(local), self._path(name))

    def pending_folder(self, name: str, last: str) -> Pending:
        """Return a folder that is uploaded, `last` at the end; see `Storage.pending_folder`."""
        return _RemotePending(self, name, last)


class _RemotePendingFile(Pending):
    def __init__(self, storage: RemoteStorage, name: str) -> None:
        self._storage, self._name = storage, name
        self._folder = scratch_folder("upload")
        self.path = self._folder / posixpath.basename(name)

    def commit(self) -> None:
        """Upload it; see `Pending.commit`."""
        self._storage.put(self.path, self._name)

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


class _RemotePending(Pending):
    def __init__(self, storage: RemoteStorage, name: str, last: str) -> None:
        self._storage, self._name, self._last = storage, name, last
        self.path = scratch_folder("upload")

    def commit(self) -> None:
        """Upload all files; see `Pending.commit`."""
        files = sorted(file.relative_to(self.path).as_posix() for file in self.path.rglob("*") if file.is_file())
        if self._storage.exists(f"{self._name}/{self._last}"):
            return
        for file in sorted(files, key=lambda file: file == self._last):
            self._storage.put(self.path / file, f"{self._name}/{file}")
