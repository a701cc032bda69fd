"""Poses from files in the place of an estimator."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from drawn_people import GREEN, DotReader, Figure, draw

from motionwarp.errors import NoPersonError, PoseFileError
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.backends.pose_file import FileEstimator
from motionwarp.perception.base import Estimator
from motionwarp.perception.selection import PersonChoice
from motionwarp.pose.formats.pose_file import write_track
from motionwarp.types import Frame, PoseTrack

COUNT, FPS = 6, 25.0


def figure(index: int) -> Figure:
    return Figure(0, 300 + 5 * index, 120, 70)


def frames(count: int = COUNT, size: tuple[int, int] = (640, 360)) -> list[Frame]:
    return [Frame(draw([figure(index)], *size), index / FPS, index) for index in range(count)]


def estimator(path: Path) -> FileEstimator:
    return FileEstimator(path, lambda: BuiltinEstimator(DotReader()))


def never_needed() -> BuiltinEstimator:
    raise AssertionError("points alone need no network")


@pytest.fixture
def clip_file(tmp_path: Path) -> Path:
    points = np.stack([figure(index).points() for index in range(COUNT)])
    points[2] = 0
    present = np.arange(COUNT) != 2
    path = tmp_path / "clip.json"
    write_track(path, PoseTrack(points, present, np.arange(COUNT) / FPS, 640, 360), file_name="clip.mp4", fps=FPS)
    return path


@pytest.fixture
def picture_file(tmp_path: Path) -> Path:
    path = tmp_path / "picture.json"
    path.write_text(json.dumps(figure(0).points().tolist()))
    return path


def openpose_file(folder: Path, people: list[np.ndarray]) -> Path:
    """Write BODY_25 poses of one picture: COCO's points, with the middle of the hips between."""
    entries = []
    for points in people:
        body = np.zeros((25, 3))
        body[[0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]] = points
        body[8] = (points[8] + points[11]) / 2
        entries.append({"pose_keypoints_2d": body.ravel().tolist()})
    path = folder / "picture_keypoints.json"
    path.write_text(json.dumps({"version": 1.3, "people": entries}))
    return path


def test_it_is_an_estimator(clip_file: Path) -> None:
    assert isinstance(estimator(clip_file), Estimator)
    assert estimator(clip_file).name == "clip.json"


def test_frames_get_the_pose_of_their_number(clip_file: Path) -> None:
    observations = list(FileEstimator(clip_file, never_needed).follow(frames()))
    assert [seen.person is not None for seen in observations] == [True, True, False, True, True, True]
    assert observations[2].note == "nobody in clip.json"
    for index, seen in enumerate(observations):
        assert seen.frame.index == index
        if seen.person is not None:
            np.testing.assert_allclose(seen.person.pose.points, figure(index).points(), atol=1e-3)
            assert seen.person.matte is None


def test_dense_adds_parsing_and_matte_but_keeps_the_points(clip_file: Path) -> None:
    seen = list(estimator(clip_file).follow(frames(), dense=True))[1]
    np.testing.assert_allclose(seen.person.pose.points, figure(1).points(), atol=1e-3)
    assert seen.person.matte.max() == 1
    assert (seen.person.parsing > 0).any()


def test_a_clip_longer_than_the_file_says_so(clip_file: Path) -> None:
    observations = list(FileEstimator(clip_file, never_needed).follow(frames(COUNT + 2)))
    assert observations[COUNT].person is None
    assert observations[COUNT].note == "clip.json ends after 6 frames"


def test_a_file_for_frames_of_twice_the_size_is_scaled(clip_file: Path) -> None:
    [first] = FileEstimator(clip_file, never_needed).follow(frames(1, (320, 180)))
    np.testing.assert_allclose(first.person.pose.xy, (figure(0).points()[:, :2] + 0.5) / 2 - 0.5, atol=2e-3)


def test_a_file_for_frames_of_another_shape_is_refused(clip_file: Path) -> None:
    with pytest.raises(PoseFileError, match=r"clip\.json"):
        list(FileEstimator(clip_file, never_needed).follow(frames(1, (360, 360))))


def test_no_frames_read_no_file(tmp_path: Path) -> None:
    assert list(estimator(tmp_path / "missing.json").follow([])) == []


def test_a_picture_gets_its_pose_with_parsing_and_matte(picture_file: Path) -> None:
    rgb = draw([figure(0)])
    [person] = FileEstimator(picture_file, never_needed).find_people(rgb)
    np.testing.assert_allclose(person.pose.points, figure(0).points(), atol=1e-3)
    analyzed = estimator(picture_file).analyze_picture(rgb)
    np.testing.assert_allclose(analyzed.pose.points, figure(0).points(), atol=1e-3)
    assert analyzed.matte.max() == 1
    assert analyzed.parsing.shape == analyzed.matte.shape


def test_a_given_pose_goes_before_the_file(picture_file: Path) -> None:
    pose = estimator(picture_file).analyze_picture(draw([figure(0)])).pose
    moved = pose.transformed([[1, 0, 3], [0, 1, 0]])
    taken = estimator(picture_file).analyze_picture(draw([figure(0)]), given_pose=moved).pose
    np.testing.assert_array_equal(taken.points, moved.points)


def test_a_pose_outside_the_picture_is_refused(picture_file: Path) -> None:
    with pytest.raises(NoPersonError, match="no point inside"):
        estimator(picture_file).analyze_picture(draw([], 60, 40))


def test_one_of_several_people_is_chosen(tmp_path: Path) -> None:
    other = Figure(1, 520, 140, 40, GREEN)
    path = openpose_file(tmp_path, [other.points(), figure(0).points()])
    rgb = draw([figure(0), other])
    largest = estimator(path).analyze_picture(rgb)
    np.testing.assert_allclose(largest.pose.xy, figure(0).points()[:, :2], atol=1e-3)
    for choice in (PersonChoice(index=1), PersonChoice(point=(525, 180))):
        chosen = estimator(path).analyze_picture(rgb, choice)
        np.testing.assert_allclose(chosen.pose.xy, other.points()[:, :2], atol=1e-3)
    with pytest.raises(NoPersonError):
        estimator(path).analyze_picture(rgb, PersonChoice(index=2))


def test_a_missing_or_broken_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PoseFileError):
        estimator(tmp_path / "missing.json").find_people(draw([]))
    broken = tmp_path / "broken.json"
    broken.write_text('{"frames": [')
    with pytest.raises(PoseFileError, match=r"broken\.json"):
        list(estimator(broken).follow(frames(1)))
