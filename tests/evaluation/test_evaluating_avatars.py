"""Figures on avatars say what they should of estimators that are right, mirrored, blind, or that guess."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionwarp.data.avatars.packing import AvatarPackWriter
from motionwarp.data.avatars.scenes import AvatarView
from motionwarp.data.pack import PackReader
from motionwarp.errors import NoPersonError
from motionwarp.evaluation.avatars import evaluate_avatars, group_of, is_exchanged, view_of
from motionwarp.perception.base import Observation
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray, Frame, Person, PersonCrop, Pose

HEIGHT, WIDTH = 320, 240
FACINGS = (0.0, 90.0, 180.0, -90.0, -20.0, 160.0)


def stick_figure(cut: bool) -> FloatArray:
    """Return points of somebody upright, 40 pixels from left to right, ankles below the frame where it is cut."""
    points = np.ones((18, 3), dtype=np.float32)
    for point, name in enumerate(sk.POINT_NAMES):
        side = name.startswith("left") - name.startswith("right")
        points[point, 0] = 120 + 20 * side
        points[point, 1] = (
            40 + 12 * ((point - 2) % 3 + 1) + (100 if "hip" in name or "knee" in name or "ankle" in name else 0)
        )
    if cut:
        points[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE], 1:] = HEIGHT + 30, 0
    return points


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    writer = AvatarPackWriter()
    matte = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    matte[20:300, 90:150] = 1
    for number, facing in enumerate(FACINGS):
        rgb = np.full((HEIGHT, WIDTH, 3), 20 * number, dtype=np.uint8)
        cut = number % 2 == 1
        pose = Pose(stick_figure(cut))
        joints = np.zeros((18, 3), dtype=np.float32)
        labels = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        name = f"{'X_Black_F_1_Casual' if number < 3 else 'X_White_M_1_Busi'}/made/{number}"
        depth = np.full((HEIGHT, WIDTH), 4, dtype=np.float32)
        writer.add(AvatarView(rgb, matte, labels, depth, pose, joints, facing, 1.0, "knee" if cut else "none", name))
    writer.write(tmp_path / "made.pack")
    return tmp_path / "made.pack"


class Oracle:
    """Knows the pack's pictures by their brightness and says what is asked of it."""

    name = "oracle"

    def __init__(self, pack: Path, change: Callable[[FloatArray, int], FloatArray | None]) -> None:
        self.reader = PackReader(pack)
        self.change = change

    def analyze_picture(self, rgb: ByteArray, choice: Any = None, *, given_pose: Pose | None = None) -> Person:
        number = round(float(rgb.mean()) / 20)
        sample = self.reader[number]
        points = self.change(sample.points.copy(), number)
        if points is None:
            raise NoPersonError("nobody")
        crop = PersonCrop(0, 0, 1, WIDTH, HEIGHT)
        return Person(Pose(points), crop, sample.parsing, (sample.matte / np.float32(255)).astype(np.float32))

    def find_people(self, rgb: ByteArray) -> list[Person]:
        return [self.analyze_picture(rgb)]

    def follow(self, frames: Iterable[Frame], choice: Any = None, *, dense: bool = False) -> Iterator[Observation]:
        return iter(())


def test_who_is_right_gets_full_marks(pack: Path) -> None:
    told: list[tuple[int, int]] = []
    figures: Any = evaluate_avatars(Oracle(pack, lambda points, number: points), pack, lambda *done: told.append(done))
    every = figures["all"]
    assert (every["pictures"], every["found"], every["points_within_5_percent"]) == (6, 1, 1)
    assert (every["left_right_exchanged"], every["outside_absent"], every["outside_points"]) == (0, 1, 6)
    assert every["matte_iou"] > 0.98
    assert {view: row["pictures"] for view, row in figures["by_view"].items()} == {"front": 2, "profile": 2, "back": 2}
    assert {view: row["pictures"] for view, row in figures["by_view_whole"].items()} == {"front": 2, "back": 1}
    assert set(figures["by_cut"]) == {"none", "knee"}
    assert set(figures["by_group"]) == {"Black_F", "White_M"}
    assert figures["group_gap"] == 0
    assert told[-1] == (6, 6)


def test_exchanged_sides_are_counted(pack: Path) -> None:
    def swap(points: FloatArray, number: int) -> FloatArray:
        return points[list(sk.MIRROR)] if abs(FACINGS[number]) > 135 else points

    figures: Any = evaluate_avatars(Oracle(pack, swap), pack)
    assert figures["by_view"]["back"]["left_right_exchanged"] == 1
    assert figures["by_view"]["front"]["left_right_exchanged"] == 0
    assert figures["by_view"]["back"]["points_within_5_percent"] < 0.3


def test_points_guessed_into_the_frame_are_not_absent(pack: Path) -> None:
    def guess(points: FloatArray, number: int) -> FloatArray:
        missing = points[:, 2] == 0
        points[missing] = 100, HEIGHT - 3, 0.2
        return points

    figures: Any = evaluate_avatars(Oracle(pack, guess), pack)
    assert figures["all"]["outside_absent"] == 0
    assert figures["all"]["outside_below_0.3"] == 1
    assert figures["all"]["visible_at_least_0.3"] == 1
    assert figures["by_cut"]["none"]["outside_absent"] is None


def test_one_group_seen_worse_is_told(pack: Path) -> None:
    figures: Any = evaluate_avatars(Oracle(pack, lambda points, number: None if number < 3 else points), pack)
    assert figures["by_group"]["Black_F"]["found"] == 0
    assert figures["by_group"]["White_M"]["points_within_5_percent"] == 1
    assert figures["group_gap"] == pytest.approx(0.5)


def test_views_and_groups_by_name() -> None:
    assert [view_of(angle) for angle in (0, -45, 44, 60, -134, 136, 180, 350)] == [
        "front", "front", "front", "profile", "profile", "back", "back", "front"
    ]  # fmt: skip
    assert group_of("avatars/X_NHPI_F_3_Casual/cmu_005_12/4/none") == "NHPI_F"


def test_an_exchange_is_not_told_of_limbs_that_coincide() -> None:
    truth = stick_figure(cut=False)
    assert is_exchanged(truth, truth, 260) is False
    assert is_exchanged(truth[list(sk.MIRROR)], truth, 260) is True
    truth[:, 0] = 120
    assert is_exchanged(truth, truth, 260) is None
