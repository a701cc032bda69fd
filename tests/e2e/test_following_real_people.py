"""The bundled estimator on clips made from real photos: entering and leaving, crossing, lying and hanging upside down.

The rule is the same for all: the person is followed, or reported lost; never is somebody else given in their stead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from motionwarp.data.ccp import read_photos
from motionwarp.perception.base import Estimator
from motionwarp.perception.registry import make_estimator
from motionwarp.perception.selection import PersonChoice
from motionwarp.types import ByteArray, FloatArray, Frame

pytestmark = pytest.mark.shared_data
HEIGHT, WIDTH = 480, 720
FRAMES = 36


@dataclass(frozen=True)
class CutOut:
    """A real person with matte and points, 400 pixels high."""

    rgb: ByteArray
    matte: FloatArray
    points: FloatArray


@pytest.fixture(scope="module")
def people(shared_data: Path) -> list[CutOut]:
    cut = []
    for photo in read_photos(shared_data / "ccp", ["0027", "0087"]):
        scale = 400 / photo.rgb.shape[0]
        size = (round(photo.rgb.shape[1] * scale), 400)
        points = photo.pose.points * np.array([scale, scale, 1], dtype=np.float32)
        cut.append(CutOut(cv2.resize(photo.rgb, size), cv2.resize(photo.matte, size), points))
    return cut


@pytest.fixture(scope="module")
def estimator() -> Estimator:
    return make_estimator("builtin", torch.device("cpu"), torch.float32)


def backdrop() -> ByteArray:
    """A soft picture without people."""
    rng = np.random.default_rng(5)
    return np.asarray(
        cv2.resize(rng.integers(60, 200, (6, 9, 3), dtype=np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    )


def paste(canvas: ByteArray, person: CutOut, left: int) -> FloatArray:
    """Put a person on a canvas, cut off at its sides; returns the points there, with a score of 0 outside."""
    width = person.rgb.shape[1]
    here, there = max(left, 0), min(left + width, WIDTH)
    points = person.points + np.array([left, 60, 0], dtype=np.float32)
    points[(points[:, 0] < 0) | (points[:, 0] >= WIDTH), 2] = 0
    if there > here:
        box = np.s_[60:460, here:there]
        part = np.s_[:, here - left : there - left]
        weight = person.matte[part][..., None]
        canvas[box] = np.rint(person.rgb[part] * weight + canvas[box] * (1 - weight)).astype(np.uint8)
    return points


def clip(pictures: list[ByteArray]) -> Iterator[Frame]:
    return (Frame(picture, index / 24, index) for index, picture in enumerate(pictures))


def distance(points: FloatArray, truth: FloatArray) -> float:
    """Median distance of the points seen in both, in heights of the person."""
    both = (points[:, 2] > 0.3) & (truth[:, 2] > 0.5)
    if not both.any():
        return np.inf
    return float(np.median(np.linalg.norm(points[both, :2] - truth[both, :2], axis=1)) / 340)


def test_someone_who_enters_and_leaves_is_followed_while_there(people: list[CutOut], estimator: Estimator) -> None:
    pictures, truths = [], []
    for left in np.linspace(-300, WIDTH + 60, FRAMES).astype(int):
        canvas = backdrop()
        truths.append(paste(canvas, people[0], int(left)))
        pictures.append(canvas)
    seen = list(estimator.follow(clip(pictures)))
    assert len(seen) == FRAMES
    for observation, truth in zip(seen, truths, strict=True):
        visible = (truth[:, 2] > 0.5).mean()
        if observation.person is None:
            assert visible < 0.9, f"frame {observation.frame.index}: fully there, but lost"
        elif visible > 0.5:
            assert distance(observation.person.pose.points, truth) < 0.1
    assert seen[0].person is None
    assert seen[-1].person is None
    assert sum(observation.person is not None for observation in seen) > 0.4 * FRAMES


def test_two_people_who_cross_are_not_exchanged(people: list[CutOut], estimator: Estimator) -> None:
    pictures, mine, others = [], [], []
    for share in np.linspace(0, 1, FRAMES):
        canvas = backdrop()
        others.append(paste(canvas, people[1], int(440 - 430 * share)))
        mine.append(paste(canvas, people[0], int(10 + 430 * share)))
        pictures.append(canvas)
    x, y = mine[0][1, :2]
    seen = list(estimator.follow(clip(pictures), PersonChoice(point=(float(x), float(y)))))
    for observation, own, other in zip(seen, mine, others, strict=True):
        if observation.person is not None and distance(own, other) > 0.2:
            points = observation.person.pose.points
            assert distance(points, own) < distance(points, other), f"frame {observation.frame.index}: the other person"
    found = np.array([observation.person is not None for observation in seen])
    assert found[: FRAMES // 4].all()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_people_who_lie_or_hang_are_found(people: list[CutOut], estimator: Estimator, turns: int) -> None:
    canvas = backdrop()
    truth = paste(canvas, people[0], 220)
    turned = np.ascontiguousarray(np.rot90(canvas, turns))
    for step in range(turns):  # np.rot90 turns anticlockwise: (x, y) goes to (y, width - 1 - x)
        width = WIDTH if step % 2 == 0 else HEIGHT
        truth = np.stack([truth[:, 1], width - 1 - truth[:, 0], truth[:, 2]], axis=1)
    [observation] = estimator.follow(clip([turned]))
    assert observation.person is None or distance(observation.person.pose.points, truth) < 0.12
