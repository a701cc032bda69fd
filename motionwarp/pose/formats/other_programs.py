"""Poses as other programs write them: COCO's lists and annotations, AlphaPose, MMPose, MediaPipe's landmarks, DWPose.

Formats as their documentation describes them; what tells them apart are their keys. OpenPose's form, which DWPose nodes
write too, is read by `openpose`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from motionwarp.errors import PoseFileError
from motionwarp.pose import skeleton as sk
from motionwarp.pose.formats.json_checks import Fail, checked_points, numbers_from
from motionwarp.pose.formats.openpose import MAX_GAP_FACTOR, PeopleFrames
from motionwarp.types import POINT_COUNT, FloatArray

# where each of our points is among COCO's 17, with which Halpe's 26 and 136 and COCO-WholeBody's 133 begin
_FROM_COCO: Final = {
    sk.NOSE: 0, sk.LEFT_EYE: 1, sk.RIGHT_EYE: 2, sk.LEFT_EAR: 3, sk.RIGHT_EAR: 4,
    sk.LEFT_SHOULDER: 5, sk.RIGHT_SHOULDER: 6, sk.LEFT_ELBOW: 7, sk.RIGHT_ELBOW: 8, sk.LEFT_WRIST: 9,
    sk.RIGHT_WRIST: 10, sk.LEFT_HIP: 11, sk.RIGHT_HIP: 12, sk.LEFT_KNEE: 13, sk.RIGHT_KNEE: 14,
    sk.LEFT_ANKLE: 15, sk.RIGHT_ANKLE: 16,
}  # fmt: skip
_COCO_COUNTS: Final = (17, 26, 133, 136)
# and among MediaPipe's 33 landmarks
_FROM_MEDIAPIPE: Final = {
    sk.NOSE: 0, sk.LEFT_EYE: 2, sk.RIGHT_EYE: 5, sk.LEFT_EAR: 7, sk.RIGHT_EAR: 8,
    sk.LEFT_SHOULDER: 11, sk.RIGHT_SHOULDER: 12, sk.LEFT_ELBOW: 13, sk.RIGHT_ELBOW: 14, sk.LEFT_WRIST: 15,
    sk.RIGHT_WRIST: 16, sk.LEFT_HIP: 23, sk.RIGHT_HIP: 24, sk.LEFT_KNEE: 25, sk.RIGHT_KNEE: 26,
    sk.LEFT_ANKLE: 27, sk.RIGHT_ANKLE: 28,
}  # fmt: skip
_MEDIAPIPE_COUNT: Final = 33
_LANDMARK_KEYS: Final = ("pose_landmarks", "poseLandmarks", "landmarks")
# COCO's flags of labeled points: 1 is hidden, 2 in sight
_LONGEST_SIDE: Final = 1_000_000
_FLAG_SCORES: Final = np.array([0.0, 0.5, 1.0], dtype=np.float32)


def foreign_frames(content: object, path: Path, width: int | None, height: int | None) -> PeopleFrames | None:
    """Read a file of another program.

    Parameters
    ----------
    content : object
        As `load_json` gives it.
    path : Path
        For messages.
    width, height : int or None
        Size of the frames, for programs that write fractions of it.

    Returns
    -------
    PeopleFrames or None
        None for none of these forms.

    Raises
    ------
    PoseFileError
        For a wrong form, naming frame and person.
    """
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        return _coco_annotations(content, path)
    if isinstance(content, dict) and isinstance(content.get("instance_info"), list):
        return _mmpose_frames(content["instance_info"], path)
    entries = content if isinstance(content, list) else [content]
    first = next((entry for entry in entries if entry), None)
    if isinstance(first, dict) and "image_id" in first and "keypoints" in first:
        return _coco_results(entries, path)
    if isinstance(first, dict) and "instances" in first:
        return _mmpose_frames(entries, path)
    if isinstance(first, dict) and "keypoint_scores" in first:
        return _mmpose_frames([{"instances": entries}], path)
    if isinstance(first, dict) and isinstance(first.get("bodies"), dict) and "candidate" in first["bodies"]:
        return _fractions(
            [_dwpose(entry, _fail(path, index)) for index, entry in enumerate(entries)], path, width, height
        )
    if _landmarks_of(first) is not None:
        one = isinstance(first, dict) and "x" in first  # a single frame: a list of landmarks
        frames = [entries] if one else entries
        found = [_mediapipe(entry, _fail(path, index)) for index, entry in enumerate(frames)]
        return _fractions(found, path, width, height)
    return None


def _fail(path: Path, frame: object, person: int | None = None) -> Fail:
    place = f"frame {frame}" + ("" if person is None else f", person {person}")

    def fail(problem: str, remedy: str) -> PoseFileError:
        return PoseFileError(f"{place}: {problem}", subject=path, remedy=remedy)

    return fail


def _coco_annotations(content: Mapping[str, Any], path: Path) -> PeopleFrames:
    """Read an annotation file: pictures by number, and people who say in which they are."""
    images = content.get("images")
    entries = content["annotations"]
    if not isinstance(images, list) or not all(_is_image(image) for image in images):
        raise PoseFileError(
            "has annotations, but no list of images with ids and sizes", subject=path, remedy="Give COCO's whole file"
        )
    order = sorted(images, key=lambda image: _frame_key(image.get("file_name", image["id"])))
    place = {str(image["id"]): index for index, image in enumerate(order)}
    frames: list[list[FloatArray]] = [[] for _ in order]
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or str(entry.get("image_id")) not in place:
            raise _fail(path, "?", number)("belongs to no image of the file", "Give COCO's whole file")
        frame = place[str(entry["image_id"])]
        points = _coco_points(entry.get("keypoints"), _fail(path, frame, number), flags=True)
        if (points[:, 2] > 0).any():
            frames[frame].append(points)
    sides = {(image.get("width"), image.get("height")) for image in order}
    width, height = next(iter(sides)) if len(sides) == 1 else (None, None)
    return PeopleFrames(frames, width, height)


def _is_image(image: object) -> bool:
    """Return whether an entry of COCO's list of images has a name, and sides that are numbers of pixels, or none."""
    if not isinstance(image, dict) or not isinstance(image.get("id"), int | str):
        return False
    sides = (image.get("width"), image.get("height"))
    return sides == (None, None) or all(type(side) is int and 0 < side <= _LONGEST_SIDE for side in sides)


def _coco_results(entries: Sequence[object], path: Path) -> PeopleFrames:
    """Read a list of people of any frames, as COCO's results and AlphaPose have it."""
    by_frame: dict[int, list[FloatArray]] = {}
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or "image_id" not in entry:
            raise _fail(path, "?", number)("does not say its image_id", "Write the poses again")
        frame = _frame_key(entry["image_id"])
        points = _coco_points(entry.get("keypoints"), _fail(path, frame, number), flags=False)
        by_frame.setdefault(frame, []).append(points)
    first, last = min(by_frame), max(by_frame)
    # counted from 0 or from 1; frames before the first person have nobody in them
    first = min(first, 1)
    if last - first + 1 > MAX_GAP_FACTOR * len(by_frame):
        raise PoseFileError(
            f"{len(by_frame)} frames have numbers from {first} to {last}",
            subject=path,
            remedy="Give the poses of one clip, with its frames' numbers as image_id",
        )
    return PeopleFrames([by_frame.get(frame, []) for frame in range(first, last + 1)])


def _frame_key(name: object) -> int:
    numbers = re.findall(r"\d+", Path(str(name)).stem)
    return int(numbers[-1][-9:]) if numbers else 0


def _coco_points(flat: object, fail: Fail, *, flags: bool) -> FloatArray:
    counts = {3 * count: count for count in _COCO_COUNTS}
    if not isinstance(flat, list) or len(flat) not in counts:
        got = f"{len(flat)} numbers" if isinstance(flat, list) else type(flat).__name__
        raise fail(f"keypoints has {got}", "Give three numbers for each of COCO's 17 points, or of Halpe's 26 or 136")
    points = numbers_from(flat, fail).reshape(-1, 3)
    if flags and np.isin(points[:, 2], (0, 1, 2)).all():
        points[:, 2] = _FLAG_SCORES[points[:, 2].astype(int)]
    return _ours(points, _FROM_COCO, fail)


def _ours(points: FloatArray, source: Mapping[int, int], fail: Fail) -> FloatArray:
    """Bring another program's points to our 18, the neck between the shoulders."""
    ours = np.zeros((POINT_COUNT, 3), dtype=np.float32)
    for index, other in source.items():
        ours[index] = points[other]
    ours[:, 2] = np.clip(ours[:, 2], 0, 1)
    shoulders = ours[[sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER]]
    if (shoulders[:, 2] > 0).all():
        ours[sk.NECK] = *shoulders[:, :2].mean(axis=0), shoulders[:, 2].min()
    return checked_points(ours, fail)


def _mmpose_frames(entries: Sequence[object], path: Path) -> PeopleFrames:
    """Read frames with `instances`, each with keypoints (17, 2) and keypoint_scores (17)."""
    frames = []
    for index, entry in enumerate(entries):
        instances = entry.get("instances") if isinstance(entry, dict) else None
        if not isinstance(instances, list):
            raise _fail(path, index)("has no list of instances", "Give what MMPose wrote")
        frames.append([_mmpose_person(each, _fail(path, index, number)) for number, each in enumerate(instances)])
    return PeopleFrames(frames)


def _mmpose_person(instance: object, fail: Fail) -> FloatArray:
    places = instance.get("keypoints") if isinstance(instance, dict) else None
    scores = instance.get("keypoint_scores") if isinstance(instance, dict) else None
    if not isinstance(places, list) or not isinstance(scores, list) or len(places) != len(scores):
        raise fail("needs keypoints and as many keypoint_scores", "Give what MMPose wrote")
    flat: list[object] = []
    for place, score in zip(places, scores, strict=True):
        if not isinstance(place, list) or len(place) < 2:
            raise fail("has a point without x and y", "Give what MMPose wrote")
        flat += [place[0], place[1], score]
    return _coco_points(flat, fail, flags=False)


def _dwpose(entry: object, fail: Fail) -> list[FloatArray]:
    """Read DWPose's own dictionary: all points of all people in one list, and for each person which are its own."""
    bodies = entry.get("bodies") if isinstance(entry, dict) else None
    candidate = bodies.get("candidate") if isinstance(bodies, dict) else None
    subset = bodies.get("subset") if isinstance(bodies, dict) else None
    if not isinstance(candidate, list) or not isinstance(subset, list):
        raise fail("has no candidate and subset", "Give what DWPose wrote")
    people = []
    for indices in subset:
        if not isinstance(indices, list) or len(indices) < POINT_COUNT:
            raise fail(f"needs {POINT_COUNT} indices for each person", "Give what DWPose wrote")
        points = np.zeros((POINT_COUNT, 3), dtype=np.float32)
        for point, index in enumerate(numbers_from(indices[:POINT_COUNT], fail).tolist()):
            if 0 <= index < len(candidate):
                place = candidate[int(index)]
                if not isinstance(place, list) or len(place) < 2:
                    raise fail("has a point without x and y", "Give what DWPose wrote")
                points[point] = *numbers_from(place[:2], fail), 1.0
        people.append(checked_points(points, fail))
    return people


def _landmarks_of(entry: object) -> list[object] | None:
    """Return a frame's landmarks, or None for what is no frame of MediaPipe's."""
    if isinstance(entry, dict):
        if "x" in entry and "y" in entry:
            return [entry]
        entry = next((entry[key] for key in _LANDMARK_KEYS if key in entry), None)
    if isinstance(entry, list) and entry and isinstance(entry[0], list):
        entry = entry[0]  # the task's results hold a list of people
    return entry if isinstance(entry, list) and entry and isinstance(entry[0], dict) and "x" in entry[0] else None


def _mediapipe(entry: object, fail: Fail) -> list[FloatArray]:
    landmarks = _landmarks_of(entry)
    if not entry or (isinstance(entry, dict) and landmarks is None):
        return []  # a frame in which nobody was found
    if landmarks is None or len(landmarks) != _MEDIAPIPE_COUNT:
        raise fail(f"needs {_MEDIAPIPE_COUNT} landmarks", "Give x, y and visibility of MediaPipe's 33 landmarks")
    flat = []
    for landmark in landmarks:
        if not isinstance(landmark, dict) or not {"x", "y"} <= set(landmark):
            raise fail("has a landmark without x and y", "Give x, y and visibility of MediaPipe's 33 landmarks")
        flat += [landmark["x"], landmark["y"], landmark.get("visibility", 1.0)]
    return [_ours(numbers_from(flat, fail).reshape(-1, 3), _FROM_MEDIAPIPE, fail)]


def _fractions(frames: list[list[FloatArray]], path: Path, width: int | None, height: int | None) -> PeopleFrames:
    """Turn fractions of the frame into pixels."""
    if width is None or height is None:
        raise PoseFileError(
            "gives positions as fractions of the frame, whose size it does not tell",
            subject=path,
            remedy="Give the size along with it, or positions in pixels",
        )
    size = np.array([width, height, 1.0], dtype=np.float32)
    return PeopleFrames([[points * size for points in people] for people in frames], width, height)
