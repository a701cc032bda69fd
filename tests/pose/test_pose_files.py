"""Files of poses: what is written is read back, OpenPose's forms are understood, and faults are named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_poses import HEIGHT, WIDTH, dancing, scaled, standing, track_of

from motionwarp.errors import NoPersonError, OutputError, PoseFileError
from motionwarp.pose.formats.pose_file import read_pose, read_track, write_track
from motionwarp.types import FloatArray


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def clip(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "file": "a.mp4",
        "width": WIDTH,
        "height": HEIGHT,
        "fps": 25,
        "frames": [standing().tolist(), None],
    }
    return whole | changes


def openpose_frame(*people: FloatArray) -> dict[str, object]:
    return {"version": 1.3, "people": [{"pose_keypoints_2d": points.ravel().tolist()} for points in people]}


def body_25(points: FloatArray) -> FloatArray:
    whole = np.full((25, 3), 0.5, dtype=np.float32)
    # as in OpenPose's documentation: BODY_25 has the middle of the hips at 8, and feet from 19 on
    whole[:8], whole[9:19] = points[:8], points[8:]
    return whole


def test_a_written_track_is_read_back(tmp_path: Path) -> None:
    points = dancing(20)
    points[7] = 0
    points[3, 4] = 0
    times = np.cumsum(np.random.default_rng(0).uniform(0.02, 0.06, 20))
    track = track_of(points, cuts=(5, 12), times=times)
    write_track(tmp_path / "a.json", track, file_name="a.mp4", fps=25.0)
    again = read_track(tmp_path / "a.json")
    np.testing.assert_allclose(again.points, points, atol=1e-3)
    np.testing.assert_array_equal(again.present, track.present)
    np.testing.assert_allclose(again.times_seconds, times, atol=1e-6)
    assert (again.width, again.height, again.cuts) == (WIDTH, HEIGHT, (5, 12))


def test_even_times_are_told_by_the_rate_alone(tmp_path: Path) -> None:
    write_track(tmp_path / "a.json", track_of(dancing(4)), file_name="a.mp4", fps=25.0)
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert set(content) == {"file", "width", "height", "fps", "frames"}
    np.testing.assert_allclose(read_track(tmp_path / "a.json").times_seconds, np.arange(4) / 25)


def test_nothing_is_replaced_unless_allowed(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="exists already"):
        write_track(file, track_of(dancing(2)), file_name="a", fps=25)
    assert file.read_text(encoding="utf-8") == "mine"
    write_track(file, track_of(dancing(2)), file_name="a", fps=25, overwrite=True)
    assert len(read_track(file)) == 2
    assert list(tmp_path.iterdir()) == [file]


def test_folders_that_are_missing_are_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        write_track(tmp_path / "none" / "a.json", track_of(dancing(2)), file_name="a", fps=25)
    with pytest.raises(OutputError, match="is a directory"):
        write_track(tmp_path, track_of(dancing(2)), file_name="a", fps=25)


def test_tracks_are_scaled_to_frames_of_the_same_shape(tmp_path: Path) -> None:
    file = written(tmp_path / "a.json", clip())
    track = read_track(file, width=2 * WIDTH, height=2 * HEIGHT)
    # the corner of the frame is at -0.5
    np.testing.assert_allclose(track.points[0, :, :2], 2 * standing()[:, :2] + 0.5, atol=1e-3)
    assert (track.width, track.height) == (2 * WIDTH, 2 * HEIGHT)
    with pytest.raises(PoseFileError, match="made from this clip"):
        read_track(file, width=HEIGHT, height=WIDTH)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": []}, "not a list of frames"),
        ({"frames": {}}, "not a list of frames"),
        ({"frames": [None, [[1, 2, 3]] * 17]}, "frame 1: needs 18 points, got 17"),
        ({"frames": [[[1, 2]] * 18]}, "point 0 needs x, y and score, got 2"),
        ({"frames": [[[1, 2, 0.5]] * 17 + [[1, "2", 0.5]]]}, "not a number"),
        ({"frames": [[[1, 2, True]] * 18]}, "not a number"),
        ({"frames": [[[1, 2, float("nan")]] * 18]}, "not finite"),
        ({"frames": [[[float("inf"), 2, 0.5]] * 18]}, "not finite"),
        ({"frames": [[[1, 2, 7]] * 18]}, "score 7"),
        ({"frames": [[[1, 2, -1]] * 18]}, "score -1"),
        ({"frames": [[[1e9, 2, 1]] * 18]}, "positions in pixels"),
        ({"frames": [[[10**400, 2, 1]] * 18]}, "too large"),
        ({"width": 0}, "'width' is 0"),
        ({"height": "480"}, "'height'"),
        ({"fps": 0}, "not a frame rate"),
        ({"fps": None}, "does not tell the frame rate"),
        ({"cuts": [2]}, "cuts"),
        ({"cuts": [True]}, "cuts"),
        ({"times_seconds": [0.0]}, "one time a frame"),
        ({"times_seconds": [0.1, 0.1]}, "does not increase"),
    ],
)
def test_faults_are_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    file = written(tmp_path / "broken.json", clip(**changes))
    with pytest.raises(PoseFileError, match=message) as raised:
        read_track(file)
    assert "broken.json" in str(raised.value)
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (json.dumps(clip()).encode()[:500], "ends too early"),
        (b"{'a': 1}", "not JSON at line 1"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "not JSON"),
        (b"[" * 200_000, "not JSON|ends too early"),
        (b"[]", "poses of a clip"),
        (b"3", "poses of a clip"),
        (b'{"a": [[0, 0, 0]]}', "poses of a clip"),
    ],
)
def test_damaged_files_are_told(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(content)
    with pytest.raises(PoseFileError, match=message):
        read_track(file)


def test_missing_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(PoseFileError, match="no such file"):
        read_track(tmp_path / "none.json")
    with pytest.raises(PoseFileError, match="no JSON files"):
        read_track(tmp_path)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(clip()).encode())
    assert read_track(file).present.tolist() == [True, False]


def test_scores_just_over_one_are_clipped_and_unseen_points_are_zeros(tmp_path: Path) -> None:
    points = standing()
    points[0, 2], points[1] = 1.04, (55, 66, 0)
    track = read_track(written(tmp_path / "a.json", clip(frames=[points.tolist()])))
    assert track.points[0, 0, 2] == 1
    assert not track.points[0, 1].any()


@pytest.mark.parametrize("form", [lambda points: points, body_25])
def test_a_folder_of_openpose(tmp_path: Path, form: object) -> None:
    assert callable(form)
    points = dancing(3)
    for number, index in ((8, 0), (9, 1), (11, 2)):  # frame 10 is left out
        written(tmp_path / f"clip_{number:012d}_keypoints.json", openpose_frame(form(points[index])))
    track = read_track(tmp_path, width=WIDTH, height=HEIGHT, fps=50)
    np.testing.assert_allclose(track.points[[0, 1, 3]], points, atol=1e-3)
    assert track.present.tolist() == [True, True, False, True]
    np.testing.assert_allclose(track.times_seconds, np.arange(4) / 50)


def test_one_of_several_people_is_followed_whatever_their_order(tmp_path: Path) -> None:
    large, small = dancing(6), scaled(dancing(6, seed=1), 0.6, (200, 100))
    frames = [openpose_frame(*((large[i], small[i]) if i % 2 else (small[i], large[i]))) for i in range(6)]
    file = written(tmp_path / "a.json", frames)
    for person, expected in (("largest", large), (0, large), (1, small), ((260.0, 200.0), small)):
        track = read_track(file, width=WIDTH, height=HEIGHT, fps=25, person=person)  # type: ignore[arg-type]
        np.testing.assert_allclose(track.points, expected, atol=1e-3)
    with pytest.raises(NoPersonError, match="no person of index 2"):
        read_track(file, width=WIDTH, height=HEIGHT, fps=25, person=2)


def test_openpose_needs_size_and_rate(tmp_path: Path) -> None:
    file = written(tmp_path / "a.json", [openpose_frame(standing())])
    with pytest.raises(PoseFileError, match="size of the frames"):
        read_track(file, fps=25)
    with pytest.raises(PoseFileError, match="frame rate"):
        read_track(file, width=WIDTH, height=HEIGHT)


def test_fractions_are_turned_into_pixels_where_the_size_is_told(tmp_path: Path) -> None:
    fractions = standing() / np.array([WIDTH, HEIGHT, 1], dtype=np.float32)
    told = openpose_frame(fractions) | {"canvas_width": WIDTH, "canvas_height": HEIGHT}
    track = read_track(written(tmp_path / "a.json", [told]), fps=25)
    np.testing.assert_allclose(track.points[0], standing(), rtol=1e-5)
    with pytest.raises(PoseFileError, match="keypoint_scale"):
        read_track(written(tmp_path / "b.json", [openpose_frame(fractions)]), width=WIDTH, height=HEIGHT, fps=25)


def test_people_without_points_are_nobody(tmp_path: Path) -> None:
    frame = {"people": [{"pose_keypoints_2d": []}, {"face_keypoints_2d": [1]}, {"pose_keypoints_2d": [0] * 54}]}
    track = read_track(written(tmp_path / "a.json", [frame]), width=WIDTH, height=HEIGHT, fps=25)
    assert not track.present.any()


def test_other_models_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path / "a.json", {"people": [{"pose_keypoints_2d": [1] * 51}]})
    with pytest.raises(PoseFileError, match="person 0: pose_keypoints_2d has 51 numbers"):
        read_track(file, width=WIDTH, height=HEIGHT, fps=25)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a_1.json", "b_1.json"), "same frame number"),
        (("a.json", "b.json"), "no frame number"),
        (("a1.json", "a900.json"), "from 1 to 900"),
    ],
)
def test_folders_of_something_else_are_refused(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    for name in names:
        written(tmp_path / name, openpose_frame(standing()))
    with pytest.raises(PoseFileError, match=message):
        read_track(tmp_path, width=WIDTH, height=HEIGHT, fps=25)


def test_the_pose_of_a_picture_is_found_by_name(tmp_path: Path) -> None:
    file = written(tmp_path / "a.json", {"one.jpg": standing().tolist(), "two.png": scaled(standing(), 2).tolist()})
    for name in ("two.png", "two", "/photos/two.png", "two.jpg"):
        np.testing.assert_allclose(read_pose(file, name=name).xy, 2 * standing()[:, :2])
    with pytest.raises(PoseFileError, match=r"no pose for 'three.jpg'. It has one.jpg, two.png"):
        read_pose(file, name="three.jpg")
    with pytest.raises(PoseFileError, match="poses of 2 pictures"):
        read_pose(file)


def test_the_pose_of_a_picture_in_every_form(tmp_path: Path) -> None:
    forms = (
        clip(frames=[standing().tolist()]),
        standing().tolist(),
        {"only.jpg": standing().tolist()},
        openpose_frame(standing()),
    )
    for index, content in enumerate(forms):
        np.testing.assert_allclose(
            read_pose(written(tmp_path / f"{index}.json", content)).points, standing(), atol=1e-6
        )


def test_a_frame_of_a_clip_has_to_be_named(tmp_path: Path) -> None:
    file = written(tmp_path / "a.json", clip())
    np.testing.assert_allclose(read_pose(file, frame=0).points, standing(), atol=1e-6)
    with pytest.raises(PoseFileError, match="holds 2 frames"):
        read_pose(file)
    with pytest.raises(PoseFileError, match="frame from 0 to 1"):
        read_pose(file, frame=2)
    with pytest.raises(NoPersonError, match="nobody is in frame 1"):
        read_pose(file, frame=1)


@pytest.mark.shared_data
def test_real_files_are_read(shared_data: Path) -> None:
    files = sorted((shared_data / "video").glob("*.keypoints18.json"))
    assert files
    for file in files:
        track = read_track(file)
        assert track.present.mean() > 0.5
        assert (track.points[track.present, :, 2] > 0.3).mean() > 0.5
