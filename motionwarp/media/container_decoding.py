"""From packets to frames with times, for one section of a file, past whatever is broken in it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from motionwarp.media.container import clock, codec_name, demuxed, has_alpha_layer, opened_video, origin_seconds
from motionwarp.media.limits import MediaLimits

# a time given in decimals may lie a rounding error beyond the frame that it means
_ROUNDING = Fraction(1, 10**6)

# how far before the section to seek where a plain seek lands behind its start, which poor indexes do; None is no seek at all
_SEEK_MARGINS: tuple[int | None, ...] = (0, 5, 60, None)

# MPEG program streams have no times on most packets, and FFmpeg counts them wrong after a seek
_POOR_SEEKERS = ("mpeg",)

# FFmpeg's own VP8 and VP9 decoders leave the alpha layer out, libvpx's do not
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


@dataclass(frozen=True)
class Section:
    """The part of a file to decode: frames with start <= time < end.

    Attributes
    ----------
    path : Path
    start : Fraction
        In seconds from the clip's beginning.
    end : Fraction or None
        In seconds from the clip's beginning; None for all there is.
    """

    path: Path
    start: Fraction
    end: Fraction | None


@dataclass
class Damage:
    """What went wrong in one pass over a section.

    Attributes
    ----------
    packets : int
        Refused by the decoder.
    disorder : int
        Frames left out since they came at or before the time of the one before.
    broke_off : str or None
        Why the container could not be read to its end.
    """

    packets: int = 0
    disorder: int = 0
    broke_off: str | None = None


@dataclass(frozen=True)
class DecodedFrame:
    """A frame as the decoder gives it.

    Attributes
    ----------
    picture : av.VideoFrame
    time : Fraction
        Presentation time in seconds from the clip's beginning.
    duration : Fraction or None
        In seconds; None where the container does not say.
    """

    picture: av.VideoFrame = field(repr=False)
    time: Fraction
    duration: Fraction | None


def decode_section(section: Section, limits: MediaLimits, hardware: str | None, damage: Damage) -> Generator[DecodedFrame, None, None]:
    """Decode the frames of a section, in order of their times.

    Parameters
    ----------
    section : Section
    limits : MediaLimits
    hardware : str or None
        As for `opened_video`.
    damage : Damage
        Filled while frames are taken.

    Yields
    ------
    DecodedFrame
        Damaged ones too: see `is_corrupt` of its picture.

    Raises
    ------
    MediaError, LimitError, DeviceError
        As for `opened_video`.
    """
    margins = (None,) if section.start == 0 else _SEEK_MARGINS
    for margin in margins:
        with opened_video(section.path, limits, hardware) as (container, stream):
            if margin is not None and not _seek(container, stream, section.start - margin):
                continue
            damage.packets = 0
            with closing(_timed_frames(container, stream, section, damage)) as frames:
                first = next(frames, None) if margin is None else _first_key_frame(frames)
                landed_late = first is None or first.time > section.start
                if landed_late and margin is not None:
                    continue
                if first is not None:
                    yield from _ordered_within(section, chain([first], frames), damage)
        return


def _seek(container: InputContainer, stream: VideoStream, target: Fraction) -> bool:
    """Go to the last key frame before `target` seconds of the clip; tell whether the container can."""
    if container.format.name in _POOR_SEEKERS:
        return False
    try:
        container.seek(int((origin_seconds(container) + max(target, Fraction(0))) / clock(stream)), stream=stream, backward=True)
    except av.FFmpegError:
        return False
    return True


def _first_key_frame(frames: Iterator[DecodedFrame]) -> DecodedFrame | None:
    """Return the first frame that needs no other; containers without an index land anywhere, and what follows is broken."""
    return next((frame for frame in frames if frame.picture.key_frame), None)


def _ordered_within(section: Section, frames: Iterable[DecodedFrame], damage: Damage) -> Generator[DecodedFrame, None, None]:
    last: Fraction | None = None
    for frame in frames:
        if section.end is not None and frame.time >= section.end - _ROUNDING:
            return
        if last is not None and frame.time <= last:
            damage.disorder += 1
            continue
        last = frame.time
        if frame.time >= section.start - _ROUNDING:
            yield frame


def _timed_frames(container: InputContainer, stream: VideoStream, section: Section, damage: Damage) -> Generator[DecodedFrame, None, None]:
    base = clock(stream)
    origin = origin_seconds(container)
    usual_ticks = max(1, round(1 / Fraction(stream.average_rate or stream.guessed_rate or 25) / base))
    durations: dict[int, int] = {}  # of the packets that are still in the decoder
    next_ticks = round(origin / base)
    for picture in _pictures(container, stream, section, durations, damage):
        ticks = picture.pts if picture.pts is not None else picture.dts
        if ticks is None:  # raw streams have no times at all
            ticks = next_ticks
        duration = durations.pop(ticks, 0)
        next_ticks = ticks + (duration or usual_ticks)
        yield DecodedFrame(picture, ticks * base - origin, duration * base if duration else None)


def _pictures(
    container: InputContainer, stream: VideoStream, section: Section, durations: dict[int, int], damage: Damage
) -> Generator[av.VideoFrame, None, None]:
    """Decode what the container holds from where it stands; broken packets are counted and left out."""
    decode = _decoder(stream)
    first_ticks = (origin_seconds(container) + section.start - _ROUNDING) / clock(stream)
    for packet in _packets(container, stream, damage):
        if packet is not None and packet.pts is not None and packet.duration:
            durations[packet.pts] = packet.duration
        try:
            pictures = decode(packet)
        except av.EOFError:
            return
        except av.FFmpegError:
            # before the section, after a seek, packets may lack what they refer to
            if packet is None or packet.pts is None or packet.pts >= first_ticks:
                damage.packets += 1
            continue
        yield from pictures


def _packets(container: InputContainer, stream: VideoStream, damage: Damage) -> Generator[av.Packet[VideoStream] | None, None, None]:
    """Yield the stream's packets, then None, upon which the decoder gives what it still holds."""
    try:
        for packet in demuxed(container, stream):
            if packet.size:
                yield packet
    except av.FFmpegError as error:
        damage.broke_off = error.strerror
    yield None


def _decoder(stream: VideoStream) -> Callable[[av.Packet[VideoStream] | None], list[av.VideoFrame]]:
    name = codec_name(stream.codec_context)
    if has_alpha_layer(stream) and name in _ALPHA_DECODERS:
        context = av.CodecContext.create(_ALPHA_DECODERS[name], "r")
        assert isinstance(context, av.VideoCodecContext)
        return context.decode
    return stream.codec_context.decode
