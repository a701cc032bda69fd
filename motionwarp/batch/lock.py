"""One run at a time in one data set, and a lock that a run which was killed does not leave behind for ever."""

from __future__ import annotations

import json
import os
import platform
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from motionwarp.batch.storage import Storage
from motionwarp.errors import OutputError

LOCK: Final = ".motionwarp/lock.json"


@dataclass(frozen=True)
class Owner:
    """Who holds a lock.

    Attributes
    ----------
    host : str
    pid : int
    birth : str
        When the process began, as the system counts it, since numbers of processes come again; empty where it does not tell.
    token : str
        Of this very lock.
    """

    host: str
    pid: int
    birth: str
    token: str

    @property
    def may_be_alive(self) -> bool:
        """Whether the process runs, as far as can be told from here: one of another host may always."""
        if self.host != platform.node():
            return True
        return process_runs(self.pid) and (not self.birth or process_birth(self.pid) in (self.birth, ""))


class DatasetLock:
    """Holds a data set while it is a context manager.

    Parameters
    ----------
    storage : Storage
    force : bool
        Take the lock whoever has it: for the lock of a host that is gone.

    Raises
    ------
    OutputError
        If another run holds it, named by host and process.
    """

    def __init__(self, storage: Storage, *, force: bool = False) -> None:
        self._storage, self._force = storage, force
        self._owner = Owner(platform.node(), os.getpid(), process_birth(os.getpid()), secrets.token_hex(8))

    def __enter__(self) -> DatasetLock:
        content = json.dumps(asdict(self._owner), sort_keys=True).encode()
        for _ in range(3):
            if self._storage.create(LOCK, content):
                return self
            self._clear_if_stale()
        raise OutputError("other runs take the lock all the time", subject=self._storage.root, remedy="Wait until they have ended")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        with suppress(OSError, ValueError, OutputError):
            # not that of a run which took over by force
            if self._read() == self._owner:
                self._storage.remove(LOCK)

    def _read(self) -> Owner | None:
        """Return who holds the lock; None if it is gone."""
        try:
            return Owner(**json.loads(self._storage.read(LOCK)))
        except FileNotFoundError:
            return None

    def _clear_if_stale(self) -> None:
        try:
            owner = self._read()
        except (ValueError, TypeError):
            owner = Owner(platform.node(), 0, "", "")  # damaged: nobody whose process could be asked
        if owner is None:
            return
        if owner.may_be_alive and not self._force:
            elsewhere = owner.host != platform.node()
            raise OutputError(
                f"another run is writing here: process {owner.pid} on {owner.host}",
                subject=self._storage.root,
                remedy="Wait until it has ended, or choose another output"
                + (", or give --break-lock if that host is gone" if elsewhere else ""),
            )
        self._storage.remove(LOCK)


def process_runs(pid: int) -> bool:
    """Return whether there is a process of this number on this host."""
    if pid <= 0:
        return False
    if os.name == "nt":
        return _windows_process_runs(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(pid) != "Z"  # a process that has ended, but whose parent has not asked for it


def _windows_process_runs(pid: int) -> bool:
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == 259  # STILL_ACTIVE


def process_birth(pid: int) -> str:
    """Return when a process began, in the kernel's ticks since it started; empty where the system does not tell."""
    fields = _status_fields(pid)
    return fields[19] if len(fields) > 19 else ""


def _state(pid: int) -> str:
    fields = _status_fields(pid)
    return fields[0] if fields else ""


def _status_fields(pid: int) -> list[str]:
    """Return the fields of Linux's /proc/PID/stat behind the process's name, which may hold anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
