"""Whose file is whose: folders of browsers and of their tabs, and what was uploaded by whom."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from motionwarp.datasets.items import safe_id
from motionwarp.errors import InputError
from motionwarp.ui.dataset_queue import QueuedSet
from motionwarp.ui.jobs import Job

_TABS: Final = "tabs"
_PATIENCE_SECONDS: Final = 10.0


@dataclass(eq=False)
class Tab:
    """One opened page.

    Attributes
    ----------
    folder : Path
        For all that is made for it.
    jobs : dict of str to Job
        The newest of every kind.
    sets : dict of str to QueuedSet
        The queue of data sets, by name.
    questions : int
        How often it was asked what to expect: only the newest question is answered.
    expected : dict of str to float
        What the stages of a transfer of what is chosen take, in seconds; empty while nothing was measured.
    closed : bool
        Whether nobody looks at it any more: nothing is begun for it then.
    """

    folder: Path
    jobs: dict[str, Job] = field(default_factory=dict)
    sets: dict[str, QueuedSet] = field(default_factory=dict)
    questions: int = 0
    expected: dict[str, float] = field(default_factory=dict)
    closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """Begin something for the tab within the block; it is not closed meanwhile.

        Raises
        ------
        InputError
            If it was closed before.
        """
        with self._lock:
            if self.closed:
                raise InputError("this page was closed", remedy="Open it again")
            yield

    def close(self) -> None:
        """End all jobs and remove all files."""
        with self._lock:
            self.closed = True
            jobs = [*self.jobs.values(), *(queued.job for queued in self.sets.values())]
        for job in jobs:
            job.cancel()
        for job in jobs:
            job.wait(_PATIENCE_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_folder(self, kind: str) -> Path:
        """Return a folder of its own for a job; it is not made yet."""
        return self.folder / f"{kind}-{secrets.token_hex(4)}"

    def cancel(self, kind: str) -> None:
        """End the newest job of a kind, if there is one."""
        if (job := self.jobs.get(kind)) is not None:
            job.cancel()


class Sessions:
    """Browsers, told apart by a key that each keeps in a cookie, and their tabs.

    Parameters
    ----------
    root : Path
        A folder of this program alone, where the page's library keeps uploads, too.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self._lock = threading.Lock()
        self._tabs: dict[tuple[str, str], Tab] = {}
        self._uploads: dict[str, set[str]] = {}
        self._closed: set[str] = set()

    def new_key(self) -> str:
        """Return a key that nobody can guess."""
        return secrets.token_urlsafe(24)

    def tab(self, key: str, name: str) -> Tab:
        """Return the tab of a browser, made when it is first asked for."""
        with self._lock:
            if name in self._closed:  # what it had asked for before comes late
                return Tab(self._home(key) / safe_id(name), closed=True)
            if (key, name) not in self._tabs:
                folder = self._home(key) / safe_id(name)
                folder.mkdir(parents=True, exist_ok=True)
                self._tabs[key, name] = Tab(folder)
            return self._tabs[key, name]

    def close_tab(self, name: str) -> None:
        """End a tab's jobs and remove its files; with a browser's last tab, also what it has uploaded."""
        with self._lock:
            gone = {place: tab for place, tab in self._tabs.items() if place[1] == name}
            self._closed.add(name)
            for place in gone:
                del self._tabs[place]
            left = {key for key, _ in self._tabs}
            forgotten = [path for key, _ in gone if key not in left for path in self._uploads.pop(key, ())]
            kept = {path for paths in self._uploads.values() for path in paths}
        for tab in gone.values():
            tab.close()
            with suppress(OSError):
                tab.folder.parent.rmdir()
        for path in forgotten:
            if path not in kept:  # the same file of two browsers is stored once
                Path(path).unlink(missing_ok=True)
                with suppress(OSError):
                    Path(path).parent.rmdir()  # each upload has a folder of its own

    def uploaded(self, key: str, paths: list[str]) -> None:
        """Remember who has uploaded files."""
        with self._lock:
            self._uploads.setdefault(key, set()).update(os.path.realpath(path) for path in paths)

    def uploaded_bytes(self, key: str) -> int:
        """Return how much a browser has uploaded and not given up yet."""
        with self._lock:
            paths = list(self._uploads.get(key, ()))
        return sum(os.path.getsize(path) for path in paths if os.path.exists(path))

    def may_see(self, key: str, path: str) -> bool:
        """Tell whether a file is a browser's own: uploaded by it, or made for it."""
        real = os.path.realpath(path)
        with self._lock:
            if real in self._uploads.get(key, ()):
                return True
        home = str(self._home(key))
        return real.startswith(home + os.sep)

    def own(self, key: str, path: str) -> Path:
        """Return a file that a browser says to have uploaded.

        Raises
        ------
        InputError
            If it is not its own.
        """
        if not self.may_see(key, path):
            raise InputError("is no file of this page", subject=Path(path).name, remedy="Upload it again")
        return Path(path)

    def close(self) -> None:
        """Remove everything."""
        with self._lock:
            self._tabs.clear()
            self._uploads.clear()
        shutil.rmtree(self.root, ignore_errors=True)

    def _home(self, key: str) -> Path:
        # the key itself must not show in addresses of files
        return self.root / _TABS / hashlib.sha256(key.encode()).hexdigest()[:20]
