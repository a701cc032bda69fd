from __future__ import annotations

import numpy as np
import pytest

from motionwarp.parsing import labels
from motionwarp.parsing.refine import arms_by_skin, spread_classes
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, Pose

SKINS = {"fair": (224, 172, 150), "dark": (94, 58, 42)}
HAND = np.s_[300:330, 230:270]
SLEEVE = np.s_[200:290, 120:150]


def dressed(
    skin: tuple[int, int, int], cloth: tuple[int, int, int] = (40, 70, 120)
) -> tuple[ByteArray, ByteArray, Pose]:
    """Draw somebody facing us, the left hand before the belly; the true classes."""
    rgb = np.full((600, 400, 3), (120, 140, 110), dtype=np.uint8)
    classes = np.zeros((600, 400), dtype=np.uint8)
    for part, label, color in (
        (np.s_[60:130, 170:230], labels.FACE, skin),
        (np.s_[40:60, 165:235], labels.HAIR, (30, 25, 20)),
        (np.s_[130:340, 150:250], labels.UPPER_CLOTHES, cloth),
        (SLEEVE, labels.UPPER_CLOTHES, cloth),
        (np.s_[140:290, 250:280], labels.UPPER_CLOTHES, cloth),
        (HAND, labels.LEFT_ARM, skin),
        (np.s_[290:340, 120:150], labels.RIGHT_ARM, skin),
        (np.s_[340:560, 150:250], labels.PANTS, (60, 60, 60)),
    ):
        rgb[part], classes[part] = color, label
    noise = np.random.default_rng(0).normal(0, 4, rgb.shape)
    points = np.zeros((18, 3), dtype=np.float32)
    for point, place in {
        sk.NOSE: (200, 95), sk.NECK: (200, 140), sk.RIGHT_SHOULDER: (145, 150), sk.RIGHT_ELBOW: (135, 230),
        sk.RIGHT_WRIST: (135, 300),
        sk.LEFT_SHOULDER: (255, 150), sk.LEFT_ELBOW: (270, 270), sk.LEFT_WRIST: (255, 312), sk.RIGHT_HIP: (175, 340),
        sk.LEFT_HIP: (225, 340),
    }.items():  # fmt: skip
        points[point] = (*place, 1.0)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8), classes, Pose(points)


@pytest.mark.parametrize("skin", SKINS.values(), ids=SKINS)
def test_a_hand_taken_for_cloth_and_a_sleeve_taken_for_an_arm_are_told_apart(skin: tuple[int, int, int]) -> None:
    rgb, classes, pose = dressed(skin)
    seen = classes.copy()
    seen[HAND] = labels.UPPER_CLOTHES
    seen[SLEEVE] = labels.RIGHT_ARM
    settled = arms_by_skin(rgb, seen, pose)
    assert (seen == classes).mean() < 0.985
    assert (settled == classes).mean() > 0.995
    assert (settled[HAND] == labels.LEFT_ARM).mean() > 0.85
    assert (settled[SLEEVE] == labels.UPPER_CLOTHES).mean() > 0.95


@pytest.mark.parametrize("skin", SKINS.values(), ids=SKINS)
def test_what_was_right_stays(skin: tuple[int, int, int]) -> None:
    rgb, classes, pose = dressed(skin)
    assert (arms_by_skin(rgb, classes, pose) == classes).mean() > 0.998


def test_somebody_cut_by_the_picture_is_seen_alike() -> None:
    rgb, classes, pose = dressed((224, 172, 150))
    seen = classes.copy()
    seen[HAND] = labels.UPPER_CLOTHES
    cut = np.s_[:400, :262]
    settled = arms_by_skin(rgb[cut], seen[cut], pose)
    assert (settled == classes[cut]).mean() > 0.99
    assert (settled[HAND] == labels.LEFT_ARM).mean() > 0.85


def test_cloth_of_the_color_of_skin_is_no_arm() -> None:
    rgb, classes, pose = dressed((224, 172, 150), cloth=(224, 172, 150))
    assert (arms_by_skin(rgb, classes, pose)[150:280, 250:280] == labels.UPPER_CLOTHES).all()


def test_without_a_face_or_points_nothing_is_said() -> None:
    rgb, classes, pose = dressed((224, 172, 150))
    seen = classes.copy()
    seen[SLEEVE] = labels.RIGHT_ARM
    faceless = np.where(seen == labels.FACE, labels.HAIR, seen).astype(np.uint8)
    np.testing.assert_array_equal(arms_by_skin(rgb, faceless, pose), faceless)
    np.testing.assert_array_equal(arms_by_skin(rgb, np.zeros_like(seen), pose), 0)
    seen[HAND] = labels.UPPER_CLOTHES
    unseen = arms_by_skin(rgb, seen, Pose(np.zeros((18, 3), dtype=np.float32)))
    assert (unseen[HAND] == labels.UPPER_CLOTHES).all()
    assert (unseen[SLEEVE] == labels.UPPER_CLOTHES).mean() > 0.95


def test_the_parsing_given_is_not_changed() -> None:
    rgb, classes, pose = dressed((224, 172, 150))
    classes[SLEEVE] = labels.RIGHT_ARM
    before = classes.copy()
    assert (arms_by_skin(rgb, classes, pose) != classes).any()
    np.testing.assert_array_equal(classes, before)


def test_classes_are_spread_from_where_they_are_known() -> None:
    parsing = np.array([[1, 0, 0, 0, 2]], dtype=np.uint8)
    np.testing.assert_array_equal(spread_classes(parsing, parsing > 0)[0, [0, 1, 3, 4]], [1, 1, 2, 2])
    np.testing.assert_array_equal(spread_classes(parsing, np.zeros(parsing.shape, dtype=np.bool_)), parsing)
