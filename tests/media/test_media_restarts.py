"""Files joined byte by byte, whose time stamps start anew."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from made_media import index_of, level_picture, make_video, read_sound, read_times, sine

from motionwarp.media.audio import AudioSource
from motionwarp.media.probe import probe_video
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer

FRAMES, PARTS = 10, 3


def joined(
    folder: Path, ending: str, codec: str, sound: str | None = None, first_ticks: tuple[int, ...] = (0, 0, 0)
) -> Path:
    content = b""
    for part in range(PARTS):
        path = make_video(
            folder / f"{part}.{ending}",
            [level_picture(part * FRAMES + index) for index in range(FRAMES)],
            ticks=range(first_ticks[part], first_ticks[part] + FRAMES),
            codec=codec,
            options={"b": "2000000"} if codec == "mpeg2video" else None,
            sound=None if sound is None else sine(FRAMES / 25, frequency=300 + 300 * part),
            sound_codec=sound or "aac",
            sound_start=first_ticks[part] / 25,
        )
        content += path.read_bytes()
    whole = folder / f"joined.{ending}"
    whole.write_bytes(content)
    return whole


@pytest.mark.parametrize(
    ("ending", "codec", "first_ticks"),
    [
        ("ts", "libx264", (0, 0, 0)),
        ("ts", "libx264", (10_000, 0, 5_000)),
        ("ts", "mpeg2video", (0, 3, 0)),
        ("ts", "libx264", (0, 10, 20)),
    ],
)
def test_no_frame_of_joined_streams_is_lost(
    tmp_path: Path, ending: str, codec: str, first_ticks: tuple[int, ...]
) -> None:
    path = joined(tmp_path, ending, codec, first_ticks=first_ticks)
    with open_video(path) as reader:
        frames = list(reader)
        assert reader.warnings == []
    assert [index_of(frame.rgb) for frame in frames] == list(range(PARTS * FRAMES))
    np.testing.assert_allclose([frame.pts_seconds for frame in frames], np.arange(30) / 25, atol=2e-3)
    assert probe_video(path).duration_seconds == pytest.approx(1.2, abs=0.05)


@pytest.mark.parametrize("start", [0.2, 0.5, 1.0])
def test_sections_of_joined_streams_are_those_of_their_place(tmp_path: Path, start: float) -> None:
    with open_video(joined(tmp_path, "ts", "libx264"), start_seconds=start, end_seconds=start + 0.16) as reader:
        first = math.ceil(start * 25)
        assert [index_of(frame.rgb) for frame in reader] == list(range(first, first + 4))


def test_sound_of_joined_streams_goes_with_its_pictures(tmp_path: Path) -> None:
    source, target = joined(tmp_path, "ts", "libx264", "aac"), tmp_path / "target.mp4"
    with open_video(source) as reader:
        info = reader.info
        with open_writer(
            target,
            width=info.width,
            height=info.height,
            frame_rate=info.frame_rate,
            time_base=info.time_base,
            audio=AudioSource(source),
        ) as writer:
            for frame in reader:
                writer.write(frame.rgb, frame.pts_seconds)
    assert len(read_times(target)) == PARTS * FRAMES
    sound, _ = read_sound(target)
    assert sound.shape[1] / 48000 == pytest.approx(1.2, abs=0.1)
    for part in range(PARTS):  # each part's own tone is heard in its middle
        middle = round((part * 0.4 + 0.25) * 48000)
        wave = sound[0, middle : middle + 4800]
        peak = np.abs(np.fft.rfft(wave * np.hanning(len(wave)))).argmax() * 10
        assert peak == pytest.approx(300 + 300 * part, abs=15)
