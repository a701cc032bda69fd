"""Clips turned by quarters on demand, where a camera noted wrongly how it was held."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from motionwarp.media.orientation import Orientation
from motionwarp.media.probe import turned_info
from motionwarp.media.reader_base import VideoReader
from motionwarp.types import Frame


class TurnedReader(VideoReader):
    """The frames of another reader, turned.

    Parameters
    ----------
    reader : VideoReader
    degrees : int
        Clockwise: 0, 90, 180 or 270.
    """

    def __init__(self, reader: VideoReader, degrees: int) -> None:
        super().__init__(turned_info(reader.info, degrees), reader.start_seconds, reader.end_seconds)
        self._reader = reader
        self._orientation = Orientation(degrees // 90)

    def _frames(self) -> Generator[Frame, None, None]:
        for frame in self._reader:
            alpha = None if frame.alpha is None else self._orientation.upright(frame.alpha)
            yield replace(frame, rgb=self._orientation.upright(frame.rgb), alpha=alpha)
        self.warnings = self._reader.warnings
        self.clip_end_seconds = self._reader.clip_end_seconds

    def close(self) -> None:
        """End a pass that is under way."""
        super().close()
        self._reader.close()


def turned(reader: VideoReader, degrees: int) -> VideoReader:
    """Return a reader whose frames are turned clockwise by 0, 90, 180 or 270 degrees."""
    return reader if degrees == 0 else TurnedReader(reader, degrees)
