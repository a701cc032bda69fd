from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from made_media import (
    corner_names,
    corners_picture,
    index_of,
    level_picture,
    make_video,
    read_pictures,
    read_times,
    sine,
)
from PIL import Image, ImageSequence

from motionwarp.errors import OptionError, OutputError
from motionwarp.media.encoders import CODECS, EncodeOptions
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer

RATE = Fraction(25)


def write(
    path: Path | str,
    pictures: Iterable[np.ndarray],
    *,
    times: Iterable[float] | None = None,
    time_base: Fraction = Fraction(1, 90000),
    end: float | None = None,
    **options: object,
) -> None:
    pictures = list(pictures)
    times = [i / 25 for i in range(len(pictures))] if times is None else list(times)
    height, width, channels = pictures[0].shape
    with open_writer(
        path,
        width=width,
        height=height,
        frame_rate=RATE,
        time_base=time_base,
        alpha=channels == 4,
        **options,  # type: ignore[arg-type]
    ) as writer:
        for picture, time in zip(pictures, times, strict=True):
            writer.write(picture, time)
        if end is not None:
            writer.end_at(end)


CASES = [
    ("a.mp4", "auto", "h264"),
    ("a.mp4", "hevc", "hevc"),
    ("a.mp4", "av1", "av1"),
    ("a.m4v", "h264", "h264"),
    ("a.mov", "auto", "h264"),
    ("a.mov", "prores", "prores"),
    ("a.webm", "auto", "vp9"),
    ("a.webm", "av1", "av1"),
    ("a.mkv", "auto", "h264"),
    ("a.mkv", "ffv1", "ffv1"),
]


@pytest.mark.parametrize(("name", "codec", "expected"), CASES)
def test_writes_every_container_and_codec(tmp_path: Path, name: str, codec: str, expected: str) -> None:
    if codec in CODECS and not any(_has_encoder(encoder) for encoder in CODECS[codec].encoders):
        pytest.skip(f"this build of PyAV cannot encode {codec}")
    path = tmp_path / name
    write(path, [level_picture(i, 128, 96) for i in range(20)], options=EncodeOptions(codec=codec))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert context.name in (expected, "libdav1d")
        assert (context.width, context.height) == (128, 96)
        assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)
        # ProRes is of limited range by definition, so older FFmpeg does not tag it
        assert context.color_range == 1 or (expected == "prores" and context.color_range == 0)
        assert float(stream.average_rate) == pytest.approx(25, rel=0.02)
        assert float(container.duration) / av.time_base == pytest.approx(0.8, abs=0.002)
    frames = list(open_video(path))
    assert [index_of(frame.rgb) for frame in frames] == list(range(20))
    np.testing.assert_allclose([frame.pts_seconds for frame in frames], np.arange(20) / 25, atol=0.51e-3)
    assert list(tmp_path.iterdir()) == [path]


def _has_encoder(name: str) -> bool:
    try:
        av.codec.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        return False
    return True


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_times_are_kept_to_the_tick(tmp_path: Path, name: str) -> None:
    ticks = [0, 3000, 3001, 9000, 12000, 20000, 20500, 60000]
    path = tmp_path / name
    write(path, [level_picture(i) for i in range(8)], times=[t / 90000 for t in ticks], end=105000 / 90000)
    assert read_times(path) == [Fraction(t, 90000) for t in ticks]
    assert [index_of(picture) for picture in read_pictures(path)] == list(range(8))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.duration * stream.time_base == Fraction(105000, 90000)
        assert container.duration == pytest.approx(105000 / 90000 * av.time_base, abs=1)


@pytest.mark.parametrize(
    ("codec", "name"), [("hevc", "a.mp4"), ("vp9", "a.mp4"), ("prores", "a.mov"), ("ffv1", "a.mkv"), ("vp9", "a.webm")]
)
def test_other_codecs_keep_times_and_the_last_frames_duration(tmp_path: Path, codec: str, name: str) -> None:
    times = [0, 0.1, 0.113, 0.5, 0.9]
    path = tmp_path / name
    write(path, [level_picture(i) for i in range(5)], times=times, end=1.5, options=EncodeOptions(codec=codec))
    np.testing.assert_allclose([float(t) for t in read_times(path)], times, atol=0.51e-3)
    with av.open(str(path)) as container:
        assert container.duration / av.time_base == pytest.approx(1.5, abs=1e-3)


def test_the_clock_of_another_video_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    times = [Fraction(i * 1001, 30000) for i in range(10)]
    write(path, [level_picture(i) for i in range(10)], times=[float(t) for t in times], time_base=Fraction(1, 30000))
    assert read_times(path) == times


def test_times_within_one_tick_lose_no_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, [level_picture(i) for i in range(4)], times=[0, 0.001, 0.002, 0.08], time_base=RATE**-1)
    assert read_times(path) == [0, Fraction(1, 25), Fraction(2, 25), Fraction(3, 25)]


def test_a_video_may_start_after_zero(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, [level_picture(i) for i in range(3)], times=[0.02, 0.06, 0.1])
    assert [float(t) for t in read_times(path)] == pytest.approx([0.02, 0.06, 0.1])


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.mkv", "a.gif"])
def test_one_frame_is_a_video(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write(path, [level_picture(3)])
    assert [index_of(frame.rgb) for frame in open_video(path)] == [3]


@pytest.mark.parametrize("size", [(641, 479), (1, 1), (2, 2), (64, 47), (15, 200)])
@pytest.mark.parametrize("codec", ["h264", "hevc", "vp9", "av1"])
def test_odd_sizes_are_padded_not_cropped(tmp_path: Path, size: tuple[int, int], codec: str) -> None:
    if not any(_has_encoder(encoder) for encoder in CODECS[codec].encoders):
        pytest.skip(f"this build of PyAV cannot encode {codec}")
    width, height = size
    ramp = np.add.outer(np.linspace(40, 100, height), np.linspace(0, 100, width))
    picture = np.repeat(ramp[..., None], 3, axis=2).astype(np.uint8)
    path = tmp_path / "a.mp4"
    write(path, [picture] * 2, options=EncodeOptions(codec=codec, crf=10))
    for read in read_pictures(path):
        assert read.shape[0] % 2 == read.shape[1] % 2 == 0
        assert 0 <= read.shape[0] - height <= max(1, CODECS[codec].min_side)
        assert 0 <= read.shape[1] - width <= max(1, CODECS[codec].min_side)
        np.testing.assert_allclose(read[:height, :width].astype(int), picture, atol=8)
        # what is added repeats the edge, so no dark line shows
        np.testing.assert_allclose(read[:height, -1].astype(int), picture[:, -1], atol=8)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.webm", "a.mkv"])
def test_colors_survive(tmp_path: Path, name: str) -> None:
    colors = np.random.default_rng(3).integers(0, 256, (6, 8, 3))
    picture = np.repeat(np.repeat(colors, 16, 0), 16, 1).astype(np.uint8)
    path = tmp_path / name
    write(path, [picture] * 2, options=EncodeOptions(crf=4))
    frame = next(iter(open_video(path)))
    np.testing.assert_allclose(frame.rgb[8::16, 8::16].astype(int), colors, atol=6)
    # and as FFmpeg converts by the tags, without our reader
    with av.open(str(path)) as container:
        decoded = next(container.decode(video=0))
        independent = decoded.reformat(
            format="rgb24", src_colorspace=1, dst_colorspace=5, src_color_range=1, dst_color_range=2
        )
    np.testing.assert_allclose(independent.to_ndarray()[8::16, 8::16].astype(int), colors, atol=6)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.webm", "vp9"), ("a.mov", "prores"), ("a.mkv", "vp9"), ("a.mkv", "ffv1")]
)
def test_alpha_survives(tmp_path: Path, name: str, codec: str) -> None:
    alpha = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    path = tmp_path / name
    options = EncodeOptions(codec=codec, crf=8) if codec == "vp9" else EncodeOptions(codec=codec)
    write(path, [np.dstack([corners_picture(), np.roll(alpha, 4 * i, axis=1)]) for i in range(4)], options=options)
    frames = list(open_video(path))
    assert len(frames) == 4
    for i, frame in enumerate(frames):
        assert frame.alpha is not None
        assert np.abs(frame.alpha.astype(int) - np.roll(alpha, 4 * i, axis=1)).mean() < 3
        assert corner_names(frame.rgb) == "rgbw"


def test_gif(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    times = [0, 0.04, 0.083, 0.5]
    write(
        path,
        [level_picture(i) for i in range(4)],
        times=times,
        end=0.75,
        metadata={"comment": "synthetic", "long": "x" * 700},
    )
    image = Image.open(path)
    assert [frame.info["duration"] for frame in ImageSequence.Iterator(image)] == [40, 40, 420, 250]
    assert image.info["loop"] == 0
    image.seek(0)
    assert b"comment: synthetic" in Image.open(path).info["comment"]
    assert b"x" * 700 in Image.open(path).info["comment"]
    assert [index_of(frame.rgb) for frame in open_video(path)] == [0, 1, 2, 3]


def test_gif_has_a_palette_for_each_frame(tmp_path: Path) -> None:
    ramps = [np.zeros((48, 256, 3), np.uint8) for _ in range(3)]
    for channel, ramp in enumerate(ramps):
        ramp[..., channel] = np.arange(256)
    path = tmp_path / "a.gif"
    write(path, ramps)
    for read, ramp in zip(read_pictures(path), ramps, strict=True):
        assert np.abs(read.astype(int) - ramp).mean() < 2


def test_gif_alpha(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    pictures = []
    for i in range(3):
        alpha = np.zeros((48, 64), np.uint8)
        alpha[:, 16 * i : 16 * i + 20] = 255
        pictures.append(np.dstack([corners_picture(), alpha]))
    write(path, pictures)
    for frame, picture in zip(open_video(path), pictures, strict=True):
        np.testing.assert_array_equal(frame.alpha, picture[..., 3])
        seen = picture[..., 3] > 0
        assert np.abs(frame.rgb.astype(int) - picture[..., :3])[seen].mean() < 6


def test_gif_leaves_out_what_viewers_would_slow_down(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.gif", width=64, height=48, frame_rate=Fraction(100)) as writer:
        for i in range(20):
            writer.write(level_picture(i), i / 100)
    assert [index_of(frame.rgb) for frame in open_video(tmp_path / "a.gif")] == list(range(0, 20, 2))
    assert writer.warnings == ["10 frames were left out, since a GIF cannot show more than 50 a second"]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm"])
def test_metadata_survives(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    tags = {"comment": "synthetic video · künstlich", "motionwarp_engine": "layered", "motionwarp_version": "1.2"}
    write(path, [level_picture(0)], metadata=tags)
    with av.open(str(path)) as container:
        read = {key.lower(): value for key, value in container.metadata.items()}
    assert {key: read[key] for key in tags} == tags


def test_mp4_index_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, [level_picture(i) for i in range(5)])
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize(("width", "height"), [(176, 128), (54, 96)])
def test_the_same_pictures_give_the_same_bytes_whatever_lay_in_memory(tmp_path: Path, width: int, height: int) -> None:
    # sizes where x264 differed in one run of twenty
    rng = np.random.default_rng(0)
    scene = np.kron(rng.integers(0, 256, (16, 22, 3), dtype=np.uint8), np.ones((8, 8, 1), dtype=np.uint8))[
        :height, :width
    ]
    pictures = [np.roll(scene, 3 * index, axis=1).copy() for index in range(5)]
    made = set()
    for _ in range(120):
        left_behind = [np.full(size, rng.integers(256), dtype=np.uint8) for size in rng.integers(1, 3_000_000, 20)]
        del left_behind
        with open_writer(
            tmp_path / "a.mp4", width=width, height=height, frame_rate=Fraction(10), overwrite=True
        ) as writer:
            for index, picture in enumerate(pictures):
                writer.write(picture, index / 10)
        made.add((tmp_path / "a.mp4").read_bytes())
    assert len(made) == 1


def test_quality_and_preset_reach_the_encoder(tmp_path: Path) -> None:
    noise = [np.random.default_rng(i).integers(0, 256, (96, 128, 3)).astype(np.uint8) for i in range(5)]
    sizes = []
    for crf in (10, 30, 45):
        write(tmp_path / f"{crf}.mp4", noise, options=EncodeOptions(crf=crf, preset="ultrafast", threads=1))
        sizes.append((tmp_path / f"{crf}.mp4").stat().st_size)
    assert sizes[0] > 1.5 * sizes[1] > 2 * sizes[2]


@pytest.mark.parametrize(
    ("options", "name", "words"),
    [
        (EncodeOptions(crf=52), "a.mp4", "out of range"),
        (EncodeOptions(crf=-1), "a.mp4", "out of range"),
        (EncodeOptions(preset="warp9"), "a.mp4", "no preset"),
        (EncodeOptions(codec="prores", crf=3), "a.mov", "no constant quality"),
        (EncodeOptions(codec="prores", preset="fast"), "a.mov", "no presets"),
        (EncodeOptions(crf=3), "a.gif", "no codec, crf or preset"),
        (EncodeOptions(codec="h264"), "%d.png", "no codec, crf or preset"),
    ],
)
def test_senseless_options_are_refused(tmp_path: Path, options: EncodeOptions, name: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        open_writer(tmp_path / name, width=64, height=48, frame_rate=RATE, options=options)
    assert list(tmp_path.iterdir()) == []


def test_unknown_codecs_are_refused() -> None:
    with pytest.raises(OptionError, match="codec 'mpeg1'"):
        EncodeOptions(codec="mpeg1")
    with pytest.raises(OptionError, match="threads"):
        EncodeOptions(threads=-1)


@pytest.mark.parametrize(
    ("name", "options", "alpha", "words"),
    [
        ("a.xyz", EncodeOptions(), False, "no video format"),
        ("noending", EncodeOptions(), False, "no ending"),
        ("a.webm", EncodeOptions(codec="h264"), False, "cannot hold h264"),
        ("a.mp4", EncodeOptions(codec="prores"), False, "cannot hold prores"),
        ("a.mp4", EncodeOptions(), True, "no transparency"),
        ("a.mov", EncodeOptions(codec="h264"), True, "no transparency"),
        ("none/a.mp4", EncodeOptions(), False, "does not exist"),
        ("none/more/", EncodeOptions(), False, "does not exist"),
        ("%d.jpg", EncodeOptions(), False, "only be written as PNG"),
    ],
)
def test_impossible_outputs_are_refused(
    tmp_path: Path, name: str, options: EncodeOptions, alpha: bool, words: str
) -> None:
    with pytest.raises(OutputError, match=words):
        open_writer(f"{tmp_path}/{name}", width=64, height=48, frame_rate=RATE, options=options, alpha=alpha)
    assert list(tmp_path.iterdir()) == []


def test_sizes_that_the_encoder_refuses_are_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="20000x20000"):
        open_writer(tmp_path / "a.mp4", width=20000, height=20000, frame_rate=RATE)
    assert list(tmp_path.iterdir()) == []


def write_and_fail(path: Path | str, count: int, error: type[BaseException], *, overwrite: bool = False) -> None:
    with open_writer(path, width=64, height=48, frame_rate=RATE, overwrite=overwrite) as writer:
        for i in range(count):
            writer.write(level_picture(i), i / 25)
        raise error


TARGETS = ["a.mp4", "a.mov", "a.webm", "a.mkv", "a.gif", "frame_%03d.png", "frames/"]


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_shows_before_the_end(tmp_path: Path, name: str) -> None:
    writer = open_writer(f"{tmp_path}/{name}", width=64, height=48, frame_rate=RATE)
    for i in range(5):
        writer.write(level_picture(i), i / 25)
        assert all(entry.name.startswith(".") for entry in tmp_path.iterdir())
    writer.close()
    assert not any(entry.name.startswith(".") for entry in tmp_path.iterdir())
    assert any(tmp_path.iterdir())
    writer.close()
    writer.abort()
    assert any(tmp_path.iterdir())


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("count", [0, 1, 12])
def test_an_exception_leaves_nothing_behind(tmp_path: Path, name: str, error: type[BaseException], count: int) -> None:
    with pytest.raises(error):
        write_and_fail(f"{tmp_path}/{name}", count, error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", TARGETS)
def test_no_frame_is_an_error(tmp_path: Path, name: str) -> None:
    writer = open_writer(f"{tmp_path}/{name}", width=64, height=48, frame_rate=RATE)
    with pytest.raises(OutputError, match="no frame"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.mp4", "a.gif"])
def test_nothing_is_overwritten_unasked(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists already"):
        write(path, [level_picture(0)])
    assert path.read_bytes() == b"precious"
    with pytest.raises(RuntimeError):
        write_and_fail(path, 1, RuntimeError, overwrite=True)
    assert path.read_bytes() == b"precious"
    write(path, [level_picture(5)], overwrite=True)
    assert [index_of(frame.rgb) for frame in open_video(path)] == [5]


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    writer = open_writer(path, width=64, height=48, frame_rate=RATE)
    writer.write(level_picture(0), 0.0)
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match="meanwhile"):
        writer.close()
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("way", ["same", "relative", "symbolic link", "hard link"])
def test_an_output_that_is_an_input_is_refused(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_video(tmp_path / "a.mp4", [level_picture(0)] * 3)
    before = source.read_bytes()
    target = source
    if way == "relative":
        monkeypatch.chdir(tmp_path)
        target = Path("./a.mp4")
    elif way == "symbolic link":
        target = tmp_path / "b.mp4"
        target.symlink_to(source)
    elif way == "hard link":
        target = tmp_path / "b.mp4"
        os.link(source, target)
    with pytest.raises(OutputError, match="also an input"):
        open_writer(target, width=64, height=48, frame_rate=RATE, overwrite=True, inputs=["other.jpg", source])
    assert source.read_bytes() == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_folders_without_permission_are_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="may not be written"):
        write(tmp_path / "a.mp4", [level_picture(0)])
    tmp_path.chmod(0o700)


def test_a_folder_that_refuses_is_an_output_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="may not be written"):
        write(tmp_path / "a.mp4", [level_picture(0)])


@pytest.mark.skipif(os.name != "posix", reason="limits on file sizes are POSIX")
@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm", "a.gif", "frame_%03d.png"])
@pytest.mark.parametrize("limit", [100, 20_000, 90_000])
def test_a_full_disk_is_an_output_error_and_leaves_nothing(tmp_path: Path, name: str, limit: int) -> None:
    import resource

    noise = [np.random.default_rng(i).integers(0, 256, (96, 128, 3)).astype(np.uint8) for i in range(25)]
    if limit == 90_000 and "%" in name:
        pytest.skip("each picture is smaller")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(OutputError, match="disk is full"):
            write(
                tmp_path / name,
                noise,
                options=EncodeOptions() if name.endswith(("gif", "png")) else EncodeOptions(crf=5),
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("picture", "time"),
    [
        (np.zeros((48, 64), np.uint8), 1.0),
        (np.zeros((48, 64, 4), np.uint8), 1.0),
        (np.zeros((47, 64, 3), np.uint8), 1.0),
        (np.zeros((48, 64, 3), np.float32), 1.0),
        (level_picture(0), 0.0),
        (level_picture(0), -1.0),
        (level_picture(0), float("nan")),
    ],
)
def test_wrong_frames_and_times_are_refused(tmp_path: Path, picture: np.ndarray, time: float) -> None:
    writer = open_writer(tmp_path / "a.mp4", width=64, height=48, frame_rate=RATE)
    writer.write(level_picture(0), 0.0)
    with pytest.raises(ValueError, match=r"takes uint8|times must"):
        writer.write(picture, time)
    writer.abort()
    with pytest.raises(ValueError, match="closed"):
        writer.write(level_picture(0), 1.0)
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    """Nothing in Python holds on to frames: their number alive is bounded."""
    import gc
    import weakref

    alive: list[weakref.ref[np.ndarray]] = []
    with open_writer(tmp_path / "a.mp4", width=64, height=48, frame_rate=RATE) as writer:
        for i in range(60):
            picture = level_picture(i % 20)
            alive.append(weakref.ref(picture))
            writer.write(picture, i / 25)
            del picture
            gc.collect()
            assert sum(ref() is not None for ref in alive) == 0


def test_sound_for_what_cannot_carry_it_is_a_warning(tmp_path: Path) -> None:
    from motionwarp.media.audio import AudioSource

    source = make_video(tmp_path / "s.mp4", [level_picture(0)] * 5, sound=sine(0.2))
    silent = make_video(tmp_path / "t.mp4", [level_picture(0)] * 5)
    for name in ("a.gif", "f_%d.png"):
        for path, expected in ((source, 1), (silent, 0)):
            writer = open_writer(tmp_path / name, width=64, height=48, frame_rate=RATE, audio=AudioSource(path))
            assert len(writer.warnings) == expected
            writer.abort()


@pytest.mark.parametrize(("size", "ahead"), [((64, 48), 10), ((2400, 1800), 4)])
def test_few_large_frames_are_looked_ahead_of(tmp_path: Path, size: tuple[int, int], ahead: int) -> None:
    path = tmp_path / "a.mp4"
    write(path, [level_picture(level, *size) for level in (1, 2)])
    # the encoder writes its settings into the stream
    assert f"rc_lookahead={ahead} ".encode() in path.read_bytes()
