"""Poses that cannot be read, followed or judged, and what is said of them."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from motionwarp.errors import NoPersonError, OutputError, PoseFileError
from motionwarp.pose import skeleton as sk
from motionwarp.pose.formats.openpose import frames_from_content, frames_from_folder
from motionwarp.pose.formats.pose_file import read_pose, read_track, write_track
from motionwarp.pose.kinematics import typical_torso
from motionwarp.pose.outliers import undo_jumps, undo_swaps
from motionwarp.pose.people import choose_person, follow_person, person_size
from motionwarp.pose.smoothing import whittaker_smooth
from motionwarp.types import PoseTrack

TIMES = np.arange(8) / 25


def standing(left: float = 100.0) -> np.ndarray:
    points = np.ones((18, 3), np.float32)
    points[:, 0] = left + np.arange(18)
    points[:, 1] = 100 + 10 * np.arange(18)
    return points


def unseen() -> np.ndarray:
    return np.zeros((18, 3), np.float32)


def test_nobody_has_no_size_and_cannot_be_chosen() -> None:
    one_point = unseen()
    one_point[0] = (5, 5, 1)
    assert person_size(one_point) == 0
    with pytest.raises(NoPersonError, match="nobody is in the picture"):
        choose_person([], "largest")
    with pytest.raises(NoPersonError, match="no person of index 3"):
        choose_person([standing()], 3)


def test_who_shows_no_point_is_never_the_one_pointed_at() -> None:
    assert choose_person([unseen(), standing()], (110.0, 120.0)) == 1


def test_an_index_that_no_frame_has_is_told_with_what_there_is() -> None:
    with pytest.raises(NoPersonError, match="no frame has more than 1") as caught:
        follow_person([[standing()], []], 2)
    assert "from 0 (the largest) to 0" in str(caught.value)


def test_following_passes_over_people_without_a_point_in_common() -> None:
    upper, lower = standing(), standing()
    upper[9:, 2] = 0
    lower[:9, 2] = 0
    points, present = follow_person([[upper], [lower], [standing(102)]], "largest")
    assert present.tolist() == [True, False, True]
    np.testing.assert_array_equal(points[2], standing(102))


def test_a_track_that_shows_nobody_is_left_alone() -> None:
    points = np.stack([unseen()] * 8)
    assert typical_torso(points) == 0
    assert undo_swaps(points, TIMES) == []
    assert undo_jumps(points, TIMES) == []
    assert not points.any()


def test_two_samples_are_not_smoothed() -> None:
    values = np.array([[0.0], [10.0], [0.0]])
    kept = whittaker_smooth(values, TIMES[:3], 0.5, np.array([1.0, 1.0, 0.0]))
    np.testing.assert_array_equal(kept, values)
    assert kept is not values


def test_a_folder_of_openpose_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PoseFileError, match=r"cannot be read \(No such file"):
        frames_from_folder(tmp_path / "missing")
    with pytest.raises(PoseFileError, match="no JSON files"):
        frames_from_folder(tmp_path)
    (tmp_path / "notes.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(PoseFileError, match="not a frame as OpenPose writes it") as caught:
        frames_from_folder(tmp_path)
    assert caught.value.subject == str(tmp_path / "notes.json")
    (tmp_path / "more.json").write_text("{}", encoding="utf-8")
    with pytest.raises(PoseFileError, match="no frame number in its name"):
        frames_from_folder(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([3], "frame 0 has no list of people"),
        ({"people": {}}, "no list of people"),
        ({"people": ["me"]}, "person 0: is not an object"),
    ],
)
def test_frames_of_another_form_are_named_by_frame_and_person(content: object, words: str) -> None:
    with pytest.raises(PoseFileError, match=words):
        frames_from_content(content, Path("a.json"))


def track() -> PoseTrack:
    return PoseTrack(np.stack([standing()] * 8), np.ones(8), TIMES, 640, 480)


@pytest.mark.parametrize("fps", [0.0, -1.0, np.nan])
def test_a_frame_rate_is_positive(tmp_path: Path, fps: float) -> None:
    with pytest.raises(ValueError, match="needs frames a second over 0"):
        write_track(tmp_path / "a.json", track(), file_name="a.mp4", fps=fps)


def test_a_track_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutputError, match="is a directory"):
        write_track(tmp_path, track(), file_name="a.mp4", fps=25)
    with pytest.raises(OutputError, match="does not exist"):
        write_track(tmp_path / "missing" / "a.json", track(), file_name="a.mp4", fps=25)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="disk is full"):
        write_track(tmp_path / "a.json", track(), file_name="a.mp4", fps=25)
    assert list(tmp_path.iterdir()) == []


def test_a_clips_poses_are_told_from_a_pictures(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_track(path, track(), file_name="a.mp4", fps=25)
    with pytest.raises(PoseFileError, match="holds 8 frames where the pose of one picture is needed"):
        read_pose(path)
    with pytest.raises(PoseFileError, match="has no frame 8") as caught:
        read_pose(path, frame=8)
    assert "from 0 to 7" in str(caught.value)


def test_the_poses_of_several_pictures_need_a_name(tmp_path: Path) -> None:
    path = tmp_path / "poses.json"
    names = [f"{letter}.png" for letter in "abcdefg"]
    path.write_text(json.dumps({name: standing().tolist() for name in names}), encoding="utf-8")
    with pytest.raises(PoseFileError, match="poses of 7 pictures"):
        read_pose(path)
    with pytest.raises(PoseFileError, match=r"no pose for 'z\.png'") as caught:
        read_pose(path, name="z.png")
    assert "a.png, b.png, c.png, d.png, e.png and 2 more" in str(caught.value)
    found = read_pose(path, name="folder/b.jpg")
    np.testing.assert_array_equal(found.points, standing())
    path.write_text(json.dumps({"a.png": 3}), encoding="utf-8")
    with pytest.raises(PoseFileError, match="form that is known"):
        read_pose(path)


def test_a_file_of_openpose_needs_a_frame_rate_and_names_itself_where_nobody_is(tmp_path: Path) -> None:
    path = tmp_path / "frames.json"
    person = {"pose_keypoints_2d": standing().ravel().tolist()}
    path.write_text(json.dumps([{"people": [person]}, {"people": []}]), encoding="utf-8")
    with pytest.raises(PoseFileError, match="does not tell the frame rate"):
        read_track(path, width=640, height=480)
    with pytest.raises(NoPersonError, match="no person of index 4") as caught:
        read_track(path, width=640, height=480, fps=25, person=4)
    assert caught.value.subject == str(path)
    read = read_track(path, width=640, height=480, fps=25)
    assert read.present.tolist() == [True, False]
    np.testing.assert_allclose(read.points[0, sk.NECK], standing()[sk.NECK], atol=1e-3)
