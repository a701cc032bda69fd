"""Interlaced video as whole frames: camcorders, broadcasts and DVDs hold two moments in the rows of one picture.

FFmpeg's bwdif fills in the rows of the second moment; frames that are not interlaced pass as they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import Generic, TypeVar

import av
from av.filter import Graph

Kept = TypeVar("Kept")


class Deinterlacer(Generic[Kept]):
    """Passes frames on, those that are interlaced as the picture of their first moment."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._form: tuple[int, int, str] | None = None
        self._waiting: deque[tuple[av.VideoFrame, Kept]] = deque()

    def passed(self, frames: Iterator[tuple[av.VideoFrame, Kept]]) -> Generator[tuple[av.VideoFrame, Kept], None, None]:
        """Yield as many pairs as are given, in order: the frame, deinterlaced, and what came along with it."""
        for frame, kept in frames:
            form = frame.width, frame.height, frame.format.name
            if self._graph is not None and form != self._form:
                yield from self._flushed()
            if self._graph is None and not frame.interlaced_frame:
                yield frame, kept
                continue
            if self._graph is None:
                self._graph, self._form = _graph_for(frame), form
            self._waiting.append((frame, kept))
            frame.pts, frame.time_base = len(self._waiting), Fraction(1, 25)
            self._graph.push(frame)
            yield from self._ready()
        yield from self._flushed()

    def _ready(self) -> Generator[tuple[av.VideoFrame, Kept], None, None]:
        """Yield what the filter has finished; it looks one frame ahead."""
        assert self._graph is not None
        while True:
            try:
                filtered = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(filtered, av.VideoFrame)
            original, kept = self._waiting.popleft()
            # the filter's links may not know how the stream's numbers stand for colors
            filtered.colorspace, filtered.color_range = original.colorspace, original.color_range
            yield filtered, kept

    def _flushed(self) -> Generator[tuple[av.VideoFrame, Kept], None, None]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._ready()
            self._graph = None


def _graph_for(frame: av.VideoFrame) -> Graph:
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25))
    filtering = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
    source.link_to(filtering)
    filtering.link_to(graph.add("buffersink"))
    graph.configure()
    return graph
