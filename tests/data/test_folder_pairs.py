"""Pairs from folders of pictures: two of one person, people kept apart by split."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from motionwarp.data.folder_pairs import folder_pairs
from motionwarp.errors import InputError, NoPersonError
from motionwarp.media.image import write_image
from motionwarp.types import Person, PersonCrop, Pose


class MiddleEstimator:
    """Sees somebody in the middle of every picture that is not black."""

    def __init__(self) -> None:
        self.looked_at = 0

    def analyze_picture(self, rgb: np.ndarray, *, given_pose: Pose | None = None) -> Person:
        self.looked_at += 1
        if not rgb.any():
            raise NoPersonError("nobody")
        points = np.concatenate([np.random.default_rng(0).uniform(20, 40, (18, 2)), np.ones((18, 1))], axis=1)
        matte = np.zeros((128, 96), np.float32)
        matte[20:100, 30:66] = 1
        return Person(Pose(points.astype(np.float32)), PersonCrop(0, 0, 0.25), (matte * 5).astype(np.uint8), matte)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for person, level in (("ann", 60), ("bob", 120), ("cid", 180), ("dan", 220)):
        for frame in range(3):
            rgb = np.full((64, 48, 3), level + frame, np.uint8)
            if frame == 2:
                rgb[:] = 0
            (tmp_path / person / "walking").mkdir(parents=True, exist_ok=True)
            write_image(tmp_path / person / "walking" / f"{frame}.png", rgb)
    return tmp_path


def test_both_pictures_are_of_one_person_and_nobody_is_in_both_splits(folder: Path) -> None:
    names = {}
    for split in ("train", "validation"):
        pairs = list(islice(folder_pairs(folder, MiddleEstimator(), 1, split), 40))  # type: ignore[arg-type]
        for pair in pairs:
            source, target = (picture.name.split("/") for picture in (pair.source, pair.target))
            assert source[0] == target[0]
            assert source != target
            assert "2.png" not in (source[2], target[2])  # where nobody is seen
            assert pair.source.rgb.shape == (256, 192, 3)
        names[split] = {pair.source.name.split("/")[0] for pair in pairs}
    assert len(names["train"]) == 3
    assert not names["train"] & names["validation"]


def test_folders_in_which_nobody_is_seen_twice_are_told(tmp_path: Path) -> None:
    for person in ("ann", "bob"):
        (tmp_path / person).mkdir()
        for frame in range(2):
            write_image(tmp_path / person / f"{frame}.png", np.zeros((64, 48, 3), np.uint8))
    with pytest.raises(InputError, match="nobody is seen in two pictures"):
        next(folder_pairs(tmp_path, MiddleEstimator(), 0))  # type: ignore[arg-type]
