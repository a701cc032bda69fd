"""The queue of data sets: begun, stopped, gone on with, packed, removed."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from motionwarp.errors import InputError
from motionwarp.ui.dataset_queue import LANE, DatasetQueue, QueuedSet
from motionwarp.ui.job_process import Tell
from motionwarp.ui.jobs import JobDesk, JobState


@dataclass(frozen=True)
class SlowSet:
    """Stands for a data set's work: makes a clip at a time, and goes on with what is there."""

    people: Path
    motions: Path
    output: Path
    clips: int = 3
    pause: float = 0.5

    def run(self, tell: Tell) -> Any:
        (self.output / ".motionwarp").mkdir(parents=True, exist_ok=True)
        (self.output / ".motionwarp" / "lock.json").write_text("ours")
        for number in range(self.clips):
            clip = self.output / f"{number}.mp4"
            if not clip.exists():
                time.sleep(self.pause)
                clip.write_text("made")
            tell("clips", number + 1, self.clips)
        return SimpleNamespace(done=self.clips, clips=self.clips, failed=0)


@pytest.fixture
def desk() -> Iterator[JobDesk]:
    made = JobDesk({LANE: 1})
    yield made
    made.close()


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    for place in ("1/alice.jpg", "2/alice.jpg", "3/jig.mp4"):
        path = tmp_path / "uploads" / place
        path.parent.mkdir(parents=True)
        path.write_text(place)
    return tmp_path / "uploads"


def begun(queue: DatasetQueue, uploads: Path, name: str = "my set", **how: Any) -> QueuedSet:
    people = [uploads / "1" / "alice.jpg", uploads / "2" / "alice.jpg"]
    work: Any = SlowSet(Path(), Path(), Path(), **how)
    return queue.add(name, people, [uploads / "3" / "jig.mp4"], work)


def test_a_set_is_stopped_and_resumed_where_it_was(desk: JobDesk, uploads: Path, tmp_path: Path) -> None:
    sets: dict[str, QueuedSet] = {}
    queue = DatasetQueue(desk, tmp_path / "tab", sets)
    queued = begun(queue, uploads)
    assert (queued.name, queued.contents) == ("my-set", "2 photos, 1 clip")
    assert sorted(path.name for path in queued.work.people.iterdir()) == ["alice-2.jpg", "alice.jpg"]
    first = queued.work.output / "0.mp4"
    deadline = time.monotonic() + 60
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    queue.stop("my-set")
    made = first.stat().st_mtime_ns
    (row,) = queue.rows()
    assert row.view.state is JobState.CANCELED
    assert not (queued.work.output / "2.mp4").exists()
    queue.resume("my-set")
    assert sets["my-set"].job.wait(60)
    assert sets["my-set"].job.view().value.done == 3
    assert first.stat().st_mtime_ns == made
    with pytest.raises(InputError, match="is not stopped"):
        queue.resume("my-set")
    packed = queue.packed("my-set")
    with zipfile.ZipFile(packed) as archive:
        assert sorted(archive.namelist()) == ["my-set/0.mp4", "my-set/1.mp4", "my-set/2.mp4"]
    queue.remove("my-set")
    assert queue.rows() == []
    assert not queued.work.output.exists()


def test_what_cannot_be_made_is_refused(desk: JobDesk, uploads: Path, tmp_path: Path) -> None:
    queue = DatasetQueue(desk, tmp_path / "tab", {})
    begun(queue, uploads, pause=0.0)
    with pytest.raises(InputError, match="of this name"):
        begun(queue, uploads)
    none: Any = SlowSet(Path(), Path(), Path())
    with pytest.raises(InputError, match="needs people and motions"):
        queue.add("empty", [], [uploads / "3" / "jig.mp4"], none)
    with pytest.raises(InputError, match="no data set is chosen"):
        queue.packed("")
    second = begun(queue, uploads, "second", pause=30.0)
    with pytest.raises(InputError, match="is not done"):
        queue.packed(second.name)
