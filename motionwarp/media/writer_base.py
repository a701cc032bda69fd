"""What every writer of frames does, whatever it writes to."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from motionwarp.errors import OutputError
from motionwarp.types import ByteArray


class VideoWriter(ABC):
    """Takes frames in order and makes a video of them, which appears whole at the end or not at all.

    As a context manager it finishes the video when the block ends well, and removes every trace of it when the block
    ends with an exception of any kind, KeyboardInterrupt included.

    Attributes
    ----------
    path : Path
        The video to be.
    width, height : int
        Size of the frames taken, in pixels; the file's may be a pixel larger where the codec needs even sides.
    alpha : bool
        Whether frames have a fourth channel, straight alpha.
    frame_count : int
        Frames taken so far.
    stands_at : (float, float) or None
        Where the person stands in all frames, in pixels; kept by formats that have a place for it. Set before closing.
    warnings : list of str
        What could not be kept, as sentences; complete once the writer is closed.
    """

    def __init__(
        self, path: Path, width: int, height: int, alpha: bool, time_base: Fraction, frame_rate: Fraction
    ) -> None:
        if width <= 0 or height <= 0:
            raise ValueError(f"a video needs a size, got {width}x{height}")
        if time_base <= 0 or frame_rate <= 0:
            raise ValueError(f"a video needs a positive time base and frame rate, got {time_base} and {frame_rate}")
        self.path = path
        self.width = width
        self.height = height
        self.alpha = alpha
        self.frame_count = 0
        self.stands_at: tuple[float, float] | None = None
        self.warnings: list[str] = []
        self._time_base = time_base
        self._usual_ticks = max(1, round(1 / (frame_rate * time_base)))
        self._last_ticks: int | None = None
        self._last_seconds = -math.inf
        self._end_ticks: int | None = None
        self._held: tuple[Any, int] | None = None
        self._closed = False

    def write(self, picture: ByteArray, pts_seconds: float) -> None:
        """Append a frame.

        Parameters
        ----------
        picture : uint8 (H, W, 3), or (H, W, 4) if `alpha`
            RGB, and straight alpha. It is copied; the array is free for other use afterwards.
        pts_seconds : float
            Presentation time, from 0 up, after that of the frame before. Stored to the nearest tick of the container's
            clock.

        Raises
        ------
        ValueError
            If shape, dtype or time is wrong, or the writer is closed.
        OutputError
            If the disk is full or the encoder fails.
        """
        self._check(picture, pts_seconds)
        try:
            self._take(picture, pts_seconds)
        except BaseException:
            self.abort()
            raise

    def _take(self, picture: ByteArray, pts_seconds: float) -> None:
        ticks = round(Fraction(pts_seconds) / self._time_base)
        if self._last_ticks is not None and ticks <= self._last_ticks:
            # two times within one tick: the clock is too coarse for them, but no frame is lost
            ticks = self._last_ticks + 1
        self._hand_on(self._prepared(picture), ticks)
        self._last_ticks = ticks
        self._last_seconds = pts_seconds
        self.frame_count += 1

    def end_at(self, seconds: float) -> None:
        """Let the last frame last until this time; without it, it lasts as long as the frame rate says."""
        self._end_ticks = round(Fraction(seconds) / self._time_base)

    def close(self) -> None:
        """Finish the video and move it into place; does nothing if it is closed already.

        Raises
        ------
        OutputError
            If no frame was written, the disk is full, the encoder fails, or the name has been taken meanwhile.
        """
        if self._closed:
            return
        try:
            if self._last_ticks is None:
                raise OutputError(
                    "no frame was written", subject=self.path, remedy="Choose another section of the video"
                )
            end = self._last_ticks + self._usual_ticks
            if self._end_ticks is not None and self._end_ticks > self._last_ticks:
                end = self._end_ticks
            self._hand_on(None, end)
            self._finish()
        except BaseException:
            self.abort()
            raise
        self._closed = True

    def abort(self) -> None:
        """Give up and remove what was written; does nothing once the writer is closed."""
        if not self._closed:
            self._closed = True
            self._discard()

    def _hand_on(self, prepared: Any, ticks: int) -> None:
        """Encode the frame that is held back, now that it is known how long it lasts, and hold the new one."""
        held, self._held = self._held, None if prepared is None else (prepared, ticks)
        if held is not None:
            self._encode(held[0], held[1], ticks)

    @abstractmethod
    def _prepared(self, picture: ByteArray) -> Any:
        """Return what `_encode` needs of a frame; it must not refer to `picture`."""

    @abstractmethod
    def _encode(self, prepared: Any, ticks: int, end_ticks: int) -> None:
        """Encode a frame that is shown from `ticks` to `end_ticks`."""

    @abstractmethod
    def _finish(self) -> None:
        """Write what is left and move the video into place."""

    @abstractmethod
    def _discard(self) -> None:
        """Remove what was written."""

    def _check(self, picture: ByteArray, pts_seconds: float) -> None:
        if self._closed:
            raise ValueError(f"the writer of {self.path} is closed")
        expected = (self.height, self.width, 4 if self.alpha else 3)
        if picture.shape != expected or picture.dtype != np.uint8:
            raise ValueError(f"the writer of {self.path} takes uint8 {expected}, got {picture.dtype} {picture.shape}")
        if not (math.isfinite(pts_seconds) and pts_seconds >= 0 and pts_seconds > self._last_seconds):
            raise ValueError(f"times must be from 0 up and rise, got {pts_seconds} after {self._last_seconds}")

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()
