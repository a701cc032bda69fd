"""Local folders for copies and for what waits to be uploaded, and the removal of those of killed processes."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from os import getpid
from pathlib import Path
from typing import Final


def process_runs(pid: int, birth: str = "") -> bool:
    """Return whether a process runs on this host.

    Parameters
    ----------
    pid : int
    birth : str
        As `process_birth` told it when it ran, since numbers of processes come again; empty where it was not told.
    """
    if pid <= 0 or not _number_runs(pid):
        return False
    return not birth or process_birth(pid) in (birth, "")


def _number_runs(pid: int) -> bool:
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


_NAME: Final = re.compile(r"motionwarp-[a-z]+-(\d+)-(\d*)-[0-9a-f]+")


def scratch_folder(purpose: str) -> Path:
    """Make a folder for this process alone.

    Parameters
    ----------
    purpose : str
        A word in lower case, for who looks at the folder.
    """
    folder = scratch_name(purpose)
    folder.mkdir(mode=0o700)
    return folder


def scratch_name(purpose: str) -> Path:
    """Return the path of such a folder without making it."""
    pid = getpid()
    return Path(tempfile.gettempdir()) / f"motionwarp-{purpose}-{pid}-{process_birth(pid)}-{secrets.token_hex(6)}"


def remove_abandoned() -> None:
    """Remove the folders of processes that have ended without doing so themselves."""
    for folder in Path(tempfile.gettempdir()).glob("motionwarp-*"):
        found = _NAME.fullmatch(folder.name)
        if found is not None and not process_runs(int(found.group(1)), found.group(2)):
            shutil.rmtree(folder, ignore_errors=True)
