"""Poses in the forms of OpenPose and COCO: what other programs read, with the third dimension where it is known."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from motionwarp.pose import skeleton as sk
from motionwarp.types import FloatArray

OPENPOSE_VERSION: Final = 1.3
_DIGITS: Final = 3
_METER_DIGITS: Final = 4
# what readers of OpenPose's files expect to be there, though nothing is known of it
_OTHERS: Final = tuple(
    f"{part}_keypoints_{form}" for form in ("2d", "3d") for part in ("pose", "face", "hand_left", "hand_right")
)[1:]

COCO_POINTS: Final = (
    sk.NOSE, sk.LEFT_EYE, sk.RIGHT_EYE, sk.LEFT_EAR, sk.RIGHT_EAR, sk.LEFT_SHOULDER, sk.RIGHT_SHOULDER, sk.LEFT_ELBOW,
    sk.RIGHT_ELBOW, sk.LEFT_WRIST, sk.RIGHT_WRIST, sk.LEFT_HIP, sk.RIGHT_HIP, sk.LEFT_KNEE, sk.RIGHT_KNEE,
    sk.LEFT_ANKLE,
    sk.RIGHT_ANKLE,
)  # fmt: skip
# as COCO counts them, from 1
_BONES: Final = (
    (16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9), (8, 10), (9, 11),
    (2, 3),
    (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7),
)  # fmt: skip
COCO_CATEGORY: Final[dict[str, Any]] = {
    "id": 1, "name": "person", "supercategory": "person",
    "keypoints": [sk.POINT_NAMES[point] for point in COCO_POINTS], "skeleton": [list(bone) for bone in _BONES],
}  # fmt: skip
_VISIBLE: Final = 0.1


def openpose_frame(
    points: FloatArray | None, width: int, height: int, joints: FloatArray | None = None
) -> dict[str, Any]:
    """Return one frame as OpenPose writes it.

    Parameters
    ----------
    points : float32 (18, 3) or None
        None for a frame without anybody.
    width, height : int
    joints : float32 (18, 3), optional
        In meters: `pose_keypoints_3d` has x, y, z and the score of every point.
    """
    people = []
    if points is not None:
        others: dict[str, list[float]] = {name: [] for name in _OTHERS}
        person: dict[str, Any] = {"person_id": [-1], "pose_keypoints_2d": _flat(points), **others}
        if joints is not None:
            person["pose_keypoints_3d"] = _flat_in_space(points, joints)
        people.append(person)
    return {"version": OPENPOSE_VERSION, "canvas_width": width, "canvas_height": height, "people": people}


def _flat(points: FloatArray) -> list[float]:
    """Return x, y and score of every point in a row; zeros for one that is not there."""
    here = points[:, 2:] > 0
    rounded: list[float] = np.where(here, points, 0).astype(np.float64).round(_DIGITS).ravel().tolist()
    return rounded


def _flat_in_space(points: FloatArray, joints: FloatArray) -> list[float]:
    """Return x, y, z and score of every point; the body gives those too that were not seen, with a score of 0."""
    places = np.concatenate([joints, points[:, 2:]], axis=1).astype(np.float64)
    rounded: list[float] = places.round(_METER_DIGITS).ravel().tolist()
    return rounded


def coco_keypoints(points: FloatArray, width: int, height: int) -> tuple[list[float], int]:
    """Return x, y and visibility of COCO's 17 points, and how many lie within the frame.

    Parameters
    ----------
    points : float32 (18, 3)
    width, height : int
        Of the frame. A point outside of it, or with a score below 0.1, has x = y = visibility = 0; others 2.
    """
    keypoints: list[float] = []
    labeled = 0
    for x, y, score in points[list(COCO_POINTS)].tolist():
        if score >= _VISIBLE and -0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5:
            labeled += 1
            keypoints += [round(x, 2), round(y, 2), 2]
        else:
            keypoints += [0, 0, 0]
    return keypoints, labeled


def coco_annotation(points: FloatArray, width: int, height: int, joints: FloatArray | None = None) -> dict[str, Any]:
    """Return keypoints and box of one person, without ids; the box is that of the points.

    Parameters
    ----------
    points : float32 (18, 3)
    width, height : int
    joints : float32 (18, 3), optional
        In meters: `keypoints_3d` has x, y and z of the 17 points, which is an extension of COCO's form.
    """
    keypoints, labeled = coco_keypoints(points, width, height)
    flat = np.array(keypoints).reshape(-1, 3)
    shown = flat[flat[:, 2] > 0, :2]
    low, high = (shown.min(axis=0), shown.max(axis=0)) if len(shown) else (np.zeros(2), np.zeros(2))
    size = high - low
    box = [round(float(value), 2) for value in (*low, *size)]
    result: dict[str, Any] = {
        "category_id": 1, "iscrowd": 0, "keypoints": keypoints, "num_keypoints": labeled, "bbox": box,
        "area": round(float(size[0] * size[1]), 2),
    }  # fmt: skip
    if joints is not None:
        result["keypoints_3d"] = joints[list(COCO_POINTS)].astype(np.float64).round(_METER_DIGITS).ravel().tolist()
    return result
