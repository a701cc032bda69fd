"""What readers and writers say where the system, a library or a file refuses: rare, hence injected here."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from made_media import level_picture, make_video
from PIL import Image

from motionwarp.errors import DeviceError, MediaError, OutputError
from motionwarp.media import container as hardware
from motionwarp.media import encoders, image
from motionwarp.media.color import RgbConverter
from motionwarp.media.container import check_hardware, open_accelerated
from motionwarp.media.encoders import CODECS
from motionwarp.media.frame_folder import find_numbered_frames, frames_matching
from motionwarp.media.image import is_picture, read_image, write_image
from motionwarp.media.image_header import BrokenHeaderError, parse_picture_header
from motionwarp.media.limits import MediaLimits, existing_file
from motionwarp.media.prefetch import prefetched
from motionwarp.media.writer import open_writer

RATE = Fraction(25)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    with pytest.raises(MediaError, match="not a regular file"):
        existing_file(pipe)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "may not be read"),
        (OSError(errno.EIO, "Input/output error"), "output error"),
    ],
)
def test_what_the_system_refuses_to_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    file = tmp_path / "a.png"
    write_image(file, level_picture(1))

    def refuse(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        with pytest.raises(MediaError, match=words) as caught:
            existing_file(file)
    assert caught.value.subject == str(file)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(MediaError, match=words):
        read_image(file)


def test_a_folder_that_may_not_be_listed_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"the folder cannot be read \(No such file"):
        find_numbered_frames(tmp_path / "missing" / "frame_%05d.png")


def test_frames_of_a_missing_folder_are_none_and_a_pattern_needs_a_number(tmp_path: Path) -> None:
    assert frames_matching(tmp_path / "missing", "%05d.png") == []
    with pytest.raises(ValueError, match="has no %d in it"):
        frames_matching(tmp_path, "frames.png")


def test_a_file_over_the_limit_is_a_picture_that_is_refused_by_its_size(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    write_image(file, level_picture(1))
    with pytest.raises(MediaError, match="bytes are too many for a picture"):
        read_image(file, MediaLimits(max_file_bytes=20))
    with file.open("r+b") as opened:
        opened.truncate(MediaLimits().max_file_bytes + 1)  # a hole: it takes no space on the disk
    assert is_picture(file)


def test_pixels_without_a_known_range_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    Image.fromarray(np.full((20, 20), 0.5, np.float32)).save(file)
    with pytest.raises(MediaError, match=r"pixels are float32, whose range is not known"):
        read_image(file)


@pytest.mark.parametrize(
    ("failure", "words"), [(cv2.error("no codec"), "cannot be decoded"), (None, "picture is damaged")]
)
def test_a_decoder_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception | None, words: str
) -> None:
    file = tmp_path / "a.png"
    write_image(file, level_picture(1))

    def fail(*_: object) -> None:
        if failure is not None:
            failure.err = "no codec"  # type: ignore[attr-defined]
            raise failure

    monkeypatch.setattr(image.cv2, "imdecode", fail)
    with pytest.raises(MediaError, match=words):
        read_image(file)


def test_a_damaged_gif_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.gif"
    Image.fromarray(level_picture(1)).save(file)
    content = bytearray(file.read_bytes())
    palette = 3 << ((content[10] & 7) + 1) if content[10] & 0x80 else 0
    content[content.index(b"\x2c", 13 + palette) + 10] = 200  # bits of the first code: no more than 8 are possible
    file.write_bytes(content)
    with pytest.raises(MediaError, match="GIF picture is damaged"):
        read_image(file)


def test_a_picture_that_cannot_be_encoded_or_stored_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(image.cv2, "imencode", lambda *_: (False, None))
        with pytest.raises(OutputError, match="cannot be encoded"):
            write_image(tmp_path / "a.png", level_picture(1))
    with pytest.raises(OutputError, match="cannot be encoded"):
        write_image(tmp_path / "a.jpg", np.zeros((70000, 1, 3), np.uint8))  # JPEG's sides end at 65,535
    with pytest.raises(ValueError, match=r"with a pixel in it, got uint8 \(0, 5, 3\)"):
        write_image(tmp_path / "a.png", np.zeros((0, 5, 3), np.uint8))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="full"):
        write_image(tmp_path / "a.png", level_picture(1))
    assert list(tmp_path.iterdir()) == []


def _jpeg(*segments: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(segments)


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content


@pytest.mark.parametrize(
    "data",
    [
        _jpeg(_segment(0xDA, b"\0" * 6)),  # a scan whose size nothing told
        _jpeg(_segment(0xE0, b"\0" * 6), b"plain bytes where a marker must be"),
    ],
)
def test_a_jpeg_without_a_size_or_a_marker_is_broken(data: bytes) -> None:
    with pytest.raises(BrokenHeaderError):
        parse_picture_header(data)


def test_fill_bytes_between_segments_are_passed_over(tmp_path: Path) -> None:
    Image.fromarray(level_picture(1)).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    header = parse_picture_header(data[:2] + b"\xff\xff\xff" + data[2:])
    assert header is not None
    assert (header.width, header.height) == (64, 48)


def test_a_pixel_format_that_cannot_be_converted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    converter = RgbConverter(64, 48, "clip.mkv")

    class Refusing:
        def reformat(self, *_: object, **__: object) -> None:
            raise ValueError("no path between formats")

    monkeypatch.setattr(converter, "_reformatter", Refusing())
    frame = av.VideoFrame.from_ndarray(level_picture(1), format="rgb24").reformat(format="yuv420p")
    with pytest.raises(MediaError, match="pixel format yuv420p cannot be converted to RGB") as caught:
        converter.convert(frame)
    assert caught.value.subject == "clip.mkv"


def test_a_build_without_an_encoder_says_which_and_what_else_to_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders.av, "codecs_available", {"h264"})
    with pytest.raises(OutputError, match="cannot encode h264"):
        CODECS["h264"].encoder()
    monkeypatch.setattr(encoders.av, "codecs_available", {"h264", *CODECS["h264"].encoders})
    monkeypatch.setattr(encoders, "_is_encoder", lambda name: name == CODECS["h264"].encoders[-1])
    assert CODECS["h264"].encoder() == CODECS["h264"].encoders[-1]
    monkeypatch.undo()
    assert not encoders._is_encoder("libdav1d")  # a decoder only
    assert not encoders._is_encoder("no such codec")


def test_without_hardware_decoding_automatic_means_software(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_video(tmp_path / "a.mp4", [level_picture(i) for i in range(3)])
    monkeypatch.setattr(hardware, "hardware_decoders", list)
    assert open_accelerated(f"file:{tmp_path / 'a.mp4'}", {}, "auto") is None
    with pytest.raises(DeviceError, match="no hardware decoder 'cuda'") as caught:
        check_hardware("cuda")
    assert "a newer PyAV" in str(caught.value)


def test_a_hardware_decoder_that_this_machine_lacks_is_told_where_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*_: object, **__: object) -> None:
        raise RuntimeError("no such device on this machine")

    monkeypatch.setattr(hardware.av, "open", lacking)
    for name in hardware.hardware_decoders():
        with pytest.raises(DeviceError, match=rf"'{name}' cannot be used here \("):
            open_accelerated(f"file:{tmp_path / 'a.mp4'}", {}, name)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 0}, "needs a size, got 0x48"),
        ({"frame_rate": Fraction(-1)}, "positive time base and frame rate"),
    ],
)
def test_a_video_without_size_or_time_is_a_mistake_of_the_caller(
    tmp_path: Path, options: dict[str, object], words: str
) -> None:
    settings = {"width": 64, "height": 48, "frame_rate": RATE, **options}
    with pytest.raises(ValueError, match=words):
        open_writer(tmp_path / "a.mp4", **settings)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_gif_larger_than_the_format_can_tell_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError), open_writer(tmp_path / "a.gif", width=70_000, height=2, frame_rate=RATE) as writer:
        writer.write(np.zeros((2, 70_000, 3), np.uint8), 0.0)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_while_a_gif_is_finished_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("motionwarp.media.gif_writer.tag_file", full)
    writer = open_writer(tmp_path / "a.gif", width=64, height=48, frame_rate=RATE, metadata={"comment": "made"})
    writer.write(level_picture(1), 0.0)
    with pytest.raises(OutputError, match="full"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


def test_frames_need_a_place_to_be_made_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OutputError) as caught:
        open_writer(f"{tmp_path / 'frames'}/", width=64, height=48, frame_rate=RATE)
    assert caught.value.subject == str(tmp_path / "frames")


def test_fewer_bytes_on_the_disk_than_were_written_is_a_full_disk(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "a.mp4", width=64, height=48, frame_rate=RATE)
    writer.write(level_picture(1), 0.0)
    writer._muxed_bytes += 10**9  # type: ignore[attr-defined]  # as if FFmpeg had handed on a gigabyte
    with pytest.raises(OutputError, match="full"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_cleaning_up_reaches_the_consumer() -> None:
    def source() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            raise RuntimeError("the file could not be closed")

    items = prefetched(source(), depth=1)
    assert next(items) == 0
    with pytest.raises(RuntimeError, match="could not be closed"):
        list(items)


def test_the_consumer_waits_for_a_slow_source(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr("motionwarp.media.prefetch._POLL_SECONDS", 0.001)
    may_go = threading.Event()

    def source() -> Iterator[int]:
        may_go.wait()
        yield 7

    threading.Timer(0.05, may_go.set).start()
    assert list(prefetched(source())) == [7]
