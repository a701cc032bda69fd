"""What every reader of frames is, whatever it reads from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from types import TracebackType

from motionwarp.media.probe import VideoInfo
from motionwarp.types import Frame


class VideoReader(ABC):
    """The frames of a video, or of a section of it, in order.

    Iterating decodes; each `iter()` begins anew and ends a pass that is under way, so a clip can be passed twice, but
    not by two consumers at once. Memory does not grow with the clip. As a context manager it closes what a pass that
    was left early still holds open.

    Attributes
    ----------
    info : VideoInfo
        Properties of the whole video.
    start_seconds, end_seconds : float or None
        The section, as asked for.
    warnings : list of str
        What was wrong with the clip, as sentences, in the last pass: broken frames left out and the like. Complete once
        the pass is.
    clip_end_seconds : float or None
        Where the last frame ends, counted from the section's start; None before a pass is complete.
    """

    def __init__(self, info: VideoInfo, start_seconds: float | None, end_seconds: float | None) -> None:
        self.info = info
        self.start_seconds = start_seconds
        self.end_seconds = end_seconds
        self.warnings: list[str] = []
        self.clip_end_seconds: float | None = None
        self._pass: Generator[Frame, None, None] | None = None

    def __iter__(self) -> Iterator[Frame]:
        self.close()
        self.warnings = []
        self.clip_end_seconds = None
        self._pass = self._frames()
        return self._pass

    @abstractmethod
    def _frames(self) -> Generator[Frame, None, None]:
        """Yield the section's frames from its start, filling `warnings` and `clip_end_seconds`."""

    def close(self) -> None:
        """End a pass that is under way."""
        if self._pass is not None:
            self._pass.close()
            self._pass = None

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def counted_frames(numbers: list[int]) -> str:
    """Return frame numbers as text: runs are joined, and long lists cut off.

    Parameters
    ----------
    numbers : list of int
        Increasing.
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    shown = ["-".join(str(edge) for edge in run) for run in runs[:8]]
    return ", ".join(shown) + (" ..." if len(runs) > 8 else "")
