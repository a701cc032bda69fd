"""Files that are no video, or a broken one: each a clear error, or a warning that counts what was left out."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.container import InputContainer
from av.video.stream import VideoStream
from made_media import index_of, level_picture, make_video, sine
from PIL import Image

from motionwarp.errors import LimitError, MediaError
from motionwarp.media.container import demuxed
from motionwarp.media.probe import probe_video
from motionwarp.media.reader import open_video


def _noisy(index: int) -> np.ndarray:
    """A picture that takes many bytes to encode, and tells its index by its mean."""
    noise = np.random.default_rng(index).integers(-20, 21, (96, 128, 3))
    return (level_picture(index, 128, 96) + noise).clip(0, 255).astype(np.uint8)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_video(tmp_path / "clip.mp4", [_noisy(i) for i in range(30)], gop=5)


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _sound_only(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(sine(0.5), format="fltp", layout="stereo")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _cut_webp(path: Path) -> Path:
    frames = [Image.new("RGB", (32, 32), (60 * i, 0, 0)) for i in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
    content = path.read_bytes()
    return _write(path, content[: content.index(b"ANMF") + 12])


def _no_frames(path: Path) -> Path:
    """An AVI with a video stream that has a header and not one packet."""
    make_video(path, [level_picture(0)], codec="rawvideo", pixel_format="bgr24", options={})
    content = path.read_bytes()
    movi = content.index(b"movi")
    return _write(path, content[: movi - 4] + struct.pack("<I", 4) + b"movi")


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "none.mp4", "no such file"),
    "empty": (lambda folder: _write(folder / "a.mp4", b""), "empty"),
    "directory": (lambda folder: folder, "no numbered pictures"),
    "text": (lambda folder: _write(folder / "a.mp4", b"this is not a video\n" * 50), "text"),
    "playlist": (lambda folder: _write(folder / "a.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"), "text"),
    "noise": (lambda folder: _write(folder / "a.mp4", np.random.default_rng(0).bytes(20000)), "not a video"),
    "zeros": (lambda folder: _write(folder / "a.mp4", bytes(20000)), "not a video"),
    "sound": (lambda folder: _sound_only(folder / "a.mp4"), "only sound"),
    "mislabeled sound": (lambda folder: _sound_only(folder / "a.m4a").rename(folder / "b.mp4"), "only sound"),
    "animated WebP that is cut off": (lambda folder: _cut_webp(folder / "a.webp"), "no frame in this WebP"),
    "no frames": (lambda folder: _no_frames(folder / "a.avi"), "not one frame|no size|not a video"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_video_is_refused(tmp_path: Path, case: str) -> None:
    make, words = REFUSED[case]
    path = make(tmp_path)
    with pytest.raises(MediaError, match=words) as caught:
        open_video(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy
    with pytest.raises(MediaError, match=words):
        probe_video(path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_are_refused(clip: Path) -> None:
    clip.chmod(0)
    with pytest.raises(MediaError, match="may not be read"):
        open_video(clip)


def test_an_mp4_without_its_index_is_refused(clip: Path) -> None:
    content = clip.read_bytes()
    clip.write_bytes(content[: content.rindex(b"moov") - 100])
    with pytest.raises(MediaError, match="damaged or cut off"):
        open_video(clip)


@pytest.mark.parametrize("name", ["a.ts", "a.mkv", "a.mp4"])
def test_a_truncated_video_is_read_as_far_as_it_goes_and_warned_of(tmp_path: Path, name: str) -> None:
    pictures = [_noisy(i) for i in range(30)]
    # the index comes first, as for the web, so that a cut takes frames away
    options = {"movflags": "faststart"} if name == "a.mp4" else None
    path = make_video(tmp_path / name, pictures, gop=5, container_options=options)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    reader = open_video(path)
    frames = list(reader)
    assert 10 <= len(frames) <= 20
    assert [index_of(frame.rgb) for frame in frames] == list(range(len(frames)))
    if name != "a.ts":  # a transport stream has no header that promises a length
        assert any("breaks off" in warning or "to its end" in warning for warning in reader.warnings)


@pytest.mark.parametrize("codec", ["mjpeg", "libx264", "png", "ffv1"])
def test_broken_frames_are_left_out_counted_and_warned_of(tmp_path: Path, codec: str) -> None:
    pixel_format = {"mjpeg": "yuvj420p", "png": "rgb24", "ffv1": "bgr0"}.get(codec, "yuv420p")
    options = {"ffv1": {"level": "3", "slicecrc": "1"}, "libx264": {"crf": "10", "preset": "ultrafast"}}
    path = make_video(
        tmp_path / ("a.mov" if codec == "png" else "a.mkv"),
        [_noisy(i) for i in range(30)],
        codec=codec,
        pixel_format=pixel_format,
        gop=1,
        options=options.get(codec, {}),
    )
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    for number in (7, 8, 19):
        place = content.index(packets[number])
        # what is left of the packet is noise, its first bytes too: no decoder can make anything of it
        content[place : place + len(packets[number])] = np.random.default_rng(number).bytes(len(packets[number]))
    path.write_bytes(content)
    reader = open_video(path)
    frames = list(reader)
    indices = [index_of(frame.rgb) for frame in frames]
    assert indices == [i for i in range(30) if i not in (7, 8, 19)]
    np.testing.assert_allclose([frame.pts_seconds for frame in frames], [i / 25 for i in indices], atol=1e-3)
    assert [frame.index for frame in frames] == list(range(27))
    assert len(reader.warnings) == 1
    assert reader.warnings[0].startswith("3 broken frames were left out")


def test_a_video_all_of_whose_frames_are_broken_is_refused(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mov", [_noisy(i) for i in range(5)], codec="png", pixel_format="rgb24", options={})
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    for packet in packets:
        place = content.index(packet)
        content[place : place + len(packet)] = bytes(len(packet))
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"not one frame|no size"):
        open_video(path)


def _gif_bomb() -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", 60000, 60000, 0, 0, 0)
        + (
            b"\x21\xf9\x04\0\x04\0\0\0"
            + b"\x2c"
            + struct.pack("<HHHHB", 0, 0, 60000, 60000, 0x80)
            + bytes(6)
            + b"\x02\x02\x4c\x01\0"
        )
        * 2
        + b"\x3b"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.y4m", b"YUV4MPEG2 W60000 H60000 F25:1 C420\nFRAME\n" + bytes(100)), ("a.gif", _gif_bomb())],
)
def test_absurd_sizes_are_refused_before_decoding(tmp_path: Path, name: str, content: bytes) -> None:
    path = _write(tmp_path / name, content)
    with pytest.raises(MediaError if name == "a.y4m" else LimitError):
        open_video(path)


def test_an_avi_header_that_lies_is_refused(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.avi", [level_picture(0)] * 2, codec="rawvideo", pixel_format="bgr24", options={})
    content = bytearray(path.read_bytes())
    place = content.index(b"strf") + 8 + 4
    content[place : place + 8] = struct.pack("<ii", 50000, 50000)
    path.write_bytes(content)
    with pytest.raises(LimitError, match="beyond the limit"):
        open_video(path)


@pytest.mark.parametrize("name", ["colon: a%05d.mp4", "http:__x.mp4", "ümläut ★.mp4", "-dash.mp4", "a b\nc.mp4"])
def test_odd_names_are_just_names(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_video(tmp_path / "made.mp4", [level_picture(i) for i in range(3)])
    made.rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(list(open_video(name))) == 3


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    path = _sound_only(tmp_path / "a.m4a")
    Image.new("RGB", (32, 32)).save(tmp_path / "cover.jpg")
    with av.open(str(path)) as sound, av.open(str(tmp_path / "b.mp4"), "w") as target:
        audio = target.add_stream_from_template(sound.streams.audio[0])
        cover = target.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        if not hasattr(cover, "disposition"):
            pytest.skip("this PyAV cannot write cover pictures")
        cover.disposition = 1024  # AV_DISPOSITION_ATTACHED_PIC
        frame = av.VideoFrame(32, 32, "yuvj420p")
        frame.pts = 0
        target.mux(cover.encode(frame))
        target.mux(cover.encode(None))
        for packet in sound.demux(audio=0):
            if packet.size:
                packet.stream = audio
                target.mux(packet)
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.video, "the cover should be there"
    with pytest.raises(MediaError, match="only sound"):
        open_video(tmp_path / "b.mp4")


PLAYLISTS = {
    # a control character in a comment makes them no text
    "a.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n#\0\n",
    "b.mp4": "ffconcat version 1.0\nfile clip.mp4\n#\0\n",
    "c.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    "#\0\n",
}


@pytest.mark.parametrize("name", PLAYLISTS)
def test_files_that_name_others_are_not_followed(clip: Path, name: str) -> None:
    with pytest.raises(MediaError):
        open_video(_write(clip.with_name(name), PLAYLISTS[name].encode()))


def test_streams_that_begin_in_mid_file_do_not_end_the_others(tmp_path: Path) -> None:
    """PyAV looks for them at the very end, among the streams that it knew when the file was opened."""
    path = make_video(tmp_path / "a.mp4", [level_picture(index) for index in range(5)])

    class Growing:
        def __init__(self, container: InputContainer) -> None:
            self.container, self.format = container, container.format

        def demux(self, stream: VideoStream) -> Iterator[av.Packet[VideoStream]]:
            yield from self.container.demux(stream)
            raise IndexError("list index out of range")

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = list(demuxed(Growing(container), stream))  # type: ignore[arg-type]
    assert sum(packet.size > 0 for packet in packets) == 5
    assert packets[-1].size == 0
