"""Encoding in a thread of its own, so that it overlaps with the making of the frames."""

from __future__ import annotations

import queue
import threading
from pathlib import Path
from types import TracebackType

from motionwarp.media.writer_base import VideoWriter
from motionwarp.types import ByteArray

# how often a caller that waits for room looks whether the thread has failed
_POLL_SECONDS = 0.1


class ThreadedWriter:
    """Hands frames to a writer in a background thread, through a queue that bounds memory.

    It is used as the writer itself is, and owns it: closing or aborting it does that to the writer. An error of the
    writer is raised by the next `write` or by `close`, and ends the video as it would without the thread.

    Parameters
    ----------
    writer : VideoWriter
        Not to be used by anyone else from now on.
    depth : int
        Frames that may wait, at least 1.
    """

    def __init__(self, writer: VideoWriter, depth: int = 4) -> None:
        if depth < 1:
            raise ValueError(f"BackgroundWriter needs a depth of at least 1, got {depth}")
        self._writer = writer
        self._queue: queue.Queue[tuple[ByteArray, float] | None] = queue.Queue(maxsize=depth)
        self._error: BaseException | None = None
        self._given_up = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="motionwarp-encode", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        """The video to be."""
        return self._writer.path

    @property
    def frame_count(self) -> int:
        """Frames written so far, not counting those that wait."""
        return self._writer.frame_count

    @property
    def warnings(self) -> list[str]:
        """As `VideoWriter.warnings`."""
        return self._writer.warnings

    def write(self, picture: ByteArray, pts_seconds: float) -> None:
        """Queue a frame; waits while the queue is full.

        Parameters
        ----------
        picture : uint8 (H, W, 3) or (H, W, 4)
            As for the writer. Not copied here: the array must not change until it is written.
        pts_seconds : float

        Raises
        ------
        ValueError, OutputError
            What the writer raised for this frame or an earlier one.
        """
        if self._closed:
            raise ValueError(f"the writer of {self.path} is closed")
        self._put((picture, pts_seconds))

    def end_at(self, seconds: float) -> None:
        """As `VideoWriter.end_at`."""
        self._writer.end_at(seconds)

    def close(self) -> None:
        """Wait for the frames that are queued, and finish the video.

        Raises
        ------
        ValueError, OutputError
            What the writer raised.
        """
        if self._closed:
            return
        try:
            self._put(None)
            self._join()
            self._raise_failure()
        except BaseException:
            self.abort()
            raise
        self._closed = True
        self._writer.close()

    def abort(self) -> None:
        """Give up, drop the frames that wait, and remove what was written."""
        if self._closed:
            return
        self._closed = True
        self._given_up.set()
        while not self._queue.empty():
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
        self._join()
        self._writer.abort()

    def _put(self, item: tuple[ByteArray, float] | None) -> None:
        while True:
            self._raise_failure()
            try:
                self._queue.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return

    def _run(self) -> None:
        while not self._given_up.is_set():
            try:
                item = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if item is None:
                return
            try:
                self._writer.write(*item)
            except BaseException as error:  # raised again in the caller's thread
                self._error = error
                return

    def _join(self) -> None:
        while self._thread.is_alive():
            self._thread.join(_POLL_SECONDS)  # in steps, so that Ctrl-C arrives

    def _raise_failure(self) -> None:
        if self._error is not None:
            raise self._error

    def __enter__(self) -> ThreadedWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()
