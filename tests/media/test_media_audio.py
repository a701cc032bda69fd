from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from made_media import level_picture, make_video, read_sound, read_times, sine, sound_packets

from motionwarp.errors import MediaError
from motionwarp.media.audio import AudioSource
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer

RATE = 48000


def chirp(seconds: float, channels: int = 2) -> np.ndarray:
    """A tone that rises, so that every moment sounds unlike every other."""
    t = np.arange(round(seconds * RATE)) / RATE
    wave = 0.5 * np.sin(2 * np.pi * (200 * t + 700 * t**2))
    return np.tile(wave.astype(np.float32), (channels, 1))


def source_clip(folder: Path, name: str, codec: str, seconds: float = 2.0, channels: int = 2) -> Path:
    video = {"webm": "libvpx", "ts": "libx264"}.get(name.split(".")[-1], "libx264")
    return make_video(
        folder / name,
        [level_picture(i % 30) for i in range(round(seconds * 25))],
        codec=video,
        sound=chirp(seconds, channels),
        sound_codec=codec,
    )


def copy_clip(source: Path, target: Path, start: float | None = None, end: float | None = None) -> list[str]:
    with open_video(source, start_seconds=start, end_seconds=end) as reader:
        info = reader.info
        with open_writer(
            target,
            width=info.width,
            height=info.height,
            frame_rate=info.frame_rate,
            time_base=info.time_base,
            audio=AudioSource(source, start, end),
        ) as writer:
            for frame in reader:
                writer.write(frame.rgb, frame.pts_seconds)
            assert reader.clip_end_seconds is not None
            writer.end_at(reader.clip_end_seconds)
        return writer.warnings


def lag(sound: np.ndarray, reference: np.ndarray) -> int:
    """By how many samples `sound` comes later than `reference`, by the peak of their correlation."""
    size = 1 << (len(sound) + len(reference)).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(reference, size)), size)
    place = int(np.argmax(correlation))
    return place if place < size // 2 else place - size


def heard(path: Path, seconds: float) -> np.ndarray:
    """The first channel from time 0 on, as a player puts it: sound before 0 is cut off, a late start is silence."""
    sound, start = read_sound(path)
    wave = sound[0]
    offset = round(start * RATE)
    wave = wave[-offset:] if offset < 0 else np.concatenate([np.zeros(offset, wave.dtype), wave])
    return wave[: round(seconds * RATE)]


COPIED = [
    ("s.mp4", "aac", "t.mp4", "aac"),
    ("s.mp4", "aac", "t.mov", "aac"),
    ("s.mp4", "aac", "t.mkv", "aac"),
    ("s.ts", "aac", "t.mp4", "aac"),
    ("s.mkv", "libmp3lame", "t.mp4", "mp3"),
    ("s.mkv", "ac3", "t.mp4", "ac3"),
    ("s.webm", "libopus", "t.webm", "opus"),
    ("s.webm", "libopus", "t.mkv", "opus"),
    ("s.mov", "pcm_s16le", "t.mov", "pcm_s16le"),
    ("s.mkv", "flac", "t.mkv", "flac"),
]


@pytest.mark.parametrize(("source_name", "codec", "target_name", "expected"), COPIED)
def test_sound_is_copied_where_the_container_takes_it(
    tmp_path: Path, source_name: str, codec: str, target_name: str, expected: str
) -> None:
    source, target = source_clip(tmp_path, source_name, codec), tmp_path / target_name
    assert copy_clip(source, target) == []
    with av.open(str(target)) as container:
        assert container.streams.audio[0].codec_context.name in (expected, expected + "float", "lib" + expected)
    originals, copies = sound_packets(source), sound_packets(target)
    if target_name == "t.mkv" and codec == "aac":
        originals = originals[1:]  # priming, which Matroska has no place for
    if source_name == "s.ts":
        originals = [(content[7:], time) for content, time in originals]  # ADTS headers go
    assert [content for content, _ in copies] == [content for content, _ in originals]
    assert abs(lag(heard(target, 2.0), heard(source, 2.0))) <= (RATE // 1000 + 1)
    if source_name != "s.ts":  # in which the encoder's priming is not told from sound
        assert abs(lag(heard(target, 2.0), chirp(2.0)[0])) <= (RATE // 1000 + 1)
    np.testing.assert_allclose(
        [float(t) for t in read_times(target)], [float(t) for t in read_times(source)], atol=0.51e-3
    )


ENCODED = [
    ("s.webm", "libopus", "t.mp4", "aac"),
    ("s.webm", "libopus", "t.m4v", "aac"),
    ("s.mkv", "flac", "t.mp4", "aac"),
    ("s.mkv", "pcm_s16le", "t.mp4", "aac"),
    ("s.mp4", "aac", "t.webm", "opus"),
    ("s.mkv", "libmp3lame", "t.webm", "opus"),
    ("s.mkv", "libopus", "t.mov", "aac"),
]


@pytest.mark.parametrize(("source_name", "codec", "target_name", "expected"), ENCODED)
def test_sound_is_encoded_anew_where_it_has_to_be(
    tmp_path: Path, source_name: str, codec: str, target_name: str, expected: str
) -> None:
    source, target = source_clip(tmp_path, source_name, codec), tmp_path / target_name
    assert copy_clip(source, target) == []
    with av.open(str(target)) as container:
        assert container.streams.audio[0].codec_context.name in (expected, "lib" + expected)
    got, expected_wave = heard(target, 2.0), heard(source, 2.0)
    assert len(got) >= 2 * RATE - 1024
    assert abs(lag(got, expected_wave)) <= RATE // 1000 + 1
    assert (
        np.corrcoef(got[: RATE * 19 // 10], np.roll(expected_wave, lag(got, expected_wave))[: RATE * 19 // 10])[0, 1]
        > 0.98
    )
    np.testing.assert_allclose([float(t) for t in read_times(target)], np.arange(50) / 25, atol=0.51e-3)


@pytest.mark.parametrize(("start", "end"), [(0.5, 1.5), (0.51, 1.3), (None, 0.7), (1.2, None), (0.0, 2.0)])
@pytest.mark.parametrize(
    ("source_name", "codec", "target_name"),
    [
        ("s.mp4", "aac", "t.mp4"),
        ("s.mp4", "aac", "t.mkv"),
        ("s.mp4", "aac", "t.webm"),
        ("s.webm", "libopus", "t.webm"),
        ("s.mkv", "flac", "t.mp4"),
        ("s.ts", "aac", "t.mp4"),
    ],
)
def test_a_section_of_the_sound_stays_in_step(
    tmp_path: Path, source_name: str, codec: str, target_name: str, start: float | None, end: float | None
) -> None:
    source, target = source_clip(tmp_path, source_name, codec), tmp_path / target_name
    assert copy_clip(source, target, start, end) == []
    length = (end or 2.0) - (start or 0.0)
    section = heard(source, 2.0)[round((start or 0.0) * RATE) : round((end or 2.0) * RATE)]
    got = heard(target, length)
    # 1 ms for Matroska's clock
    assert abs(lag(got, section)) <= RATE // 1000 + 1
    # a copied packet may be cut off at either end, a packet of AAC being 1024 samples, of Opus 960
    assert abs(len(got) - len(section)) <= 1100
    quiet = np.abs(got[1100:-2200]).max() if len(got) > 4000 else 1
    assert quiet > 0.4
    with av.open(str(target)) as container:
        assert container.duration / av.time_base == pytest.approx(length, abs=0.045)


def test_encoded_sound_is_cut_to_the_sample(tmp_path: Path) -> None:
    source, target = source_clip(tmp_path, "s.mkv", "flac"), tmp_path / "t.mkv"
    with open_writer(
        tmp_path / "t.mp4", width=64, height=48, frame_rate=Fraction(25), audio=AudioSource(source, 0.4, 1.1)
    ) as writer:
        for i in range(17):
            writer.write(level_picture(i), i / 25)
    sound, start = read_sound(tmp_path / "t.mp4")
    with av.open(str(tmp_path / "t.mp4")) as container:
        stream = container.streams.audio[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(0.7, abs=1.1 / RATE + 1024 / RATE)
    assert (
        abs(
            lag(sound[0][: round(0.7 * RATE)], chirp(2.0)[0][round(0.4 * RATE) : round(1.1 * RATE)])
            + round(start * RATE)
        )
        <= 2
    )
    assert not target.exists()


def test_mono_and_other_rates(tmp_path: Path) -> None:
    source = make_video(
        tmp_path / "s.mkv",
        [level_picture(i % 30) for i in range(25)],
        sound=sine(1.0, rate=22050, channels=1),
        sound_codec="pcm_s16le",
        sound_rate=22050,
    )
    for name, rate in (("t.mp4", 22050), ("t.webm", 48000)):
        copy_clip(source, tmp_path / name)
        with av.open(str(tmp_path / name)) as container:
            context = container.streams.audio[0].codec_context
            assert (context.sample_rate, context.layout.nb_channels) == (rate, 1)
        sound, _ = read_sound(tmp_path / name)
        spectrum = np.abs(np.fft.rfft(sound[0][:rate]))
        assert abs(int(np.argmax(spectrum)) - 440) <= 2


def test_sound_that_goes_from_two_channels_to_one_goes_on(tmp_path: Path) -> None:
    """As broadcasts do; a decoder's frames change in the middle of a stream."""
    stereo = source_clip(tmp_path, "stereo.mkv", "ac3")
    mono = source_clip(tmp_path, "mono.mkv", "ac3", 1.0, channels=1)
    changing = tmp_path / "changing.mkv"
    with av.open(str(changing), "w") as output, av.open(str(stereo)) as first, av.open(str(mono)) as second:
        video, sound = (
            output.add_stream_from_template(stream) for stream in (first.streams.video[0], first.streams.audio[0])
        )
        for packet in first.demux():
            if packet.pts is not None and (packet.stream.type == "video" or packet.pts * packet.time_base < 1):
                packet.stream = video if packet.stream.type == "video" else sound
                output.mux(packet)
        for packet in second.demux(audio=0):
            if packet.pts is not None:
                packet.pts = packet.dts = packet.pts + round(1 / packet.time_base)
                packet.stream = sound
                output.mux(packet)
    copy_clip(changing, tmp_path / "t.webm")
    got = heard(tmp_path / "t.webm", 2.0)
    assert len(got) >= 1.95 * RATE
    early, late = got[round(0.2 * RATE) : round(0.8 * RATE)], got[round(1.2 * RATE) : round(1.8 * RATE)]
    assert abs(lag(early, chirp(2.0)[0][round(0.2 * RATE) : round(0.8 * RATE)])) <= RATE // 1000
    assert abs(lag(late, chirp(1.0)[0][round(0.2 * RATE) : round(0.8 * RATE)])) <= RATE // 50


def test_sound_that_starts_late_keeps_its_distance(tmp_path: Path) -> None:
    pictures = [level_picture(i % 30) for i in range(60)]
    source = make_video(tmp_path / "s.mkv", pictures, sound=chirp(2.0), sound_codec="flac", sound_start=0.5)
    for target in (tmp_path / "t.mkv", tmp_path / "t.mp4"):
        copy_clip(source, target)
        got = heard(target, 2.4)
        expected = np.concatenate([np.zeros(RATE // 2, np.float32), chirp(2.0)[0]])
        assert abs(lag(got, expected)) <= RATE // 1000 + 1


def test_sound_may_be_longer_than_the_video(tmp_path: Path) -> None:
    source = make_video(tmp_path / "s.mp4", [level_picture(i) for i in range(10)], sound=chirp(2.0))
    copy_clip(source, tmp_path / "t.mp4")
    assert [c for c, _ in sound_packets(tmp_path / "t.mp4")] == [c for c, _ in sound_packets(source)]


def test_a_source_without_sound_is_silent(tmp_path: Path) -> None:
    source = make_video(tmp_path / "s.mp4", [level_picture(i) for i in range(5)])
    assert copy_clip(source, tmp_path / "t.mp4") == []
    with av.open(str(tmp_path / "t.mp4")) as container:
        assert not container.streams.audio


def test_a_folder_is_silent(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    writer = open_writer(tmp_path / "t.mp4", width=64, height=48, frame_rate=Fraction(25), audio=AudioSource(folder))
    writer.write(level_picture(0), 0.0)
    writer.close()


def test_a_missing_source_of_sound_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such file"):
        open_writer(
            tmp_path / "t.mp4", width=64, height=48, frame_rate=Fraction(25), audio=AudioSource(tmp_path / "none.mp4")
        )
    assert list(tmp_path.iterdir()) == []


def test_sound_that_breaks_off_is_a_warning(tmp_path: Path) -> None:
    source = source_clip(tmp_path, "s.mkv", "flac")
    content = source.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(content[: len(content) // 2])
    warnings = copy_clip(cut, tmp_path / "t.mp4")
    assert all("sound" in warning for warning in warnings)
    sound, _ = read_sound(tmp_path / "t.mp4")
    assert 0.5 * RATE < sound.shape[1] < 1.5 * RATE


def test_broken_packets_of_sound_are_left_out(tmp_path: Path) -> None:
    source = source_clip(tmp_path, "s.mkv", "flac")
    packets = sound_packets(source)
    content = bytearray(source.read_bytes())
    packet = packets[len(packets) // 2][0]
    place = content.index(packet)
    content[place : place + len(packet)] = bytes(len(packet))
    source.write_bytes(content)
    warnings = copy_clip(source, tmp_path / "t.mp4")
    assert warnings == ["1 broken packets of sound were left out"]
    assert abs(lag(heard(tmp_path / "t.mp4", 2.0), chirp(2.0)[0])) <= RATE // 1000 + 1
