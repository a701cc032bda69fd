from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_media import index_of, level_picture

from motionwarp.errors import OutputError
from motionwarp.media.reader import open_video
from motionwarp.media.threaded_writer import ThreadedWriter
from motionwarp.media.writer import open_writer
from motionwarp.media.writer_base import VideoWriter


class RecordingWriter(VideoWriter):
    """Keeps frames instead of encoding them; may be told to wait or to fail."""

    def __init__(
        self, *, fail_at: int | None = None, fail_on_finish: bool = False, gate: threading.Event | None = None
    ) -> None:
        super().__init__(Path("out.mp4"), 64, 48, False, Fraction(1, 90000), Fraction(25))
        self.log: list[object] = []
        self.threads: set[str] = set()
        self._fail_at = fail_at
        self._fail_on_finish = fail_on_finish
        self._gate = gate

    def _prepared(self, picture: np.ndarray) -> int:
        if self._gate is not None:
            assert self._gate.wait(20)
        self.threads.add(threading.current_thread().name)
        index = index_of(picture)
        if index == self._fail_at:
            raise OutputError("the disk is full", subject=self.path)
        return index

    def _encode(self, prepared: int, ticks: int, end_ticks: int) -> None:
        self.log.append((prepared, ticks, end_ticks))

    def _finish(self) -> None:
        if self._fail_on_finish:
            raise OutputError("the disk is full", subject=self.path)
        self.log.append("finished")

    def _discard(self) -> None:
        self.log.append("discarded")


def write_levels(owned: ThreadedWriter, count: int, *, then: type[BaseException] | None = None) -> None:
    """Write frames and finish, or raise `then`."""
    with owned as writer:
        for i in range(count):
            writer.write(level_picture(i), i / 25)
        if then is not None:
            raise then


def no_thread_is_left() -> bool:
    return not [thread for thread in threading.enumerate() if thread.name == "motionwarp-encode"]


def test_writes_in_order_in_another_thread() -> None:
    inner = RecordingWriter()
    with ThreadedWriter(inner, depth=2) as writer:
        for i in range(10):
            writer.write(level_picture(i), i / 25)
        writer.end_at(0.5)
    assert inner.log == [(i, i * 3600, (i + 1) * 3600 if i < 9 else 45000) for i in range(10)] + ["finished"]
    assert inner.threads == {"motionwarp-encode"}
    assert (writer.frame_count, writer.warnings, writer.path) == (10, [], Path("out.mp4"))
    assert no_thread_is_left()
    writer.close()
    writer.abort()
    assert inner.log[-1] == "finished"


def test_waits_when_the_queue_is_full() -> None:
    gate = threading.Event()
    writer = ThreadedWriter(RecordingWriter(gate=gate), depth=2)
    written = threading.Semaphore(0)

    def feed() -> None:
        for i in range(6):
            writer.write(level_picture(i), i / 25)
            written.release()

    feeder = threading.Thread(target=feed)
    feeder.start()
    # one is with the encoder, which waits for the gate, and two are in the queue
    assert all(written.acquire(timeout=20) for _ in range(3))
    assert not written.acquire(blocking=False)
    gate.set()
    assert all(written.acquire(timeout=20) for _ in range(3))
    feeder.join()
    writer.close()
    assert writer.frame_count == 6


@pytest.mark.parametrize("fail_at", [0, 3, 9])
def test_an_error_reaches_the_caller_and_ends_the_video(fail_at: int) -> None:
    inner = RecordingWriter(fail_at=fail_at)
    with pytest.raises(OutputError, match="disk is full"):
        write_levels(ThreadedWriter(inner, depth=1), 10)
    assert inner.log[-1] == "discarded"
    assert "finished" not in inner.log
    assert no_thread_is_left()


def test_a_wrong_frame_reaches_the_caller() -> None:
    inner = RecordingWriter()
    with pytest.raises(ValueError, match="takes uint8"), ThreadedWriter(inner) as writer:
        writer.write(np.zeros((1, 1, 3), np.uint8), 0.0)
    assert inner.log == ["discarded"]


def test_an_error_at_the_end_reaches_the_caller() -> None:
    inner = RecordingWriter(fail_on_finish=True)
    with pytest.raises(OutputError), ThreadedWriter(inner) as writer:
        writer.write(level_picture(0), 0.0)
    assert inner.log[-1] == "discarded"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_of_the_caller_gives_up(error: type[BaseException]) -> None:
    gate = threading.Event()
    gate.set()
    inner = RecordingWriter(gate=gate)
    writer = ThreadedWriter(inner, depth=8)
    with pytest.raises(error):
        write_levels(writer, 5, then=error)
    assert inner.log[-1] == "discarded"
    assert no_thread_is_left()
    with pytest.raises(ValueError, match="closed"):
        writer.write(level_picture(0), 1.0)


def test_refuses_a_depth_below_one() -> None:
    with pytest.raises(ValueError, match="depth"):
        ThreadedWriter(RecordingWriter(), depth=0)


def test_makes_the_same_file(tmp_path: Path) -> None:
    for name in ("plain.mp4", "background.mp4"):
        plain = open_writer(tmp_path / name, width=64, height=48, frame_rate=Fraction(25))
        with ThreadedWriter(plain) if name.startswith("b") else plain as writer:
            for i in range(30):
                writer.write(level_picture(i), i / 25)
    assert (tmp_path / "plain.mp4").read_bytes() == (tmp_path / "background.mp4").read_bytes()
    assert len(list(open_video(tmp_path / "background.mp4"))) == 30


def test_leaves_nothing_behind_on_interruption(tmp_path: Path) -> None:
    inner = open_writer(tmp_path / "a.mp4", width=64, height=48, frame_rate=Fraction(25))
    with pytest.raises(KeyboardInterrupt):
        write_levels(ThreadedWriter(inner), 20, then=KeyboardInterrupt)
    assert list(tmp_path.iterdir()) == []
