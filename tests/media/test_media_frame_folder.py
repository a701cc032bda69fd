from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_media import index_of, level_picture
from PIL import Image

from motionwarp.errors import LimitError, MediaError, OutputError
from motionwarp.media.frame_folder import find_numbered_frames, frame_name, is_frame_pattern, numbering_step
from motionwarp.media.limits import MediaLimits
from motionwarp.media.probe import probe_video
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer


def make_folder(folder: Path, numbers: list[int], pattern: str = "%05d.png") -> Path:
    folder.mkdir(exist_ok=True)
    for index, number in enumerate(numbers):
        Image.fromarray(level_picture(index)).save(folder / (pattern % number))
    return folder


def write_frames(path: str | Path, count: int = 4, *, first: int = 0, **options: object) -> None:
    with open_writer(path, width=64, height=48, frame_rate=Fraction(25), **options) as writer:  # type: ignore[arg-type]
        for i in range(count):
            writer.write(level_picture(first + i), i / 25)


@pytest.mark.parametrize("pattern", ["%05d.png", "%d.png", "frame_%03d.jpg", "IMG-%04d.webp", "v2_shot3_%04d.tif"])
def test_reads_a_folder_in_the_order_of_its_numbers(tmp_path: Path, pattern: str) -> None:
    folder = make_folder(tmp_path / "frames", list(range(1, 13)), pattern)
    with open_video(folder) as reader:
        frames = list(reader)
    assert [index_of(frame.rgb) for frame in frames] == list(range(12))
    assert [frame.pts_seconds for frame in frames] == pytest.approx([i / 25 for i in range(12)])
    assert reader.clip_end_seconds == pytest.approx(12 / 25)
    assert reader.warnings == []
    assert len(list(open_video(folder / pattern))) == 12


def test_tells_what_a_folder_is(tmp_path: Path) -> None:
    info = probe_video(make_folder(tmp_path / "frames", [1, 2, 3]), folder_rate=Fraction(30))
    assert (info.width, info.height, info.frame_count, info.frame_rate) == (64, 48, 3, 30)
    assert info.duration_seconds == pytest.approx(0.1)
    assert (info.has_audio, info.has_alpha, info.is_still) == (False, False, False)


def test_the_longest_series_counts_and_other_files_do_not(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "frames", [0, 1, 2, 3], "a_%02d.png")
    make_folder(folder, [0, 1], "b_%02d.png")
    (folder / "notes 2024.txt").write_text("x")
    (folder / "cover.png").write_bytes((folder / "a_00.png").read_bytes())
    (folder / "99999.png").mkdir()
    assert [frame.path.name for frame in find_numbered_frames(folder)] == [
        "a_00.png",
        "a_01.png",
        "a_02.png",
        "a_03.png",
    ]
    assert len(find_numbered_frames(folder / "b_%02d.png")) == 2


def test_sections_of_a_folder(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "frames", list(range(20)))
    frames = list(open_video(folder, start_seconds=0.2, end_seconds=0.4))
    assert [index_of(frame.rgb) for frame in frames] == [5, 6, 7, 8, 9]
    assert [frame.pts_seconds for frame in frames] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    with pytest.raises(MediaError, match="no readable frames"):
        list(open_video(folder, start_seconds=9.0))


def test_missing_numbers_are_frames_that_last_longer(tmp_path: Path) -> None:
    reader = open_video(make_folder(tmp_path / "frames", [0, 1, 4, 5]))
    assert [frame.pts_seconds for frame in reader] == pytest.approx([0, 0.04, 0.16, 0.2])
    assert len(reader.warnings) == 1
    assert "after 1" in reader.warnings[0]


def test_numbers_may_go_by_steps(tmp_path: Path) -> None:
    reader = open_video(make_folder(tmp_path / "frames", [100, 110, 120, 140]))
    assert [frame.pts_seconds for frame in reader] == pytest.approx([0, 0.04, 0.08, 0.16])


def test_broken_pictures_are_left_out_counted_and_warned_of(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "frames", list(range(6)))
    for number in (2, 3, 5):
        path = folder / f"{number:05d}.png"
        path.write_bytes(path.read_bytes()[:50])
    reader = open_video(folder)
    frames = list(reader)
    assert [index_of(frame.rgb) for frame in frames] == [0, 1, 4]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert reader.warnings == ["3 broken pictures were left out: 2-3, 5"]


def test_pictures_of_another_size_are_refused_by_name(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "frames", [0, 1, 2])
    Image.new("RGB", (10, 10)).save(folder / "00001.png")
    with pytest.raises(MediaError, match=r"00001\.png.*10x10"):
        list(open_video(folder))


def test_pictures_beyond_the_limits_are_not_skipped_but_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "frames", [0, 1])
    Image.new("RGB", (100, 100)).save(folder / "00001.png")
    with pytest.raises(LimitError):
        list(open_video(folder, limits=MediaLimits(max_pixels=5000)))


def test_folders_without_pictures_and_double_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no numbered pictures"):
        open_video(tmp_path)
    with pytest.raises(MediaError, match="no numbered pictures"):
        open_video(tmp_path / "%03d.png")
    make_folder(tmp_path, [1], "%d.png")
    make_folder(tmp_path, [1], "%03d.png")
    with pytest.raises(MediaError, match="same number"):
        open_video(tmp_path)


def test_a_picture_is_a_clip_of_one_frame(tmp_path: Path) -> None:
    Image.fromarray(level_picture(4)).save(tmp_path / "a.png")
    assert probe_video(tmp_path / "a.png").is_still
    assert [index_of(frame.rgb) for frame in open_video(tmp_path / "a.png")] == [4]


@given(prefix=st.text("ab_-.", max_size=4), digits=st.integers(1, 8), number=st.integers(0, 10**6))
def test_patterns_name_files_as_printf_does(prefix: str, digits: int, number: int) -> None:
    pattern = f"{prefix}%0{digits}d.png"
    assert is_frame_pattern(pattern)
    assert frame_name(pattern, number) == pattern % number


def test_only_patterns_are_patterns() -> None:
    assert not is_frame_pattern("frames.png")
    assert not is_frame_pattern("100%.png")
    assert is_frame_pattern("%d.png")
    with pytest.raises(ValueError, match="no %d"):
        frame_name("frames.png", 1)


@given(first=st.integers(0, 50), step=st.integers(1, 20), count=st.integers(2, 10))
def test_step_of_regular_numbers(first: int, step: int, count: int) -> None:
    assert numbering_step(range(first, first + step * count, step)) == step


def test_step_of_a_single_number() -> None:
    assert numbering_step([7]) == 1


@pytest.mark.parametrize("target", ["frames/", "frames/%05d.png"])
@pytest.mark.parametrize("exists", [False, True])
def test_written_frames_read_back(tmp_path: Path, target: str, exists: bool) -> None:
    if exists:
        (tmp_path / "frames").mkdir()
        (tmp_path / "frames" / "notes.txt").write_text("mine")
    write_frames(f"{tmp_path}/{target}", 5, metadata={"comment": "synthetic"})
    names = sorted(entry.name for entry in (tmp_path / "frames").iterdir() if entry.suffix == ".png")
    assert names == [f"{i:05d}.png" for i in range(5)]
    for i, name in enumerate(names):
        image = Image.open(tmp_path / "frames" / name)
        image.load()
        np.testing.assert_array_equal(np.asarray(image), level_picture(i))
        assert image.text["comment"] == "synthetic"  # type: ignore[attr-defined]
    if exists:
        assert (tmp_path / "frames" / "notes.txt").read_text() == "mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["frames"]


def test_frames_with_alpha(tmp_path: Path) -> None:
    rgba = np.dstack([level_picture(3), np.tile(np.arange(64, dtype=np.uint8), (48, 1))])
    with open_writer(tmp_path / "f_%d.png", width=64, height=48, frame_rate=Fraction(25), alpha=True) as writer:
        writer.write(rgba, 0.0)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "f_0.png")), rgba)


def test_frames_are_overwritten_only_when_allowed_and_all_of_them(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "frames", list(range(8)))
    (folder / "other_00001.png").write_bytes(b"mine")
    with pytest.raises(OutputError, match="holds such pictures already"):
        write_frames(folder)
    write_frames(folder, 3, first=20, overwrite=True)
    assert sorted(entry.name for entry in folder.iterdir()) == [
        "00000.png",
        "00001.png",
        "00002.png",
        "other_00001.png",
    ]
    assert [index_of(np.asarray(Image.open(folder / f"{i:05d}.png"))) for i in range(3)] == [20, 21, 22]
    assert (folder / "other_00001.png").read_bytes() == b"mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["frames"]


def test_a_failing_move_brings_everything_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(tmp_path / "frames", list(range(8)))
    before = {entry.name: entry.read_bytes() for entry in folder.iterdir()}
    original = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if (
            Path(target).name == "00002.png"
            and Path(target).parent == folder
            and ".part" in str(self)
            and "replaced" not in str(self)
        ):
            raise OSError(28, "No space left on device")
        return original(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OutputError, match="disk is full"):
        write_frames(folder, 5, first=20, overwrite=True)
    assert {entry.name: entry.read_bytes() for entry in folder.iterdir()} == before


@pytest.mark.parametrize("source", ["folder", "pattern", "frame"])
def test_frames_that_are_being_read_are_not_overwritten(tmp_path: Path, source: str) -> None:
    folder = make_folder(tmp_path / "frames", [0, 1])
    inputs = {"folder": folder, "pattern": folder / "%05d.png", "frame": folder / "00001.png"}
    with pytest.raises(OutputError, match="also an input"):
        write_frames(folder, overwrite=True, inputs=[inputs[source]])
    # another picture in the same folder is no hindrance
    shutil.copy(folder / "00000.png", folder / "person.png")
    write_frames(folder, overwrite=True, inputs=[folder / "person.png"])


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "frames").write_text("mine")
    with pytest.raises(OutputError, match="not a folder"):
        write_frames(f"{tmp_path}/frames/")


def test_frames_that_appear_meanwhile_are_not_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    writer = open_writer(folder, width=64, height=48, frame_rate=Fraction(25))
    writer.write(level_picture(0), 0.0)
    (folder / "00000.png").write_bytes(b"precious")
    with pytest.raises(OutputError, match="meanwhile"):
        writer.close()
    assert [(entry.name, entry.read_bytes()) for entry in folder.iterdir()] == [("00000.png", b"precious")]


@pytest.mark.parametrize("name", ["100%dance.mp4", "50%d.mov", "a%05d.mkv", "100%.mp4", "%s%n.webm", "90%dark %d%.gif"])
def test_clips_may_have_percent_signs_in_their_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with open_writer(path, width=64, height=48, frame_rate=Fraction(25)) as writer:
        for index in range(3):
            writer.write(level_picture(index), index / 25)
    assert path.is_file()
    with open_video(path) as reader:
        assert len(list(reader)) == 3


@pytest.mark.parametrize("name", ["100%dance.png", "50%daten.jpg", "a%d.mp4", "a%d", "a%x.png"])
def test_words_and_clips_are_no_patterns(name: str) -> None:
    assert not is_frame_pattern(name)
