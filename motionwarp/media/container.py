"""Opening a video file: refuse what is no video, choose its stream, check its size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeVar

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from motionwarp.errors import DeviceError, LimitError, MediaError
from motionwarp.media.limits import MediaLimits, existing_file, ffmpeg_address
from motionwarp.media.restarts import RestartingClock, clock_to_the_end, may_restart, rising, timed_streams

_VIDEO: Final = (
    "mov", "matroska", "avi", "mpegts", "mpeg", "flv", "live_flv", "asf", "asf_o", "ogg", "nut", "mxf", "gxf", "dv",
    "swf",
    "rm", "wtv", "gif", "apng", "jpegxl_anim", "yuv4mpegpipe",
)  # fmt: skip
_STREAMS: Final = (
    "h264", "hevc", "vvc", "av1", "obu", "ivf", "m4v", "mpegvideo", "h261", "h263", "vc1", "dirac", "dnxhd",
    "cavsvideo", "mjpeg", "apv",
)  # fmt: skip
_SOUND: Final = (
    "wav", "w64", "aiff", "au", "caf", "flac", "mp3", "aac", "ac3", "eac3", "ac4", "dts", "dtshd", "truehd", "mlp",
    "amr", "ape", "tta",
    "wv", "tak", "voc", "loas",
)  # fmt: skip

# Most of the others are left out since they open what a file names: playlists (hls, dash, concat, imf), descriptions of
# streams (sdp, rtsp), patterns of picture files, devices, filters. A file from a stranger could put other files of the
# user, or what the user's network reaches, into the video that is made of it. Being no text does not tell them: a
# playlist may have a control character in a comment. Containers of old games and dead recorders (Smacker, Bink, FLIC,
# NSV, ...) are left out as well: nobody dances in them, and their decoders are those that are looked after least.
CONTAINED: Final = {"format_whitelist": ",".join((*_VIDEO, *_STREAMS, *_SOUND)), "protocol_whitelist": "file"}


AUTO = "auto"

# those that decode in memory of their own, which PyAV copies back; by how common they are
_PREFERENCE = ("cuda", "videotoolbox", "vaapi", "d3d11va", "qsv")


def hardware_decoders() -> list[str]:
    """Return the names of the hardware decoders that this build of FFmpeg knows.

    Whether the machine has one shows on use.
    """
    try:
        from av.codec.hwaccel import hwdevices_available  # PyAV 14.0 has no such module
    except ImportError:
        return []
    return sorted(hwdevices_available())


def check_hardware(hardware: str) -> None:
    """Refuse, with a DeviceError, a hardware decoder that this build of FFmpeg does not know; "auto" is always fine."""
    known = hardware_decoders()
    if hardware != AUTO and hardware not in known:
        raise DeviceError(
            f"there is no hardware decoder '{hardware}' in this build of PyAV {av.__version__}",
            remedy=f"Use {', '.join(known) or 'a newer PyAV'}, or decode in software",
        )


def open_accelerated(address: str, options: dict[str, str], hardware: str) -> InputContainer | None:
    """Open a video that software can decode with a hardware decoder instead.

    Parameters
    ----------
    address : str
        FFmpeg's name of the file.
    options : dict of str
        Options of the demuxer and its decoders.
    hardware : str
        "auto", or one of `hardware_decoders`.

    Returns
    -------
    InputContainer or None
        None if "auto" finds none on this machine that can decode this codec.

    Raises
    ------
    DeviceError
        If the one that was asked for is unknown, not on this machine, or cannot decode this codec.
    """
    check_hardware(hardware)
    known = hardware_decoders()
    reason: Exception | None = None
    for name in [choice for choice in _PREFERENCE if choice in known] if hardware == AUTO else [hardware]:
        from av.codec.hwaccel import HWAccel

        try:
            acceleration = HWAccel(device_type=name, allow_software_fallback=False)
            return av.open(
                address,
                mode="r",
                options=options,
                container_options=CONTAINED,
                metadata_errors="replace",
                hwaccel=acceleration,
            )
        except (RuntimeError, NotImplementedError, ValueError, av.FFmpegError) as error:
            reason = error
    if hardware == AUTO:
        return None
    raise DeviceError(
        f"the hardware decoder '{hardware}' cannot be used here ({reason})", remedy="Decode in software"
    ) from reason


StreamT = TypeVar("StreamT", VideoStream, AudioStream)

# bytes that text does not have: control characters but tab, line ends, form feed, backspace and escape
_NOT_TEXT = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b")) + b"\x7f"
_SNIFFED_BYTES = 4096
_ATTACHED_PICTURE = 0x400  # AV_DISPOSITION_ATTACHED_PIC
_CODECS_OF_DECODERS = {
    "libdav1d": "av1",
    "libaom-av1": "av1",
    "mp3float": "mp3",
    "libopus": "opus",
    "libvorbis": "vorbis",
}
# uncompressed video with a header in words; gray pictures are printable then
_Y4M = b"YUV4MPEG2 "


@contextmanager
def opened_video(
    file: Path, limits: MediaLimits, hardware: str | None = None
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open `file` and yield its container and the video stream to show, with decoding threads set up.

    Parameters
    ----------
    file : Path
    limits : MediaLimits
        Checked before anything is decoded.
    hardware : str or None
        As for `open_accelerated`; None decodes in software.

    Raises
    ------
    MediaError
        If the file is missing, empty, a directory, text, damaged, without a video stream or of an unknown codec.
    LimitError
        If its frames are beyond `limits`.
    DeviceError
        If `hardware` is asked for by name and cannot decode this.
    """
    with opened_container(file, limits, hardware) as container:
        stream = _shown_stream(container, file)
        width, height = stream.codec_context.width, stream.codec_context.height
        if width == 0 and height == 0:
            # FFmpeg drops a size that is beyond the limit it was given
            raise LimitError(
                f"its header claims no size, or one beyond the limit of {limits.max_video_pixels / 1e6:.0f} million "
                "pixels",
                subject=file,
                remedy="Copy it again if it is damaged, else scale it down first, or raise MOTIONWARP_MAX_VIDEO_PIXELS",
            )
        limits.check_video(width, height, file)
        stream.thread_type = "AUTO"
        yield container, stream


@contextmanager
def opened_container(
    file: Path, limits: MediaLimits | None = None, hardware: str | None = None
) -> Iterator[InputContainer]:
    """Open `file`, which may hold sound only; arguments and errors as for `opened_video`."""
    existing_file(file)
    _refuse_foreign(file)
    limits = limits or MediaLimits.of_environment()
    options = _decoder_options(limits)
    address = ffmpeg_address(file)
    container = None if hardware is None else open_accelerated(address, options, hardware)
    if container is None:
        try:
            container = av.open(
                address, mode="r", options=options, container_options=CONTAINED, metadata_errors="replace"
            )
        except av.FFmpegError as error:
            raise MediaError(
                f"this is not a video that can be read, or it is damaged or cut off ({error.strerror})",
                subject=file,
                remedy="Copy or export it again, as MP4 for instance",
            ) from error
    with container:
        yield container


def demuxed(container: InputContainer, stream: StreamT) -> Iterator[av.Packet[StreamT]]:
    """Yield a stream's packets and, at the end, an empty one; FFmpeg's errors come where the container breaks off."""
    # broadcasts and damaged files have streams that begin only in mid-file. At the very end PyAV 18 may look for one of
    # them among those that it knows, when all of this stream's packets have been given
    with suppress(IndexError):
        if may_restart(container):
            yield from rising(container.demux(timed_streams(container)), stream, RestartingClock())
        else:
            yield from container.demux(stream)


def joined_seconds(file: Path) -> float | None:
    """Return the length of a clip whose time stamps start anew, else None; errors as for `opened_container`."""
    with opened_container(file) as container:
        if not may_restart(container):
            return None
        origin = origin_seconds(container)
        clock_of_all = clock_to_the_end(container)
    return float(clock_of_all.end_seconds - origin) if clock_of_all.restarts else None


def _decoder_options(limits: MediaLimits) -> dict[str, str]:
    """Return what keeps the decoders that FFmpeg opens while it probes to the limits, before we see a size."""
    if int(av.__version__.split(".")[0]) < 18:
        # PyAV then crashes on containers whose streams show only while probing; sizes are still checked afterwards
        return {}
    # coded sizes are a little above the shown ones
    return {"max_pixels": str(limits.max_video_pixels + 64 * limits.max_video_side)}


def _refuse_foreign(file: Path) -> None:
    """Refuse what is not a video, in better words than FFmpeg's.

    That nothing foreign is opened is the business of `CONTAINED`.
    """
    with file.open("rb") as opened:
        head = opened.read(_SNIFFED_BYTES)
    if head.translate(None, _NOT_TEXT) == head and not head.startswith(_Y4M):
        raise MediaError("this is text, neither a video nor a picture", subject=file, remedy="Give another file")


def _shown_stream(container: InputContainer, file: Path) -> VideoStream:
    stream = _best_video(container)
    if stream is None:
        kind = "only sound" if container.streams.audio else "no video stream"
        raise MediaError(f"there is {kind} in it", subject=file, remedy="Give a file with moving pictures")
    if stream.codec_context is None:
        raise MediaError(
            "its video codec is unknown to this build of PyAV", subject=file, remedy="Convert it to H.264 first"
        )
    return stream


def _best_video(container: InputContainer) -> VideoStream | None:
    moving = [stream for stream in container.streams.video if not _is_cover(stream)]
    best = container.streams.best("video")
    return best if best in moving else next(iter(moving), None)


def _is_cover(stream: VideoStream) -> bool:
    """Tell whether a stream is the cover picture of a sound file."""
    disposition = getattr(stream, "disposition", 0)
    # a number, or an enumeration in some versions of PyAV
    return bool(int(getattr(disposition, "value", disposition)) & _ATTACHED_PICTURE)


def has_alpha_layer(stream: VideoStream) -> bool:
    """Tell whether a VP8 or VP9 stream has its alpha as a second picture, which FFmpeg's own decoders leave out."""
    return "1" in (stream.metadata.get("alpha_mode"), stream.metadata.get("ALPHA_MODE"))


def origin_seconds(container: InputContainer) -> Fraction:
    """Return the time of the clip's beginning on the container's clock, in seconds.

    A file all of whose streams start late (broadcast recordings, cuts) begins with its first picture. In others, a
    video that starts later than its sound keeps that distance, and sound that starts before 0 (encoders' priming) moves
    nothing.
    """
    start = max(Fraction(container.start_time or 0, av.time_base), Fraction(0))
    video = _best_video(container)
    if video is None or video.start_time is None:
        return start
    first_picture = video.start_time * clock(video)
    return first_picture if start > 0 else min(start, first_picture)


def codec_name(context: av.CodecContext) -> str:
    """Return FFmpeg's name of the codec, which is not always that of its decoder: AV1 is decoded by libdav1d."""
    codec = context.codec
    name = getattr(codec, "canonical_name", None)  # PyAV 14.0 does not have it
    return str(name) if name is not None else _CODECS_OF_DECODERS.get(codec.name, codec.name)


def clock(stream: VideoStream) -> Fraction:
    """Return the stream's time base, seconds a tick."""
    assert stream.time_base is not None  # every stream of an opened file has one
    return Fraction(stream.time_base)
