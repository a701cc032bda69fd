"""One run at a time in one data set, and a lock that a run which was killed does not leave behind for ever.

A lock that nobody holds any more is not removed, since who removes it may remove that of another run which has done so
in the same moment. It is replaced, by the one run that holds the claim to it: a lock again, named after the very
content that is replaced.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Final

from motionwarp.datasets.scratch import process_birth, process_runs
from motionwarp.datasets.storage.base import Storage
from motionwarp.errors import MotionwarpError, OutputError

LOCK: Final = ".motionwarp/lock.json"
CLAIMS: Final = ".motionwarp/claims"
_ATTEMPTS: Final = 5
# file systems without hard links show a lock for a moment before its content is there
_MOMENT_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Owner:
    """Who holds a lock.

    Attributes
    ----------
    host : str
    pid : int
    birth : str
        When the process began, as the system counts it, since numbers of processes come again; empty where it does not
        tell.
    token : str
        Token of this very lock.
    """

    host: str
    pid: int
    birth: str
    token: str

    @property
    def may_be_alive(self) -> bool:
        """Whether the process runs, as far as can be told from here: one of another host may always."""
        return self.host != platform.node() or process_runs(self.pid, self.birth)


class DatasetLock:
    """Holds a data set while it is a context manager.

    Attributes
    ----------
    token : str
        Token of this lock: who reads it in the lock's file sees the same storage.

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
        self.token = secrets.token_hex(8)
        owner = Owner(platform.node(), os.getpid(), process_birth(os.getpid()), self.token)
        self._content = json.dumps(asdict(owner), sort_keys=True).encode()

    def __enter__(self) -> DatasetLock:
        self._take(LOCK)
        self._storage.remove(CLAIMS)  # also those of runs that were killed while they held one
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(OSError, MotionwarpError):
            # not that of a run which took over by force
            if self._storage.read(LOCK) == self._content:
                self._storage.remove(LOCK)

    def _take(self, name: str) -> None:
        """Make our own content that of a lock; OutputError if somebody holds it."""
        for _ in range(_ATTEMPTS):
            if self._storage.create(name, self._content):
                return
            held = self._held(name)
            if held is not None and self._replaced(name, held):
                return
        raise OutputError(
            "other runs take the lock all the time", subject=self._storage.root, remedy="Wait until they have ended"
        )

    def _held(self, name: str) -> bytes | None:
        """Return a lock's content if nobody has a right to it any more, None if it is gone.

        OutputError if somebody has.
        """
        try:
            content = self._storage.read(name)
            if owner_of(content) is None:
                time.sleep(_MOMENT_SECONDS)
                content = self._storage.read(name)
        except FileNotFoundError:
            return None
        owner = owner_of(content)
        # never a claim by force: two runs that break one lock must not both get it
        if owner is not None and owner.may_be_alive and not (self._force and name == LOCK):
            elsewhere = owner.host != platform.node()
            raise OutputError(
                f"another run is writing here: process {owner.pid} on {owner.host}",
                subject=self._storage.root,
                remedy="Wait until it has ended, or choose another output"
                + (", or give `break_lock` if that host is gone" if elsewhere else ""),
            )
        return content

    def _replaced(self, name: str, held: bytes) -> bool:
        """Replace a lock that nobody holds, unless another run has done so meanwhile; return whether it was done."""
        claim = f"{CLAIMS}/{hashlib.sha256(held).hexdigest()[:16]}.json"
        self._take(claim)
        try:
            if self._storage.read(name) != held:
                return False
            self._storage.write(name, self._content)
            return True
        except FileNotFoundError:
            return False
        finally:
            self._storage.remove(claim)


def owner_of(content: bytes) -> Owner | None:
    """Return who wrote a lock; None if it is damaged."""
    try:
        owner = Owner(**json.loads(content))
    except (ValueError, TypeError):
        return None
    return owner if isinstance(owner.pid, int) and isinstance(owner.host, str) else None
