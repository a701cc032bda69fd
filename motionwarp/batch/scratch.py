"""Folders of this machine for copies and for what waits to be uploaded, and the removal of those whose process was killed."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from os import getpid
from pathlib import Path
from typing import Final

from motionwarp.batch.processes import process_birth, process_runs

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
