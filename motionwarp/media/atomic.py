"""Outputs that appear whole or not at all.

An output is written beside its target under a temporary name and moved there at the end. Beside, since only within one
file system is the move a single step.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from motionwarp.errors import OutputError

_FULL = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG")
    if hasattr(errno, name)  # EDQUOT is missing on Windows
)
_REFUSED = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))


def write_failure(error: Exception, target: str | Path) -> OutputError:
    """Return the error to raise where writing `target` failed with `error`, of the system or with FFmpeg's errno."""
    number = getattr(error, "errno", None)
    if number in _FULL:
        return OutputError("the disk is full", subject=target, remedy="Free some space or write elsewhere")
    if number in _REFUSED:
        return OutputError(
            "the folder may not be written to", subject=target, remedy="Check its permissions or write elsewhere"
        )
    reason = getattr(error, "strerror", None) or error
    return OutputError(f"writing failed ({reason})", subject=target, remedy="Check the path and the disk")


def is_same_file(one: Path, other: Path) -> bool:
    """Tell whether two paths name the same file or folder, links resolved; missing ones are compared by name."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)


def check_target(target: Path, *, overwrite: bool, inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Refuse a file that must not or cannot be written, before any work is done for it.

    Parameters
    ----------
    target : Path
        The file to be.
    overwrite : bool
        Whether it may exist.
    inputs : iterable of paths
        Files that are being read, which the target must not be even with `overwrite`.

    Raises
    ------
    OutputError
        If it is an input, a directory, exists without `overwrite`, or its folder is missing or not writable.
    """
    for source in inputs:
        if is_same_file(target, Path(source)):
            raise OutputError(
                "the output is also an input", subject=target, remedy="Choose another name for the output"
            )
    if target.is_dir():
        raise OutputError("this is a directory", subject=target, remedy="Give the name of a file")
    if not overwrite and os.path.lexists(target):
        raise OutputError(
            "the file exists already", subject=target, remedy="Choose another name, or allow overwriting it"
        )
    check_folder(target.absolute().parent, target)


def check_folder(folder: Path, target: Path) -> None:
    """Refuse a `folder` for `target` that is missing, no folder, or not writable, with an OutputError."""
    if not folder.exists():
        raise OutputError(f"the folder {folder} does not exist", subject=target, remedy="Create it first")
    if not folder.is_dir():
        raise OutputError(f"{folder} is not a folder", subject=target, remedy="Choose another place")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(
            "the folder may not be written to", subject=target, remedy="Check its permissions or write elsewhere"
        )


def temporary_name(target: Path) -> Path:
    """Return a name beside `target` that nothing else has: hidden, and with an ending of its own."""
    return target.with_name(f".{target.name[:80]}.{secrets.token_hex(6)}.part")


class PendingFile:
    """A file that is not there yet: written at `path`, it appears as `target` on `commit`, or never.

    As a context manager it removes what was written unless `commit` was called, whatever ended the block.

    Parameters
    ----------
    target : Path
    overwrite : bool
        Whether an existing file may be replaced.
    inputs : iterable of paths
        As for `check_target`.

    Raises
    ------
    OutputError
        As for `check_target`.
    """

    def __init__(self, target: Path, *, overwrite: bool, inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
        check_target(target, overwrite=overwrite, inputs=inputs)
        self.target = target
        self.path = temporary_name(target)
        self._overwrite = overwrite

    def commit(self) -> None:
        """Move the file into place.

        Raises
        ------
        OutputError
            If that fails, or another program has made the target in the meantime.
        """
        try:
            _flush_to_disk(self.path)
            if self._overwrite:
                os.replace(self.path, self.target)
            else:
                _move_to_free_name(self.path, self.target)
        except FileExistsError as error:
            raise OutputError(
                "the file has been made by another program meanwhile",
                subject=self.target,
                remedy="Choose another name, or allow overwriting it",
            ) from error
        except OSError as error:
            raise write_failure(error, self.target) from error

    def discard(self) -> None:
        """Remove what has been written so far; does nothing after `commit`."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    def __enter__(self) -> PendingFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.discard()


def write_text_whole(target: Path, text: str, *, overwrite: bool) -> None:
    """Write a text file in UTF-8, with newlines as they are.

    Raises
    ------
    OutputError
        If it exists without `overwrite`, or cannot be written.
    """
    with PendingFile(target, overwrite=overwrite) as pending:
        try:
            pending.path.write_bytes(text.encode("utf-8"))
        except OSError as error:
            raise write_failure(error, target) from error
        pending.commit()


def _flush_to_disk(path: Path) -> None:
    """Wait until the file is on the disk: a full disk shows now, and a crash cannot leave a hollow file."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _move_to_free_name(path: Path, target: Path) -> None:
    """Move without replacing: a hard link fails where the name is taken, a rename would not."""
    try:
        os.link(path, target)
    except FileExistsError:
        raise
    except OSError:
        # file systems without hard links (FAT, some network shares)
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        os.rename(path, target)
        return
    path.unlink()
