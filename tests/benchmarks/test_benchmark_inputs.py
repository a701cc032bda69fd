"""The pictures and clips that are measured on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import typer

from benchmarks.inputs import back_and_forth, fitted, make_inputs, parsed_size, scaled_clip, size_option
from motionwarp.media.image import read_image
from motionwarp.media.probe import probe_video
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer


def gray_clip(path: Path, grays: list[int], width: int = 48, height: int = 64) -> Path:
    with open_writer(path, width=width, height=height, frame_rate=Fraction(30000, 1001)) as writer:
        for number, gray in enumerate(grays):
            writer.write(np.full((height, width, 3), gray, dtype=np.uint8), number * 1001 / 30000)
    return path


def test_sizes_have_names() -> None:
    assert parsed_size("720p") == (720, 1280)
    assert parsed_size("4K") == (2160, 3840)
    assert parsed_size("640x360") == (640, 360)
    assert size_option((640, 360)) == "640x360"
    for wrong in ("720", "axb", "640x", "0x4", "-2x4", "1x2x3"):
        with pytest.raises(typer.BadParameter, match=wrong):
            parsed_size(wrong)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((720, 1280), (1280, 720)),  # narrower than the picture: its sides are cut off
        ((256, 256), (256, 192)),  # wider: it is shown whole
        ((1536, 2048), (2048, 1536)),
    ],
)
def test_a_picture_touches_the_frame(size: tuple[int, int], expected: tuple[int, int]) -> None:
    picture = np.zeros((1024, 768, 3), dtype=np.uint8)
    assert fitted(picture, size).shape[:2] == expected


def test_the_middle_is_kept() -> None:
    picture = np.zeros((100, 300, 3), dtype=np.uint8)
    picture[:, 100:200] = 200
    assert fitted(picture, (100, 100)).min() == 200


def test_a_clip_is_looped_and_cut(tmp_path: Path) -> None:
    clip = gray_clip(tmp_path / "clip.mp4", [40, 120, 200])
    looped = scaled_clip(clip, tmp_path / "looped.mp4", 7)
    with open_video(looped) as reader:
        grays = [float(frame.rgb.mean()) for frame in reader]
    assert grays == pytest.approx([40, 120, 200, 40, 120, 200, 40], abs=4)
    assert probe_video(looped).frame_rate == Fraction(30000, 1001)
    with open_video(scaled_clip(clip, tmp_path / "cut.mp4", 2)) as reader:
        assert sum(1 for _ in reader) == 2


def test_own_inputs_have_the_outputs_size(tmp_path: Path) -> None:
    inputs = make_inputs(None, None, (180, 320), 5, tmp_path)
    picture, info = read_image(inputs.source), probe_video(inputs.driving)
    assert (picture.width, picture.height) == (info.width, info.height) == (180, 320)
    assert inputs.own
    assert inputs.told()["driving_rate"] == 24.0


def test_given_inputs_stay_as_they_are(tmp_path: Path) -> None:
    clip = gray_clip(tmp_path / "clip.mp4", [40, 120])
    source = tmp_path / "person.png"
    made = tmp_path / "made"
    made.mkdir()
    inputs = make_inputs(source, clip, (180, 320), None, made)
    assert (inputs.source, inputs.driving, inputs.own) == (source, clip, False)
    assert list(made.iterdir()) == []
    longer = make_inputs(source, clip, (180, 320), 3, made)
    assert longer.driving == made / "driving.mp4"
    assert probe_video(longer.driving).width == 48


@pytest.mark.parametrize(
    ("count", "held", "expected"),
    [(7, 3, [0, 1, 2, 1, 0, 1, 2]), (3, 5, [0, 1, 2]), (3, 1, [0, 0, 0]), (4, 2, [0, 1, 0, 1])],
)
def test_back_and_forth(count: int, held: int, expected: list[int]) -> None:
    assert list(back_and_forth(count, held)) == expected
