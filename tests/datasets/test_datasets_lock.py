"""The lock of a data set: one run at a time, whatever was left behind, and however many come at once."""

from __future__ import annotations

import hashlib
import itertools
import json
import multiprocessing
import os
import platform
import time
from pathlib import Path
from typing import Any

import pytest

from motionwarp.datasets.lock import CLAIMS, LOCK, DatasetLock
from motionwarp.datasets.scratch import process_birth, process_runs
from motionwarp.datasets.storage.factory import open_storage
from motionwarp.datasets.storage.local import LocalStorage
from motionwarp.datasets.worker import WorkOrder, check_place
from motionwarp.errors import OptionError, OutputError

from .conftest import CONFIG

NOBODY = 2**22 + 7  # above every process's number


def dead_owner(token: str = "x") -> bytes:
    return json.dumps({"host": platform.node(), "pid": NOBODY, "birth": "", "token": token}, sort_keys=True).encode()


class Overtaken(LocalStorage):
    """Lets another run take the lock in the very moment in which this one has read that it is stale."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.other: DatasetLock | None = DatasetLock(LocalStorage(root))

    def read(self, name: str) -> bytes:
        content = super().read(name)
        if name == LOCK and self.other is not None:
            other, self.other = self.other, None
            other.__enter__()
        return content


def test_a_stale_lock_is_not_taken_from_who_was_quicker(tmp_path: Path) -> None:
    storage = Overtaken(str(tmp_path))
    other = storage.other
    assert other is not None
    storage.write(LOCK, dead_owner())
    with pytest.raises(OutputError, match="another run is writing here"), DatasetLock(storage):
        pass
    assert json.loads(storage.read(LOCK))["token"] == other.token
    other.__exit__(None, None, None)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


@pytest.mark.parametrize("address", ["local", "memory://locks"])
def test_a_run_killed_while_it_took_over_leaves_nothing_in_the_way(address: str, tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path) if address == "local" else address)
    storage.write(LOCK, dead_owner("first"))
    # it had just said which lock it wants to replace
    storage.write(claim_to(dead_owner("first")), dead_owner("second"))
    with DatasetLock(storage) as lock:
        assert json.loads(storage.read(LOCK))["token"] == lock.token
        assert storage.names(CLAIMS) == []
    assert not storage.exists(LOCK)


def claim_to(content: bytes) -> str:
    return f"{CLAIMS}/{hashlib.sha256(content).hexdigest()[:16]}.json"


def take(root: str, begin: float, answers: Any) -> None:
    time.sleep(max(begin - time.time(), 0))
    try:
        with DatasetLock(LocalStorage(root)):
            held = time.monotonic()
            time.sleep(0.3)
            answers.put((held, time.monotonic()))
    except OutputError:
        answers.put(None)


@pytest.mark.nightly
def test_of_many_runs_that_find_a_stale_lock_one_gets_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    for attempt in range(5):
        root = str(tmp_path / str(attempt))
        LocalStorage(root).write(LOCK, dead_owner())
        answers = context.Queue()
        runs = [context.Process(target=take, args=(root, time.time() + 4, answers)) for _ in range(6)]
        for run in runs:
            run.start()
        held = sorted(span for span in (answers.get(timeout=60) for _ in runs) if span is not None)
        for run in runs:
            run.join()
        assert held
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(held))


def test_locks_by_force_are_not_given_to_two(tmp_path: Path) -> None:
    storage = LocalStorage(str(tmp_path))
    with DatasetLock(storage), DatasetLock(storage, force=True) as second:
        assert json.loads(storage.read(LOCK))["token"] == second.token
    # neither who was driven out nor anybody else has left something
    assert not storage.exists(LOCK)


def test_processes_of_one_number_are_told_apart() -> None:
    own = os.getpid()
    assert process_runs(own)
    assert process_runs(own, process_birth(own))
    assert not process_runs(NOBODY)
    assert not process_runs(0)
    if process_birth(own):
        assert not process_runs(own, "1")


def test_workers_refuse_another_place_and_another_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = LocalStorage(str(tmp_path))
    with DatasetLock(storage) as lock:
        check_place(WorkOrder(str(tmp_path), CONFIG, lock.token), storage)
        monkeypatch.setattr("motionwarp.datasets.worker._LOCK_SECONDS", 0.0)
        # a node with a disk of its own, and a process that shares no memory, see another folder of the same name
        with pytest.raises(OutputError, match="does not see this data set"):
            check_place(WorkOrder("elsewhere", CONFIG, lock.token), LocalStorage(str(tmp_path / "elsewhere")))
        with pytest.raises(OutputError, match="does not see this data set"):
            check_place(WorkOrder("late", CONFIG, "of a run that is over"), storage)
        with pytest.raises(OptionError, match=r"motionwarp .*, and the run 0\.0\.7"):
            check_place(WorkOrder(str(tmp_path), CONFIG, lock.token, version="0.0.7"), storage)
