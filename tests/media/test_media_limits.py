from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from made_media import level_picture, make_video

from motionwarp.errors import LimitError, MediaError, OptionError
from motionwarp.media.audio import AudioSource, has_sound
from motionwarp.media.image import read_image, write_image
from motionwarp.media.limits import MediaLimits
from motionwarp.media.probe import probe_video
from motionwarp.media.reader import open_video, read_frame_at


def test_default_limits_admit_what_they_promise() -> None:
    MediaLimits().check_picture(12_000, 12_000, "a.png")
    MediaLimits().check_picture(1, 1, "a.png")
    MediaLimits().check_video(7680, 4320, "a.mp4")


@pytest.mark.parametrize(("width", "height"), [(60_000, 10), (10, 60_000), (13_000, 13_000)])
def test_too_large_pictures_are_refused(width: int, height: int) -> None:
    with pytest.raises(LimitError, match=rf"a\.png.*{width}x{height}"):
        MediaLimits().check_picture(width, height, "a.png")


def test_video_limits_are_tighter_than_those_of_pictures() -> None:
    with pytest.raises(LimitError):
        MediaLimits().check_video(12_000, 12_000, "a.mp4")


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5)])
def test_sides_must_be_positive(width: int, height: int) -> None:
    with pytest.raises(MediaError):
        MediaLimits().check_picture(width, height, "a.png")


def test_limits_must_be_positive() -> None:
    with pytest.raises(ValueError, match="max_side"):
        MediaLimits(max_side=0)


def picture(folder: Path) -> Path:
    write_image(folder / "a.png", np.zeros((48, 64, 3), np.uint8))
    return folder / "a.png"


def clip(folder: Path) -> Path:
    return make_video(folder / "a.mp4", [level_picture(0), level_picture(1)])


@pytest.mark.parametrize(
    ("make", "read", "variable", "low", "high"),
    [
        (picture, read_image, "MOTIONWARP_MAX_PIXELS", 64 * 48 - 1, 64 * 48),
        (picture, read_image, "MOTIONWARP_MAX_SIDE", 63, 64),
        (picture, read_image, "MOTIONWARP_MAX_FILE_BYTES", 50, 5000),
        (clip, probe_video, "MOTIONWARP_MAX_VIDEO_PIXELS", 64 * 48 - 1, 64 * 48),
        (clip, open_video, "MOTIONWARP_MAX_VIDEO_SIDE", 63, 64),
        (clip, lambda path: read_frame_at(path, 0.0), "MOTIONWARP_MAX_VIDEO_SIDE", 63, 64),
    ],
)
def test_the_environment_sets_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Path], read: Callable[[Path], object],
    variable: str, low: int, high: int,
) -> None:  # fmt: skip
    path = make(tmp_path)
    monkeypatch.setenv(variable, str(low))
    with pytest.raises(LimitError, match=variable):
        read(path)
    monkeypatch.setenv(variable, f"{high:_}")
    read(path)


def test_limits_may_be_raised_beyond_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MediaLimits.of_environment() == MediaLimits()
    for field in fields(MediaLimits):
        monkeypatch.setenv(f"MOTIONWARP_{field.name.upper()}", "900_000_000")
    assert {getattr(MediaLimits.of_environment(), field.name) for field in fields(MediaLimits)} == {900_000_000}
    MediaLimits.of_environment().check_picture(30_000, 30_000, "a.png")


@pytest.mark.parametrize("text", ["0", "-5", "1e9", "many", "9" * 40, "²"])
def test_what_is_no_limit_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    path = clip(tmp_path)
    monkeypatch.setenv("MOTIONWARP_MAX_SIDE", text)
    for read in (read_image, open_video, lambda path: has_sound(AudioSource(path))):
        with pytest.raises(OptionError, match="MOTIONWARP_MAX_SIDE"):
            read(path)
