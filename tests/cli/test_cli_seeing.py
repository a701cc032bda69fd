"""`motionwarp pose` and `motionwarp parse`, with an estimator of red boxes, so that the files can be foretold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from motionwarp.errors import NoPersonError
from motionwarp.parsing.labels import UPPER_CLOTHES
from motionwarp.perception.base import Observation
from motionwarp.perception.selection import PersonChoice
from motionwarp.types import ByteArray, Frame, Person, PersonCrop, Pose

Run = Callable[..., Any]
WIDTH, HEIGHT = 96, 128


class RedBoxEstimator:
    """Takes what is red for a person, its box's corners for points."""

    name = "red"
    made = 0

    def find_people(self, rgb: ByteArray) -> list[Person]:
        red = (rgb[..., 0] > 180) & (rgb[..., 1] < 80)
        if not red.any():
            return []
        height, width = red.shape
        rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
        points = np.zeros((18, 3), np.float32)
        points[:9] = (columns[0], rows[0], 0.9)
        points[9:] = (columns[-1], rows[-1], 0.8)
        crop = PersonCrop(0, 0, height / 256, width=round(256 * width / height), height=256)
        return [Person(Pose(points), crop, (red * UPPER_CLOTHES).astype(np.uint8), red.astype(np.float32))]

    def analyze_picture(self, rgb: ByteArray, choice: PersonChoice, *, given_pose: Pose | None = None) -> Person:
        return choice.pick(self.find_people(rgb))

    def follow(self, frames: Iterable[Frame], choice: PersonChoice, *, dense: bool = False) -> Iterator[Observation]:
        for frame in frames:
            people = self.find_people(frame.rgb)
            yield Observation(frame, people[0] if people else None, None if people else "no person found")


@pytest.fixture(autouse=True)
def red_box_estimator(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(name: str, device: object, dtype: object) -> RedBoxEstimator:
        RedBoxEstimator.made += 1
        return RedBoxEstimator()

    RedBoxEstimator.made = 0
    monkeypatch.setattr("motionwarp.perception.registry.make_estimator", make)


def scene(left: int | None) -> ByteArray:
    """Gray, with a red box from column `left` to left + 31, rows 16 to 111, if there is one."""
    rgb = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    if left is not None:
        rgb[16:112, left : left + 32] = (250, 10, 10)
    return rgb


def write_picture(path: Path, left: int | None = 30) -> Path:
    cv2.imwrite(str(path), cv2.cvtColor(scene(left), cv2.COLOR_RGB2BGR))
    return path


def write_clip(path: Path, lefts: Sequence[int | None]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        stream.options = {"crf": "4"}
        for left in lefts:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene(left), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def read_poses(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def read_gray(path: Path) -> ByteArray:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture.dtype == np.uint8
    assert picture.ndim == 2
    return picture


def frame_count(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_pose_of_a_picture(motionwarp: Run, tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "anna.png")
    result = motionwarp("pose", picture, "-o", tmp_path / "anna.json")
    assert result.exit_code == 0, result.stderr
    content = read_poses(tmp_path / "anna.json")
    assert (content["file"], content["width"], content["height"]) == ("anna.png", WIDTH, HEIGHT)
    assert len(content["frames"]) == 1
    assert content["frames"][0][0] == pytest.approx([30, 16, 0.9])
    assert content["frames"][0][17] == pytest.approx([61, 111, 0.8])
    assert "anna.json" in result.stdout


def test_pose_of_a_clip_has_null_where_nobody_is(motionwarp: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "dance.mp4", [None, 10, 20, None, None, 30])
    result = motionwarp("pose", clip, "-o", tmp_path / "out", "--json", "--overlay")
    assert result.exit_code == 0, result.stderr
    content = read_poses(tmp_path / "out" / "dance.keypoints18.json")
    assert set(content) == {"file", "width", "height", "fps", "frames", "body"}
    assert [frame is None for frame in content["body"]["joints"]] == [frame is None for frame in content["frames"]]
    assert content["fps"] == 10
    assert [frame is None for frame in content["frames"]] == [True, False, False, True, True, False]
    assert content["frames"][1][0][0] == pytest.approx(10, abs=1)
    [summary] = json.loads(result.stdout)["inputs"]
    assert (summary["frames"], summary["frames_with_person"]) == (6, 3)
    # three drawn frames of one pose tell nobody which way the person faces
    assert summary["warnings"] == [
        "frame 0: no person found",
        "frames 3-4: no person found",
        "which way the person faces cannot be told in most frames",
    ]
    assert summary["overlay"] == str(tmp_path / "out" / "dance.pose.mp4")
    assert frame_count(tmp_path / "out" / "dance.pose.mp4") == 6
    assert "frames 3-4: no person found" in result.stderr


def test_many_inputs_one_estimator_and_failures_do_not_stop_the_others(motionwarp: Run, tmp_path: Path) -> None:
    inputs = [
        write_picture(tmp_path / "a.png"),
        tmp_path / "missing.jpg",
        write_picture(tmp_path / "empty.png", None),
        write_clip(tmp_path / "clip.mp4", [10, 20, 30]),
        write_clip(tmp_path / "nobody.mp4", [None, None]),
        tmp_path / "text.mp4",
        write_picture(tmp_path / "b.png", 40),
    ]
    inputs[5].write_text("not a video")
    result = motionwarp("pose", *inputs, "-o", tmp_path / "poses", "--json")
    assert result.exit_code == 2
    assert RedBoxEstimator.made == 1
    assert sorted(file.name for file in (tmp_path / "poses").iterdir()) == [
        "a.keypoints18.json", "b.keypoints18.json", "clip.keypoints18.json",
    ]  # fmt: skip
    summaries = json.loads(result.stdout)["inputs"]
    assert [summary["input"] for summary in summaries] == [str(path) for path in inputs]
    assert ["error" in summary for summary in summaries] == [False, True, True, False, True, True, False]
    for name in ("missing.jpg", "text.mp4", "nobody.mp4"):
        assert name in result.stderr
    assert result.stderr.count("Error: ") == 4
    assert "4 of 7 inputs failed" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_defect_in_one_input_is_told_and_counts_as_ours(
    motionwarp: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, rgb: ByteArray, choice: PersonChoice) -> Person:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(RedBoxEstimator, "analyze_picture", broken)
    result = motionwarp(
        "pose", write_picture(tmp_path / "a.png"), write_clip(tmp_path / "c.mp4", [1]), "-o", tmp_path / "o"
    )
    assert result.exit_code == 1
    assert "Internal error: ZeroDivisionError" in result.stderr
    assert (tmp_path / "o" / "c.keypoints18.json").is_file()


@pytest.mark.parametrize("form", ["openpose", "coco", "bvh", "npz"])
def test_other_formats_hold_the_third_dimension(motionwarp: Run, tmp_path: Path, form: str) -> None:
    clip = write_clip(tmp_path / "dance.mp4", [10, None, 20])
    result = motionwarp("pose", clip, "-o", tmp_path / "out", "--format", form, "--json")
    assert result.exit_code == 0, result.stderr
    [summary] = json.loads(result.stdout)["inputs"]
    path = Path(summary["output"])
    if form == "openpose":
        files = sorted(path.iterdir())
        assert [file.name for file in files] == [f"dance_{number:012d}_keypoints.json" for number in range(3)]
        [person] = read_poses(files[0])["people"]
        assert (len(person["pose_keypoints_2d"]), len(person["pose_keypoints_3d"])) == (54, 72)
        assert read_poses(files[1])["people"] == []
    elif form == "coco":
        content = read_poses(path)
        assert [entry["image_id"] for entry in content["annotations"]] == [1, 3]
        assert len(content["annotations"][0]["keypoints_3d"]) == 51
    elif form == "bvh":
        from motionwarp.body.bvh import read_bvh
        from motionwarp.body.human_motion import human_motion

        motion = human_motion(read_bvh(path))
        assert (len(motion), motion.convention) == (3, "Mixamo")
    else:
        with np.load(path) as content:  # pickles are refused by default
            assert content["present"].tolist() == [True, False, True]
            assert content["joints"].shape == (3, 18, 3)
            assert content["rotations"].shape == (3, len(content["bones"]), 6)
            assert not content["camera"][1].any()


def test_points_alone_and_bodies_drawn(motionwarp: Run, tmp_path: Path) -> None:
    clip, picture = write_clip(tmp_path / "dance.mp4", [10, None, 20]), write_picture(tmp_path / "anna.png")
    result = motionwarp("pose", clip, "-o", tmp_path / "plain", "--no-body")
    assert result.exit_code == 0, result.stderr
    assert "body" not in read_poses(tmp_path / "plain" / "dance.keypoints18.json")
    for option in (("--format", "bvh"), ("--overlay-body",)):
        result = motionwarp("pose", clip, "-o", tmp_path / "none", "--no-body", *option)
        assert result.exit_code == 2
        assert "--no-body" in result.stderr
    result = motionwarp("pose", clip, picture, "-o", tmp_path / "drawn", "--overlay-body", "--format", "npz")
    assert result.exit_code == 0, result.stderr
    assert frame_count(tmp_path / "drawn" / "dance.body.mp4") == 3
    drawn = cv2.imread(str(tmp_path / "drawn" / "anna.body.png"))
    assert (drawn != cv2.imread(str(picture))).any()


def test_weights_of_another_version_end_it_before_anything_is_seen(
    motionwarp: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motionwarp.body.model.FORMAT", 99)
    monkeypatch.setattr(RedBoxEstimator, "analyze_picture", None)
    result = motionwarp("pose", write_picture(tmp_path / "a.png"), "-o", tmp_path / "o")
    assert result.exit_code == 2
    assert "format 99 is needed" in result.stderr
    assert not (tmp_path / "o").exists()


def test_a_section_of_a_clip(motionwarp: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "dance.mp4", [0, 8, 16, 24, 32, 40])
    assert motionwarp("pose", clip, "-o", tmp_path, "--start", "0.2", "--end", "0:00.4").exit_code == 0
    frames = read_poses(tmp_path / "dance.keypoints18.json")["frames"]
    assert [round(frame[0][0]) for frame in frames] == pytest.approx([16, 24], abs=1)


def test_a_folder_of_frames_is_a_clip(motionwarp: Run, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, left in enumerate((5, 15, 25)):
        write_picture(folder / f"{number:04d}.png", left)
    result = motionwarp("pose", folder, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    frames = read_poses(tmp_path / "out" / "frames.keypoints18.json")["frames"]
    assert [frame[0][0] for frame in frames] == [5, 15, 25]


def test_outputs_are_not_replaced_unless_asked(motionwarp: Run, tmp_path: Path) -> None:
    picture, output = write_picture(tmp_path / "a.png"), tmp_path / "a.json"
    output.write_text("precious")
    refused = motionwarp("pose", picture, "-o", output)
    assert refused.exit_code == 2
    assert output.read_text() == "precious"
    assert motionwarp("pose", picture, "-o", output, "--overwrite").exit_code == 0
    assert len(read_poses(output)["frames"]) == 1


@pytest.mark.parametrize("command", ["pose", "parse"])
def test_outputs_that_make_no_sense_are_refused_first(motionwarp: Run, tmp_path: Path, command: str) -> None:
    ending = ".json" if command == "pose" else ".png"
    (tmp_path / "x").mkdir()
    one, other = write_picture(tmp_path / "same.png"), write_picture(tmp_path / "x" / "Same.png")
    (tmp_path / "file.txt").write_text("precious")
    for inputs, output, words in [
        ([one, other], tmp_path / f"out{ending}", "cannot hold 2 inputs"),
        ([one, other], tmp_path / "out", "under the same name"),
        ([one], tmp_path / "file.txt", "is a file"),
    ]:
        result = motionwarp(command, *inputs, "-o", output)
        assert result.exit_code == 2
        assert words in result.stderr
    assert RedBoxEstimator.made == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.txt", "same.png", "x"]


def test_parse_of_a_picture(motionwarp: Run, tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "anna.png")
    result = motionwarp("parse", picture, "-o", tmp_path / "labels.png", "--matte", "--overlay", "--json")
    assert result.exit_code == 0, result.stderr
    labels, matte = read_gray(tmp_path / "labels.png"), read_gray(tmp_path / "labels.matte.png")
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[20:108, 34:58] = True
    outside = np.ones((HEIGHT, WIDTH), bool)
    outside[12:116, 26:66] = False
    assert (labels[inside] == UPPER_CLOTHES).all()
    assert (labels[outside] == 0).all()
    assert (matte[inside] == 255).all()
    assert (matte[outside] == 0).all()
    colored = cv2.imread(str(tmp_path / "labels.overlay.png"))
    assert colored.shape == (HEIGHT, WIDTH, 3)
    [summary] = json.loads(result.stdout)["inputs"]
    assert summary["matte"] == str(tmp_path / "labels.matte.png")


def test_parse_of_a_clip_is_folders_of_frames(motionwarp: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "dance.mp4", [10, None, 30])
    result = motionwarp("parse", clip, "-o", tmp_path / "out", "--matte", "--overlay")
    assert result.exit_code == 0, result.stderr
    names = ["00000.png", "00001.png", "00002.png"]
    for folder in ("dance.parsing", "dance.mattes"):
        assert sorted(file.name for file in (tmp_path / "out" / folder).iterdir()) == names
    assert read_gray(tmp_path / "out" / "dance.parsing" / "00000.png")[60, 26] == UPPER_CLOTHES
    assert not read_gray(tmp_path / "out" / "dance.parsing" / "00001.png").any()
    assert not read_gray(tmp_path / "out" / "dance.mattes" / "00001.png").any()
    assert frame_count(tmp_path / "out" / "dance.overlay.mp4") == 3
    assert "frame 1: no person found" in result.stderr

    again = motionwarp("parse", clip, "-o", tmp_path / "out")
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    shorter = write_clip(clip, [10])
    assert motionwarp("parse", shorter, "-o", tmp_path / "out", "--overwrite").exit_code == 0
    assert [file.name for file in (tmp_path / "out" / "dance.parsing").iterdir()] == names[:1]


def test_parse_leaves_folders_alone_that_hold_other_things(motionwarp: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "dance.mp4", [10])
    (tmp_path / "dance.parsing").mkdir()
    (tmp_path / "dance.parsing" / "thesis.tex").write_text("precious")
    result = motionwarp("parse", clip, "-o", tmp_path, "--overwrite")
    assert result.exit_code == 2
    assert "left alone" in result.stderr
    assert (tmp_path / "dance.parsing" / "thesis.tex").read_text() == "precious"


@pytest.mark.parametrize("command", ["pose", "parse"])
def test_a_clip_that_fails_half_way_leaves_nothing(
    motionwarp: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def fails(
        self: object, frames: Iterable[Frame], choice: PersonChoice, *, dense: bool = False
    ) -> Iterator[Observation]:
        for frame in frames:
            if frame.index == 2:
                raise NoPersonError("lost")
            yield Observation(frame, RedBoxEstimator().find_people(frame.rgb)[0])

    monkeypatch.setattr(RedBoxEstimator, "follow", fails)
    clip = write_clip(tmp_path / "dance.mp4", [10, 20, 30, 40])
    result = motionwarp(command, clip, "-o", tmp_path / "out", "--overlay")
    assert result.exit_code == 2
    assert list((tmp_path / "out").iterdir()) == []


def test_a_clip_cannot_be_one_png(motionwarp: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "dance.mp4", [10])
    result = motionwarp("parse", clip, "-o", tmp_path / "labels.png")
    assert result.exit_code == 2
    assert "Give a folder" in result.stderr


def test_quiet_prints_nothing(motionwarp: Run, tmp_path: Path) -> None:
    result = motionwarp("pose", write_clip(tmp_path / "a.mp4", [10, None]), "-o", tmp_path, "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_plain_lines_where_there_is_no_terminal(motionwarp: Run, tmp_path: Path) -> None:
    result = motionwarp("pose", write_clip(tmp_path / "a.mp4", [10] * 5), "-o", tmp_path, "--no-body")
    assert result.stderr.splitlines() == ["a.mp4: 1 of 5", "a.mp4: 5 of 5"]
    assert "\x1b" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--person", "tallest"), "is not a choice of a person"),
        (("--device", "cuda"), "--device cuda"),
        (("--device", "tpu"), "tpu"),
        (("--start", "3", "--end", "2"), "does not lie after the start"),
    ],
)
def test_wrong_options_are_refused(motionwarp: Run, tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    import torch

    if "cuda" in options and torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    result = motionwarp("pose", write_clip(tmp_path / "a.mp4", [10]), "-o", tmp_path, *options)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert not (tmp_path / "a.keypoints18.json").exists()
