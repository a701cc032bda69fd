"""Animated WebP and APNG, with alpha, as chats and browsers show them."""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from motionwarp.errors import OptionError, OutputError
from motionwarp.media.atomic import PendingFile, write_failure
from motionwarp.media.encoders import EncodeOptions
from motionwarp.media.metadata import tagged_picture
from motionwarp.media.png import png_chunk, png_chunks
from motionwarp.media.webp_animation import webp_chunks
from motionwarp.media.writer_base import VideoWriter
from motionwarp.types import ByteArray

# both formats can say this, and all programs that show them count so
_MILLISECOND: Final = Fraction(1, 1000)
# at this WebP quality edges of people stay clean, and a second of 512 pixels takes some 200 kB
_WEBP_CRF: Final = 14
_MOST_CRF: Final = 63
_LONGEST_SIDE: Final = 16_383  # what WebP's header can say


@dataclass(frozen=True)
class AnimatedFormat:
    """One kind of animated picture that can be written.

    Attributes
    ----------
    name : str
    muxer, encoder : str
        FFmpeg's names.
    pixel_formats : (str, str)
        Without and with alpha.
    muxer_options : mapping of str
        What lets it play for ever.
    lossy : bool
        Whether it has a quality to choose.
    """

    name: str
    muxer: str
    encoder: str
    pixel_formats: tuple[str, str]
    muxer_options: Mapping[str, str] = field(default_factory=dict)
    lossy: bool = False


ANIMATED_FORMATS: Final = {
    ".webp": AnimatedFormat("WebP", "webp", "libwebp_anim", ("bgra", "bgra"), {"loop": "0"}, lossy=True),
    ".apng": AnimatedFormat("APNG", "apng", "apng", ("rgb24", "rgba"), {"plays": "0"}),
}


def webp_quality(crf: float) -> int:
    """Return WebP's quality, 0 to 100, for one that is counted as codecs do: 0 is the best, 63 the worst."""
    return round(100 * (1 - crf / _MOST_CRF))


class AnimatedPictureWriter(VideoWriter):
    """Encodes an animated picture that plays for ever.

    Parameters
    ----------
    pending : PendingFile
        Where to write; the target's ending says the format.
    width, height : int
        Size of the frames, in pixels.
    frame_rate : Fraction
        Frames a second on average.
    alpha : bool
    options : EncodeOptions
        WebP takes `crf`, of which 0 is without loss; APNG is without loss always and takes none.
    metadata : mapping of str
        Texts of the file, and XMP.
    """

    def __init__(
        self,
        pending: PendingFile,
        width: int,
        height: int,
        frame_rate: Fraction,
        alpha: bool,
        options: EncodeOptions,
        metadata: Mapping[str, str],
    ) -> None:
        super().__init__(pending.target, width, height, alpha, _MILLISECOND, Fraction(frame_rate))
        self._format = ANIMATED_FORMATS[pending.target.suffix.lower()]
        self._check_options(pending.target, options, width, height)
        self._pending, self._metadata = pending, metadata
        self._last_duration = self._usual_ticks
        try:
            self._output = av.open(
                str(pending.path), "w", format=self._format.muxer, container_options=dict(self._format.muxer_options)
            )
            stream = self._output.add_stream(
                self._format.encoder, rate=Fraction(frame_rate), options=self._encoder_options(options)
            )
            assert isinstance(stream, VideoStream)
            self._stream = stream
            stream.width, stream.height = width, height
            stream.pix_fmt = self._format.pixel_formats[int(alpha)]
            stream.time_base = stream.codec_context.time_base = _MILLISECOND
            self._output.start_encoding()
        except (av.FFmpegError, ValueError) as error:
            self.abort()
            raise write_failure(error, self.path) from error

    def _check_options(self, target: Path, options: EncodeOptions, width: int, height: int) -> None:
        chosen = options.codec != "auto" or options.preset is not None
        if chosen or (options.crf is not None and not self._format.lossy):
            taken = "no codec or preset" if self._format.lossy else "no codec, crf or preset"
            raise OptionError(f"{self._format.name} has {taken} to choose", subject=target, remedy="Leave them out")
        if max(width, height) > _LONGEST_SIDE:
            raise OutputError(
                f"{self._format.name} cannot hold {width}x{height} pixels", subject=target, remedy="Give a smaller size"
            )

    def _encoder_options(self, options: EncodeOptions) -> dict[str, str]:
        if not self._format.lossy:
            return {}
        crf = _WEBP_CRF if options.crf is None else options.crf
        if crf == 0:
            return {"lossless": "1"}
        return {"quality": str(webp_quality(crf)), "compression_level": "4"}

    def _prepared(self, picture: ByteArray) -> av.VideoFrame:
        target = self._format.pixel_formats[int(self.alpha)]
        if target == "bgra":
            code = cv2.COLOR_RGBA2BGRA if self.alpha else cv2.COLOR_RGB2BGRA
            picture = np.asarray(cv2.cvtColor(picture, code), dtype=np.uint8)
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=target)

    def _take(self, picture: ByteArray, pts_seconds: float) -> None:
        # an animation cannot begin later; the first frame then lasts longer
        super()._take(picture, pts_seconds if self.frame_count else 0.0)

    def _encode(self, prepared: av.VideoFrame, ticks: int, end_ticks: int) -> None:
        prepared.pts, prepared.time_base = ticks, _MILLISECOND
        self._last_duration = end_ticks - ticks
        self._muxed(prepared)

    def _muxed(self, frame: av.VideoFrame | None) -> None:
        try:
            self._output.mux(self._stream.encode(frame))
        except av.FFmpegError as error:
            raise write_failure(error, self.path) from error

    def _finish(self) -> None:
        self._muxed(None)
        try:
            self._output.close()
            content = self._pending.path.read_bytes()
            # FFmpeg makes the last frame last as long as the others do on average
            timed = _with_last_duration if self._format.muxer == "webp" else _with_last_delay
            self._pending.path.write_bytes(tagged_picture(timed(content, self._last_duration), self._metadata))
        except (av.FFmpegError, OSError) as error:
            raise write_failure(error, self.path) from error
        self._pending.commit()

    def _discard(self) -> None:
        with contextlib.suppress(Exception):
            self._output.close()
        self._pending.discard()


def _with_last_duration(webp: bytes, duration: int) -> bytes:
    """Return an animated WebP whose last frame lasts so many milliseconds."""
    finished = bytearray(webp)
    frames = [offset for kind, offset, _ in webp_chunks(io.BytesIO(webp)) if kind == b"ANMF"]
    if frames:  # a single frame is a still picture
        finished[frames[-1] + 12 : frames[-1] + 15] = min(duration, 0xFFFFFF).to_bytes(3, "little")
    return bytes(finished)


def _with_last_delay(png: bytes, duration: int) -> bytes:
    """Return an APNG whose last frame lasts so many milliseconds."""
    controls = [(start, end) for kind, start, end in png_chunks(png) if kind == b"fcTL"]
    if not controls:
        return png
    start, end = controls[-1]
    # sequence, width, height and place, each of four bytes, come before the delay's numerator and denominator
    content = bytearray(png[start + 8 : end - 4])
    content[20:24] = struct.pack(">HH", min(duration, 0xFFFF), 1000)
    return png[:start] + png_chunk(b"fcTL", bytes(content)) + png[end:]
