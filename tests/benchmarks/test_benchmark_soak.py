"""The soaks' own arithmetic: clips looped without encoding, slopes, and what is called flat."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from made_media import index_of, level_picture, make_video

from benchmarks.soak import NOISE_MB, exit_unless_flat
from benchmarks.soak_live import growth_by_time, looped
from motionwarp.media.reader import open_video


def test_a_looped_clip_repeats_its_frames_at_its_rate(tmp_path: Path) -> None:
    clip = make_video(tmp_path / "a.mp4", [level_picture(index) for index in range(4)])
    with open_video(looped(clip, tmp_path / "long.mp4", 0.6)) as reader:
        frames = list(reader)
    assert [index_of(frame.rgb) for frame in frames[:12]] == [0, 1, 2, 3] * 3
    assert [round(25 * frame.pts_seconds) for frame in frames] == list(range(len(frames)))
    assert len(frames) >= 15


def test_growth_is_told_a_minute() -> None:
    held = [{"memory_mb": 100 + index, "open_files": 8, "threads": 6} for index in range(13)]  # 1 MB every 5 s
    figures = growth_by_time(held)
    assert figures["memory_mb_a_minute"] == pytest.approx(12)
    assert figures["open_files"] == [8, 8]
    with pytest.raises(ValueError, match="minutes"):
        growth_by_time([])


@pytest.mark.parametrize(
    ("files", "threads", "grown", "flat"),
    [
        ([8, 8], [6, 6], 1, True),
        ([8, 9], [6, 6], 1, False),
        ([8, 8], [6, 7], 1, False),
        ([8, 7], [6, 6], NOISE_MB + 1, False),
    ],
)
def test_what_is_flat(files: list[int], threads: list[int], grown: float, flat: bool) -> None:
    figures = {"open_files": files, "threads": threads}
    if flat:
        exit_unless_flat(figures, grown)
    else:
        with pytest.raises(typer.Exit):
            exit_unless_flat(figures, grown)
