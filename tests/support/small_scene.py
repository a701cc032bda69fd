"""A small drawn person, a clip of them with exact points, and an estimator that knows them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from motionwarp.errors import NoPersonError
from motionwarp.media.image import write_image
from motionwarp.media.writer import open_writer
from motionwarp.parsing import labels
from motionwarp.perception.base import Observation
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, Frame, Person, PersonCrop, Pose

# a standing person in a picture of 90x160, x and y
STANDING = {
    sk.NOSE: (45, 30), sk.NECK: (45, 45), sk.RIGHT_SHOULDER: (33, 46), sk.RIGHT_ELBOW: (27, 64),
    sk.RIGHT_WRIST: (25, 81),
    sk.LEFT_SHOULDER: (57, 46), sk.LEFT_ELBOW: (63, 64), sk.LEFT_WRIST: (65, 81), sk.RIGHT_HIP: (38, 84),
    sk.RIGHT_KNEE: (37, 112), sk.RIGHT_ANKLE: (37, 140), sk.LEFT_HIP: (52, 84), sk.LEFT_KNEE: (53, 112),
    sk.LEFT_ANKLE: (53, 140), sk.RIGHT_EYE: (42, 27), sk.LEFT_EYE: (48, 27), sk.RIGHT_EAR: (39, 29),
    sk.LEFT_EAR: (51, 29),
}  # fmt: skip
LEGS = (sk.RIGHT_HIP, sk.RIGHT_KNEE, sk.RIGHT_ANKLE, sk.LEFT_HIP, sk.LEFT_KNEE, sk.LEFT_ANKLE)
SHIRT, TROUSERS, SKIN = (200, 40, 40), (40, 60, 160), (230, 190, 160)


def standing() -> np.ndarray[Any, np.dtype[np.float32]]:
    points = np.ones((18, 3), dtype=np.float32)
    for index, place in STANDING.items():
        points[index, :2] = place
    return points


def waving(phase: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The standing person with the left arm swung outwards by up to 40 degrees."""
    points = standing()
    swing = np.deg2rad(20 * (1 - np.cos(2 * np.pi * phase)))
    turn = np.array([[np.cos(swing), np.sin(swing)], [-np.sin(swing), np.cos(swing)]])
    shoulder = points[sk.LEFT_SHOULDER, :2].copy()
    for index in (sk.LEFT_ELBOW, sk.LEFT_WRIST):
        points[index, :2] = shoulder + turn @ (points[index, :2] - shoulder)
    return points


def draw(points: np.ndarray[Any, Any], size: tuple[int, int], background: int = 220) -> tuple[ByteArray, ByteArray]:
    """Draw a person of these points; returns the picture and the parsing."""
    width, height = size
    rgb = np.full((height, width, 3), background, dtype=np.uint8)
    rgb[:, :, 1] = np.linspace(100, 200, height, dtype=np.uint8)[:, None]
    parsing = np.zeros((height, width), dtype=np.uint8)
    scale = height / 160

    def limb(start: int, end: int, thickness: float, color: tuple[int, int, int], lip_class: int) -> None:
        ends = [tuple(np.round(points[index, :2]).astype(int).tolist()) for index in (start, end)]
        for canvas, value in ((rgb, color), (parsing, lip_class)):
            cv2.line(canvas, ends[0], ends[1], value, max(round(thickness * scale), 1))

    for hip, knee, ankle, lip_class in (
        (sk.RIGHT_HIP, sk.RIGHT_KNEE, sk.RIGHT_ANKLE, labels.PANTS),
        (sk.LEFT_HIP, sk.LEFT_KNEE, sk.LEFT_ANKLE, labels.PANTS),
    ):
        limb(hip, knee, 11, TROUSERS, lip_class)
        limb(knee, ankle, 10, TROUSERS, lip_class)
    corners = points[[sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER, sk.LEFT_HIP, sk.RIGHT_HIP], :2]
    for canvas, value in ((rgb, SHIRT), (parsing, labels.UPPER_CLOTHES)):
        cv2.fillConvexPoly(canvas, np.round(corners).astype(np.int32), value)
    for shoulder, elbow, wrist, lip_class in (
        (sk.RIGHT_SHOULDER, sk.RIGHT_ELBOW, sk.RIGHT_WRIST, labels.RIGHT_ARM),
        (sk.LEFT_SHOULDER, sk.LEFT_ELBOW, sk.LEFT_WRIST, labels.LEFT_ARM),
    ):
        limb(shoulder, elbow, 8, SHIRT, labels.UPPER_CLOTHES)
        limb(elbow, wrist, 7, SKIN, lip_class)
    for canvas, value in ((rgb, SKIN), (parsing, labels.FACE)):
        center = tuple(np.round(points[sk.NOSE, :2]).astype(int).tolist())
        cv2.circle(canvas, center, round(11 * scale), value, -1)
    return rgb, parsing


@dataclass
class KnowingEstimator:
    """Knows the drawn person's points: by the clip's frame, and of a standing one for pictures."""

    clip: list[np.ndarray[Any, np.dtype[np.float32]] | None]
    name: str = "knowing"

    def find_people(self, rgb: ByteArray) -> list[Person]:
        return [self.analyze_picture(rgb)]

    def analyze_picture(
        self, rgb: ByteArray, choice: PersonChoice = LARGEST, *, given_pose: Pose | None = None
    ) -> Person:
        height, width = rgb.shape[:2]
        if float(rgb.std()) < 1:
            raise NoPersonError("no person was found in the picture", remedy="Use another picture")
        points = standing() * np.array([height / 160, height / 160, 1], dtype=np.float32)
        pose = given_pose or Pose(points)
        _, parsing = draw(pose.points, (width, height))
        crop = PersonCrop(0, 0, 1, width, height)
        return Person(pose, crop, parsing, (parsing > 0).astype(np.float32))

    def follow(
        self, frames: Iterable[Frame], choice: PersonChoice = LARGEST, *, dense: bool = False
    ) -> Iterator[Observation]:
        for frame in frames:
            points = self.clip[frame.index]
            person = None if points is None else Person(Pose(points), PersonCrop(0, 0, 1, 90, 160))
            yield Observation(frame, person)


@dataclass(frozen=True)
class Scene:
    """Files of the drawn person.

    Attributes
    ----------
    person : a picture of 90x160
    dance : a clip of the same size, 24 frames at 12 a second
    person_poses, dance_poses : files of exact points
    matte : a gray picture
    """

    person: Path
    dance: Path
    person_poses: Path
    dance_poses: Path
    matte: Path
    frames: int = 24


def write_clip(path: Path, poses: list[Any], size: tuple[int, int] = (90, 160), rate: int = 12) -> None:
    with open_writer(path, width=size[0], height=size[1], frame_rate=Fraction(rate)) as writer:
        for index, points in enumerate(poses):
            writer.write(draw(points, size)[0], index / rate)


def write_poses(path: Path, poses: list[Any], size: tuple[int, int] = (90, 160), rate: int = 12) -> None:
    frames = [None if points is None else np.asarray(points).tolist() for points in poses]
    path.write_text(json.dumps({"file": "x", "width": size[0], "height": size[1], "fps": rate, "frames": frames}))


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("scene")
    rgb, parsing = draw(standing(), (90, 160))
    write_image(folder / "person.png", rgb)
    write_image(folder / "matte.png", np.repeat(((parsing > 0) * 255).astype(np.uint8)[..., None], 3, axis=2))
    poses = [waving(index / 24) for index in range(24)]
    write_clip(folder / "dance.mp4", poses)
    write_poses(folder / "dance.json", poses)
    write_poses(folder / "person.json", [standing()])
    return Scene(
        folder / "person.png", folder / "dance.mp4", folder / "person.json", folder / "dance.json", folder / "matte.png"
    )


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> KnowingEstimator:
    """Puts an estimator that knows the drawn person in the place of the bundled one."""
    estimator = KnowingEstimator([waving(index / 24) for index in range(24)])
    monkeypatch.setattr("motionwarp.pipeline.analysis.make_estimator", lambda name, device, dtype: estimator)
    return estimator
