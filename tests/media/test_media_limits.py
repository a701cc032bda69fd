from __future__ import annotations

import pytest

from motionwarp.errors import LimitError, MediaError
from motionwarp.media.limits import MediaLimits


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
