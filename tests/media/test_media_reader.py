from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from made_media import (
    DISPLAY_MATRICES,
    corner_names,
    corners_picture,
    index_of,
    level_picture,
    make_video,
    patch_display_matrix,
    sine,
)
from PIL import Image

from motionwarp.errors import DeviceError, LimitError, MediaError, OptionError
from motionwarp.media.limits import MediaLimits
from motionwarp.media.probe import probe_video
from motionwarp.media.reader import open_video, read_frame_at
from motionwarp.media.spread import spread_frames
from motionwarp.media.turned_reader import turned


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 frames at 25 a second, a key frame every 12."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return make_video(path, [level_picture(i) for i in range(30)], options={"crf": "10", "preset": "veryfast"})


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mov", "libx264", "yuv444p"),
        ("a.mkv", "libx264", "yuv422p10le"),
        ("a.mp4", "libx265", "yuv420p10le"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.webm", "libvpx", "yuv420p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.mpg", "mpeg2video", "yuv420p"),
        ("a.ts", "libx264", "yuv420p"),
        ("a.flv", "flv", "yuv420p"),
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("a.mkv", "ffv1", "bgr0"),
        ("a.avi", "rawvideo", "bgr24"),
        ("a.y4m", "wrapped_avframe", "yuv420p"),
        ("a.gif", "gif", "rgb8"),
        ("a.apng", "apng", "rgb24"),
    ],
)
def test_reads_every_container_and_codec(tmp_path: Path, name: str, codec: str, pixel_format: str) -> None:
    options = {"libx265": {"x265-params": "log-level=error", "crf": "10"}, "libvpx-vp9": {"crf": "10", "b": "0"}}
    path = make_video(
        tmp_path / name,
        [level_picture(i) for i in range(10)],
        codec=codec,
        pixel_format=pixel_format,
        options=options.get(codec, {"b": "2000000"} if codec in ("libvpx", "mpeg4", "mpeg2video", "flv") else None),
        container_format="yuv4mpegpipe" if name.endswith("y4m") else None,
    )
    with open_video(path) as reader:
        frames = list(reader)
    assert [index_of(frame.rgb) for frame in frames] == list(range(10))
    assert [frame.index for frame in frames] == list(range(10))
    np.testing.assert_allclose([frame.pts_seconds for frame in frames], np.arange(10) / 25, atol=1e-3)
    assert frames[0].rgb.shape == (48, 64, 3)
    assert frames[0].rgb.dtype == np.uint8
    assert reader.warnings == []
    assert reader.clip_end_seconds == pytest.approx(0.4, abs=0.011)


def test_tells_what_the_video_is(clip: Path) -> None:
    info = probe_video(clip)
    assert (info.width, info.height, info.frame_rate, info.frame_count) == (64, 48, 25, 30)
    assert info.duration_seconds == pytest.approx(1.2)
    assert (info.codec, info.pixel_format, info.has_audio, info.has_alpha) == ("h264", "yuv420p", False, False)
    assert info.rotation_degrees == 0


def test_tells_of_sound(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [level_picture(i) for i in range(5)], sound=sine(0.2))
    assert probe_video(path).has_audio


def test_keeps_variable_times(tmp_path: Path) -> None:
    ticks = [0, 3000, 3001, 9000, 12000, 20000, 20500, 60000]
    path = make_video(
        tmp_path / "a.mp4", [level_picture(i) for i in range(8)], ticks=ticks, time_base=Fraction(1, 90000)
    )
    frames = list(open_video(path))
    assert [round(frame.pts_seconds * 90000) for frame in frames] == ticks
    assert [index_of(frame.rgb) for frame in frames] == list(range(8))


def test_gif_frames_have_their_own_delays(tmp_path: Path) -> None:
    images = [Image.fromarray(level_picture(i)) for i in range(4)]
    path = tmp_path / "a.gif"
    images[0].save(path, save_all=True, append_images=images[1:], duration=[40, 120, 500, 70], loop=0)
    with open_video(path) as reader:
        frames = list(reader)
    assert [frame.pts_seconds for frame in frames] == pytest.approx([0, 0.04, 0.16, 0.66])
    assert reader.clip_end_seconds == pytest.approx(0.73)
    assert [index_of(frame.rgb) for frame in frames] == list(range(4))
    assert all(frame.alpha is None for frame in frames)


def test_gif_frames_that_change_a_part_only_are_composed(tmp_path: Path) -> None:
    first, second = (Image.fromarray(corners_picture()) for _ in range(2))
    second.paste((240, 20, 20), (0, 24, 32, 48))
    path = tmp_path / "a.gif"
    first.save(path, save_all=True, append_images=[second], duration=40)
    assert [corner_names(frame.rgb) for frame in open_video(path)] == ["rgbw", "rgrw"]


@pytest.mark.parametrize(("degrees", "names"), [(0, "rgbw"), (90, "brwg"), (180, "wbgr"), (270, "gwrb")])
def test_rotation_is_applied(tmp_path: Path, degrees: int, names: str) -> None:
    path = make_video(tmp_path / "a.mp4", [corners_picture()] * 3)
    patch_display_matrix(path, DISPLAY_MATRICES[degrees])
    info = probe_video(path)
    size = (64, 48) if degrees in (0, 180) else (48, 64)
    assert (info.width, info.height, info.rotation_degrees, info.mirrored) == (*size, degrees, False)
    for frame in open_video(path):
        assert corner_names(frame.rgb) == names
        assert frame.rgb.shape == (size[1], size[0], 3)
        assert frame.rgb.flags.c_contiguous


def test_mirroring_is_applied(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [corners_picture()])
    one = 1 << 16
    patch_display_matrix(path, (-one, 0, 0, 0, one, 0, 0, 0, 1 << 30))
    assert probe_video(path).mirrored
    assert [corner_names(frame.rgb) for frame in open_video(path)] == ["grwb"]


@pytest.mark.parametrize(("aspect", "size"), [(Fraction(4, 3), (85, 48)), (Fraction(1, 2), (64, 96))])
def test_pixels_become_square(tmp_path: Path, aspect: Fraction, size: tuple[int, int]) -> None:
    path = make_video(tmp_path / "a.mp4", [corners_picture()] * 2, aspect=aspect)
    info = probe_video(path)
    assert (info.width, info.height) == size
    for frame in open_video(path):
        assert frame.rgb.shape == (size[1], size[0], 3)
        assert corner_names(frame.rgb) == "rgbw"


@pytest.mark.parametrize("size", [(641, 479), (1, 1), (3, 2)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    path = make_video(
        tmp_path / "a.mkv",
        [np.full((size[1], size[0], 3), 99, np.uint8)] * 2,
        codec="ffv1",
        pixel_format="bgr0",
        options={},
    )
    frames = list(open_video(path))
    assert len(frames) == 2
    assert frames[0].rgb.shape == (size[1], size[0], 3)
    np.testing.assert_array_equal(frames[0].rgb, 99)


def test_a_stream_that_changes_its_size_keeps_the_first(tmp_path: Path) -> None:
    # two MPEG transport streams one after the other, as broadcasters and cheap cutters make them
    one = make_video(tmp_path / "1.ts", [corners_picture(64, 48)] * 5)
    two = make_video(tmp_path / "2.ts", [corners_picture(128, 96)] * 5, ticks=range(5, 10))
    both = tmp_path / "a.ts"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    frames = list(open_video(both))
    assert len(frames) == 10
    assert {frame.rgb.shape for frame in frames} == {(48, 64, 3)}
    assert {corner_names(frame.rgb) for frame in frames} == {"rgbw"}


@pytest.mark.parametrize(
    ("codec", "name", "pixel_format"),
    [
        ("libvpx-vp9", "a.webm", "yuva420p"),
        ("prores_ks", "a.mov", "yuva444p10le"),
        ("png", "a.mov", "rgba"),
        ("ffv1", "a.mkv", "yuva420p"),
    ],
)
def test_alpha_is_read(tmp_path: Path, codec: str, name: str, pixel_format: str) -> None:
    alpha = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    options = {"libvpx-vp9": {"crf": "4", "b": "0", "auto-alt-ref": "0"}, "prores_ks": {"profile": "4"}}
    path = make_video(
        tmp_path / name,
        [np.dstack([corners_picture(), alpha])] * 3,
        codec=codec,
        pixel_format=pixel_format,
        options=options.get(codec, {}),
    )
    assert probe_video(path).has_alpha
    frames = list(open_video(path))
    assert len(frames) == 3
    for frame in frames:
        assert frame.alpha is not None
        np.testing.assert_allclose(frame.alpha.astype(int), alpha, atol=4)
        assert corner_names(frame.rgb) == "rgbw"


@pytest.mark.parametrize("start", [0.0, 0.04, 0.2, 0.48, 0.5, 1.16])
@pytest.mark.parametrize("length", [0.04, 0.3, None])
def test_a_section_has_the_frames_of_the_section(clip: Path, start: float, length: float | None) -> None:
    end = None if length is None else start + length
    with open_video(clip, start_seconds=start, end_seconds=end) as reader:
        frames = list(reader)
    expected = [i for i in range(30) if i / 25 >= start - 1e-6 and (end is None or i / 25 < end - 1e-6)]
    assert [index_of(frame.rgb) for frame in frames] == expected
    np.testing.assert_allclose([frame.pts_seconds for frame in frames], [i / 25 - start for i in expected], atol=1e-6)
    assert [frame.index for frame in frames] == list(range(len(expected)))
    assert reader.clip_end_seconds == pytest.approx(min(1.2, end or math.inf) - start)
    assert reader.warnings == []


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.avi", "a.ts", "a.m2ts", "a.mpg", "a.gif", "a.h264"])
def test_sections_of_every_container(tmp_path: Path, name: str) -> None:
    codecs = {"a.webm": "libvpx-vp9", "a.avi": "mpeg4", "a.mpg": "mpeg2video", "a.m2ts": "mpeg2video", "a.gif": "gif"}
    codec = codecs.get(name, "libx264")
    options = {"b": "2000000"} if codec in ("mpeg4", "mpeg2video", "libvpx-vp9") else None
    # noise, for FFmpeg's MPEG muxer gives no time to frames that share a packet
    noise = np.random.default_rng(0).integers(-20, 21, (48, 64, 1)) if name == "a.mpg" else 0
    path = make_video(
        tmp_path / name,
        [(level_picture(i) + noise).clip(0, 255).astype(np.uint8) for i in range(30)],
        codec=codec,
        options=options,
        pixel_format="rgb8" if name == "a.gif" else "yuv420p",
        container_format={"a.h264": "h264", "a.m2ts": "mpegts"}.get(name),
    )
    frames = list(open_video(path, start_seconds=0.8, end_seconds=1.0))
    assert [index_of(frame.rgb) for frame in frames] == [20, 21, 22, 23, 24]
    np.testing.assert_allclose([frame.pts_seconds for frame in frames], np.arange(5) / 25, atol=1.1e-3)


def test_sections_are_read_by_seeking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_video(tmp_path / "a.mp4", [level_picture(i % 30) for i in range(300)], gop=10)
    from motionwarp.media import container_reader as container_decoding

    decoded = []
    original = container_decoding._timed_frames

    def counting(*arguments: object) -> object:
        for frame in original(*arguments):  # type: ignore[arg-type]
            decoded.append(frame)
            yield frame

    monkeypatch.setattr(container_decoding, "_timed_frames", counting)
    frames = list(open_video(path, start_seconds=10.0, end_seconds=10.2))
    assert [index_of(frame.rgb) for frame in frames] == [10, 11, 12, 13, 14]
    assert len(decoded) < 20


def test_files_that_start_late_start_at_zero(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.ts", [level_picture(i) for i in range(5)], ticks=range(100, 105))
    with av.open(str(path)) as container:
        assert container.start_time > 3_000_000
    frames = list(open_video(path))
    np.testing.assert_allclose([frame.pts_seconds for frame in frames], np.arange(5) / 25, atol=1e-6)
    assert probe_video(path).duration_seconds == pytest.approx(0.2, abs=0.05)


def test_a_clip_can_be_passed_twice_and_left_early(clip: Path) -> None:
    with open_video(clip) as reader:
        for frame in reader:
            if frame.index == 3:
                break
        assert [index_of(frame.rgb) for frame in reader] == list(range(30))
        assert len(list(reader)) == 30


@pytest.mark.parametrize(
    ("start", "end"), [(-1.0, None), (math.nan, None), (math.inf, None), (1.0, 1.0), (1.0, 0.5), (None, 0.0)]
)
def test_senseless_sections_are_refused(clip: Path, start: float | None, end: float | None) -> None:
    with pytest.raises(OptionError):
        open_video(clip, start_seconds=start, end_seconds=end)


def test_a_section_beyond_the_end_is_refused(clip: Path) -> None:
    with pytest.raises(MediaError, match=r"1\.20 s long"):
        list(open_video(clip, start_seconds=5.0))


@pytest.mark.parametrize(("seconds", "index"), [(0.0, 0), (0.039, 0), (0.04, 1), (0.5, 12), (1.17, 29), (1.1999, 29)])
def test_frame_at_a_time_is_the_one_that_is_shown_then(clip: Path, seconds: float, index: int) -> None:
    frame = read_frame_at(clip, seconds)
    assert index_of(frame.rgb) == index
    assert frame.pts_seconds == pytest.approx(index / 25)
    assert frame.index == 0


def test_frame_at_a_time_looks_back_over_long_frames(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mp4", [level_picture(i) for i in range(3)], ticks=[0, 1000, 40000], time_base=Fraction(1, 1000)
    )
    assert index_of(read_frame_at(path, 39.0).rgb) == 1
    with pytest.raises(MediaError, match="no frame at"):
        read_frame_at(path, 100.0)


def test_frame_at_a_time_works_for_folders_and_pictures(tmp_path: Path) -> None:
    for i in range(5):
        Image.fromarray(level_picture(i)).save(tmp_path / f"{i:03d}.png")
    assert index_of(read_frame_at(tmp_path, 0.09).rgb) == 2
    assert index_of(read_frame_at(tmp_path / "003.png", 0.0).rgb) == 3


def test_limits_hold_for_videos(clip: Path) -> None:
    with pytest.raises(LimitError, match="64x48"):
        open_video(clip, limits=MediaLimits(max_video_pixels=3000))
    with pytest.raises(LimitError):
        probe_video(clip, MediaLimits(max_video_side=63))


def test_unknown_hardware_is_refused(clip: Path) -> None:
    with pytest.raises(DeviceError, match="abacus"):
        open_video(clip, hardware="abacus")


def test_automatic_hardware_falls_back_to_software(clip: Path) -> None:
    assert [index_of(frame.rgb) for frame in open_video(clip, hardware="auto")] == list(range(30))


def test_frames_between_can_be_small_and_are_upright_at_their_own_times(tmp_path: Path) -> None:
    path = make_video(tmp_path / "turned.mp4", [corners_picture(640, 320)] * 7)
    patch_display_matrix(path, DISPLAY_MATRICES[90])
    with open_video(path) as reader:
        usual = list(reader)
    with open_video(path, whole_every=3) as reader:
        some = list(reader)
    assert [(frame.index, frame.pts_seconds) for frame in some] == [(frame.index, frame.pts_seconds) for frame in usual]
    for whole, frame in zip(usual, some, strict=True):
        if frame.index % 3:
            assert frame.rgb.shape == (256, 128, 3)
            assert corner_names(frame.rgb) == corner_names(whole.rgb)
        else:
            np.testing.assert_array_equal(frame.rgb, whole.rgb)


@pytest.mark.parametrize(("degrees", "names"), [(0, "rgbw"), (90, "brwg"), (180, "wbgr"), (270, "gwrb")])
def test_clips_are_turned_clockwise_on_demand(tmp_path: Path, degrees: int, names: str) -> None:
    clip = make_video(tmp_path / "a.mp4", [corners_picture()] * 3)
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(3):
        Image.fromarray(corners_picture()).save(folder / f"{index}.png")
    for path in (clip, folder):
        with turned(open_video(path), degrees) as reader:
            frames = list(reader)
        size = (64, 48) if degrees % 180 == 0 else (48, 64)
        assert (reader.info.width, reader.info.height) == size
        assert [corner_names(frame.rgb) for frame in frames] == [names] * 3
        assert frames[0].rgb.shape[1::-1] == size
    with pytest.raises(ValueError, match="45"):
        turned(open_video(clip), 45)


@pytest.mark.parametrize("seconds", [0.4, 3.0, 30.0])
def test_frames_are_spread_over_the_clip(tmp_path: Path, seconds: float) -> None:
    count = round(seconds * 25)
    path = make_video(tmp_path / "a.mp4", [level_picture(index * 30 // count) for index in range(count)])
    frames = list(spread_frames(path, most=8))
    times = [frame.pts_seconds for frame in frames]
    assert len(frames) == min(max(round(seconds), 3), 8)
    assert times == sorted(times)
    assert times[0] < 0.2 * seconds
    assert times[-1] > 0.6 * seconds
    for frame in frames:  # each is the one of its time
        assert index_of(frame.rgb) == pytest.approx(frame.pts_seconds * 25 * 30 / count, abs=1.1)
