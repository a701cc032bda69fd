"""Pose files of other programs, written here as their documentation describes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_poses import FRAME_SECONDS, HEIGHT, WIDTH, dancing

from motionwarp.errors import PoseFileError
from motionwarp.pose import skeleton as sk
from motionwarp.pose.formats.pose_file import read_pose, read_track

COUNT = 6
COCO = [
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
]
MEDIAPIPE = {
    "nose": 0, "left_eye": 2, "right_eye": 5, "left_ear": 7, "right_ear": 8, "left_shoulder": 11, "right_shoulder": 12,
    "left_elbow": 13, "right_elbow": 14, "left_wrist": 15, "right_wrist": 16, "left_hip": 23, "right_hip": 24,
    "left_knee": 25, "right_knee": 26, "left_ankle": 27, "right_ankle": 28,
}  # fmt: skip


def place(points: np.ndarray, name: str) -> list[float]:
    return [float(value) for value in points[sk.POINT_NAMES.index(name)]]


def in_coco(points: np.ndarray, more: int = 0) -> list[float]:
    return [value for name in COCO for value in place(points, name)] + [1.0, 1.0, 0.5] * more


def coco_results(people: np.ndarray) -> object:
    return [{"image_id": t, "category_id": 1, "keypoints": in_coco(p), "score": 0.9} for t, p in enumerate(people)]


def alphapose(people: np.ndarray) -> object:
    return [{"image_id": f"{t}.jpg", "keypoints": in_coco(p, 9), "score": 2.7} for t, p in enumerate(people)]


def coco_annotations(people: np.ndarray) -> object:
    annotations = []
    for t, points in enumerate(people):
        flat = in_coco(points)
        flat[2::3] = [2.0] * 17
        annotations.append({"image_id": 100 - t, "keypoints": flat, "num_keypoints": 17})
    images = [{"id": 100 - t, "file_name": f"f{t:03d}.png", "width": WIDTH, "height": HEIGHT} for t in range(COUNT)]
    return {"images": images, "annotations": annotations[::-1]}


def mmpose_instances(points: np.ndarray) -> list[dict[str, object]]:
    known = [place(points, name) for name in COCO]
    return [{"keypoints": [one[:2] for one in known], "keypoint_scores": [one[2] for one in known]}]


def mmpose(people: np.ndarray) -> object:
    frames = [{"frame_id": t, "instances": mmpose_instances(points)} for t, points in enumerate(people)]
    return {"meta_info": {}, "instance_info": frames}


def mediapipe(people: np.ndarray) -> object:
    frames = []
    for points in people:
        marks = [{"x": 0.5, "y": 0.5, "z": 0.0, "visibility": 0.1} for _ in range(33)]
        for name, index in MEDIAPIPE.items():
            x, y, score = place(points, name)
            marks[index] = {"x": x / WIDTH, "y": y / HEIGHT, "z": 0.0, "visibility": score}
        frames.append(marks)
    return frames


def mediapipe_task(people: np.ndarray) -> object:
    return [{"poseLandmarks": [marks]} for marks in mediapipe(people)]  # type: ignore[attr-defined]


def dwpose(people: np.ndarray) -> object:
    frames = []
    for points in people:
        candidate = [[x / WIDTH, y / HEIGHT] for x, y, _ in points.astype(float).tolist()]
        frames.append({"bodies": {"candidate": candidate, "subset": [list(range(18))]}, "hands": [], "faces": []})
    return frames


@pytest.mark.parametrize("form", [coco_results, alphapose, coco_annotations, mmpose, mediapipe, mediapipe_task, dwpose])
def test_clips_of_other_programs_are_read(tmp_path: Path, form: Callable[[np.ndarray], object]) -> None:
    people = dancing(COUNT)
    people[:, sk.NECK, :2] = people[:, [sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER], :2].mean(axis=1)
    path = tmp_path / "poses.json"
    path.write_text(json.dumps(form(people)))
    track = read_track(path, width=WIDTH, height=HEIGHT, fps=1 / FRAME_SECONDS)
    assert len(track) == COUNT
    np.testing.assert_allclose(track.points[..., :2], people[..., :2], atol=0.01)
    assert track.present.all()


def test_frames_without_people_stay_empty(tmp_path: Path) -> None:
    people = dancing(COUNT)
    path = tmp_path / "poses.json"
    entries = coco_results(people)
    del entries[2]  # type: ignore[attr-defined]
    path.write_text(json.dumps(entries))
    track = read_track(path, width=WIDTH, height=HEIGHT, fps=25)
    np.testing.assert_array_equal(track.present, [True, True, False, True, True, True])
    frames = mediapipe(people)
    frames[3] = []  # type: ignore[index]
    path.write_text(json.dumps(frames))
    assert not read_track(path, width=WIDTH, height=HEIGHT, fps=25).present[3]


def test_a_picture_of_mmpose_is_read(tmp_path: Path) -> None:
    points = dancing(1)[0]
    path = tmp_path / "poses.json"
    path.write_text(json.dumps(mmpose_instances(points)))
    np.testing.assert_allclose(read_pose(path).points[sk.LEFT_KNEE], points[sk.LEFT_KNEE], rtol=1e-4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"image_id": 0, "keypoints": [1, 2, 3]}], "3 numbers"),
        ([{"image_id": 0, "keypoints": [1.0] * 51}, {"keypoints": [1.0] * 51}], "image_id"),
        ([{"image_id": 0, "keypoints": [0.5] * 51}, {"image_id": 9**8, "keypoints": [0.5] * 51}], "numbers from"),
        ({"annotations": [], "images": 3}, "no list of images"),
        ({"annotations": [], "images": [{"id": 1, "width": [4], "height": 3}]}, "no list of images"),
        ({"annotations": [], "images": [{"id": 1, "width": -4, "height": 3}]}, "no list of images"),
        ({"annotations": [], "images": [{"id": [1]}]}, "no list of images"),
        ({"annotations": [{"image_id": [1]}], "images": [{"id": 1}]}, "no image of the file"),
        ({"instance_info": [{"instances": [{"keypoints": [[1, 2]], "keypoint_scores": []}]}]}, "as many"),
        ([{"bodies": {"candidate": [[0, 0]], "subset": [[0]]}}], "18 indices"),
        ([{"bodies": {"candidate": [[0]], "subset": [[0] * 18]}}], "without x and y"),
        ([{"bodies": {"candidate": [4], "subset": [[0] * 18]}}], "without x and y"),
        ([{"bodies": {"candidate": [[0, "x"]], "subset": [[0.0, 1e300] * 9]}}], "not a number"),
        ([[{"x": 0.1, "y": 0.2}] * 5], "33 landmarks"),
    ],
)
def test_what_is_wrong_with_them_is_said(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "poses.json"
    path.write_text(json.dumps(content))
    with pytest.raises(PoseFileError, match=message):
        read_track(path, width=WIDTH, height=HEIGHT, fps=25)


def test_fractions_need_a_size(tmp_path: Path) -> None:
    path = tmp_path / "poses.json"
    path.write_text(json.dumps(mediapipe(dancing(1))))
    with pytest.raises(PoseFileError, match="fractions"):
        read_track(path, fps=25)
