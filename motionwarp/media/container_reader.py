"""Frames from a video file, as they are to be seen."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from motionwarp.errors import MediaError
from motionwarp.media.color import RgbConverter
from motionwarp.media.container import (
    clock,
    codec_name,
    demuxed,
    has_alpha_layer,
    joined_seconds,
    opened_video,
    origin_seconds,
)
from motionwarp.media.deinterlacing import Deinterlacer
from motionwarp.media.limits import MediaLimits
from motionwarp.media.orientation import Orientation
from motionwarp.media.probe import VideoInfo
from motionwarp.media.reader_base import VideoReader, counted_frames
from motionwarp.types import Frame

# a time given in decimals may lie a rounding error beyond the frame that it means
_ROUNDING = Fraction(1, 10**6)

# how far before the section to seek where a plain seek lands behind its start, which poor indexes do; None is no seek
# at all
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


def decode_section(
    section: Section, limits: MediaLimits, hardware: str | None, damage: Damage
) -> Generator[DecodedFrame, None, None]:
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
    # where times start anew, a time does not tell the place in the file
    margins = (None,) if section.start == 0 or joined_seconds(section.path) else _SEEK_MARGINS
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
        container.seek(
            int((origin_seconds(container) + max(target, Fraction(0))) / clock(stream)), stream=stream, backward=True
        )
    except av.FFmpegError:
        return False
    return True


def _first_key_frame(frames: Iterator[DecodedFrame]) -> DecodedFrame | None:
    """Return the first frame that needs no other.

    Containers without an index land anywhere, and what follows is broken.
    """
    return next((frame for frame in frames if frame.picture.key_frame), None)


def _ordered_within(
    section: Section, frames: Iterable[DecodedFrame], damage: Damage
) -> Generator[DecodedFrame, None, None]:
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


def _timed_frames(
    container: InputContainer, stream: VideoStream, section: Section, damage: Damage
) -> Generator[DecodedFrame, None, None]:
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


def _packets(
    container: InputContainer, stream: VideoStream, damage: Damage
) -> Generator[av.Packet[VideoStream] | None, None, None]:
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


# long side of frames that are not given whole, in pixels: enough to see cuts by
SMALL_SIDE: Final = 256


class ContainerReader(VideoReader):
    """Reads a video file through FFmpeg.

    Parameters
    ----------
    info : VideoInfo
        As `probe_video` tells it.
    orientation : Orientation
        How the stored frames lie.
    start_seconds, end_seconds : float or None
        The section.
    limits : MediaLimits
    hardware : str or None
        As for `open_video`.
    whole_every : int
        As for `open_video`.
    """

    def __init__(
        self,
        info: VideoInfo,
        orientation: Orientation,
        start_seconds: float | None,
        end_seconds: float | None,
        limits: MediaLimits,
        hardware: str | None,
        whole_every: int = 1,
    ) -> None:
        super().__init__(info, start_seconds, end_seconds)
        self._orientation = orientation
        self._limits = limits
        self._hardware = hardware
        self._whole_every = whole_every

    def _frames(self) -> Generator[Frame, None, None]:
        whole, small = self._converter(1.0), self._converter(SMALL_SIDE / max(self.info.width, self.info.height))
        section = Section(
            self.info.path,
            Fraction(self.start_seconds or 0),
            None if self.end_seconds is None else Fraction(self.end_seconds),
        )
        damage = Damage()
        damaged: list[int] = []
        index = 0
        end = Fraction(0)
        given = decode_section(section, self._limits, self._hardware, damage)
        woven = Deinterlacer[DecodedFrame]().passed((decoded.picture, decoded) for decoded in given)
        for picture, timed in woven:
            decoded = replace(timed, picture=picture)
            if decoded.picture.is_corrupt:
                damaged.append(index + len(damaged))
                continue
            self._limits.check_video(decoded.picture.width, decoded.picture.height, self.info.path)
            # bringing a frame to colors at its full size takes longer than decoding it
            rgb, alpha = (small if index % self._whole_every else whole).convert(decoded.picture)
            upright_alpha = None if alpha is None else self._orientation.upright(alpha)
            time = decoded.time - section.start
            yield Frame(self._orientation.upright(rgb), max(0.0, float(time)), index, upright_alpha)
            index += 1
            end = time + (decoded.duration or 1 / self.info.frame_rate)
        if section.end is not None:
            end = min(end, section.end - section.start)
        self._report(damage, damaged, index, float(end))
        self.clip_end_seconds = float(end)

    def _converter(self, scale: float) -> RgbConverter:
        """Return a converter to upright frames scaled by `scale`, never enlarged."""
        width, height = (max(round(side * min(scale, 1.0)), 1) for side in (self.info.width, self.info.height))
        if self._orientation.swaps_sides:
            width, height = height, width
        return RgbConverter(width, height, str(self.info.path), self.info.gamut)

    def _report(self, damage: Damage, damaged: list[int], count: int, end: float) -> None:
        promised = self.info.duration_seconds
        if count == 0:
            length = "" if promised is None else f"; the video is {promised:.2f} s long"
            raise MediaError(
                f"there are no readable frames in the section{length}",
                subject=self.info.path,
                remedy="Choose another section, or copy the file again",
            )
        broken = len(damaged) + damage.packets
        if broken:
            where = f" (frames {counted_frames(damaged)})" if damaged else ""
            self.warnings.append(f"{broken} broken frames were left out{where}")
        if damage.disorder:
            self.warnings.append(f"{damage.disorder} frames out of order were left out")
        if promised is not None:
            promised = min(promised, self.end_seconds or promised) - (self.start_seconds or 0.0)
        # headers round, and count the gap after the last frame differently, so only what a viewer would notice is told
        if promised is not None and end < promised - max(0.25, 4 / float(self.info.frame_rate)):
            self.warnings.append(
                f"the video breaks off at {end:.2f} s, before the {promised:.2f} s that its header promises"
            )
        elif damage.broke_off:
            self.warnings.append(f"the file could not be read to its end ({damage.broke_off})")
