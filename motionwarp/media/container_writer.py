"""Videos in MP4, MOV, WebM and Matroska, through FFmpeg."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from motionwarp.errors import MotionwarpError, OutputError
from motionwarp.media.atomic import PendingFile, write_failure
from motionwarp.media.audio import AudioFeed, AudioSource, open_audio_feed
from motionwarp.media.color import LIMITED_RANGE, YuvConverter
from motionwarp.media.encoders import Codec, ContainerFormat, EncodeOptions
from motionwarp.media.metadata import tag_file
from motionwarp.media.writer_base import VideoWriter
from motionwarp.types import ByteArray

# what BT.709 is called in libavutil's tables of matrices, primaries and transfer functions
_TAG_BT709 = 1

# finer clocks gain nothing, and some players compute with 32 bits
_FINEST_CLOCK = 1_000_000
_DEFAULT_CLOCK = Fraction(1, 90_000)


class ContainerWriter(VideoWriter):
    """Encodes with FFmpeg.

    Parameters
    ----------
    pending : PendingFile
        Where to write.
    container : ContainerFormat
    codec : Codec
    width, height : int
        Size of the frames, in pixels; sides that the codec cannot have are padded by repeating the last row or column.
    frame_rate : Fraction
        Frames a second on average.
    time_base : Fraction
        Seconds a tick, fine enough for the times to come.
    alpha : bool
    options : EncodeOptions
    audio : AudioSource or None
    metadata : mapping of str
        Tags of the file.
    """

    def __init__(
        self,
        pending: PendingFile,
        container: ContainerFormat,
        codec: Codec,
        *,
        width: int,
        height: int,
        frame_rate: Fraction,
        time_base: Fraction,
        alpha: bool,
        options: EncodeOptions,
        audio: AudioSource | None,
        metadata: Mapping[str, str],
    ) -> None:
        super().__init__(pending.target, width, height, alpha, _usable_clock(time_base), frame_rate)
        self._pending = pending
        self._padded_width = _padded_side(width, codec)
        self._padded_height = _padded_side(height, codec)
        pixel_format = codec.alpha_pixel_format if alpha else codec.pixel_format
        assert pixel_format is not None
        self._converter = YuvConverter(pixel_format)
        self._durations: dict[int, int] = {}
        self._muxed_bytes = 0
        self._output: OutputContainer | None = None
        self._feed: AudioFeed | None = None
        try:
            self._output = av.open(
                str(pending.path), "w", format=container.muxer, container_options=dict(container.options)
            )
            self._output.metadata.update(metadata)
            self._metadata = metadata
            self._stream = self._add_video(self._output, codec, pixel_format, frame_rate, options)
            self._feed = None if audio is None else open_audio_feed(audio, self._output, container)
            self._output.start_encoding()
        except BaseException as error:
            self.abort()
            raise self._explained(error) from error
        if self._feed is not None:
            self.warnings = self._feed.warnings

    def _add_video(
        self, output: OutputContainer, codec: Codec, pixel_format: str, frame_rate: Fraction, options: EncodeOptions
    ) -> VideoStream:
        encoder_options = codec.encoder_options(
            options, alpha=self.alpha, pixels=self._padded_width * self._padded_height
        )
        stream = output.add_stream(codec.encoder(), rate=frame_rate, options=encoder_options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = self._padded_width, self._padded_height
        stream.pix_fmt = pixel_format
        stream.time_base = self._time_base
        context = stream.codec_context
        context.time_base = self._time_base
        context.thread_count = options.threads
        context.thread_type = "FRAME"  # PyAV's default would cut each frame into slices, which costs quality
        context.color_primaries = context.color_trc = context.colorspace = _TAG_BT709
        context.color_range = LIMITED_RANGE
        if codec.tag is not None and output.format.name in ("mp4", "mov"):
            context.codec_tag = codec.tag
        if pixel_format == "yuva420p" and codec.name == "vp9":
            stream.metadata["alpha_mode"] = "1"
        context.open()
        return stream

    def _prepared(self, picture: ByteArray) -> av.VideoFrame:
        return self._converter.convert(self._padded(picture))

    def _padded(self, picture: ByteArray) -> ByteArray:
        bottom, right = self._padded_height - self.height, self._padded_width - self.width
        if bottom == 0 and right == 0:
            return np.ascontiguousarray(picture)
        padded = cv2.copyMakeBorder(picture, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        return np.asarray(padded, dtype=np.uint8)

    def _encode(self, prepared: av.VideoFrame, ticks: int, end_ticks: int) -> None:
        prepared.pts, prepared.time_base = ticks, self._time_base
        self._durations[ticks] = end_ticks - ticks
        try:
            if self._feed is not None:
                self._mux(self._feed.packets_until(float(end_ticks * self._time_base)))
            self._mux(self._timed(self._stream.encode(prepared)))
        except Exception as error:
            raise self._explained(error) from error

    def _timed(self, packets: Sequence[av.Packet[VideoStream]]) -> Sequence[av.Packet[VideoStream]]:
        for packet in packets:
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, self._usual_ticks)
        return packets

    def _mux(self, packets: Iterable[av.Packet[Any]]) -> None:
        assert self._output is not None
        for packet in packets:
            self._muxed_bytes += packet.size
            self._output.mux(packet)

    def _finish(self) -> None:
        assert self._output is not None
        try:
            self._mux(self._timed(self._stream.encode(None)))
            if self._feed is not None:
                self._mux(self._feed.packets_until(None))
                self._feed.close()
            self._output.close()
            self._check_size()
            tag_file(self._pending.path, self._metadata)
        except Exception as error:
            raise self._explained(error) from error
        self._pending.commit()

    def _check_size(self) -> None:
        # FFmpeg does not tell when the last bytes that it holds back cannot be written
        if self._pending.path.stat().st_size < self._muxed_bytes:
            raise OSError(errno.ENOSPC, "fewer bytes are on the disk than were written")

    def _discard(self) -> None:
        # the container has to be closed before the file can be removed on Windows; whatever that still complains about
        # is moot
        with contextlib.suppress(Exception):
            if self._feed is not None:
                self._feed.close()
        with contextlib.suppress(Exception):
            if self._output is not None:
                self._output.close()
        self._pending.discard()

    def _explained(self, error: BaseException) -> BaseException:
        """Return the error to raise in the place of `error`.

        FFmpeg's and the system's become ones that a user understands.
        """
        if isinstance(error, MotionwarpError) or not isinstance(error, (av.FFmpegError, OSError, ValueError)):
            return error
        number = getattr(error, "errno", None)
        if isinstance(error, OSError) or (number in errno.errorcode and number != errno.EINVAL):
            return write_failure(error, self.path)
        return OutputError(
            f"a video of {self._padded_width}x{self._padded_height} pixels cannot be encoded as asked ({error})",
            subject=self.path,
            remedy="Choose another size or codec",
        )


def _padded_side(side: int, codec: Codec) -> int:
    return max(side + side % 2, codec.min_side)


def _usable_clock(time_base: Fraction) -> Fraction:
    too_fine = time_base.denominator > _FINEST_CLOCK * time_base.numerator
    return _DEFAULT_CLOCK if too_fine or time_base.numerator > _FINEST_CLOCK else time_base
