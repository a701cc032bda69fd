"""Real videos, read and copied whole."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from made_media import read_times, sound_packets

from motionwarp.media.audio import AudioSource
from motionwarp.media.image import read_image
from motionwarp.media.probe import probe_video
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer

pytestmark = pytest.mark.shared_data

VIDEOS = {
    "muse_dance.mp4": (1080, 1920, 24, 288, True),
    "iper_akun.mp4": (1920, 1080, 30, 219, True),
    "tfjs_squats.mp4": (720, 1280, 5, 65, False),
    "tfjs_pose1.mp4": (576, 576, 30, 120, False),
    "mmhuman3d_single.mp4": (1080, 1920, 12, 40, False),
}


@pytest.mark.parametrize("name", VIDEOS)
def test_videos_are_what_their_list_says(shared_data: Path, name: str) -> None:
    info = probe_video(shared_data / "video" / name)
    assert (info.width, info.height, info.frame_rate, info.frame_count, info.has_audio) == VIDEOS[name]


@pytest.mark.parametrize("name", VIDEOS)
def test_frames_look_as_opencv_reads_them(shared_data: Path, name: str) -> None:
    path = shared_data / "video" / name
    capture = cv2.VideoCapture(str(path))
    for frame in islice(open_video(path), 3):
        done, bgr = capture.read()
        assert done
        # OpenCV's FFmpeg takes BT.601 for what has no tag, and the nearest chroma: only structure is compared
        difference = np.abs(frame.rgb[..., ::-1].astype(int) - bgr)
        assert difference.mean() < 12


def test_a_section_copied_has_the_sections_times_and_sound(shared_data: Path, tmp_path: Path) -> None:
    source, target = shared_data / "video" / "muse_dance.mp4", tmp_path / "a.mp4"
    with open_video(source, start_seconds=2.0, end_seconds=3.0) as reader:
        info = reader.info
        with open_writer(
            target,
            width=135,
            height=240,
            frame_rate=info.frame_rate,
            time_base=info.time_base,
            audio=AudioSource(source, 2.0, 3.0),
        ) as writer:
            for frame in reader:
                writer.write(np.ascontiguousarray(frame.rgb[::8, ::8]), frame.pts_seconds)
        assert reader.warnings == []
    assert read_times(target) == [Fraction(i, 24) for i in range(24)]
    with av.open(str(target)) as container:
        assert container.duration / av.time_base == pytest.approx(1.0, abs=0.03)
    copied = {content for content, _ in sound_packets(target)}
    original = [content for content, time in sound_packets(source) if 2.0 <= time < 3.0]
    assert set(original) <= copied


def test_real_photos(shared_data: Path) -> None:
    for path in sorted((shared_data / "ccp" / "photos").glob("*7.jpg"))[:5]:
        picture = read_image(path)
        expected = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        np.testing.assert_array_equal(picture.rgb, expected)
        assert picture.alpha is None
