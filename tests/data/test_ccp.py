from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionwarp.data import ccp
from motionwarp.data.splits import photo_split
from motionwarp.parsing import labels
from motionwarp.pose import skeleton
from motionwarp.types import Pose

TAGS = ["null", "bag", "hair", "skin", "shoes", "suit", "belt", "dress", "jeans"]
EVERY_TAG = TAGS + sorted(
    {name for names in ccp._TAGS_OF_CLASS.values() for name in names} | set(ccp._SHOE_TAGS) - set(TAGS)
)


def standing() -> Pose:
    """Seen from the front: the person's right is on the picture's left."""
    points = np.zeros((18, 3), dtype=np.float32)
    for index, position in {
        skeleton.NOSE: (50, 10), skeleton.NECK: (50, 25), skeleton.RIGHT_EYE: (47, 8), skeleton.LEFT_EYE: (53, 8),
        skeleton.RIGHT_EAR: (44, 10), skeleton.LEFT_EAR: (56, 10),
        skeleton.RIGHT_SHOULDER: (38, 26), skeleton.RIGHT_ELBOW: (30, 45), skeleton.RIGHT_WRIST: (28, 62),
        skeleton.LEFT_SHOULDER: (62, 26), skeleton.LEFT_ELBOW: (70, 45), skeleton.LEFT_WRIST: (72, 62),
        skeleton.RIGHT_HIP: (44, 65), skeleton.RIGHT_KNEE: (43, 95), skeleton.RIGHT_ANKLE: (42, 125),
        skeleton.LEFT_HIP: (56, 65), skeleton.LEFT_KNEE: (57, 95), skeleton.LEFT_ANKLE: (58, 125),
    }.items():  # fmt: skip
        points[index] = (*position, 1.0)
    return Pose(points)


@pytest.mark.parametrize(
    ("tag", "x", "y", "expected"),
    [
        ("skin", 50, 12, labels.FACE),
        ("skin", 50, 22, labels.FACE),
        ("skin", 29, 50, labels.RIGHT_ARM),
        ("skin", 71, 50, labels.LEFT_ARM),
        ("skin", 27, 68, labels.RIGHT_ARM),  # the hand, beyond the wrist
        ("skin", 43, 100, labels.RIGHT_LEG),
        ("skin", 57, 100, labels.LEFT_LEG),
        ("skin", 50, 46, labels.IGNORE),  # a bare belly has no class in LIP
        ("shoes", 40, 130, labels.RIGHT_SHOE),
        ("shoes", 60, 130, labels.LEFT_SHOE),
        ("suit", 50, 40, labels.COAT),
        ("suit", 50, 100, labels.PANTS),
        ("bag", 80, 80, labels.BACKGROUND),
        ("belt", 50, 64, labels.IGNORE),
        ("dress", 50, 64, labels.DRESS),
        ("jeans", 43, 80, labels.PANTS),
        ("hair", 50, 2, labels.HAIR),
    ],
)
def test_tags_become_lip_classes_by_the_persons_own_side(tag: str, x: int, y: int, expected: int) -> None:
    tags = sorted(EVERY_TAG, key=lambda name: (name != "null", name))
    tag_map = np.zeros((140, 100), dtype=np.uint8)
    tag_map[y, x] = tags.index(tag)
    assert ccp.to_lip(tag_map, tags, standing())[y, x] == expected


def test_splits_keep_validation_and_calibration_apart() -> None:
    assert photo_split("0007") == photo_split("1997") == "validation"
    assert photo_split("0050") == photo_split("1250") == "calibration"
    assert photo_split("0051") == "train"


@pytest.mark.shared_data
def test_real_photos_have_labels_that_fit(shared_data: Path) -> None:
    names = ccp.photo_names(shared_data / "ccp", "validation")
    assert len(names) > 150
    assert all(name.endswith("7") for name in names)
    photo = next(ccp.read_photos(shared_data / "ccp", names[:1]))
    assert photo.parsing is not None
    assert photo.parsing.shape == photo.matte.shape == photo.rgb.shape[:2]
    # the teacher's matte and the labels drawn by people agree on most of the person
    person = (photo.parsing > 0) & (photo.parsing < 255)
    assert photo.matte[person].mean() > 0.8
