"""Sound from one file into another.

Copied packet by packet where the container takes it, else decoded and encoded anew.
"""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

from motionwarp.media.container import codec_name, demuxed, joined_seconds, opened_container, origin_seconds
from motionwarp.media.encoders import ContainerFormat
from motionwarp.types import FloatArray

_BIT_RATES = {"aac": 96_000, "libopus": 72_000}  # a channel
_RATES = {
    "aac": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000),
    "libopus": (48000,),
}
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}  # by channels; all else is mixed down to stereo

# clocks of sound and container drift by a tick now and then; a real gap is longer
_SMALLEST_GAP_SECONDS = 0.05


@dataclass(frozen=True)
class AudioSource:
    """The sound to go with a video.

    Attributes
    ----------
    path : path
        A file with sound; its best sound stream is taken. One without sound is no error: the video is silent.
    start_seconds, end_seconds : float or None
        The section, on the clock of the file's video as `open_video` counts it.
    """

    path: str | os.PathLike[str]
    start_seconds: float | None = None
    end_seconds: float | None = None


class AudioFeed(ABC):
    """Packets of sound for an output container, given out as the video proceeds.

    Attributes
    ----------
    warnings : list of str
        What was wrong with the sound, as sentences.
    """

    def __init__(self, files: ExitStack) -> None:
        self.warnings: list[str] = []
        self._files = files
        self._packets: Iterator[av.Packet[Any]] | None = None
        self._next: av.Packet[Any] | None = None

    def packets_until(self, seconds: float | None) -> Generator[av.Packet[Any], None, None]:
        """Yield the packets that are due before a time of the output; None is for all that are left."""
        if self._packets is None:
            self._packets = self._all_packets()
            self._next = next(self._packets, None)
        while self._next is not None and (seconds is None or self._is_due(self._next, seconds)):
            yield self._next
            self._next = next(self._packets, None)

    @staticmethod
    def _is_due(packet: av.Packet[Any], seconds: float) -> bool:
        ticks = packet.pts if packet.pts is not None else packet.dts
        return ticks is None or float(ticks * packet.time_base) < seconds

    @abstractmethod
    def _all_packets(self) -> Iterator[av.Packet[Any]]:
        """Yield the section's packets with times from the section's start, for the output stream."""

    def close(self) -> None:
        """Close the source."""
        self._files.close()


class _Section:
    """A section of a sound stream, and times from its start."""

    def __init__(self, container: InputContainer, stream: AudioStream, source: AudioSource) -> None:
        self.container = container
        self.stream = stream
        self.start = Fraction(source.start_seconds or 0)
        assert stream.time_base is not None  # every stream of an opened file has one
        self.tick = stream.time_base
        self.zero = origin_seconds(container) + self.start
        self.length = None if source.end_seconds is None else Fraction(source.end_seconds) - self.start
        self._can_seek = self.start > 0 and joined_seconds(Path(source.path)) is None

    def seek(self, preroll_seconds: int) -> None:
        """Go near the section's start; where the container cannot, reading from its beginning does as well."""
        if self._can_seek:
            target = max(Fraction(0), self.zero - preroll_seconds)
            with contextlib.suppress(av.FFmpegError):
                self.container.seek(int(target * av.time_base), backward=True)

    def packets(self, warnings: list[str]) -> Generator[tuple[av.Packet[AudioStream], Fraction], None, None]:
        """Yield packets with their times; a container that breaks off ends them with a warning."""
        try:
            for packet in demuxed(self.container, self.stream):
                ticks = packet.pts if packet.pts is not None else packet.dts
                if packet.size and ticks is not None:
                    time = ticks * self.tick - self.zero
                    if self.length is not None and time >= self.length:
                        return
                    yield packet, time
        except av.FFmpegError as error:
            warnings.append(f"the sound could not be read to its end ({error.strerror})")


class _CopiedAudio(AudioFeed):
    """Packets as they are, only their times moved."""

    def __init__(self, section: _Section, output_stream: AudioStream, keeps_early: bool, files: ExitStack) -> None:
        super().__init__(files)
        self._section = section
        self._output_stream = output_stream
        self._keeps_early = keeps_early

    def _all_packets(self) -> Generator[av.Packet[Any], None, None]:
        self._section.seek(preroll_seconds=1)
        for packet, time in self._section.packets(self.warnings):
            duration = (packet.duration or 0) * self._section.tick
            if self._is_too_early(time, duration):
                continue
            shift = round(self._section.zero / self._section.tick)
            if packet.pts is not None:
                packet.pts -= shift
            if packet.dts is not None:
                packet.dts -= shift
            packet.stream = self._output_stream
            yield packet

    def _is_too_early(self, time: Fraction, duration: Fraction) -> bool:
        if time >= 0:
            return False
        if not self._keeps_early:
            return True
        # a packet of AAC or MP3 needs the one before it to decode; the player cuts off what lies before 0. At the
        # file's own start all of the encoder's priming belongs to it
        return self._section.start > 0 and time + 2 * duration <= 0


class _EncodedAudio(AudioFeed):
    """Sound decoded, cut to the sample, and encoded anew."""

    def __init__(self, section: _Section, output_stream: AudioStream, files: ExitStack) -> None:
        super().__init__(files)
        self._section = section
        self._output_stream = output_stream
        context = output_stream.codec_context
        self._rate = context.sample_rate
        self._layout = context.layout.name
        self._written = 0  # samples handed to the encoder
        self._broken = 0

    def _all_packets(self) -> Generator[av.Packet[Any], None, None]:
        self._section.seek(preroll_seconds=1)
        for samples, position in self._sample_blocks():
            placed = self._placed(samples, position)
            if placed.shape[1]:
                frame = av.AudioFrame.from_ndarray(placed, format="fltp", layout=self._layout)
                frame.sample_rate = self._rate
                frame.pts, frame.time_base = self._written, Fraction(1, self._rate)
                self._written += placed.shape[1]
                yield from self._output_stream.encode(frame)
        if self._written:
            yield from self._output_stream.encode(None)
        if self._broken:
            self.warnings.append(f"{self._broken} broken packets of sound were left out")

    def _sample_blocks(self) -> Generator[tuple[FloatArray, int], None, None]:
        """Yield decoded samples, float32 (channels, n), and the place of the first in the output."""
        for resampled in self._resampled():
            if resampled.pts is None or resampled.time_base is None:
                continue
            time = resampled.pts * resampled.time_base - self._section.zero
            yield np.asarray(resampled.to_ndarray(), dtype=np.float32), round(time * self._rate)

    def _resampled(self) -> Generator[av.AudioFrame, None, None]:
        resampler, taken = None, None
        for frame in self._decoded():
            kind = taken if frame is None else (frame.format.name, frame.layout.name, frame.sample_rate)
            if kind != taken:
                # broadcasts go from two channels to six and back; a resampler takes one kind of frames only
                if resampler is not None:
                    yield from resampler.resample(None)
                resampler, taken = av.AudioResampler(format="fltp", layout=self._layout, rate=self._rate), kind
            if resampler is not None:
                yield from resampler.resample(frame)

    def _decoded(self) -> Generator[av.AudioFrame | None, None, None]:
        decode = self._section.stream.codec_context.decode
        for packet, _ in self._section.packets(self.warnings):
            try:
                yield from decode(packet)
            except av.FFmpegError:
                self._broken += 1
        with contextlib.suppress(av.FFmpegError):
            yield from decode(None)
        yield None  # upon which the resampler gives what it still holds

    def _placed(self, samples: FloatArray, position: int) -> FloatArray:
        """Cut `samples` to the section, with silence in a gap before them, so that sound and picture stay together."""
        overlap = self._written - position
        if overlap > 0:
            # sound before the section, or clocks that drift: what is there already stays
            samples = samples[:, overlap:]
        elif overlap < -_SMALLEST_GAP_SECONDS * self._rate:
            samples = np.concatenate([np.zeros((samples.shape[0], -overlap), np.float32), samples], axis=1)
        if self._section.length is not None:
            samples = samples[:, : max(0, round(self._section.length * self._rate) - self._written)]
        return np.ascontiguousarray(samples)


def has_sound(source: AudioSource) -> bool:
    """Tell whether there is sound in a source; errors as for `open_audio_feed`."""
    if Path(source.path).is_dir():
        return False  # frames in a folder are silent
    with opened_container(Path(source.path)) as container:
        return bool(_decodable_streams(container))


def _decodable_streams(container: InputContainer) -> list[AudioStream]:
    # PyAV gives None for the context of a codec that it does not know
    return [stream for stream in container.streams.audio if getattr(stream, "codec_context", None) is not None]


def open_audio_feed(source: AudioSource, output: OutputContainer, container: ContainerFormat) -> AudioFeed | None:
    """Add a stream of sound to an output that has not been started, and return what feeds it.

    Parameters
    ----------
    source : AudioSource
    output : OutputContainer
    container : ContainerFormat
        What `output` is, which decides whether packets can be copied.

    Returns
    -------
    AudioFeed or None
        None if the source has no sound.

    Raises
    ------
    MediaError
        If the source cannot be opened.
    """
    if not has_sound(source):
        return None
    with ExitStack() as files:
        opened = files.enter_context(opened_container(Path(source.path)))
        streams = _decodable_streams(opened)
        best = opened.streams.best("audio")
        stream = best if isinstance(best, AudioStream) and best in streams else streams[0]
        section = _Section(opened, stream, source)
        copied = _copied_stream(stream, output, container)
        if copied is not None:
            return _CopiedAudio(section, copied, _keeps_early_sound(section, container), files.pop_all())
        return _EncodedAudio(section, _encoded_stream(stream, output, container.audio_encoder), files.pop_all())


def _keeps_early_sound(section: _Section, container: ContainerFormat) -> bool:
    """Tell whether packets from before time 0 may be written.

    Matroska takes them only with the delay that the codec tells.

    Without it, FFmpeg moves the whole video instead.
    """
    tells_delay = codec_name(section.stream.codec_context) == "opus" or section.container.format.name.startswith(
        "matroska"
    )
    return container.keeps_early_audio or (tells_delay and section.start == 0)


def _copied_stream(stream: AudioStream, output: OutputContainer, container: ContainerFormat) -> AudioStream | None:
    name = codec_name(stream.codec_context)
    if container.copied_audio is not None and name not in container.copied_audio:
        return None
    try:
        return output.add_stream_from_template(stream)
    except (ValueError, av.FFmpegError):
        return None  # the muxer does not take it after all


def _encoded_stream(stream: AudioStream, output: OutputContainer, encoder: str) -> AudioStream:
    rates = _RATES[encoder]
    rate = stream.codec_context.sample_rate
    # the next higher rate keeps all frequencies
    chosen = min((known for known in rates if known >= rate), default=rates[-1])
    added = output.add_stream(encoder, rate=chosen)
    assert isinstance(added, AudioStream)
    added.codec_context.layout = _LAYOUTS.get(stream.codec_context.layout.nb_channels, "stereo")
    added.codec_context.bit_rate = _BIT_RATES[encoder] * added.codec_context.layout.nb_channels
    return added
