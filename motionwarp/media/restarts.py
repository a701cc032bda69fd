"""Clips put together by joining files, whose time stamps start anew: their parts one after the other.

Transport streams can be joined byte by byte (`cat a.ts b.ts`), and broadcasts begin a new clock at will. Players go by
the order in the file then, and so do we.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.stream import Stream

# AVFMT_TS_DISCONT of libavformat: formats whose time stamps may jump
_MAY_RESTART = 0x0200
# within one clock, times of decoding only rise; and who pauses a recording does not go on this much later on the same
# clock. Both are what the ffmpeg program goes by
_BACK_SECONDS, _AHEAD_SECONDS = Fraction(1, 10), Fraction(10)


def may_restart(container: InputContainer) -> bool:
    """Tell whether time stamps may start anew in this kind of container."""
    return bool(container.format.flags & _MAY_RESTART)


class RestartingClock:
    """Moves the packets of a container to one clock that only rises; all streams by the same amount.

    Attributes
    ----------
    restarts : int
        How often times jumped so far.
    """

    def __init__(self) -> None:
        self.restarts = 0
        self._offset = Fraction(0)
        self._last: dict[int, Fraction] = {}  # time of the last packet of each stream, by its index
        self._end = Fraction(0)  # where the latest packet ends

    @property
    def end_seconds(self) -> Fraction:
        """Where the latest packet ends, on the container's first clock."""
        return self._end

    def move(self, packet: av.Packet[Any]) -> None:
        """Change the times of a packet, the next one in the file, so that they follow those before it."""
        if packet.dts is None and packet.pts is None:
            return
        tick = Fraction(packet.time_base)
        if packet.dts is not None:
            self._follow(packet, tick)
        if self._offset:
            ticks = round(self._offset / tick)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks

    def _follow(self, packet: av.Packet[Any], tick: Fraction) -> None:
        assert packet.dts is not None
        index, raw = packet.stream.index, packet.dts * tick
        time = raw + self._offset
        last = self._last.get(index)
        if last is not None and not -_BACK_SECONDS <= time - last <= _AHEAD_SECONDS:
            self.restarts += 1
            self._offset = self._end - raw
            time = self._end
            # what other streams still had of the part before is complete: parts are joined whole
            self._last.clear()
        self._last[index] = time
        self._end = max(self._end, time + (packet.duration or 0) * tick)


def rising(packets: Iterator[av.Packet[Any]], wanted: Stream, clock: RestartingClock) -> Iterator[av.Packet[Any]]:
    """Yield the packets of one stream of all that are given, moved to one clock."""
    for packet in packets:
        if packet.size:
            clock.move(packet)
        if packet.stream is wanted or packet.stream.index == wanted.index:
            yield packet


def clock_to_the_end(container: InputContainer) -> RestartingClock:
    """Read through a container, without decoding, and return its clock; the container is at its end then."""
    clock = RestartingClock()
    with suppress(av.FFmpegError, IndexError):  # one that breaks off ends there
        for packet in container.demux(timed_streams(container)):
            if packet.size:
                clock.move(packet)
    return clock


def timed_streams(container: InputContainer) -> list[Stream]:
    """Return the streams of pictures and sound."""
    streams: list[Stream] = [*container.streams.video, *container.streams.audio]
    # PyAV gives None for the context of a codec that it does not know
    return [stream for stream in streams if getattr(stream, "codec_context", None) is not None]
